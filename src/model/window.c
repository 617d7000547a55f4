/* SPDX-License-Identifier: Apache-2.0 */
/* model/window.c - a header read front to back through a small buffer. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "model/window.h"

int
csn_part_read(struct csn_model *m, const struct csn_part *part,
    uint64_t offset, uint8_t *p, size_t len)
{
	size_t got = 0;
	int rc;

	if (len == 0)
		return 0;
	if ((rc = part->source.read(part->source.arg, offset, p, len,
	    &got)) != 0)
		return rc;
	if (got != len)
		return csn_fail(m->ctx, CSN_E_IO, ROOM, "%s gave %zu bytes "
		    "at byte %llu where it should have %zu: it became shorter",
		    part->source.name, got, (unsigned long long)offset, len);
	return 0;
}

int
csn_window_init(struct csn_window *w, struct csn_model *m,
    const struct csn_part *part, uint64_t at, uint64_t end)
{
	memset(w, 0, sizeof(*w));
	w->m = m;
	w->part = part;
	w->at = w->base = at;
	w->end = end;
	if ((w->buf = csn_calloc(CSN_WINDOW, 1)) == NULL)
		w->rc = csn_nomem(m->ctx, ROOM, "a header");
	return w->rc;
}

void
csn_window_free(struct csn_window *w)
{
	free(w->buf);
	w->buf = NULL;
}

int
csn_window_bad(struct csn_window *w, int code, uint64_t at, const char *fmt,
    ...)
{
	char what[512];
	va_list ap;

	if (w->rc != 0)
		return w->rc;
	va_start(ap, fmt);
	if (vsnprintf(what, sizeof(what), fmt, ap) < 0)
		what[0] = '\0';
	va_end(ap);
	return w->rc = csn_fail(w->m->ctx, code, ROOM, "%s, byte %llu: %s",
	    w->part->source.name, (unsigned long long)at, what);
}

/* Have the byte at w->at in the buffer; the caller knows that it is there. */
static int
fill(struct csn_window *w)
{
	size_t want = CSN_WINDOW;
	int rc;

	if (w->rc != 0 || (w->at >= w->base && w->at - w->base < w->have))
		return w->rc;
	if (csn_window_left(w) < want)
		want = (size_t)csn_window_left(w);
	w->base = w->at;
	w->have = 0;
	if ((rc = csn_part_read(w->m, w->part, w->at, w->buf, want)) != 0)
		return w->rc = rc;
	w->have = want;
	return 0;
}

static int
room(struct csn_window *w, uint64_t len, const char *what)
{
	if (w->rc == 0 && len > csn_window_left(w))
		return csn_window_bad(w, CSN_E_FORM, w->at, "%s needs %llu "
		    "bytes, and %llu are left", what, (unsigned long long)len,
		    (unsigned long long)csn_window_left(w));
	return w->rc;
}

int
csn_window_bytes(struct csn_window *w, void *p, size_t len, const char *what)
{
	uint8_t *to = p;
	size_t n;

	memset(p, 0, len);
	if (room(w, len, what) != 0)
		return w->rc;
	while (len > 0 && fill(w) == 0) {
		n = w->have - (size_t)(w->at - w->base);
		if (n > len)
			n = len;
		memcpy(to, w->buf + (w->at - w->base), n);
		to += n;
		len -= n;
		w->at += n;
	}
	return w->rc;
}

int
csn_window_skip(struct csn_window *w, uint64_t len, const char *what)
{
	if (room(w, len, what) == 0)
		w->at += len;
	return w->rc;
}

int
csn_window_peek(struct csn_window *w)
{
	if (w->rc != 0 || csn_window_left(w) == 0 || fill(w) != 0)
		return -1;
	return w->buf[w->at - w->base];
}

int
csn_window_next(struct csn_window *w)
{
	int c = csn_window_peek(w);

	if (c >= 0)
		w->at++;
	return c;
}

int
csn_utf8_byte(struct csn_utf8 *u, uint8_t b)
{
	if (u->more > 0) {
		if (b < u->low || b > u->high)
			return -1;
		u->more--;
		u->low = 0x80;
		u->high = 0xbf;
		return 0;
	}
	if (b < 0x80)
		return 0;
	if (b < 0xc2 || b > 0xf4)
		return -1;
	u->more = b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
	/* RFC 3629: no longer form than needed, no surrogate, no end past. */
	u->low = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
	u->high = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
	return 0;
}

int
csn_window_utf8(struct csn_window *w, uint64_t len, const char *what)
{
	struct csn_utf8 u = { 0 };
	int c;

	if (room(w, len, what) != 0)
		return w->rc;
	for (; len > 0; len--) {
		if ((c = csn_window_next(w)) < 0)
			return w->rc;
		if (csn_utf8_byte(&u, (uint8_t)c) != 0)
			return csn_window_bad(w, CSN_E_FORM, w->at - 1,
			    "%s is not UTF-8", what);
	}
	if (u.more > 0)
		return csn_window_bad(w, CSN_E_FORM, w->at, "%s ends within "
		    "a character of UTF-8", what);
	return 0;
}
