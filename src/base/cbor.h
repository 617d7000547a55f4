/* SPDX-License-Identifier: Apache-2.0 */
/* base/cbor.h - deterministic CBOR (RFC 8949, 4.2), encoded and refused. */
#ifndef CSN_BASE_CBOR_H
#define CSN_BASE_CBOR_H

#include <caisson/context.h>

#include "base/cursor.h"

/*
 * Encoding writes through a csn_out. A map is built with begin/end: entries
 * may be added in any order, csn_cbor_map_end sorts them by their encoded
 * keys (bytewise) and marks the writer bad where two keys are equal or an
 * entry is not a key and one value. Maps nest. Text that is not UTF-8, or
 * holds a NUL, marks the writer bad. No depth is counted: an item that
 * csn_cbor_check() is to accept nests 16 deep at most.
 */
void csn_cbor_uint(struct csn_out *w, uint64_t v);
void csn_cbor_int(struct csn_out *w, int64_t v);
void csn_cbor_bytes(struct csn_out *w, const void *p, size_t len);
void csn_cbor_text(struct csn_out *w, const char *s);
void csn_cbor_textn(struct csn_out *w, const char *s, size_t len);
void csn_cbor_bool(struct csn_out *w, int v);
void csn_cbor_tag(struct csn_out *w, uint64_t tag);
void csn_cbor_array(struct csn_out *w, size_t n);	/* n items follow */

struct csn_cbor_map {
	struct csn_out *w;
	size_t start;		/* where the entries begin in w */
	size_t n;
};

/* Between begin and end: csn_cbor_key_int, then exactly one value, repeated. */
void csn_cbor_map_begin(struct csn_out *w, struct csn_cbor_map *m);
void csn_cbor_key_int(struct csn_cbor_map *m, int64_t key);
void csn_cbor_map_end(struct csn_cbor_map *m);

/*
 * Decoding: csn_cbor_check() walks one whole item first and refuses what is
 * not deterministic (longer heads than needed, indefinite lengths, unsorted
 * or equal keys, invalid UTF-8, bytes left over, nesting past 16, floats).
 * It also refuses what nothing here has a use for: simple values other than
 * false, true and null, keys that are neither integers, text nor bytes, and
 * text with a NUL. Arrays, maps and tags nest; 16 may lie in one another.
 * 0 or CSN_E_FORM, the sentence says at which byte.
 *
 * After it the typed readers below walk a csn_reader over it; each marks the
 * reader bad, and gives 0 or NULL, where the next item is of another type. On
 * bytes that were not checked they are safe too, but see no order of keys and
 * no UTF-8. A count of items or pairs is never more than the bytes left hold.
 */
int csn_cbor_check(struct csn_ctx *ctx, const uint8_t *p, size_t len);

enum csn_cbor_type {
	CSN_CBOR_UINT = 0, CSN_CBOR_NINT = 1, CSN_CBOR_BYTES = 2,
	CSN_CBOR_TEXT = 3, CSN_CBOR_ARRAY = 4, CSN_CBOR_MAP = 5,
	CSN_CBOR_TAG = 6, CSN_CBOR_SIMPLE = 7, CSN_CBOR_END = -1
};

int csn_cbor_peek(const struct csn_reader *r);	/* an enum csn_cbor_type */
uint64_t csn_cbor_get_uint(struct csn_reader *r);
int64_t csn_cbor_get_int(struct csn_reader *r);
const uint8_t *csn_cbor_get_bytes(struct csn_reader *r, size_t *len);
const char *csn_cbor_get_text(struct csn_reader *r, size_t *len);
int csn_cbor_get_bool(struct csn_reader *r);
uint64_t csn_cbor_get_tag(struct csn_reader *r);
size_t csn_cbor_get_array(struct csn_reader *r);
size_t csn_cbor_get_map(struct csn_reader *r);	/* pairs */
/* Skip one item, whatever it is; *p and *len, where given, are its bytes. */
void csn_cbor_skip(struct csn_reader *r, const uint8_t **p, size_t *len);

#endif
