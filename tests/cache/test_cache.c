/* SPDX-License-Identifier: Apache-2.0 */
/* test_cache.c - what is set is got, by whom it is for, as long as it lives. */
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cache/internal.h"
#include "cache/cache_fixture.h"
#include "lib/test.h"

static void
no_l1(struct csn_cache_options *c)
{
	c->flags |= CSN_CACHE_NO_L1;
}

static void
plain(struct csn_cache_options *c)
{
	c->mode = CSN_CACHE_PLAIN;
	c->keys = NULL;
}

static void
with_space(struct csn_cache_options *c)
{
	c->space = (const uint8_t *)"mine";
	c->space_len = 4;
}

static void
scoped(struct csn_cache_options *c)
{
	c->flags |= CSN_CACHE_SCOPED;
}

TEST(what_is_set_is_got)
{
	static void (*const edits[])(struct csn_cache_options *c) = {
		NULL, no_l1, plain, with_space, scoped
	};
	static const char *const urls[] = { "memory:?bytes=64M", "simple:",
	    NULL };
	static const size_t lens[] = { 0, 1, 15, 16, 4096, 70001, 3 << 20 };
	struct csn_cache_value v = { .size = sizeof(v) };
	uint8_t *p = malloc(3 << 20);
	struct cache_fixture l;
	size_t e, u, i;

	assert_non_null(p);
	for (i = 0; i < (3 << 20); i++)
		p[i] = (uint8_t)(i * 7 + i / 251);
	for (u = 0; u < 3; u++) {
		for (e = 0; e < 5; e++) {
			if (urls[u] == NULL && edits[e] == no_l1)
				continue;
			cache_start(&l, urls[u], edits[e]);
			for (i = 0; i < 7; i++) {
				assert_int_equal(csn_cache_set(l.cache, "k",
				    NULL, p, lens[i]), 0);
				assert_int_equal(csn_cache_get(l.cache, "k",
				    NULL, &v), 0);
				assert_int_equal(v.data.len, lens[i]);
				if (lens[i] > 0)
					assert_memory_equal(v.data.p, p,
					    lens[i]);
				assert_int_equal(v.source, edits[e] == no_l1 ?
				    CSN_CACHE_FROM_L2 : CSN_CACHE_FROM_L1);
			}
			assert_int_equal(csn_cache_delete(l.cache, "k",
			    NULL), 0);
			assert_int_equal(csn_cache_delete(l.cache, "k",
			    NULL), CSN_E_NOT_FOUND);
			assert_int_equal(csn_cache_get(l.cache, "k", NULL,
			    &v), CSN_E_NOT_FOUND);
			assert_int_equal(csn_cache_exists(l.cache, "k", NULL,
			    NULL), CSN_E_NOT_FOUND);
			cache_end(&l);
		}
	}
	csn_cache_value_free(&v);
	csn_cache_value_free(NULL);
	csn_cache_free(NULL);
	free(p);
}

TEST(each_format_has_its_entries)
{
	static const uint8_t document[] = { 0x92, 0x01, 0xa1, 'x' };
	static const uint32_t formats[] = { CSN_CACHE_MSGPACK,
	    CSN_CACHE_JSON, CSN_CACHE_ARROW, CSN_CACHE_BYTES };
	struct csn_cache_call_options how = { .size = sizeof(how),
	    .flags = CSN_CACHE_FORMAT };
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache *other;
	struct cache_fixture l;
	size_t i, k;

	cache_start(&l, "memory:?bytes=64M", NULL);
	for (i = 0; i < 4; i++) {
		how.format = formats[i];
		assert_int_equal(csn_cache_set(l.cache, "k", &how, document,
		    sizeof(document)), 0);
		other = cache_second(&l, NULL);
		for (k = 0; k < 4; k++) {
			how.format = formats[k];
			assert_int_equal(csn_cache_get(other, "k", &how, &v),
			    i == k ? 0 : CSN_E_NOT_FOUND);
			if (i == k) {
				assert_int_equal(v.source, CSN_CACHE_FROM_L2);
				assert_int_equal(v.data.len,
				    sizeof(document));
				assert_memory_equal(v.data.p, document,
				    sizeof(document));
			}
		}
		csn_cache_free(other);
	}
	how.format = 17;
	assert_int_equal(csn_cache_get(l.cache, "k", &how, &v), CSN_E_ARG);
	csn_cache_value_free(&v);
	cache_end(&l);
}

static void
interop(struct csn_cache_options *c)
{
	c->form = CSN_CACHE_INTEROP;
	c->format = CSN_CACHE_MSGPACK;
}

TEST(interop_takes_messagepack_alone)
{
	static const uint8_t document[] = { 0x92, 0x01, 0xa1, 'x' };
	struct csn_cache_call_options how = { .size = sizeof(how),
	    .format = CSN_CACHE_JSON };
	struct csn_cache_value v = { .size = sizeof(v) };
	struct cache_fixture l;

	cache_start(&l, "memory:?bytes=64M", interop);
	assert_int_equal(csn_cache_set(l.cache, "users:get:00", NULL,
	    document, sizeof(document)), 0);
	assert_int_equal(csn_cache_get(l.cache, "users:get:00", NULL, &v), 0);
	assert_memory_equal(v.data.p, document, sizeof(document));
	assert_int_equal(csn_cache_set(l.cache, "users:get:00", NULL,
	    document, sizeof(document) - 1), CSN_E_FORM);
	assert_int_equal(csn_cache_set(l.cache, "users:get:00", &how, "{}",
	    2), CSN_E_ARG);
	csn_cache_value_free(&v);
	cache_end(&l);
}

TEST(values_end)
{
	struct csn_cache_call_options how = { .size = sizeof(how), .ttl_ms =
	    1000 };
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache *other;
	struct cache_fixture l;
	uint64_t left;

	cache_start(&l, "memory:?bytes=64M", NULL);
	other = cache_second(&l, NULL);
	assert_int_equal(csn_cache_set(l.cache, "k", &how, "v", 1), 0);
	assert_int_equal(cache_set(l.cache, "forever", "v"), 0);
	cache_ms += 400;
	assert_int_equal(csn_cache_exists(l.cache, "k", NULL, &left), 0);
	assert_int_equal(left, 600);
	/* Copied from the store, it ends with it. */
	assert_int_equal(csn_cache_get(other, "k", NULL, &v), 0);
	assert_int_equal(v.source, CSN_CACHE_FROM_L2);
	assert_int_equal(v.ttl_ms, 600);
	cache_ms += 599;
	assert_int_equal(csn_cache_get(other, "k", NULL, &v), 0);
	assert_int_equal(v.source, CSN_CACHE_FROM_L1);
	assert_int_equal(v.ttl_ms, 1);
	cache_ms += 1;
	assert_false(cache_has(l.cache, "k", "v", NULL));
	assert_false(cache_has(other, "k", "v", NULL));
	cache_ms += UINT64_C(1) << 40;
	assert_true(cache_has(l.cache, "forever", "v", NULL));
	/* Other than the configuration's, and none at all. */
	csn_cache_value_free(&v);
	csn_cache_free(other);
	cache_end(&l);
}

static void
short_l1(struct csn_cache_options *c)
{
	c->ttl_ms = 10000;
	c->l1_ttl_ms = 100;
}

TEST(l1_asks_again_in_time)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache *other;
	struct cache_fixture l;

	cache_start(&l, "memory:?bytes=64M", short_l1);
	other = cache_second(&l, short_l1);
	assert_int_equal(cache_set(l.cache, "k", "old"), 0);
	assert_true(cache_has(other, "k", "old", NULL));
	assert_int_equal(cache_set(l.cache, "k", "new"), 0);
	assert_true(cache_has(other, "k", "old", NULL));
	cache_ms += 100;
	assert_true(cache_has(other, "k", "new", NULL));
	assert_int_equal(csn_cache_get(other, "k", NULL, &v), 0);
	assert_int_equal(v.source, CSN_CACHE_FROM_L1);
	assert_int_equal(v.ttl_ms, 9900);
	csn_cache_value_free(&v);
	csn_cache_free(other);
	cache_end(&l);
}

static int
tenant_of(void *arg, const void *tenant_arg, const char *key, char *out,
    size_t cap)
{
	assert_non_null(key);
	assert_ptr_equal(arg, &tenant_of);
	if (tenant_arg == NULL)
		return -1;
	snprintf(out, cap, "%s", (const char *)tenant_arg);
	return 0;
}

static void
with_tenants(struct csn_cache_options *c)
{
	c->tenant_of = tenant_of;
	c->tenant_of_arg = (void *)(uintptr_t)&tenant_of;
	c->flags |= CSN_CACHE_SCOPED;
}

TEST(tenants_have_values_of_their_own)
{
	struct csn_cache_call_options how = { .size = sizeof(how) };
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache *other;
	struct cache_fixture l;
	uint64_t cleared;
	char text[2] = "A";

	cache_start(&l, "memory:?bytes=64M", with_tenants);
	for (; text[0] <= 'Z'; text[0]++) {
		how.tenant_arg = text;
		assert_int_equal(csn_cache_set(l.cache, "k", &how, text, 1),
		    0);
	}
	other = cache_second(&l, with_tenants);
	for (text[0] = 'A'; text[0] <= 'Z'; text[0]++) {
		how.tenant_arg = text;
		assert_int_equal(csn_cache_get(l.cache, "k", &how, &v), 0);
		assert_memory_equal(v.data.p, text, 1);
		assert_int_equal(csn_cache_get(other, "k", &how, &v), 0);
		assert_memory_equal(v.data.p, text, 1);
	}
	assert_int_equal(csn_cache_get(other, "k", NULL, &v),
	    CSN_E_UNKNOWN_TENANT);
	how.tenant = "Q";
	assert_int_equal(csn_cache_get(other, "k", &how, &v), 0);
	assert_memory_equal(v.data.p, "Q", 1);
	how.tenant = "";
	assert_int_equal(csn_cache_get(other, "k", &how, &v),
	    CSN_E_UNKNOWN_TENANT);
	/* Clearing is for all of them, and asks for none. */
	how.tenant = "A";
	assert_int_equal(csn_cache_set(l.cache, "n:o:1", &how, "v", 1), 0);
	how.tenant = "B";
	assert_int_equal(csn_cache_set(l.cache, "n:o:1", &how, "v", 1), 0);
	assert_int_equal(csn_cache_clear(l.cache, "n", &cleared), 0);
	assert_int_equal(cleared, 2);
	csn_cache_value_free(&v);
	csn_cache_free(other);
	cache_end(&l);
}

/* Keys that are held more often than let go would never be wiped. */
TEST(keys_are_let_go_as_often_as_they_are_held)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache_call_options how = { .size = sizeof(how),
	    .flags = CSN_CACHE_FORMAT };
	unsigned before, i;
	struct cache_fixture l;

	cache_start(&l, "memory:?bytes=64M", no_l1);
	before = atomic_load(&l.cache->held->held.refs);
	/* The configuration's tenant, by name, and not. */
	for (i = 0; i < 4; i++) {
		how.tenant = i < 2 ? "default" : NULL;
		how.format = i % 2 != 0 ? CSN_CACHE_BYTES : CSN_CACHE_JSON;
		assert_int_equal(csn_cache_set(l.cache, "k", &how, "1", 1),
		    0);
		assert_int_equal(csn_cache_get(l.cache, "k", &how, &v), 0);
		assert_int_equal(atomic_load(&l.cache->held->held.refs),
		    before);
	}
	csn_cache_value_free(&v);
	cache_end(&l);
}

TEST(scoped_keys_are_percent_encoded_and_bound)
{
	struct csn_cache_call_options how = { .size = sizeof(how),
	    .tenant = "a/b:c d~\xc3\xa9" };
	static const char want[] = "t:a%2Fb%3Ac%20d~%C3%A9:k";
	struct csn_cachekit_bind bind = { .tenant = how.tenant,
	    .tenant_len = strlen(how.tenant), .key = want,
	    .key_len = sizeof(want) - 1, .format = "bytes" };
	struct csn_cachekit *kit;
	uint8_t bytes[100], value[1];
	size_t len = sizeof(bytes);
	struct cache_fixture l;

	cache_start(&l, "memory:?bytes=64M", scoped);
	assert_int_equal(csn_cache_set(l.cache, "k", &how, "v", 1), 0);
	assert_int_equal(csn_store_get(l.store, NULL, 0,
	    (const uint8_t *)want, sizeof(want) - 1, bytes, &len), 0);
	assert_int_equal(len, 1 + CSN_CACHEKIT_OVERHEAD);
	/* What is bound is the key as the backend has it. */
	assert_int_equal(csn_cachekit_new(l.ctx, l.keys, NULL, &kit), 0);
	assert_int_equal(csn_cachekit_open(kit, &bind, NULL, bytes, len,
	    value, NULL), 0);
	assert_int_equal(value[0], 'v');
	bind.key = "k";
	bind.key_len = 1;
	assert_int_equal(csn_cachekit_open(kit, &bind, NULL, bytes, len,
	    value, NULL), CSN_E_TAG);
	csn_cachekit_free(kit);
	cache_end(&l);
}

TEST(namespaces_are_cleared)
{
	static const char *const keys[] = { "users:get:1", "users:get:2",
	    "ns:users:func:m.f:args:0:1s", "usersx:get:1", "orders:get:1",
	    "ns:orders:func:m.f:args:0:1s" };
	static void (*const edits[])(struct csn_cache_options *c) = {
		NULL, with_space, scoped
	};
	struct cache_fixture l;
	uint64_t n;
	size_t e, i;

	for (e = 0; e < 3; e++) {
		cache_start(&l, "memory:?bytes=64M", edits[e]);
		for (i = 0; i < 6; i++)
			assert_int_equal(cache_set(l.cache, keys[i], "v"),
			    0);
		assert_int_equal(csn_cache_clear(l.cache, "users", &n), 0);
		assert_int_equal(n, 3);
		for (i = 0; i < 6; i++)
			assert_int_equal(cache_has(l.cache, keys[i], "v",
			    NULL), i >= 3);
		assert_int_equal(csn_cache_clear(l.cache, NULL, &n),
		    e == 1 ? 0 : CSN_E_POLICY);
		if (e == 1)
			assert_int_equal(n, 3);
		assert_int_equal(cache_has(l.cache, keys[5], "v", NULL),
		    e != 1);
		assert_int_equal(csn_cache_clear(l.cache, "", &n),
		    CSN_E_ARG);
		cache_end(&l);
	}
}

TEST(keys_have_a_length)
{
	char key[CSN_STORE_MAX_KEY + 2];
	struct cache_fixture l;
	int rc;

	cache_start(&l, "memory:?bytes=64M", NULL);
	memset(key, 'k', sizeof(key));
	key[CSN_STORE_MAX_KEY + 1] = '\0';
	assert_int_equal(cache_set(l.cache, key, "v"), CSN_E_ARG);
	assert_int_equal(cache_set(l.cache, "", "v"), CSN_E_ARG);
	assert_int_equal(csn_cache_set(l.cache, NULL, NULL, "v", 1),
	    CSN_E_ARG);
	assert_int_equal(csn_cache_set(l.cache, "k", NULL, NULL, 1),
	    CSN_E_ARG);
	assert_int_equal(csn_cache_get(l.cache, "k", NULL, NULL), CSN_E_ARG);
	key[CSN_STORE_MAX_KEY] = '\0';
	assert_int_equal(cache_set(l.cache, key, "v"), 0);
	assert_true(cache_has(l.cache, key, "v", &rc));
	cache_end(&l);
}

TEST(secure_unless_plain_is_asked_for_by_name)
{
	struct csn_ctx *ctx = cache_ctx();
	struct csn_cachekit_ring *keys = cache_keys(ctx, 'n', NULL);
	struct csn_cache_options c = cache_config(NULL, NULL);
	struct csn_cache *cache = NULL;

	assert_int_equal(csn_cache_new(ctx, &c, &cache), CSN_E_ARG);
	assert_non_null(strstr(csn_message(), "CSN_CACHE_PLAIN"));
	c.mode = CSN_CACHE_PLAIN;
	c.keys = keys;
	assert_int_equal(csn_cache_new(ctx, &c, &cache), CSN_E_ARG);
	c.keys = NULL;
	assert_int_equal(csn_cache_new(ctx, &c, &cache), 0);
	csn_cache_free(cache);
	c.mode = 9;
	assert_int_equal(csn_cache_new(ctx, &c, &cache), CSN_E_ARG);
	c = cache_config(keys, NULL);
	c.flags = CSN_CACHE_NO_L1;
	assert_int_equal(csn_cache_new(ctx, &c, &cache), CSN_E_ARG);
	c.flags = 0;
	c.l1_shards = 3;
	assert_int_equal(csn_cache_new(ctx, &c, &cache), CSN_E_ARG);
	c.l1_shards = 0;
	c.stale_percent = 50;
	assert_int_equal(csn_cache_new(ctx, &c, &cache), CSN_E_ARG);
	assert_non_null(strstr(csn_message(), "pool"));
	c.stale_percent = 0;
	c.size = 8;	/* a program that knew no more: no keys */
	assert_int_equal(csn_cache_new(ctx, &c, &cache), CSN_E_ARG);
	csn_cachekit_ring_free(keys);
	csn_ctx_free(ctx);
}

static void
remember_none(struct csn_cache_options *c)
{
	c->negative_ttl_ms = 1000;
}

TEST(what_does_not_exist_is_remembered)
{
	struct computation none = { .text = "", .rc = CSN_E_NOT_FOUND };
	struct computation some = { .text = "now there is" };
	struct cache_fixture l;
	int rc;

	cache_start(&l, "memory:?bytes=64M", remember_none);
	assert_int_equal(cache_compute(l.cache, "k", &none), CSN_E_NOT_FOUND);
	assert_int_equal(cache_compute(l.cache, "k", &none), CSN_E_NOT_FOUND);
	assert_int_equal(none.made, 1);
	assert_false(cache_has(l.cache, "k", "", &rc));
	assert_int_equal(rc, CSN_E_NOT_FOUND);
	assert_int_equal(csn_cache_exists(l.cache, "k", NULL, NULL),
	    CSN_E_NOT_FOUND);
	assert_int_equal(cache_stat(l.cache).negative_hits, 2);
	cache_ms += 1000;
	assert_int_equal(cache_compute(l.cache, "k", &some), 0);
	assert_int_equal(cache_compute(l.cache, "none", &none),
	    CSN_E_NOT_FOUND);
	assert_int_equal(cache_set(l.cache, "none", "set"), 0);
	assert_true(cache_has(l.cache, "none", "set", NULL));
	cache_end(&l);
}

/* Finds nothing, and somebody sets it just then. */
static int
overtaken(void *arg, const char *key, struct csn_cache_value *out)
{
	(void)out;
	assert_int_equal(cache_set(arg, key, "set meanwhile"), 0);
	return CSN_E_NOT_FOUND;
}

TEST(what_was_set_meanwhile_is_not_hidden)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	struct cache_fixture l;

	cache_start(&l, "memory:?bytes=64M", remember_none);
	assert_int_equal(csn_cache_get_or_compute(l.cache, "k", NULL,
	    overtaken, l.cache, &v), CSN_E_NOT_FOUND);
	assert_true(cache_has(l.cache, "k", "set meanwhile", NULL));
	csn_cache_value_free(&v);
	cache_end(&l);
}

TEST(a_failed_computation_is_not_remembered)
{
	struct computation r = { .text = "good", .rc = CSN_E_IO };
	struct cache_fixture l;

	cache_start(&l, "memory:?bytes=64M", remember_none);
	assert_int_equal(cache_compute(l.cache, "k", &r), CSN_E_IO);
	assert_int_equal(cache_compute(l.cache, "k", &r), CSN_E_IO);
	r.rc = 0;
	assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	assert_int_equal(r.made, 3);
	assert_int_equal(cache_stat(l.cache).compute_errors, 2);
	cache_end(&l);
}

static struct csn_pool *pool;

static void
half_is_stale(struct csn_cache_options *c)
{
	c->ttl_ms = 1000;
	c->stale_percent = 50;
	c->pool = pool;
}

TEST(stale_values_are_served_and_refreshed)
{
	struct csn_cache_call_options how = { .size = sizeof(how),
	    .flags = CSN_CACHE_REFRESH };
	struct csn_cache_value v = { .size = sizeof(v) };
	struct computation old = { .text = "old" }, new_ = { .text = "new" };
	struct timespec ms = { 0, 1000000 };
	struct cache_fixture l;
	int i;

	cache_start(&l, "memory:?bytes=64M", NULL);
	assert_int_equal(csn_pool_new(l.ctx, 3, &pool), 0);
	csn_cache_free(l.cache);
	l.cache = cache_second(&l, half_is_stale);
	assert_int_equal(cache_compute(l.cache, "k", &old), 0);
	cache_ms += 499;
	assert_int_equal(csn_cache_get_or_compute(l.cache, "k", &how,
	    compute_text, &new_, &v), 0);
	assert_int_equal(v.stale, 0);
	cache_ms += 2;
	/* Without leave to call it later, nothing is refreshed. */
	assert_int_equal(cache_compute(l.cache, "k", &old), 0);
	assert_int_equal(csn_cache_get_or_compute(l.cache, "k", &how,
	    compute_text, &new_, &v), 0);
	assert_int_equal(v.stale, 1);
	assert_memory_equal(v.data.p, "old", 3);
	for (i = 0; i < 5000 && !cache_has(l.cache, "k", "new", NULL); i++)
		nanosleep(&ms, NULL);
	assert_true(cache_has(l.cache, "k", "new", NULL));
	assert_int_equal(new_.made, 1);
	assert_int_equal(old.made, 1);
	cache_ms += 900;
	assert_true(cache_has(l.cache, "k", "new", NULL));
	cache_ms += 101;
	assert_false(cache_has(l.cache, "k", "new", NULL));
	assert_int_equal(cache_stat(l.cache).refreshes, 1);
	csn_cache_value_free(&v);
	csn_cache_free(l.cache);
	l.cache = NULL;
	csn_pool_free(pool);
	cache_end(&l);
}

TEST(freeing_waits_for_refreshes)
{
	struct csn_cache_call_options how = { .size = sizeof(how),
	    .flags = CSN_CACHE_REFRESH };
	struct csn_cache_value v = { .size = sizeof(v) };
	struct computation r = { .text = "x" };
	struct cache_fixture l;
	char key[8];
	int i;

	cache_start(&l, "memory:?bytes=64M", NULL);
	assert_int_equal(csn_pool_new(l.ctx, 2, &pool), 0);
	csn_cache_free(l.cache);
	l.cache = cache_second(&l, half_is_stale);
	for (i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(cache_compute(l.cache, key, &r), 0);
	}
	cache_ms += 600;
	r.ms = 5;
	for (i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(csn_cache_get_or_compute(l.cache, key, &how,
		    compute_text, &r, &v), 0);
	}
	csn_cache_value_free(&v);
	csn_cache_free(l.cache);
	l.cache = NULL;
	assert_int_equal(r.made, 40);
	csn_pool_free(pool);
	cache_end(&l);
}

TEST(a_forked_child_must_make_its_own)
{
	struct cache_fixture l;
	int status, rc;
	pid_t pid;

	cache_start(&l, "memory:?bytes=64M", NULL);
	assert_int_equal(cache_set(l.cache, "k", "v"), 0);
	if ((pid = fork()) == 0) {
		rc = cache_set(l.cache, "k", "w");
		csn_cache_free(l.cache);
		_exit(rc == CSN_E_FORK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(cache_has(l.cache, "k", "v", NULL));
	cache_end(&l);
}

BEFORE_ALL { faulty_register(); }
