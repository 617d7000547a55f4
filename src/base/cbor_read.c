/* SPDX-License-Identifier: Apache-2.0 */
/* base/cbor_read.c - reading deterministic CBOR (RFC 8949, 4.2), typed. */
#include <string.h>

#include "base/cbor_head.h"

const char *
csn_cbor_head(struct csn_reader *r, int *type, uint64_t *arg)
{
	const uint8_t *p;
	const char *why;
	unsigned info;
	size_t bytes, i;
	uint64_t v;

	*type = CSN_CBOR_END;
	*arg = 0;
	why = "ends in the middle";
	if ((p = csn_read_view(r, 1)) == NULL)
		return why;
	*type = p[0] >> 5;
	info = p[0] & 31;
	if (info < 24) {
		*arg = info;
		why = "is a simple value other than false, true and null";
		if (*type == CSN_CBOR_SIMPLE &&
		    (info < CSN_CBOR_FALSE || info > CSN_CBOR_NULL))
			goto bad;
		return NULL;
	}
	why = "is a floating-point number or a longer simple value";
	if (*type == CSN_CBOR_SIMPLE && info < 28)
		goto bad;
	why = "has an indefinite length";
	if (info == 31)
		goto bad;
	why = "begins with a byte that means nothing";
	if (info > 27)
		goto bad;
	bytes = (size_t)1 << (info - 24);
	why = "ends in the middle";
	if ((p = csn_read_view(r, bytes)) == NULL)
		return why;
	for (v = 0, i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	/* The shortest form: what half as many bytes hold, or 23, is less. */
	why = "has a longer head than it needs";
	if (bytes == 1 ? v < 24 : v >> (4 * bytes) == 0)
		goto bad;
	*arg = v;
	return NULL;

bad:
	r->bad = 1;
	r->left = 0;
	return why;
}

int
csn_cbor_peek(const struct csn_reader *r)
{
	return r->bad || r->left == 0 ? CSN_CBOR_END : r->p[0] >> 5;
}

/* The argument of the next item, which is of that type, or 0 and bad. */
static uint64_t
expect(struct csn_reader *r, int type)
{
	uint64_t arg;
	int got;

	if (csn_cbor_head(r, &got, &arg) == NULL && got == type)
		return arg;
	r->bad = 1;
	r->left = 0;
	return 0;
}

uint64_t
csn_cbor_get_uint(struct csn_reader *r)
{
	return expect(r, CSN_CBOR_UINT);
}

int64_t
csn_cbor_get_int(struct csn_reader *r)
{
	int type = csn_cbor_peek(r);
	uint64_t v;

	v = expect(r, type == CSN_CBOR_NINT ? CSN_CBOR_NINT : CSN_CBOR_UINT);
	if (v > INT64_MAX) {
		r->bad = 1;
		r->left = 0;
	}
	if (r->bad)
		return 0;
	return type == CSN_CBOR_NINT ? -1 - (int64_t)v : (int64_t)v;
}

static const uint8_t *
string(struct csn_reader *r, int type, size_t *len)
{
	const uint8_t *p;
	uint64_t v;

	v = expect(r, type);
	p = csn_read_view(r, v < SIZE_MAX ? (size_t)v : SIZE_MAX);
	*len = p != NULL ? (size_t)v : 0;
	return p;
}

const uint8_t *
csn_cbor_get_bytes(struct csn_reader *r, size_t *len)
{
	return string(r, CSN_CBOR_BYTES, len);
}

const char *
csn_cbor_get_text(struct csn_reader *r, size_t *len)
{
	return (const char *)string(r, CSN_CBOR_TEXT, len);
}

int
csn_cbor_get_bool(struct csn_reader *r)
{
	uint64_t v = expect(r, CSN_CBOR_SIMPLE);

	if (v == CSN_CBOR_FALSE || v == CSN_CBOR_TRUE)
		return v == CSN_CBOR_TRUE;
	r->bad = 1;
	r->left = 0;
	return 0;
}

uint64_t
csn_cbor_get_tag(struct csn_reader *r)
{
	return expect(r, CSN_CBOR_TAG);
}

/* A count of things that are `each` bytes long at least. */
static size_t
count(struct csn_reader *r, int type, size_t each)
{
	uint64_t n;

	n = expect(r, type);
	if (n <= r->left / each)
		return (size_t)n;
	r->bad = 1;
	r->left = 0;
	return 0;
}

size_t
csn_cbor_get_array(struct csn_reader *r)
{
	return count(r, CSN_CBOR_ARRAY, 1);
}

size_t
csn_cbor_get_map(struct csn_reader *r)
{
	return count(r, CSN_CBOR_MAP, 2);
}

void
csn_cbor_skip(struct csn_reader *r, const uint8_t **p, size_t *len)
{
	const uint8_t *start = r->p;
	size_t todo, ignored;

	/*
	 * No recursion: todo says how many items are still to come, and one
	 * that is more than the bytes left is bad, so it cannot overflow.
	 */
	for (todo = 1; todo > 0 && !r->bad; todo--) {
		switch (csn_cbor_peek(r)) {
		case CSN_CBOR_BYTES:
			csn_cbor_get_bytes(r, &ignored);
			break;
		case CSN_CBOR_TEXT:
			csn_cbor_get_text(r, &ignored);
			break;
		case CSN_CBOR_ARRAY:
			todo += csn_cbor_get_array(r);
			break;
		case CSN_CBOR_MAP:
			todo += 2 * csn_cbor_get_map(r);
			break;
		case CSN_CBOR_TAG:
			csn_cbor_get_tag(r);
			todo++;
			break;
		default:
			expect(r, csn_cbor_peek(r));
			break;
		}
		if (todo - 1 > r->left)
			r->bad = 1;
	}
	if (r->bad)
		r->left = 0;
	if (p != NULL)
		*p = r->bad ? NULL : start;
	if (len != NULL)
		*len = r->bad ? 0 : (size_t)(r->p - start);
}
