/* base/cbor_write.c - writing deterministic CBOR (RFC 8949, 4.2). */
#include <stdlib.h>
#include <string.h>

#include <cbor/encoding.h>

#include "base/alloc.h"
#include "base/cbor.h"
#include "base/text.h"

#define HEAD_MAX 9

void
csn_cbor_uint(struct csn_out *w, uint64_t v)
{
	uint8_t head[HEAD_MAX];

	csn_put_bytes(w, head, cbor_encode_uint(v, head, sizeof(head)));
}

void
csn_cbor_int(struct csn_out *w, int64_t v)
{
	uint8_t head[HEAD_MAX];

	if (v >= 0)
		csn_cbor_uint(w, (uint64_t)v);
	else	/* what is written is -1 - v */
		csn_put_bytes(w, head, cbor_encode_negint(~(uint64_t)v, head,
		    sizeof(head)));
}

void
csn_cbor_bytes(struct csn_out *w, const void *p, size_t len)
{
	uint8_t head[HEAD_MAX];

	csn_put_bytes(w, head, cbor_encode_bytestring_start(len, head,
	    sizeof(head)));
	csn_put_bytes(w, p, len);
}

void
csn_cbor_textn(struct csn_out *w, const char *s, size_t len)
{
	uint8_t head[HEAD_MAX];

	/* What csn_cbor_check() would refuse is not written. */
	if (len != 0 && (memchr(s, 0, len) != NULL ||
	    !csn_utf8_valid(s, len))) {
		w->bad = 1;
		return;
	}
	csn_put_bytes(w, head, cbor_encode_string_start(len, head,
	    sizeof(head)));
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
	uint8_t head[HEAD_MAX];

	csn_put_bytes(w, head, cbor_encode_bool(v != 0, head, sizeof(head)));
}

void
csn_cbor_null(struct csn_out *w)
{
	uint8_t head[HEAD_MAX];

	csn_put_bytes(w, head, cbor_encode_null(head, sizeof(head)));
}

void
csn_cbor_tag(struct csn_out *w, uint64_t tag)
{
	uint8_t head[HEAD_MAX];

	csn_put_bytes(w, head, cbor_encode_tag(tag, head, sizeof(head)));
}

void
csn_cbor_array(struct csn_out *w, size_t n)
{
	uint8_t head[HEAD_MAX];

	csn_put_bytes(w, head, cbor_encode_array_start(n, head,
	    sizeof(head)));
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

void
csn_cbor_key_text(struct csn_cbor_map *m, const char *key)
{
	csn_cbor_text(m->w, key);
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
	uint8_t head[HEAD_MAX], *copy = NULL;
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
	csn_put_bytes(w, head, cbor_encode_map_start(m->n, head,
	    sizeof(head)));
	for (i = 0; i < m->n; i++)
		csn_put_bytes(w, entries[i].p, entries[i].len);
	goto out;

bad:
	w->bad = 1;
out:
	csn_wipe_free(copy, len);
	free(entries);
}
