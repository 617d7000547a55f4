/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/look.h - what tests of region providers share. */
#ifndef CAISSON_TESTS_ATTEST_LOOK_H
#define CAISSON_TESTS_ATTEST_LOOK_H

#include <caisson/region.h>

/* A region with strings of its own, as it was listed. */
struct look {
	struct csn_region region;
	char id[CSN_REGION_ID_MAX + 1];
	char description[257];
};

/* Find one by id, or by its place. 0, CSN_E_NOT_FOUND, or list's error. */
int look_for(struct csn_regions *regions, const char *id, struct look *out);
int look_at(struct csn_regions *regions, uint64_t address, struct look *out);
/* How many there are, or list's error. */
int look_count(struct csn_regions *regions);

#endif
