/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_exchange.h - one request and its answer, inside the client. */
#ifndef CSN_NET_HTTP_EXCHANGE_H
#define CSN_NET_HTTP_EXCHANGE_H

#include <stdatomic.h>

#include "net/http.h"
#include "net/http_load.h"

#define CSN_HTTP_HANDLES 16	/* idle ones that are kept */

/* A connection kept alive, and the process whose it is. */
struct csn_http_handle {
	CURL *easy;
	uint64_t made_in;
};

struct csn_http {
	struct csn_ctx *ctx;
	const struct csn_curl *curl;
	char *url;
	char *where;		/* "host:port" */
	char *ca_file;
	char *unix_path;	/* of a socket, or NULL */
	char *authorization;	/* a header, or NULL */
	uint32_t timeout_ms;
	uint32_t connect_ms;
	int allow_private;
	int guard_token;	/* it goes in the clear to this machine only */
	/*
	 * Idle handles. Exchanged one by one, so that a fork finds no lock
	 * held.
	 */
	_Atomic(struct csn_http_handle *) idle[CSN_HTTP_HANDLES];
};

/*
 * Do req, which was checked, for url on a handle that nobody else uses.
 * As csn_http_send().
 */
CSN_MUST_CHECK int csn_http_exchange(struct csn_http *http, CURL *easy,
    const char *url, const struct csn_http_request *req,
    struct csn_http_response *res);

#endif
