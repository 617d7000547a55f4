/* SPDX-License-Identifier: Apache-2.0 */
/* test_cursor.c - reading never runs over, writing never overflows. */
#include "base/cursor.h"
#include "lib/test.h"

TEST(what_is_written_is_read)
{
	struct csn_reader r;
	struct csn_out w;
	const uint8_t *view;
	uint8_t bytes[3];
	size_t len;

	csn_out_init(&w);
	csn_put_u8(&w, 0x01);
	csn_put_u16(&w, 0x0302);
	csn_put_u32(&w, 0x07060504);
	csn_put_u64(&w, UINT64_C(0x0f0e0d0c0b0a0908));
	csn_put_bytes(&w, "abc", 3);
	csn_put_bytes16(&w, "defg", 4);
	csn_put_bytes16(&w, NULL, 0);
	assert_true(csn_out_ok(&w));
	assert_int_equal(w.len, 1 + 2 + 4 + 8 + 3 + 6 + 2);
	/* Little-endian. */
	for (len = 0; len < 15; len++)
		assert_int_equal(w.p[len], len + 1);

	csn_reader_init(&r, w.p, w.len);
	assert_int_equal(csn_read_u8(&r), 0x01);
	assert_int_equal(csn_read_u16(&r), 0x0302);
	assert_int_equal(csn_read_u32(&r), 0x07060504);
	assert_true(csn_read_u64(&r) == UINT64_C(0x0f0e0d0c0b0a0908));
	csn_read_bytes(&r, bytes, 3);
	assert_memory_equal(bytes, "abc", 3);
	assert_non_null(view = csn_read_view16(&r, &len));
	assert_int_equal(len, 4);
	assert_memory_equal(view, "defg", 4);
	assert_false(csn_reader_done(&r));
	assert_non_null(csn_read_view16(&r, &len));
	assert_int_equal(len, 0);
	assert_true(csn_reader_done(&r));
	/* A view of nothing is no failure, even at the end. */
	assert_non_null(csn_read_view(&r, 0));
	csn_read_bytes(&r, NULL, 0);
	assert_true(csn_reader_done(&r));
	csn_out_wipe(&w);
}

/* Read with a width of n from a heap block of have bytes. */
static uint64_t
read_width(struct csn_reader *r, int n)
{
	return n == 1 ? csn_read_u8(r) : n == 2 ? csn_read_u16(r) :
	    n == 4 ? csn_read_u32(r) : csn_read_u64(r);
}

TEST(a_read_past_the_end_is_zero_and_final)
{
	const int widths[] = { 1, 2, 4, 8 };
	struct csn_reader r;
	uint8_t *p, out[4];
	size_t i, len;
	int have;

	for (i = 0; i < 4; i++)
		for (have = 0; have < widths[i]; have++) {
			assert_non_null(p = malloc((size_t)have + 1));
			memset(p, 0xff, (size_t)have);
			/* Exactly as long as it is, for a sanitizer. */
			assert_non_null(p = realloc(p,
			    have > 0 ? (size_t)have : 1));
			csn_reader_init(&r, p, (size_t)have);
			assert_true(read_width(&r, widths[i]) == 0);
			assert_false(csn_reader_ok(&r));
			assert_false(csn_reader_done(&r));
			/* Not even what would have been there. */
			assert_int_equal(csn_read_u8(&r), 0);
			assert_null(csn_read_view(&r, 0));
			assert_null(csn_read_view16(&r, &len));
			assert_int_equal(len, 0);
			memset(out, 1, sizeof(out));
			csn_read_bytes(&r, out, sizeof(out));
			assert_memory_equal(out, "\0\0\0\0", 4);
			free(p);
		}
}

TEST(lengths_that_lie_are_caught)
{
	struct csn_reader r;
	size_t len = 9;

	csn_reader_init(&r, "\x05\x00" "abcd", 6);
	assert_null(csn_read_view16(&r, &len));
	assert_int_equal(len, 0);
	assert_false(csn_reader_ok(&r));
	csn_reader_init(&r, "abcd", 4);
	assert_null(csn_read_view(&r, SIZE_MAX));
	assert_false(csn_reader_ok(&r));
	csn_reader_init(&r, NULL, 0);
	assert_true(csn_reader_done(&r));
	assert_non_null(csn_read_view(&r, 0));
	csn_reader_init(&r, NULL, 5);
	assert_false(csn_reader_ok(&r));
	assert_int_equal(csn_read_u8(&r), 0);
}

TEST(a_fixed_buffer_is_never_overrun)
{
	struct csn_out w;
	uint8_t buf[8];

	memset(buf, 0xee, sizeof(buf));
	csn_out_fixed(&w, buf, 5);
	csn_put_u32(&w, 1);
	csn_put_u16(&w, 2);
	assert_false(csn_out_ok(&w));
	assert_int_equal(w.len, 4);
	/* Bad stays bad, though a byte would fit. */
	csn_put_u8(&w, 3);
	assert_int_equal(w.len, 4);
	assert_int_equal(buf[4], 0xee);
	csn_out_wipe(&w);
	assert_memory_equal(buf, "\0\0\0\0\xee\xee\xee\xee", 8);
	csn_out_fixed(&w, NULL, 0);
	csn_put_bytes(&w, "", 0);
	assert_true(csn_out_ok(&w));
	csn_put_u8(&w, 0);
	assert_false(csn_out_ok(&w));
}

TEST(a_growing_writer_grows)
{
	struct csn_out w;
	uint32_t i;

	csn_out_init(&w);
	for (i = 0; i < 100000; i++)
		csn_put_u32(&w, i);
	assert_true(csn_out_ok(&w));
	assert_int_equal(w.len, 400000);
	for (i = 0; i < 100000; i++)
		assert_int_equal(w.p[4 * i] | w.p[4 * i + 1] << 8 |
		    w.p[4 * i + 2] << 16, i);
	csn_put_bytes(&w, "", SIZE_MAX / 2);
	assert_false(csn_out_ok(&w));
	csn_out_wipe(&w);
	assert_null(w.p);
	csn_put_u8(&w, 1);
	assert_true(csn_out_ok(&w));
	csn_out_wipe(&w);
}

TEST(bytes16_ends_at_65535)
{
	struct csn_out w;
	uint8_t *big;

	assert_non_null(big = calloc(1, 65536));
	csn_out_init(&w);
	csn_put_bytes16(&w, big, 65535);
	assert_true(csn_out_ok(&w));
	assert_int_equal(w.len, 65537);
	csn_put_bytes16(&w, big, 65536);
	assert_false(csn_out_ok(&w));
	csn_out_wipe(&w);
	free(big);
}
