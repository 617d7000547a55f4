/* SPDX-License-Identifier: Apache-2.0 */
/* test_native_versions.c - which of a key's entries is the newest. */
#include <caisson/cache_native.h>

#include "envelope/header.h"
#include "lib/test.h"
#include "session/pair.h"

#define LEN 16
#define SEALED (LEN + CSN_CACHE_NATIVE_OVERHEAD)

static const uint8_t id_1[16] = "master key one", key_1[32] = { 1 };
static const struct csn_cache_native_bind bind = { .tenant = "acme",
    .key = "ns:key", .key_len = 6, .format = "msgpack" };
static struct csn_ctx *ctx;
static struct csn_cache_native *
made(struct csn_ctx *of)
{
	struct csn_cache_native *n;

	assert_int_equal(csn_cache_native_new(of, NULL, &n), 0);
	assert_int_equal(csn_cache_native_add_key(n, 1, id_1, key_1), 0);
	return n;
}

static void
seal(struct csn_cache_native *n, const char *text, uint8_t out[SEALED])
{
	uint8_t in[LEN] = { 0 };

	memcpy(in, text, strlen(text));
	assert_int_equal(csn_cache_native_seal(n, &bind, 0, in, LEN, out), 0);
}

static int
opens(struct csn_cache_native *n, const uint8_t sealed[SEALED],
    const char *text)
{
	static const uint8_t zero[LEN];
	uint8_t out[LEN] = { 0xee };
	int rc;

	rc = csn_cache_native_open(n, &bind, sealed, SEALED, out, NULL);
	if (rc == 0)
		assert_string_equal((const char *)out, text);
	else
		assert_memory_equal(out, zero, LEN);
	return rc;
}

TEST(an_equal_version_of_another_writer_is_not_the_newest_too)
{
	struct csn_cache_native *a = made(ctx), *b = made(ctx), *c = made(ctx);
	uint8_t first[SEALED], second[SEALED];
	int i;

	/* Two caches in one millisecond that have not read each other. */
	seal(a, "first", first);
	seal(b, "second", second);
	assert_memory_equal(first + CSN_H_VERSION, second + CSN_H_VERSION, 8);
	for (i = 0; i < 2; i++) {
		assert_int_equal(opens(a, first, "first"), 0);
		assert_int_equal(opens(a, second, "second"), CSN_E_REPLAY);
		assert_int_equal(opens(b, second, "second"), 0);
		assert_int_equal(opens(b, first, "first"), CSN_E_REPLAY);
		/* Who reads stays with what it read first. */
		assert_int_equal(opens(c, second, "second"), 0);
		assert_int_equal(opens(c, first, "first"), CSN_E_REPLAY);
	}
	csn_cache_native_free(a);
	csn_cache_native_free(b);
	csn_cache_native_free(c);
}

TEST(a_version_of_more_than_a_day_ahead_is_refused)
{
	const uint64_t day = 86400000;
	struct csn_cache_native *ahead, *n;
	uint8_t edge[SEALED], past[SEALED], now[SEALED];
	struct csn_ctx *behind;

	ahead = made(ctx);
	pair_wall += day;
	seal(ahead, "a day", edge);
	pair_wall++;
	seal(ahead, "more", past);
	behind = pair_ctx();		/* and its clock begins again */
	n = made(behind);
	assert_int_equal(opens(n, past, "more"), CSN_E_REPLAY);
	assert_int_equal(opens(n, edge, "a day"), 0);
	assert_int_equal(opens(n, past, "more"), CSN_E_REPLAY);
	assert_int_equal(opens(ahead, past, "more"), 0);
	/* What it read it is above, and no further ahead than that. */
	seal(n, "now", now);
	assert_int_equal(opens(n, now, "now"), 0);
	assert_int_equal(opens(n, edge, "a day"), CSN_E_REPLAY);
	pair_wall++;
	assert_int_equal(opens(n, past, "more"), 0);
	csn_cache_native_free(n);
	csn_cache_native_free(ahead);
	csn_ctx_free(behind);
}

BEFORE_EACH { ctx = pair_ctx(); }
AFTER_EACH { csn_ctx_free(ctx); }
