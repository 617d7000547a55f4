/* SPDX-License-Identifier: Apache-2.0 */
/* cache/new.c - making a cache from its configuration, and its end. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/sized.h"
#include "cache/internal.h"

#define ROOM CSN_CACHE_ROOM
#define MOST_SHARDS 4096u

static void
defaults(struct csn_cache_options *c)
{
	if (c->tenant == NULL)
		c->tenant = "default";
	if ((c->flags & CSN_CACHE_NO_L1) != 0)
		c->l1_bytes = 0;
	else if (c->l1_bytes == 0)
		c->l1_bytes = (uint64_t)64 << 20;
	if (c->l1_shards == 0)
		c->l1_shards = 64;
	if (c->breaker_failures == 0)
		c->breaker_failures = 5;
	if (c->breaker_trials == 0)
		c->breaker_trials = 3;
	if (c->breaker_open_ms == 0)
		c->breaker_open_ms = 30000;
	if (c->inflight_max == 0)
		c->inflight_max = 256;
	if (c->queue_ms == 0)
		c->queue_ms = 100;
	if (c->slow_ms == 0)
		c->slow_ms = 2000;
	if (c->lock_ms == 0)
		c->lock_ms = 30000;
	if (c->lock_wait_ms == 0)
		c->lock_wait_ms = 5000;
	if (c->flight_wait_ms == 0)
		c->flight_wait_ms = 30000;
}

static int
check_keys(struct csn_ctx *ctx, const struct csn_cache_options *c)
{
	if (c->mode > CSN_CACHE_PLAIN)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "there is no mode %u: see enum csn_cache_mode", c->mode);
	if (c->mode == CSN_CACHE_COMPATIBLE && c->keys == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a secure cache needs "
		    "master keys: see csn_cachekit_ring_env(); for what "
		    "anybody may read and change say CSN_CACHE_PLAIN");
	if (c->mode == CSN_CACHE_NATIVE && c->native == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "native mode needs the "
		    "epochs of a csn_cache_native_new()");
	if (c->mode != CSN_CACHE_COMPATIBLE && c->keys != NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "master keys are given, "
		    "yet the cache is %s: say which is meant",
		    c->mode == CSN_CACHE_PLAIN ? "plain" : "native");
	if (c->mode != CSN_CACHE_NATIVE && c->native != NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "epochs of native mode "
		    "are given, yet the cache is of another mode");
	return 0;
}

static int
check(struct csn_ctx *ctx, const struct csn_cache_options *c)
{
	size_t tenant = strnlen(c->tenant, CSN_CACHEKIT_TENANT_MAX + 1);
	int rc;

	if ((rc = check_keys(ctx, c)) != 0)
		return rc;
	if (c->form > CSN_CACHE_INTEROP)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "there is no form %u: see enum csn_cache_form", c->form);
	if (tenant == 0 || tenant > CSN_CACHEKIT_TENANT_MAX)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a tenant's name has 1 "
		    "to %d bytes", CSN_CACHEKIT_TENANT_MAX);
	if (c->space_len > CSN_STORE_MAX_SPACE ||
	    (c->space == NULL && c->space_len > 0))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a space's name has up "
		    "to %d bytes, not %zu", CSN_STORE_MAX_SPACE,
		    c->space_len);
	if (c->l1_shards > MOST_SHARDS ||
	    (c->l1_shards & (c->l1_shards - 1)) != 0)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "%u shards: a power of "
		    "two up to %u is needed", c->l1_shards, MOST_SHARDS);
	if (c->stale_percent > 99)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a value cannot be "
		    "stale past %u%% of its time: say 1 to 99",
		    c->stale_percent);
	if (c->stale_percent > 0 && csn_pool_threads(c->pool) < 2)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "refreshing stale "
		    "values needs a pool of two threads or more");
	if (c->store == NULL && c->l1_bytes == 0)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a cache without a store needs its level in memory");
	return 0;
}

static int
fill(struct csn_cache *cache)
{
	struct csn_cache_options *c = &cache->config;
	const struct csn_cachekit_options options = {
	    .size = sizeof(options), .tenants = c->tenants };
	int rc;

	cache->abilities = csn_store_abilities(c->store);
	cache->tenant = csn_strdup(c->tenant);
	cache->space = csn_memdup(c->space, c->space_len);
	cache->meter = csn_meter_new();
	cache->flights = csn_flights_new();
	if (cache->tenant == NULL || cache->space == NULL ||
	    cache->meter == NULL || cache->flights == NULL)
		return csn_nomem(cache->ctx, ROOM, "a cache");
	cache->tenant_len = (uint32_t)strlen(cache->tenant);
	c->tenant = cache->tenant;
	c->space = cache->space;
	if ((rc = csn_l1_new(cache->ctx, c->l1_bytes, c->l1_shards,
	    &cache->l1)) != 0)
		return rc;
	cache->tenant_seed = csn_l1_seed(cache->l1, cache->tenant,
	    cache->tenant_len);
	cache->native = c->native;
	if (c->keys != NULL && ((rc = csn_cachekit_new(cache->ctx, c->keys,
	    &options, &cache->kit)) != 0 || (rc = csn_kit_hold(cache->kit,
	    cache->tenant, cache->tenant_len, &cache->held)) != 0))
		return rc;
	c->keys = NULL;
	return csn_codec_check(cache, c->format);
}

int
csn_cache_new(struct csn_ctx *ctx, const struct csn_cache_options *config,
    struct csn_cache **out)
{
	CSN_UNCANCELLED;
	struct csn_cache_options c;
	struct csn_cache *cache;
	size_t i;
	int rc;

	if (ctx == NULL || config == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a cache needs a "
		    "context, a configuration and a place to store the "
		    "handle");
	if ((rc = CSN_TAKE(&c, config, csn_cache_options,
	    on_event_arg)) != 0)
		return rc;
	defaults(&c);
	if ((rc = check(ctx, &c)) != 0)
		return rc;
	if ((cache = aligned_alloc(64, (sizeof(*cache) + 63) &
	    ~(size_t)63)) == NULL)
		return csn_nomem(ctx, ROOM, "a cache");
	memset(cache, 0, sizeof(*cache));
	cache->ctx = ctx;
	cache->made_in = csn_fork_generation(ctx);
	cache->config = c;
	for (i = 0; i < CSN_CACHE_BREAKERS; i++)
		csn_breaker_init(&cache->breaker[i], ctx, &c);
	pthread_mutex_init(&cache->refresh_lock, NULL);
	pthread_cond_init(&cache->refreshed, NULL);
	if ((rc = fill(cache)) != 0) {
		csn_cache_free(cache);
		return rc;
	}
	*out = cache;
	return 0;
}

void
csn_cache_free(struct csn_cache *cache)
{
	CSN_UNCANCELLED;
	struct csn_cache_buffer *b;
	size_t i;

	if (cache == NULL)
		return;
	/* A forked child has none of the threads that refresh. */
	if (csn_fork_check(cache->ctx, cache->made_in) == 0) {
		pthread_mutex_lock(&cache->refresh_lock);
		while (cache->refreshing > 0)
			pthread_cond_wait(&cache->refreshed,
			    &cache->refresh_lock);
		pthread_mutex_unlock(&cache->refresh_lock);
		pthread_cond_destroy(&cache->refreshed);
		pthread_mutex_destroy(&cache->refresh_lock);
		for (i = 0; i < CSN_CACHE_BREAKERS; i++)
			csn_breaker_destroy(&cache->breaker[i]);
	}
	for (i = 0; i < CSN_CACHE_SCRATCH; i++) {
		b = atomic_load(&cache->scratch[i].buffer);
		if (b != NULL)
			csn_cache_buffer_free(b);
		free(b);
	}
	if (cache->held != NULL)
		csn_kit_release(cache->kit, cache->held);
	csn_cachekit_free(cache->kit);
	csn_l1_free(cache->l1);
	csn_flights_free(cache->flights);
	csn_meter_free(cache->meter);
	free(cache->tenant);
	free(cache->space);
	free(cache);
}

int
csn_cache_stat(struct csn_cache *cache, struct csn_cache_stat *out)
{
	struct csn_cache_stat st;
	struct csn_l1_stat l1;
	size_t i;
	int rc;

	if (cache == NULL)
		return csn_fail(NULL, CSN_E_ARG, ROOM, "no cache is given");
	if ((rc = CSN_GIVE_CHECK(out, csn_cache_stat, open_times)) != 0)
		return rc;
	memset(&st, 0, sizeof(st));
	csn_meter_read(cache->meter, &st);
	csn_l1_stat(cache->l1, &l1);
	st.l1_entries = l1.entries;
	st.l1_bytes = l1.bytes;
	st.l1_evictions = l1.evictions;
	st.breaker = (uint32_t)csn_breaker_worst(cache->breaker,
	    CSN_CACHE_BREAKERS);
	for (i = 0; i < CSN_CACHE_BREAKERS; i++)
		st.breaker_opens += atomic_load(&cache->breaker[i].opens);
	CSN_GIVE(out, &st, csn_cache_stat);
	return 0;
}
