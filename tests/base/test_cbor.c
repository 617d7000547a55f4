/* SPDX-License-Identifier: Apache-2.0 */
/* test_cbor.c - items written and read back; what is refused. */
#include "base/cbor.h"
#include "base/fail.h"
#include "base/text.h"
#include "lib/test.h"

struct bytes {
	uint8_t *p;
	size_t len;
};

/* Hex, spaces between, on a heap block of just that size. */
static struct bytes
from_hex(const char *hex)
{
	struct bytes b = { NULL, 0 };
	char pair[3] = "";
	size_t n = 0;

	assert_non_null(b.p = malloc(strlen(hex) / 2 + 1));
	for (; *hex != '\0'; hex++) {
		if (*hex == ' ')
			continue;
		pair[n++] = *hex;
		if (n < 2)
			continue;
		assert_int_equal(csn_hex_decode(pair, 2, b.p + b.len++, 1), 0);
		n = 0;
	}
	assert_int_equal(n, 0);
	assert_non_null(b.p = realloc(b.p, b.len > 0 ? b.len : 1));
	return b;
}

static int
check_hex(const char *hex)
{
	struct bytes b = from_hex(hex);
	int rc;

	rc = csn_cbor_check(NULL, b.p, b.len);
	free(b.p);
	return rc;
}

/* That hex is refused, for a reason that contains why. */
static void
refused(const char *hex, const char *why)
{
	if (check_hex(hex) != CSN_E_FORM)
		fail_msg("accepted: %s", hex);
	if (strstr(csn_message(), why) == NULL)
		fail_msg("%s: not \"%s\" but: %s", hex, why,
		    csn_message());
	assert_string_equal(csn_message_room(), "base");
}

/* That w holds exactly hex; wipes it. */
static void
wrote(struct csn_out *w, const char *hex)
{
	struct bytes b = from_hex(hex);

	assert_true(csn_out_ok(w));
	assert_int_equal(w->len, b.len);
	assert_memory_equal(w->p, b.p, b.len);
	assert_int_equal(csn_cbor_check(NULL, w->p, w->len), 0);
	csn_out_wipe(w);
	free(b.p);
}

static const struct {
	uint64_t v;
	const char *hex;
} uints[] = {
	/* RFC 8949, appendix A, and each side of each head's end. */
	{ 0, "00" }, { 1, "01" }, { 10, "0a" }, { 23, "17" }, { 24, "1818" },
	{ 25, "1819" }, { 100, "1864" }, { 255, "18ff" }, { 256, "190100" },
	{ 1000, "1903e8" }, { 65535, "19ffff" }, { 65536, "1a00010000" },
	{ 1000000, "1a000f4240" }, { UINT32_MAX, "1affffffff" },
	{ UINT64_C(4294967296), "1b0000000100000000" },
	{ UINT64_C(1000000000000), "1b000000e8d4a51000" },
	{ UINT64_MAX, "1bffffffffffffffff" },
};

TEST(unsigned_integers)
{
	struct csn_reader r;
	struct csn_out w;
	struct bytes b;
	size_t i;

	for (i = 0; i < sizeof(uints) / sizeof(uints[0]); i++) {
		csn_out_init(&w);
		csn_cbor_uint(&w, uints[i].v);
		wrote(&w, uints[i].hex);
		b = from_hex(uints[i].hex);
		csn_reader_init(&r, b.p, b.len);
		assert_int_equal(csn_cbor_peek(&r), CSN_CBOR_UINT);
		assert_true(csn_cbor_get_uint(&r) == uints[i].v);
		assert_true(csn_reader_done(&r));
		assert_int_equal(csn_cbor_peek(&r), CSN_CBOR_END);
		csn_reader_init(&r, b.p, b.len);
		if (uints[i].v <= INT64_MAX) {
			assert_true(csn_cbor_get_int(&r) ==
			    (int64_t)uints[i].v);
			assert_true(csn_reader_done(&r));
		} else {
			assert_true(csn_cbor_get_int(&r) == 0);
			assert_false(csn_reader_ok(&r));
		}
		free(b.p);
	}
}

TEST(signed_integers)
{
	static const struct {
		int64_t v;
		const char *hex;
	} ints[] = {
		{ -1, "20" }, { -10, "29" }, { -24, "37" }, { -25, "3818" },
		{ -100, "3863" }, { -256, "38ff" }, { -257, "390100" },
		{ -1000, "3903e7" }, { -65536, "39ffff" },
		{ -65537, "3a00010000" },
		{ INT64_C(-4294967296), "3affffffff" },
		{ INT64_C(-4294967297), "3b0000000100000000" },
		{ INT64_MIN, "3b7fffffffffffffff" },
		{ 0, "00" }, { 500, "1901f4" },
		{ INT64_MAX, "1b7fffffffffffffff" },
	};
	struct csn_reader r;
	struct csn_out w;
	struct bytes b;
	size_t i;

	for (i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
		csn_out_init(&w);
		csn_cbor_int(&w, ints[i].v);
		wrote(&w, ints[i].hex);
		b = from_hex(ints[i].hex);
		csn_reader_init(&r, b.p, b.len);
		assert_true(csn_cbor_get_int(&r) == ints[i].v);
		assert_true(csn_reader_done(&r));
		free(b.p);
	}
	/* -18446744073709551616: deterministic, but too far for an int64. */
	b = from_hex("3bffffffffffffffff");
	assert_int_equal(csn_cbor_check(NULL, b.p, b.len), 0);
	csn_reader_init(&r, b.p, b.len);
	assert_true(csn_cbor_get_int(&r) == 0);
	assert_false(csn_reader_ok(&r));
	free(b.p);
}

TEST(strings_and_simple_values)
{
	struct csn_reader r;
	struct csn_out w;
	const uint8_t *skipped;
	const void *p;
	size_t len;

	csn_out_init(&w);
	csn_cbor_array(&w, 9);
	csn_cbor_bytes(&w, NULL, 0);
	csn_cbor_bytes(&w, "\1\2\3\4", 4);
	csn_cbor_text(&w, "");
	csn_cbor_text(&w, "IETF");
	csn_cbor_textn(&w, "\xc3\xbc|", 2);
	csn_cbor_bool(&w, 0);
	csn_cbor_bool(&w, 7);
	csn_put_u8(&w, 0xf6);	/* null */
	csn_cbor_tag(&w, 18);
	csn_cbor_text(&w, "\xf0\x90\x85\x91");

	csn_reader_init(&r, w.p, w.len);
	assert_int_equal(csn_cbor_peek(&r), CSN_CBOR_ARRAY);
	assert_int_equal(csn_cbor_get_array(&r), 9);
	assert_int_equal(csn_cbor_peek(&r), CSN_CBOR_BYTES);
	assert_non_null(csn_cbor_get_bytes(&r, &len));
	assert_int_equal(len, 0);
	assert_non_null(p = csn_cbor_get_bytes(&r, &len));
	assert_int_equal(len, 4);
	assert_memory_equal(p, "\1\2\3\4", 4);
	assert_int_equal(csn_cbor_peek(&r), CSN_CBOR_TEXT);
	assert_non_null(csn_cbor_get_text(&r, &len));
	assert_int_equal(len, 0);
	assert_non_null(p = csn_cbor_get_text(&r, &len));
	assert_int_equal(len, 4);
	assert_memory_equal(p, "IETF", 4);
	csn_cbor_skip(&r, NULL, NULL);
	assert_int_equal(csn_cbor_peek(&r), CSN_CBOR_SIMPLE);
	assert_int_equal(csn_cbor_get_bool(&r), 0);
	assert_int_equal(csn_cbor_get_bool(&r), 1);
	csn_cbor_skip(&r, &skipped, &len);
	assert_memory_equal(skipped, "\xf6", 1);
	assert_int_equal(len, 1);
	assert_int_equal(csn_cbor_peek(&r), CSN_CBOR_TAG);
	assert_int_equal(csn_cbor_get_tag(&r), 18);
	assert_non_null(csn_cbor_get_text(&r, &len));
	assert_true(csn_reader_done(&r));
	wrote(&w, "89 40 4401020304 60 6449455446 62c3bc f4 f5 f6 "
	    "d2 64f0908591");
}

TEST(samples_of_appendix_a_are_accepted)
{
	static const char *const samples[] = {
		"c249010000000000000000", "c349010000000000000000",
		"3bffffffffffffffff", "f4", "f5", "f6",
		"c074323031332d30332d32315432303a30343a30305a",
		"c11a514b67b0", "d74401020304", "d818456449455446",
		"d82076687474703a2f2f7777772e6578616d706c652e636f6d",
		"40", "4401020304", "60", "6161", "6449455446", "62225c",
		"62c3bc", "63e6b0b4", "64f0908591", "80", "83010203",
		"8301820203820405",
		"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
		"a0", "a201020304", "a26161016162820203", "826161a161626163",
		"a56161614161626142616361436164614461656145",
	};
	struct csn_reader r;
	struct bytes b;
	const uint8_t *p;
	size_t i, len;

	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		b = from_hex(samples[i]);
		assert_int_equal(csn_cbor_check(NULL, b.p, b.len), 0);
		csn_reader_init(&r, b.p, b.len);
		csn_cbor_skip(&r, &p, &len);
		assert_true(csn_reader_done(&r));
		assert_ptr_equal(p, b.p);
		assert_int_equal(len, b.len);
		free(b.p);
	}
}

TEST(longer_heads_are_refused)
{
	static const char *const heads[] = {
		"1800", "1817", "190000", "1900ff", "1a00000000",
		"1a0000ffff", "1b0000000000000000", "1b00000000ffffffff",
		"3800", "3817", "3900ff", "3a0000ffff", "3b00000000ffffffff",
		"5800", "580141", "59000141", "5a0000000141",
		"5b000000000000000141", "7800", "780161", "790001 61",
		"7a0000000161", "9800", "980100", "9a0000000100", "b800",
		"b8010000", "bb00000000000000010000", "d80000", "d81200",
		"d9001200", "da0000001200", "db000000000000001200",
	};
	size_t i;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		refused(heads[i], "longer head");
	/* Inside others, too. */
	refused("81 1801", "longer head");
	refused("a1 1801 01", "longer head");
	refused("a1 01 1801", "longer head");
	refused("c1 1801", "longer head");
}

TEST(indefinite_lengths_are_refused)
{
	static const char *const items[] = {
		"5f42010243030405ff", "7f657374726561646d696e67ff", "9fff",
		"9f018202039f0405ffff", "83018202039f0405ff", "bfff",
		"bf61610161629f0203ffff", "ff", "81ff", "1f", "3f", "df",
	};
	size_t i;

	for (i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		refused(items[i], "indefinite");
}

TEST(floats_and_other_simple_values_are_refused)
{
	char hex[8];
	int v;

	refused("f90000", "floating");
	refused("f97e00", "floating");
	refused("fa47c35000", "floating");
	refused("fb3ff199999999999a", "floating");
	refused("f8ff", "simple value");
	refused("f820", "simple value");
	refused("f818", "simple value");
	for (v = 0; v < 24; v++) {
		snprintf(hex, sizeof(hex), "%02x", 0xe0 + v);
		if (v >= 20 && v <= 22)
			assert_int_equal(check_hex(hex), 0);
		else
			refused(hex, "simple value");
	}
}

TEST(reserved_bytes_are_refused)
{
	char hex[8];
	int type, info;

	for (type = 0; type < 8; type++)
		for (info = 28; info < 31; info++) {
			snprintf(hex, sizeof(hex), "%02x", type << 5 | info);
			refused(hex, "means nothing");
		}
}

TEST(keys_out_of_order_or_twice_are_refused)
{
	refused("a2 02 00 01 00", "not in order");
	refused("a2 01 00 01 00", "twice");
	refused("a2 6161 00 6161 01", "twice");
	refused("a2 6162 00 6161 01", "not in order");
	/* Bytewise (4.2.1), and not the shorter key first (4.2.3). */
	assert_int_equal(check_hex("a5 0a00 186400 2000 617a00 62616100"), 0);
	refused("a2 2000 186400", "not in order");
	refused("a2 617a00 186400", "not in order");
	assert_int_equal(check_hex("a2 00 00 40 00"), 0);
	refused("a2 40 00 00 00", "not in order");
	/* Inside others, too. */
	refused("81 a2 02 00 01 00", "not in order");
	refused("a1 00 a2 01 00 01 00", "twice");
	refused("c1 a2 01 00 01 00", "twice");
}

TEST(keys_of_other_types_are_refused)
{
	refused("a1 80 00", "a key that is no");
	refused("a1 8101 00", "a key that is no");
	refused("a1 a0 00", "a key that is no");
	refused("a1 c101 00", "a key that is no");
	refused("a1 f4 00", "a key that is no");
	refused("a1 f6 00", "a key that is no");
}

TEST(text_that_is_no_text_is_refused)
{
	refused("61ff", "not UTF-8");
	refused("61c3", "not UTF-8");
	refused("62c080", "not UTF-8");
	refused("63eda080", "not UTF-8");
	refused("64f4908080", "not UTF-8");
	refused("6100", "NUL");
	refused("63 610062", "NUL");
	refused("a1 61ff 00", "not UTF-8");
	/* A character cut in two by the text's end, not by the bytes'. */
	refused("82 61c3 61bc", "not UTF-8");
	/* What is UTF-8 but no name may be said. */
	assert_int_equal(check_hex("61 0a"), 0);
	assert_int_equal(check_hex("61 7f"), 0);
}

TEST(bytes_left_over_are_refused)
{
	refused("00 00", "bytes are left");
	refused("80 80", "bytes are left");
	refused("4101 00", "bytes are left");
	refused("f6 f6", "bytes are left");
}

TEST(each_cut_is_refused)
{
	struct bytes b = from_hex("d2 84 43a10126 a2 01 19 0100 6161 "
	    "82 1a00010000 3b0000000100000000 58 18 "
	    "000102030405060708090a0b0c0d0e0f1011121314151617 "
	    "c2 49 010000000000000000");
	struct csn_reader r;
	uint8_t *cut;
	size_t len;

	assert_int_equal(csn_cbor_check(NULL, b.p, b.len), 0);
	for (len = 0; len < b.len; len++) {
		assert_non_null(cut = malloc(len > 0 ? len : 1));
		memcpy(cut, b.p, len);
		assert_int_equal(csn_cbor_check(NULL, cut, len), CSN_E_FORM);
		csn_reader_init(&r, cut, len);
		csn_cbor_skip(&r, NULL, NULL);
		assert_false(csn_reader_ok(&r));
		free(cut);
	}
	free(b.p);
	assert_int_equal(csn_cbor_check(NULL, NULL, 0), CSN_E_FORM);
	assert_int_equal(csn_cbor_check(NULL, NULL, 9), CSN_E_FORM);
}

TEST(counts_that_lie_are_refused)
{
	static const char *const counts[] = {
		"81", "8201", "9affffffff", "9bffffffffffffffff 00",
		"9b7fffffffffffffff 00", "a1", "a101", "baffffffff 0000",
		"bbffffffffffffffff 0000", "bb8000000000000000 0000",
		"41", "4201", "5affffffff00", "5bffffffffffffffff 00",
		"61", "7bffffffffffffffff 61", "c1", "dbffffffffffffffff",
	};
	struct csn_reader r;
	struct bytes b;
	size_t i, len;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		b = from_hex(counts[i]);
		assert_int_equal(csn_cbor_check(NULL, b.p, b.len),
		    CSN_E_FORM);
		csn_reader_init(&r, b.p, b.len);
		csn_cbor_skip(&r, NULL, &len);
		assert_false(csn_reader_ok(&r));
		assert_int_equal(len, 0);
		csn_reader_init(&r, b.p, b.len);
		assert_true(csn_cbor_get_array(&r) <= b.len);
		csn_reader_init(&r, b.p, b.len);
		assert_true(csn_cbor_get_map(&r) <= b.len / 2);
		free(b.p);
	}
}

/* n times outer around inner, in hex. */
static const char *
nested(const char *outer, int n, const char *inner)
{
	static char hex[128];
	size_t len = 0;

	while (n-- > 0)
		len += (size_t)snprintf(hex + len, sizeof(hex) - len, "%s",
		    outer);
	snprintf(hex + len, sizeof(hex) - len, "%s", inner);
	return hex;
}

TEST(depth_ends_at_sixteen)
{
	/* Arrays, maps, tags: the byte that opens one, and a key or none. */
	static const char *const outer[] = { "81", "a100", "c1" };
	size_t i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(check_hex(nested(outer[i], 16, "00")), 0);
		refused(nested(outer[i], 17, "00"), "too deep");
	}
	/* One that is empty, in 16 others, is one too many as well. */
	assert_int_equal(check_hex(nested("81", 15, "80")), 0);
	refused(nested("81", 16, "80"), "too deep");
}

TEST(a_skip_needs_no_stack)
{
	const size_t len = 1000000;
	struct csn_reader r;
	uint8_t *p;

	assert_non_null(p = malloc(len));
	memset(p, 0x81, len);
	csn_reader_init(&r, p, len);
	csn_cbor_skip(&r, NULL, NULL);
	assert_false(csn_reader_ok(&r));
	p[len - 1] = 0;
	csn_reader_init(&r, p, len);
	csn_cbor_skip(&r, NULL, NULL);
	assert_true(csn_reader_done(&r));
	assert_int_equal(csn_cbor_check(NULL, p, len), CSN_E_FORM);
	free(p);
}

TEST(big_numbers_are_the_shortest)
{
	refused("c2 40", "big number");
	refused("c2 41 01", "big number");
	refused("c3 41 01", "big number");
	refused("c2 48 ffffffffffffffff", "big number");
	refused("c2 49 00ffffffffffffffff", "big number");
	refused("c2 01", "big number");
	refused("c2 6161", "big number");
	refused("c2 80", "big number");
}

TEST(another_type_makes_a_reader_bad)
{
	/* One item of each type, in the order of enum csn_cbor_type. */
	static const char *const items[] = {
		"05", "25", "4100", "6161", "8100", "a10000", "c100", "f5",
	};
	struct csn_reader r;
	struct bytes b;
	size_t i, len;
	int type;

	for (i = 0; i < 8; i++) {
		b = from_hex(items[i]);
		for (type = 0; type < 8; type++) {
			csn_reader_init(&r, b.p, b.len);
			assert_int_equal(csn_cbor_peek(&r), i);
			len = 99;
			switch (type) {
			case CSN_CBOR_UINT:
				(void)csn_cbor_get_uint(&r);
				break;
			case CSN_CBOR_NINT:
				(void)csn_cbor_get_int(&r);
				break;
			case CSN_CBOR_BYTES:
				(void)csn_cbor_get_bytes(&r, &len);
				assert_int_equal(len, i == 2 ? 1 : 0);
				break;
			case CSN_CBOR_TEXT:
				(void)csn_cbor_get_text(&r, &len);
				assert_int_equal(len, i == 3 ? 1 : 0);
				break;
			case CSN_CBOR_ARRAY:
				(void)csn_cbor_get_array(&r);
				break;
			case CSN_CBOR_MAP:
				(void)csn_cbor_get_map(&r);
				break;
			case CSN_CBOR_TAG:
				(void)csn_cbor_get_tag(&r);
				break;
			default:
				assert_int_equal(csn_cbor_get_bool(&r),
				    i == CSN_CBOR_SIMPLE);
				break;
			}
			/* get_int takes both kinds of integers. */
			assert_int_equal(csn_reader_ok(&r), type == (int)i ||
			    (type == CSN_CBOR_NINT && i == CSN_CBOR_UINT));
		}
		free(b.p);
	}
	/* null is no truth value. */
	b = from_hex("f6");
	csn_reader_init(&r, b.p, b.len);
	assert_int_equal(csn_cbor_get_bool(&r), 0);
	assert_false(csn_reader_ok(&r));
	assert_int_equal(csn_cbor_peek(&r), CSN_CBOR_END);
	free(b.p);
}
