/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/serve.h - a small HTTP/1.1 server for programs: what it answers is
 * handed in.
 *
 * It bounds what clients can take: connections in all and for one address, the
 * time to ask in and the time to take the answer in, the bytes of a request. A
 * connection carries one request. Functions return 0 or a CSN_E_* and leave a
 * sentence in why; nothing here prints, ends the program or takes its signals.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <stddef.h>
#include <stdint.h>

#include <caisson/error.h>
#include <jansson.h>

#define SERVE_WHY 256

/* --- where it listens (listen.c) ---------------------------------------- */

struct serve_place {
	int fd;			/* listening, or -1 */
	char *path;		/* of a unix socket, removed at the end */
	char *text;		/* "http://127.0.0.1:8411", "unix:/run/a" */
	int loopback;		/* nobody else can connect */
};

/**
 * Listen at "HOST:PORT", "[::1]:PORT" or "unix:PATH"; port 0 is any that is
 * free. tls says how the URL begins. CSN_E_ARG where the text is no such
 * place, CSN_E_IO where the system refuses it, CSN_E_NOMEM.
 */
int serve_listen(const char *where, int tls, struct serve_place *out,
    char why[SERVE_WHY]);
void serve_unlisten(struct serve_place *place);

/* --- a request and its answer ------------------------------------------- */

struct serve_request {
	const char *method;
	const char *path;	/* as it was written: %41 is no A */
	const uint8_t *body;
	size_t len;
	uint64_t start_ns;	/* when its first line was there */
};

struct serve_reply {
	unsigned status;	/* of HTTP */
	int code;		/* a CSN_E_*, for the log; 0: all is well */
	const char *type;	/* of the body */
	void *body;
	size_t len;
	void (*free_body)(void *body);
	uint64_t retry_s;	/* when to come again; 0: nothing is said */
};

/** Make o the body; its reference is given up. */
void serve_json(struct serve_reply *reply, unsigned status, json_t *o);
/**
 * {"error": the code's name, "message": message or what the code means}. What
 * went wrong here in detail is for the log, not for whoever asks.
 */
void serve_error(struct serve_reply *reply, unsigned status, int code,
    uint64_t retry_s, const char *message);

/* One thing that is answered; a table of them ends with a NULL method. */
struct serve_route {
	const char *method;
	const char *path;
	/* Called by the client's thread; its time stands still meanwhile. */
	void (*answer)(void *arg, const struct serve_request *request,
	    struct serve_reply *reply);
};

/* --- the server (server.c) ---------------------------------------------- */

struct serve_options {
	const struct serve_route *routes;
	/* After each answer, by the client's thread; may be NULL. */
	void (*log)(void *arg, const struct serve_request *request,
	    const struct serve_reply *reply);
	void *arg;		/* of both */
	const char *cert;	/* PEM; NULL: in the clear */
	const char *key;
	unsigned connections;	/* at a time */
	unsigned per_address;	/* of them for one address */
	uint64_t patience_ns;	/* to ask in, and to take the answer in */
	size_t max_body;	/* more is 413, and not read */
};

struct serve;

/** 1 where https can be served. */
int serve_has_tls(void);
/**
 * Answer at place, which is the server's from here on but for its text, until
 * serve_stop(). Its threads take no signals. CSN_E_IO, CSN_E_NOMEM.
 */
int serve_start(const struct serve_options *options,
    struct serve_place *place, struct serve **out);
/**
 * End whoever is too slow, until stop(arg), which is asked ten times a second,
 * is not 0. What it was.
 */
int serve_run(struct serve *s, int (*stop)(void *arg), void *arg);
/** No answer is under way when it returns. NULL is fine. */
void serve_stop(struct serve *s);

/* --- for handlers (rate.c) ---------------------------------------------- */

/* How often something is done: a bucket of `rate` that refills. */
struct serve_rate {
	uint64_t rate;		/* a second */
	uint64_t level_ms;	/* what is in it, in thousandths */
	uint64_t at_ns;
};
/** 1 where it may be done once more now. Not thread-safe. */
int serve_rate_take(struct serve_rate *r, uint64_t now_ns);
/** The client's text with nothing in it that a terminal or JSON minds. */
void serve_clean(const char *text, char *out, size_t size);
uint64_t serve_now_ns(void);	/* monotonic */

#endif
