/* SPDX-License-Identifier: Apache-2.0 */
/* evidence/armor.c - bytes as text that survives a mail (RFC 7468). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cursor.h"
#include "base/fail.h"
#include "evidence/armor.h"

#define ROOM "evidence"
#define LINE 64

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
csn_base64_encode(const uint8_t *p, size_t len)
{
	char *out, *o;
	uint32_t v;
	size_t i;

	if (len > SIZE_MAX / 4 || (out = csn_calloc((len + 2) / 3 * 4 + 1,
	    1)) == NULL)
		return NULL;
	o = out;
	for (i = 0; i + 2 < len; i += 3) {
		v = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
		*o++ = letters[v >> 18];
		*o++ = letters[v >> 12 & 63];
		*o++ = letters[v >> 6 & 63];
		*o++ = letters[v & 63];
	}
	if (len - i == 1) {
		*o++ = letters[p[i] >> 2];
		*o++ = letters[(p[i] & 3) << 4];
		*o++ = '=';
		*o++ = '=';
	} else if (len - i == 2) {
		v = (uint32_t)p[i] << 8 | p[i + 1];
		*o++ = letters[v >> 10];
		*o++ = letters[v >> 4 & 63];
		*o++ = letters[(v & 15) << 2];
		*o++ = '=';
	}
	*o = '\0';
	return out;
}

/* The value of a letter, or 64. */
static uint32_t
value_of(char c)
{
	const char *at;

	if (c == '\0' || (at = strchr(letters, c)) == NULL)
		return 64;
	return (uint32_t)(at - letters);
}

int
csn_base64_decode(const char *s, size_t len, uint8_t **out, size_t *out_len)
{
	uint8_t *buf, *o;
	uint32_t v = 0, d;
	size_t i, pad = 0;

	if (len % 4 != 0)
		return CSN_E_FORM;
	while (pad < 2 && pad < len && s[len - 1 - pad] == '=')
		pad++;
	if ((buf = csn_calloc(len / 4 * 3 + 1, 1)) == NULL)
		return CSN_E_NOMEM;
	o = buf;
	for (i = 0; i < len; i++) {
		d = i < len - pad ? value_of(s[i]) : 0;
		if (d == 64)
			goto form;
		v = v << 6 | d;
		if (i % 4 != 3)
			continue;
		*o++ = (uint8_t)(v >> 16);
		*o++ = (uint8_t)(v >> 8);
		*o++ = (uint8_t)v;
		v = 0;
	}
	/* The bytes that padding stands for hold the spare bits: zero. */
	for (i = 0; i < pad; i++) {
		if (*--o != 0)
			goto form;
	}
	*out = buf;
	*out_len = (size_t)(o - buf);
	return 0;

form:
	csn_wipe_free(buf, len / 4 * 3);
	return CSN_E_FORM;
}

static int
label_ok(const char *label)
{
	size_t i, n;

	if (label == NULL || (n = strlen(label)) == 0 || n > LINE)
		return 0;
	for (i = 0; i < n; i++) {
		if (label[i] != ' ' && (label[i] < 'A' || label[i] > 'Z'))
			return 0;
	}
	return label[0] != ' ' && label[n - 1] != ' ';
}

static void
put_text(struct csn_out *w, const char *s)
{
	csn_put_bytes(w, s, strlen(s));
}

static void
put_edge(struct csn_out *w, const char *word, const char *label)
{
	put_text(w, "-----");
	put_text(w, word);
	put_text(w, label);
	put_text(w, "-----");
}

int
csn_armor(struct csn_ctx *ctx, const char *label, const uint8_t *p,
    size_t len, char **text)
{
	struct csn_out w;
	char *flat = NULL;
	size_t at, n, line;

	if (!label_ok(label) || text == NULL || (p == NULL && len != 0))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Armour needs a label of capital letters, bytes and a "
		    "place to go.");
	csn_out_init(&w);
	if ((flat = csn_base64_encode(p, len)) == NULL)
		goto nomem;
	put_edge(&w, "BEGIN ", label);
	put_text(&w, "\n");
	n = strlen(flat);
	for (at = 0; at < n; at += line) {
		line = n - at < LINE ? n - at : LINE;
		csn_put_bytes(&w, flat + at, line);
		put_text(&w, "\n");
	}
	put_edge(&w, "END ", label);
	csn_put_bytes(&w, "\n", 2);
	if (!csn_out_ok(&w))
		goto nomem;
	free(flat);
	*text = (char *)w.p;
	return 0;

nomem:
	free(flat);
	csn_out_wipe(&w);
	return csn_nomem(ctx, ROOM, "armoured text");
}

static int
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Take edge off the front (or back) of *s where it stands there. */
static int
take(const char **s, size_t *len, const uint8_t *edge, size_t n, int front)
{
	if (*len < n ||
	    /* public */ memcmp(front ? *s : *s + *len - n, edge, n) != 0)
		return 0;
	if (front)
		*s += n;
	*len -= n;
	return 1;
}

int
csn_dearmor(struct csn_ctx *ctx, const char *label, const char *text,
    size_t len, uint8_t **out, size_t *out_len)
{
	struct csn_out begin = { 0 }, end = { 0 };
	char *flat = NULL;
	size_t i, n = 0;
	int rc;

	if (!label_ok(label) || text == NULL || out == NULL ||
	    out_len == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Armour needs a label of capital letters, text and a "
		    "place to go.");
	if (len > CSN_COSE_MAX * 2)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM,
		    "An armoured text of %zu bytes is too long.", len);
	csn_out_init(&begin);
	csn_out_init(&end);
	put_edge(&begin, "BEGIN ", label);
	put_edge(&end, "END ", label);
	if (!csn_out_ok(&begin) || !csn_out_ok(&end) ||
	    (flat = csn_calloc(len + 1, 1)) == NULL) {
		rc = csn_nomem(ctx, ROOM, "reading armoured text");
		goto out;
	}
	while (len > 0 && is_space(text[0])) {
		text++;
		len--;
	}
	while (len > 0 && is_space(text[len - 1]))
		len--;
	rc = CSN_E_FORM;
	if (take(&text, &len, begin.p, begin.len, 1) &&
	    take(&text, &len, end.p, end.len, 0) && len >= 1 &&
	    is_space(text[0]) && is_space(text[len - 1])) {
		for (i = 0; i < len; i++) {
			if (!is_space(text[i]))
				flat[n++] = text[i];
		}
		rc = csn_base64_decode(flat, n, out, out_len);
	}
	if (rc != 0)
		rc = csn_fail(ctx, rc, ROOM, rc == CSN_E_FORM ?
		    "The text is not one whole block of \"BEGIN %s\"." :
		    "No memory to read \"BEGIN %s\".", label);
out:
	free(flat);
	csn_out_wipe(&begin);
	csn_out_wipe(&end);
	return rc;
}
