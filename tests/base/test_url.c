/* SPDX-License-Identifier: Apache-2.0 */
/* test_url.c - options of a URL, and whole numbers as text. */
#include "base/text.h"
#include "base/url.h"
#include "lib/test.h"

static int
decode(const char *s, size_t len, const char *want)
{
	char out[32];
	size_t n = 0;

	if (csn_url_decode(s, len, out, &n) != 0)
		return -1;
	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, n);
	return 0;
}

TEST(a_percent_needs_two_digits_of_its_own)
{
	assert_int_equal(decode("a%20b%2fc", 9, "a b/c"), 0);
	assert_int_equal(decode("", 0, ""), 0);
	assert_int_equal(decode("%41", 3, "A"), 0);
	/* What lies behind the end is not part of it. */
	assert_int_equal(decode("%41", 2, ""), -1);
	assert_int_equal(decode("%41", 1, ""), -1);
	assert_int_equal(decode("x%", 2, ""), -1);
	assert_int_equal(decode("%4g", 3, ""), -1);
}

static int
bytes(const char *s, uint64_t want)
{
	uint64_t got = 77;

	if (csn_url_bytes(s, strlen(s), &got) != 0) {
		assert_int_equal(got, 77);
		return -1;
	}
	assert_int_equal(got, want);
	return 0;
}

TEST(sizes_have_a_unit_and_do_not_wrap)
{
	assert_int_equal(bytes("0", 0), 0);
	assert_int_equal(bytes("3K", 3072), 0);
	assert_int_equal(bytes("16777215T", (uint64_t)16777215 << 40), 0);
	assert_int_equal(bytes("16777216T", 0), -1);
	assert_int_equal(bytes("18446744073709551615", UINT64_MAX), 0);
	assert_int_equal(bytes("18446744073709551615K", 0), -1);
	assert_int_equal(bytes("18446744073709551616", 0), -1);
	assert_int_equal(bytes("", 0), -1);
	assert_int_equal(bytes("K", 0), -1);
	assert_int_equal(bytes("1k", 0), -1);
	assert_int_equal(bytes("-1", 0), -1);
	assert_int_equal(bytes("1KK", 0), -1);
}

static int
decimal(const char *s, uint64_t most)
{
	uint64_t v;

	return csn_decimal(s, strlen(s), most, &v);
}

TEST(a_number_goes_up_to_its_most_and_no_further)
{
	assert_int_equal(decimal("255", 255), 0);
	assert_int_equal(decimal("256", 255), -1);
	assert_int_equal(decimal("260", 255), -1);
	assert_int_equal(decimal("5", 5), 0);
	assert_int_equal(decimal("6", 5), -1);
	assert_int_equal(decimal("0", 0), 0);
	assert_int_equal(decimal("1", 0), -1);
	assert_int_equal(decimal(" 1", 9), -1);
	assert_int_equal(decimal("1 ", 9), -1);
}

TEST(options_come_one_by_one)
{
	const char *p = "a=1&b=&c==2&d";
	struct csn_url_option o;

	assert_int_equal(csn_url_next(&p, &o), 1);
	assert_true(csn_url_is(&o, "a") && !csn_url_is(&o, "ab"));
	assert_int_equal(o.len, 1);
	assert_int_equal(csn_url_next(&p, &o), 1);
	assert_true(csn_url_is(&o, "b"));
	assert_int_equal(o.len, 0);
	assert_int_equal(csn_url_next(&p, &o), 1);
	assert_int_equal(o.len, 2);
	assert_memory_equal(o.value, "=2", 2);
	assert_int_equal(csn_url_next(&p, &o), -1);
	assert_true(csn_url_is(&o, "d"));
	p = "";
	assert_int_equal(csn_url_next(&p, &o), 0);
}
