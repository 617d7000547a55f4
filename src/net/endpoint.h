/* SPDX-License-Identifier: Apache-2.0 */
/* net/endpoint.h - an HTTP server that a URL with options names. */
#ifndef CSN_NET_ENDPOINT_H
#define CSN_NET_ENDPOINT_H

#include <caisson/context.h>

#include "net/http.h"

/*
 * "https://host/path#ca=FILE&token-file=FILE&timeout=MS&tries=N": what is
 * behind the '#' is ours and never sent. The caller named the server, so it
 * may be a private one; a token goes to other machines only over https.
 */
struct csn_endpoint {
	struct csn_http *http;
	unsigned tries;
	uint32_t timeout_ms;	/* of each */
};

/* 1 where url is http: or https:. */
int csn_endpoint_is(const char *url);
/* tries is what is meant where the URL says nothing; "unix:/path#…" is HTTP
   over that socket. CSN_E_ARG, CSN_E_IO. */
CSN_MUST_CHECK int csn_endpoint_open(struct csn_ctx *ctx, const char *url,
    uint32_t timeout_ms, unsigned tries, struct csn_endpoint *out);
void csn_endpoint_close(struct csn_endpoint *e);

/* How long somebody waits, and what else ends that. */
struct csn_patience {
	const struct csn_ctx *ctx;	/* that it is stopped */
	int stop;		/* a descriptor that becomes readable, or -1 */
	uint64_t until_ms;	/* on our clock; 0: no end */
};

/* Of so many ms from now, 0 for no end. */
struct csn_patience csn_patience_of(const struct csn_ctx *ctx, int stop,
    uint64_t ms);
/* 0; CSN_E_CANCELLED where it was stopped, CSN_E_BACKEND where time is up. */
CSN_MUST_CHECK int csn_patience_check(const struct csn_patience *p);
/* ms until then; UINT64_MAX where there is no end. */
uint64_t csn_patience_left(const struct csn_patience *p);
/* Until fd (-1: none) has events, for at most so many ms. The same. */
CSN_MUST_CHECK int csn_patience_wait(const struct csn_patience *p, int fd,
    short events, uint64_t ms);

/*
 * POST body and wait for a 2xx answer, of at most max bytes. A server that
 * does not answer, or says 429, 502, 503 or 504, is asked again after a wait
 * that doubles, as often as tries and patience say. CSN_E_RATE after the last
 * 429, CSN_E_BACKEND for any other answer, with what the server said;
 * CSN_E_CANCELLED where patience was called off.
 */
CSN_MUST_CHECK int csn_endpoint_post(struct csn_ctx *ctx,
    struct csn_endpoint *e, const char *target, const char *type,
    const void *body, size_t len, size_t max,
    const struct csn_patience *patience, struct csn_http_response *res);

#endif
