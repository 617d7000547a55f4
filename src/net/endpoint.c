/* SPDX-License-Identifier: Apache-2.0 */
/* net/endpoint.c - posting to an HTTP server, with patience that ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"
#include "net/endpoint.h"

#define ROOM "net"
#define MAX_TOKEN 8192
#define MAX_TIMEOUT_MS 86400000	/* a day */
#define MAX_TRIES 10
#define FIRST_WAIT_MS 200
#define MAX_SAID 200		/* of a server's own words */

int
csn_endpoint_is(const char *url)
{
	return strncmp(url, "http://", 7) == 0 ||
	    strncmp(url, "https://", 8) == 0;
}

/* --- the options behind '#' --------------------------------------------- */

struct wanted {
	struct csn_http_options http;
	unsigned tries;
	uint8_t *token;
	size_t token_len;
};

static int
take_number(struct csn_ctx *ctx, const char *name, const char *text,
    unsigned long max, unsigned long *out)
{
	uint64_t v;

	if (csn_decimal(text, strlen(text), max, &v) == 0 && v >= 1) {
		*out = (unsigned long)v;
		return 0;
	}
	return csn_fail(ctx, CSN_E_ARG, ROOM,
	    "%s is a number from 1 to %lu, not %.40s", name, max, text);
}

/* The first line of a file that only its owner reads. */
static int
take_token(struct csn_ctx *ctx, const char *path, struct wanted *w)
{
	int rc;

	if (w->token != NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "token-file is given twice");
	if ((rc = csn_file_read_secret(ctx, path, MAX_TOKEN, &w->token,
	    &w->token_len)) != 0)
		return rc;
	w->token[strcspn((char *)w->token, "\r\n")] = '\0';
	w->http.token = (const char *)w->token;
	return 0;
}

static int
take_option(struct csn_ctx *ctx, const char *name, const char *value,
    struct wanted *w)
{
	unsigned long n = 0;
	int rc = 0;

	if (strcmp(name, "ca") == 0) {
		w->http.ca_file = value;
	} else if (strcmp(name, "token-file") == 0) {
		rc = take_token(ctx, value, w);
	} else if (strcmp(name, "timeout") == 0) {
		rc = take_number(ctx, name, value, MAX_TIMEOUT_MS, &n);
		if (rc == 0)
			w->http.timeout_ms = (uint32_t)n;
	} else if (strcmp(name, "tries") == 0) {
		rc = take_number(ctx, name, value, MAX_TRIES, &n);
		if (rc == 0)
			w->tries = (unsigned)n;
	} else {
		rc = csn_fail(ctx, CSN_E_ARG, ROOM, "there is no option "
		    "%.40s of an HTTP server, there are ca, token-file, "
		    "timeout and tries", name);
	}
	return rc;
}

/* text is cut into pieces in place. */
static int
take_options(struct csn_ctx *ctx, char *text, struct wanted *w)
{
	char *word, *equals, *save = NULL;
	int rc = 0;

	for (word = strtok_r(text, "&", &save); rc == 0 && word != NULL;
	    word = strtok_r(NULL, "&", &save)) {
		if ((equals = strchr(word, '=')) == NULL)
			return csn_fail(ctx, CSN_E_ARG, ROOM,
			    "behind '#' come options as name=value, not "
			    "%.40s", word);
		*equals = '\0';
		rc = take_option(ctx, word, equals + 1, w);
	}
	return rc;
}

int
csn_endpoint_open(struct csn_ctx *ctx, const char *url, uint32_t timeout_ms,
    unsigned tries, struct csn_endpoint *out)
{
	CSN_UNCANCELLED;
	struct wanted w = { .tries = tries };
	char *copy, *hash;
	const char *base;
	int rc = 0;

	w.http.timeout_ms = timeout_ms;
	w.http.allow_private = 1;
	if ((copy = csn_strdup(url)) == NULL)
		return csn_nomem(ctx, ROOM, "a URL");
	if ((hash = strchr(copy, '#')) != NULL) {
		*hash = '\0';
		rc = take_options(ctx, hash + 1, &w);
	}
	base = copy;
	if (strncmp(copy, "unix:", 5) == 0) {
		w.http.unix_path = copy + 5;
		/* HTTP asks for a host, and nobody looks for it. */
		base = "http://localhost";
	}
	if (rc == 0)
		rc = csn_http_new(ctx, base, &w.http, &out->http);
	out->tries = w.tries;
	out->timeout_ms = w.http.timeout_ms;
	csn_wipe_free(w.token, w.token_len);
	free(copy);
	return rc;
}

void
csn_endpoint_close(struct csn_endpoint *e)
{
	csn_http_free(e->http);
	e->http = NULL;
}

/* --- posting ------------------------------------------------------------ */

/* Worth another try: nobody answered, or it may be better later. */
static int
passes(int rc, int status)
{
	return rc == CSN_E_BACKEND || (rc == 0 && (status == 429 ||
	    status == 502 || status == 503 || status == 504));
}

/* The sentence of an answer that is none: the server's own, made plain. */
static int
refused(struct csn_ctx *ctx, const struct csn_endpoint *e,
    const struct csn_http_response *res)
{
	char said[MAX_SAID + 1] = "";
	const char *text;
	json_t *o;
	size_t i;

	o = json_loadb((const char *)res->body, res->body != NULL ?
	    res->len : 0, 0, NULL);
	text = json_string_value(json_object_get(o, "message"));
	for (i = 0; text != NULL && text[i] != '\0' && i < MAX_SAID; i++)
		said[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	json_decref(o);
	return csn_fail(ctx, res->status == 429 ? CSN_E_RATE : CSN_E_BACKEND,
	    ROOM, "%s answered %d%s%s", csn_http_where(e->http), res->status,
	    said[0] != '\0' ? ": " : "", said);
}

static int
is_over(void *arg)
{
	return csn_patience_check(arg) != 0;
}

/* One try has its own time, and no more than all of them. */
static uint32_t
time_of_try(const struct csn_endpoint *e, const struct csn_patience *p)
{
	uint64_t left = csn_patience_left(p);

	return left < e->timeout_ms ? (uint32_t)(left != 0 ? left : 1) :
	    e->timeout_ms;
}

int
csn_endpoint_post(struct csn_ctx *ctx, struct csn_endpoint *e,
    const char *target, const char *type, const void *body, size_t len,
    size_t max, const struct csn_patience *patience,
    struct csn_http_response *res)
{
	CSN_UNCANCELLED;
	const char *headers[2] = { type, NULL };
	struct csn_patience stop = { patience->ctx, patience->stop, 0 };
	struct csn_http_request req = {
		.method = "POST", .target = target, .headers = headers,
		.body = body, .body_len = len, .max = max,
		.stopped = is_over, .stopped_arg = &stop,
	};
	uint32_t wait = FIRST_WAIT_MS;
	unsigned i;
	int rc;

	for (i = 1; ; i++) {
		memset(res, 0, sizeof(*res));
		req.timeout_ms = time_of_try(e, patience);
		rc = csn_http_send(e->http, &req, res);
		if (rc == 0 && res->status >= 200 && res->status < 300)
			return 0;
		if (i >= e->tries || !passes(rc, res->status))
			break;
		if (csn_patience_wait(patience, -1, 0, wait) == CSN_E_CANCELLED)
			rc = csn_fail(ctx, CSN_E_CANCELLED, ROOM,
			    "called off between two tries");
		if (csn_patience_check(patience) != 0)
			break;
		csn_http_response_free(res);
		wait *= 2;
	}
	if (rc == 0)
		rc = refused(ctx, e, res);
	csn_http_response_free(res);
	return rc;
}
