/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/blob_server.c - any store behind HTTP: the server's side of
 * docs/wire/http-store.md, on GNU libmicrohttpd.
 *
 *   blob_server [--listen ADDRESS:PORT] [--store URL] [--token-file FILE]
 *               [--max BYTES] [--threads N]
 *
 * It keeps sealed values in RAM (or in the store of that URL), gives them to
 * whoever shows the token, and can read none of them. Port 0 is a free one;
 * the first line on standard output says where it listens. In earnest, put a
 * web server that speaks TLS in front of it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include <caisson/caisson.h>

#include "blob_name.h"

#define PAGE 1000

struct server {
	struct csn_ctx *ctx;
	struct csn_store *store;
	char *authorization;	/* the header that is wanted; NULL: none */
	size_t max;
};

/* A request while its body comes in. */
struct upload {
	uint8_t *p;
	size_t len;
	size_t cap;
	int too_large;
	int no_memory;
};

/* --- Answers -------------------------------------------------------------- */

/* Send res, which is used up. etag and ttl_ms where they are not NULL and 0. */
static enum MHD_Result
answer(struct MHD_Connection *c, unsigned status, struct MHD_Response *res,
    const char *etag, uint64_t ttl_ms)
{
	enum MHD_Result done;
	char ttl[32];

	if (res == NULL)
		return MHD_NO;
	done = MHD_add_response_header(res, "Caisson-Store", "1");
	if (etag != NULL)
		done &= MHD_add_response_header(res, "ETag", etag);
	if (ttl_ms > 0) {
		(void)snprintf(ttl, sizeof(ttl), "%llu",
		    (unsigned long long)ttl_ms);
		done &= MHD_add_response_header(res, "Caisson-TTL", ttl);
	}
	if (status == 401)
		done &= MHD_add_response_header(res, "WWW-Authenticate",
		    "Bearer");
	if (done == MHD_YES)
		done = MHD_queue_response(c, status, res);
	MHD_destroy_response(res);
	return done;
}

static enum MHD_Result
plain(struct MHD_Connection *c, unsigned status)
{
	return answer(c, status, MHD_create_response_from_buffer(0,
	    (void *)(uintptr_t)"", MHD_RESPMEM_PERSISTENT), NULL, 0);
}

static enum MHD_Result
failed(struct MHD_Connection *c, int rc)
{
	switch (rc) {
	case CSN_E_ARG: case CSN_E_FORM: return plain(c, 400);
	case CSN_E_NOT_FOUND: return plain(c, 404);
	case CSN_E_EXISTS: return plain(c, 412);
	case CSN_E_LIMIT: return plain(c, 413);
	case CSN_E_QUOTA: case CSN_E_NOMEM: return plain(c, 507);
	case CSN_E_BACKEND: return plain(c, 502);
	default: return plain(c, 500);
	}
}

/* text is malloc'ed and used up; NULL where memory failed. */
static enum MHD_Result
json(struct MHD_Connection *c, char *text)
{
	struct MHD_Response *res;

	if (text == NULL)
		return plain(c, 507);
	res = MHD_create_response_from_buffer(strlen(text), text,
	    MHD_RESPMEM_MUST_FREE);
	if (res == NULL)
		free(text);
	else
		(void)MHD_add_response_header(res, "Content-Type",
		    "application/json");
	return answer(c, 200, res, NULL, 0);
}

/* --- Values --------------------------------------------------------------- */

/* The hash of the bytes is a version, and the same on every server. */
static int
make_etag(struct server *s, const uint8_t *p, size_t len,
    char etag[2 * CSN_HASH_SIZE + 3])
{
	uint8_t hash[CSN_HASH_SIZE];
	size_t i;
	int rc;

	if ((rc = csn_sha3_256(s->ctx, p, len, hash)) != 0)
		return rc;
	etag[0] = '"';
	for (i = 0; i < CSN_HASH_SIZE; i++)
		(void)snprintf(etag + 1 + 2 * i, 3, "%02x", hash[i]);
	(void)snprintf(etag + 1 + 2 * CSN_HASH_SIZE, 2, "\"");
	return 0;
}

/* The value, malloc'ed, and what is left of its time, of one moment. */
static int
fetch(struct server *s, const struct blob_name *n, uint8_t **p, size_t *len,
    uint64_t *ttl_ms)
{
	uint8_t *grown;
	int rc, tries = 0;

	*p = NULL;
	*len = 4096;
	do {
		if ((grown = realloc(*p, *len + 1)) == NULL) {
			rc = CSN_E_NOMEM;
			break;
		}
		*p = grown;
		rc = csn_store_get_for(s->store, n->space, n->space_len,
		    n->key, n->key_len, *p, len, ttl_ms);
	} while (rc == CSN_E_BUFFER && ++tries < 8);
	/* Where the store does not tell them together: soon after. */
	if (rc == 0 && *ttl_ms == CSN_STORE_TTL_UNKNOWN)
		rc = csn_store_ttl(s->store, n->space, n->space_len, n->key,
		    n->key_len, ttl_ms);
	if (rc != 0) {
		free(*p);
		*p = NULL;
	}
	return rc;
}

static enum MHD_Result
get_value(struct server *s, struct MHD_Connection *c,
    const struct blob_name *n)
{
	char etag[2 * CSN_HASH_SIZE + 3];
	struct MHD_Response *res;
	uint64_t ttl_ms = 0;
	uint8_t *p;
	size_t len;
	int rc;

	if ((rc = fetch(s, n, &p, &len, &ttl_ms)) != 0)
		return failed(c, rc);
	if ((rc = make_etag(s, p, len, etag)) != 0) {
		free(p);
		return failed(c, rc);
	}
	res = MHD_create_response_from_buffer(len, p, MHD_RESPMEM_MUST_FREE);
	if (res == NULL)
		free(p);
	else
		(void)MHD_add_response_header(res, "Content-Type",
		    "application/octet-stream");
	return answer(c, 200, res, etag, ttl_ms);
}

static enum MHD_Result
put_value(struct server *s, struct MHD_Connection *c,
    const struct blob_name *n, const struct upload *up)
{
	const char *ttl, *none;
	uint64_t ttl_ms = 0;
	int rc;

	ttl = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Caisson-TTL");
	none = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "If-None-Match");
	if ((ttl != NULL && (blob_number(ttl, &ttl_ms) != 0 ||
	    ttl_ms == 0)) || (none != NULL && strcmp(none, "*") != 0))
		return plain(c, 400);
	if (none != NULL)
		rc = csn_store_add_for(s->store, n->space, n->space_len,
		    n->key, n->key_len, up->p, up->len, ttl_ms);
	else
		rc = csn_store_put_for(s->store, n->space, n->space_len,
		    n->key, n->key_len, up->p, up->len, ttl_ms);
	return rc == 0 ? plain(c, 201) : failed(c, rc);
}

/* Only where it still is the version that the client saw. */
static int
remove_version(struct server *s, const struct blob_name *n,
    const char *version)
{
	char etag[2 * CSN_HASH_SIZE + 3];
	struct csn_store_buf buf;
	int rc;

	if ((rc = csn_store_borrow(s->store, n->space, n->space_len, n->key,
	    n->key_len, &buf)) != 0)
		return rc;
	if ((rc = make_etag(s, buf.p, buf.len, etag)) == 0) {
		rc = CSN_E_EXISTS;
		if (strcmp(etag, version) == 0 &&
		    (rc = csn_store_remove_if(s->store, n->space,
		    n->space_len, n->key, n->key_len, buf.p, buf.len)) ==
		    CSN_E_NOT_FOUND)
			rc = CSN_E_EXISTS;
	}
	csn_store_release(s->store, &buf);
	return rc;
}

static enum MHD_Result
delete_value(struct server *s, struct MHD_Connection *c,
    const struct blob_name *n)
{
	const char *version;
	int rc;

	version = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "If-Match");
	rc = version != NULL ? remove_version(s, n, version) :
	    csn_store_remove(s->store, n->space, n->space_len, n->key,
	    n->key_len);
	return rc == 0 ? plain(c, 204) : failed(c, rc);
}

/* --- Spaces --------------------------------------------------------------- */

static enum MHD_Result
list_space(struct server *s, struct MHD_Connection *c,
    const struct blob_name *n)
{
	const char *limit, *after;
	uint64_t most = PAGE;
	char *text = NULL;
	int rc;

	limit = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND,
	    "limit");
	after = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND,
	    "after");
	if (limit != NULL && (blob_number(limit, &most) != 0 || most == 0))
		return plain(c, 400);
	rc = blob_page(s->store, n, after, most < PAGE ? (size_t)most : PAGE,
	    &text);
	return rc == 0 ? json(c, text) : failed(c, rc);
}

static enum MHD_Result
statistics(struct server *s, struct MHD_Connection *c,
    const struct blob_name *n)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	char *text = NULL;
	int rc;

	rc = csn_store_stat(s->store, n == NULL ? NULL : n->space,
	    n == NULL ? 0 : n->space_len, &st);
	if (rc != 0)
		return failed(c, rc);
	if (asprintf(&text, "{\"entries\":%llu,\"bytes\":%llu,"
	    "\"memory\":%llu,\"limit\":%llu,\"evictions\":%llu}",
	    (unsigned long long)st.entries, (unsigned long long)st.bytes,
	    (unsigned long long)st.memory, (unsigned long long)st.limit,
	    (unsigned long long)st.evictions) < 0)
		text = NULL;
	return json(c, text);
}

/* --- Requests ------------------------------------------------------------- */

static enum MHD_Result
dispatch(struct server *s, struct MHD_Connection *c, const char *url,
    const char *method, const struct upload *up)
{
	struct blob_name n;
	int rc;

	if (strcmp(url, "/v1/stat") == 0)
		return strcmp(method, "GET") == 0 ? statistics(s, c, NULL) :
		    plain(c, 405);
	if (strncmp(url, "/v1/stat/", 9) == 0) {
		rc = blob_name_parse(url + 9, &n);
		if (rc != 0 || n.key_len > 0)
			return plain(c, 400);
		return strcmp(method, "GET") == 0 ? statistics(s, c, &n) :
		    plain(c, 405);
	}
	if (strncmp(url, "/v1/blobs/", 10) != 0)
		return plain(c, 404);
	if (blob_name_parse(url + 10, &n) != 0)
		return plain(c, 400);
	if (n.key_len == 0 && strcmp(method, "GET") == 0)
		return list_space(s, c, &n);
	if (n.key_len == 0 && strcmp(method, "DELETE") == 0) {
		rc = csn_store_drop(s->store, n.space, n.space_len);
		return rc == 0 ? plain(c, 204) : failed(c, rc);
	}
	if (n.key_len == 0)
		return plain(c, 405);
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return get_value(s, c, &n);
	if (strcmp(method, "PUT") == 0)
		return put_value(s, c, &n, up);
	if (strcmp(method, "DELETE") == 0)
		return delete_value(s, c, &n);
	return plain(c, 405);
}

static int
has_token(const struct server *s, struct MHD_Connection *c)
{
	const char *shown;

	if (s->authorization == NULL)
		return 1;
	shown = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Authorization");
	return shown != NULL && strlen(shown) == strlen(s->authorization) &&
	    csn_equal(shown, s->authorization, strlen(shown));
}

static void
take_more(const struct server *s, struct upload *up, const char *p,
    size_t len)
{
	uint8_t *more;
	size_t cap;

	if (len > s->max - up->len)
		up->too_large = 1;
	if (up->too_large || up->no_memory)
		return;
	if (up->len + len > up->cap) {
		cap = 2 * (up->len + len);
		if ((more = realloc(up->p, cap)) == NULL) {
			up->no_memory = 1;
			return;
		}
		up->p = more;
		up->cap = cap;
	}
	memcpy(up->p + up->len, p, len);
	up->len += len;
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data,
    size_t *data_len, void **state)
{
	struct server *s = arg;
	struct upload *up = *state;
	const char *announced;
	uint64_t len;

	(void)version;
	if (up == NULL) {
		if (!has_token(s, c))
			return plain(c, 401);
		announced = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
		    "Content-Length");
		if (announced != NULL && (blob_number(announced, &len) != 0 ||
		    len > s->max))
			return plain(c, 413);
		*state = calloc(1, sizeof(*up));
		return *state == NULL ? plain(c, 507) : MHD_YES;
	}
	if (*data_len > 0) {
		take_more(s, up, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	if (up->too_large || up->no_memory)
		return plain(c, up->too_large ? 413 : 507);
	return dispatch(s, c, url, method, up);
}

static void
ended(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct upload *up = *state;

	(void)arg;
	(void)c;
	(void)why;
	if (up != NULL) {
		free(up->p);
		free(up);
	}
}

/* --- Start and end -------------------------------------------------------- */

static int
take_token(struct server *s, const char *path)
{
	char token[8192];
	FILE *f;
	int n;

	if ((f = fopen(path, "r")) == NULL)
		return -1;
	n = fscanf(f, "%8191s", token);
	(void)fclose(f);
	if (n != 1 || asprintf(&s->authorization, "Bearer %s", token) < 0)
		return -1;
	csn_wipe(token, sizeof(token));
	return 0;
}

static int
take_address(const char *text, struct sockaddr_in *out)
{
	char host[64];
	unsigned port;

	if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 || port > 65535 ||
	    inet_pton(AF_INET, host, &out->sin_addr) != 1)
		return -1;
	out->sin_family = AF_INET;
	out->sin_port = htons((uint16_t)port);
	return 0;
}

static int
usage(const char *why)
{
	(void)fprintf(stderr, "blob_server: %s\nusage: blob_server "
	    "[--listen ADDRESS:PORT] [--store URL]\n"
	    "    [--token-file FILE] [--max BYTES] [--threads N]\n", why);
	return 2;
}

/* Serve until a signal says it is enough. */
static int
serve(struct server *s, const struct sockaddr_in *at, unsigned threads)
{
	const union MHD_DaemonInfo *info;
	struct MHD_Daemon *d;
	char host[INET_ADDRSTRLEN];
	sigset_t enough;
	int sig;

	(void)sigemptyset(&enough);
	(void)sigaddset(&enough, SIGINT);
	(void)sigaddset(&enough, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &enough, NULL);
	d = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL,
	    handle, s, MHD_OPTION_SOCK_ADDR, at,
	    MHD_OPTION_THREAD_POOL_SIZE, threads,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)131072,
	    MHD_OPTION_CONNECTION_TIMEOUT, 60u,
	    MHD_OPTION_NOTIFY_COMPLETED, ended, NULL, MHD_OPTION_END);
	if (d == NULL) {
		(void)fprintf(stderr, "blob_server: no daemon: is the port "
		    "in use?\n");
		return 1;
	}
	info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);
	(void)printf("http://%s:%u\n", inet_ntop(AF_INET, &at->sin_addr,
	    host, sizeof(host)), info == NULL ? 0 : info->port);
	(void)fflush(stdout);
	(void)sigwait(&enough, &sig);
	MHD_stop_daemon(d);
	return 0;
}

int
main(int argc, char **argv)
{
	struct server s = { .max = 64u << 20 };
	const char *url = "memory:?bytes=1G", *value;
	struct sockaddr_in at = { 0 };
	unsigned threads = 4;
	uint64_t n;
	int i, rc;

	(void)take_address("127.0.0.1:8090", &at);
	for (i = 1; i < argc; i += 2) {
		if ((value = argv[i + 1]) == NULL)
			return usage("an option lacks its value");
		if (strcmp(argv[i], "--listen") == 0) {
			if (take_address(value, &at) != 0)
				return usage("--listen 127.0.0.1:8090");
		} else if (strcmp(argv[i], "--store") == 0) {
			url = value;
		} else if (strcmp(argv[i], "--token-file") == 0) {
			if (take_token(&s, value) != 0)
				return usage("no token in that file");
		} else if (strcmp(argv[i], "--max") == 0) {
			if (blob_number(value, &n) != 0)
				return usage("--max takes bytes");
			s.max = (size_t)n;
		} else if (strcmp(argv[i], "--threads") == 0) {
			if (blob_number(value, &n) != 0 || n < 2 || n > 64)
				return usage("--threads takes 2 to 64");
			threads = (unsigned)n;
		} else {
			return usage("there is no such option");
		}
	}
	rc = csn_ctx_new(NULL, &s.ctx);
	if (rc == 0)
		rc = csn_store_open(s.ctx, url, &s.store);
	if (rc != 0) {
		(void)fprintf(stderr, "blob_server: %s\n",
		    csn_message());
		rc = 1;
	} else {
		rc = serve(&s, &at, threads);
	}
	csn_store_close(s.store);
	csn_ctx_free(s.ctx);
	free(s.authorization);
	return rc;
}
