/* SPDX-License-Identifier: Apache-2.0 */
/* net/http_exchange.c - one request and its answer. */
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "net/http_exchange.h"

/*
 * Slower than this for so long is a server that drips, once it answers: until
 * then it may have work to do, for as long as the whole time allows.
 */
#define SLOW_BYTES_PER_S 64
#define SLOW_SECONDS 5
#define BUFFER 131072L		/* of libcurl's, each way */
/*
 * An answer too large for its buffer is read to its end where it is small:
 * that costs less than another connection.
 */
#define DRAIN 65536
/* Believed of a Content-Length before the bytes come. */
#define AHEAD ((size_t)64 << 20)

struct exchange {
	struct csn_http *http;
	CURL *easy;
	const struct csn_http_request *req;
	struct csn_http_response *res;
	const char *refused;	/* the guard: what kind of address */
	int clear_token;	/* the guard: the token would be seen */
	const char *lie;	/* a sentence about the answer */
	int64_t length;		/* Content-Length, or -1 */
	int started;		/* the headers were looked at */
	int into;		/* the body goes into req->into */
	int rc;			/* of a callback */
	uint64_t window_ms;	/* when its bytes were counted last, or 0 */
	curl_off_t window_bytes;
	int drips;
	int stopped;
	size_t headers_cap;
	size_t body_cap;
};

/* --- What libcurl calls --------------------------------------------------- */

/* The one place where a connection begins: here its address is known. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
	struct exchange *x = arg;
	const char *kind;

	(void)purpose;
	/* That of unix_path, which the caller named: it leads nowhere else. */
	if (addr->family == AF_UNIX && x->http->unix_path != NULL)
		return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	kind = csn_http_address_private(&addr->addr);
	if (kind != NULL && !x->http->allow_private) {
		x->refused = kind;
		return CURL_SOCKET_BAD;
	}
	if (x->http->guard_token && !csn_http_address_loopback(&addr->addr)) {
		x->clear_token = 1;
		return CURL_SOCKET_BAD;
	}
	return socket(addr->family, addr->socktype | SOCK_CLOEXEC,
	    addr->protocol);
}

static size_t
take_header(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	struct csn_http_response *res = x->res;
	char *more;

	(void)size;		/* always 1 */
	/* Trailers, behind the body, say nothing that we listen to. */
	if (x->started)
		return n;
	/* An interim answer (1xx) came before: the last one counts. */
	if (n >= 5 && strncasecmp(p, "HTTP/", 5) == 0)
		res->headers_len = 0;
	if (n > CSN_HTTP_MAX_ANSWER_HEADERS - res->headers_len) {
		x->lie = "its headers are too large";
		x->rc = CSN_E_BACKEND;
		return 0;
	}
	if (res->headers_len + n + 1 > x->headers_cap) {
		x->headers_cap = 2 * (res->headers_len + n + 512);
		more = csn_realloc(res->headers, x->headers_cap, 1);
		if (more == NULL) {
			x->rc = CSN_E_NOMEM;
			return 0;
		}
		res->headers = more;
	}
	memcpy(res->headers + res->headers_len, p, n);
	res->headers_len += n;
	res->headers[res->headers_len] = '\0';
	return n;
}

/* Now and then, at least each second: not 0 ends the exchange. */
static int
look(void *arg, curl_off_t total, curl_off_t got, curl_off_t to_send,
    curl_off_t sent)
{
	struct exchange *x = arg;
	uint64_t now;

	(void)total;
	(void)to_send;
	(void)sent;
	if (x->req->stopped != NULL &&
	    x->req->stopped(x->req->stopped_arg) != 0)
		return x->stopped = 1;
	if (x->res->headers_len == 0)
		return 0;
	got += (curl_off_t)x->res->headers_len;
	now = csn_now_ms();
	if (x->window_ms != 0 && now - x->window_ms < SLOW_SECONDS * 1000)
		return 0;
	x->drips = x->window_ms != 0 && got - x->window_bytes <
	    SLOW_SECONDS * SLOW_BYTES_PER_S;
	x->window_ms = now;
	x->window_bytes = got;
	return x->drips;
}

/* The headers are whole. May the body come, and where to? */
static int
start(struct exchange *x)
{
	size_t limit;
	long status = 0;

	x->started = 1;
	(void)x->http->curl->getinfo(x->easy, CURLINFO_RESPONSE_CODE,
	    &status);
	x->res->status = (int)status;
	x->into = x->req->into != NULL && status >= 200 && status < 300;
	limit = x->req->max;
	if (x->into && limit < x->req->into_cap)
		limit = x->req->into_cap;
	x->lie = csn_http_headers_check(x->res->headers, x->res->headers_len,
	    &x->length);
	if (x->lie == NULL && x->length > 0 &&
	    strcmp(x->req->method, "HEAD") != 0 &&
	    (uint64_t)x->length > limit)
		x->lie = "it is larger than the limit";
	if (x->lie != NULL)
		return CSN_E_BACKEND;
	if (x->into && x->length >= 0 &&
	    (uint64_t)x->length > x->req->into_cap) {
		x->res->len = (size_t)x->length;
		return CSN_E_BUFFER;
	}
	return 0;
}

/* Put n bytes into the caller's buffer, or only count them. */
static int
fill(struct exchange *x, const char *p, size_t n)
{
	struct csn_http_response *res = x->res;
	size_t limit = x->req->max;

	if (limit < x->req->into_cap)
		limit = x->req->into_cap;
	if (n > limit - res->len) {
		x->lie = "it is larger than the limit";
		return CSN_E_BACKEND;
	}
	if (n <= x->req->into_cap && res->len <= x->req->into_cap - n)
		memcpy(x->req->into + res->len, p, n);
	res->len += n;
	return 0;
}

static int
grow(struct exchange *x, const char *p, size_t n)
{
	struct csn_http_response *res = x->res;
	size_t cap = x->body_cap;
	uint8_t *more;

	if (n > x->req->max - res->len) {
		x->lie = "it is larger than the limit";
		return CSN_E_BACKEND;
	}
	if (cap == 0 && x->length > 0)
		cap = (size_t)x->length < AHEAD ? (size_t)x->length : AHEAD;
	while (cap < res->len + n)
		cap = 2 * (res->len + n);
	if (cap > x->body_cap) {
		if ((more = csn_realloc(res->body, cap + 1, 1)) == NULL)
			return CSN_E_NOMEM;
		res->body = more;
		x->body_cap = cap;
	}
	memcpy(res->body + res->len, p, n);
	res->len += n;
	res->body[res->len] = 0;
	return 0;
}

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;

	(void)size;		/* always 1 */
	if (!x->started)
		x->rc = start(x);
	if (x->rc == CSN_E_BUFFER && x->length <= DRAIN)
		return n;
	if (x->rc == 0)
		x->rc = x->into ? fill(x, p, n) : grow(x, p, n);
	return x->rc == 0 ? n : 0;
}

/* --- What went wrong ------------------------------------------------------ */

static int
fail_connect(struct exchange *x)
{
	struct csn_http *http = x->http;
	long errnum = 0;

	if (x->refused != NULL)
		return csn_fail(http->ctx, CSN_E_POLICY, "net", "%s: its "
		    "address is %s, and a URL leads to public addresses only "
		    "unless allow-private=1 is given for it", http->where,
		    x->refused);
	if (x->clear_token)
		return csn_fail(http->ctx, CSN_E_POLICY, "net", "%s: the "
		    "token would cross the network in the clear; use https, "
		    "or give token-in-clear=1", http->where);
	(void)http->curl->getinfo(x->easy, CURLINFO_OS_ERRNO, &errnum);
	if (errnum != 0)
		return csn_fail_errno(http->ctx, CSN_E_BACKEND, "net",
		    (int)errnum, "%s cannot be connected to", http->where);
	return csn_fail(http->ctx, CSN_E_BACKEND, "net",
	    "%s cannot be connected to", http->where);
}

static int
fail_time(struct exchange *x, uint32_t timeout_ms)
{
	struct csn_http *http = x->http;
	curl_off_t began = 0;

	/* How long until the request could be written; 0: it never was. */
	(void)http->curl->getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T,
	    &began);
	if (began == 0) {
		x->res->reached = 0;
		return csn_fail(http->ctx, CSN_E_BACKEND, "net", "%s: no "
		    "connection within %u ms; is it up, and is a firewall "
		    "between?", http->where, (unsigned)(http->connect_ms <
		    timeout_ms ? http->connect_ms : timeout_ms));
	}
	return csn_fail(http->ctx, CSN_E_BACKEND, "net", "%s: no %sanswer "
	    "within %u ms; is it overloaded, or the time (timeout) too short "
	    "for what it has to do?", http->where,
	    x->res->headers_len > 0 ? "whole " : "", (unsigned)timeout_ms);
}

static int
fail_transfer(struct exchange *x, CURLcode code, const char *detail,
    uint32_t timeout_ms)
{
	struct csn_http *http = x->http;

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		x->res->reached = 0;
		return csn_fail(http->ctx, CSN_E_BACKEND, "net", "%s: the "
		    "name cannot be resolved", http->where);
	case CURLE_COULDNT_CONNECT:
		x->res->reached = 0;
		return fail_connect(x);
	case CURLE_OPERATION_TIMEDOUT:
		return fail_time(x, timeout_ms);
	case CURLE_OUT_OF_MEMORY:
		return csn_nomem(http->ctx, "net", "a request to %s",
		    http->where);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		x->res->reached = 0;
		return csn_fail(http->ctx, CSN_E_BACKEND, "net", "%s: TLS "
		    "failed: %s", http->where, detail[0] != '\0' ? detail :
		    http->curl->strerror(code));
	case CURLE_PARTIAL_FILE:
		return csn_fail(http->ctx, CSN_E_BACKEND, "net", "%s ended "
		    "the connection in the middle of its answer",
		    http->where);
	case CURLE_GOT_NOTHING:
		return csn_fail(http->ctx, CSN_E_BACKEND, "net", "%s ended "
		    "the connection without an answer", http->where);
	default:
		return csn_fail(http->ctx, CSN_E_BACKEND, "net", "%s: %s",
		    http->where, http->curl->strerror(code));
	}
}

/* What a callback found is truer than what libcurl made of it. */
static int
judge(struct exchange *x, CURLcode code, const char *detail,
    uint32_t timeout_ms)
{
	struct csn_http *http = x->http;

	x->res->reached = 1;
	if (code == CURLE_OK && !x->started)
		x->rc = start(x);
	if (x->lie != NULL)
		return csn_fail(http->ctx, CSN_E_BACKEND, "net", "%s: the "
		    "answer cannot be used: %s", http->where, x->lie);
	if (x->stopped)
		return csn_fail(http->ctx, CSN_E_CANCELLED, "net",
		    "the request " "to %s was called off", http->where);
	if (x->drips)
		return csn_fail(http->ctx, CSN_E_BACKEND, "net", "%s began "
		    "to answer and sent less than %d bytes a second for %d "
		    "s", http->where, SLOW_BYTES_PER_S, SLOW_SECONDS);
	if (x->rc == CSN_E_NOMEM)
		return csn_nomem(http->ctx, "net", "the answer of %s",
		    http->where);
	if (code != CURLE_OK && x->rc != CSN_E_BUFFER)
		return fail_transfer(x, code, detail, timeout_ms);
	if (x->rc == CSN_E_BUFFER ||
	    (x->into && x->res->len > x->req->into_cap))
		return csn_fail(http->ctx, CSN_E_BUFFER, "net", "the value "
		    "has %zu bytes, the buffer %zu", x->res->len,
		    x->req->into_cap);
	return 0;
}

/* --- The request ---------------------------------------------------------- */

static int
set_method(const struct exchange *x)
{
	__typeof__(x->http->curl->setopt) set = x->http->curl->setopt;
	const struct csn_http_request *req = x->req;
	CURL *easy = x->easy;

	if (strcmp(req->method, "HEAD") == 0)
		return set(easy, CURLOPT_NOBODY, 1L) != CURLE_OK;
	if (strcmp(req->method, "GET") == 0)
		return set(easy, CURLOPT_HTTPGET, 1L) != CURLE_OK;
	if (set(easy, CURLOPT_CUSTOMREQUEST, req->method) != CURLE_OK)
		return 1;
	if (strcmp(req->method, "DELETE") == 0 && req->body_len == 0)
		return 0;
	/* Not copied, and rewound by itself where it is sent again. */
	return set(easy, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)req->body_len) != CURLE_OK ||
	    set(easy, CURLOPT_POSTFIELDS,
	    req->body_len > 0 ? req->body : "") != CURLE_OK;
}

static int
set_guards(const struct exchange *x)
{
	__typeof__(x->http->curl->setopt) set = x->http->curl->setopt;
	CURL *easy = x->easy;
	int bad = 0;

	bad |= set(easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK;
	bad |= set(easy, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK;
	/* Empty, not NULL: the environment's proxy is not taken either. */
	bad |= set(easy, CURLOPT_PROXY, "") != CURLE_OK;
	bad |= set(easy, CURLOPT_NOPROXY, "*") != CURLE_OK;
	bad |= set(easy, CURLOPT_PATH_AS_IS, 1L) != CURLE_OK;
	bad |= set(easy, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1) != CURLE_OK;
	bad |= set(easy, CURLOPT_SSL_VERIFYPEER, 1L) != CURLE_OK;
	bad |= set(easy, CURLOPT_SSL_VERIFYHOST, 2L) != CURLE_OK;
	bad |= set(easy, CURLOPT_SSLVERSION,
	    (long)CURL_SSLVERSION_TLSv1_2) != CURLE_OK;
	if (x->http->ca_file != NULL) {
		bad |= set(easy, CURLOPT_CAINFO, x->http->ca_file) !=
		    CURLE_OK;
		/* These alone: not the system's folder of them beside. */
		bad |= set(easy, CURLOPT_CAPATH, (char *)NULL) != CURLE_OK;
	}
	if (x->http->unix_path != NULL)
		bad |= set(easy, CURLOPT_UNIX_SOCKET_PATH,
		    x->http->unix_path) != CURLE_OK;
	bad |= set(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) !=
	    CURLE_OK;
	bad |= set(easy, CURLOPT_OPENSOCKETDATA, x) != CURLE_OK;
	return bad;
}

static int
set_rest(const struct exchange *x, const char *url, char *detail,
    uint32_t timeout_ms, struct curl_slist *headers)
{
	__typeof__(x->http->curl->setopt) set = x->http->curl->setopt;
	CURL *easy = x->easy;
	int bad = 0;

	bad |= set(easy, CURLOPT_URL, url) != CURLE_OK;
	bad |= set(easy, CURLOPT_HTTPHEADER, headers) != CURLE_OK;
	bad |= set(easy, CURLOPT_ERRORBUFFER, detail) != CURLE_OK;
	/* No signal handler, and no wait for a resolver that hangs. */
	bad |= set(easy, CURLOPT_NOSIGNAL, 1L) != CURLE_OK;
	bad |= set(easy, CURLOPT_QUICK_EXIT, 1L) != CURLE_OK;
	bad |= set(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms) != CURLE_OK;
	bad |= set(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)x->http->connect_ms) != CURLE_OK;
	bad |= set(easy, CURLOPT_NOPROGRESS, 0L) != CURLE_OK;
	bad |= set(easy, CURLOPT_XFERINFOFUNCTION, look) != CURLE_OK;
	bad |= set(easy, CURLOPT_XFERINFODATA, x) != CURLE_OK;
	bad |= set(easy, CURLOPT_BUFFERSIZE, BUFFER) != CURLE_OK;
	bad |= set(easy, CURLOPT_UPLOAD_BUFFERSIZE, BUFFER) != CURLE_OK;
	bad |= set(easy, CURLOPT_HEADERFUNCTION, take_header) != CURLE_OK;
	bad |= set(easy, CURLOPT_HEADERDATA, x) != CURLE_OK;
	bad |= set(easy, CURLOPT_WRITEFUNCTION, take_body) != CURLE_OK;
	bad |= set(easy, CURLOPT_WRITEDATA, x) != CURLE_OK;
	return bad;
}

int
csn_http_exchange(struct csn_http *http, CURL *easy, const char *url,
    const struct csn_http_request *req, struct csn_http_response *res)
{
	/* libcurl only reads the list, so its nodes may lie here. */
	struct curl_slist list[CSN_HTTP_MAX_HEADERS + 4];
	/* A body has the type that req gives it; no "100-continue". */
	static char expect[] = "Expect:", type[] = "Content-Type:";
	static char accept[] = "Accept:";
	struct exchange x = { .http = http, .easy = easy, .req = req,
	    .res = res, .length = -1 };
	char detail[CURL_ERROR_SIZE] = "";
	uint32_t timeout_ms;
	size_t i, n = 0;
	int typed = 0;
	CURLcode code;

	timeout_ms = req->timeout_ms != 0 ? req->timeout_ms :
	    http->timeout_ms;
	for (i = 0; req->headers != NULL && req->headers[i] != NULL; i++) {
		typed |= strncasecmp(req->headers[i], type,
		    sizeof(type) - 1) == 0;
		list[n++].data = (char *)(uintptr_t)req->headers[i];
	}
	list[n++].data = expect;
	list[n++].data = accept;
	if (!typed)
		list[n++].data = type;
	if (http->authorization != NULL)
		list[n++].data = http->authorization;
	for (i = 0; i < n; i++)
		list[i].next = i + 1 < n ? &list[i + 1] : NULL;

	http->curl->reset(easy);
	if (set_method(&x) != 0 || set_guards(&x) != 0 ||
	    set_rest(&x, url, detail, timeout_ms, list) != 0)
		return csn_fail(http->ctx, CSN_E_NOMEM, "net", "a request "
		    "to %s could not be set up: out of memory, or libcurl "
		    "was built without what it takes", http->where);
	code = http->curl->perform(easy);
	return judge(&x, code, detail, timeout_ms);
}
