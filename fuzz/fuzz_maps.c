/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_maps.c - the list of a process's mappings: what is accepted is in
 * order, and every address is found in the mapping that holds it.
 */
#include "identity.h"
#include "providers/region/look/maps.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct csn_map *m;
	struct csn_maps maps;
	uint64_t last = 0;
	size_t i;

	if (csn_maps_parse(fuzz_ctx(), (const char *)data, len, &maps) != 0) {
		check(maps.v == NULL && maps.n == 0);
		return 0;
	}
	for (i = 0; i < maps.n; i++) {
		m = &maps.v[i];
		check(m->start >= last && m->end > m->start);
		check(strlen(m->perms_text) == 4);
		check(strchr(m->path, '\n') == NULL);
		check(csn_maps_find(&maps, m->start) == m);
		check(csn_maps_find(&maps, m->end - 1) == m);
		check(csn_maps_cover(&maps, m->start, m->end - m->start));
		if (m->start > last)
			check(csn_maps_find(&maps, m->start - 1) == NULL);
		last = m->end;
	}
	csn_maps_free(&maps);
	return 0;
}
