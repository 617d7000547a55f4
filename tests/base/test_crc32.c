/* SPDX-License-Identifier: Apache-2.0 */
/* test_crc32.c - CRC-32 against known sums, whole and in parts. */
#include "base/crc32.h"
#include "lib/test.h"

TEST(sums_are_the_known_ones)
{
	uint8_t zero[32] = { 0 };

	assert_int_equal(csn_crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(csn_crc32(0, "", 0), 0);
	assert_int_equal(csn_crc32(0, "a", 1), 0xe8b7be43);
	assert_int_equal(csn_crc32(0, zero, sizeof(zero)), 0x190a55ad);
}

TEST(parts_make_up_the_whole)
{
	uint8_t p[100];
	size_t i;

	for (i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)(i * 37);
	for (i = 0; i <= sizeof(p); i++)
		assert_int_equal(csn_crc32(csn_crc32(0, p, i), p + i,
		    sizeof(p) - i), csn_crc32(0, p, sizeof(p)));
}
