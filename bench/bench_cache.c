/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_cache.c - the secure cache beside our own plain one and OpenSSL's
 * AES-256-GCM of the same bytes, and an L1 hit beside opening alone.
 *
 * Both caches have L1 and, behind it, the memory store, so a set keeps the
 * value twice. The reference of a secure set and get is what somebody would
 * do without it: the plain set and get, and sealing and opening by EVP with a
 * reused context and an AAD of the same length.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_parts.h"
#include "raw.h"

#define KEY "bench:value:%06zu"
#define KEY_LEN 18
/* AAD version 3: five lengths' worth of what names a value of bytes. */
#define AAD_LEN (1 + 4 + 7 + 4 + KEY_LEN + 4 + 5 + 4 + 5)
#define MOST_NS 400.0		/* over the reference, at 100 B */

static const struct size {
	size_t len;
	size_t n;
	unsigned rounds;
	const char *name;
	double target;		/* 0: none; -1: no more than MOST_NS over it */
} sizes[] = {
	{ 100, 512, 61, "100B", -1 },
	{ 1024, 512, 61, "1KiB", 0 },
	{ (size_t)64 << 10, 32, 41, "64KiB", 0.9 },
	{ (size_t)1 << 20, 8, 31, "1MiB", 0.9 },
	{ (size_t)16 << 20, 2, 21, "16MiB", 0.9 },
};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

struct fixture {
	const struct size *size;
	struct csn_cache *secure;
	struct csn_cache *plain;
	struct csn_cache_value value;
	char (*keys)[KEY_LEN + 1];
	uint8_t *bytes;
	struct raw *raw;
	uint64_t sequence;
	uint8_t *raw_sealed;
	uint8_t *raw_opened;
};

struct csn_cache_options
cache_config(struct csn_store *store)
{
	const struct csn_cache_options c = { .size = sizeof(c),
	    .store = store, .l1_bytes = (uint64_t)256 << 20,
	    .ttl_ms = 3600000 };

	return c;
}

static void
set_get(struct fixture *fixture, struct csn_cache *cache, size_t i)
{
	bench_must(csn_cache_set(cache, fixture->keys[i], NULL, fixture->bytes,
		       fixture->size->len),
	    "setting");
	bench_must(
	    csn_cache_get(cache, fixture->keys[i], NULL, &fixture->value),
	    "getting");
}

static void
secure(void *arg)
{
	struct fixture *fixture = arg;
	size_t i;

	for (i = 0; i < fixture->size->n; i++)
		set_get(fixture, fixture->secure, i);
}

static void
plain_and_raw(void *arg)
{
	struct fixture *fixture = arg;
	size_t i;

	for (i = 0; i < fixture->size->n; i++) {
		set_get(fixture, fixture->plain, i);
		raw_seal(fixture->raw, fixture->sequence, fixture->bytes,
		    fixture->size->len, fixture->raw_sealed);
		raw_open(fixture->raw, fixture->sequence++, fixture->raw_sealed,
		    fixture->size->len, fixture->raw_opened);
	}
}

static void
l1_hit(void *arg)
{
	struct fixture *fixture = arg;
	size_t i;

	for (i = 0; i < fixture->size->n; i++)
		bench_must(csn_cache_get(fixture->secure, fixture->keys[i],
			       NULL, &fixture->value),
		    "getting");
}

static void
l1_plain(void *arg)
{
	struct fixture *fixture = arg;
	size_t i;

	for (i = 0; i < fixture->size->n; i++)
		bench_must(csn_cache_get(fixture->plain, fixture->keys[i], NULL,
		    &fixture->value), "getting");
}

static void
raw_hit(void *arg)
{
	struct fixture *fixture = arg;
	size_t i;

	for (i = 0; i < fixture->size->n; i++)
		raw_open(fixture->raw, 0, fixture->raw_sealed,
		    fixture->size->len, fixture->raw_opened);
}

static void
report(const struct fixture *fixture, const struct bench_outcome *o)
{
	const struct size *size = fixture->size;
	struct bench_result r = { .unit = "us", .value = o->ours * 1e6,
	    .reference = "plain cache + OpenSSL EVP",
	    .reference_value = o->reference * 1e6, .ratio = o->ratio };
	char name[64];

	snprintf(name, sizeof(name), "cache.secure.%s.plain", size->name);
	r.name = name;
	r.target = size->target >= 0 ? size->target :
	    o->reference / (o->reference + MOST_NS * 1e-9);
	bench_add(&r, "set and get, L1 and memory store; %+.0f ns",
	    (o->ours - o->reference) * 1e9);
}

static void
report_l1(const struct fixture *fixture)
{
	struct bench_pair pair = { .arg = (void *)(uintptr_t)fixture,
	    .ours = l1_hit, .reference = raw_hit, .rounds = 61,
	    .ours_units = (double)fixture->size->n };
	struct bench_result r = { .unit = "ns", .name = "cache.l1.100B",
	    .reference = "OpenSSL EVP, opening alone", .target = 0.5 };
	struct bench_outcome o;

	raw_seal(fixture->raw, 0, fixture->bytes, fixture->size->len,
	    fixture->raw_sealed);
	bench_compare(&pair, &o);
	r.value = o.ours * 1e9;
	r.reference_value = o.reference * 1e9;
	r.ratio = o.ratio;
	bench_add(&r, "an L1 hit with opening, no allocation; %+.0f ns",
	    (o.ours - o.reference) * 1e9);
	pair.reference = l1_plain;
	bench_compare(&pair, &o);
	r.name = "cache.l1.100B.plain";
	r.reference = "our plain cache's L1 hit";
	r.target = 0;
	r.value = o.ours * 1e9;
	r.reference_value = o.reference * 1e9;
	r.ratio = o.ratio;
	bench_add(&r, "what sealing costs a hit: %+.0f ns",
	    (o.ours - o.reference) * 1e9);
}

static void
one_size(struct fixture *fixture)
{
	size_t len = fixture->size->len, n = fixture->size->n, i;
	struct bench_pair pair = { .arg = fixture, .ours = secure,
	    .reference = plain_and_raw, .ours_units = (double)n,
	    .rounds = fixture->size->rounds };
	struct bench_outcome o;
	uint64_t seed = 1, v;

	fixture->keys = bench_memory(n * sizeof(*fixture->keys));
	fixture->bytes = bench_memory(len);
	fixture->raw_sealed = bench_memory(len + RAW_OVERHEAD);
	fixture->raw_opened = bench_memory(len);
	for (i = 0; i < n; i++)
		snprintf(fixture->keys[i], sizeof(fixture->keys[i]), KEY,
		    i % 1000000);
	for (i = 0; i + 8 <= len; i += 8) {
		v = bench_random(&seed);
		memcpy(fixture->bytes + i, &v, 8);
	}
	bench_compare(&pair, &o);
	report(fixture, &o);
	bench_need(fixture->value.data.len == len &&
	    memcmp(fixture->value.data.p, fixture->bytes, len) == 0,
	    "what was got is not what was set");
	if (len == 100)
		report_l1(fixture);
	csn_cache_value_free(&fixture->value);
	bench_memory_free(fixture->keys, n * sizeof(*fixture->keys));
	bench_memory_free(fixture->bytes, len);
	bench_memory_free(fixture->raw_sealed, len + RAW_OVERHEAD);
	bench_memory_free(fixture->raw_opened, len);
}

int
main(int argc, char **argv)
{
	struct fixture fixture = { .value = { .size = sizeof(fixture.value) } };
	const uint8_t master[32] = { 7 };
	const struct csn_bytes current = { master, sizeof(master) };
	struct csn_cachekit_ring *keys;
	struct csn_store *stores[2];
	struct csn_cache_options c;
	size_t i;

	bench_begin(argc, argv);
	bench_must(csn_cachekit_ring_new(bench_ctx(), &current, NULL, 0, 0,
	    &keys), "making keys");
	for (i = 0; i < 2; i++)
		bench_must(csn_store_open(bench_ctx(), "memory:?bytes=1G",
		    &stores[i]), "opening a store");
	c = cache_config(stores[0]);
	c.format = CSN_CACHE_BYTES;
	c.keys = keys;
	bench_must(csn_cache_new(bench_ctx(), &c, &fixture.secure),
	    "making a cache");
	c.mode = CSN_CACHE_PLAIN;
	c.keys = NULL;
	c.store = stores[1];
	bench_must(csn_cache_new(bench_ctx(), &c, &fixture.plain),
	    "making a plain cache");
	fixture.raw = raw_new("t");
	raw_set_aad(fixture.raw, AAD_LEN);
	for (i = 0; i < SIZES; i++) {
		fixture.size = &sizes[i];
		one_size(&fixture);
	}
	raw_free(fixture.raw);
	csn_cache_free(fixture.secure);
	csn_cache_free(fixture.plain);
	csn_store_close(stores[0]);
	csn_store_close(stores[1]);
	csn_cachekit_ring_free(keys);
	cache_sdk();
	cache_redis();
	return bench_end();
}
