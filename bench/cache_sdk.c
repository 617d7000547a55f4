/* SPDX-License-Identifier: Apache-2.0 */
/* cache_sdk.c - the secure cache beside CacheKit's Python SDK. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache_parts.h"
#include "peer.h"

#define ROUNDS 15
/* A round, of each: enough that both are past what taking turns costs. */
#define CALLS_SMALL 1000
#define CALLS 100
#define CALLS_LARGE 5
#define ROUNDS_LARGEST 5
#define CALLS_LARGEST 1

/* The Python that the SDK is installed for: said, or where `make interop`
 * puts it, or any. */
static const char *
python(char path[512])
{
	const char *said = getenv("CAISSON_CACHEKIT_PYTHON");
	const char *deps = getenv("CAISSON_DEPS");
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (said != NULL)
		return said;
	if (deps != NULL)
		snprintf(path, 512, "%s/interop-sdk/bin/python", deps);
	else if (cache != NULL)
		snprintf(path, 512,
		    "%s/caisson/deps/interop-sdk/bin/python", cache);
	else
		snprintf(path, 512,
		    "%s/.cache/caisson/deps/interop-sdk/bin/python",
		    home != NULL ? home : "");
	return access(path, X_OK) == 0 ? path : BENCH_PYTHON;
}

/* Seconds a set and get; 0 where the SDK is not there. */
static double
theirs(struct bench_peer *peer, size_t len, unsigned calls)
{
	return bench_peer_ask(peer, "%zu %u", len, calls) / calls;
}

struct fixture {
	struct csn_store *store;
	struct csn_cache *cache;
	struct csn_cachekit_key *builder;
	struct csn_cache_value value;
	uint8_t *document;
	size_t len;
	int64_t number;
};

static void
key_of(struct fixture *fixture, int64_t number, char key[CSN_CACHEKIT_KEY_SIZE])
{
	csn_cachekit_key_reset(fixture->builder);
	bench_must(csn_cachekit_key_int(fixture->builder, number),
	    "building a key");
	bench_must(csn_cachekit_key_auto(fixture->builder, "bench", "__main__",
	    "function_of.<locals>.fetch", 1, "default", key),
	    "building a key");
}

/*
 * As theirs: the key is built from its argument each time, and what a round
 * set is deleted after it, so that the next finds memory to put it into: a
 * cache at work, whose entries come and go, not one that is being filled.
 */
static double
ours(struct fixture *fixture, unsigned calls)
{
	double began = bench_now(BENCH_CPU), took;
	char key[CSN_CACHEKIT_KEY_SIZE];
	unsigned i;

	for (i = 0; i < calls; i++) {
		key_of(fixture, fixture->number + i, key);
		bench_must(csn_cache_set(fixture->cache, key, NULL,
			       fixture->document, fixture->len),
		    "setting");
		key_of(fixture, fixture->number + i, key);
		bench_must(
		    csn_cache_get(fixture->cache, key, NULL, &fixture->value),
		    "getting");
	}
	took = bench_now(BENCH_CPU) - began;
	/* A cache at work is never empty: malloc keeps the memory below. */
	key_of(fixture, -1, key);
	bench_must(csn_cache_set(fixture->cache, key, NULL, fixture->document,
	    fixture->len), "setting");
	for (i = 0; i < calls; i++, fixture->number++) {
		key_of(fixture, fixture->number, key);
		bench_must(csn_cache_delete(fixture->cache, key, NULL),
		    "deleting");
	}
	return took / calls;
}

static void
one_size(struct bench_peer *peer, struct fixture *fixture, size_t len,
    const char *name, double target)
{
	struct bench_result r = { .unit = "us", .target = target,
	    .reference = "CacheKit's Python SDK" };
	double us[ROUNDS], them[ROUNDS], ratio[ROUNDS];
	const int largest = len > (size_t)1 << 20;
	unsigned i, rounds = largest ? ROUNDS_LARGEST : ROUNDS;
	unsigned calls = largest ? CALLS_LARGEST : len > 65536 ?
	    CALLS_LARGE : len > 1024 ? CALLS : CALLS_SMALL;
	char full[64];

	/* MessagePack: bin 32 of so many bytes. */
	fixture->len = len + 5;
	fixture->document = bench_memory(fixture->len);
	bench_must(csn_random(bench_ctx(), fixture->document + 5, len),
	    "making a value");
	fixture->document[0] = 0xc6;
	fixture->document[1] = (uint8_t)(len >> 24);
	fixture->document[2] = (uint8_t)(len >> 16);
	fixture->document[3] = (uint8_t)(len >> 8);
	fixture->document[4] = (uint8_t)len;
	(void)ours(fixture, calls);
	(void)theirs(peer, len, calls);
	for (i = 0; i < rounds; i++) {
		us[i] = ours(fixture, calls);
		them[i] = theirs(peer, len, calls);
		ratio[i] = them[i] / us[i];
	}
	snprintf(full, sizeof(full), "cache.secure.%s.sdk", name);
	r.name = full;
	r.value = bench_median(us, rounds) * 1e6;
	r.reference_value = bench_median(them, rounds) * 1e6;
	r.ratio = bench_median(ratio, rounds);
	bench_add(&r, "set and get with the key built, MessagePack, LZ4 and "
	    "checksum, in-process level");
	bench_memory_free(fixture->document, fixture->len);
}

/* Bounded, so that large values take memory that others had. */
static void
fixture_make(struct fixture *fixture, const char *store, uint64_t l1_bytes)
{
	const uint8_t master[32] = { 7 };
	const struct csn_bytes current = { master, sizeof(master) };
	struct csn_cachekit_ring *keys;
	struct csn_cache_options c;

	memset(fixture, 0, sizeof(*fixture));
	fixture->value.size = sizeof(fixture->value);
	bench_must(csn_store_open(bench_ctx(), store, &fixture->store),
	    "opening a store");
	bench_must(csn_cachekit_ring_new(bench_ctx(), &current, NULL, 0, 0,
	    &keys), "making keys");
	c = cache_config(fixture->store);
	c.l1_bytes = l1_bytes;
	c.keys = keys;
	bench_must(csn_cache_new(bench_ctx(), &c, &fixture->cache),
	    "making a cache");
	csn_cachekit_ring_free(keys);
	bench_must(csn_cachekit_key_new(bench_ctx(), CSN_CACHEKIT_KEY_AUTO,
	    &fixture->builder), "making a builder");
}

static void
fixture_end(struct fixture *fixture)
{
	csn_cachekit_key_free(fixture->builder);
	csn_cache_value_free(&fixture->value);
	csn_cache_free(fixture->cache);
	csn_store_close(fixture->store);
}

void
cache_sdk(void)
{
	struct fixture fixture;
	struct bench_peer peer;
	char path[512];

	bench_peer_start(&peer, python(path), "cache_peer.py");
	if (theirs(&peer, 100, 1) == 0) {
		printf("cache.secure.*.sdk             skipped: CacheKit's "
		    "Python SDK is not installed: see make interop, or set "
		    "CAISSON_CACHEKIT_PYTHON\n");
		bench_peer_end(&peer);
		return;
	}
	/* The SDK's own bound for the level in the process: none evicts. */
	fixture_make(&fixture, "memory:", (uint64_t)100 << 20);
	one_size(&peer, &fixture, 100, "100B", 20);
	one_size(&peer, &fixture, 1024, "1KiB", 20);
	fixture_end(&fixture);
	/* Large values take memory that others had. */
	fixture_make(&fixture, "memory:?bytes=32M", (uint64_t)16 << 20);
	one_size(&peer, &fixture, (size_t)64 << 10, "64KiB", 0);
	one_size(&peer, &fixture, (size_t)1 << 20, "1MiB", 0);
	fixture_end(&fixture);
	/* Room for a few of these, so that a get finds what was just set. */
	fixture_make(&fixture, "memory:?bytes=128M", (uint64_t)64 << 20);
	one_size(&peer, &fixture, (size_t)16 << 20, "16MiB", 0);
	fixture_end(&fixture);
	bench_peer_end(&peer);
}
