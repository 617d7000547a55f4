/* SPDX-License-Identifier: Apache-2.0 */
/* base/cbor_head.h - what the readers of CBOR share. */
#ifndef CSN_BASE_CBOR_HEAD_H
#define CSN_BASE_CBOR_HEAD_H

#include "base/cbor.h"

/* A simple value's argument (RFC 8949, 3.3). */
#define CSN_CBOR_FALSE 20
#define CSN_CBOR_TRUE 21
#define CSN_CBOR_NULL 22

/*
 * Read one head: its type in *type, its argument (a number, a length, a
 * count, a tag, a simple value) in *arg. 0, or a sentence, and r is bad,
 * where there is none or it is not deterministic.
 */
const char *csn_cbor_head(struct csn_reader *r, int *type, uint64_t *arg);

#endif
