/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/reach_opener.c - the counters of a opener, within reach. */
#include "seal/opener.c"
#include "seal/reach.h"

void
reach_opener(struct csn_opener *o, uint64_t index, uint64_t blocks)
{
	o->index = index;
	o->blocks = blocks;
}
