/* SPDX-License-Identifier: Apache-2.0 */
/*
 * providers/store/http/http.h - the store behind an HTTP server of blobs.
 *
 * docs/wire/http-store.md is what it speaks: "v1/blobs/SPACE/KEY" below the
 * URL, both in base64url, "_" for the space of keys outside any. A value's
 * time to live travels in Caisson-TTL, its version in ETag.
 */
#ifndef CSN_PROVIDERS_STORE_HTTP_HTTP_H
#define CSN_PROVIDERS_STORE_HTTP_HTTP_H

#include <stdatomic.h>


#include "net/http.h"
#include "providers/store/provider.h"

#define CSN_BLOB_PAGE 1000		/* keys asked for at once */
#define CSN_BLOB_MAX_LIST (4u << 20)	/* bytes of a page's JSON */
#define CSN_BLOB_MAX_ETAG 128
/* base64url of the longest space and key, what is around them, a query. */
#define CSN_BLOB_NAME(n) ((n) * 4 / 3 + 3)
#define CSN_BLOB_TARGET (64 + CSN_BLOB_NAME(CSN_STORE_MAX_SPACE) + \
    CSN_BLOB_NAME(CSN_STORE_MAX_KEY))

/* --- The URL's options (http/url.c) --------------------------------------- */

struct csn_blob_config {
	struct csn_http_options http;	/* ca_file and token lie here: */
	char *url;		/* without the options */
	char *ca_file;
	char *token;		/* wiped */
	unsigned retries;
	uint64_t max;		/* bytes of one value */
};

/* rest is what stands behind "http:" or "https:". CSN_E_ARG and csn_file_*. */
CSN_MUST_CHECK int csn_blob_config_parse(struct csn_ctx *ctx,
    const char *scheme, const char *rest, struct csn_blob_config *out);
void csn_blob_config_end(struct csn_blob_config *config);

/* --- Names (http/name.c) -------------------------------------------------- */

enum csn_blob_part { CSN_BLOB_VALUE, CSN_BLOB_SPACE, CSN_BLOB_STAT };

/* The target of a value, a space, or its statistics (space NULL: of all). */
void csn_blob_target(enum csn_blob_part part, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len,
    char out[CSN_BLOB_TARGET]);
/* base64url without padding; a NUL follows. out has 4 / 3 of len and 2. */
void csn_blob_encode(const uint8_t *p, size_t len, char *out);
/* Strictly that; CSN_E_FORM also where it is more than cap bytes. */
int csn_blob_decode(const char *s, size_t len, uint8_t *out, size_t cap,
    size_t *out_len);

/* --- Answers (http/answer.c) ---------------------------------------------- */

/* A key of a page, in the order of the bytes: after must come before it. */
struct csn_blob_key {
	uint8_t bytes[CSN_STORE_MAX_KEY];
	size_t len;
};

struct csn_blob_page {
	void *json;		/* what the keys are read from */
	size_t n;
	int more;
};

/*
 * Each returns 0, or CSN_E_FORM with *why as the end of a sentence about the
 * server; CSN_E_NOMEM.
 */
int csn_blob_page_parse(const uint8_t *p, size_t len,
    struct csn_blob_page *out, const char **why);
int csn_blob_page_key(const struct csn_blob_page *page, size_t i,
    struct csn_blob_key *out, size_t *value_len, const char **why);
void csn_blob_page_end(struct csn_blob_page *page);
int csn_blob_stat_parse(const uint8_t *p, size_t len,
    struct csn_store_stat *out, const char **why);
/* Caisson-TTL: *ms is 0 where there is none. */
int csn_blob_ttl_parse(const struct csn_http_response *res, uint64_t *ms,
    const char **why);
/* A strong ETag, quotes included, and a NUL. */
int csn_blob_etag_parse(const struct csn_http_response *res,
    char out[CSN_BLOB_MAX_ETAG + 1], const char **why);
/* Seconds that the server asks us to wait, in ms; 0 where it does not say. */
uint64_t csn_blob_retry_after(const struct csn_http_response *res);

/* --- Calls (http/call.c) -------------------------------------------------- */

struct csn_blobs {
	struct csn_ctx *ctx;
	struct csn_http *http;
	uint32_t timeout_ms;
	unsigned retries;
	size_t max;
	_Atomic uint64_t hits;
	_Atomic uint64_t misses;
	_Atomic uint64_t puts;
	_Atomic uint64_t deletes;
};

/* Sending it again changes nothing: after a lost answer it may be. */
#define CSN_BLOB_SAFE 1u

/*
 * Do req, again where that is allowed and time is left. 0 for a 2xx answer
 * of a blob server; CSN_E_NOT_FOUND for its 404, CSN_E_EXISTS for its 412,
 * CSN_E_POLICY (401, 403), CSN_E_LIMIT (413), CSN_E_RATE (429), CSN_E_QUOTA
 * (507), CSN_E_BACKEND for every other, and what csn_http_send() returns.
 * res is the caller's to free whatever comes. *lost, where given: an earlier
 * try may have been done although no answer came.
 */
CSN_MUST_CHECK int csn_blob_call(struct csn_blobs *b,
    const struct csn_http_request *req, unsigned flags,
    struct csn_http_response *res, int *lost);
/* CSN_E_BACKEND (or rc where it is CSN_E_NOMEM): the server's why. */
int csn_blob_fail(const struct csn_blobs *b, int rc, const char *why);

#endif
