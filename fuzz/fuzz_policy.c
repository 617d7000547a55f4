/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_policy.c - policies: one that is read is for a workload and has
 * references for each of its regions; what is refused names no place.
 */
#include "identity.h"

#include <jansson.h>

#include <caisson/attest.h>

#include "attest/policy.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_policy *p;
	size_t i, k;
	int rc;

	rc = csn_policy_parse(ctx, (const char *)data, len, NULL, &p);
	if (rc != 0) {
		check(rc == CSN_E_FORM || rc == CSN_E_VERSION);
		return 0;
	}
	check(strlen(csn_policy_workload(p)) > 0);
	check(p->n <= CSN_REGIONS_MAX);
	check(p->platform == NULL || json_is_object(p->platform));
	for (i = 0; i < p->n; i++) {
		check(p->regions[i].nrefs > 0 && p->regions[i].id != NULL);
		for (k = 0; k < p->regions[i].nrefs; k++)
			check(p->regions[i].refs[k].has_tree ||
			    p->regions[i].refs[k].has_flat);
		/* No file is read where none may be named. */
		check(p->regions[i].leaves == NULL);
	}
	csn_policy_free(p);
	return 0;
}
