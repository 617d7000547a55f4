/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_pages.c - the store in RAM where pages have 64 KiB. */
#include <caisson/store.h>

#include "lib/bigpages.h"
#include "lib/test.h"

#define U(s) ((const uint8_t *)(s)), strlen(s)
#define MANY 40

static struct csn_ctx *ctx;

static const uint8_t *
put(struct csn_store *s, const char *space, size_t len, int byte)
{
	struct csn_store_buf buf;
	const uint8_t *where;

	assert_int_equal(csn_store_reserve(s, U(space), len, &buf), 0);
	memset(buf.p, byte, len);
	where = buf.p;
	assert_int_equal(csn_store_commit(s, U(space), U("k"), &buf), 0);
	return where;
}

TEST(dropping_takes_all_of_ones_own_bytes_and_none_of_anothers)
{
	static const size_t lens[] = { 100, 9000, 33000, 40000, 65535, 65536,
	    66000, 131000, 300000 };
	const uint8_t *where[MANY];
	struct csn_store *s;
	char space[16];
	size_t i, l, k;

	for (l = 0; l < sizeof(lens) / sizeof(lens[0]); l++) {
		assert_int_equal(csn_store_open(ctx, "memory:?bytes=64M",
		    &s), 0);
		for (i = 0; i < MANY; i++) {
			snprintf(space, sizeof(space), "t%zu", i);
			where[i] = put(s, space, lens[l] + i % 3 * 4096,
			    (int)i + 1);
		}
		for (i = 0; i < MANY; i += 2) {
			snprintf(space, sizeof(space), "t%zu", i);
			assert_int_equal(csn_store_drop(s, U(space)), 0);
		}
		for (i = 0; i < MANY; i++)
			for (k = 0; k < lens[l] + i % 3 * 4096; k++)
				if ((where[i][k] == (uint8_t)(i + 1)) !=
				    (i % 2 != 0))
					fail_msg("%zu bytes, value %zu, "
					    "byte %zu", lens[l], i, k);
		csn_store_close(s);
	}
}

TEST(what_the_kernel_does_not_take_back_is_overwritten_and_counted)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	struct csn_store *s;
	const uint8_t *where;
	uint64_t before;
	size_t k;
	int i;

	assert_int_equal(csn_store_open(ctx, "memory:?bytes=4M", &s), 0);
	where = put(s, "acme", 200000, 0xa5);
	assert_int_equal(csn_store_stat(s, NULL, 0, &st), 0);
	before = st.memory;
	bigpages_refuse = 1;
	assert_int_equal(csn_store_drop(s, U("acme")), 0);
	for (k = 0; k < 200000; k++)
		assert_int_not_equal(where[k], 0xa5);
	assert_int_equal(csn_store_stat(s, NULL, 0, &st), 0);
	assert_true(st.memory + 4096 > before);
	/* It is used again, and the limit holds with it. */
	for (i = 0; i < 200; i++)
		(void)put(s, "acme", 200000, 1);
	assert_int_equal(csn_store_stat(s, NULL, 0, &st), 0);
	assert_true(st.memory < (6 << 20));
	bigpages_refuse = 0;
	csn_store_close(s);
}

BEFORE_ALL { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }
AFTER_ALL { csn_ctx_free(ctx); }
