/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_read.c - a line of the log, read strictly.
 *
 * The reader knows the one order that fields are written in. Whatever it
 * read is written again and compared: so no second spelling of a record
 * passes, and the reader need not look for each of them.
 */

#include <string.h>

#include "audit/line.h"

struct text {
	const char *p;
	size_t left;
	int bad;
};

/* 1 where the text goes on with s, which is then behind us. */
static int
maybe(struct text *t, const char *s)
{
	size_t len = strlen(s);

	if (t->bad || t->left < len ||
	    memcmp(t->p, s, len) != 0)	/* public */
		return 0;
	t->p += len;
	t->left -= len;
	return 1;
}

static void
expect(struct text *t, const char *s)
{
	if (!maybe(t, s))
		t->bad = 1;
}

static uint64_t
read_u64(struct text *t)
{
	uint64_t v = 0;
	size_t n;
	unsigned d;

	for (n = 0; t->left > 0 && *t->p >= '0' && *t->p <= '9'; n++) {
		d = (unsigned)(*t->p - '0');
		if (v > (UINT64_MAX - d) / 10)
			t->bad = 1;
		v = v * 10 + d;
		t->p++;
		t->left--;
	}
	if (n == 0 || n > 20)
		t->bad = 1;
	return t->bad ? 0 : v;
}

static void
read_hex(struct text *t, uint8_t *out, size_t len)
{
	if (t->bad || t->left < 2 * len ||
	    csn_hex_decode(t->p, 2 * len, out, len) != 0) {
		t->bad = 1;
		return;
	}
	t->p += 2 * len;
	t->left -= 2 * len;
}

/* A view up to the quote, which is behind us then. */
static const char *
read_plain(struct text *t, size_t max, size_t *len)
{
	const char *from = t->p, *quote;

	*len = 0;
	quote = t->bad ? NULL : memchr(t->p, '"', t->left);
	if (quote == NULL || (size_t)(quote - from) > max) {
		t->bad = 1;
		return "";
	}
	*len = (size_t)(quote - from);
	t->left -= *len + 1;
	t->p = quote + 1;
	return from;
}

/* Base64 as far as JSON is concerned: the signature's reader is strict. */
static const char *
read_base64(struct text *t, size_t *len)
{
	const char *p = read_plain(t, CSN_AUDIT_MAX_COSE, len);
	size_t i;

	for (i = 0; i < *len; i++) {
		if (!((p[i] >= 'A' && p[i] <= 'Z') ||
		    (p[i] >= 'a' && p[i] <= 'z') ||
		    (p[i] >= '0' && p[i] <= '9') || p[i] == '+' ||
		    p[i] == '/' || p[i] == '='))
			t->bad = 1;
	}
	return p;
}

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ?
	    c - 'a' + 10 : -1;
}

/* A string up to its quote, unescaped into room, with a NUL behind it. */
static const char *
read_text(struct text *t, size_t max, char **room)
{
	char *out = *room, c;
	size_t n = 0;
	int escaped;

	while (!t->bad && t->left > 0 && *t->p != '"') {
		c = *t->p++;
		t->left--;
		if ((escaped = c == '\\') != 0) {
			if (t->left >= 5 && memcmp(t->p, "u00", 3) == 0 &&
			    digit(t->p[3]) >= 0 && digit(t->p[4]) >= 0) {
				c = (char)(digit(t->p[3]) * 16 +
				    digit(t->p[4]));
				t->p += 5;
				t->left -= 5;
			} else if (t->left > 0 &&
			    (*t->p == '"' || *t->p == '\\')) {
				c = *t->p++;
				t->left--;
			} else {
				t->bad = 1;
			}
		}
		/* One of C1, which stands as an escape, is two bytes. */
		if (escaped && (uint8_t)c >= 0x80 && n < max)
			out[n++] = (char)0xc2;
		if (n == max || c == '\0')
			t->bad = 1;
		else
			out[n++] = c;
	}
	expect(t, "\"");
	out[n] = '\0';
	*room = out + n + 1;
	return out;
}

static void
read_record(struct text *t, struct csn_audit_line *line)
{
	struct csn_audit_record *r = &line->rec;
	char *room = line->text;
	uint64_t v;

	if (maybe(t, ",\"tenant\":\""))
		r->tenant = read_text(t, CSN_AUDIT_MAX_TENANT, &room);
	if (maybe(t, ",\"session\":\"")) {
		r->flags |= CSN_AUDIT_HAS_SESSION;
		read_hex(t, r->session, sizeof(r->session));
		expect(t, "\"");
	}
	if (maybe(t, ",\"sequence\":")) {
		r->flags |= CSN_AUDIT_HAS_SEQUENCE;
		r->sequence = read_u64(t);
	}
	expect(t, ",\"count\":");
	r->count = read_u64(t);
	expect(t, ",\"bytes\":");
	r->bytes = read_u64(t);
	r->success = (uint32_t)maybe(t, ",\"ok\":true");
	if (!r->success)
		expect(t, ",\"ok\":false");
	expect(t, ",\"code\":");
	if (maybe(t, "-")) {
		v = read_u64(t);
		if (v == 0 || v > (uint64_t)INT32_MAX + 1)
			t->bad = 1;
		r->code = (int32_t)-(int64_t)v;
	} else {
		v = read_u64(t);
		if (v > INT32_MAX)
			t->bad = 1;
		r->code = (int32_t)v;
	}
	if (maybe(t, ",\"detail\":\""))
		r->detail = read_text(t, CSN_AUDIT_MAX_DETAIL, &room);
}

/* Does writing the line's fields give these bytes? 0 or an error. */
static int
check_spelling(const struct csn_audit_line *line, const char *p, size_t len)
{
	struct csn_audit_stamp stamp = { 0 };
	struct csn_out w;
	int rc = 0;

	csn_out_init(&w);
	csn_audit_line_write(&w, &stamp, line);
	csn_audit_line_prev(&w, line->prev);
	csn_audit_line_mac(&w, line->mac);
	/* Behind the line that was written stands its newline. */
	if (!csn_out_ok(&w))
		rc = CSN_E_NOMEM;
	else if (w.len != len + 1 ||
	    memcmp(w.p, p, len) != 0)	/* public */
		rc = CSN_E_FORM;
	csn_out_wipe(&w);
	return rc;
}

int
csn_audit_line_read(const char *p, size_t len, struct csn_audit_line *line)
{
	struct text t = { p, len, 0 };
	const char *time, *op;
	size_t time_len, op_len;

	memset(line, 0, offsetof(struct csn_audit_line, text));
	line->rec.size = sizeof(line->rec);
	expect(&t, "{\"n\":");
	line->n = read_u64(&t);
	expect(&t, ",\"time\":\"");
	time = read_plain(&t, CSN_TIME_TEXT_SIZE, &time_len);
	expect(&t, ",\"op\":\"");
	op = read_plain(&t, CSN_AUDIT_MAX_OP, &op_len);
	if (t.bad || csn_time_parse(time, time_len, &line->unix_ms) != 0)
		return CSN_E_FORM;
	memcpy(line->op, op, op_len);
	if (strcmp(line->op, "file") == 0) {
		line->kind = CSN_AUDIT_FILE;
		expect(&t, ",\"format\":2,\"log\":\"");
		read_hex(&t, line->log, sizeof(line->log));
		expect(&t, "\",\"file\":");
		line->file = read_u64(&t);
	} else if (strcmp(line->op, "checkpoint") == 0) {
		line->kind = CSN_AUDIT_CHECKPOINT;
		expect(&t, ",\"cose\":\"");
		line->cose = read_base64(&t, &line->cose_len);
	} else if (csn_audit_op_valid(line->op)) {
		line->rec.op = line->op;
		read_record(&t, line);
	} else {
		return CSN_E_FORM;
	}
	expect(&t, ",\"prev\":\"");
	read_hex(&t, line->prev, sizeof(line->prev));
	expect(&t, "\"");
	line->body_len = len - t.left;
	expect(&t, ",\"mac\":\"");
	read_hex(&t, line->mac, sizeof(line->mac));
	expect(&t, "\"}");
	if (t.bad || t.left != 0)
		return CSN_E_FORM;
	return check_spelling(line, p, len);
}
