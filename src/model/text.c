/* SPDX-License-Identifier: Apache-2.0 */
/* model/text.c - JSON read from a window, member by member. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "model/text.h"

/* Where the bytes of a string go. */
struct sink {
	struct csn_text *t;	/* NULL: nowhere */
	size_t max;
	uint64_t len;
	int nul;
};

void
csn_text_free(struct csn_text *t)
{
	csn_window_free(&t->w);
	free(t->p);
	t->p = NULL;
}

int
csn_text_peek(struct csn_text *t)
{
	int c;

	while ((c = csn_window_peek(&t->w)) == ' ' || c == '\t' ||
	    c == '\n' || c == '\r')
		t->w.at++;
	return c;
}

int
csn_text_expect(struct csn_text *t, int c, const char *what)
{
	if (csn_text_peek(t) != c)
		return csn_window_bad(&t->w, CSN_E_FORM, t->w.at,
		    "%s should stand here", what);
	t->w.at++;
	return 0;
}

/* --- strings ------------------------------------------------------------- */

static int
put(struct csn_window *w, struct sink *s, uint8_t b)
{
	struct csn_text *t = s->t;
	size_t more;
	char *p;

	if (b == 0 && !s->nul)
		return csn_window_bad(w, CSN_E_FORM, w->at - 1,
		    "a NUL stands within a name");
	if (s->len++ >= s->max)
		return csn_window_bad(w, CSN_E_LIMIT, w->at - 1,
		    "a string has more than %zu bytes", s->max);
	if (t == NULL)
		return 0;
	if (t->len + 1 >= t->cap) {
		more = t->cap > 0 ? 2 * t->cap : 256;
		if ((p = csn_realloc(t->p, more, 1)) == NULL)
			return w->rc = csn_nomem(w->m->ctx, ROOM, "a string");
		t->p = p;
		t->cap = more;
	}
	t->p[t->len++] = (char)b;
	t->p[t->len] = '\0';
	return 0;
}

static int
put_character(struct csn_window *w, struct sink *s, uint32_t c)
{
	uint8_t b[4];
	size_t i, n = 0;
	int rc = 0;

	if (c < 0x80) {
		b[n++] = (uint8_t)c;
	} else if (c < 0x800) {
		b[n++] = (uint8_t)(0xc0 | c >> 6);
		b[n++] = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		b[n++] = (uint8_t)(0xe0 | c >> 12);
		b[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		b[n++] = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		b[n++] = (uint8_t)(0xf0 | c >> 18);
		b[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		b[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		b[n++] = (uint8_t)(0x80 | (c & 0x3f));
	}
	for (i = 0; i < n && rc == 0; i++)
		rc = put(w, s, b[i]);
	return rc;
}

static int
hex4(struct csn_window *w, uint32_t *out)
{
	uint32_t v = 0;
	int i, c;

	for (i = 0; i < 4; i++) {
		c = csn_window_next(w);
		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f' && c > 0)
			v = v << 4 | (uint32_t)((c | 32) - 'a' + 10);
		else
			return csn_window_bad(w, CSN_E_FORM, w->at,
			    "four hex digits should stand behind \\u");
	}
	*out = v;
	return 0;
}

static int
escape(struct csn_window *w, struct sink *s)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	uint32_t c, low;
	int e = csn_window_next(w);

	if (e > 0 && (found = strchr(from, e)) != NULL)
		return put(w, s, (uint8_t)to[found - from]);
	if (e != 'u')
		return csn_window_bad(w, CSN_E_FORM, w->at,
		    "no such escape in a string");
	if (hex4(w, &c) != 0)
		return w->rc;
	if (c >= 0xd800 && c < 0xdc00) {
		if (csn_window_next(w) != '\\' || csn_window_next(w) != 'u')
			goto lone;
		if (hex4(w, &low) != 0)
			return w->rc;
		if (low < 0xdc00 || low > 0xdfff)
			goto lone;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c <= 0xdfff) {
		goto lone;
	}
	return put_character(w, s, c);
lone:
	return csn_window_bad(w, CSN_E_FORM, w->at,
	    "half a surrogate stands alone");
}

/* From behind the opening quote to behind the closing one. */
static int
string(struct csn_window *w, struct sink *s)
{
	struct csn_utf8 u = { 0 };
	int c;

	while ((c = csn_window_next(w)) != '"' || u.more > 0) {
		if (c < 0)
			return csn_window_bad(w, CSN_E_FORM, w->at,
			    "a string does not end");
		if (c < 32)
			return csn_window_bad(w, CSN_E_FORM, w->at - 1,
			    "a control character stands in a string");
		if (csn_utf8_byte(&u, (uint8_t)c) != 0)
			return csn_window_bad(w, CSN_E_FORM, w->at - 1,
			    "a string is not UTF-8");
		if ((c == '\\' ? escape(w, s) : put(w, s, (uint8_t)c)) != 0)
			return w->rc;
	}
	return 0;
}

int
csn_text_string_rest(struct csn_text *t, size_t max)
{
	struct sink s = { t, max, 0, 1 };

	t->len = 0;
	return string(&t->w, &s);
}

int
csn_text_string(struct csn_text *t, size_t max, int nul)
{
	struct sink s = { t, max, 0, nul };

	t->len = 0;
	if (csn_text_expect(t, '"', "a string") != 0)
		return t->w.rc;
	t->at = t->w.at;
	if (string(&t->w, &s) != 0)
		return t->w.rc;
	/* An empty one has a NUL, too. */
	if (t->p == NULL && (t->p = csn_calloc(t->cap = 256, 1)) == NULL)
		return t->w.rc = csn_nomem(t->w.m->ctx, ROOM, "a string");
	t->p[t->len] = '\0';
	return 0;
}

int
csn_text_string_skip(struct csn_text *t, uint64_t *len)
{
	struct sink s = { NULL, CSN_MODEL_STRING_MAX, 0, 1 };

	if (csn_text_expect(t, '"', "a string") != 0)
		return t->w.rc;
	t->at = t->w.at;
	if (string(&t->w, &s) != 0)
		return t->w.rc;
	*len = s.len;
	return 0;
}

/* --- other values -------------------------------------------------------- */

static int
digit(struct csn_text *t)
{
	int c = csn_window_peek(&t->w);

	return c >= '0' && c <= '9' ? c - '0' : -1;
}

int
csn_text_u64(struct csn_text *t, const char *what, uint64_t *v)
{
	uint64_t n = 0;
	int d, c, digits = 0, zero = 0;

	(void)csn_text_peek(t);
	for (; (d = digit(t)) >= 0; t->w.at++) {
		if (zero || n > (UINT64_MAX - (uint64_t)d) / 10)
			return csn_window_bad(&t->w, CSN_E_FORM, t->w.at, zero ?
			    "%s begins with a zero" : "%s is above 2^64 - 1",
			    what);
		n = 10 * n + (uint64_t)d;
		zero = n == 0;
		digits = 1;
	}
	c = csn_window_peek(&t->w);
	if (!digits || c == '.' || c == 'e' || c == 'E')
		return csn_window_bad(&t->w, CSN_E_FORM, t->w.at,
		    "%s is no integer from 0 on", what);
	*v = n;
	return 0;
}

/* RFC 8259's number. */
static int
skip_number(struct csn_text *t)
{
	int c = csn_window_peek(&t->w), n;

	if (c == '-')
		t->w.at++;
	if (digit(t) == 0)
		t->w.at++;
	else
		for (n = 0; digit(t) >= 0 || n == 0; n++, t->w.at++)
			if (digit(t) < 0)
				goto bad;
	if (csn_window_peek(&t->w) == '.') {
		t->w.at++;
		for (n = 0; digit(t) >= 0; n = 1)
			t->w.at++;
		if (n == 0)
			goto bad;
	}
	c = csn_window_peek(&t->w);
	if (c == 'e' || c == 'E') {
		t->w.at++;
		c = csn_window_peek(&t->w);
		if (c == '+' || c == '-')
			t->w.at++;
		for (n = 0; digit(t) >= 0; n = 1)
			t->w.at++;
		if (n == 0)
			goto bad;
	}
	return t->w.rc;
bad:
	return csn_window_bad(&t->w, CSN_E_FORM, t->w.at,
	    "no value of JSON stands here");
}

static int
skip_word(struct csn_text *t, const char *word)
{
	for (; *word != '\0'; word++)
		if (csn_window_next(&t->w) != *word)
			return csn_window_bad(&t->w, CSN_E_FORM, t->w.at,
			    "no value of JSON stands here");
	return 0;
}

static int
skip(struct csn_text *t, unsigned depth)
{
	uint64_t n = 0, len;
	int c = csn_text_peek(t), rc;

	switch (c) {
	case '"':
		return csn_text_string_skip(t, &len);
	case 't':
		return skip_word(t, "true");
	case 'f':
		return skip_word(t, "false");
	case 'n':
		return skip_word(t, "null");
	case '{':
	case '[':
		break;
	default:
		return skip_number(t);
	}
	if (depth == CSN_TEXT_DEPTH)
		return csn_window_bad(&t->w, CSN_E_FORM, t->w.at, "values lie "
		    "more than %u deep in each other", CSN_TEXT_DEPTH);
	t->w.at++;
	while ((rc = c == '{' ? csn_text_key(t, CSN_MODEL_NAME_MAX, &n) :
	    csn_text_item(t, &n)) == 1)
		if ((rc = skip(t, depth + 1)) != 0)
			return rc;
	return rc;
}

int
csn_text_skip_value(struct csn_text *t)
{
	return skip(t, 0);
}

/* A comma before all members but the first; 0 behind the closing bracket. */
static int
member(struct csn_text *t, int closing, uint64_t *n)
{
	int c = csn_text_peek(t);

	if (c == closing) {
		t->w.at++;
		return 0;
	}
	if ((*n)++ == 0)
		return 1;
	if (c != ',')
		return csn_window_bad(&t->w, CSN_E_FORM, t->w.at,
		    "a comma or %c should stand here", closing);
	t->w.at++;
	return 1;
}

int
csn_text_item(struct csn_text *t, uint64_t *n)
{
	return member(t, ']', n);
}

int
csn_text_key(struct csn_text *t, size_t max, uint64_t *n)
{
	int rc;

	if ((rc = member(t, '}', n)) != 1)
		return rc;
	if (csn_text_string(t, max, 0) != 0)
		return t->w.rc;
	if (csn_text_expect(t, ':', "a colon") != 0)
		return t->w.rc;
	return 1;
}
