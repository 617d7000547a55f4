/* SPDX-License-Identifier: Apache-2.0 */
/* net/http.h - a small HTTP client for one origin, over libcurl. */
#ifndef CSN_NET_HTTP_H
#define CSN_NET_HTTP_H

#include <caisson/context.h>

struct sockaddr;

/*
 * A client speaks HTTP/1.1 with one origin (scheme, host and port), so that a
 * token never goes anywhere else. libcurl is loaded when the first client is
 * made; a build or a machine without it gets CSN_E_UNKNOWN_BACKEND then.
 *
 * Redirects are not followed (their 3xx is handed over), no proxy is used
 * whatever the environment says, certificates are always verified, bodies are
 * taken as they come (no decompression). Every address that a name resolves
 * to is looked at just before it is connected to, and refused where it is not
 * a public one (csn_http_address_private), unless allow_private is set.
 *
 * Thread-safety: any number of threads at once; each borrows a handle with
 * its kept-alive connection. Fork: a child makes new connections and leaves
 * its parent's alone.
 */
struct csn_http;

struct csn_http_options {
	const char *ca_file;	/* PEM, instead of the system's; or NULL */
	/* Connect to this unix socket, whatever the URL's host; or NULL. */
	const char *unix_path;
	const char *token;	/* bearer token, copied; NULL for none */
	uint32_t timeout_ms;	/* of a whole request; 0 for 10,000 */
	uint32_t connect_ms;	/* of the connection in it; 0 for 3,000 */
	int allow_private;
	/* Send the token over http:// to hosts other than this machine. */
	int token_in_clear;
};

#define CSN_HTTP_MAX_HEADERS 12		/* that a request may add */
#define CSN_HTTP_MAX_ANSWER_HEADERS 65536	/* bytes */

struct csn_http_request {
	const char *method;	/* GET, HEAD, PUT, POST, DELETE… */
	/* Behind the client's URL: empty, or from '/' or '?', encoded. */
	const char *target;
	const char *const *headers;	/* "Name: value", NULL at the end */
	const void *body;
	size_t body_len;
	/*
	 * Where the body of a 2xx answer goes. NULL, and every other
	 * status's: into res->body, which has at most max bytes.
	 */
	uint8_t *into;
	size_t into_cap;
	size_t max;
	uint32_t timeout_ms;	/* 0 for the client's */
	/* Not 0 ends it, with CSN_E_CANCELLED; asked each second. NULL: never.
	    */
	int (*stopped)(void *arg);
	void *stopped_arg;
};

struct csn_http_response {
	int status;
	uint8_t *body;		/* a NUL is behind it; NULL with into */
	size_t len;		/* of body, or in into */
	char *headers;		/* of the last answer, as they came */
	size_t headers_len;
	/* Also on error: 0 where the request cannot have reached a server. */
	int reached;
};

/**
 * Make a client for url: http or https, a host, perhaps a port and a path
 * that every request's target is appended to; no user, no fragment.
 * CSN_E_ARG, CSN_E_NOMEM, CSN_E_UNKNOWN_BACKEND.
 */
CSN_MUST_CHECK int csn_http_new(struct csn_ctx *ctx, const char *url,
    const struct csn_http_options *options, struct csn_http **out);
void csn_http_free(struct csn_http *http);	/* wipes the token */

/** "host:port", for sentences. */
const char *csn_http_where(const struct csn_http *http);

/**
 * Send req and wait for the answer, whatever its status. res is filled, and
 * freed by csn_http_response_free(), also on error.
 *
 * CSN_E_BUFFER: a 2xx body is larger than into_cap, and res->len is its
 * length. CSN_E_BACKEND: no connection, no or half an answer in time, one
 * that drips once it has begun (before, a server may be silent), is past max
 * or has contradictory lengths, a certificate that does not verify.
 * CSN_E_POLICY: the address guard, or a token in the clear.
 * CSN_E_CANCELLED: req->stopped. CSN_E_ARG, CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_http_send(struct csn_http *http,
    const struct csn_http_request *req, struct csn_http_response *res);
void csn_http_response_free(struct csn_http_response *res);

/**
 * The value of a header (name in any case), without the spaces around it.
 * NULL where it is absent; the first where there are several.
 */
const char *csn_http_header(const struct csn_http_response *res,
    const char *name, size_t *len);

/*
 * What the client checks of the headers of one answer, '\n' at the end of
 * each line: 0, or a sentence where lengths contradict each other or are no
 * numbers, or a coding was not asked for. *length is -1 where none is given.
 */
const char *csn_http_headers_check(const char *headers, size_t len,
    int64_t *length);

/**
 * NULL for a public address that may be connected to; else what kind of
 * address it is: "loopback", "link-local", "private (RFC 1918)", "carrier-
 * grade NAT", "multicast", "unspecified"… IPv4 inside IPv6 (mapped, NAT64,
 * 6to4) is judged as the IPv4 address; what is neither family is "not IP".
 */
const char *csn_http_address_private(const struct sockaddr *addr);

/* 1 for a loopback address, IPv4 inside IPv6 included. */
int csn_http_address_loopback(const struct sockaddr *addr);

#endif
