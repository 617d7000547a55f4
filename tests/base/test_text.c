/* SPDX-License-Identifier: Apache-2.0 */
/* test_text.c - hex, base58, UTF-8 and times. */
#include "base/text.h"
#include "lib/test.h"

TEST(hex_round_trips_every_byte)
{
	uint8_t all[256], back[256];
	char text[513];
	size_t i;

	for (i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	csn_hex_encode(all, 256, text);
	assert_int_equal(strlen(text), 512);
	assert_int_equal(strncmp(text, "000102030405060708090a0b", 24), 0);
	assert_string_equal(text + 504, "fcfdfeff");
	assert_int_equal(csn_hex_decode(text, 512, back, 256), 0);
	assert_memory_equal(back, all, 256);
	for (i = 0; i < 512; i++)
		if (text[i] >= 'a')
			text[i] = (char)(text[i] - 'a' + 'A');
	memset(back, 0, sizeof(back));
	assert_int_equal(csn_hex_decode(text, 512, back, 256), 0);
	assert_memory_equal(back, all, 256);
	csn_hex_encode(NULL, 0, text);
	assert_string_equal(text, "");
	assert_int_equal(csn_hex_decode("", 0, back, 0), 0);
}

TEST(hex_refuses_what_is_no_hex)
{
	char text[3] = "00";
	uint8_t out[2];
	int c;

	for (c = 0; c < 256; c++) {
		int digit = (c >= '0' && c <= '9') ||
		    (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

		text[0] = (char)c;
		text[1] = '0';
		assert_int_equal(csn_hex_decode(text, 2, out, 1),
		    digit ? 0 : CSN_E_FORM);
		text[0] = '0';
		text[1] = (char)c;
		assert_int_equal(csn_hex_decode(text, 2, out, 1),
		    digit ? 0 : CSN_E_FORM);
	}
	assert_int_equal(csn_hex_decode("000", 3, out, 1), CSN_E_FORM);
	assert_int_equal(csn_hex_decode("00", 2, out, 2), CSN_E_FORM);
	assert_int_equal(csn_hex_decode("0000", 4, out, 1), CSN_E_FORM);
	assert_int_equal(csn_hex_decode("", 0, out, 1), CSN_E_FORM);
}

TEST(base58_gives_the_known_answers)
{
	/* The samples of the internet draft on base58, and of Bitcoin. */
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} known[] = {
		{ "Hello World!", 12, "2NEpo7TZRRrLZSi2U" },
		{ "The quick brown fox jumps over the lazy dog.", 44,
		    "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUU"
		    "Bk6Z" },
		{ "\x00\x00\x28\x7f\xb4\xcd", 6, "11233QC4" },
		{ "", 0, "" },
		{ "\x00", 1, "1" },
		{ "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 10,
		    "1111111111" },
		{ "\x61", 1, "2g" },
		{ "\x62\x62\x62", 3, "a3gV" },
		{ "\x73\x69\x6d\x70\x6c\x79\x20\x61\x20\x6c\x6f\x6e\x67\x20"
		    "\x73\x74\x72\x69\x6e\x67", 20,
		    "2cFupjhnEsSn59qHXstmK2ffpLv2" },
		{ "\x00\xeb\x15\x23\x1d\xfc\xeb\x60\x92\x58\x86\xb6\x7d\x06"
		    "\x52\x99\x92\x59\x15\xae\xb1\x72\xc0\x66\x47", 25,
		    "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L" },
		{ "\x10\xc8\x51\x1e", 4, "Rt5zm" },
		{ "\xbf\x4f\x89\x00\x1e\x67\x02\x74\xdd", 9,
		    "3SEo3LWLoPntC" },
	};
	uint8_t *back;
	size_t i, len;
	char *text;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		text = csn_base58_encode((const uint8_t *)known[i].bytes,
		    known[i].len);
		assert_non_null(text);
		assert_string_equal(text, known[i].text);
		assert_int_equal(csn_base58_decode(text, strlen(text), &back,
		    &len), 0);
		assert_int_equal(len, known[i].len);
		assert_memory_equal(back, known[i].bytes, len);
		free(back);
		free(text);
	}
}

TEST(base58_round_trips_all_lengths)
{
	uint8_t bytes[300], *back;
	uint32_t x = 1;
	size_t len, i, back_len;
	char *text;

	for (len = 0; len < sizeof(bytes); len++) {
		for (i = 0; i < len; i++) {
			x = x * 1664525 + 1013904223;
			bytes[i] = (uint8_t)(x >> 24);
		}
		/* Leading zeros, and the largest number of a length. */
		if (len % 3 == 0)
			memset(bytes, 0, len / 5);
		if (len % 7 == 0)
			memset(bytes, 0xff, len);
		assert_non_null(text = csn_base58_encode(bytes, len));
		assert_int_equal(csn_base58_decode(text, strlen(text), &back,
		    &back_len), 0);
		assert_int_equal(back_len, len);
		assert_memory_equal(back, bytes, len);
		free(back);
		free(text);
	}
}

TEST(base58_refuses_foreign_characters)
{
	char text[8] = "2NEpo7T", *longest;
	uint8_t *out = NULL;
	size_t len = 0;
	int c;

	for (c = 0; c < 256; c++) {
		int ok = c != 0 && c < 128 && strchr("123456789"
		    "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", c);

		text[3] = (char)c;
		assert_int_equal(csn_base58_decode(text, 7, &out, &len),
		    ok ? 0 : CSN_E_FORM);
		if (ok)
			free(out);
	}
	assert_non_null(longest = malloc(16385));
	memset(longest, '2', 16385);
	assert_int_equal(csn_base58_decode(longest, 16385, &out, &len),
	    CSN_E_FORM);
	assert_int_equal(csn_base58_decode(longest, 16384, &out, &len), 0);
	free(out);
	free(longest);
}

TEST(utf8_is_rfc_3629)
{
	static const char *const good[] = {
		"", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
		"Gr\xc3\xbc\xc3\x9f \xe6\xb0\xb4 \xf0\x90\x85\x91",
	};
	static const char *const bad[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2" "a",
		"\xe0\x80\x80", "\xe0\x9f\xbf", "\xe1\x80", "\xe1\x80" "a",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf0\x90\x80" "a",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80",
		"\xfe", "\xff", "fine until\xc3",
	};
	char *p;
	size_t i, len;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(csn_utf8_ok(good[i], strlen(good[i])));
		assert_true(csn_utf8_valid(good[i], strlen(good[i])));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		len = strlen(bad[i]);
		assert_non_null(p = malloc(len));
		memcpy(p, bad[i], len);
		assert_false(csn_utf8_ok(p, len));
		assert_false(csn_utf8_valid(p, len));
		free(p);
	}
}

TEST(control_characters_are_not_for_names)
{
	char c;

	for (c = 0; c < 0x20; c++) {
		assert_false(csn_utf8_ok(&c, 1));
		assert_true(csn_utf8_valid(&c, 1));
	}
	assert_false(csn_utf8_ok("\x7f", 1));
	assert_true(csn_utf8_ok(" ~", 2));
}

static int
parse(const char *s, uint64_t *ms)
{
	return csn_time_parse(s, strlen(s), ms);
}

TEST(times_are_parsed)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} known[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T00:00:00.001Z", 1 },
		/* RFC 3339, 5.8 */
		{ "1985-04-12T23:20:50.52Z", UINT64_C(482196050520) },
		{ "1996-12-19T16:39:57-08:00", UINT64_C(851042397000) },
		{ "1990-12-31T23:59:60Z", UINT64_C(662687999999) },
		{ "1990-12-31T15:59:60-08:00", UINT64_C(662687999999) },
		{ "2026-01-02T03:04:05.678Z", UINT64_C(1767323045678) },
		{ "2026-01-02T03:04:05.678999999Z",
		    UINT64_C(1767323045678) },
		{ "2026-01-02T03:04:05.6789012345678901234567890123456789Z",
		    UINT64_C(1767323045678) },
		{ "2026-01-02t03:04:05z", UINT64_C(1767323045000) },
		{ "2026-01-02T03:04:05-00:00", UINT64_C(1767323045000) },
		{ "2026-01-02T03:04:05+00:00", UINT64_C(1767323045000) },
		{ "2026-01-02T08:34:05+05:30", UINT64_C(1767323045000) },
		{ "2024-02-29T00:00:00Z", UINT64_C(1709164800000) },
		{ "2000-02-29T23:59:59Z", UINT64_C(951868799000) },
		{ "2038-01-19T03:14:08Z", UINT64_C(2147483648000) },
		{ "1969-12-31T23:00:00-01:00", 0 },
		{ "9999-12-31T23:59:59.999Z", UINT64_C(253402300799999) },
		{ "2015-06-30T23:59:60.5Z", UINT64_C(1435708799999) },
	};
	uint64_t ms;
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		ms = 42;
		assert_int_equal(parse(known[i].text, &ms), 0);
		assert_true(ms == known[i].ms);
	}
}

TEST(other_times_are_refused)
{
	static const char *const bad[] = {
		"", "2026", "2026-01-02", "2026-01-02T03:04:05",
		"2026-01-02T03:04Z", "2026-01-02 03:04:05Z",
		"2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z",
		"2026-01-02T03:04:05.5", "2026-01-02T03:04:05Zz",
		"2026-01-02T03:04:05Z ", " 2026-01-02T03:04:05Z",
		"2026-1-02T03:04:05Z", "2026-01-2T03:04:05Z",
		"+026-01-02T03:04:05Z", "-026-01-02T03:04:05Z",
		"12026-01-02T03:04:05Z", "2026-00-02T03:04:05Z",
		"2026-13-02T03:04:05Z", "2026-01-00T03:04:05Z",
		"2026-01-32T03:04:05Z", "2026-04-31T03:04:05Z",
		"2026-02-29T03:04:05Z", "2100-02-29T03:04:05Z",
		"2026-01-02T24:00:00Z", "2026-01-02T03:60:05Z",
		"2026-01-02T03:04:61Z", "2026-01-02T03:04:60Z",
		"2026-03-31T23:59:60Z", "2026-12-31T23:58:60Z",
		"2026-12-31T23:59:60+01:00", "2026-01-02T03:04:05+24:00",
		"2026-01-02T03:04:05+01:60", "2026-01-02T03:04:05+0100",
		"2026-01-02T03:04:05+01", "2026-01-02T03:04:05+1:00",
		"2026-01-02T03:04:05Z+01:00", "2026-01-02T0x:04:05Z",
		"20260102T030405Z", "2026-01-02T03:04:05.1.2Z",
		"1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01",
		"0000-01-01T00:00:00Z", "9999-12-31T23:59:59-00:01",
	};
	char *exact;
	uint64_t ms = 42;
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		len = strlen(bad[i]);
		assert_non_null(exact = malloc(len + 1));
		memcpy(exact, bad[i], len);
		assert_non_null(exact = realloc(exact, len > 0 ? len : 1));
		if (csn_time_parse(exact, len, &ms) != CSN_E_FORM)
			fail_msg("accepted: %s", bad[i]);
		free(exact);
	}
	/* A NUL in the middle ends nothing. */
	assert_int_equal(csn_time_parse("2026-01-02\0003:04:05Z", 20, &ms),
	    CSN_E_FORM);
	assert_int_equal(csn_time_parse("2026-01-02T03:04:05\0", 20, &ms),
	    CSN_E_FORM);
	assert_int_equal(ms, 42);
}

TEST(times_are_written)
{
	char text[CSN_TIME_TEXT_SIZE];
	uint64_t ms, back, x = 1;
	int i;

	csn_time_format(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	csn_time_format(UINT64_C(1767323045678), text);
	assert_string_equal(text, "2026-01-02T03:04:05.678Z");
	csn_time_format(UINT64_C(253402300799999), text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	csn_time_format(UINT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	for (i = 0; i < 20000; i++) {
		x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
		ms = (x >> 8) % UINT64_C(253402300800000);
		csn_time_format(ms, text);
		assert_int_equal(strlen(text), CSN_TIME_TEXT_SIZE - 1);
		assert_int_equal(parse(text, &back), 0);
		assert_true(back == ms);
	}
}
