/* SPDX-License-Identifier: Apache-2.0 */
/* test_line.c - a line of the log: always JSON, and read strictly. */
#include <jansson.h>

#include "audit/common.h"
#include "audit/line.h"
#include "lib/test.h"

static char text[4 * CSN_AUDIT_MAX_LINE];

/* Write a line with fixed prev and mac; the length without its newline. */
static size_t
write_line(const struct csn_audit_line *line)
{
	struct csn_audit_stamp stamp = { 0 };
	uint8_t prev[32], mac[32];
	struct csn_out w;

	memset(prev, 0xab, sizeof(prev));
	memset(mac, 0xcd, sizeof(mac));
	csn_out_fixed(&w, text, sizeof(text) - 1);
	csn_audit_line_write(&w, &stamp, line);
	csn_audit_line_prev(&w, prev);
	csn_audit_line_mac(&w, mac);
	assert_true(csn_out_ok(&w));
	text[w.len] = '\0';
	return w.len - 1;
}

TEST(fields_come_back)
{
	struct csn_audit_line in = { .n = UINT64_MAX,
	    .unix_ms = 1767323045678 }, *out;
	static const char *const ops[] = { CSN_AUDIT_ENCRYPT,
	    CSN_AUDIT_ISOLATION_VIOLATION, CSN_AUDIT_RECOVERY, "vault-put2",
	    "a", "thirty-one-bytes-are-a-long-nam" };
	uint32_t flags;
	size_t len, op;

	out = malloc(sizeof(*out));
	assert_non_null(out);
	for (op = 0; op < sizeof(ops) / sizeof(ops[0]); op++) {
		for (flags = 0; flags < 8; flags++) {
			in.rec = record_of((uint64_t)op * 8 + flags);
			in.rec.op = ops[op];
			in.rec.flags = flags & 3;
			in.rec.code = flags & 1 ? INT32_MIN : INT32_MAX;
			in.rec.tenant = flags & 2 ? "t" : NULL;
			in.rec.detail = flags & 4 ? "" : NULL;
			len = write_line(&in);
			assert_int_equal(csn_audit_line_read(text, len, out),
			    0);
			assert_true(out->n == in.n);
			assert_int_equal(out->unix_ms, in.unix_ms);
			assert_string_equal(out->rec.op, ops[op]);
			assert_int_equal(out->kind, CSN_AUDIT_RECORD);
			assert_int_equal(out->rec.flags, flags & 3);
			assert_int_equal(out->rec.success, in.rec.success);
			assert_int_equal(out->rec.code, in.rec.code);
			assert_int_equal(out->rec.count, 1);
			assert_int_equal(out->rec.bytes, 4096);
			assert_int_equal(out->rec.tenant != NULL,
			    (flags & 2) != 0);
			assert_int_equal(out->rec.detail != NULL,
			    (flags & 4) != 0);
			if (flags & CSN_AUDIT_HAS_SESSION)
				assert_memory_equal(out->rec.session,
				    in.rec.session, 16);
			assert_int_equal(out->mac[5], 0xcd);
			assert_int_equal(text[out->body_len - 1], '"');
		}
	}
	free(out);
}

/* Whatever a name holds, the line is JSON and says it back. */
TEST(any_text_gives_json)
{
	static const struct { const char *in, *out; } texts[] = {
		{ "plain", "plain" },
		{ "", "" },
		{ "a\"b\\c/d", "a\"b\\c/d" },
		{ "\x01\x1f\x7f\n\t\r", "\x01\x1f\x7f\n\t\r" },
		{ "Zoë 東京 \xf0\x9f\x94\x92", "Zoë 東京 \xf0\x9f\x94\x92" },
		{ "\xc2\x80\xc2\x9b" "2J\xc2\x9f\xc2\xa0",
		    "\xc2\x80\xc2\x9b" "2J\xc2\x9f\xc2\xa0" },
		{ "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80x",
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx" },
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd"
		    "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "cut \xe6\x9d", "cut \xef\xbf\xbd\xef\xbf\xbd" },
		{ "\"}\n{\"n\":0", "\"}\n{\"n\":0" },
	};
	struct csn_audit_line in = { 0 }, *out;
	json_error_t error;
	json_t *json;
	size_t i, k, len;

	out = malloc(sizeof(*out));
	assert_non_null(out);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		in.rec = record_of(0);
		in.rec.tenant = in.rec.detail = texts[i].in;
		len = write_line(&in);
		assert_null(memchr(text, '\n', len));
		assert_null(memchr(text, 0x7f, len));
		/* Nothing that moves the cursor of who looks at the file. */
		for (k = 1; k < len; k++)
			assert_false((uint8_t)text[k - 1] == 0xc2 &&
			    (uint8_t)text[k] < 0xa0);
		json = json_loadb(text, len, 0, &error);
		assert_non_null(json);
		assert_string_equal(json_string_value(json_object_get(json,
		    "tenant")), texts[i].out);
		assert_string_equal(json_string_value(json_object_get(json,
		    "detail")), texts[i].out);
		json_decref(json);
		assert_int_equal(csn_audit_line_read(text, len, out), 0);
		assert_string_equal(out->rec.tenant, texts[i].out);
		assert_string_equal(out->rec.detail, texts[i].out);
	}
	free(out);
}

TEST(long_detail_is_cut_at_a_character)
{
	struct csn_audit_line in = { 0 }, *out;
	char detail[3 * CSN_AUDIT_MAX_DETAIL + 1];
	size_t i, len;

	out = malloc(sizeof(*out));
	assert_non_null(out);
	for (i = 0; i + 3 < sizeof(detail); i += 3)
		memcpy(detail + i, "\xe6\x9d\xb1", 4);
	in.rec = record_of(0);
	in.rec.detail = detail;
	len = write_line(&in);
	assert_int_equal(csn_audit_line_read(text, len, out), 0);
	assert_int_equal(strlen(out->rec.detail),
	    CSN_AUDIT_MAX_DETAIL / 3 * 3);
	/* The worst there is: each byte escaped or replaced. */
	for (i = 0; i < 2; i++) {
		memset(detail, i == 0 ? 1 : 0xff, sizeof(detail) - 1);
		detail[sizeof(detail) - 1] = '\0';
		in.rec.tenant = in.rec.detail = detail;
		len = write_line(&in);
		assert_true(len < CSN_AUDIT_MAX_LINE);
		assert_int_equal(csn_audit_line_read(text, len, out), 0);
	}
	/* An escape of one that is two bytes. */
	for (i = 0; i + 2 < sizeof(detail); i += 2)
		memcpy(detail + i, "\xc2\x85", 3);
	in.rec.tenant = NULL;
	in.rec.detail = detail;
	len = write_line(&in);
	assert_int_equal(csn_audit_line_read(text, len, out), 0);
	assert_int_equal(strlen(out->rec.detail), CSN_AUDIT_MAX_DETAIL);
	free(out);
}

TEST(log_lines_come_back)
{
	struct csn_audit_line in = { .n = 7 }, *out;
	size_t len;

	out = malloc(sizeof(*out));
	assert_non_null(out);
	in.kind = CSN_AUDIT_FILE;
	in.file = 12;
	memset(in.log, 5, sizeof(in.log));
	len = write_line(&in);
	assert_int_equal(csn_audit_line_read(text, len, out), 0);
	assert_int_equal(out->kind, CSN_AUDIT_FILE);
	assert_int_equal(out->file, 12);
	assert_memory_equal(out->log, in.log, sizeof(in.log));
	in.kind = CSN_AUDIT_CHECKPOINT;
	in.cose = "AAECAw==";
	in.cose_len = 8;
	len = write_line(&in);
	assert_int_equal(csn_audit_line_read(text, len, out), 0);
	assert_int_equal(out->cose_len, 8);
	assert_memory_equal(out->cose, "AAECAw==", 8);
	/* Nothing that would be no JSON, or that a terminal obeys. */
	in.cose = "AAEC\x1b[0m";
	len = write_line(&in);
	assert_int_equal(csn_audit_line_read(text, len, out), CSN_E_FORM);
	free(out);
}

/* One spelling of a record passes, and no other. */
TEST(other_spellings_are_refused)
{
	static const struct { const char *is, *other; } swaps[] = {
		{ "\"n\":0", "\"n\":00" },
		{ "\"n\":0", "\"n\": 0" },
		{ "\"n\":0", "\"n\":-0" },
		{ "\"n\":0", "\"n\":18446744073709551616" },
		{ "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00Z" },
		{ "1970-01-01T00:00:00.000Z",
		    "1970-01-01T01:00:00.000+01:00" },
		{ "\"encrypt\"", "\"Encrypt\"" },
		{ "\"encrypt\"", "\"encrypt \"" },
		{ "\"encrypt\"", "\"a-name-of-thirty-two-bytes-is-no\"" },
		{ "\"encrypt\"", "\"\"" },
		{ "acme", "\\u0061cme" },
		{ "acme", "ac\\/me" },
		{ "acme", "acme\\u0000" },
		{ "acme", "acme\xff" },
		{ "acme", "acme\x01" },
		{ "acme", "acme\xc2\x9b" },
		{ "acme", "acme\\u009B" },
		{ "acme", "acme\\u00e9" },
		{ "\"sequence\":1", "\"sequence\":18446744073709551616" },
		{ "\"sequence\":1", "\"layer\":1,\"position\":1" },
		{ "\"ok\":true", "\"ok\":True" },
		{ "\"code\":0", "\"code\":-0" },
		{ "\"code\":0", "\"code\":2147483648" },
		{ "\"}", "\" }" },
		{ "{\"n\"", " {\"n\"" },
		{ ",\"mac\"", ",\"more\":1,\"mac\"" },
	};
	struct csn_audit_line in = { 0 }, *out;
	char changed[4096], *at;
	size_t i, len, before;

	out = malloc(sizeof(*out));
	assert_non_null(out);
	in.rec = record_of(1);
	in.rec.op = CSN_AUDIT_ENCRYPT;
	in.rec.tenant = "acme";
	len = write_line(&in);
	assert_int_equal(csn_audit_line_read(text, len, out), 0);
	for (i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++) {
		at = strstr(text, swaps[i].is);
		assert_non_null(at);
		before = (size_t)(at - text);
		snprintf(changed, sizeof(changed), "%.*s%s%s", (int)before,
		    text, swaps[i].other, at + strlen(swaps[i].is));
		/* Without the newline. */
		assert_int_equal(csn_audit_line_read(changed,
		    strlen(changed) - 1, out), CSN_E_FORM);
	}
	/* Upper-case hex, and every length but the right one. */
	memcpy(changed, text, len + 1);
	at = strstr(changed, "abab");
	assert_non_null(at);
	at[0] = 'A';
	assert_int_equal(csn_audit_line_read(changed, len, out), CSN_E_FORM);
	for (i = 0; i < len; i++)
		assert_int_equal(csn_audit_line_read(text, i, out),
		    CSN_E_FORM);
	assert_int_equal(csn_audit_line_read(text, len + 1, out),
	    CSN_E_FORM);
	free(out);
}

TEST(operations_have_names_of_one_form)
{
	static const char *const good[] = { CSN_AUDIT_ENCRYPT,
	    CSN_AUDIT_ISOLATION_VIOLATION, "put", "x9",
	    "thirty-one-bytes-are-a-long-nam" };
	static const char *const bad[] = { NULL, "", "Encrypt", "two words",
	    "dot.ted", "\xc3\xa9", "a\"b", "a-name-of-thirty-two-bytes-is-no" };
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(csn_audit_op_valid(good[i]), 1);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(csn_audit_op_valid(bad[i]), 0);
}
