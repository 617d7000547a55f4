/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/reach_stream.c - the counters of a stream, within reach. */
#include "seal/stream.c"
#include "seal/reach.h"

void
reach_stream(struct csn_stream *s, uint64_t index, uint64_t blocks)
{
	s->index = index;
	s->blocks = blocks;
}
