/* attest/endpoint.h - an HTTP server that a URL with options names. */
#ifndef CSN_ATTEST_ENDPOINT_H
#define CSN_ATTEST_ENDPOINT_H

#include <caisson/context.h>

#include "base/http.h"

/*
 * "https://host/path#ca=FILE&token-file=FILE&timeout=MS&tries=N": what is
 * behind the '#' is ours and never sent. The caller named the server, so it
 * may be a private one; a token goes to other machines only over https.
 */
struct csn_endpoint {
	struct csn_http *http;
	unsigned tries;
};

/* 1 where url is http: or https:. */
int csn_endpoint_is(const char *url);
/* tries is what is meant where the URL says nothing; "unix:/path#…" is HTTP
   over that socket. CSN_E_ARG, CSN_E_IO. */
CSN_MUST_CHECK int csn_endpoint_open(struct csn_ctx *ctx, const char *url,
    uint32_t timeout_ms, unsigned tries, struct csn_endpoint *out);
void csn_endpoint_close(struct csn_endpoint *e);

/*
 * POST body and wait for a 2xx answer, of at most max bytes. A server that
 * does not answer, or says 429, 502, 503 or 504, is asked again after a wait
 * that doubles, as often as tries says. CSN_E_RATE after the last 429,
 * CSN_E_BACKEND for any other answer, with what the server said.
 */
CSN_MUST_CHECK int csn_endpoint_post(struct csn_ctx *ctx,
    struct csn_endpoint *e, const char *target, const char *type,
    const void *body, size_t len, size_t max, struct csn_http_response *res);

#endif
