/* SPDX-License-Identifier: Apache-2.0 */
/* test_backends.c - the same over each real backend, also where it dies. */
#include <pthread.h>
#include <unistd.h>

#include "cache/cache_fixture.h"
#include "lib/test.h"
#include "providers/memcached_server.h"
#ifdef HAVE_REDIS
#include "providers/redis_cluster.h"
#include "providers/tls_front.h"
#endif
#ifdef HAVE_HTTP
#include "providers/blob_server.h"
#endif

#define BIG ((size_t)700000)	/* below memcached's usual limit of 1 MiB */

/* A backend: started and killed by the case. Each holds nothing at first. */
struct backend {
	char url[200];
	int lists;		/* its keys can be listed */
	void (*kill)(void);	/* NULL: it cannot die */
	int (*again)(void);
};

static struct csn_ctx *ctx;

static struct csn_cache *
cache_over(struct csn_store *store, char current, const char *former,
    uint32_t flags)
{
	struct csn_cachekit_ring *keys = cache_keys(ctx, current, former);
	struct csn_cache_options c = cache_config(keys, store);
	struct csn_cache *cache;

	c.flags |= flags;
	c.breaker_failures = 3;
	c.breaker_open_ms = 200;
	c.breaker_trials = 1;
	assert_int_equal(csn_cache_new(ctx, &c, &cache), 0);
	csn_cachekit_ring_free(keys);
	return cache;
}

static void
keeps_values(struct csn_store *store)
{
	static const char secret[] = "a secret that is told to nobody";
	struct csn_cache *one = cache_over(store, 'a', NULL, 0);
	struct csn_cache *two = cache_over(store, 'a', NULL, 0);
	struct csn_cache_call_options how = { .size = sizeof(how), .ttl_ms =
	    60000 };
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_store_buf buf;
	uint8_t *big = malloc(BIG);
	uint64_t left;

	assert_non_null(big);
	memset(big, 'b', BIG);
	assert_int_equal(csn_cache_set(one, "n:o:1", &how, secret,
	    sizeof(secret)), 0);
	assert_int_equal(csn_cache_get(two, "n:o:1", NULL, &v), 0);
	assert_int_equal(v.source, CSN_CACHE_FROM_L2);
	/* Memcached counts whole seconds, and rounds them up. */
	assert_in_range(v.ttl_ms, 50000, 61000);
	assert_string_equal((char *)v.data.p, secret);
	assert_int_equal(csn_cache_exists(two, "n:o:1", NULL, &left), 0);
	assert_in_range(left, 50000, 61000);
	/* What the backend has is noise. */
	assert_int_equal(csn_store_borrow(store, NULL, 0,
	    (const uint8_t *)"n:o:1", 5, &buf), 0);
	assert_null(memmem(buf.p, buf.len, "secret", 6));
	csn_store_release(store, &buf);
	assert_int_equal(csn_cache_set(one, "n:o:big", NULL, big, BIG), 0);
	assert_int_equal(csn_cache_get(two, "n:o:big", NULL, &v), 0);
	assert_int_equal(v.data.len, BIG);
	assert_memory_equal(v.data.p, big, BIG);
	assert_int_equal(csn_cache_delete(one, "n:o:big", NULL), 0);
	csn_cache_free(two);
	two = cache_over(store, 'a', NULL, 0);
	assert_int_equal(csn_cache_get(two, "n:o:big", NULL, &v),
	    CSN_E_NOT_FOUND);
	free(big);
	csn_cache_value_free(&v);
	csn_cache_free(one);
	csn_cache_free(two);
}

struct asker {
	struct csn_cache *cache;
	struct computation *computation;
	int rc;
};

static void *
ask(void *arg)
{
	struct asker *a = arg;

	a->rc = cache_compute(a->cache, "n:o:cold", a->computation);
	return NULL;
}

static void
locks_between_processes(struct csn_store *store)
{
	struct computation r = { .text = "computed once", .ms = 150 };
	struct asker askers[8];
	pthread_t threads[8];
	int i;

	for (i = 0; i < 8; i++) {
		askers[i].cache = cache_over(store, 'a', NULL, 0);
		askers[i].computation = &r;
	}
	for (i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask,
		    &askers[i]), 0);
	for (i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(askers[i].rc, 0);
		csn_cache_free(askers[i].cache);
	}
	assert_int_equal(r.made, 1);
}

static void
rotates_and_clears(struct csn_store *store)
{
	struct csn_cache *during = cache_over(store, 'b', "a", 0);
	struct csn_cache *after = cache_over(store, 'b', NULL, 0);
	struct csn_cache_reseal r = { .size = sizeof(r) };
	struct csn_cache_value v = { .size = sizeof(v) };
	uint64_t removed;

	assert_int_equal(csn_cache_reseal(during, "n", NULL, NULL, NULL, &r),
	    0);
	assert_int_equal(r.moved, 2);
	assert_int_equal(r.refused, 0);
	assert_int_equal(csn_cache_get(after, "n:o:1", NULL, &v), 0);
	assert_in_range(v.ttl_ms, 40000, 61000);
	assert_int_equal(csn_cache_clear(during, "n", &removed), 0);
	assert_int_equal(removed, 2);
	csn_cache_free(after);
	after = cache_over(store, 'b', NULL, 0);
	assert_int_equal(csn_cache_get(after, "n:o:1", NULL, &v),
	    CSN_E_NOT_FOUND);
	csn_cache_value_free(&v);
	csn_cache_free(during);
	csn_cache_free(after);
}

static void
survives_its_death(struct csn_store *store, const struct backend *b)
{
	struct csn_cache *cache = cache_over(store, 'a', NULL,
	    CSN_CACHE_NO_L1);
	struct computation r = { .text = "computed" };
	int i, up = 0;

	assert_int_equal(cache_compute(cache, "k", &r), 0);
	b->kill();
	for (i = 0; i < 10; i++)
		assert_int_equal(cache_compute(cache, "k", &r), 0);
	assert_int_equal(cache_stat(cache).breaker, CSN_CACHE_BREAKER_OPEN);
	assert_int_equal(r.made, 11);
	assert_int_equal(b->again(), 0);
	for (i = 0; i < 100 && !up; i++) {
		usleep(50000);
		cache_ms += 50;
		assert_int_equal(cache_compute(cache, "k", &r), 0);
		up = cache_has(cache, "k", "computed", NULL);
	}
	assert_true(up);
	assert_int_equal(cache_stat(cache).breaker,
	    CSN_CACHE_BREAKER_CLOSED);
	csn_cache_free(cache);
}

/*
 * The protocol bounds a bare key by 250 characters, of up to four bytes;
 * what stands before it on the backend is not counted.
 */
static void
takes_the_protocols_longest_keys(struct csn_store *store, int lists)
{
	struct csn_cache *bare = cache_over(store, 'a', NULL, 0);
	struct csn_cache *scoped = cache_over(store, 'a', NULL,
	    CSN_CACHE_SCOPED);
	struct csn_cache_call_options how = { .size = sizeof(how) };
	char key[1024] = "ns:far:func:m.f:args:", tenant[1025];
	uint64_t cleared = 0;
	size_t at = strlen(key), room;
	int rc;

	for (; at < 21 + 4 * 229; at += 4)
		memcpy(key + at, "\xf0\x9f\x97\x9d", 5);
	assert_int_equal(cache_set(bare, key, "bare"), 0);
	assert_int_equal(cache_set(scoped, key, "scoped"), 0);
	assert_true(cache_has(bare, key, "bare", &rc));
	assert_true(cache_has(scoped, key, "scoped", &rc));
	/* Another one in its last byte alone. */
	key[at - 1] ^= 1;
	assert_false(cache_has(scoped, key, "scoped", &rc));
	assert_int_equal(rc, CSN_E_NOT_FOUND);
	key[at - 1] ^= 1;
	/* The longest name of a tenant, and what goes beyond the store. */
	memset(tenant, 't', 1024);
	tenant[1024] = '\0';
	how.tenant = tenant;
	assert_int_equal(csn_cache_set(scoped, key, &how, "far", 3), 0);
	assert_int_equal(csn_cache_exists(scoped, key, &how, NULL), 0);
	memset(tenant, ':', 1024);
	assert_int_equal(csn_cache_set(scoped, key, &how, "far", 3),
	    CSN_E_LIMIT);
	/* To the last byte: "t:", three for each ':', and another ':'. */
	room = CSN_STORE_MAX_KEY - 3 - at;
	memset(tenant, 't', room % 3);
	tenant[room / 3 + room % 3] = '\0';
	assert_int_equal(csn_cache_set(scoped, key, &how, "k", 1), 0);
	tenant[room / 3 + room % 3] = 't';
	tenant[room / 3 + room % 3 + 1] = '\0';
	assert_int_equal(csn_cache_set(scoped, key, &how, "k", 1),
	    CSN_E_LIMIT);
	if (lists) {
		assert_int_equal(csn_cache_clear(bare, "far",
		    &cleared), 0);
		assert_int_equal(cleared, 1);
		assert_int_equal(csn_cache_clear(scoped, "far",
		    &cleared), 0);
		assert_false(cache_has(scoped, key, "scoped", &rc));
	}
	csn_cache_free(scoped);
	csn_cache_free(bare);
}

static void
all_of_it(const struct backend *b)
{
	struct csn_store *store;

	ctx = cache_ctx();
	if (csn_store_open(ctx, b->url, &store) != 0)
		fail_msg("%s: %s", b->url, csn_message());
	keeps_values(store);
	locks_between_processes(store);
	if (b->lists)
		rotates_and_clears(store);
	takes_the_protocols_longest_keys(store, b->lists);
	if (b->kill != NULL)
		survives_its_death(store, b);
	csn_store_close(store);
	csn_ctx_free(ctx);
}

TEST(over_memory)
{
	const struct backend b = { .url = "memory:?bytes=64M", .lists = 1 };

	all_of_it(&b);
}

static void
in_folder(const char *scheme)
{
	struct backend b = { .lists = 1 };
	char *path = folder_new();

	snprintf(b.url, sizeof(b.url), "%s:%s", scheme, path);
	all_of_it(&b);
	folder_remove(path);
}

TEST(over_files)
{
	in_folder("file");
}

#ifdef HAVE_LMDB
TEST(over_lmdb)
{
	in_folder("lmdb");
}
#endif

static struct memcached_server memcached;

static void
memcached_dies(void)
{
	memcached_kill(&memcached);
}

static int
memcached_again(void)
{
	return memcached_start(&memcached);
}

TEST(over_memcached)
{
	struct backend b = { .kill = memcached_dies,
	    .again = memcached_again };

	if (!memcached_is_here())
		test_skip("there is no memcached on this machine");
	assert_int_equal(memcached_start(&memcached), 0);
	snprintf(b.url, sizeof(b.url), "memcached://127.0.0.1:%u",
	    (unsigned)memcached.port);
	all_of_it(&b);
	memcached_kill(&memcached);
}

#ifdef HAVE_REDIS
static struct redis_server redis;

static void
redis_dies(void)
{
	redis_server_kill(&redis);
}

static int
redis_again(void)
{
	return redis_server_start(&redis);
}

static void
over_a_redis(const char *program, const char *scheme)
{
	struct backend b = { .lists = 1, .kill = redis_dies,
	    .again = redis_again };

	memset(&redis, 0, sizeof(redis));
	redis.program = program;
	assert_int_equal(redis_server_start(&redis), 0);
	snprintf(b.url, sizeof(b.url), "%s://127.0.0.1:%u", scheme,
	    (unsigned)redis.port);
	all_of_it(&b);
	redis_server_stop(&redis);
}

TEST(over_redis)
{
	if (!program_is_here("redis-server"))
		test_skip("there is no redis-server on this machine");
	over_a_redis("redis-server", "redis");
}

TEST(over_valkey)
{
	if (!program_is_here("valkey-server"))
		test_skip("there is no valkey-server on this machine");
	over_a_redis("valkey-server", "valkey");
}

static struct redis_cluster cluster;

static void
cluster_dies(void)
{
	redis_cluster_kill(&cluster);
}

static int
cluster_again(void)
{
	return redis_cluster_again(&cluster);
}

TEST(over_redis_cluster)
{
	struct backend b = { .lists = 1, .kill = cluster_dies,
	    .again = cluster_again };
	char *url;

	if (!redis_cluster_is_here())
		test_skip("redis-server or redis-cli is not on this machine");
	if (redis_cluster_start(&cluster) != 0) {
		redis_cluster_stop(&cluster);
		fail_msg("the cluster did not come up");
	}
	assert_non_null(url = redis_cluster_url(&cluster, "&timeout=2000"));
	snprintf(b.url, sizeof(b.url), "%s", url);
	free(url);
	all_of_it(&b);
	redis_cluster_stop(&cluster);
}

/* Nothing but the hybrid key exchange will do. */
TEST(over_redis_tls)
{
	struct backend b = { .lists = 1, .kill = redis_dies,
	    .again = redis_again };
	struct test_cert *ca, *leaf;
	struct tls_front *front;
	char path[128];

	if (!program_is_here("redis-server"))
		test_skip("there is no redis-server on this machine");
	memset(&redis, 0, sizeof(redis));
	assert_int_equal(redis_server_start(&redis), 0);
	/* The cache_fixture's clock stands at a day of its own. */
	ca = test_cert_new(NULL, NULL, -20000, 10000);
	leaf = test_cert_new(ca, "IP:127.0.0.1", -20000, 10000);
	snprintf(path, sizeof(path), "%s/ca.pem", redis.dir);
	test_cert_write(ca, path, NULL);
	front = tls_front_start(&(struct tls_front_options){ .cert = leaf,
	    .to = redis.port });
	snprintf(b.url, sizeof(b.url), "rediss://127.0.0.1:%u/?"
	    "hybrid=require&ca=%s", (unsigned)tls_front_port(front), path);
	all_of_it(&b);
	tls_front_stop(front);
	(void)unlink(path);
	test_cert_free(leaf);
	test_cert_free(ca);
	redis_server_stop(&redis);
}
#endif

#ifdef HAVE_HTTP
static struct blob_server blob;

static void
blob_dies(void)
{
	blob_server_kill(&blob);
}

static int
blob_again(void)
{
	return blob_server_start(&blob, blob.port, NULL);
}

TEST(over_http)
{
	struct backend b = { .lists = 1, .kill = blob_dies,
	    .again = blob_again };
	char *url;

	if (!blob_server_there())
		test_skip("the example blob_server was not built");
	assert_int_equal(blob_server_start(&blob, 0, NULL), 0);
	assert_non_null(url = blob_server_url(&blob, ""));
	snprintf(b.url, sizeof(b.url), "%s", url);
	free(url);
	all_of_it(&b);
	blob_server_kill(&blob);
}
#endif
