/* SPDX-License-Identifier: Apache-2.0 */
/* net/http.c - the client: its origin, its token, its idle handles. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/context.h"
#include "base/fail.h"
#include "net/http_exchange.h"

#define TIMEOUT_MS 10000
#define CONNECT_MS 3000
#define MAX_TOKEN 8192
#define MAX_URL 4096

/* --- The origin ----------------------------------------------------------- */

/* Take url apart and keep it as libcurl writes it: one parser, not two. */
static int
take_url(struct csn_http *http, CURLU *u, const char *url, char **scheme,
    char **host, char **port)
{
	const struct csn_curl *c = http->curl;
	char *whole = NULL, *fragment = NULL;
	CURLUcode code;

	code = c->url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER |
	    CURLU_PATH_AS_IS);
	if (code == CURLUE_OK)
		code = c->url_get(u, CURLUPART_SCHEME, scheme, 0);
	if (code == CURLUE_OK)
		code = c->url_get(u, CURLUPART_HOST, host, 0);
	if (code == CURLUE_OUT_OF_MEMORY)
		goto nomem;
	if (code == CURLUE_USER_NOT_ALLOWED)
		return csn_fail(http->ctx, CSN_E_ARG, "net", "a URL with a "
		    "user or password in it: give a token by token-file= or "
		    "token-env= instead");
	if (code != CURLUE_OK ||
	    (strcmp(*scheme, "http") != 0 && strcmp(*scheme, "https") != 0))
		return csn_fail(http->ctx, CSN_E_ARG, "net", "%.60s is no "
		    "URL of the form https://host:port/path", url);
	if (c->url_get(u, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_OK) {
		c->free(fragment);
		return csn_fail(http->ctx, CSN_E_ARG, "net", "%.60s: a '#' "
		    "has no place in this URL", url);
	}
	if (c->url_get(u, CURLUPART_PORT, port, CURLU_DEFAULT_PORT) !=
	    CURLUE_OK || c->url_get(u, CURLUPART_URL, &whole, 0) !=
	    CURLUE_OK)
		goto nomem;
	http->url = csn_strdup(whole);
	c->free(whole);
	if (http->url == NULL || asprintf(&http->where, "%s:%s", *host,
	    *port) < 0) {
		http->where = NULL;
		goto nomem;
	}
	return 0;

nomem:
	return csn_nomem(http->ctx, "net", "a URL");
}

static int
set_url(struct csn_http *http, const char *url)
{
	char *scheme = NULL, *host = NULL, *port = NULL;
	const struct csn_curl *c = http->curl;
	CURLU *u;
	int rc;

	if (strlen(url) > MAX_URL)
		return csn_fail(http->ctx, CSN_E_ARG, "net",
		    "a URL has at most %d bytes", MAX_URL);
	if ((u = c->url()) == NULL)
		return csn_nomem(http->ctx, "net", "a URL");
	rc = take_url(http, u, url, &scheme, &host, &port);
	if (rc == 0 && http->authorization != NULL &&
	    strcmp(scheme, "http") == 0)
		http->guard_token = 1;
	c->free(scheme);
	c->free(host);
	c->free(port);
	c->url_cleanup(u);
	return rc;
}

static int
set_token(struct csn_http *http, const char *token)
{
	size_t i, len = strlen(token);

	/* RFC 6750's b64token, and a little more than it. */
	for (i = 0; i < len; i++) {
		if (token[i] <= ' ' || token[i] > '~')
			break;
	}
	if (len == 0 || len > MAX_TOKEN || i < len)
		return csn_fail(http->ctx, CSN_E_ARG, "net", "a bearer "
		    "token has 1 to %d visible ASCII characters and no "
		    "spaces", MAX_TOKEN);
	if (asprintf(&http->authorization, "Authorization: Bearer %s",
	    token) < 0) {
		http->authorization = NULL;
		return csn_nomem(http->ctx, "net", "a token");
	}
	return 0;
}

/* The socket is what sentences name, not the URL's host. */
static int
set_socket(struct csn_http *http, const char *path)
{
	char *where = NULL;

	http->unix_path = csn_strdup(path);
	if (http->unix_path == NULL ||
	    asprintf(&where, "unix:%s", path) < 0)
		return csn_nomem(http->ctx, "net", "an HTTP client");
	csn_free(http->where);
	http->where = where;
	return 0;
}

int
csn_http_new(struct csn_ctx *ctx, const char *url,
    const struct csn_http_options *options, struct csn_http **out)
{
	CSN_UNCANCELLED;
	static const struct csn_http_options none;
	struct csn_http *http = NULL;
	int rc;

	if (ctx == NULL || url == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, "net",
		    "an HTTP client needs a context, a URL and a place");
	if (options == NULL)
		options = &none;
	if ((http = csn_calloc(1, sizeof(*http))) == NULL)
		return csn_nomem(ctx, "net", "an HTTP client");
	http->ctx = ctx;
	http->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms :
	    TIMEOUT_MS;
	http->connect_ms = options->connect_ms != 0 ? options->connect_ms :
	    CONNECT_MS;
	http->allow_private = options->allow_private;
	if (http->timeout_ms > INT32_MAX || http->connect_ms > INT32_MAX) {
		rc = csn_fail(ctx, CSN_E_ARG, "net",
		    "a timeout of more than 24 days");
		goto err;
	}
	if ((rc = csn_curl_load(ctx, &http->curl)) != 0)
		goto err;
	if (options->token != NULL &&
	    (rc = set_token(http, options->token)) != 0)
		goto err;
	if ((rc = set_url(http, url)) != 0)
		goto err;
	if (options->token_in_clear)
		http->guard_token = 0;
	/* One that is not there fails when it is needed. */
	if (options->ca_file != NULL && (rc = csn_file_check(ctx,
	    options->ca_file)) != 0 && rc != CSN_E_NOT_FOUND)
		goto err;
	if (options->ca_file != NULL && (http->ca_file =
	    csn_strdup(options->ca_file)) == NULL)
		goto nomem;
	if (options->unix_path != NULL && (rc = set_socket(http,
	    options->unix_path)) != 0)
		goto err;
	*out = http;
	return 0;

nomem:
	rc = csn_nomem(ctx, "net", "an HTTP client");
err:
	csn_http_free(http);
	return rc;
}

const char *
csn_http_where(const struct csn_http *http)
{
	return http->where;
}

/* --- Handles -------------------------------------------------------------- */

/*
 * A handle of the process we were forked from: its connection is not ours to
 * end politely (TLS would say goodbye in our parent's name), nor to keep
 * open. What libcurl holds for it stays allocated.
 */
static void
abandon(const struct csn_http *http, struct csn_http_handle *h)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (http->curl->getinfo(h->easy, CURLINFO_ACTIVESOCKET, &fd) ==
	    CURLE_OK && fd != CURL_SOCKET_BAD)
		(void)close(fd);
	csn_free(h);
}

static void
end_handle(const struct csn_http *http, struct csn_http_handle *h)
{
	if (h == NULL)
		return;
	if (h->made_in != csn_fork_generation(http->ctx)) {
		abandon(http, h);
		return;
	}
	http->curl->cleanup(h->easy);
	csn_free(h);
}

static struct csn_http_handle *
take_handle(struct csn_http *http)
{
	uint64_t here = csn_fork_generation(http->ctx);
	struct csn_http_handle *h;
	size_t i;

	for (i = 0; i < CSN_HTTP_HANDLES; i++) {
		h = atomic_exchange(&http->idle[i], NULL);
		if (h != NULL && h->made_in == here)
			return h;
		if (h != NULL)
			abandon(http, h);
	}
	if ((h = csn_calloc(1, sizeof(*h))) == NULL)
		return NULL;
	h->made_in = here;
	if ((h->easy = http->curl->init()) == NULL) {
		csn_free(h);
		return NULL;
	}
	return h;
}

static void
give_handle(struct csn_http *http, struct csn_http_handle *h)
{
	struct csn_http_handle *none;
	size_t i;

	for (i = 0; i < CSN_HTTP_HANDLES; i++) {
		none = NULL;
		if (atomic_compare_exchange_strong(&http->idle[i], &none, h))
			return;
	}
	end_handle(http, h);
}

void
csn_http_free(struct csn_http *http)
{
	CSN_UNCANCELLED;
	size_t i;

	if (http == NULL)
		return;
	for (i = 0; i < CSN_HTTP_HANDLES; i++)
		end_handle(http, atomic_exchange(&http->idle[i], NULL));
	if (http->authorization != NULL)
		csn_wipe_free(http->authorization,
		    strlen(http->authorization));
	csn_free(http->url);
	csn_free(http->where);
	csn_free(http->ca_file);
	csn_free(http->unix_path);
	csn_free(http);
}

/* --- Requests ------------------------------------------------------------- */

/* Visible ASCII; spaces too where spaces is set. Nothing ends a line. */
static int
plain(const char *s, int spaces)
{
	for (; *s != '\0'; s++) {
		if ((*s <= ' ' && !(spaces && *s == ' ')) || *s > '~')
			return 0;
	}
	return 1;
}

static int
check_request(const struct csn_http *http, const struct csn_http_request *req)
{
	const char *what = NULL;
	size_t n = 0;

	if (req->method == NULL || req->method[0] == '\0' ||
	    req->method[strspn(req->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] !=
	    '\0')
		what = "its method is not a word in capitals";
	else if (req->target == NULL || !plain(req->target, 0) ||
	    strlen(req->target) > MAX_URL || strchr(req->target, '#') ||
	    (req->target[0] != '\0' && (strchr(http->url, '?') != NULL ||
	    strchr("/?", req->target[0]) == NULL)))
		what = "its target does not start with / or ?, is not "
		    "encoded or too long, or stands behind a query";
	else if (req->body == NULL && req->body_len > 0)
		what = "its body is NULL";
	for (; req->headers != NULL && req->headers[n] != NULL; n++) {
		if (!plain(req->headers[n], 1) ||
		    strstr(req->headers[n], ": ") == NULL)
			what = "a header is not \"Name: value\"";
	}
	if (n > CSN_HTTP_MAX_HEADERS)
		what = "it has too many headers";
	if (what != NULL)
		return csn_fail(http->ctx, CSN_E_ARG, "net",
		    "a request to %s: %s", http->where, what);
	return 0;
}

int
csn_http_send(struct csn_http *http, const struct csn_http_request *req,
    struct csn_http_response *res)
{
	CSN_UNCANCELLED;
	struct csn_http_handle *h = NULL;
	size_t len = strlen(http->url);
	char *url = NULL;
	int rc;

	memset(res, 0, sizeof(*res));
	if ((rc = check_request(http, req)) != 0)
		return rc;
	if (len > 0 && http->url[len - 1] == '/' && req->target[0] == '/')
		len--;
	if (asprintf(&url, "%.*s%s", (int)len, http->url, req->target) < 0)
		url = NULL;
	if (url == NULL || (h = take_handle(http)) == NULL) {
		rc = csn_nomem(http->ctx, "net", "a request to %s",
		    http->where);
		goto out;
	}
	rc = csn_http_exchange(http, h->easy, url, req, res);
	/* One that failed, for want of memory too, is not trusted again. */
	if (rc != 0 && rc != CSN_E_BUFFER)
		end_handle(http, h);
	else
		give_handle(http, h);

out:
	csn_free(url);
	return rc;
}
