/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/reach_sealer.c - the counters of a sealer, within reach. */
#include "seal/sealer.c"
#include "seal/reach.h"

void
reach_sealer(struct csn_sealer *s, uint64_t index, uint64_t blocks)
{
	s->index = index;
	s->blocks = blocks;
}
