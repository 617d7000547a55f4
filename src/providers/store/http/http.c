/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - the store behind an HTTP server of blobs. */
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/context.h"
#include "providers/store/http/http.h"
#include "providers/store/provider.h"

#define BINARY "Content-Type: application/octet-stream"

static int
blobs_open(struct csn_ctx *ctx, const char *scheme, const char *rest,
    void **state)
{
	struct csn_blob_config config = { 0 };
	struct csn_blobs *b = NULL;
	int rc;

	if ((rc = csn_blob_config_parse(ctx, scheme, rest, &config)) != 0)
		goto out;
	if ((b = csn_calloc(1, sizeof(*b))) == NULL) {
		rc = csn_nomem(ctx, "store", "a store over HTTP");
		goto out;
	}
	b->ctx = ctx;
	b->timeout_ms = config.http.timeout_ms;
	b->retries = config.retries;
	b->max = config.max > SIZE_MAX ? SIZE_MAX : (size_t)config.max;
	if ((rc = csn_http_new(ctx, config.url, &config.http,
	    &b->http)) != 0) {
		csn_free(b);
		goto out;
	}
	*state = b;

out:
	csn_blob_config_end(&config);
	return rc;
}

static int
http_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	CSN_UNCANCELLED;
	return blobs_open(ctx, "http", rest, state);
}

static int
https_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	return blobs_open(ctx, "https", rest, state);
}

static void
blobs_close(void *state)
{
	struct csn_blobs *b = state;

	csn_http_free(b->http);
	csn_free(b);
}

static void
count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* --- Values --------------------------------------------------------------- */

/* condition: a header, or NULL. */
static int
upload(struct csn_blobs *b, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms, const char *condition)
{
	char target[CSN_BLOB_TARGET], ttl[48];
	const char *headers[4] = { BINARY };
	struct csn_http_request req = { .method = "PUT", .target = target,
	    .headers = headers, .body = value, .body_len = len };
	struct csn_http_response res;
	size_t n = 1;
	int rc;

	if (len > b->max)
		return csn_fail(b->ctx, CSN_E_LIMIT, "store", "a value of "
		    "%zu bytes is more than this store's max of %zu", len,
		    b->max);
	csn_blob_target(CSN_BLOB_VALUE, space, space_len, key, key_len,
	    target);
	if (ttl_ms > 0) {
		/* 31,688 years are the end of time. */
		if (ttl_ms > 999999999999999)
			ttl_ms = 999999999999999;
		(void)snprintf(ttl, sizeof(ttl), "Caisson-TTL: %llu",
		    (unsigned long long)ttl_ms);
		headers[n++] = ttl;
	}
	headers[n] = condition;
	/* What an answer says of an error is a short page. */
	req.max = CSN_HTTP_MAX_ANSWER_HEADERS;
	rc = csn_blob_call(b, &req, condition == NULL ? CSN_BLOB_SAFE : 0,
	    &res, NULL);
	csn_http_response_free(&res);
	if (rc == 0)
		count(&b->puts);
	return rc;
}

static int
blobs_put_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	return upload(state, space, space_len, key, key_len, value, len,
	    ttl_ms, NULL);
}

static int
blobs_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	return upload(state, space, space_len, key, key_len, value, len, 0,
	    NULL);
}

static int
blobs_add_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	return upload(state, space, space_len, key, key_len, value, len,
	    ttl_ms, "If-None-Match: *");
}

/* A value without its bytes: its length where the server says it, its TTL. */
static int
head(struct csn_blobs *b, const char *target, int64_t *length,
    uint64_t *ttl_ms)
{
	struct csn_http_request req = { .method = "HEAD", .target = target,
	    .max = CSN_HTTP_MAX_ANSWER_HEADERS };
	struct csn_http_response res;
	const char *why = NULL;
	int rc;

	if ((rc = csn_blob_call(b, &req, CSN_BLOB_SAFE, &res, NULL)) == 0 &&
	    (rc = csn_blob_ttl_parse(&res, ttl_ms, &why)) != 0)
		rc = csn_blob_fail(b, rc, why);
	/* It was checked once: what it says now is a number or absent. */
	if (rc == 0)
		(void)csn_http_headers_check(res.headers, res.headers_len,
		    length);
	csn_http_response_free(&res);
	return rc;
}

/* etag and ttl_ms may be NULL. */
static int
download(struct csn_blobs *b, const char *target, uint8_t *value,
    size_t *len, char *etag, uint64_t *ttl_ms)
{
	struct csn_http_request req = { .method = "GET", .target = target,
	    .max = b->max, .into = value, .into_cap = *len };
	struct csn_http_response res;
	const char *why = NULL;
	uint8_t none;
	int rc;

	if (value == NULL)
		req.into = &none;
	rc = csn_blob_call(b, &req, CSN_BLOB_SAFE, &res, NULL);
	if (rc == 0 || rc == CSN_E_BUFFER)
		*len = res.len;
	if (rc == 0 && ((etag != NULL &&
	    (rc = csn_blob_etag_parse(&res, etag, &why)) != 0) ||
	    (ttl_ms != NULL &&
	    (rc = csn_blob_ttl_parse(&res, ttl_ms, &why)) != 0)))
		rc = csn_blob_fail(b, rc, why);
	csn_http_response_free(&res);
	return rc;
}

static int
blobs_get_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len,
    uint64_t *ttl_ms)
{
	struct csn_blobs *b = state;
	char target[CSN_BLOB_TARGET];
	uint64_t unwanted;
	int64_t length = -1;
	int rc = 0;

	csn_blob_target(CSN_BLOB_VALUE, space, space_len, key, key_len,
	    target);
	/* Who has no place for a byte asks for the length. */
	if (*len == 0)
		rc = head(b, target, &length,
		    ttl_ms != NULL ? ttl_ms : &unwanted);
	if (rc == 0 && length > 0 && (uint64_t)length <= b->max) {
		*len = (size_t)length;
		return csn_fail(b->ctx, CSN_E_BUFFER, "store", "the value "
		    "has %zu bytes, the buffer none", *len);
	}
	if (rc == 0 && length != 0)
		rc = download(b, target, value, len, NULL, ttl_ms);
	if (rc == 0 || rc == CSN_E_NOT_FOUND)
		count(rc == 0 ? &b->hits : &b->misses);
	return rc;
}

static int
blobs_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	return blobs_get_for(state, space, space_len, key, key_len, value,
	    len, NULL);
}

static int
blobs_ttl(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint64_t *ttl_ms)
{
	char target[CSN_BLOB_TARGET];
	int64_t length;

	csn_blob_target(CSN_BLOB_VALUE, space, space_len, key, key_len,
	    target);
	return head(state, target, &length, ttl_ms);
}

static int
blobs_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	char target[CSN_BLOB_TARGET];
	struct csn_http_request req = { .method = "DELETE", .target = target,
	    .max = CSN_HTTP_MAX_ANSWER_HEADERS };
	struct csn_http_response res;
	struct csn_blobs *b = state;
	int rc, lost;

	csn_blob_target(CSN_BLOB_VALUE, space, space_len, key, key_len,
	    target);
	rc = csn_blob_call(b, &req, CSN_BLOB_SAFE, &res, &lost);
	csn_http_response_free(&res);
	/* The first try's answer was lost, not its work. */
	if (rc == CSN_E_NOT_FOUND && lost)
		rc = 0;
	if (rc == 0)
		count(&b->deletes);
	return rc;
}

static int
blobs_remove_if(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	char target[CSN_BLOB_TARGET], etag[CSN_BLOB_MAX_ETAG + 1];
	char condition[CSN_BLOB_MAX_ETAG + 16];
	const char *headers[] = { condition, NULL };
	struct csn_http_request req = { .method = "DELETE", .target = target,
	    .headers = headers, .max = CSN_HTTP_MAX_ANSWER_HEADERS };
	struct csn_http_response res;
	struct csn_blobs *b = state;
	uint8_t *held = NULL;
	size_t held_len = len;
	int rc;

	csn_blob_target(CSN_BLOB_VALUE, space, space_len, key, key_len,
	    target);
	if ((held = csn_calloc(1, len + 1)) == NULL)
		return csn_fail(b->ctx, CSN_E_NOMEM, "store",
		    "no memory to compare a value of %zu bytes", len);
	rc = download(b, target, held, &held_len, etag, NULL);
	if (rc == CSN_E_BUFFER || (rc == 0 && (held_len != len ||
	    (len > 0 && !csn_equal(held, value, len)))))
		rc = csn_fail(b->ctx, CSN_E_NOT_FOUND, "store",
		    "the store at %s holds another value there",
		    csn_http_where(b->http));
	csn_free(held);
	if (rc != 0)
		return rc;
	/* It is this version or nothing that goes. */
	(void)snprintf(condition, sizeof(condition), "If-Match: %s", etag);
	rc = csn_blob_call(b, &req, 0, &res, NULL);
	csn_http_response_free(&res);
	if (rc == CSN_E_EXISTS)
		rc = csn_fail(b->ctx, CSN_E_NOT_FOUND, "store",
		    "the store at %s holds another value there by now",
		    csn_http_where(b->http));
	if (rc == 0)
		count(&b->deletes);
	return rc;
}

/* --- In place: one request each, whatever the value's length -------------- */

/* handle is what to free. */
static int
place_new(struct csn_blobs *b, size_t len, struct csn_store_buf *out)
{
	if (len > b->max)
		return csn_fail(b->ctx, CSN_E_LIMIT, "store", "a value of "
		    "%zu bytes is more than this store's max of %zu", len,
		    b->max);
	if ((out->p = csn_buffer_new(NULL, len, &out->handle)) == NULL)
		return csn_nomem(b->ctx, "store", "a value of %zu bytes", len);
	out->len = len;
	return 0;
}

static int
blobs_reserve(void *state, const uint8_t *space, size_t space_len, size_t len,
    struct csn_store_buf *out)
{
	(void)space;
	(void)space_len;
	return place_new(state, len, out);
}

static int
blobs_commit(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_store_buf *buf)
{
	int rc;

	rc = blobs_put(state, space, space_len, key, key_len, buf->p,
	    buf->len);
	csn_free(buf->handle);
	return rc;
}

static void
blobs_end(void *state, struct csn_store_buf *buf)
{
	(void)state;
	csn_free(buf->handle);
}

static int
blobs_borrow(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_store_buf *out)
{
	char target[CSN_BLOB_TARGET];
	struct csn_blobs *b = state;
	struct csn_http_request req = { .method = "GET", .target = target,
	    .max = b->max };
	struct csn_http_response res;
	int rc;

	csn_blob_target(CSN_BLOB_VALUE, space, space_len, key, key_len,
	    target);
	rc = csn_blob_call(b, &req, CSN_BLOB_SAFE, &res, NULL);
	if (rc == 0 || rc == CSN_E_NOT_FOUND)
		count(rc == 0 ? &b->hits : &b->misses);
	if (rc == 0 && (rc = place_new(b, res.len, out)) == 0 && res.len > 0)
		memcpy(out->p, res.body, res.len);
	csn_http_response_free(&res);
	return rc;
}

/* --- Spaces --------------------------------------------------------------- */

static int
blobs_drop(void *state, const uint8_t *space, size_t space_len)
{
	char target[CSN_BLOB_TARGET];
	struct csn_http_request req = { .method = "DELETE", .target = target,
	    .max = CSN_HTTP_MAX_ANSWER_HEADERS };
	struct csn_http_response res;
	int rc;

	csn_blob_target(CSN_BLOB_SPACE, space, space_len, NULL, 0, target);
	rc = csn_blob_call(state, &req, CSN_BLOB_SAFE, &res, NULL);
	csn_http_response_free(&res);
	/* What nobody ever put into is dropped already. */
	return rc == CSN_E_NOT_FOUND ? 0 : rc;
}

/* Is b behind a in the order of the bytes? */
static int
is_behind(const struct csn_blob_key *a, const struct csn_blob_key *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->bytes, b->bytes, n);	/* public */

	return order < 0 || (order == 0 && a->len < b->len);
}

/* Visit the keys of one page; last is the last one of all so far. */
static int
visit_page(struct csn_blobs *b, const struct csn_blob_page *page,
    struct csn_blob_key *last, int (*visit)(void *arg, const uint8_t *key,
    size_t key_len, size_t value_len), void *arg)
{
	struct csn_blob_key key;
	const char *why = NULL;
	size_t i, value_len;
	int rc = 0;

	for (i = 0; i < page->n && rc == 0; i++) {
		if ((rc = csn_blob_page_key(page, i, &key, &value_len,
		    &why)) != 0)
			return csn_blob_fail(b, rc, why);
		/* So a list that goes in circles comes to an end. */
		if (!is_behind(last, &key))
			return csn_blob_fail(b, CSN_E_FORM,
			    "sent a list whose keys are not in order");
		*last = key;
		rc = visit(arg, key.bytes, key.len, value_len);
	}
	return rc;
}

static int
blobs_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	char target[CSN_BLOB_TARGET];
	struct csn_http_request req = { .method = "GET", .target = target,
	    .max = CSN_BLOB_MAX_LIST };
	struct csn_blob_page page = { 0 };
	struct csn_blob_key last = { .len = 0 };
	struct csn_http_response res;
	struct csn_blobs *b = state;
	const char *why = NULL;
	size_t path;
	int rc;

	csn_blob_target(CSN_BLOB_SPACE, space, space_len, NULL, 0, target);
	path = strlen(target);
	do {
		if ((rc = csn_stop_check(b->ctx, "store")) != 0)
			return rc;
		(void)snprintf(target + path, sizeof(target) - path,
		    "?limit=%d%s", CSN_BLOB_PAGE, last.len > 0 ? "&after=" :
		    "");
		csn_blob_encode(last.bytes, last.len, target +
		    strlen(target));
		rc = csn_blob_call(b, &req, CSN_BLOB_SAFE, &res, NULL);
		if (rc == 0 && (rc = csn_blob_page_parse(res.body, res.len,
		    &page, &why)) != 0)
			rc = csn_blob_fail(b, rc, why);
		csn_http_response_free(&res);
		if (rc != 0)
			return rc;
		rc = visit_page(b, &page, &last, visit, arg);
		csn_blob_page_end(&page);
	} while (rc == 0 && page.more);
	return rc;
}

static int
blobs_stat(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	char target[CSN_BLOB_TARGET];
	struct csn_http_request req = { .method = "GET", .target = target,
	    .max = CSN_HTTP_MAX_ANSWER_HEADERS };
	struct csn_http_response res;
	struct csn_blobs *b = state;
	const char *why = NULL;
	int rc;

	csn_blob_target(CSN_BLOB_STAT, space, space_len, NULL, 0, target);
	rc = csn_blob_call(b, &req, CSN_BLOB_SAFE, &res, NULL);
	if (rc == 0 && (rc = csn_blob_stat_parse(res.body, res.len, out,
	    &why)) != 0)
		rc = csn_blob_fail(b, rc, why);
	csn_http_response_free(&res);
	if (rc != 0 || space != NULL)
		return rc;
	/* This handle's own; others may use the server too. */
	out->hits = atomic_load_explicit(&b->hits, memory_order_relaxed);
	out->misses = atomic_load_explicit(&b->misses, memory_order_relaxed);
	out->puts = atomic_load_explicit(&b->puts, memory_order_relaxed);
	out->deletes = atomic_load_explicit(&b->deletes,
	    memory_order_relaxed);
	return 0;
}

#define VERBS								\
	.put = blobs_put,						\
	.get = blobs_get,						\
	.remove = blobs_remove,						\
	.drop = blobs_drop,						\
	.list = blobs_list,						\
	.stat = blobs_stat,						\
	.close = blobs_close,						\
	.reserve = blobs_reserve,					\
	.commit = blobs_commit,						\
	.abort = blobs_end,						\
	.borrow = blobs_borrow,						\
	.release = blobs_end,						\
	.put_for = blobs_put_for,					\
	.ttl = blobs_ttl,						\
	.get_for = blobs_get_for,					\
	.add_for = blobs_add_for,					\
	.remove_if = blobs_remove_if

const struct csn_store_provider csn_store_http = {
	.abi = CSN_STORE_ABI, .name = "http", .open = http_open, VERBS
};

const struct csn_store_provider csn_store_https = {
	.abi = CSN_STORE_ABI, .name = "https", .open = https_open, VERBS
};
