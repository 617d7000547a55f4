/* SPDX-License-Identifier: Apache-2.0 */
/* test_nomem_cache.c - each allocation fails once: told, nothing is lost. */
#include "cache/cache_fixture.h"
#include "lib/failmalloc.h"
#include "lib/test.h"

static struct cache_fixture l;
static struct csn_cache *other;

static const uint8_t document[] = { 0x92, 0x01, 0xa1, 'x' };

static int
says_so(int rc)
{
	return rc == CSN_E_NOMEM || rc == CSN_E_CRYPTO ||
	    rc == CSN_E_ALGORITHM;
}

/* op does something; whatever fails, again is good. */
static void
each_fails_once(int (*op)(void), int (*again)(void))
{
	long n;
	int rc;

	if (!failmalloc_works())
		test_skip("a sanitizer has its own allocator");
	for (n = 0; ; n++) {
		failmalloc_at(n);
		rc = op();
		if (!failmalloc_done())
			break;
		if (rc != 0 && !says_so(rc))
			fail_msg("allocation %ld: %s", n, csn_error_name(rc));
		assert_int_equal(again(), 0);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 0);
	print_message("# %ld allocations\n", n);
}

static int
make(void)
{
	struct csn_cache_options c = cache_config(l.keys, l.store);
	struct csn_cache *cache = NULL;
	int rc;

	if ((rc = csn_cache_new(l.ctx, &c, &cache)) != 0)
		assert_null(cache);
	csn_cache_free(cache);
	return rc;
}

static uint32_t format;

static int
set_one(void)
{
	const struct csn_cache_call_options how = { .size = sizeof(how),
	    .flags = CSN_CACHE_FORMAT, .format = format };

	return csn_cache_set(l.cache, "k", &how, document,
	    sizeof(document));
}

static int
get_one(void)
{
	const struct csn_cache_call_options how = { .size = sizeof(how),
	    .flags = CSN_CACHE_FORMAT, .format = format };
	struct csn_cache_value v = { .size = sizeof(v) };
	int rc;

	rc = csn_cache_get(other, "k", &how, &v);
	if (rc == 0) {
		assert_int_equal(v.data.len, sizeof(document));
		assert_memory_equal(v.data.p, document, sizeof(document));
	} else {
		assert_int_equal(v.data.len, 0);
	}
	csn_cache_value_free(&v);
	return rc;
}

static int
compute_one(void)
{
	struct computation r = { .text = "computed" };
	int rc, gone;

	gone = csn_cache_delete(l.cache, "computed", NULL);
	if (gone != 0 && gone != CSN_E_NOT_FOUND)
		return gone;
	rc = cache_compute(l.cache, "computed", &r);
	return rc != 0 ? rc : r.made == 1 ? 0 : CSN_E_ARG;
}

static int
reseal_one(void)
{
	return csn_cache_reseal(l.cache, "n", NULL, NULL, NULL, NULL);
}

TEST(making_a_cache)
{
	each_fails_once(make, make);
}

TEST(setting_and_getting)
{
	for (format = CSN_CACHE_MSGPACK; format <= CSN_CACHE_BYTES;
	    format += 3) {
		assert_int_equal(set_one(), 0);
		each_fails_once(set_one, set_one);
		assert_int_equal(set_one(), 0);
		each_fails_once(get_one, get_one);
	}
}

TEST(computing)
{
	each_fails_once(compute_one, compute_one);
}

TEST(resealing)
{
	assert_int_equal(cache_set(l.cache, "n:o:1", "v"), 0);
	assert_int_equal(cache_set(l.cache, "n:o:2", "v"), 0);
	each_fails_once(reseal_one, reseal_one);
	assert_true(cache_has(l.cache, "n:o:1", "v", NULL));
}

static void
no_l1(struct csn_cache_options *c)
{
	c->flags |= CSN_CACHE_NO_L1;
}

BEFORE_EACH
{
	cache_start(&l, "memory:?bytes=64M", NULL);
	other = cache_second(&l, no_l1);
}

AFTER_EACH
{
	csn_cache_free(other);
	cache_end(&l);
}
