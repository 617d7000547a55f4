/* SPDX-License-Identifier: Apache-2.0 */
/* tests/providers/blob_server.h - the example server, run by a test. */
#ifndef CAISSON_TESTS_PROVIDERS_BLOB_SERVER_H
#define CAISSON_TESTS_PROVIDERS_BLOB_SERVER_H

#include <stddef.h>
#include <sys/types.h>

struct blob_server {
	pid_t pid;
	unsigned port;
};

/* 1 where it was built. */
int blob_server_there(void);

/*
 * Start it on a port (0: a free one) with more arguments, NULL at the end or
 * none, and wait until it listens. 0 or -1. It ends with the test.
 */
int blob_server_start(struct blob_server *s, unsigned port,
    const char *const *more);
void blob_server_kill(struct blob_server *s);	/* SIGKILL; twice is fine */

/* "http://127.0.0.1:PORT?allow-private=1&timeout=…" and options, malloc'ed. */
char *blob_server_url(const struct blob_server *s, const char *options);

#endif
