/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_manifest.c - the manifest of a workload in a confidential guest. */
#include "identity.h"

#include <caisson/region.h>

#include "providers/region/manifest.h"

static void
region(const struct csn_manifest *m, const struct csn_manifest_region *r)
{
	const struct csn_manifest_source *from;
	uint64_t space;

	check(r->id != NULL && r->description != NULL);
	check(strlen(r->id) > 0 && strlen(r->id) <= CSN_REGION_ID_MAX);
	check(csn_protection_name((int)r->protection) != NULL);
	check(r->source < m->nsources);
	from = &m->sources[r->source];
	space = from->kind == CSN_SOURCE_FILE ? CSN_MANIFEST_FILE_SPACE :
	    CSN_MANIFEST_SPACE;
	/* No region reaches into the next source's addresses. */
	check(r->address < space && r->size <= space - r->address);
	check(r->size > 0 || from->kind == CSN_SOURCE_FILE);
	check(from->base <= UINT64_MAX - (space - 1));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	const struct csn_manifest_source *from;
	struct csn_manifest m;
	size_t i;
	int rc;

	rc = csn_manifest_parse(ctx, (const char *)data, len, &m);
	if (rc != 0) {
		check(rc == CSN_E_FORM || rc == CSN_E_VERSION ||
		    rc == CSN_E_REGION || rc == CSN_E_LIMIT);
		check(m.json == NULL && m.regions == NULL &&
		    m.sources == NULL);
		return 0;
	}
	check(m.workload != NULL && m.nregions > 0 && m.nsources > 0);
	for (i = 0; i < m.nsources; i++) {
		from = &m.sources[i];
		check(from->kind == CSN_SOURCE_PROCESS ?
		    (from->pid > 0) != (from->path != NULL) :
		    from->path != NULL && from->path[0] == '/');
	}
	for (i = 0; i < m.nregions; i++)
		region(&m, &m.regions[i]);
	csn_manifest_free(&m);
	return 0;
}
