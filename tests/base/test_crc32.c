/* SPDX-License-Identifier: Apache-2.0 */
/* test_crc32.c - CRC-32 against known sums, whole and in parts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32.h"

static void
sums_are_the_known_ones(void **state)
{
	uint8_t zero[32] = { 0 };

	(void)state;
	assert_int_equal(csn_crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(csn_crc32(0, "", 0), 0);
	assert_int_equal(csn_crc32(0, "a", 1), 0xe8b7be43);
	assert_int_equal(csn_crc32(0, zero, sizeof(zero)), 0x190a55ad);
}

static void
parts_make_up_the_whole(void **state)
{
	uint8_t p[100];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)(i * 37);
	for (i = 0; i <= sizeof(p); i++)
		assert_int_equal(csn_crc32(csn_crc32(0, p, i), p + i,
		    sizeof(p) - i), csn_crc32(0, p, sizeof(p)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_the_known_ones),
		cmocka_unit_test(parts_make_up_the_whole),
	};

	return cmocka_run_group_tests_name("crc32", tests, NULL, NULL);
}
