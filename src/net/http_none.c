/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_none.c - the HTTP client of a build that has none. */
#include "base/fail.h"
#include "net/http.h"

int
csn_http_new(struct csn_ctx *ctx, const char *url,
    const struct csn_http_options *options, struct csn_http **out)
{
	(void)url;
	(void)options;
	(void)out;
	return csn_fail(ctx, CSN_E_UNKNOWN_BACKEND, "net", "this build has "
	    "no HTTP client: install libcurl's headers and build it with "
	    "-Dhttp=enabled");
}

void
csn_http_free(struct csn_http *http)
{
	(void)http;
}

const char *
csn_http_where(const struct csn_http *http)
{
	(void)http;
	return "";
}

int
csn_http_send(struct csn_http *http, const struct csn_http_request *req,
    struct csn_http_response *res)
{
	(void)http;
	(void)req;
	(void)res;
	return csn_fail(NULL, CSN_E_UNKNOWN_BACKEND, "net",
	    "this build has no HTTP client");
}
