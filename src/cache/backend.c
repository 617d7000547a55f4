/* SPDX-License-Identifier: Apache-2.0 */
/* cache/backend.c - the store behind the breaker. */
#include <string.h>

#include "base/cancel.h"
#include "base/fail.h"
#include "cache/internal.h"

#define ROOM CSN_CACHE_ROOM
#define FIRST_GUESS ((size_t)4096)
#define MOST_GUESS ((size_t)32 << 20)
/* What no entry is longer than: a value, its container and its frame. */
#define MOST_ENTRY ((size_t)CSN_CACHEKIT_VALUE_MAX + ((size_t)16 << 20))

/*
 * Answers of a store that works, whatever they say: also that a key holds
 * what is no value (FORM), that this user may not (POLICY), or that the
 * program called it off (CLOSED).
 */
static int
is_answer(int rc)
{
	return rc == 0 || rc == CSN_E_NOT_FOUND || rc == CSN_E_EXISTS ||
	    rc == CSN_E_QUOTA || rc == CSN_E_LIMIT || rc == CSN_E_ARG ||
	    rc == CSN_E_NOMEM || rc == CSN_E_BUFFER || rc == CSN_E_FORM ||
	    rc == CSN_E_POLICY || rc == CSN_E_CANCELLED;
}

int
csn_backend_dead(int rc)
{
	return !is_answer(rc) && rc != CSN_E_RATE;
}

static struct csn_breaker *
breaker_of(struct csn_cache *cache, const char *store_key, size_t store_len)
{
	const struct csn_cache_options *c = &cache->config;
	uint32_t server = csn_store_server(c->store, cache->space,
	    c->space_len, (const uint8_t *)store_key, store_len);

	return &cache->breaker[server % CSN_CACHE_BREAKERS];
}

int
csn_backend_one(struct csn_cache *cache, const char *a, size_t a_len,
    const char *b, size_t b_len)
{
	return breaker_of(cache, a, a_len) == breaker_of(cache, b, b_len);
}

int
csn_backend_begin(struct csn_cache *cache, const char *store_key,
    size_t store_len, struct csn_backend_call *bc)
{
	CSN_UNCANCELLED;
	int rc;

	bc->breaker = breaker_of(cache, store_key, store_len);
	if ((rc = csn_breaker_enter(bc->breaker, &bc->pass)) != 0) {
		csn_meter_add(cache->meter, rc == CSN_E_BUSY ?
		    CSN_COUNT_REJECTED : CSN_COUNT_SHED);
		return rc;
	}
	bc->began = csn_meter_now();
	return 0;
}

int
csn_backend_end(struct csn_cache *cache, const struct csn_call *call,
    const struct csn_backend_call *bc, int rc, int refused)
{
	uint64_t ns = csn_meter_now() - bc->began;
	int failed = !is_answer(rc), slow, before, changed;

	csn_meter_time(cache->meter, CSN_TIMED_L2, ns);
	slow = ns / 1000000 >= cache->config.slow_ms;
	if (slow)
		csn_meter_add(cache->meter, CSN_COUNT_SLOW);
	if (failed) {
		csn_meter_add(cache->meter, CSN_COUNT_BACKEND_ERROR);
		csn_call_tell(cache, call, CSN_CACHE_EVENT_BACKEND_ERROR, rc,
		    0);
	}
	before = csn_breaker_state(bc->breaker);
	changed = csn_breaker_leave(bc->breaker, &bc->pass,
	    failed || slow || refused);
	if (changed || csn_breaker_state(bc->breaker) != before)
		csn_call_tell(cache, call, CSN_CACHE_EVENT_BREAKER, rc, 0);
	return rc;
}

/*
 * The size is known only when it was read: the last one read is the guess,
 * and a guess too small costs another round trip.
 */
int
csn_backend_read(struct csn_cache *cache, const struct csn_call *call,
    struct csn_l1_entry **out, uint64_t *left)
{
	CSN_UNCANCELLED;
	const struct csn_cache_options *c = &cache->config;
	struct csn_l1_entry *e = NULL;
	size_t room, len;
	/* Native entries say themselves when they end: csn_codec_left(). */
	int rc, tries = 0, native = cache->native != NULL;

	*left = CSN_STORE_TTL_UNKNOWN;
	room = atomic_load_explicit(&cache->guess, memory_order_relaxed);
	if (room < FIRST_GUESS)
		room = FIRST_GUESS;
	do {
		csn_l1_unpin(e);
		if ((e = csn_l1_entry_new(&call->name, room)) == NULL)
			return csn_nomem(cache->ctx, ROOM,
			    "an entry of %zu bytes", room);
		len = room;
		rc = native ? csn_store_get(c->store, cache->space,
		    c->space_len, (const uint8_t *)call->store_key,
		    call->store_len, e->bytes, &len) :
		    csn_store_get_for(c->store, cache->space, c->space_len,
		    (const uint8_t *)call->store_key, call->store_len,
		    e->bytes, &len, left);
		if (rc == CSN_E_BUFFER && len > MOST_ENTRY)
			rc = csn_fail(cache->ctx, CSN_E_LIMIT, ROOM, "the "
			    "backend has %zu bytes under this key, more than "
			    "any entry has", len);
		/* A store that lies about its lengths is no store. */
		if ((rc == CSN_E_BUFFER && len <= room) ||
		    (rc == 0 && len > room) ||
		    (rc == CSN_E_BUFFER && ++tries == 4))
			rc = csn_fail(cache->ctx, CSN_E_BACKEND, ROOM,
			    "the backend does not say how long its value is");
		room = len;
	} while (rc == CSN_E_BUFFER);
	if (rc != 0) {
		csn_l1_unpin(e);
		return rc;
	}
	e->len = len;
	atomic_store_explicit(&cache->guess, len > MOST_GUESS ? MOST_GUESS :
	    len, memory_order_relaxed);
	*out = csn_l1_entry_fit(e);
	return 0;
}

int
csn_backend_put(struct csn_cache *cache, const struct csn_call *call,
    const uint8_t *p, size_t len)
{
	CSN_UNCANCELLED;
	const struct csn_cache_options *c = &cache->config;
	/* Native entries carry their end. */
	int forever = cache->native != NULL &&
	    (cache->abilities & CSN_STORE_TTL) == 0;
	struct csn_backend_call bc;
	int rc;

	if ((rc = csn_backend_begin(cache, call->store_key,
	    call->store_len, &bc)) != 0)
		return rc;
	rc = csn_store_put_for(c->store, cache->space, c->space_len,
	    (const uint8_t *)call->store_key, call->store_len, p, len,
	    forever ? 0 : call->ttl_ms);
	return csn_backend_end(cache, call, &bc, rc, 0);
}

int
csn_backend_remove(struct csn_cache *cache, const struct csn_call *call)
{
	CSN_UNCANCELLED;
	const struct csn_cache_options *c = &cache->config;
	struct csn_backend_call bc;
	int rc;

	if ((rc = csn_backend_begin(cache, call->store_key,
	    call->store_len, &bc)) != 0)
		return rc;
	rc = csn_store_remove(c->store, cache->space, c->space_len,
	    (const uint8_t *)call->store_key, call->store_len);
	return csn_backend_end(cache, call, &bc, rc, 0);
}

int
csn_backend_ttl(struct csn_cache *cache, const struct csn_call *call,
    uint64_t *ttl_ms)
{
	CSN_UNCANCELLED;
	const struct csn_cache_options *c = &cache->config;
	struct csn_backend_call bc;
	uint8_t none;
	size_t len = 0;
	int rc;

	*ttl_ms = 0;
	if ((rc = csn_backend_begin(cache, call->store_key,
	    call->store_len, &bc)) != 0)
		return rc;
	if ((cache->abilities & CSN_STORE_TTL) != 0) {
		rc = csn_store_ttl(c->store, cache->space, c->space_len,
		    (const uint8_t *)call->store_key, call->store_len,
		    ttl_ms);
	} else {
		rc = csn_store_get(c->store, cache->space, c->space_len,
		    (const uint8_t *)call->store_key, call->store_len, &none,
		    &len);
		if (rc == CSN_E_BUFFER)
			rc = 0;
	}
	return csn_backend_end(cache, call, &bc, rc, 0);
}
