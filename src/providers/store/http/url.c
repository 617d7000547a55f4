/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/url.c - the options of "https://host:port/path?timeout=MS&…": all of
 * the URL's query is ours, and the server never sees it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "providers/store/http/http.h"

#define STORE "HTTP"
#define TIMEOUT_MS 1000
#define CONNECT_MS 500
#define RETRIES 2
#define MAX_BYTES ((uint64_t)1 << 30)
#define MOST_BYTES ((uint64_t)1 << 40)
#define LONGEST_MS 3600000
#define MAX_TOKEN 8192

/* Milliseconds of an option, 1 to an hour. */
static int
take_ms(struct csn_ctx *ctx, const struct csn_url_option *o, uint32_t *out)
{
	uint64_t v;

	if (csn_decimal(o->value, o->len, LONGEST_MS, &v) != 0 || v == 0)
		return csn_store_option_bad(ctx, STORE, o,
		    "give 1 to 3600000 milliseconds");
	*out = (uint32_t)v;
	return 0;
}

static int
take_switch(struct csn_ctx *ctx, const struct csn_url_option *o, int *out)
{
	uint64_t v;

	if (csn_decimal(o->value, o->len, 1, &v) != 0)
		return csn_store_option_bad(ctx, STORE, o, "give 0 or 1");
	*out = (int)v;
	return 0;
}

static int
no_memory(struct csn_ctx *ctx)
{
	return csn_nomem(ctx, "store", "the options of the HTTP store");
}

/* Keep a token without the white space that editors leave behind it. */
static int
take_token(struct csn_ctx *ctx, struct csn_blob_config *out, const char *s,
    size_t len)
{
	while (len > 0 && strchr(" \t\r\n", s[len - 1]) != NULL)
		len--;
	if (out->token != NULL)
		return csn_fail(ctx, CSN_E_ARG, "store", "the HTTP store has "
		    "one token: token-file= or token-env=, once");
	if ((out->token = csn_memdup(s, len)) == NULL)
		return no_memory(ctx);
	out->http.token = out->token;
	return 0;
}

/* From a file that only we can read, or from a variable. */
static int
fetch_token(struct csn_ctx *ctx, struct csn_blob_config *out,
    const struct csn_url_option *o, int from_file)
{
	const char *value;
	uint8_t *p = NULL;
	size_t len = 0;
	char *name;
	int rc;

	if ((name = csn_memdup(o->value, o->len)) == NULL)
		return no_memory(ctx);
	if (from_file) {
		rc = csn_file_read_secret(ctx, name, MAX_TOKEN, &p, &len);
		if (rc == 0)
			rc = take_token(ctx, out, (const char *)p, len);
		csn_wipe_free(p, len);
	} else if ((value = getenv(name)) == NULL) {
		rc = csn_store_option_bad(ctx, STORE, o,
		    "the environment has no such variable");
	} else {
		rc = take_token(ctx, out, value, strlen(value));
	}
	csn_free(name);
	return rc;
}

static int
take_option(struct csn_ctx *ctx, struct csn_blob_config *out,
    const struct csn_url_option *o)
{
	uint64_t v;

	if (csn_url_is(o, "timeout"))
		return take_ms(ctx, o, &out->http.timeout_ms);
	if (csn_url_is(o, "connect"))
		return take_ms(ctx, o, &out->http.connect_ms);
	if (csn_url_is(o, "allow-private"))
		return take_switch(ctx, o, &out->http.allow_private);
	if (csn_url_is(o, "token-in-clear"))
		return take_switch(ctx, o, &out->http.token_in_clear);
	if (csn_url_is(o, "token-file"))
		return fetch_token(ctx, out, o, 1);
	if (csn_url_is(o, "token-env"))
		return fetch_token(ctx, out, o, 0);
	if (csn_url_is(o, "retries")) {
		if (csn_decimal(o->value, o->len, 10, &v) != 0)
			return csn_store_option_bad(ctx, STORE, o,
			    "give 0 to 10 more tries");
		out->retries = (unsigned)v;
		return 0;
	}
	if (csn_url_is(o, "max")) {
		if (csn_url_bytes(o->value, o->len, &v) != 0 || v == 0 ||
		    v > MOST_BYTES)
			return csn_store_option_bad(ctx, STORE, o, "give the "
			    "bytes of the largest value, up to 1T");
		out->max = v;
		return 0;
	}
	if (csn_url_is(o, "ca")) {
		csn_free(out->ca_file);
		if ((out->ca_file = csn_memdup(o->value, o->len)) == NULL)
			return no_memory(ctx);
		out->http.ca_file = out->ca_file;
		return 0;
	}
	return csn_store_option_unknown(ctx, STORE, o, "timeout, connect, "
	    "retries, max, ca, token-file, token-env, token-in-clear and "
	    "allow-private");
}

int
csn_blob_config_parse(struct csn_ctx *ctx, const char *scheme,
    const char *rest, struct csn_blob_config *out)
{
	struct csn_url_option o;
	const char *p;
	int rc;

	out->http.timeout_ms = TIMEOUT_MS;
	out->http.connect_ms = CONNECT_MS;
	out->retries = RETRIES;
	out->max = MAX_BYTES;
	p = rest + strcspn(rest, "?");
	if (asprintf(&out->url, "%s:%.*s", scheme, (int)(p - rest),
	    rest) < 0) {
		out->url = NULL;
		return no_memory(ctx);
	}
	if (*p == '?')
		p++;
	while ((rc = csn_store_option_next(ctx, STORE, &p, &o)) == 1) {
		if ((rc = take_option(ctx, out, &o)) != 0)
			return rc;
	}
	return rc;
}

void
csn_blob_config_end(struct csn_blob_config *config)
{
	if (config->token != NULL)
		csn_wipe_free(config->token, strlen(config->token));
	csn_free(config->ca_file);
	csn_free(config->url);
	memset(config, 0, sizeof(*config));
}
