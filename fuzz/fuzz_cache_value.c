/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cache_value.c - what a cache finds on its backend: the first byte says
 * which of three caches looks, the second whether an input is the value, or
 * edits of one that the cache put there, or what lies where its lock is.
 */
#include <stdio.h>

#include <caisson/cache.h>

#include "edit.h"
#include "identity.h"

#define MOST 4096
#define CACHES 6
#define KEY "n:k"

static struct csn_store *store;
static struct csn_cache_native *native;
static struct csn_cachekit_ring *keys;
static struct csn_cache *caches[CACHES];

static void
finish(void)
{
	size_t i;

	for (i = 0; i < CACHES; i++)
		csn_cache_free(caches[i]);
	csn_cachekit_ring_free(keys);
	csn_cache_native_free(native);
	csn_store_close(store);
	store = NULL;
}

static void
start(struct csn_ctx *ctx)
{
	static const uint8_t id[16] = { 1 }, key[CSN_KEY_SIZE] = { 2 };
	static const struct {
		uint32_t mode, form, format, flags;
	} kinds[CACHES] = {
		{ CSN_CACHE_COMPATIBLE, CSN_CACHE_AUTO, CSN_CACHE_MSGPACK, 0 },
		{ CSN_CACHE_COMPATIBLE, CSN_CACHE_INTEROP, CSN_CACHE_MSGPACK,
		    0 },
		{ CSN_CACHE_NATIVE, CSN_CACHE_AUTO, CSN_CACHE_JSON, 0 },
		{ CSN_CACHE_PLAIN, CSN_CACHE_AUTO, CSN_CACHE_ARROW, 0 },
		{ CSN_CACHE_COMPATIBLE, CSN_CACHE_AUTO, CSN_CACHE_BYTES,
		    CSN_CACHE_SCOPED },
		{ CSN_CACHE_PLAIN, CSN_CACHE_AUTO, CSN_CACHE_JSON,
		    CSN_CACHE_NO_INTEGRITY },
	};
	const struct csn_bytes current = { key, sizeof(key) };
	struct csn_cache_options c = { .size = sizeof(c), .tenant = "t" };
	size_t i;

	if (store != NULL)
		return;
	check(csn_store_open(ctx, "memory:?bytes=1M&slab=64K", &store) == 0);
	check(csn_cachekit_ring_new(ctx, &current, NULL, 0, 0, &keys) == 0);
	check(csn_cache_native_new(ctx, NULL, &native) == 0);
	check(csn_cache_native_add_key(native, 1, id, key) == 0);
	c.store = store;
	c.lock_wait_ms = 1;
	for (i = 0; i < CACHES; i++) {
		c.mode = kinds[i].mode;
		c.form = kinds[i].form;
		c.format = kinds[i].format;
		c.flags = kinds[i].flags | CSN_CACHE_NO_L1;
		c.keys = c.mode == CSN_CACHE_COMPATIBLE ? keys : NULL;
		c.native = c.mode == CSN_CACHE_NATIVE ? native : NULL;
		check(csn_cache_new(ctx, &c, &caches[i]) == 0);
	}
	check(atexit(finish) == 0);
}

static int
compute(void *arg, const char *key, struct csn_cache_value *out)
{
	struct csn_reader *r = arg;
	char lock[64];
	int n;

	/* Somebody changes the lock while this one has it. */
	n = snprintf(lock, sizeof(lock), "%s:lock", key);
	check(n > 0 && (size_t)n < sizeof(lock));
	if (r->left > 0)
		check(csn_store_put(store, NULL, 0, (const uint8_t *)lock,
		    (size_t)n, r->p, r->left) == 0);
	return csn_cache_value_set(out, "\x93\1\2\3", 4);
}

/* What is refused is a miss, or says why where it is asked to. */
static int
look(struct csn_cache *cache, struct csn_cache_value *v)
{
	struct csn_cache_call_options how = { .size = sizeof(how),
	    .flags = CSN_CACHE_STRICT };
	struct csn_cache_reseal done = { .size = sizeof(done) };
	uint64_t ms;
	int rc, quiet, again;

	rc = csn_cache_exists(cache, KEY, NULL, &ms);
	check(rc == 0 || rc == CSN_E_NOT_FOUND);
	rc = csn_cache_get(cache, KEY, &how, v);
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_LIMIT ||
	    rc == CSN_E_TAG || rc == CSN_E_POLICY || rc == CSN_E_TENANT ||
	    rc == CSN_E_VERSION || rc == CSN_E_SUITE || rc == CSN_E_EPOCH ||
	    rc == CSN_E_EXPIRED || rc == CSN_E_REPLAY ||
	    rc == CSN_E_ALGORITHM || rc == CSN_E_NOT_FOUND);
	check(rc == 0 || v->data.len == 0);
	quiet = csn_cache_get(cache, KEY, NULL, v);
	check(quiet == (rc == 0 ? 0 : CSN_E_NOT_FOUND));
	again = csn_cache_reseal(cache, "n", NULL, NULL, NULL, &done);
	check(again == 0 || again == CSN_E_ARG);	/* in plain */
	check(again != 0 || done.seen == 1);
	return rc;
}

static void
gone(const char *key)
{
	int rc = csn_store_remove(store, NULL, 0, (const uint8_t *)key,
	    strlen(key));

	check(rc == 0 || rc == CSN_E_NOT_FOUND);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t value[] = { 0x93, 1, 2, 0xa1, 'x' };
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cache *cache;
	struct csn_reader r;
	const uint8_t *key;
	uint8_t room[MOST];
	size_t key_len, n = sizeof(room) / 2;
	int changed = 1;

	start(fuzz_ctx());
	if (len < 2 || len > MOST)
		return 0;
	cache = caches[data[0] % CACHES];
	key = (const uint8_t *)(data[0] % CACHES == 4 ? "t:t:" KEY : KEY);
	key_len = strlen((const char *)key);
	csn_reader_init(&r, data + 2, len - 2);
	if (data[1] % 3 == 0) {
		check(csn_store_put(store, NULL, 0, key, key_len, r.p,
		    r.left) == 0);
		(void)look(cache, &v);
	} else if (data[1] % 3 == 1) {
		check(csn_cache_set(cache, KEY, NULL, value,
		    sizeof(value)) == 0);
		check(csn_store_get(store, NULL, 0, key, key_len, room,
		    &n) == 0);
		changed = fuzz_edit(&r, room, &n, sizeof(room));
		check(csn_store_put(store, NULL, 0, key, key_len, room,
		    n) == 0);
		check(look(cache, &v) == 0 || changed);
		check(changed || (v.data.len == sizeof(value) &&
		    memcmp(v.data.p, value, sizeof(value)) == 0));
	} else {
		check(csn_cache_get_or_compute(cache, KEY, NULL, compute, &r,
		    &v) == 0);
		check(v.data.len == 4);
	}
	csn_cache_value_free(&v);
	gone(KEY);
	gone(KEY ":lock");
	gone("t:t:" KEY);
	gone("t:t:" KEY ":lock");
	return 0;
}
