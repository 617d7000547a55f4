/* SPDX-License-Identifier: Apache-2.0 */
/* base/cbor_write.c - writing deterministic CBOR (RFC 8949, 4.2). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cbor.h"
#include "base/text.h"

/* Major types (RFC 8949, 3.1), and the simple values among the last one. */
enum {
	UINT = 0, NEGINT = 1, BYTES = 2, TEXT = 3, ARRAY = 4, MAP = 5, TAG = 6,
	SIMPLE = 7
};
enum { FALSE_VALUE = 20, TRUE_VALUE = 21 };

/* The head of an item, as short as its argument allows. */
static void
put_head(struct csn_out *w, unsigned major, uint64_t arg)
{
	unsigned size = arg <= UINT8_MAX ? 1 : arg <= UINT16_MAX ? 2 :
	    arg <= UINT32_MAX ? 4 : 8;

	if (arg < 24) {
		csn_put_u8(w, (uint8_t)(major << 5 | arg));
		return;
	}
	/* 24 to 27 say that 1, 2, 4 or 8 bytes follow, the highest first. */
	csn_put_u8(w, (uint8_t)(major << 5 | (size == 1 ? 24U : size == 2 ?
	    25U : size == 4 ? 26U : 27U)));
	while (size-- > 0)
		csn_put_u8(w, (uint8_t)(arg >> 8 * size));
}

void
csn_cbor_uint(struct csn_out *w, uint64_t v)
{
	put_head(w, UINT, v);
}

void
csn_cbor_int(struct csn_out *w, int64_t v)
{
	/* Of a negative one -1 - v is written. */
	put_head(w, v >= 0 ? UINT : NEGINT, (uint64_t)(v >= 0 ? v : ~v));
}

void
csn_cbor_bytes(struct csn_out *w, const void *p, size_t len)
{
	put_head(w, BYTES, len);
	csn_put_bytes(w, p, len);
}

void
csn_cbor_textn(struct csn_out *w, const char *s, size_t len)
{
	/* What csn_cbor_check() would refuse is not written. */
	if (len != 0 && (memchr(s, 0, len) != NULL ||
	    !csn_utf8_valid(s, len))) {
		w->bad = 1;
		return;
	}
	put_head(w, TEXT, len);
	csn_put_bytes(w, s, len);
}

void
csn_cbor_text(struct csn_out *w, const char *s)
{
	csn_cbor_textn(w, s, strlen(s));
}

void
csn_cbor_bool(struct csn_out *w, int v)
{
	put_head(w, SIMPLE, v != 0 ? TRUE_VALUE : FALSE_VALUE);
}

void
csn_cbor_tag(struct csn_out *w, uint64_t tag)
{
	put_head(w, TAG, tag);
}

void
csn_cbor_array(struct csn_out *w, size_t n)
{
	put_head(w, ARRAY, n);
}

void
csn_cbor_map_begin(struct csn_out *w, struct csn_cbor_map *m)
{
	m->w = w;
	m->start = w->len;
	m->n = 0;
}

void
csn_cbor_key_int(struct csn_cbor_map *m, int64_t key)
{
	csn_cbor_int(m->w, key);
	m->n++;
}

struct entry {
	const uint8_t *p;
	size_t key_len;
	size_t len;		/* key and value */
};

static int
compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;

	/* No item is the beginning of another, so this is the order. */
	return memcmp(x->p, y->p, len);	/* public */
}

/* n entries from r, no more and no less; whether they are. */
static int
find_entries(struct csn_reader *r, struct entry *entries, size_t n)
{
	size_t i, value_len;

	for (i = 0; i < n; i++) {
		csn_cbor_skip(r, &entries[i].p, &entries[i].key_len);
		csn_cbor_skip(r, NULL, &value_len);
		entries[i].len = entries[i].key_len + value_len;
	}
	return csn_reader_done(r);
}

void
csn_cbor_map_end(struct csn_cbor_map *m)
{
	struct csn_out *w = m->w;
	struct entry *entries = NULL;
	uint8_t *copy = NULL;
	struct csn_reader r;
	size_t i, len;

	if (w->bad)
		return;
	/* The entries are copied, and written back behind their head. */
	len = w->len - m->start;
	entries = csn_calloc(m->n, sizeof(*entries));
	copy = csn_memdup(len != 0 ? w->p + m->start : NULL, len);
	if (entries == NULL || copy == NULL)
		goto bad;
	csn_reader_init(&r, copy, len);
	if (!find_entries(&r, entries, m->n))
		goto bad;
	qsort(entries, m->n, sizeof(*entries), compare);
	for (i = 1; i < m->n; i++)
		if (compare(&entries[i - 1], &entries[i]) == 0)
			goto bad;
	w->len = m->start;
	put_head(w, MAP, m->n);
	for (i = 0; i < m->n; i++)
		csn_put_bytes(w, entries[i].p, entries[i].len);
	goto out;

bad:
	w->bad = 1;
out:
	csn_wipe_free(copy, len);
	free(entries);
}
