/* SPDX-License-Identifier: Apache-2.0 */
/* cache/compute.c - get, or compute: once for all who ask. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/sized.h"
#include "cache/internal.h"

#define ROOM CSN_CACHE_ROOM

/* A stale value's computation, later, on a thread of the pool's. */
struct refresh {
	struct csn_task task;
	struct csn_cache *cache;
	struct csn_flight *flight;
	csn_cache_compute_fn compute;
	void *arg;
	struct csn_call call;
	char names[];		/* tenant and key, each with a NUL */
};

/* The ticket is of before the computation: what was set since is there. */
static void
remember_none(struct csn_cache *cache, struct csn_call *call,
    uint32_t ticket)
{
	uint64_t ttl = cache->config.negative_ttl_ms;
	struct csn_l1_entry *e;

	if (ttl == 0 || (e = csn_l1_entry_new(&call->name, 0)) == NULL)
		return;
	e->flags = CSN_L1_NEGATIVE;
	csn_l1_set_end(cache, e, csn_ctx_boot_ms(cache->ctx), ttl);
	(void)csn_l1_fill(cache->l1, &call->name, ticket, e);
	csn_l1_unpin(e);
}

/* Compute and keep; what the backend thinks of it does not matter. */
static int
compute_now(struct csn_cache *cache, struct csn_call *call,
    csn_cache_compute_fn compute, void *arg, struct csn_cache_value *out)
{
	uint32_t ticket = csn_l1_ticket(cache->l1, &call->name);
	uint64_t began = csn_meter_now();
	int rc;

	csn_value_clear(out);
	csn_meter_add(cache->meter, CSN_COUNT_COMPUTE);
	rc = compute(arg, call->name.key, out);
	csn_meter_since(cache->meter, CSN_TIMED_COMPUTE, began);
	csn_call_tell(cache, call, CSN_CACHE_EVENT_COMPUTE, rc,
	    rc == 0 ? out->data.len : 0);
	if (rc == 0) {
		out->source = CSN_CACHE_COMPUTED;
		out->stale = out->which = 0;
		out->ttl_ms = call->ttl_ms;
		/*
		 * What fails there is counted there; the value is here. But
		 * what the format cannot hold, nobody could read later.
		 */
		call->sealed = 0;
		rc = csn_store_value(cache, call, out->data.p,
		    out->data.len);
		return !call->sealed && (rc == CSN_E_FORM ||
		    rc == CSN_E_LIMIT) ? rc : 0;
	}
	csn_value_clear(out);
	if (rc == CSN_E_NOT_FOUND) {
		remember_none(cache, call, ticket);
		return csn_fail(cache->ctx, CSN_E_NOT_FOUND, ROOM,
		    "the computation found no such value");
	}
	csn_meter_add(cache->meter, CSN_COUNT_COMPUTE_ERROR);
	return rc;
}

static int
is_miss(int rc)
{
	return rc == CSN_E_NOT_FOUND || csn_refused(rc) ||
	    (rc != 0 && rc != CSN_E_NOMEM && rc != CSN_E_ARG &&
	    rc != CSN_E_FORK);
}

/* This thread computes; others of the process wait for its flight. */
static int
lead(struct csn_cache *cache, struct csn_call *call,
    csn_cache_compute_fn compute, void *arg, struct csn_cache_value *out)
{
	struct csn_cachelock lock;
	int rc, negative;

	/* The flight before may have landed since this one looked. */
	rc = csn_lookup_l1(cache, call, out, &negative);
	if (rc == 0 || negative)
		return rc;
	/* A backend that failed once would only take its time again. */
	if (cache->config.store == NULL || call->dead)
		return compute_now(cache, call, compute, arg, out);
	if ((rc = csn_cachelock_wait(cache, call, &lock, out)) == 0)
		return 0;
	rc = compute_now(cache, call, compute, arg, out);
	csn_cachelock_release(cache, call, &lock);
	return rc;
}

static void
land(struct csn_cache *cache, struct csn_flight *f, int rc,
    const struct csn_cache_value *v)
{
	struct csn_landing landing = { rc, v->data.p, v->data.len,
	    v->ttl_ms };

	csn_flight_land(cache->flights, f, &landing);
}

/* The value is missing. */
static int
compute_once(struct csn_cache *cache, struct csn_call *call,
    csn_cache_compute_fn compute, void *arg, struct csn_cache_value *out)
{
	struct csn_flight *f;
	struct csn_landing got;
	int rc;

	rc = csn_flight_join(cache->flights, &call->name, call->format,
	    cache->config.flight_wait_ms, &f, &got);
	if (rc == 1) {
		rc = lead(cache, call, compute, arg, out);
		land(cache, f, rc, out);
		return rc;
	}
	if (rc == 0) {
		rc = got.rc;
		if (rc == 0 && (rc = csn_cache_value_set(out, got.p,
		    got.len)) == 0) {
			out->source = CSN_CACHE_SHARED;
			out->ttl_ms = got.ttl_ms;
		}
		csn_flight_leave(cache->flights, f);
		csn_meter_add(cache->meter, CSN_COUNT_SHARED);
		if (rc != CSN_E_NOMEM)
			return rc == 0 ? 0 : csn_fail(cache->ctx, rc, ROOM,
			    "the computation that another thread made for "
			    "this key gave %s", csn_error_name(rc));
	} else if (rc == CSN_E_BUSY) {
		csn_meter_add(cache->meter, CSN_COUNT_FLIGHT_TIMEOUT);
	}
	/* Not in time, or no memory to share it: then by itself. */
	return compute_now(cache, call, compute, arg, out);
}

static void
refresh_ends(struct csn_cache *cache)
{
	pthread_mutex_lock(&cache->refresh_lock);
	if (--cache->refreshing == 0)
		pthread_cond_broadcast(&cache->refreshed);
	pthread_mutex_unlock(&cache->refresh_lock);
}

static void
refresh_work(struct csn_task *task)
{
	struct refresh *r = (struct refresh *)(void *)task;
	struct csn_cache *cache = r->cache;
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cachelock lock;
	int rc;

	csn_flight_lead(cache->flights, r->flight, 1);
	/* Where another process does it, or cannot be asked, it is not done:
	 * what there is is good until its time is over. */
	if ((rc = csn_cachelock_try(cache, &r->call, &lock)) == 0) {
		rc = compute_now(cache, &r->call, r->compute, r->arg, &v);
		csn_cachelock_release(cache, &r->call, &lock);
		if (rc != 0)
			csn_meter_add(cache->meter, CSN_COUNT_REFRESH_ERROR);
	}
	land(cache, r->flight, rc != 0 ? CSN_E_NOMEM : 0, &v);
	csn_cache_value_free(&v);
	free(r);
	refresh_ends(cache);
}

/* Where it cannot be begun, the next who asks tries again. */
static void
refresh(struct csn_cache *cache, const struct csn_call *call,
    csn_cache_compute_fn compute, void *arg)
{
	const struct csn_l1_name *n = &call->name;
	struct csn_landing got;
	struct refresh *r;

	r = csn_calloc(1, sizeof(*r) + n->tenant_len + n->key_len + 2);
	if (r == NULL)
		return;
	r->cache = cache;
	r->compute = compute;
	r->arg = arg;
	r->call = *call;
	r->call.began = 0;
	memcpy(r->names, n->tenant, n->tenant_len);
	memcpy(r->names + n->tenant_len + 1, n->key, n->key_len);
	r->call.name.tenant = r->names;
	r->call.name.key = r->names + n->tenant_len + 1;
	r->call.store_key = call->store_key == call->scoped ?
	    r->call.scoped : r->call.name.key;
	if (csn_flight_join(cache->flights, n, call->format, 0, &r->flight,
	    &got) != 1) {
		free(r);	/* somebody is at it */
		return;
	}
	csn_flight_lead(cache->flights, r->flight, 0);
	r->task.work = refresh_work;
	pthread_mutex_lock(&cache->refresh_lock);
	cache->refreshing++;
	pthread_mutex_unlock(&cache->refresh_lock);
	csn_meter_add(cache->meter, CSN_COUNT_REFRESH);
	if (csn_pool_post(cache->config.pool, &r->task) == 0)
		return;
	got = (struct csn_landing){ .rc = CSN_E_NOMEM };
	csn_flight_land(cache->flights, r->flight, &got);
	free(r);
	refresh_ends(cache);
}

int
csn_cache_get_or_compute(struct csn_cache *cache, const char *key,
    const struct csn_cache_call_options *how, csn_cache_compute_fn compute, void
    *arg, struct csn_cache_value *out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
	struct csn_call call;
	int rc, negative;

	if ((rc = csn_call_begin(cache, key, how, &call)) != 0 ||
	    (rc = CSN_GIVE_CHECK(out, csn_cache_value, data)) != 0)
		return rc;
	if (compute == NULL)
		return csn_fail(cache->ctx, CSN_E_ARG, ROOM,
		    "no computation is given");
	if (cache->config.on_event != NULL)
		call.began = csn_meter_now();
	csn_value_clear(out);
	rc = csn_lookup_l1(cache, &call, out, &negative);
	if (rc != 0 && !negative && is_miss(rc))
		rc = csn_lookup_l2(cache, &call, out);
	if (rc == 0) {
		csn_call_tell(cache, &call, out->source == CSN_CACHE_FROM_L1 ?
		    CSN_CACHE_EVENT_L1_HIT : CSN_CACHE_EVENT_L2_HIT, 0,
		    out->data.len);
		if (out->stale && (call.flags & CSN_CACHE_REFRESH) != 0)
			refresh(cache, &call, compute, arg);
		return 0;
	}
	csn_call_tell(cache, &call, negative ? CSN_CACHE_EVENT_NEGATIVE_HIT :
	    CSN_CACHE_EVENT_MISS, rc, 0);
	if (negative || !is_miss(rc))
		return rc;
	csn_meter_add(cache->meter, CSN_COUNT_MISS);
	return compute_once(cache, &call, compute, arg, out);
}
