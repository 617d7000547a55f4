/* SPDX-License-Identifier: Apache-2.0 */
/* attest/policy.c - what a policy holds, and its end. */
#include <stdlib.h>

#include <jansson.h>

#include "attest/policy.h"

void
csn_policy_free(struct csn_policy *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->n; i++) {
		free(p->regions[i].id);
		free(p->regions[i].refs);
		free(p->regions[i].leaves);
	}
	free(p->regions);
	free(p->workload);
	json_decref(p->platform);
	free(p);
}

const char *
csn_policy_workload(const struct csn_policy *p)
{
	return p->workload;
}
