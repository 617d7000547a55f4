/* SPDX-License-Identifier: Apache-2.0 */
/* cache/mp.c - reading MessagePack that others wrote. */
#include <string.h>

#include "base/fail.h"
#include "base/text.h"
#include "cache/mp.h"

#define ROOM "cache"

/* The first bytes of the MessagePack specification's table of formats. */
enum { FIX_MAP = 0x80, FIX_ARRAY = 0x90, FIX_STR = 0xa0, NIL = 0xc0,
    NEVER = 0xc1, NO = 0xc2, YES = 0xc3, BIN_8 = 0xc4, BIN_32 = 0xc6,
    EXT_8 = 0xc7, EXT_32 = 0xc9, FLOAT_32 = 0xca, FLOAT_64 = 0xcb,
    UINT_8 = 0xcc, UINT_64 = 0xcf, INT_8 = 0xd0, INT_64 = 0xd3,
    FIX_EXT_1 = 0xd4, FIX_EXT_16 = 0xd8, STR_8 = 0xd9, STR_32 = 0xdb,
    ARRAY_16 = 0xdc, ARRAY_32 = 0xdd, MAP_16 = 0xde, MAP_32 = 0xdf,
    NEGATIVE = 0xe0 };

/* A big-endian integer of 1, 2, 4 or 8 bytes. */
static uint64_t
big_endian(struct csn_reader *r, size_t bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | csn_read_u8(r);
	return v;
}

static uint8_t
peek(const struct csn_reader *r)
{
	return r->bad || r->left == 0 ? NEVER : r->p[0];
}

size_t
csn_mp_array(struct csn_reader *r)
{
	uint8_t b = csn_read_u8(r);

	if (b >= FIX_ARRAY && b < FIX_STR)
		return b & 0x0f;
	if (b == ARRAY_16 || b == ARRAY_32)
		return (size_t)big_endian(r, b == ARRAY_16 ? 2 : 4);
	r->bad = 1;
	return 0;
}

uint64_t
csn_mp_uint(struct csn_reader *r)
{
	uint8_t b = csn_read_u8(r);

	if (b < FIX_MAP)
		return b;
	if (b >= UINT_8 && b <= UINT_64)
		return big_endian(r, (size_t)1 << (b - UINT_8));
	r->bad = 1;
	return 0;
}

const char *
csn_mp_str(struct csn_reader *r, size_t *len)
{
	uint8_t b = csn_read_u8(r);

	*len = 0;
	if (b >= FIX_STR && b < NIL)
		*len = b & 0x1f;
	else if (b >= STR_8 && b <= STR_32)
		*len = (size_t)big_endian(r, (size_t)1 << (b - STR_8));
	else
		r->bad = 1;
	return (const char *)csn_read_view(r, *len);
}

int
csn_mp_is_bin(const struct csn_reader *r)
{
	return peek(r) >= BIN_8 && peek(r) <= BIN_32;
}

const uint8_t *
csn_mp_bin(struct csn_reader *r, size_t *len)
{
	uint8_t b = csn_read_u8(r);

	*len = 0;
	if (b >= BIN_8 && b <= BIN_32)
		*len = (size_t)big_endian(r, (size_t)1 << (b - BIN_8));
	else
		r->bad = 1;
	return csn_read_view(r, *len);
}

/* --- a whole document ------------------------------------------------- */

/* A collection that is open: how many values are left in it. */
struct open {
	uint64_t left;
	int map;
};

static int
bad_float(struct csn_reader *r, uint8_t b)
{
	/* The exponent all ones: an infinity or a NaN (IEEE 754). */
	if (b == FLOAT_32)
		return (big_endian(r, 4) >> 23 & 0xff) == 0xff;
	return (big_endian(r, 8) >> 52 & 0x7ff) == 0x7ff;
}

/* 0 for a scalar, 1 for a collection (*o gets it), -1 for what may not be. */
static int
read_value(struct csn_reader *r, int interop, struct open *o)
{
	uint8_t b = peek(r);
	const char *s;
	size_t len;

	if (b < FIX_MAP || b >= NEGATIVE || b == NIL || b == NO || b == YES) {
		(void)csn_read_u8(r);
		return 0;
	}
	if ((b >= FIX_STR && b < NIL) || (b >= STR_8 && b <= STR_32)) {
		s = csn_mp_str(r, &len);
		return s == NULL || (interop && !csn_utf8_valid(s, len)) ?
		    -1 : 0;
	}
	if (b >= BIN_8 && b <= BIN_32)
		return csn_mp_bin(r, &len) == NULL ? -1 : 0;
	if ((b >= FIX_ARRAY && b < FIX_STR) || b == ARRAY_16 ||
	    b == ARRAY_32) {
		*o = (struct open){ .left = csn_mp_array(r) };
		return 1;
	}
	(void)csn_read_u8(r);
	if (b < FIX_ARRAY || b == MAP_16 || b == MAP_32) {
		o->map = 1;
		o->left = 2 * (b < FIX_ARRAY ? (uint64_t)(b & 0x0f) :
		    big_endian(r, b == MAP_16 ? 2 : 4));
		return 1;
	}
	if (b == FLOAT_32 || b == FLOAT_64)
		return bad_float(r, b) && interop ? -1 : 0;
	if ((b >= UINT_8 && b <= UINT_64) || (b >= INT_8 && b <= INT_64)) {
		(void)csn_read_view(r, (size_t)1 << ((b - UINT_8) & 3));
		return 0;
	}
	if (interop)
		return -1;
	if (b >= EXT_8 && b <= EXT_32)
		len = (size_t)big_endian(r, (size_t)1 << (b - EXT_8)) + 1;
	else if (b >= FIX_EXT_1 && b <= FIX_EXT_16)
		len = ((size_t)1 << (b - FIX_EXT_1)) + 1;
	else
		return -1;
	return csn_read_view(r, len) == NULL ? -1 : 0;
}

static int
is_str(uint8_t b)
{
	return (b >= FIX_STR && b < NIL) || (b >= STR_8 && b <= STR_32);
}

int
csn_mp_check(const struct csn_ctx *ctx, const uint8_t *p, size_t len,
    int interop)
{
	uint64_t left[CSN_MP_DEPTH];
	uint8_t map[CSN_MP_DEPTH];
	struct open next;
	struct csn_reader r;
	size_t depth = 0;
	int kind;

	csn_reader_init(&r, p, len);
	do {
		if (depth > 0) {
			if (interop && map[depth - 1] &&
			    left[depth - 1] % 2 == 0 && !is_str(peek(&r)))
				goto bad;
			left[depth - 1]--;
		}
		memset(&next, 0, sizeof(next));
		kind = read_value(&r, interop, &next);
		/* Each value takes a byte, so no count is believed. */
		if (kind < 0 || !csn_reader_ok(&r) || next.left > r.left)
			goto bad;
		if (kind == 1 && depth == CSN_MP_DEPTH)
			return csn_fail(ctx, CSN_E_LIMIT, ROOM, "the value's "
			    "MessagePack nests deeper than %d", CSN_MP_DEPTH);
		if (kind == 1) {
			left[depth] = next.left;
			map[depth++] = next.map != 0;
		}
		while (depth > 0 && left[depth - 1] == 0)
			depth--;
	} while (depth > 0);
	if (!csn_reader_done(&r))
		goto bad;
	return 0;

bad:
	return csn_fail(ctx, CSN_E_FORM, ROOM, interop ? "the value is not "
	    "one MessagePack document of interop mode's data model" :
	    "the value is not one well-formed MessagePack document");
}
