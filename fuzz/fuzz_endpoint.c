/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_endpoint.c - what an HTTP server answers to a challenge, and to a
 * report that is put; and a report that is sent to a bare socket.
 */
#include <caisson/attest.h>

#include "net/endpoint.h"
#include "server.h"

static void
challenge(struct csn_ctx *ctx, const char *url)
{
	static const uint8_t nonce[32] = { 1 };
	uint8_t *report = NULL;
	size_t len = 0;
	int rc;

	rc = csn_report_ask(ctx, url, nonce, sizeof(nonce), &report, &len);
	check(rc == 0 || rc == CSN_E_BACKEND || rc == CSN_E_RATE ||
	    rc == CSN_E_POLICY);
	check((rc == 0 && len <= CSN_REPORT_MAX) || report == NULL);
	csn_free(report);
}

static void
post(struct csn_ctx *ctx, const char *url)
{
	struct csn_patience patience = csn_patience_of(ctx, -1, 20000);
	struct csn_http_response res;
	struct csn_endpoint e;
	int rc;

	check(csn_endpoint_open(ctx, url, 20000, 1, &e) == 0);
	rc = csn_endpoint_post(ctx, &e, "", "Content-Type: text/plain", "x",
	    1, 512, &patience, &res);
	check(rc == 0 || rc == CSN_E_BACKEND || rc == CSN_E_RATE ||
	    rc == CSN_E_POLICY);
	if (rc == 0) {
		check(res.status >= 200 && res.status < 300);
		check(res.len <= 512);
		csn_http_response_free(&res);
	}
	csn_endpoint_close(&e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	char url[400];
	int n, rc;

	if (len == 0 || len > 60000)
		return 0;
	n = snprintf(url, sizeof(url), "unix:%s", fuzz_server(data + 1,
	    len - 1));
	check(n > 0 && (size_t)n < sizeof(url));
	if (data[0] % 4 == 0) {
		post(ctx, url);
	} else if (data[0] % 4 == 1) {
		rc = csn_report_deliver(ctx, url, data, len);
		check(rc == 0 || rc == CSN_E_IO);
	} else {
		challenge(ctx, url);
	}
	fuzz_server_quiet();
	return 0;
}
