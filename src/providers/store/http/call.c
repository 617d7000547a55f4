/* SPDX-License-Identifier: Apache-2.0 */
/* http/call.c - one call, again where that is safe and time is left. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "providers/store/http/http.h"

#define PAUSE_MS 25		/* before the second try; then twice that… */
#define MOST_PAUSES 6		/* …this often */

/* Half of it for sure, half by chance, so that clients do not come in step. */
static uint64_t
jitter(uint64_t ms)
{
	uint32_t r = 0;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		return ms;
	return ms / 2 + r % (ms / 2 + 1);
}

int
csn_blob_fail(const struct csn_blobs *b, int rc, const char *why)
{
	const char *where = csn_http_where(b->http);

	if (rc == CSN_E_NOMEM)
		return csn_fail(b->ctx, rc, "store",
		    "no memory for the answer of %s", where);
	return csn_fail(b->ctx, CSN_E_BACKEND, "store", "%s %s", where, why);
}

/* Does the answer come from a server of blobs, or from what is before it? */
static int
is_ours(const struct csn_http_response *res)
{
	const char *v;
	size_t len;

	v = csn_http_header(res, "Caisson-Store", &len);
	return v != NULL && len == 1 && v[0] == '1';
}

static int
fail_wait(const struct csn_blobs *b, const struct csn_http_response *res)
{
	uint64_t wait = csn_blob_retry_after(res) / 1000;
	const char *where = csn_http_where(b->http);
	int rc = res->status == 429 ? CSN_E_RATE : CSN_E_BACKEND;

	if (wait == 0)
		return csn_fail(b->ctx, rc, "store", "%s %s (%d): try again "
		    "later", where, rc == CSN_E_RATE ? "has had too many "
		    "requests from here" : "is not available now",
		    res->status);
	return csn_fail(b->ctx, rc, "store", "%s %s (%d) and asks to come "
	    "back in %llu s", where, rc == CSN_E_RATE ? "has had too many "
	    "requests from here" : "is not available now", res->status,
	    (unsigned long long)wait);
}

/* Each status its own sentence. */
static int
judge(const struct csn_blobs *b, const struct csn_http_response *res)
{
	const char *where = csn_http_where(b->http), *why;
	int rc = CSN_E_BACKEND;

	switch (res->status) {
	case 200: case 201: case 204:
		if (is_ours(res))
			return 0;
		/* A portal, a parked domain, somebody's web site. */
		why = "answers, but not as a server of blobs: is the URL "
		    "right?";
		break;
	case 404:
		if (is_ours(res))
			return csn_fail(b->ctx, CSN_E_NOT_FOUND, "store",
			    "the store at %s holds no value of that name",
			    where);
		why = "has no server of blobs under this URL's path (404)";
		break;
	case 412:
		return csn_fail(b->ctx, CSN_E_EXISTS, "store",
		    "the store at %s holds another value there", where);
	case 400:
		why = "finds the request wrong (400)";
		break;
	case 401:
		rc = CSN_E_POLICY;
		why = "wants a token that it knows (401): give one by "
		    "token-file= or token-env=";
		break;
	case 403:
		rc = CSN_E_POLICY;
		why = "does not allow this to our token (403)";
		break;
	case 405: case 501:
		why = "cannot do this (405 or 501): it is no whole server of "
		    "blobs";
		break;
	case 408: case 504:
		why = "ran out of time behind its front (408 or 504)";
		break;
	case 413:
		rc = CSN_E_LIMIT;
		why = "does not take values of this size (413)";
		break;
	case 429: case 503:
		return fail_wait(b, res);
	case 500:
		why = "failed inside (500): its log may say why";
		break;
	case 502:
		why = "got no answer from what is behind it (502)";
		break;
	case 507:
		rc = CSN_E_QUOTA;
		why = "has no room left (507)";
		break;
	default:
		return csn_fail(b->ctx, CSN_E_BACKEND, "store", "%s answers "
		    "%d, which a server of blobs does not", where,
		    res->status);
	}
	return csn_fail(b->ctx, rc, "store", "%s %s", where, why);
}

/* May it be sent again? *wait is what the server asks for. */
static int
again(const struct csn_http_response *res, int rc, unsigned flags,
    uint64_t *wait)
{
	int safe = (flags & CSN_BLOB_SAFE) != 0;

	*wait = 0;
	if (rc == CSN_E_BACKEND)
		return safe || !res->reached;
	if (rc != 0)
		return 0;
	/* Refused before anything was done. */
	if (res->status == 429 || res->status == 503) {
		*wait = csn_blob_retry_after(res);
		return 1;
	}
	return safe && (res->status == 502 || res->status == 504);
}

int
csn_blob_call(struct csn_blobs *b, const struct csn_http_request *req,
    unsigned flags, struct csn_http_response *res, int *lost)
{
	CSN_UNCANCELLED;
	uint64_t end = csn_now_ms() + b->timeout_ms, now, wait, pause;
	struct csn_http_request r = *req;
	unsigned try;
	int rc;

	if (lost != NULL)
		*lost = 0;
	r.timeout_ms = b->timeout_ms;
	for (try = 0;; try++) {
		rc = csn_http_send(b->http, &r, res);
		if (!again(res, rc, flags, &wait) || try >= b->retries)
			break;
		pause = jitter((uint64_t)PAUSE_MS <<
		    (try < MOST_PAUSES ? try : MOST_PAUSES));
		pause = pause > wait ? pause : wait;
		now = csn_now_ms();
		if (now + pause >= end)
			break;
		if (lost != NULL && rc != 0 && res->reached)
			*lost = 1;
		csn_http_response_free(res);
		csn_sleep_us(pause * 1000);
		now = csn_now_ms();
		r.timeout_ms = (uint32_t)(now < end ? end - now : 1);
	}
	return rc == 0 ? judge(b, res) : rc;
}
