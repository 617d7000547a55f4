/* SPDX-License-Identifier: Apache-2.0 */
/* cache/lock.c - of many processes that want one value, one computes it. */
#include <string.h>

#include <caisson/crypto.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/text.h"
#include "cache/internal.h"

#define SUFFIX ":lock"
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)
#define KEPT 200u		/* bytes of a key that is too long for it */
#define FIRST_WAIT_MS 10u
#define MOST_WAIT_MS 100u

/*
 * "{key}:lock", where CacheKit's SDKs have theirs; a key that leaves no room
 * is cut and its hash put behind.
 */
static int
name_it(struct csn_cache *cache, const struct csn_call *call,
    struct csn_cachelock *lock)
{
	uint8_t hash[CSN_HASH_SIZE];
	size_t at = call->store_len;
	int rc;

	if (at + SUFFIX_LEN <= CSN_STORE_MAX_KEY) {
		memcpy(lock->key, call->store_key, at);
	} else {
		if ((rc = csn_sha3_256(cache->ctx, call->store_key, at,
		    hash)) != 0)
			return rc;
		memcpy(lock->key, call->store_key, KEPT);
		lock->key[KEPT] = ':';
		csn_hex_encode(hash, 16, lock->key + KEPT + 1);
		at = KEPT + 33;
	}
	memcpy(lock->key + at, SUFFIX, SUFFIX_LEN + 1);
	lock->len = at + SUFFIX_LEN;
	return 0;
}

static int
begin(struct csn_cache *cache, const struct csn_call *call,
    struct csn_cachelock *lock)
{
	uint8_t token[16];
	int rc;

	memset(lock, 0, sizeof(*lock));
	if ((rc = name_it(cache, call, lock)) != 0 ||
	    (rc = csn_random(cache->ctx, token, sizeof(token))) != 0)
		return rc;
	csn_hex_encode(token, sizeof(token), lock->token);
	return 0;
}

static int
attempt(struct csn_cache *cache, const struct csn_call *call,
    struct csn_cachelock *lock)
{
	const struct csn_cache_options *c = &cache->config;
	struct csn_backend_call bc;
	int rc;

	if ((rc = csn_backend_begin(cache, lock->key, lock->len, &bc)) != 0)
		return rc;
	rc = csn_store_add_for(c->store, cache->space, c->space_len,
	    (const uint8_t *)lock->key, lock->len,
	    (const uint8_t *)lock->token, sizeof(lock->token) - 1,
	    c->lock_ms);
	rc = csn_backend_end(cache, call, &bc, rc, 0);
	if (rc == 0) {
		lock->held = 1;
		csn_meter_add(cache->meter, CSN_COUNT_LOCK);
	}
	return rc;
}

static int
wanted(const struct csn_cache *cache)
{
	return cache->config.store != NULL &&
	    (cache->config.flags & CSN_CACHE_NO_LOCK) == 0 &&
	    (cache->abilities & CSN_STORE_LOCK) != 0;
}

int
csn_cachelock_try(struct csn_cache *cache, const struct csn_call *call,
    struct csn_cachelock *lock)
{
	CSN_UNCANCELLED;
	int rc;

	memset(lock, 0, sizeof(*lock));
	if (!wanted(cache))
		return 0;
	if ((rc = begin(cache, call, lock)) != 0)
		return rc;
	return attempt(cache, call, lock);
}

int
csn_cachelock_wait(struct csn_cache *cache, struct csn_call *call,
    struct csn_cachelock *lock, struct csn_cache_value *out)
{
	CSN_UNCANCELLED;
	uint64_t began = csn_meter_now(), limit;
	unsigned pause = FIRST_WAIT_MS;
	int rc;

	memset(lock, 0, sizeof(*lock));
	if (!wanted(cache) || begin(cache, call, lock) != 0)
		return CSN_E_NOT_FOUND;
	limit = cache->config.lock_wait_ms * 1000000;
	rc = attempt(cache, call, lock);
	/* The lock may lie on another server than the value. */
	if (csn_backend_dead(rc) && csn_backend_one(cache, lock->key,
	    lock->len, call->store_key, call->store_len))
		call->dead = 1;
	if (rc == CSN_E_EXISTS)
		csn_meter_add(cache->meter, CSN_COUNT_LOCK_WAIT);
	while (rc == CSN_E_EXISTS && csn_meter_now() - began < limit) {
		csn_sleep_us((uint64_t)pause * 1000);
		pause = pause * 2 > MOST_WAIT_MS ? MOST_WAIT_MS : pause * 2;
		if (csn_lookup_l2(cache, call, out) == 0)
			return 0;
		rc = attempt(cache, call, lock);
	}
	if (rc == CSN_E_EXISTS)
		csn_meter_add(cache->meter, CSN_COUNT_LOCK_TIMEOUT);
	/*
	 * The one before may have put it there just before letting go; but
	 * what was refused is not refused, and counted, twice.
	 */
	if (lock->held && !call->refused &&
	    csn_lookup_l2(cache, call, out) == 0) {
		csn_cachelock_release(cache, call, lock);
		return 0;
	}
	return CSN_E_NOT_FOUND;
}

void
csn_cachelock_release(struct csn_cache *cache, const struct csn_call *call,
    struct csn_cachelock *lock)
{
	CSN_UNCANCELLED;
	const struct csn_cache_options *c = &cache->config;
	struct csn_backend_call bc;
	int rc;

	if (!lock->held)
		return;
	lock->held = 0;
	/* Where it cannot be removed it ends by itself. */
	if (csn_backend_begin(cache, lock->key, lock->len, &bc) != 0)
		return;
	rc = csn_store_remove_if(c->store, cache->space, c->space_len,
	    (const uint8_t *)lock->key, lock->len,
	    (const uint8_t *)lock->token, sizeof(lock->token) - 1);
	(void)csn_backend_end(cache, call, &bc, rc, 0);
}
