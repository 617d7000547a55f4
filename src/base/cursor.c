/* SPDX-License-Identifier: Apache-2.0 */
/* base/cursor.c - bounds-checked reading and writing of bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cursor.h"

void
csn_reader_init(struct csn_reader *r, const void *p, size_t len)
{
	static const uint8_t nothing[1];

	r->p = p != NULL ? p : nothing;
	r->left = p != NULL ? len : 0;
	r->bad = p == NULL && len != 0;
}

const uint8_t *
csn_read_view(struct csn_reader *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->bad || len > r->left) {
		r->bad = 1;
		r->left = 0;
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return p;
}

uint8_t
csn_read_u8(struct csn_reader *r)
{
	const uint8_t *p;

	return (p = csn_read_view(r, 1)) != NULL ? p[0] : 0;
}

static uint64_t
read_le(struct csn_reader *r, size_t bytes)
{
	const uint8_t *p;
	uint64_t v = 0;

	if ((p = csn_read_view(r, bytes)) == NULL)
		return 0;
	while (bytes-- > 0)
		v = v << 8 | p[bytes];
	return v;
}

uint16_t
csn_read_u16(struct csn_reader *r)
{
	return (uint16_t)read_le(r, 2);
}

uint32_t
csn_read_u32(struct csn_reader *r)
{
	return (uint32_t)read_le(r, 4);
}

uint64_t
csn_read_u64(struct csn_reader *r)
{
	return read_le(r, 8);
}

void
csn_read_bytes(struct csn_reader *r, void *out, size_t len)
{
	const uint8_t *p;

	p = csn_read_view(r, len);
	if (len == 0)
		return;
	if (p != NULL)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}

const uint8_t *
csn_read_view16(struct csn_reader *r, size_t *len)
{
	const uint8_t *p;
	size_t n;

	n = csn_read_u16(r);
	p = csn_read_view(r, n);
	*len = p != NULL ? n : 0;
	return p;
}

int
csn_reader_ok(const struct csn_reader *r)
{
	return !r->bad;
}

int
csn_reader_done(const struct csn_reader *r)
{
	return !r->bad && r->left == 0;
}

void
csn_out_init(struct csn_out *w)
{
	memset(w, 0, sizeof(*w));
}

void
csn_out_fixed(struct csn_out *w, void *p, size_t cap)
{
	memset(w, 0, sizeof(*w));
	w->p = p;
	w->cap = cap;
	w->fixed = 1;
}

/* Room for len more bytes, or NULL and a bad writer. */
static uint8_t *
reserve(struct csn_out *w, size_t len)
{
	uint8_t *p;
	size_t cap;

	if (w->bad)
		return NULL;
	if (len <= w->cap - w->len)
		return w->p + w->len;
	if (w->fixed || len > PTRDIFF_MAX / 2 - w->len)
		goto bad;
	cap = w->cap < 64 ? 64 : w->cap;
	while (cap < w->len + len)
		cap *= 2;
	/* Not realloc: what it moved away from would keep the bytes. */
	if ((p = malloc(cap)) == NULL)
		goto bad;
	if (w->len != 0)
		memcpy(p, w->p, w->len);
	csn_wipe_free(w->p, w->len);
	w->p = p;
	w->cap = cap;
	return w->p + w->len;

bad:
	w->bad = 1;
	return NULL;
}

void
csn_put_bytes(struct csn_out *w, const void *p, size_t len)
{
	uint8_t *to;

	if (len == 0 || (to = reserve(w, len)) == NULL)
		return;
	memcpy(to, p, len);
	w->len += len;
}

static void
put_le(struct csn_out *w, uint64_t v, size_t bytes)
{
	uint8_t le[8];
	size_t i;

	for (i = 0; i < bytes; i++)
		le[i] = (uint8_t)(v >> (8 * i));
	csn_put_bytes(w, le, bytes);
}

void
csn_put_u8(struct csn_out *w, uint8_t v)
{
	csn_put_bytes(w, &v, 1);
}

void
csn_put_u16(struct csn_out *w, uint16_t v)
{
	put_le(w, v, 2);
}

void
csn_put_u32(struct csn_out *w, uint32_t v)
{
	put_le(w, v, 4);
}

void
csn_put_u64(struct csn_out *w, uint64_t v)
{
	put_le(w, v, 8);
}

void
csn_put_bytes16(struct csn_out *w, const void *p, size_t len)
{
	if (len > UINT16_MAX) {
		w->bad = 1;
		return;
	}
	csn_put_u16(w, (uint16_t)len);
	csn_put_bytes(w, p, len);
}

int
csn_out_ok(const struct csn_out *w)
{
	return !w->bad;
}

void
csn_out_wipe(struct csn_out *w)
{
	csn_wipe(w->p, w->len);
	w->len = 0;
	if (w->fixed)
		return;
	free(w->p);
	memset(w, 0, sizeof(*w));
}
