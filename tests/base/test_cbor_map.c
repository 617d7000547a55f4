/* SPDX-License-Identifier: Apache-2.0 */
/* test_cbor_map.c - maps are written in order, or not at all. */
#include "base/cbor.h"
#include "base/text.h"
#include "lib/test.h"

static void
key_text(struct csn_cbor_map *m, const char *key)
{
	csn_cbor_text(m->w, key);
	m->n++;
}

TEST(maps_are_sorted_as_they_are_ended)
{
	struct csn_cbor_map m, inner;
	struct csn_out w;
	char hex[129];

	csn_out_init(&w);
	csn_cbor_map_begin(&w, &m);
	key_text(&m, "aa");
	csn_cbor_array(&w, 2);
	csn_cbor_uint(&w, 1);
	csn_cbor_tag(&w, 1);
	csn_cbor_uint(&w, 2);
	csn_cbor_key_int(&m, -1);
	csn_cbor_map_begin(&w, &inner);
	csn_cbor_key_int(&inner, 2);
	csn_put_u8(&w, 0xf6);	/* null */
	csn_cbor_key_int(&inner, 1);
	csn_cbor_text(&w, "x");
	csn_cbor_map_end(&inner);
	key_text(&m, "z");
	csn_cbor_bool(&w, 1);
	csn_cbor_key_int(&m, 100);
	csn_cbor_bytes(&w, "\xff", 1);
	csn_cbor_key_int(&m, 10);
	csn_cbor_map_begin(&w, &inner);
	csn_cbor_map_end(&inner);
	csn_cbor_map_end(&m);
	assert_true(csn_out_ok(&w));
	assert_int_equal(csn_cbor_check(NULL, w.p, w.len), 0);
	assert_true(w.len < 64);
	csn_hex_encode(w.p, w.len, hex);
	assert_string_equal(hex,
	    "a50aa0186441ff20a201617802f6617af56261618201c102");
	csn_out_wipe(&w);
}

TEST(a_map_of_many_comes_out_the_same_in_any_order)
{
	enum { N = 300 };
	struct csn_cbor_map m;
	struct csn_out first, w;
	uint32_t x = 7;
	int order[N], round, i, j, swap;
	char key[16];

	csn_out_init(&first);
	for (i = 0; i < N; i++)
		order[i] = i;
	for (round = 0; round < 5; round++) {
		csn_out_init(&w);
		/* Something before it, which is to stay as it is. */
		csn_cbor_array(&w, 1);
		csn_cbor_map_begin(&w, &m);
		for (i = 0; i < N; i++) {
			if (order[i] % 2 == 0) {
				csn_cbor_key_int(&m, order[i] - N / 2);
			} else {
				snprintf(key, sizeof(key), "k%d", order[i]);
				key_text(&m, key);
			}
			csn_cbor_int(&w, order[i]);
		}
		csn_cbor_map_end(&m);
		assert_true(csn_out_ok(&w));
		assert_int_equal(csn_cbor_check(NULL, w.p, w.len), 0);
		if (round == 0) {
			first = w;
		} else {
			assert_int_equal(w.len, first.len);
			assert_memory_equal(w.p, first.p, w.len);
			csn_out_wipe(&w);
		}
		for (i = N - 1; i > 0; i--) {
			x = x * 1664525 + 1013904223;
			j = (int)((x >> 16) % (uint32_t)(i + 1));
			swap = order[i];
			order[i] = order[j];
			order[j] = swap;
		}
	}
	csn_out_wipe(&first);
}

TEST(maps_that_are_wrong_are_not_written)
{
	struct csn_cbor_map m;
	struct csn_out w;
	uint8_t small[6];

	/* A key twice. */
	csn_out_init(&w);
	csn_cbor_map_begin(&w, &m);
	csn_cbor_key_int(&m, 1);
	csn_put_u8(&w, 0xf6);	/* null */
	csn_cbor_key_int(&m, 1);
	csn_put_u8(&w, 0xf6);	/* null */
	csn_cbor_map_end(&m);
	assert_false(csn_out_ok(&w));
	csn_out_wipe(&w);
	/* A key without its value. */
	csn_out_init(&w);
	csn_cbor_map_begin(&w, &m);
	csn_cbor_key_int(&m, 1);
	csn_cbor_map_end(&m);
	assert_false(csn_out_ok(&w));
	csn_out_wipe(&w);
	/* Two values for one key. */
	csn_out_init(&w);
	csn_cbor_map_begin(&w, &m);
	csn_cbor_key_int(&m, 1);
	csn_put_u8(&w, 0xf6);	/* null */
	csn_put_u8(&w, 0xf6);	/* null */
	csn_cbor_map_end(&m);
	assert_false(csn_out_ok(&w));
	csn_out_wipe(&w);
	/* No room for the head that is put before the entries. */
	csn_out_fixed(&w, small, sizeof(small));
	csn_cbor_map_begin(&w, &m);
	csn_cbor_key_int(&m, 1);
	csn_cbor_bytes(&w, "abcd", 4);
	assert_true(csn_out_ok(&w));
	csn_cbor_map_end(&m);
	assert_false(csn_out_ok(&w));
	csn_out_wipe(&w);
}

TEST(text_that_would_be_refused_is_not_written)
{
	struct csn_out w;

	csn_out_init(&w);
	csn_cbor_text(&w, "\xff");
	assert_false(csn_out_ok(&w));
	csn_out_wipe(&w);
	csn_cbor_textn(&w, "a\0b", 3);
	assert_false(csn_out_ok(&w));
	csn_out_wipe(&w);
}
