/* SPDX-License-Identifier: Apache-2.0 */
/* test_reseal.c - keys rotate under a running cache, and nothing is lost. */
#include "cache/cache_fixture.h"
#include "lib/test.h"

static struct csn_ctx *ctx;
static struct csn_store *store;

/* A cache whose current key is current's and whose former ones previous's. */
static struct csn_cache *
with_keys(char current, const char *previous, uint32_t flags)
{
	struct csn_cachekit_ring *keys = cache_keys(ctx, current, previous);
	struct csn_cache_options c = cache_config(keys, store);
	struct csn_cache *cache;

	c.flags |= flags;
	assert_int_equal(csn_cache_new(ctx, &c, &cache), 0);
	csn_cachekit_ring_free(keys);
	return cache;
}

TEST(former_keys_open_and_the_current_one_seals)
{
	struct csn_cache *before = with_keys('a', NULL, 0);
	struct csn_cache *during = with_keys('b', "a", 0);
	struct csn_cache *after = with_keys('b', NULL, 0);
	struct csn_cache_value v = { .size = sizeof(v) };

	assert_int_equal(cache_set(before, "old", "of a"), 0);
	assert_int_equal(cache_set(during, "new", "of b"), 0);
	assert_int_equal(csn_cache_get(during, "old", NULL, &v), 0);
	assert_int_equal(v.which, 1);
	assert_memory_equal(v.data.p, "of a", 4);
	assert_int_equal(cache_stat(during).former_key_hits, 1);
	assert_true(cache_has(after, "new", "of b", NULL));
	assert_false(cache_has(after, "old", "of a", NULL));
	csn_cache_value_free(&v);
	csn_cache_free(before);
	csn_cache_free(during);
	csn_cache_free(after);
}

static uint64_t steps;

static int
progress(void *arg, const struct csn_cache_reseal *r)
{
	uint64_t *stop_at = arg;

	steps++;
	assert_int_equal(r->seen, steps);
	assert_true(r->seen <= r->total);
	return stop_at != NULL && steps == *stop_at ? -1000 : 0;
}

TEST(resealing_moves_all_that_are_under_former_keys)
{
	static const uint32_t formats[] = { CSN_CACHE_MSGPACK,
	    CSN_CACHE_JSON, CSN_CACHE_ARROW, CSN_CACHE_BYTES };
	static const uint8_t document[] = { 0x93, 1, 2, 3 };
	struct csn_cache_call_options how = { .size = sizeof(how),
	    .flags = CSN_CACHE_FORMAT };
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache_reseal r = { .size = sizeof(r) };
	struct csn_cache *before, *during, *after;
	char key[32];
	uint64_t left;
	size_t f;
	int i;

	for (f = 0; f < 4; f++) {
		before = with_keys('a', NULL, 0);
		during = with_keys('b', "xa", 0);
		after = with_keys('b', NULL, 0);
		how.format = formats[f];
		how.ttl_ms = 100000;
		for (i = 0; i < 20; i++) {
			/* A key may end as a lock's does. */
			snprintf(key, sizeof(key), i == 3 ?
			    "users:own:%d:lock" : "users:get:%d", i);
			assert_int_equal(csn_cache_set(i < 15 ? before :
			    during, key, &how, document, sizeof(document)),
			    0);
		}
		assert_int_equal(csn_cache_set(before, "orders:get:1", &how,
		    document, sizeof(document)), 0);
		/* A lock, and what none of the keys opens. */
		assert_int_equal(csn_store_add_for(store, NULL, 0,
		    (const uint8_t *)"users:get:1:lock", 16,
		    (const uint8_t *)"token", 5, 30000), 0);
		assert_int_equal(csn_store_put(store, NULL, 0,
		    (const uint8_t *)"users:get:x", 11, (const uint8_t *)
		    "nothing that anybody of us has sealed", 37), 0);
		cache_ms += 1000;
		how.ttl_ms = 0;
		steps = 0;
		assert_int_equal(csn_cache_reseal(during, "users", &how,
		    progress, NULL, &r), 0);
		assert_int_equal(r.total, 21);
		assert_int_equal(r.seen, 21);
		assert_int_equal(r.moved, 15);
		assert_int_equal(r.current, 5);
		assert_int_equal(r.refused, 1);
		assert_int_equal(steps, 21);
		for (i = 0; i < 20; i++) {
			snprintf(key, sizeof(key), i == 3 ?
			    "users:own:%d:lock" : "users:get:%d", i);
			assert_int_equal(csn_cache_get(after, key, &how, &v),
			    0);
			assert_int_equal(v.which, 0);
			assert_int_equal(v.data.len, sizeof(document));
			assert_memory_equal(v.data.p, document,
			    sizeof(document));
			assert_int_equal(csn_cache_exists(after, key, &how,
			    &left), 0);
			assert_int_equal(left, 99000);
		}
		assert_int_equal(csn_cache_get(after, "orders:get:1", &how,
		    &v), CSN_E_NOT_FOUND);
		/* Once more: nothing is left to do. */
		steps = 0;
		assert_int_equal(csn_cache_reseal(during, "users", &how,
		    NULL, NULL, &r), 0);
		assert_int_equal(r.moved, 0);
		assert_int_equal(csn_cache_clear(during, "users", NULL), 0);
		assert_int_equal(csn_cache_clear(during, "orders", NULL), 0);
		csn_cache_free(before);
		csn_cache_free(during);
		csn_cache_free(after);
	}
	csn_cache_value_free(&v);
}

TEST(resealing_can_be_stopped_and_begun_again)
{
	struct csn_cache *before = with_keys('a', NULL, 0);
	struct csn_cache *during = with_keys('b', "a", 0);
	struct csn_cache_reseal r = { .size = sizeof(r) };
	uint64_t stop_at = 4;
	char key[32];
	int i;

	for (i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "n:o:%d", i);
		assert_int_equal(cache_set(before, key, "v"), 0);
	}
	steps = 0;
	assert_int_equal(csn_cache_reseal(during, "n", NULL, progress,
	    &stop_at, &r), -1000);
	assert_int_equal(r.moved, 4);
	assert_int_equal(csn_cache_reseal(during, "n", NULL, NULL, NULL, &r),
	    0);
	assert_int_equal(r.moved, 6);
	assert_int_equal(r.current, 4);
	csn_cache_free(before);
	csn_cache_free(during);
}

/* Another process sets a key between resealing's read and its put. */
static struct csn_cache *meddler;

static int
meddle(void *arg, const struct csn_cache_reseal *r)
{
	(void)arg;
	if (r->seen == 1) {
		assert_int_equal(cache_set(meddler, "n:o:0", "newer"), 0);
		assert_int_equal(cache_set(meddler, "n:o:1", "newer"), 0);
	}
	return 0;
}

TEST(what_is_set_meanwhile_is_kept)
{
	struct csn_cache *before = with_keys('a', NULL, 0);
	struct csn_cache *during = with_keys('b', "a", 0);
	struct csn_cache_reseal r = { .size = sizeof(r) };

	meddler = with_keys('b', "a", 0);
	assert_int_equal(cache_set(before, "n:o:0", "old"), 0);
	assert_int_equal(cache_set(before, "n:o:1", "old"), 0);
	assert_int_equal(csn_cache_reseal(during, "n", NULL, meddle, NULL,
	    &r), 0);
	assert_true(cache_has(during, "n:o:0", "newer", NULL));
	assert_true(cache_has(during, "n:o:1", "newer", NULL));
	csn_cache_free(before);
	csn_cache_free(during);
	csn_cache_free(meddler);
}

TEST(scoped_entries_of_one_tenant_are_resealed)
{
	struct csn_cache *before = with_keys('a', NULL, CSN_CACHE_SCOPED);
	struct csn_cache *during = with_keys('b', "a", CSN_CACHE_SCOPED);
	struct csn_cache_call_options acme = { .size = sizeof(acme),
	    .tenant = "acme" }, globex = { .size = sizeof(globex),
	    .tenant = "ecma" };		/* as long a name */
	struct csn_cache_reseal r = { .size = sizeof(r) };

	assert_int_equal(csn_cache_set(before, "n:o:0", &acme, "v", 1), 0);
	assert_int_equal(csn_cache_set(before, "n:o:0", &globex, "v", 1), 0);
	assert_int_equal(csn_cache_reseal(during, "n", &acme, NULL, NULL,
	    &r), 0);
	assert_int_equal(r.total, 1);
	assert_int_equal(r.moved, 1);
	assert_int_equal(csn_cache_reseal(during, "n", &globex, NULL, NULL,
	    &r), 0);
	assert_int_equal(r.moved, 1);
	csn_cache_free(before);
	csn_cache_free(during);
}

/* A lock that was let go while its name was on the way is no entry. */
TEST(a_lock_that_is_gone_is_not_counted)
{
	struct csn_cache_reseal r = { .size = sizeof(r) };
	struct csn_store *memory = store;
	struct csn_cache *cache;

	faulty_reset();
	assert_int_equal(csn_store_open(ctx, "faulty:", &store), 0);
	cache = with_keys('b', "a", 0);
	assert_int_equal(csn_store_put(store, NULL, 0, (const uint8_t *)
	    "n:o:0:lock", 10, (const uint8_t *)"token", 5), 0);
	atomic_store(&faulty.get_answer, CSN_E_NOT_FOUND);
	assert_int_equal(csn_cache_reseal(cache, "n", NULL, NULL, NULL, &r),
	    0);
	atomic_store(&faulty.get_answer, 0);
	assert_int_equal(r.seen, 0);
	assert_int_equal(r.skipped, 0);
	csn_cache_free(cache);
	csn_store_close(store);
	store = memory;
}

BEFORE_EACH
{
	ctx = cache_ctx();
	assert_int_equal(csn_store_open(ctx, "memory:?bytes=64M", &store), 0);
}

AFTER_EACH
{
	csn_store_close(store);
	csn_ctx_free(ctx);
}

BEFORE_ALL { faulty_register(); }
