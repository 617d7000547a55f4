/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/liar.h - an HTTP server that answers whatever a test tells it. */
#ifndef CAISSON_TESTS_LIB_LIAR_H
#define CAISSON_TESTS_LIB_LIAR_H

#include <stddef.h>

/*
 * It listens on loopback, reads one request after another (with the body
 * that its Content-Length announces), and sends the answers in order; the
 * last one again and again.
 */
struct liar;

enum liar_then {
	LIAR_KEEP,	/* keep the connection for the next request */
	LIAR_CLOSE,
	LIAR_RESET,	/* close it with a RST */
	LIAR_HANG	/* say no more until the client goes away */
};

struct liar_answer {
	const char *bytes;
	size_t len;		/* 0 for strlen(bytes) */
	unsigned drip_ms;	/* one byte each so many ms, where not 0 */
	enum liar_then then;
};

/* answers outlive the liar. NULL where no socket is to be had. */
struct liar *liar_start(const struct liar_answer *answers, size_t n);
unsigned liar_port(const struct liar *l);
/* The i-th request's line and headers; "" where it never came. */
const char *liar_request(struct liar *l, size_t i);
size_t liar_requests(struct liar *l);
size_t liar_connections(struct liar *l);
void liar_stop(struct liar *l);

#endif
