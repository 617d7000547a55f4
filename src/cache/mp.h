/* SPDX-License-Identifier: Apache-2.0 */
/* cache/mp.h - reading MessagePack that others wrote. */
#ifndef CSN_CACHE_MP_H
#define CSN_CACHE_MP_H

#include <caisson/context.h>

#include "base/cursor.h"

/*
 * msgpack-c reads a document into a tree of objects, 24 bytes for each byte
 * of an array: a forged entry of 512 MiB would ask for 12 GiB. So what comes
 * from a backend is read here, through the bounds-checked cursor, in place.
 * Each function marks the reader bad where something else stands.
 */
size_t csn_mp_array(struct csn_reader *r);
uint64_t csn_mp_uint(struct csn_reader *r);
/* Views. */
const char *csn_mp_str(struct csn_reader *r, size_t *len);
/* 1 where a bin stands next; else an array of integers may. */
int csn_mp_is_bin(const struct csn_reader *r);
const uint8_t *csn_mp_bin(struct csn_reader *r, size_t *len);

#define CSN_MP_DEPTH 512

/*
 * One whole document and nothing behind it. interop: also of the protocol's
 * data model: no extension types, map keys that are strings, strings that are
 * UTF-8, no NaN and no infinity. CSN_E_FORM, CSN_E_LIMIT past CSN_MP_DEPTH.
 */
CSN_MUST_CHECK int csn_mp_check(const struct csn_ctx *ctx, const uint8_t *p,
    size_t len, int interop);

#endif
