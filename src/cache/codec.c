/* SPDX-License-Identifier: Apache-2.0 */
/* cache/codec.c - between a caller's values and what the levels hold. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "cache/internal.h"
#include "cache/native.h"

#define ROOM CSN_CACHE_ROOM

int
csn_cache_value_room(struct csn_cache_value *v, size_t len)
{
	struct csn_cache_buffer *b;
	uint8_t *p;
	int rc;

	if ((rc = CSN_GIVE_CHECK(v, csn_cache_value, data)) != 0)
		return rc;
	b = &v->data;
	if (len > b->cap) {
		if (len > PTRDIFF_MAX || (p = malloc(len)) == NULL)
			return csn_nomem(NULL, ROOM, "a value of %zu bytes",
			    len);
		csn_wipe_free(b->p, b->len);
		b->p = p;
		b->cap = len;
	} else if (len < b->len) {
		csn_wipe(b->p + len, b->len - len);
	}
	b->len = len;
	return 0;
}

int
csn_cache_value_set(struct csn_cache_value *v, const void *p, size_t len)
{
	int rc;

	if (p == NULL && len > 0)
		return csn_fail(NULL, CSN_E_ARG, ROOM, "no value is given");
	if ((rc = csn_cache_value_room(v, len)) == 0 && len > 0)
		memcpy(v->data.p, p, len);
	return rc;
}

void
csn_cache_value_free(struct csn_cache_value *v)
{
	if (v == NULL)
		return;
	csn_cache_buffer_free(&v->data);
	v->source = v->stale = v->which = 0;
	v->ttl_ms = 0;
}

void
csn_value_clear(struct csn_cache_value *v)
{
	if (v->data.len > 0)
		csn_wipe(v->data.p, v->data.len);
	v->data.len = 0;
	v->source = v->stale = v->which = 0;
	v->ttl_ms = 0;
}

/* Threads spread over the slots; one that finds its slot empty makes a new
 * buffer, and one that finds it taken frees its own. */
static unsigned
slot(void)
{
	static _Atomic unsigned threads;
	static _Thread_local unsigned number;

	if (number == 0)
		number = 1 + (atomic_fetch_add(&threads, 1) &
		    (CSN_CACHE_SCRATCH - 1));
	return number - 1;
}

struct csn_cache_buffer *
csn_scratch_take(struct csn_cache *cache)
{
	struct csn_cache_buffer *b;

	b = atomic_exchange(&cache->scratch[slot()].buffer, NULL);
	return b != NULL ? b : csn_calloc(1, sizeof(*b));
}

void
csn_scratch_give(struct csn_cache *cache, struct csn_cache_buffer *b)
{
	if (b == NULL)
		return;
	if (b->p != NULL)
		csn_wipe(b->p, b->len);
	b->len = 0;
	b = atomic_exchange(&cache->scratch[slot()].buffer, b);
	if (b != NULL) {
		csn_cache_buffer_free(b);
		free(b);
	}
}

int
csn_codec_check(struct csn_cache *cache, uint32_t format)
{
	int interop = cache->config.form == CSN_CACHE_INTEROP;

	if (format > CSN_CACHE_BYTES)
		return csn_fail(cache->ctx, CSN_E_ARG, ROOM,
		    "there is no format %u: see enum csn_cache_format",
		    format);
	if (interop && (format == CSN_CACHE_JSON ||
	    format == CSN_CACHE_ARROW))
		return csn_fail(cache->ctx, CSN_E_ARG, ROOM, "interop "
		    "entries are MessagePack: ask for the auto form, or for "
		    "bytes");
	return 0;
}

/* What is bound is the key as the backend has it, as the SDKs bind it. */
static void
entry_of(const struct csn_cache *cache, const struct csn_call *call,
    struct csn_cachekit_entry *e)
{
	static const uint32_t shapes[] = { CSN_CACHEKIT_AUTO_MSGPACK,
	    CSN_CACHEKIT_AUTO_ORJSON, CSN_CACHEKIT_AUTO_ARROW };

	memset(e, 0, sizeof(*e));
	e->size = sizeof(*e);
	e->shape = cache->config.form == CSN_CACHE_INTEROP ?
	    CSN_CACHEKIT_INTEROP : shapes[call->format];
	if ((cache->config.flags & CSN_CACHE_NO_INTEGRITY) != 0)
		e->flags = CSN_CACHEKIT_NO_INTEGRITY;
	e->tenant = call->name.tenant;
	e->tenant_len = call->name.tenant_len;
	e->key = call->store_key;
	e->key_len = call->store_len;
}

static void
bind_of(const struct csn_call *call, struct csn_cachekit_bind *b)
{
	b->tenant = call->name.tenant;
	b->tenant_len = call->name.tenant_len;
	b->key = call->store_key;
	b->key_len = call->store_len;
	b->format = "bytes";
	b->compressed = 0;
	b->type = NULL;
}

static int
no_memory(struct csn_cache *cache, size_t len)
{
	return csn_nomem(cache->ctx, ROOM, "an entry of %zu bytes", len);
}

static int
new_entry(struct csn_cache *cache, const struct csn_call *call, size_t len,
    struct csn_l1_entry **out)
{
	if ((*out = csn_l1_entry_new(&call->name, len)) == NULL)
		return no_memory(cache, len);
	(*out)->len = len;
	return 0;
}

static const char *
format_name(const struct csn_call *call)
{
	static const char *const names[] = { "msgpack", "json", "arrow",
	    "bytes" };

	return names[call->format];
}

static void
native_of(const struct csn_call *call, struct csn_cache_native_bind *b)
{
	b->tenant = call->name.tenant;
	b->key = call->store_key;
	b->key_len = call->store_len;
	b->format = format_name(call);
}

/* Without a container: whatever the format in native mode, else bytes. */
static int
is_bare(const struct csn_cache *cache, const struct csn_call *call)
{
	return cache->native != NULL || call->format == CSN_CACHE_BYTES;
}

static size_t
overhead(const struct csn_cache *cache)
{
	return cache->native != NULL ? CSN_CACHE_NATIVE_OVERHEAD :
	    cache->kit != NULL ? CSN_CACHEKIT_OVERHEAD : 0;
}

/* The tenant's keys; the configuration's tenant's are at hand. */
static int
hold(struct csn_cache *cache, const struct csn_call *call,
    struct csn_kit_tenant **out)
{
	*out = cache->held;
	if (call->name.tenant == cache->tenant)
		return 0;
	return csn_kit_hold(cache->kit, call->name.tenant,
	    call->name.tenant_len, out);
}

/* A call may name the configuration's tenant too: that one was held anew. */
static void
let_go(struct csn_cache *cache, const struct csn_call *call,
    struct csn_kit_tenant *t)
{
	if (call->name.tenant != cache->tenant)
		csn_kit_release(cache->kit, t);
}

static int
seal_native(struct csn_cache *cache, const struct csn_call *call,
    const uint8_t *p, size_t len, uint8_t *out)
{
	struct csn_cache_native_bind bind;
	uint64_t ends = 0;

	native_of(call, &bind);
	if (call->ttl_ms != 0)
		ends = csn_ctx_wall_ms(cache->ctx) + call->ttl_ms;
	if (ends < call->ttl_ms)
		ends = UINT64_MAX;
	return csn_cache_native_seal(cache->native, &bind, ends, p, len, out);
}

static int
seal_bare(struct csn_cache *cache, const struct csn_call *call,
    const uint8_t *p, size_t len, struct csn_l1_entry **out)
{
	struct csn_cachekit_bind bind;
	struct csn_kit_tenant *t;
	int rc;

	if (len > CSN_CACHEKIT_VALUE_MAX)
		return csn_fail(cache->ctx, CSN_E_LIMIT, ROOM, "a value has "
		    "at most %u bytes, not %zu", CSN_CACHEKIT_VALUE_MAX, len);
	if ((rc = new_entry(cache, call, len + overhead(cache), out)) != 0)
		return rc;
	if (cache->native != NULL)
		return seal_native(cache, call, p, len, (*out)->bytes);
	if (cache->kit == NULL) {
		if (len > 0)
			memcpy((*out)->bytes, p, len);
		return 0;
	}
	if ((rc = hold(cache, call, &t)) != 0)
		return rc;
	bind_of(call, &bind);
	rc = csn_kit_seal(cache->kit, t, &bind, NULL, 0, p, len,
	    (*out)->bytes);
	let_go(cache, call, t);
	return rc;
}

static int
seal_packed(struct csn_cache *cache, const struct csn_call *call,
    const uint8_t *p, size_t len, struct csn_l1_entry **out)
{
	struct csn_cache_buffer *b;
	struct csn_cachekit_entry entry;
	int rc;

	if ((b = csn_scratch_take(cache)) == NULL)
		return no_memory(cache, len);
	entry_of(cache, call, &entry);
	rc = csn_cachekit_pack(cache->ctx, cache->kit, &entry, p, len, b);
	if (rc == 0 && (rc = new_entry(cache, call, b->len, out)) == 0)
		memcpy((*out)->bytes, b->p, b->len);
	csn_scratch_give(cache, b);
	return rc;
}

int
csn_codec_seal(struct csn_cache *cache, const struct csn_call *call,
    const uint8_t *p, size_t len, struct csn_l1_entry **out)
{
	struct csn_l1_entry *e = NULL;
	int rc;

	rc = is_bare(cache, call) ? seal_bare(cache, call, p, len, &e) :
	    seal_packed(cache, call, p, len, &e);
	if (rc != 0) {
		csn_l1_unpin(e);
		return rc;
	}
	*out = e;
	return 0;
}

static int
open_native(struct csn_cache *cache, const struct csn_call *call,
    const uint8_t *stored, size_t len, struct csn_cache_value *out,
    size_t *which)
{
	struct csn_cache_native_bind bind;
	int rc, old = 0;

	native_of(call, &bind);
	rc = csn_cache_native_open(cache->native, &bind, stored, len,
	    out->data.p, &old);
	*which = (size_t)old;
	return rc;
}

static int
open_bare(struct csn_cache *cache, const struct csn_call *call,
    const uint8_t *stored, size_t len, struct csn_cache_value *out,
    size_t *which)
{
	struct csn_cachekit_bind bind;
	struct csn_kit_tenant *t;
	int rc;

	if (len < overhead(cache))
		return csn_fail(cache->ctx, CSN_E_FORM, ROOM,
		    "%zu bytes are no sealed entry: they are plain (somebody "
		    "may have planted them), or were cut", len);
	if ((rc = csn_cache_value_room(out, len - overhead(cache))) != 0)
		return rc;
	if (cache->native != NULL)
		return open_native(cache, call, stored, len, out, which);
	if (cache->kit == NULL) {
		if (len > 0)
			memcpy(out->data.p, stored, len);
		return 0;
	}
	if ((rc = hold(cache, call, &t)) != 0)
		return rc;
	bind_of(call, &bind);
	rc = csn_kit_open(cache->kit, t, &bind, NULL, stored, len, NULL, 0,
	    out->data.p, which);
	let_go(cache, call, t);
	return rc;
}

int
csn_codec_open(struct csn_cache *cache, const struct csn_call *call,
    const uint8_t *stored, size_t len, struct csn_cache_value *out)
{
	struct csn_cachekit_entry entry;
	size_t which = 0;
	int rc;

	if (is_bare(cache, call)) {
		rc = open_bare(cache, call, stored, len, out, &which);
	} else {
		entry_of(cache, call, &entry);
		rc = csn_cachekit_unpack(cache->ctx, cache->kit, &entry,
		    stored, len, &out->data, &which);
		/* The container is plaintext too, and nobody's. */
		if (out->data.spare != NULL)
			csn_wipe(out->data.spare, len < out->data.spare_cap ?
			    len : out->data.spare_cap);
	}
	out->which = (uint32_t)which;
	return rc;
}

uint64_t
csn_codec_left(struct csn_cache *cache, const uint8_t *stored, size_t len,
    uint64_t left)
{
	uint64_t end, now;

	if (cache->native == NULL ||
	    (end = csn_cache_native_end(stored, len)) == 0)
		return cache->native != NULL && left == CSN_STORE_TTL_UNKNOWN ?
		    0 : left;
	now = csn_ctx_wall_ms(cache->ctx);
	end = end > now ? end - now : 1;
	return left == 0 || end < left ? end : left;
}

int
csn_codec_reseal(struct csn_cache *cache, const struct csn_call *call,
    const uint8_t *stored, size_t len, struct csn_cache_buffer *out,
    size_t *which)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cachekit_entry entry;
	struct csn_l1_entry *e = NULL;
	int rc;

	*which = 0;
	if (!is_bare(cache, call)) {
		entry_of(cache, call, &entry);
		return csn_cachekit_reseal(cache->ctx, cache->kit, &entry,
		    stored, len, out, which);
	}
	if ((rc = open_bare(cache, call, stored, len, &v, which)) == 0 &&
	    *which != 0 && (rc = seal_bare(cache, call, v.data.p,
	    v.data.len, &e)) == 0) {
		csn_cache_buffer_free(out);
		if ((out->p = csn_memdup(e->bytes, e->len)) == NULL)
			rc = no_memory(cache, e->len);
		else
			out->len = out->cap = e->len;
	}
	csn_l1_unpin(e);
	csn_cache_value_free(&v);
	return rc;
}

void
csn_codec_forget(struct csn_cache *cache, const struct csn_call *call)
{
	struct csn_cache_native_bind bind;

	if (cache->native == NULL)
		return;
	native_of(call, &bind);
	/* Where it cannot be noted, what comes back is only not refused. */
	CSN_IGNORE(csn_cache_native_forget(cache->native, &bind));
}
