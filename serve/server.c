/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/server.c - requests in, answers out, and nobody for long.
 *
 * libmicrohttpd has a thread for each connection, which calls the handlers.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>

#include "serve.h"

#define PER_CONNECTION 32768	/* bytes, of headers and what is sent */

/* A connection that is open, so that it can be ended. */
struct client {
	int used;
	int fd;
	int busy;		/* its answer is being made */
	uint64_t since_ns;	/* that we wait for it */
};

struct serve {
	struct serve_options o;
	struct MHD_Daemon *daemon;
	pthread_mutex_t lock;	/* all below */
	struct client clients[];
};

struct request {
	uint64_t start_ns;
	int too_long;
	size_t len;
	uint8_t body[];
};

/* --- answers ------------------------------------------------------------ */

void
serve_json(struct serve_reply *reply, unsigned status, json_t *o)
{
	reply->status = status;
	reply->type = "application/json";
	reply->body = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
	reply->len = reply->body != NULL ? strlen(reply->body) : 0;
	reply->free_body = free;
	json_decref(o);
}

void
serve_error(struct serve_reply *reply, unsigned status, int code,
    uint64_t retry_s, const char *message)
{
	reply->code = code;
	reply->retry_s = retry_s;
	serve_json(reply, status, json_pack("{s:s, s:s}", "error",
	    csn_error_name(code), "message", message != NULL ? message :
	    csn_error_text(code)));
}

/* "GET, POST" of path, or "GET /v1/a, POST /v1/b" of all where it is NULL. */
static void
list_routes(const struct serve_route *r, const char *path, char *out,
    size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (; r->method != NULL && at < size; r++)
		if (path == NULL || strcmp(path, r->path) == 0)
			at += (size_t)snprintf(out + at, size - at,
			    "%s%s%s%s", at > 0 ? ", " : "", r->method,
			    path == NULL ? " " : "", path == NULL ? r->path :
			    "");
}

/* A reply without a body, for lack of memory, ends the connection. */
static enum MHD_Result
send_it(const struct serve *s, struct MHD_Connection *c, const char *path,
    struct serve_reply *reply)
{
	struct MHD_Response *response = NULL;
	char retry[21], allow[64];
	enum MHD_Result ok;

	if (reply->body != NULL)
		response = MHD_create_response_from_buffer_with_free_callback(
		    reply->len, reply->body, reply->free_body);
	if (response == NULL) {
		if (reply->body != NULL && reply->free_body != NULL)
			reply->free_body(reply->body);
		return MHD_NO;
	}
	(void)MHD_add_response_header(response, "Content-Type", reply->type);
	(void)MHD_add_response_header(response, "Cache-Control", "no-store");
	(void)MHD_add_response_header(response, "Connection", "close");
	if (reply->retry_s != 0) {
		snprintf(retry, sizeof(retry), "%llu",
		    (unsigned long long)reply->retry_s);
		(void)MHD_add_response_header(response, "Retry-After",
		    retry);
	}
	if (reply->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
		list_routes(s->o.routes, path, allow, sizeof(allow));
		(void)MHD_add_response_header(response, "Allow", allow);
	}
	ok = MHD_queue_response(c, reply->status, response);
	MHD_destroy_response(response);
	return ok;
}

static void
set_busy(struct serve *s, struct MHD_Connection *c, int busy)
{
	const union MHD_ConnectionInfo *info;
	struct client *client;

	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	client = info != NULL ? info->socket_context : NULL;
	if (client == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	client->busy = busy;
	client->since_ns = serve_now_ns();
	pthread_mutex_unlock(&s->lock);
}

static enum MHD_Result
answer(struct serve *s, struct MHD_Connection *c, const char *path,
    const char *method, const struct request *r)
{
	const struct serve_request request = { .method = method,
	    .path = path, .body = r->body, .len = r->len,
	    .start_ns = r->start_ns };
	struct serve_reply reply = { .status = MHD_HTTP_NOT_FOUND };
	const struct serve_route *route;
	char there[192], message[224];
	int known = 0;

	for (route = s->o.routes; route->method != NULL; route++) {
		if (strcmp(route->path, path) != 0)
			continue;
		known = 1;
		if (strcmp(route->method, method) == 0)
			break;
	}
	list_routes(s->o.routes, NULL, there, sizeof(there));
	snprintf(message, sizeof(message), "there is %s", there);
	if (r->too_long) {
		serve_error(&reply, MHD_HTTP_CONTENT_TOO_LARGE, CSN_E_LIMIT,
		    0, "a request is far shorter than that");
	} else if (route->method != NULL) {
		set_busy(s, c, 1);
		route->answer(s->o.arg, &request, &reply);
		set_busy(s, c, 0);
	} else {
		serve_error(&reply, known ? MHD_HTTP_METHOD_NOT_ALLOWED :
		    MHD_HTTP_NOT_FOUND, known ? CSN_E_ARG : CSN_E_NOT_FOUND,
		    0, message);
	}
	if (s->o.log != NULL)
		s->o.log(s->o.arg, &request, &reply);
	return send_it(s, c, path, &reply);
}

/* --- requests ----------------------------------------------------------- */

static int
says_too_long(const struct serve *s, struct MHD_Connection *c)
{
	const char *text = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Content-Length");

	return text != NULL && strtoull(text, NULL, 10) > s->o.max_body;
}

static enum MHD_Result
handle(void *arg, struct MHD_Connection *c, const char *path,
    const char *method, const char *version, const char *upload,
    size_t *upload_len, void **state)
{
	struct serve *s = arg;
	struct request *r = *state;

	(void)version;
	if (r == NULL) {
		if ((r = calloc(1, sizeof(*r) + s->o.max_body)) == NULL)
			return MHD_NO;
		*state = r;
		r->start_ns = serve_now_ns();
		r->too_long = says_too_long(s, c);
		/* What is too long is not even read. */
		return r->too_long ? answer(s, c, path, method, r) : MHD_YES;
	}
	if (*upload_len == 0)
		return answer(s, c, path, method, r);
	if (*upload_len > s->o.max_body - r->len) {
		r->too_long = 1;
	} else {
		memcpy(r->body + r->len, upload, *upload_len);
		r->len += *upload_len;
	}
	*upload_len = 0;
	return MHD_YES;
}

/* A path is what was written: "/a%00b" is not "/a", nor "/%61". */
static size_t
as_written(void *arg, struct MHD_Connection *c, char *text)
{
	(void)arg;
	(void)c;
	return strlen(text);
}

static void
done(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode why)
{
	(void)arg;
	(void)c;
	(void)why;
	free(*state);
	*state = NULL;
}

/* --- connections -------------------------------------------------------- */

static void
connection(void *arg, struct MHD_Connection *c, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct serve *s = arg;
	struct client *client = *context;
	size_t i;

	pthread_mutex_lock(&s->lock);
	if (what == MHD_CONNECTION_NOTIFY_CLOSED && client != NULL) {
		client->used = 0;
	} else if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(c,
		    MHD_CONNECTION_INFO_CONNECTION_FD);
		for (i = 0; info != NULL && i < s->o.connections; i++) {
			if (s->clients[i].used)
				continue;
			s->clients[i].used = 1;
			s->clients[i].busy = 0;
			s->clients[i].fd = info->connect_fd;
			s->clients[i].since_ns = serve_now_ns();
			*context = &s->clients[i];
			break;
		}
	}
	pthread_mutex_unlock(&s->lock);
}

/* A byte now and then keeps no connection: each has its time as a whole. */
static void
end_slow_ones(struct serve *s)
{
	uint64_t now = serve_now_ns();
	size_t i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < s->o.connections; i++)
		if (s->clients[i].used && !s->clients[i].busy &&
		    now - s->clients[i].since_ns > s->o.patience_ns)
			(void)shutdown(s->clients[i].fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
}

/* --- the server --------------------------------------------------------- */

int
serve_has_tls(void)
{
	return MHD_is_feature_supported(MHD_FEATURE_TLS) == MHD_YES;
}

int
serve_start(const struct serve_options *options, struct serve_place *place,
    struct serve **out)
{
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
	    MHD_USE_THREAD_PER_CONNECTION;
	struct MHD_OptionItem secure[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0,
		    (void *)(uintptr_t)options->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0,
		    (void *)(uintptr_t)options->key },
		{ MHD_OPTION_END, 0, NULL }
	};
	struct serve *s;
	sigset_t set, before;

	s = calloc(1, sizeof(*s) + options->connections *
	    sizeof(s->clients[0]));
	if (s == NULL)
		return CSN_E_NOMEM;
	s->o = *options;
	(void)pthread_mutex_init(&s->lock, NULL);
	if (options->cert != NULL)
		flags |= MHD_USE_TLS;
	else
		secure[0].option = MHD_OPTION_END;
	/* Signals are the caller's. */
	sigfillset(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, &before);
	s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, s,
	    MHD_OPTION_LISTEN_SOCKET, place->fd,
	    MHD_OPTION_CONNECTION_LIMIT, options->connections,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, options->per_address,
	    MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)(options->patience_ns / 1000000000) + 1,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)PER_CONNECTION,
	    MHD_OPTION_UNESCAPE_CALLBACK, as_written, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, done, NULL,
	    MHD_OPTION_NOTIFY_CONNECTION, connection, s,
	    MHD_OPTION_ARRAY, secure, MHD_OPTION_END);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (s->daemon == NULL) {
		serve_stop(s);
		return CSN_E_IO;
	}
	/* libmicrohttpd closes it from here on. */
	place->fd = -1;
	*out = s;
	return 0;
}

int
serve_run(struct serve *s, int (*stop)(void *arg), void *arg)
{
	int rc;

	while ((rc = stop(arg)) == 0) {
		(void)poll(NULL, 0, 100);
		end_slow_ones(s);
	}
	return rc;
}

void
serve_stop(struct serve *s)
{
	if (s == NULL)
		return;
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}
