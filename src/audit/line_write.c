/* SPDX-License-Identifier: Apache-2.0 */
/* line_write.c - a record as one line of JSON, without a JSON library. */

#include <string.h>

#include "audit/line.h"

#define LITERAL(w, s) csn_put_bytes((w), (s), sizeof(s) - 1)

static void
put_u64(struct csn_out *w, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	csn_put_bytes(w, p, (size_t)(digits + sizeof(digits) - p));
}

static void
put_hex(struct csn_out *w, const uint8_t *p, size_t len)
{
	char text[2 * CSN_HASH_SIZE + 1];

	csn_hex_encode(p, len, text);
	csn_put_bytes(w, text, 2 * len);
}

/* Bytes of the UTF-8 character at p (RFC 3629), or 0 where it is none. */
static size_t
utf8_len(const uint8_t *p, size_t left)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] <= 0xdf ? 2 :
	    (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;
	size_t i;

	if (n == 0 || n > left)
		return 0;
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Longer than needed, surrogates, past U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* C0, DEL, or C1, which is two bytes: they would move a terminal's cursor. */
static int
is_control(const uint8_t *p, size_t n)
{
	return n == 1 ? p[0] < 0x20 || p[0] == 0x7f :
	    n == 2 && p[0] == 0xc2 && p[1] < 0xa0;
}

/*
 * A string in quotes, at most max bytes of it. Control characters are
 * escaped; bytes that are no UTF-8 become U+FFFD, so that a line is always
 * JSON, whatever a name was.
 */
static void
put_text(struct csn_out *w, const char *s, size_t max)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *p = (const uint8_t *)s;
	size_t left = strnlen(s, max + 1), n, plain = 0, used = 0;
	char escape[6] = { '\\', 'u', '0', '0', 0, 0 };

	LITERAL(w, "\"");
	while (left > 0) {
		n = utf8_len(p, left);
		/* What reading gives back must fit, too. */
		if (used + (n == 0 ? 3 : n) > max)
			break;
		used += n == 0 ? 3 : n;
		if (n > 0 && p[0] != '"' && p[0] != '\\' &&
		    !is_control(p, n)) {
			plain += n;
			p += n;
			left -= n;
			continue;
		}
		csn_put_bytes(w, p - plain, plain);
		plain = 0;
		if (n == 0) {
			LITERAL(w, "\xef\xbf\xbd");
		} else if (p[0] == '"' || p[0] == '\\') {
			LITERAL(w, "\\");
			csn_put_u8(w, p[0]);
		} else {
			escape[4] = hex[p[n - 1] >> 4];
			escape[5] = hex[p[n - 1] & 15];
			csn_put_bytes(w, escape, sizeof(escape));
		}
		n = n == 0 ? 1 : n;
		p += n;
		left -= n;
	}
	csn_put_bytes(w, p - plain, plain);
	LITERAL(w, "\"");
}

static void
put_time(struct csn_out *w, struct csn_audit_stamp *stamp, uint64_t unix_ms)
{
	uint64_t second = unix_ms / 1000;
	unsigned ms = (unsigned)(unix_ms % 1000);
	char *frac = stamp->text + 20;

	if (stamp->text[0] == '\0' || stamp->second != second) {
		csn_time_format(second * 1000, stamp->text);
		stamp->second = second;
	}
	frac[0] = (char)('0' + ms / 100);
	frac[1] = (char)('0' + ms / 10 % 10);
	frac[2] = (char)('0' + ms % 10);
	csn_put_bytes(w, stamp->text, CSN_TIME_TEXT_SIZE - 1);
}

static void
put_record(struct csn_out *w, const struct csn_audit_record *r)
{
	if (r->tenant != NULL) {
		LITERAL(w, ",\"tenant\":");
		put_text(w, r->tenant, CSN_AUDIT_MAX_TENANT);
	}
	if (r->flags & CSN_AUDIT_HAS_SESSION) {
		LITERAL(w, ",\"session\":\"");
		put_hex(w, r->session, sizeof(r->session));
		LITERAL(w, "\"");
	}
	if (r->flags & CSN_AUDIT_HAS_SEQUENCE) {
		LITERAL(w, ",\"sequence\":");
		put_u64(w, r->sequence);
	}
	LITERAL(w, ",\"count\":");
	put_u64(w, r->count);
	LITERAL(w, ",\"bytes\":");
	put_u64(w, r->bytes);
	if (r->success)
		LITERAL(w, ",\"ok\":true,\"code\":");
	else
		LITERAL(w, ",\"ok\":false,\"code\":");
	if (r->code < 0)
		LITERAL(w, "-");
	put_u64(w, (uint64_t)(r->code < 0 ? -(int64_t)r->code : r->code));
	if (r->detail != NULL) {
		LITERAL(w, ",\"detail\":");
		put_text(w, r->detail, CSN_AUDIT_MAX_DETAIL);
	}
}

void
csn_audit_line_write(struct csn_out *w, struct csn_audit_stamp *stamp,
    const struct csn_audit_line *line)
{
	LITERAL(w, "{\"n\":");
	put_u64(w, line->n);
	LITERAL(w, ",\"time\":\"");
	put_time(w, stamp, line->unix_ms);
	LITERAL(w, "\",\"op\":\"");
	if (line->kind == CSN_AUDIT_FILE) {
		LITERAL(w, "file\",\"format\":2,\"log\":\"");
		put_hex(w, line->log, sizeof(line->log));
		LITERAL(w, "\",\"file\":");
		put_u64(w, line->file);
	} else if (line->kind == CSN_AUDIT_CHECKPOINT) {
		LITERAL(w, "checkpoint\",\"cose\":\"");
		csn_put_bytes(w, line->cose, line->cose_len);
		LITERAL(w, "\"");
	} else {
		csn_put_bytes(w, line->rec.op, strlen(line->rec.op));
		LITERAL(w, "\"");
		put_record(w, &line->rec);
	}
}

void
csn_audit_line_prev(struct csn_out *w, const uint8_t prev[CSN_HASH_SIZE])
{
	LITERAL(w, ",\"prev\":\"");
	put_hex(w, prev, CSN_HASH_SIZE);
	LITERAL(w, "\"");
}

void
csn_audit_line_mac(struct csn_out *w, const uint8_t mac[CSN_HASH_SIZE])
{
	LITERAL(w, ",\"mac\":\"");
	put_hex(w, mac, CSN_HASH_SIZE);
	LITERAL(w, "\"}\n");
}
