/* SPDX-License-Identifier: Apache-2.0 */
/* sized_cache.c - the structures of the cache. */
#include <string.h>

#include "abi/sized.h"

static struct csn_cachekit_ring *keys;
static struct csn_cachekit *kit;
static struct csn_cache *cache;
static struct csn_cache_buffer packed;

static const struct csn_cachekit_entry entry = { sizeof(entry),
	CSN_CACHEKIT_AUTO_MSGPACK, 0, NULL, 0, "key", 3 };

void
cache_world_start(void)
{
	static const uint8_t key[32] = { 1 };
	const struct csn_bytes bytes = { key, sizeof(key) };
	struct csn_cache_options c = { .size = sizeof(c) };
	int rc;

	rc = csn_cachekit_ring_new(w.ctx, &bytes, NULL, 0, 0, &keys);
	c.keys = keys;
	c.store = w.store;
	c.format = CSN_CACHE_BYTES;
	if (rc != 0 || csn_cachekit_new(w.ctx, keys, NULL, &kit) != 0 ||
	    csn_cache_new(w.ctx, &c, &cache) != 0 ||
	    csn_cache_set(cache, "key", NULL, "value", 5) != 0 ||
	    csn_cachekit_pack(w.ctx, kit, &entry, (const uint8_t *)"\x01", 1,
	    &packed) != 0)
		w.ctx = NULL;
}

void
cache_world_end(void)
{
	csn_cache_buffer_free(&packed);
	csn_cache_free(cache);
	csn_cachekit_free(kit);
	csn_cachekit_ring_free(keys);
}

static int
cache_new(void *s)
{
	struct csn_cache_options *c = s;
	struct csn_cache *out;
	int rc;

	c->keys = keys;
	if ((rc = csn_cache_new(w.ctx, c, &out)) == 0)
		csn_cache_free(out);
	return rc;
}

static int
cache_get(void *s)
{
	int rc = csn_cache_get(cache, "key", NULL, s);

	if (rc == 0)
		csn_cache_value_free(s);
	return rc;
}

static int
never(void *arg, const char *key, struct csn_cache_value *out)
{
	(void)arg;
	(void)key;
	(void)out;
	return CSN_E_BACKEND;
}

static int
cache_get_or_compute(void *s)
{
	int rc = csn_cache_get_or_compute(cache, "key", NULL, never, NULL, s);

	if (rc == 0)
		csn_cache_value_free(s);
	return rc;
}

static int
cache_value_set(void *s)
{
	int rc = csn_cache_value_set(s, "value", 5);

	if (rc == 0)
		csn_cache_value_free(s);
	return rc;
}

static int
cache_get_how(void *s)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	int rc = csn_cache_get(cache, "key", s, &v);

	csn_cache_value_free(&v);
	return rc;
}

static int
cache_set_how(void *s)
{
	return csn_cache_set(cache, "key", s, "value", 5);
}

static int
cache_delete_how(void *s)
{
	int rc = csn_cache_delete(cache, "key", s);

	if (rc == 0 && csn_cache_set(cache, "key", NULL, "value", 5) != 0)
		return CSN_E_BACKEND;
	return rc;
}

static int
cache_exists_how(void *s)
{
	uint64_t ms;

	return csn_cache_exists(cache, "key", s, &ms);
}

static int
cache_reseal(void *s)
{
	return csn_cache_reseal(cache, "nothing", NULL, NULL, NULL, s);
}

static int
cache_stat(void *s)
{
	return csn_cache_stat(cache, s);
}

static int
cachekit_new(void *s)
{
	struct csn_cachekit *out;
	int rc = csn_cachekit_new(w.ctx, keys, s, &out);

	if (rc == 0)
		csn_cachekit_free(out);
	return rc;
}

static int
cachekit_pack(void *s)
{
	struct csn_cache_buffer b = { 0 };
	int rc = csn_cachekit_pack(w.ctx, kit, s, (const uint8_t *)"\x01", 1,
	    &b);

	csn_cache_buffer_free(&b);
	return rc;
}

static int
cachekit_unpack(void *s)
{
	struct csn_cache_buffer b = { 0 };
	int rc = csn_cachekit_unpack(w.ctx, kit, s, packed.p, packed.len, &b,
	    NULL);

	csn_cache_buffer_free(&b);
	return rc;
}

static int
cachekit_reseal(void *s)
{
	struct csn_cache_buffer b = { 0 };
	int rc = csn_cachekit_reseal(w.ctx, kit, s, packed.p, packed.len, &b,
	    NULL);

	csn_cache_buffer_free(&b);
	return rc;
}

static int
native_new(void *s)
{
	struct csn_cache_native *out;
	int rc = csn_cache_native_new(w.ctx, s, &out);

	if (rc == 0)
		csn_cache_native_free(out);
	return rc;
}

#define ENTRY .shape = CSN_CACHEKIT_AUTO_MSGPACK, .key = "key", .key_len = 3

const struct row cache_rows[] = {
	ROW(csn_cache_options, 216, cache_new, 0, .l1_bytes = 1u << 20),
	ROW(csn_cache_value, 64, cache_get, 0, .ttl_ms = 0),
	ROW(csn_cache_value, 64, cache_get_or_compute, 0, .ttl_ms = 0),
	ROW(csn_cache_value, 64, cache_value_set, 0, .ttl_ms = 0),
	ROW(csn_cache_call_options, 40, cache_get_how, 0, .ttl_ms = 0),
	ROW(csn_cache_call_options, 40, cache_set_how, 0, .ttl_ms = 0),
	ROW(csn_cache_call_options, 40, cache_delete_how, 0, .ttl_ms = 0),
	ROW(csn_cache_call_options, 40, cache_exists_how, 0, .ttl_ms = 0),
	ROW(csn_cache_reseal, 56, cache_reseal, 0, .seen = 0),
	ROW(csn_cache_stat, 888, cache_stat, 0, .sets = 0),
	ROW(csn_cachekit_options, 8, cachekit_new, 0, .tenants = 1),
	ROW(csn_cachekit_entry, 48, cachekit_pack, 0, ENTRY),
	ROW(csn_cachekit_entry, 48, cachekit_unpack, 0, ENTRY),
	ROW(csn_cachekit_entry, 48, cachekit_reseal, 0, ENTRY),
	ROW(csn_cache_native_options, 12, native_new, 0, .writers = 1),
};
const size_t ncache_rows = sizeof(cache_rows) / sizeof(cache_rows[0]);
