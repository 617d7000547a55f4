/* SPDX-License-Identifier: Apache-2.0 */
/* attest/ask.c - a challenge put to an attester over HTTP. */
#include <stdio.h>
#include <string.h>

#include <caisson/attest.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "net/endpoint.h"

#define ROOM "attest"
#define TIMEOUT_MS 600000	/* it measures before it answers */
#define MAX_BODY (sizeof("{\"nonce\":\"\"}") + 2 * CSN_NONCE_MAX)

int
csn_report_ask(struct csn_ctx *ctx, const char *url, const uint8_t *nonce,
    size_t nonce_len, uint8_t **out, size_t *len)
{
	char hex[2 * CSN_NONCE_MAX + 1], body[MAX_BODY];
	struct csn_http_response res;
	struct csn_patience patience = csn_patience_of(ctx, -1, 0);
	struct csn_endpoint e;
	int n, rc;

	if (ctx == NULL || url == NULL || nonce == NULL || out == NULL ||
	    len == NULL || nonce_len < CSN_NONCE_MIN ||
	    nonce_len > CSN_NONCE_MAX || (!csn_endpoint_is(url) &&
	    (strncmp(url, "unix:", 5) != 0 || url[5] == '\0')))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "asking needs an http, "
		    "https or unix URL and a nonce of %d to %d bytes",
		    CSN_NONCE_MIN, CSN_NONCE_MAX);
	csn_hex_encode(nonce, nonce_len, hex);
	n = snprintf(body, sizeof(body), "{\"nonce\":\"%s\"}", hex);
	/* Once: a nonce that was answered late is answered all the same. */
	if ((rc = csn_endpoint_open(ctx, url, TIMEOUT_MS, 1, &e)) != 0)
		return rc;
	rc = csn_endpoint_post(ctx, &e, "/v1/challenge",
	    "Content-Type: application/json", body, (size_t)n,
	    CSN_REPORT_MAX, &patience, &res);
	if (rc == 0) {
		*out = res.body;
		*len = res.len;
		res.body = NULL;
		csn_http_response_free(&res);
	}
	csn_endpoint_close(&e);
	return rc;
}
