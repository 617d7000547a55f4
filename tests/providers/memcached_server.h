/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/providers/memcached_server.h - memcached on loopback, for a test.
 *
 * A server dies with the test that started it, also where that is killed.
 */
#ifndef CAISSON_TESTS_MEMCACHED_SERVER_H
#define CAISSON_TESTS_MEMCACHED_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct memcached_server {
	uint16_t port;		/* a free one is chosen where 0 */
	const char *path;	/* a socket's, instead of a port; or NULL */
	pid_t pid;
};

/** 1 where the program is on this machine. */
int memcached_is_here(void);
/** Start it and wait until it answers. 0 or -1. */
int memcached_start(struct memcached_server *s);
/** As if it had crashed. The port stays, for another start. */
void memcached_kill(struct memcached_server *s);
/**
 * Send a line and read what comes until a line that is end ("END", "OK"),
 * into out. 0, or -1 where it does not come.
 */
int memcached_say(const struct memcached_server *s, const char *line,
    const char *end, char *out, size_t cap);

#endif
