/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/seal/reach.h - counters set as if that much had been sealed. Each
 * reach_*.c holds the file of the library whose counters they are, so that
 * nothing of this is in the library.
 */
#ifndef CAISSON_TESTS_SEAL_REACH_H
#define CAISSON_TESTS_SEAL_REACH_H

#include <caisson/seal.h>

void reach_stream(struct csn_stream *s, uint64_t index, uint64_t blocks);
void reach_sealer(struct csn_sealer *s, uint64_t index, uint64_t blocks);
void reach_opener(struct csn_opener *o, uint64_t index, uint64_t blocks);

#endif
