/* SPDX-License-Identifier: Apache-2.0 */
/* cache/cache.c - the two levels: reading, setting, deleting. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "cache/internal.h"

#define ROOM CSN_CACHE_ROOM

static uint64_t
after(uint64_t now_ms, uint64_t ttl_ms)
{
	if (ttl_ms == 0)
		return 0;
	return ttl_ms < UINT64_MAX - now_ms ? now_ms + ttl_ms : UINT64_MAX;
}

void
csn_l1_set_end(const struct csn_cache *cache, struct csn_l1_entry *e,
    uint64_t boot_ms, uint64_t ttl_ms)
{
	uint64_t most = cache->config.l1_ttl_ms;

	e->value_ends_ms = after(boot_ms, ttl_ms);
	e->ends_ms = most != 0 && (ttl_ms == 0 || most < ttl_ms) ?
	    after(boot_ms, most) : e->value_ends_ms;
}

/* 1 where more than the configured part of its time is over. */
static uint32_t
is_stale(const struct csn_cache *cache, const struct csn_call *call,
    uint64_t left_ms)
{
	uint64_t ttl = call->ttl_ms, percent = cache->config.stale_percent;

	if (percent == 0 || ttl == 0 || left_ms == 0)
		return 0;
	return left_ms < ttl / 100 * (100 - percent) +
	    ttl % 100 * (100 - percent) / 100;
}

/* Open an entry; count it, and leave a record of it. */
static int
open_entry(struct csn_cache *cache, const struct csn_call *call,
    const struct csn_l1_entry *e, struct csn_cache_value *out)
{
	uint64_t began = csn_meter_sample();
	int rc, audited;

	rc = csn_codec_open(cache, call, e->bytes, e->len, out);
	csn_meter_since(cache->meter, CSN_TIMED_OPEN, began);
	if (rc == 0 && out->which != 0)
		csn_meter_add(cache->meter, CSN_COUNT_FORMER_KEY);
	if ((audited = csn_call_opened(cache, call, rc, out->data.len)) != 0)
		rc = audited;
	if (rc != 0)
		csn_value_clear(out);
	return rc;
}

int
csn_lookup_l1(struct csn_cache *cache, struct csn_call *call,
    struct csn_cache_value *out, int *negative)
{
	uint64_t left, began = csn_meter_sample();
	struct csn_l1_entry *e;
	int rc;

	*negative = 0;
	if ((e = csn_l1_find(cache->l1, &call->name, &left)) == NULL)
		return CSN_E_NOT_FOUND;
	if ((e->flags & CSN_L1_NEGATIVE) != 0) {
		csn_l1_unpin(e);
		*negative = 1;
		csn_meter_add(cache->meter, CSN_COUNT_NEGATIVE);
		return csn_fail(cache->ctx, CSN_E_NOT_FOUND, ROOM,
		    "there is no such value, as was found before");
	}
	call->in_l1 = 1;
	rc = open_entry(cache, call, e, out);
	call->in_l1 = 0;
	if (rc == 0) {
		out->source = CSN_CACHE_FROM_L1;
		out->ttl_ms = left;
		out->stale = is_stale(cache, call, out->ttl_ms);
		if (out->stale)
			csn_meter_add(cache->meter, CSN_COUNT_STALE);
		csn_meter_add(cache->meter, CSN_COUNT_L1_HIT);
		csn_meter_since(cache->meter, CSN_TIMED_L1, began);
	} else if (csn_refused(rc)) {
		csn_l1_forget(cache->l1, e);
	}
	csn_l1_unpin(e);
	return rc;
}

int
csn_lookup_l2(struct csn_cache *cache, struct csn_call *call,
    struct csn_cache_value *out)
{
	struct csn_l1_entry *e = NULL;
	struct csn_backend_call bc;
	uint64_t left = 0, asked;
	uint32_t ticket;
	int rc;

	if (cache->config.store == NULL)
		return csn_fail(cache->ctx, CSN_E_NOT_FOUND, ROOM,
		    "the cache has nothing under this key");
	ticket = csn_l1_ticket(cache->l1, &call->name);
	asked = csn_ctx_boot_ms(cache->ctx);
	if ((rc = csn_backend_begin(cache, call->store_key, call->store_len,
	    &bc)) != 0) {
		call->dead |= csn_backend_dead(rc);
		return rc;
	}
	if ((rc = csn_backend_read(cache, call, &e, &left)) != 0) {
		call->dead |= csn_backend_dead(rc);
		return csn_backend_end(cache, call, &bc, rc, 0);
	}
	rc = open_entry(cache, call, e, out);
	call->refused |= csn_refused(rc);
	(void)csn_backend_end(cache, call, &bc, 0, csn_suspect(rc));
	if (rc == 0) {
		left = csn_codec_left(cache, e->bytes, e->len, left);
		out->source = CSN_CACHE_FROM_L2;
		out->ttl_ms = left != CSN_STORE_TTL_UNKNOWN ? left : 0;
		out->stale = is_stale(cache, call, out->ttl_ms);
		if (out->stale)
			csn_meter_add(cache->meter, CSN_COUNT_STALE);
		csn_meter_add(cache->meter, CSN_COUNT_L2_HIT);
		/* Whose end is not known would be served past it. */
		if (left != CSN_STORE_TTL_UNKNOWN) {
			csn_l1_set_end(cache, e, asked, left);
			csn_l1_fill(cache->l1, &call->name, ticket, e);
		}
	}
	csn_l1_unpin(e);
	return rc;
}

int
csn_cache_get(struct csn_cache *cache, const char *key,
    const struct csn_cache_call_options *how, struct csn_cache_value *out)
{
	if (out == NULL)
		return CSN_NEEDS(out);

	struct csn_call call;
	int rc, negative;

	if ((rc = csn_call_begin(cache, key, how, &call)) != 0 ||
	    (rc = CSN_GIVE_CHECK(out, csn_cache_value, data)) != 0)
		return rc;
	if (cache->config.on_event != NULL)
		call.began = csn_meter_now();
	csn_value_clear(out);
	rc = csn_lookup_l1(cache, &call, out, &negative);
	if (!negative && rc != 0 &&
	    (rc == CSN_E_NOT_FOUND || csn_refused(rc)))
		rc = csn_lookup_l2(cache, &call, out);
	if (rc == 0) {
		csn_call_tell(cache, &call, out->source == CSN_CACHE_FROM_L1 ?
		    CSN_CACHE_EVENT_L1_HIT : CSN_CACHE_EVENT_L2_HIT, 0,
		    out->data.len);
		return 0;
	}
	if (!negative)
		csn_meter_add(cache->meter, CSN_COUNT_MISS);
	csn_call_tell(cache, &call, negative ? CSN_CACHE_EVENT_NEGATIVE_HIT :
	    CSN_CACHE_EVENT_MISS, rc, 0);
	if (csn_refused(rc) && (call.flags & CSN_CACHE_STRICT) == 0)
		return csn_fail(cache->ctx, CSN_E_NOT_FOUND, ROOM, "what is "
		    "under this key was refused, which counts as a miss (%s)",
		    csn_error_name(rc));
	return rc;
}

int
csn_store_value(struct csn_cache *cache, struct csn_call *call,
    const uint8_t *p, size_t len)
{
	struct csn_l1_entry *e = NULL;
	uint64_t began;
	uint32_t ticket;
	int rc;

	ticket = csn_l1_begin(cache->l1, &call->name);
	began = csn_meter_sample();
	rc = csn_codec_seal(cache, call, p, len, &e);
	csn_meter_since(cache->meter, CSN_TIMED_SEAL, began);
	if (rc == 0) {
		call->sealed = 1;
		csn_l1_set_end(cache, e, csn_ctx_boot_ms(cache->ctx),
		    call->ttl_ms);
		if (cache->config.store != NULL && !call->dead)
			rc = csn_backend_put(cache, call, e->bytes, e->len);
	}
	(void)csn_l1_end(cache->l1, &call->name, ticket, e);
	csn_l1_unpin(e);
	csn_meter_add(cache->meter, CSN_COUNT_SET);
	csn_call_tell(cache, call, CSN_CACHE_EVENT_SET, rc, len);
	return rc;
}

int
csn_cache_set(struct csn_cache *cache, const char *key,
    const struct csn_cache_call_options *how, const void *p, size_t len)
{
	struct csn_call call;
	int rc;

	if ((rc = csn_call_begin(cache, key, how, &call)) != 0)
		return rc;
	if (p == NULL && len > 0)
		return csn_fail(cache->ctx, CSN_E_ARG, ROOM,
		    "no value is given");
	if (cache->config.on_event != NULL)
		call.began = csn_meter_now();
	return csn_store_value(cache, &call, p, len);
}

int
csn_cache_delete(struct csn_cache *cache, const char *key,
    const struct csn_cache_call_options *how)
{
	struct csn_call call;
	uint32_t ticket;
	int rc, was;

	if ((rc = csn_call_begin(cache, key, how, &call)) != 0)
		return rc;
	ticket = csn_l1_begin(cache->l1, &call.name);
	/* What is deleted is not served while the store is asked. */
	was = csn_l1_end(cache->l1, &call.name, ticket, NULL);
	ticket = csn_l1_begin(cache->l1, &call.name);
	rc = cache->config.store != NULL ?
	    csn_backend_remove(cache, &call) : CSN_E_NOT_FOUND;
	csn_codec_forget(cache, &call);
	was |= csn_l1_end(cache->l1, &call.name, ticket, NULL);
	if (rc == CSN_E_NOT_FOUND)
		rc = was ? 0 : csn_fail(cache->ctx, CSN_E_NOT_FOUND, ROOM,
		    "the cache has nothing under this key");
	csn_meter_add(cache->meter, CSN_COUNT_DELETE);
	csn_call_tell(cache, &call, CSN_CACHE_EVENT_DELETE, rc, 0);
	return rc;
}

int
csn_cache_exists(struct csn_cache *cache, const char *key,
    const struct csn_cache_call_options *how, uint64_t *ttl_ms)
{
	struct csn_call call;
	struct csn_l1_entry *e;
	uint64_t left;
	int rc;

	if ((rc = csn_call_begin(cache, key, how, &call)) != 0)
		return rc;
	e = csn_l1_find(cache->l1, &call.name, &left);
	if (e != NULL && (e->flags & CSN_L1_NEGATIVE) == 0) {
		rc = 0;
	} else if (cache->config.store != NULL) {
		rc = csn_backend_ttl(cache, &call, &left);
	} else {
		rc = csn_fail(cache->ctx, CSN_E_NOT_FOUND, ROOM,
		    "the cache has nothing under this key");
	}
	csn_l1_unpin(e);
	if (rc == 0 && ttl_ms != NULL)
		*ttl_ms = left;
	return rc;
}
