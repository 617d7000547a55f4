/* SPDX-License-Identifier: Apache-2.0 */
/* redis.c - the store in a Redis or Valkey server, or a cluster of them. */
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "providers/store/redis/redis.h"

/* A key of ours, on the stack while a command is made of it. */
struct name {
	uint8_t bytes[CSN_REDIS_MAX_KEY];
	size_t len;
};

static void
name_make(const struct csn_redis *r, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct name *name)
{
	name->len = csn_redis_key(&r->config, space, space_len, key, key_len,
	    name->bytes);
}

/* The command's word and its key, which says where it goes. */
static void
begin(struct csn_redis_call *call, const char *word, const struct name *name)
{
	csn_redis_word(call, word);
	csn_redis_arg(call, name->bytes, name->len);
	call->slot = csn_redis_slot(name->bytes, name->len);
}

static int
absent(const struct csn_redis *r)
{
	return csn_fail(r->config.ctx, CSN_E_NOT_FOUND, "store",
	    "the Redis store has no such key");
}

/* One that is an integer. */
static int
call_number(struct csn_redis *r, struct csn_redis_call *call, long long *v)
{
	struct csn_redis_reply *reply;
	int rc;

	call->types = CSN_REDIS_INTEGER;
	if ((rc = csn_redis_call(r, call, &reply)) != 0)
		return rc;
	if (reply->type == CSN_REDIS_INTEGER)
		*v = reply->integer;
	else
		rc = csn_redis_odd(r, call->argv[0]);
	csn_redis_reply_free(reply);
	return rc;
}

/* SET, with PX where there is an end and NX where nothing may be replaced. */
static int
set(struct csn_redis *r, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms, int only_new)
{
	struct csn_redis_call call = { .repeatable = !only_new,
	    .types = CSN_REDIS_STATUS | (only_new ? CSN_REDIS_NIL : 0) };
	struct csn_redis_reply *reply;
	struct name name;
	char ttl[24];
	int rc;

	if (len > CSN_REDIS_MAX_VALUE)
		return csn_fail(r->config.ctx, CSN_E_QUOTA, "store", "a value "
		    "of %zu bytes is past Redis's limit of %zu", len,
		    CSN_REDIS_MAX_VALUE);
	if (ttl_ms > INT64_MAX / 4)
		ttl_ms = 0;
	name_make(r, space, space_len, key, key_len, &name);
	begin(&call, "SET", &name);
	csn_redis_arg(&call, value, len);
	if (only_new)
		csn_redis_word(&call, "NX");
	if (ttl_ms > 0) {
		(void)snprintf(ttl, sizeof(ttl), "%llu",
		    (unsigned long long)ttl_ms);
		csn_redis_word(&call, "PX");
		csn_redis_word(&call, ttl);
	}
	if ((rc = csn_redis_call(r, &call, &reply)) != 0)
		return rc;
	if (reply->type == CSN_REDIS_STATUS)
		atomic_fetch_add(&r->puts, 1);
	else if (only_new && reply->type == CSN_REDIS_NIL)
		rc = csn_fail(r->config.ctx, CSN_E_EXISTS, "store",
		    "the Redis store has that key already");
	else
		rc = csn_redis_odd(r, "SET");
	csn_redis_reply_free(reply);
	return rc;
}

static int
redis_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	CSN_UNCANCELLED;

	return set(state, space, space_len, key, key_len, value, len, 0, 0);
}

static int
redis_put_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	CSN_UNCANCELLED;

	return set(state, space, space_len, key, key_len, value, len, ttl_ms,
	    0);
}

static int
redis_add_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	CSN_UNCANCELLED;

	return set(state, space, space_len, key, key_len, value, len, ttl_ms,
	    1);
}

/*
 * PTTL's -1: no end. What ends within this millisecond still has one, and so
 * has what was there for GET and ended before PTTL (-2; Redis 5).
 */
static uint64_t
left_of(long long pttl)
{
	return pttl == -1 ? 0 : pttl < 1 ? 1 : (uint64_t)pttl;
}

/* *len was the room for the value that came. */
static int
in_sink(const struct csn_redis *r, const struct csn_redis_sink *sink,
    size_t *len)
{
	*len = sink->len;
	if (sink->len <= sink->cap)
		return 0;
	return csn_fail(r->config.ctx, CSN_E_BUFFER, "store",
	    "the value has %zu bytes, the buffer %zu", sink->len, sink->cap);
}

static int
fetch(struct csn_redis *r, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_redis_sink *sink)
{
	struct csn_redis_call call = { .repeatable = 1, .sink = sink,
	    .types = CSN_REDIS_STRING | CSN_REDIS_NIL };
	struct csn_redis_reply *reply;
	struct name name;
	int rc;

	name_make(r, space, space_len, key, key_len, &name);
	begin(&call, "GET", &name);
	if ((rc = csn_redis_call(r, &call, &reply)) != 0)
		return rc;
	if (reply->type == CSN_REDIS_STRING) {
		atomic_fetch_add(&r->hits, 1);
	} else if (reply->type == CSN_REDIS_NIL) {
		atomic_fetch_add(&r->misses, 1);
		rc = absent(r);
	} else {
		rc = csn_redis_odd(r, "GET");
	}
	csn_redis_reply_free(reply);
	return rc;
}

/* Half a value, or another try's, is left to nobody who got an error. */
static int
leave(struct csn_redis_sink *sink, int rc)
{
	if (rc != 0 && sink->touched)
		memset(sink->p, 0, sink->cap);
	return rc;
}

static int
redis_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	CSN_UNCANCELLED;
	struct csn_redis_sink sink = { .p = value, .cap = *len };
	struct csn_redis *r = state;
	int rc;

	if ((rc = fetch(r, space, space_len, key, key_len, &sink)) == 0)
		rc = in_sink(r, &sink, len);
	return leave(&sink, rc);
}

#define MULTI_REST_MS 60000	/* where it was refused, not before */

/*
 * The value and its time in one transaction. 1 where the server's ACL, or a
 * proxy in its own words or by hanging up, may have refused that and not the
 * value.
 */
static int
fetch_moment(struct csn_redis *r, const struct name *name,
    struct csn_redis_sink *sink, uint64_t *ttl_ms)
{
	struct csn_redis_call call = { .repeatable = 1, .may_refuse = 1,
	    .with_ttl = 1, .sink = sink, .types = CSN_REDIS_ARRAY };
	struct csn_redis_reply *reply;
	int rc;

	sink->in_array = 1;
	begin(&call, "GET", name);
	if ((rc = csn_redis_call(r, &call, &reply)) != 0)
		return rc == CSN_E_BACKEND && (call.repeated ||
		    call.said_no) ? 1 : rc;
	if (reply->type == CSN_REDIS_ERROR)
		rc = 1;
	else if (reply->type != CSN_REDIS_ARRAY || reply->len != 2)
		rc = csn_redis_odd(r, "EXEC");
	else if (reply->item[0]->type == CSN_REDIS_NIL)
		rc = absent(r);
	else if (reply->item[0]->type != CSN_REDIS_STRING ||
	    reply->item[1]->type != CSN_REDIS_INTEGER)
		rc = csn_redis_odd(r, "EXEC");
	else
		*ttl_ms = left_of(reply->item[1]->integer);
	csn_redis_reply_free(reply);
	return rc;
}

static int
redis_get_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len,
    uint64_t *ttl_ms)
{
	CSN_UNCANCELLED;
	struct csn_redis_sink sink = { .p = value, .cap = *len };
	struct csn_redis *r = state;
	struct name name;
	int rc;

	if (csn_net_deadline(0) < atomic_load(&r->no_multi))
		return redis_get(state, space, space_len, key, key_len, value,
		    len);
	name_make(r, space, space_len, key, key_len, &name);
	if ((rc = leave(&sink, fetch_moment(r, &name, &sink, ttl_ms))) == 0) {
		atomic_fetch_add(&r->hits, 1);
		return leave(&sink, in_sink(r, &sink, len));
	}
	if (rc == 1) {
		rc = redis_get(state, space, space_len, key, key_len, value,
		    len);
		/* So it was the transaction that was refused. */
		if (rc == 0 || rc == CSN_E_NOT_FOUND || rc == CSN_E_BUFFER)
			atomic_store(&r->no_multi,
			    csn_net_deadline(MULTI_REST_MS));
	} else if (rc == CSN_E_NOT_FOUND) {
		atomic_fetch_add(&r->misses, 1);
	}
	return rc;
}

static uint32_t
redis_server(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	CSN_UNCANCELLED;
	struct csn_redis *r = state;
	struct name name;

	if (!r->config.cluster)
		return 0;
	name_make(r, space, space_len, key, key_len, &name);
	return csn_redis_node_number(r, csn_redis_slot(name.bytes, name.len));
}

static int
redis_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	CSN_UNCANCELLED;
	struct csn_redis_call call = { .repeatable = 1 };
	struct csn_redis *r = state;
	struct name name;
	long long n = 0;
	int rc;

	name_make(r, space, space_len, key, key_len, &name);
	begin(&call, "DEL", &name);
	if ((rc = call_number(r, &call, &n)) != 0)
		return rc;
	/* Where a first try broke off, it may have done it. */
	if (n == 0 && !call.repeated)
		return absent(r);
	atomic_fetch_add(&r->deletes, 1);
	return 0;
}

static int
redis_ttl(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint64_t *ttl_ms)
{
	CSN_UNCANCELLED;
	struct csn_redis_call call = { .repeatable = 1 };
	struct csn_redis *r = state;
	struct name name;
	long long left = 0;
	int rc;

	name_make(r, space, space_len, key, key_len, &name);
	begin(&call, "PTTL", &name);
	if ((rc = call_number(r, &call, &left)) != 0)
		return rc;
	if (left == -2)
		return absent(r);
	*ttl_ms = left_of(left);
	return 0;
}

static int
redis_remove_if(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	CSN_UNCANCELLED;
	struct csn_redis *r = state;
	struct name name;
	int rc;

	name_make(r, space, space_len, key, key_len, &name);
	if ((rc = csn_redis_remove_if(r, name.bytes, name.len, value,
	    len)) == 0)
		atomic_fetch_add(&r->deletes, 1);
	return rc;
}

/* In place means one copy less here: out of the socket's buffer, and done. */
static int
redis_reserve(void *state, const uint8_t *space, size_t space_len,
    size_t len, struct csn_store_buf *out)
{
	const struct csn_redis *r = state;

	(void)space;
	(void)space_len;
	if (len > CSN_REDIS_MAX_VALUE)
		return csn_fail(r->config.ctx, CSN_E_QUOTA, "store", "a value "
		    "of %zu bytes is past Redis's limit of %zu", len,
		    CSN_REDIS_MAX_VALUE);
	if ((out->p = csn_buffer_new(NULL, len, &out->handle)) == NULL)
		return csn_nomem(r->config.ctx, "store", "a value of %zu bytes",
		    len);
	out->len = len;
	return 0;
}

static void
redis_release(void *state, struct csn_store_buf *buf)
{
	(void)state;
	csn_free(buf->handle);
}

static int
redis_commit(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_store_buf *buf)
{
	CSN_UNCANCELLED;
	int rc;

	rc = redis_put(state, space, space_len, key, key_len, buf->p,
	    buf->len);
	csn_free(buf->handle);
	return rc;
}

static int
redis_borrow(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_store_buf *out)
{
	CSN_UNCANCELLED;
	struct csn_redis_sink sink = { .allocate = 1 };
	int rc;

	if ((rc = fetch(state, space, space_len, key, key_len, &sink)) != 0) {
		csn_free(sink.raw);
		return rc;
	}
	out->p = sink.p;
	out->len = sink.len;
	out->handle = sink.raw;
	return 0;
}

static void
redis_close(void *state)
{
	CSN_UNCANCELLED;
	struct csn_redis *r = state;

	csn_redis_net_free(atomic_load(&r->net));
	csn_redis_config_clear(&r->config);
	csn_free(r);
}

/* Nothing is connected yet: a server that is down is a call's trouble. */
static int
open_url(struct csn_ctx *ctx, const char *rest, int tls, void **state)
{
	CSN_UNCANCELLED;
	struct csn_redis *r;
	int rc;

	if ((r = csn_calloc(1, sizeof(*r))) == NULL)
		return csn_nomem(ctx, "store", "a Redis store");
	if ((rc = csn_redis_config_parse(ctx, rest, tls, &r->config)) != 0) {
		csn_free(r);
		return rc;
	}
	*state = r;
	return 0;
}

static int
redis_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	return open_url(ctx, rest, 0, state);
}

static int
redis_open_tls(struct csn_ctx *ctx, const char *rest, void **state)
{
	return open_url(ctx, rest, 1, state);
}

#define PROVIDER(scheme, opener)					\
const struct csn_store_provider csn_store_ ## scheme = {		\
	.abi = CSN_STORE_ABI,						\
	.name = #scheme,						\
	.open = opener,							\
	.put = redis_put,						\
	.get = redis_get,						\
	.remove = redis_remove,						\
	.drop = csn_redis_drop,						\
	.list = csn_redis_list,						\
	.stat = csn_redis_stat,						\
	.close = redis_close,						\
	.reserve = redis_reserve,					\
	.commit = redis_commit,						\
	.abort = redis_release,						\
	.borrow = redis_borrow,						\
	.release = redis_release,					\
	.put_for = redis_put_for,					\
	.ttl = redis_ttl,						\
	.get_for = redis_get_for,					\
	.server = redis_server,						\
	.add_for = redis_add_for,					\
	.remove_if = redis_remove_if,					\
}

PROVIDER(redis, redis_open);
PROVIDER(rediss, redis_open_tls);
PROVIDER(valkey, redis_open);
PROVIDER(valkeys, redis_open_tls);
