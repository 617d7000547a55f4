/* SPDX-License-Identifier: Apache-2.0 */
/* test_native_mode.c - Caisson's own entries: what the compatible ones lack. */
#include "cache/cache_fixture.h"
#include "lib/test.h"

static struct csn_ctx *ctx;
static struct csn_store *store;

/* The epochs that a process knows, from 1 on. */
static struct csn_cache_native *
epochs(uint32_t n)
{
	struct csn_cache_native *native;
	uint8_t id[16], key[CSN_KEY_SIZE];
	uint32_t i;

	assert_int_equal(csn_cache_native_new(ctx, NULL, &native), 0);
	for (i = 1; i <= n; i++) {
		memset(id, (int)i, sizeof(id));
		memset(key, (int)(i + 100), sizeof(key));
		assert_int_equal(csn_cache_native_add_key(native, i, id,
		    key), 0);
	}
	return native;
}

static struct csn_cache *
over(struct csn_cache_native *native, struct csn_store *behind,
    uint32_t flags)
{
	struct csn_cache_options c = cache_config(NULL, behind);
	struct csn_cache *cache;

	c.mode = CSN_CACHE_NATIVE;
	c.native = native;
	c.flags |= flags;
	assert_int_equal(csn_cache_new(ctx, &c, &cache), 0);
	return cache;
}

static uint8_t *
steal(size_t *len)
{
	struct csn_store_buf buf;
	uint8_t *copy;

	assert_int_equal(csn_store_borrow(store, NULL, 0,
	    (const uint8_t *)"k", 1, &buf), 0);
	assert_non_null(copy = malloc(buf.len));
	memcpy(copy, buf.p, *len = buf.len);
	csn_store_release(store, &buf);
	return copy;
}

static void
plant(const uint8_t *p, size_t len)
{
	assert_int_equal(csn_store_put(store, NULL, 0, (const uint8_t *)"k",
	    1, p, len), 0);
}

TEST(an_older_value_is_refused)
{
	struct csn_cache_native *native = epochs(1);
	struct csn_cache *cache = over(native, store, CSN_CACHE_NO_L1);
	struct csn_cache_call_options strict = { .size = sizeof(strict),
	    .flags = CSN_CACHE_STRICT };
	struct csn_cache_value v = { .size = sizeof(v) };
	uint8_t *older, *newer;
	size_t older_len, newer_len;

	assert_int_equal(cache_set(cache, "k", "older"), 0);
	older = steal(&older_len);
	assert_int_equal(cache_set(cache, "k", "newer"), 0);
	newer = steal(&newer_len);
	plant(older, older_len);
	assert_int_equal(csn_cache_get(cache, "k", &strict, &v),
	    CSN_E_REPLAY);
	assert_int_equal(v.data.len, 0);
	assert_false(cache_has(cache, "k", "older", NULL));
	assert_int_equal(cache_stat(cache).replays, 2);
	assert_int_equal(cache_stat(cache).breaker,
	    CSN_CACHE_BREAKER_CLOSED);
	plant(newer, newer_len);
	assert_true(cache_has(cache, "k", "newer", NULL));
	/* Nor does what was deleted come back. */
	assert_int_equal(csn_cache_delete(cache, "k", NULL), 0);
	plant(newer, newer_len);
	assert_int_equal(csn_cache_get(cache, "k", &strict, &v),
	    CSN_E_REPLAY);
	free(older);
	free(newer);
	csn_cache_value_free(&v);
	csn_cache_free(cache);
	csn_cache_native_free(native);
}

TEST(processes_share_entries_by_their_epochs)
{
	struct csn_cache_native *one = epochs(2), *two = epochs(2);
	struct csn_cache *writer = over(one, store, 0);
	struct csn_cache *reader = over(two, store, 0);
	struct csn_cache_call_options json = { .size = sizeof(json),
	    .format = CSN_CACHE_JSON };
	struct csn_cache_value v = { .size = sizeof(v) };

	assert_int_equal(csn_cache_set(writer, "k", &json, "{}", 2), 0);
	assert_int_equal(csn_cache_get(reader, "k", &json, &v), 0);
	assert_int_equal(v.source, CSN_CACHE_FROM_L2);
	assert_memory_equal(v.data.p, "{}", 2);
	assert_int_equal(csn_cache_get(reader, "k", &json, &v), 0);
	assert_int_equal(v.source, CSN_CACHE_FROM_L1);
	/* The format is bound. */
	assert_int_equal(csn_cache_get(reader, "k", NULL, &v),
	    CSN_E_NOT_FOUND);
	csn_cache_value_free(&v);
	csn_cache_free(writer);
	csn_cache_free(reader);
	csn_cache_native_free(one);
	csn_cache_native_free(two);
}

TEST(entries_carry_their_end)
{
	struct csn_cache_native *native = epochs(1);
	struct csn_cache_call_options how = { .size = sizeof(how), .ttl_ms =
	    1000 };
	struct csn_store *simple;
	struct csn_cache *cache;
	int rc;

	/* A store that knows no lives: the entry itself does. */
	assert_int_equal(csn_store_open(ctx, "simple:", &simple), 0);
	cache = over(native, simple, CSN_CACHE_NO_L1);
	assert_int_equal(csn_cache_set(cache, "k", &how, "v", 1), 0);
	assert_true(cache_has(cache, "k", "v", NULL));
	cache_ms += 1001;
	assert_false(cache_has(cache, "k", "v", &rc));
	assert_int_equal(rc, CSN_E_NOT_FOUND);
	assert_int_equal(cache_stat(cache).form_refused, 0);
	csn_cache_free(cache);
	csn_store_close(simple);
	csn_cache_native_free(native);
}

TEST(older_epochs_are_resealed)
{
	struct csn_cache_native *before = epochs(1), *after = epochs(2);
	struct csn_cache *old = over(before, store, 0);
	struct csn_cache *new_ = over(after, store, 0);
	struct csn_cache_call_options how = { .size = sizeof(how), .ttl_ms =
	    5000 };
	struct csn_cache_reseal r = { .size = sizeof(r) };
	struct csn_cache_value v = { .size = sizeof(v) };

	assert_int_equal(csn_cache_set(old, "n:o:1", &how, "v", 1), 0);
	assert_int_equal(csn_cache_get(new_, "n:o:1", NULL, &v), 0);
	assert_int_equal(v.which, 1);
	assert_int_equal(csn_cache_reseal(new_, "n", NULL, NULL, NULL, &r),
	    0);
	assert_int_equal(r.moved, 1);
	assert_int_equal(csn_cache_native_drop(after, 1), 0);
	assert_int_equal(csn_cache_get(new_, "n:o:1", NULL, &v), 0);
	assert_int_equal(v.which, 0);
	assert_int_equal(v.ttl_ms, 5000);
	cache_ms += 5001;
	assert_false(cache_has(new_, "n:o:1", "v", NULL));
	csn_cache_value_free(&v);
	csn_cache_free(old);
	csn_cache_free(new_);
	csn_cache_native_free(before);
	csn_cache_native_free(after);
}

TEST(each_mode_wants_its_own_keys)
{
	struct csn_cachekit_ring *keys = cache_keys(ctx, 'n', NULL);
	struct csn_cache_native *native = epochs(1);
	struct csn_cache_options c = cache_config(NULL, store);
	struct csn_cache *cache;

	c.mode = CSN_CACHE_NATIVE;
	assert_int_equal(csn_cache_new(ctx, &c, &cache), CSN_E_ARG);
	c.native = native;
	c.keys = keys;
	assert_int_equal(csn_cache_new(ctx, &c, &cache), CSN_E_ARG);
	c.mode = CSN_CACHE_COMPATIBLE;
	assert_int_equal(csn_cache_new(ctx, &c, &cache), CSN_E_ARG);
	csn_cache_native_free(native);
	csn_cachekit_ring_free(keys);
}

BEFORE_ALL { faulty_register(); }

BEFORE_EACH
{
	faulty_reset();
	ctx = cache_ctx();
	assert_int_equal(csn_store_open(ctx, "memory:?bytes=64M", &store), 0);
}

AFTER_EACH
{
	csn_store_close(store);
	csn_ctx_free(ctx);
}
