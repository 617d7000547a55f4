/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_redis.c - sealed set and get over Redis, beside plain hiredis.
 *
 * The reference is what a program does that has no cache of ours: SET PX and
 * GET of the same bytes in plain on one connection of its own a thread. Both
 * keep nothing in the process.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_parts.h"

#if BENCH_HIREDIS
#include <hiredis/hiredis.h>
#include <pthread.h>

#include "providers/redis_server.h"

#define KEYS 64
#define MOST_THREADS 4

struct fixture;

struct worker {
	struct fixture *fixture;
	redisContext *redis;
	struct csn_cache_value value;
	char keys[KEYS][32];
};

struct fixture {
	struct csn_cache *cache;
	struct worker workers[MOST_THREADS];
	unsigned threads;
	size_t len;
	uint8_t *bytes;
};

static void *
sealed(void *arg)
{
	struct worker *w = arg;
	struct fixture *fixture = w->fixture;
	size_t i;

	for (i = 0; i < KEYS; i++) {
		bench_must(csn_cache_set(fixture->cache, w->keys[i], NULL,
		    fixture->bytes, fixture->len), "setting");
		bench_must(csn_cache_get(fixture->cache, w->keys[i], NULL,
		    &w->value), "getting");
	}
	return NULL;
}

static void *
plain(void *arg)
{
	struct worker *w = arg;
	redisReply *reply;
	size_t i;

	for (i = 0; i < KEYS; i++) {
		reply = redisCommand(w->redis, "SET plain:%s %b PX 3600000",
		    w->keys[i], w->fixture->bytes, w->fixture->len);
		bench_need(reply != NULL && reply->type == REDIS_REPLY_STATUS,
		    "hiredis could not SET");
		freeReplyObject(reply);
		reply = redisCommand(w->redis, "GET plain:%s", w->keys[i]);
		bench_need(reply != NULL && reply->len == w->fixture->len,
		    "hiredis could not GET");
		freeReplyObject(reply);
	}
	return NULL;
}

static void
on_threads(struct fixture *fixture, void *(*work)(void *arg))
{
	pthread_t threads[MOST_THREADS];
	unsigned i;

	for (i = 1; i < fixture->threads; i++)
		bench_need(pthread_create(&threads[i], NULL, work,
		    &fixture->workers[i]) == 0, "no thread can be made");
	(void)work(&fixture->workers[0]);
	for (i = 1; i < fixture->threads; i++)
		(void)pthread_join(threads[i], NULL);
}

static void
ours(void *arg)
{
	on_threads(arg, sealed);
}

static void
reference(void *arg)
{
	on_threads(arg, plain);
}

static void
one(struct fixture *fixture, const char *form, size_t len, unsigned threads,
    double target)
{
	struct bench_pair pair = { .arg = fixture, .ours = ours,
	    .reference = reference, .ours_units = (double)KEYS * threads,
	    .slice_ms = 10, .rounds = 15, .clock = BENCH_WALL };
	struct bench_result r = { .unit = "us", .target = target,
	    .reference = "hiredis, in plain: SET PX and GET" };
	struct bench_outcome o;
	char name[64];

	fixture->len = len;
	fixture->threads = threads;
	fixture->bytes = bench_memory(len);
	bench_must(csn_random(bench_ctx(), fixture->bytes, len),
	    "making a value");
	bench_compare(&pair, &o);
	bench_need(fixture->workers[0].value.data.len == len &&
	    memcmp(fixture->workers[0].value.data.p, fixture->bytes, len) == 0,
	    "what was got is not what was set");
	bench_memory_free(fixture->bytes, len);
	snprintf(name, sizeof(name), "cache.redis.%s.%s.%uthread%s", form,
	    len == 1024 ? "1KiB" : "64KiB", threads, threads == 1 ? "" :
	    "s");
	r.name = name;
	r.value = o.ours * 1e6;
	r.reference_value = o.reference * 1e6;
	r.ratio = o.ratio;
	bench_add(&r, "sealed set and get, nothing kept in the process");
}

static void
one_form(struct fixture *fixture, struct csn_store *store, const char *form,
    struct csn_cache_options c, double small)
{
	unsigned threads;

	c.store = store;
	c.flags = CSN_CACHE_NO_L1;
	c.format = CSN_CACHE_BYTES;
	bench_must(csn_cache_new(bench_ctx(), &c, &fixture->cache),
	    "making a cache");
	for (threads = 1; threads <= MOST_THREADS; threads *= 4) {
		one(fixture, form, 1024, threads, small);
		one(fixture, form, (size_t)64 << 10, threads, 0.9);
	}
	csn_cache_free(fixture->cache);
}

static void
both_forms(struct fixture *fixture, struct csn_store *store)
{
	const uint8_t master[32] = { 7 }, id[16] = { 1 };
	const struct csn_bytes current = { master, sizeof(master) };
	struct csn_cache_options c = cache_config(store);
	struct csn_cache_native *native;
	struct csn_cachekit_ring *keys;

	bench_must(csn_cache_native_new(bench_ctx(), NULL, &native),
	    "making native keys");
	bench_must(csn_cache_native_add_key(native, 1, id, master),
	    "adding a key");
	c.mode = CSN_CACHE_NATIVE;
	c.native = native;
	one_form(fixture, store, "native", c, 0.9);
	csn_cache_native_free(native);
	bench_must(csn_cachekit_ring_new(bench_ctx(), &current, NULL, 0, 0,
	    &keys), "making keys");
	c = cache_config(store);
	c.keys = keys;
	one_form(fixture, store, "cachekit", c, 0.85);
	csn_cachekit_ring_free(keys);
}

void
cache_redis(void)
{
	struct redis_server server = { .program = "redis-server" };
	struct csn_store *store;
	struct fixture *fixture;
	struct worker *w;
	char url[64];
	unsigned i, j;

	if (!program_is_here(server.program) ||
	    redis_server_start(&server) != 0) {
		printf("cache.redis.*                  skipped: no "
		    "redis-server starts on this machine\n");
		return;
	}
	snprintf(url, sizeof(url), "redis://127.0.0.1:%u",
	    (unsigned)server.port);
	bench_must(csn_store_open(bench_ctx(), url, &store),
	    "opening a store");
	fixture = bench_memory(sizeof(*fixture));
	for (i = 0; i < MOST_THREADS; i++) {
		w = &fixture->workers[i];
		w->fixture = fixture;
		w->value.size = sizeof(w->value);
		w->redis = redisConnect("127.0.0.1", server.port);
		bench_need(w->redis != NULL && w->redis->err == 0,
		    "hiredis cannot connect");
		for (j = 0; j < KEYS; j++)
			snprintf(w->keys[j], sizeof(w->keys[j]),
			    "bench:%u:value:%06u", i, j);
	}
	both_forms(fixture, store);
	for (i = 0; i < MOST_THREADS; i++) {
		redisFree(fixture->workers[i].redis);
		csn_cache_value_free(&fixture->workers[i].value);
	}
	bench_memory_free(fixture, sizeof(*fixture));
	csn_store_close(store);
	redis_server_stop(&server);
}
#else
void
cache_redis(void)
{
	printf("cache.redis.*                  skipped: built without "
	    "hiredis (libhiredis-dev), which they are measured beside\n");
}
#endif
