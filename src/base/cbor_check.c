/* SPDX-License-Identifier: Apache-2.0 */
/* base/cbor_check.c - refusing what is not deterministic CBOR. */
#include <string.h>

#include "base/cbor_head.h"
#include "base/fail.h"
#include "base/text.h"

#define DEEPEST 16

/* RFC 8949, 3.4.3: big numbers, whose content is bytes. */
#define TAG_BIG_POSITIVE 2
#define TAG_BIG_NEGATIVE 3

struct key {
	const uint8_t *p;
	size_t len;
};

static const char *check_item(struct csn_reader *r, int depth);

static const char *
check_string(struct csn_reader *r, int type, uint64_t len)
{
	const uint8_t *p;

	if (len > r->left)
		return "ends in the middle";
	p = csn_read_view(r, (size_t)len);
	if (type == CSN_CBOR_BYTES || len == 0)
		return NULL;
	if (!csn_utf8_valid((const char *)p, (size_t)len))
		return "is text that is not UTF-8";
	if (memchr(p, 0, (size_t)len) != NULL)
		return "is text with a NUL in it";
	return NULL;
}

static const char *
check_array(struct csn_reader *r, uint64_t n, int depth)
{
	const char *why = NULL;

	if (n > r->left)
		return "has more items than bytes";
	while (n-- > 0 && why == NULL)
		why = check_item(r, depth);
	return why;
}

/* 4.2.1: bytewise lexicographic order of the encoded keys. */
static const char *
check_order(const struct key *before, const struct key *key)
{
	size_t len = before->len < key->len ? before->len : key->len;
	int order;

	if (before->p == NULL)
		return NULL;
	/* No item is the beginning of another: the shorter one decides. */
	order = memcmp(before->p, key->p, len);	/* public */
	if (order == 0)
		return "has a key twice";
	return order > 0 ? "has keys that are not in order" : NULL;
}

static const char *
check_map(struct csn_reader *r, uint64_t n, int depth)
{
	struct key before = { NULL, 0 }, key;
	const char *why;
	int type;

	if (n > r->left / 2)
		return "has more items than bytes";
	for (; n > 0; n--, before = key) {
		type = csn_cbor_peek(r);
		if (type > CSN_CBOR_TEXT)
			return "has a key that is no integer, text or bytes";
		key.p = r->p;
		if ((why = check_item(r, depth)) != NULL)
			return why;
		key.len = (size_t)(r->p - key.p);
		if ((why = check_order(&before, &key)) != NULL)
			return why;
		if ((why = check_item(r, depth)) != NULL)
			return why;
	}
	return NULL;
}

/* 4.2.2: a big number has no leading zeros and is too big for a head. */
static const char *
check_big(struct csn_reader *r)
{
	const uint8_t *p;
	size_t len;

	p = csn_cbor_get_bytes(r, &len);
	if (p == NULL || len <= sizeof(uint64_t) || p[0] == 0)
		return "is a big number in another form than the shortest";
	return NULL;
}

/* depth: how many arrays, maps and tags the item lies in. */
static const char *
check_item(struct csn_reader *r, int depth)
{
	const char *why;
	uint64_t arg;
	int type;

	if ((why = csn_cbor_head(r, &type, &arg)) != NULL)
		return why;
	if (type == CSN_CBOR_BYTES || type == CSN_CBOR_TEXT)
		return check_string(r, type, arg);
	if (type < CSN_CBOR_ARRAY || type > CSN_CBOR_TAG)
		return NULL;
	if (depth >= DEEPEST)
		return "nests too deep";
	if (type == CSN_CBOR_ARRAY)
		return check_array(r, arg, depth + 1);
	if (type == CSN_CBOR_MAP)
		return check_map(r, arg, depth + 1);
	if (arg == TAG_BIG_POSITIVE || arg == TAG_BIG_NEGATIVE)
		return check_big(r);
	return check_item(r, depth + 1);
}

int
csn_cbor_check(struct csn_ctx *ctx, const uint8_t *p, size_t len)
{
	struct csn_reader r;
	const char *why;

	csn_reader_init(&r, p, len);
	why = check_item(&r, 0);
	if (why == NULL && r.left != 0)
		why = "is over, but bytes are left";
	if (why == NULL)
		return 0;
	return csn_fail(ctx, CSN_E_FORM, "base",
	    "this is not deterministic CBOR: near byte %zu an item %s",
	    p != NULL ? (size_t)(r.p - p) : 0, why);
}
