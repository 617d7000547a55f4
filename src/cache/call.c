/* SPDX-License-Identifier: Apache-2.0 */
/* cache/call.c - what a call names, what it is told, what it leaves. */
#include <string.h>

#include "audit/record.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/sized.h"
#include "base/text.h"
#include "cache/internal.h"

#define ROOM CSN_CACHE_ROOM

static int
fail_tenant(struct csn_cache *cache)
{
	return csn_fail(cache->ctx, CSN_E_UNKNOWN_TENANT, ROOM, "no tenant "
	    "for this call: the extractor must give 1 to %d bytes of UTF-8",
	    CSN_CACHEKIT_TENANT_MAX);
}

static int
find_tenant(struct csn_cache *cache, const char *key,
    const struct csn_cache_call_options *how, struct csn_call *call)
{
	const struct csn_cache_options *c = &cache->config;

	if (how != NULL && how->tenant != NULL) {
		call->name.tenant = how->tenant;
	} else if (c->tenant_of != NULL) {
		call->tenant[0] = '\0';
		if (c->tenant_of(c->tenant_of_arg, how != NULL ?
		    how->tenant_arg : NULL, key, call->tenant,
		    sizeof(call->tenant)) != 0)
			return fail_tenant(cache);
		call->tenant[sizeof(call->tenant) - 1] = '\0';
		call->name.tenant = call->tenant;
	} else {
		call->name.tenant = cache->tenant;
		call->name.tenant_len = cache->tenant_len;
		return 0;
	}
	call->name.tenant_len = (uint32_t)strnlen(call->name.tenant,
	    CSN_CACHEKIT_TENANT_MAX + 1);
	if (call->name.tenant_len == 0 ||
	    call->name.tenant_len > CSN_CACHEKIT_TENANT_MAX)
		return fail_tenant(cache);
	return 0;
}

/* "t:{tenant}:{key}", the tenant percent-encoded (RFC 3986, 2.1). */
static int
scope(struct csn_cache *cache, struct csn_call *call)
{
	static const char digits[] = "0123456789ABCDEF";
	const struct csn_l1_name *n = &call->name;
	size_t at = 2, i;
	uint8_t b;
	int plain;

	memcpy(call->scoped, "t:", 2);
	for (i = 0; i < n->tenant_len; i++) {
		b = (uint8_t)n->tenant[i];
		plain = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
		    (b >= '0' && b <= '9') || strchr("-._~", b) != NULL;
		/* What this byte takes, a colon and the key. */
		if (at + (plain ? 1 : 3) + 1 + n->key_len > CSN_STORE_MAX_KEY)
			return csn_fail(cache->ctx, CSN_E_LIMIT, ROOM, "the "
			    "key and its tenant's name take more than %d "
			    "bytes on the backend", CSN_STORE_MAX_KEY);
		if (plain) {
			call->scoped[at++] = (char)b;
			continue;
		}
		call->scoped[at++] = '%';
		call->scoped[at++] = digits[b >> 4];
		call->scoped[at++] = digits[b & 15];
	}
	call->scoped[at++] = ':';
	memcpy(call->scoped + at, n->key, n->key_len);
	call->store_len = at + n->key_len;
	call->scoped[call->store_len] = '\0';
	call->store_key = call->scoped;
	return 0;
}

int
csn_call_begin(struct csn_cache *cache, const char *key,
    const struct csn_cache_call_options *how, struct csn_call *call)
{
	const struct csn_cache_options *c;
	struct csn_cache_call_options other;
	size_t len;
	int rc;

	if (cache == NULL)
		return csn_fail(NULL, CSN_E_ARG, ROOM, "no cache is given");
	c = &cache->config;
	if (csn_fork_check(cache->ctx, cache->made_in) != 0)
		return csn_fail(cache->ctx, CSN_E_FORK, ROOM,
		    "the cache was made before a fork: make another here");
	len = key != NULL ? strnlen(key, CSN_STORE_MAX_KEY + 1) : 0;
	if (len == 0 || len > CSN_STORE_MAX_KEY)
		return csn_fail(cache->ctx, CSN_E_ARG, ROOM, "a key has 1 to "
		    "%d bytes: build long ones with csn_cachekit_key_auto() or "
		    "_interop()", CSN_STORE_MAX_KEY);
	if (how != NULL && !csn_same_size(how, sizeof(*how))) {
		if ((rc = CSN_TAKE(&other, how, csn_cache_call_options,
		    tenant_arg)) != 0)
			return rc;
		how = &other;
	}
	call->name.key = key;
	call->name.key_len = (uint32_t)len;
	if ((rc = find_tenant(cache, key, how, call)) != 0)
		return rc;
	call->flags = how != NULL ? how->flags : 0;
	call->format = c->format;
	if ((call->flags & CSN_CACHE_FORMAT) != 0 ||
	    (how != NULL && how->format != 0)) {
		call->format = how->format;
		if ((rc = csn_codec_check(cache, call->format)) != 0)
			return rc;
	}
	call->ttl_ms = c->ttl_ms;
	if ((call->flags & CSN_CACHE_TTL) != 0 ||
	    (how != NULL && how->ttl_ms != 0))
		call->ttl_ms = how->ttl_ms;
	call->began = 0;
	call->in_l1 = call->refused = call->sealed = call->dead = 0;
	call->store_key = key;
	call->store_len = len;
	if ((c->flags & CSN_CACHE_SCOPED) != 0 &&
	    (rc = scope(cache, call)) != 0)
		return rc;
	call->name.hash = call->name.tenant == cache->tenant ?
	    csn_l1_hash_key(cache->tenant_seed, key, len) :
	    csn_l1_hash(cache->l1, &call->name);
	return 0;
}

void
csn_call_tell(struct csn_cache *cache, const struct csn_call *call,
    uint32_t kind, int code, uint64_t bytes)
{
	const struct csn_cache_options *c = &cache->config;
	struct csn_cache_event event;
	char tenant[CSN_CACHEKIT_TENANT_MAX + 1];

	if (c->on_event == NULL)
		return;
	memcpy(tenant, call->name.tenant, call->name.tenant_len);
	tenant[call->name.tenant_len] = '\0';
	memset(&event, 0, sizeof(event));
	event.size = sizeof(event);
	event.kind = kind;
	event.code = code;
	event.breaker = (uint32_t)csn_breaker_worst(cache->breaker,
	    CSN_CACHE_BREAKERS);
	event.ns = call->began != 0 ? csn_meter_now() - call->began : 0;
	event.bytes = bytes;
	event.key = call->name.key;
	event.tenant = tenant;
	c->on_event(c->on_event_arg, &event);
}

int
csn_refused(int rc)
{
	return rc == CSN_E_TAG || rc == CSN_E_TENANT || rc == CSN_E_POLICY ||
	    rc == CSN_E_FORM || rc == CSN_E_LIMIT || rc == CSN_E_VERSION ||
	    rc == CSN_E_REPLAY || rc == CSN_E_EXPIRED || rc == CSN_E_EPOCH ||
	    rc == CSN_E_SUITE || rc == CSN_E_ALGORITHM;
}

int
csn_suspect(int rc)
{
	/* Another tenant's entry under this key, one whose time is over, or
	 * one that a put has overtaken: the backend did nothing wrong. */
	return csn_refused(rc) && rc != CSN_E_TENANT && rc != CSN_E_EXPIRED &&
	    rc != CSN_E_REPLAY && rc != CSN_E_EPOCH;
}

static int
leave_record(struct csn_cache *cache, const struct csn_call *call, int rc,
    uint64_t bytes)
{
	CSN_UNCANCELLED;
	char tenant[CSN_AUDIT_MAX_TENANT + 1];
	char detail[CSN_STORE_MAX_KEY + 16] = "cache key ";
	struct csn_audit_record r;
	uint32_t len = call->name.tenant_len;
	int done;

	/* A name that is too long for a record is cut, not left out. */
	if (len > CSN_AUDIT_MAX_TENANT)
		len = CSN_AUDIT_MAX_TENANT;
	memcpy(tenant, call->name.tenant, len);
	while (len > 0 && !csn_utf8_valid(tenant, len))
		len--;
	tenant[len] = '\0';
	memcpy(detail + strlen(detail), call->name.key,
	    call->name.key_len + 1);
	csn_audit_fill(&r, CSN_AUDIT_DECRYPT, rc, tenant, detail);
	r.bytes = bytes;
	if ((done = csn_audit_append(cache->config.audit, &r)) != 0)
		csn_meter_add(cache->meter, CSN_COUNT_AUDIT_ERROR);
	return done;
}

int
csn_call_opened(struct csn_cache *cache, const struct csn_call *call, int rc,
    uint64_t bytes)
{
	int all = (cache->config.flags & CSN_CACHE_AUDIT_OPENS) != 0;
	int done;

	if (rc == 0) {
		if (cache->config.audit == NULL || !all)
			return 0;
		return leave_record(cache, call, 0, bytes);
	}
	/* In L1 a replay is a value that a put has just overtaken. */
	if (!csn_refused(rc) || rc == CSN_E_EXPIRED ||
	    (rc == CSN_E_REPLAY && call->in_l1))
		return 0;
	csn_meter_add(cache->meter, rc == CSN_E_POLICY ? CSN_COUNT_PLAIN :
	    rc == CSN_E_TAG || rc == CSN_E_TENANT ? CSN_COUNT_TAG :
	    rc == CSN_E_REPLAY ? CSN_COUNT_REPLAY : CSN_COUNT_FORM);
	csn_call_tell(cache, call, CSN_CACHE_EVENT_REFUSED, rc, 0);
	if (cache->config.audit == NULL)
		return 0;
	done = leave_record(cache, call, rc, 0);
	return all ? done : 0;
}
