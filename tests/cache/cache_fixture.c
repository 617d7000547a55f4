/* SPDX-License-Identifier: Apache-2.0 */
/* A cache to test, its clock set by hand, and a faulty store. */
#include <time.h>

#include "cache/cache_fixture.h"
#include "lib/test.h"

_Atomic uint64_t cache_ms = 1000000;

static uint64_t
boot_ms(void *arg)
{
	(void)arg;
	return atomic_load(&cache_ms);
}

static uint64_t
wall_ms(void *arg)
{
	(void)arg;
	return UINT64_C(1700000000000) + atomic_load(&cache_ms);
}

struct csn_ctx *
cache_ctx(void)
{
	static const struct csn_clock clock = { .size = sizeof(clock),
	    .boot_ms = boot_ms, .wall_ms = wall_ms };
	const struct csn_ctx_options o = { .size = sizeof(o),
	    .clock = &clock };
	struct csn_ctx *ctx;

	assert_int_equal(csn_ctx_new(&o, &ctx), 0);
	return ctx;
}

struct csn_cachekit_ring *
cache_keys(struct csn_ctx *ctx, char current, const char *previous)
{
	uint8_t bytes[4][32];
	struct csn_bytes former[3], now = { bytes[3], 32 };
	struct csn_cachekit_ring *keys;
	size_t i, n = previous != NULL ? strlen(previous) : 0;

	assert_in_range(n, 0, 3);
	memset(bytes[3], current, 32);
	for (i = 0; i < n; i++) {
		memset(bytes[i], previous[i], 32);
		former[i].p = bytes[i];
		former[i].len = 32;
	}
	assert_int_equal(csn_cachekit_ring_new(ctx, &now, former, n, 0, &keys),
	    0);
	return keys;
}

struct csn_cache_options
cache_config(const struct csn_cachekit_ring *keys, struct csn_store *store)
{
	const struct csn_cache_options c = { .size = sizeof(c),
	    .mode = CSN_CACHE_COMPATIBLE, .format = CSN_CACHE_BYTES,
	    .keys = keys, .store = store, .l1_bytes = 8 << 20 };

	return c;
}

void
cache_start(struct cache_fixture *l, const char *url,
    void (*edit)(struct csn_cache_options *c))
{
	memset(l, 0, sizeof(*l));
	l->ctx = cache_ctx();
	l->keys = cache_keys(l->ctx, 'n', NULL);
	if (url != NULL)
		assert_int_equal(csn_store_open(l->ctx, url, &l->store), 0);
	l->cache = cache_second(l, edit);
}

void
cache_end(struct cache_fixture *l)
{
	csn_cache_free(l->cache);
	csn_store_close(l->store);
	csn_cachekit_ring_free(l->keys);
	csn_ctx_free(l->ctx);
}

struct csn_cache *
cache_second(struct cache_fixture *l, void (*edit)(struct csn_cache_options *c))
{
	struct csn_cache_options c = cache_config(l->keys, l->store);
	struct csn_cache *cache;

	if (edit != NULL)
		edit(&c);
	if (csn_cache_new(l->ctx, &c, &cache) != 0)
		fail_msg("no cache: %s", csn_message());
	return cache;
}

int
cache_set(struct csn_cache *cache, const char *key, const char *text)
{
	return csn_cache_set(cache, key, NULL, text, strlen(text));
}

int
cache_has(struct csn_cache *cache, const char *key, const char *text,
    int *rc)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	int code, has;

	code = csn_cache_get(cache, key, NULL, &v);
	has = code == 0 && v.data.len == strlen(text) &&
	    memcmp(v.data.p, text, v.data.len) == 0;
	if (code != 0)
		assert_int_equal(v.data.len, 0);
	csn_cache_value_free(&v);
	if (rc != NULL)
		*rc = code;
	return has;
}

struct csn_cache_stat
cache_stat(struct csn_cache *cache)
{
	struct csn_cache_stat st = { .size = sizeof(st) };

	assert_int_equal(csn_cache_stat(cache, &st), 0);
	return st;
}

static void
sleep_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	if (ms > 0)
		nanosleep(&t, NULL);
}

int
compute_text(void *arg, const char *key, struct csn_cache_value *out)
{
	struct computation *r = arg;

	(void)key;
	atomic_fetch_add(&r->made, 1);
	sleep_ms(r->ms);
	return r->rc != 0 ? r->rc :
	    csn_cache_value_set(out, r->text, strlen(r->text));
}

int
cache_compute(struct csn_cache *cache, const char *key, struct computation *r)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	int rc;

	rc = csn_cache_get_or_compute(cache, key, NULL, compute_text, r, &v);
	if (rc == 0) {
		assert_int_equal(v.data.len, strlen(r->text));
		assert_memory_equal(v.data.p, r->text, v.data.len);
	}
	csn_cache_value_free(&v);
	return rc;
}

/* --- the faulty store ---------------------------------------------------- */

struct faulty faulty;

void
faulty_reset(void)
{
	memset(&faulty, 0, sizeof(faulty));
}

static int
enter(void)
{
	unsigned now = atomic_fetch_add(&faulty.inflight, 1) + 1, most;

	atomic_fetch_add(&faulty.calls, 1);
	most = atomic_load(&faulty.most_inflight);
	while (now > most && !atomic_compare_exchange_weak(
	    &faulty.most_inflight, &most, now))
		;
	sleep_ms(atomic_load(&faulty.slow_ms));
	return atomic_load(&faulty.dead) ? CSN_E_BACKEND : 0;
}

static int
leave(int rc)
{
	atomic_fetch_sub(&faulty.inflight, 1);
	return rc;
}

static int
faulty_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	struct csn_store *store;
	int rc;

	(void)rest;
	if ((rc = csn_store_open(ctx, "memory:?bytes=64M", &store)) == 0)
		*state = store;
	return rc;
}

static uint32_t
faulty_server(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	(void)state;
	(void)space;
	(void)space_len;
	if (key_len > 5 && memcmp(key + key_len - 5, ":lock", 5) == 0)
		return 9;
	return key_len > 0 && key[0] >= '0' && key[0] <= '9' ?
	    (uint32_t)(key[0] - '0') : 0;
}

static int
dead_for(const uint8_t *key, size_t key_len)
{
	int server = atomic_load(&faulty.dead_server);

	return server != 0 && server ==
	    (int)faulty_server(NULL, NULL, 0, key, key_len);
}

static int
faulty_put_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	int rc = enter();

	atomic_fetch_add(&faulty.puts, 1);
	if (rc == 0 && dead_for(key, key_len))
		rc = CSN_E_BACKEND;
	if (rc == 0)
		rc = atomic_load(&faulty.put_answer);
	if (rc == 0 && !atomic_load(&faulty.silent_sets))
		rc = csn_store_put_for(state, space, space_len, key, key_len,
		    value, len, ttl_ms);
	return leave(rc);
}

static int
faulty_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	return faulty_put_for(state, space, space_len, key, key_len, value,
	    len, 0);
}

static int
faulty_get_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len,
    uint64_t *ttl_ms)
{
	size_t room = *len;
	int rc = enter();

	atomic_fetch_add(&faulty.gets, 1);
	if (atomic_load(&faulty.other)) {
		key = (const uint8_t *)"other";
		key_len = 5;
	}
	if (rc == 0 && dead_for(key, key_len))
		rc = CSN_E_BACKEND;
	if (rc == 0)
		rc = atomic_load(&faulty.get_answer);
	if (rc == 0)
		rc = csn_store_get_for(state, space, space_len, key, key_len,
		    value, len, ttl_ms);
	if (rc == 0 && atomic_load(&faulty.half))
		*len /= 2;
	if (rc == 0 && atomic_load(&faulty.flip) && *len > 0)
		value[*len / 2] ^= 1;
	if (atomic_load(&faulty.longer)) {
		*len = room + 1;
		rc = atomic_load(&faulty.longer) > 1 ? 0 : CSN_E_BUFFER;
	}
	return leave(rc);
}

static int
faulty_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	uint64_t ttl_ms;

	return faulty_get_for(state, space, space_len, key, key_len, value,
	    len, &ttl_ms);
}

static int
faulty_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	int rc = enter();

	if (rc == 0)
		rc = csn_store_remove(state, space, space_len, key, key_len);
	return leave(rc);
}

static int
faulty_drop(void *state, const uint8_t *space, size_t space_len)
{
	return csn_store_drop(state, space, space_len);
}

static int
faulty_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	int rc = enter();

	if (rc == 0)
		rc = csn_store_each(state, space, space_len, visit, arg);
	return leave(rc);
}

static int
faulty_stat(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	return csn_store_stat(state, space, space_len, out);
}

static int
faulty_ttl(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint64_t *ttl_ms)
{
	int rc = enter();

	if (rc == 0)
		rc = csn_store_ttl(state, space, space_len, key, key_len,
		    ttl_ms);
	return leave(rc);
}

static int
faulty_add_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	int rc = enter();

	if (rc == 0 && dead_for(key, key_len))
		rc = CSN_E_BACKEND;
	if (rc == 0)
		rc = csn_store_add_for(state, space, space_len, key, key_len,
		    value, len, ttl_ms);
	return leave(rc);
}

static int
faulty_remove_if(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	int rc = enter();

	if (rc == 0)
		rc = csn_store_remove_if(state, space, space_len, key,
		    key_len, value, len);
	return leave(rc);
}

static void
faulty_close(void *state)
{
	csn_store_close(state);
}

void
faulty_register(void)
{
	static const struct csn_store_provider whole = {
		.abi = CSN_STORE_ABI, .name = "faulty",
		.open = faulty_open, .put = faulty_put, .get = faulty_get,
		.remove = faulty_remove, .drop = faulty_drop,
		.list = faulty_list, .stat = faulty_stat,
		.close = faulty_close, .put_for = faulty_put_for,
		.ttl = faulty_ttl, .add_for = faulty_add_for,
		.remove_if = faulty_remove_if, .get_for = faulty_get_for,
		.server = faulty_server,
	};
	static struct csn_store_provider simple, apart;

	simple = whole;
	simple.name = "simple";
	simple.put_for = NULL;
	simple.ttl = NULL;
	simple.add_for = NULL;
	simple.remove_if = NULL;
	simple.get_for = NULL;
	apart = whole;
	apart.name = "apart";
	apart.get_for = NULL;
	assert_int_equal(csn_store_register(&whole), 0);
	assert_int_equal(csn_store_register(&simple), 0);
	assert_int_equal(csn_store_register(&apart), 0);
}
