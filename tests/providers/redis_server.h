/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/providers/redis_server.h - redis-server on loopback, for a test.
 *
 * A server dies with the test that started it, also where that is killed.
 */
#ifndef CAISSON_TESTS_REDIS_SERVER_H
#define CAISSON_TESTS_REDIS_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct redis_server {
	const char *program;	/* "redis-server" where NULL */
	uint16_t port;		/* a free one is chosen where 0 */
	uint16_t bus;		/* a cluster's; chosen where cluster is set */
	int cluster;
	const char *const *more;	/* arguments, NULL behind the last */
	pid_t pid;
	char dir[64];
};

/** 1 where the program is on this machine. */
int program_is_here(const char *name);

/** Start it and wait until it answers. 0 or -1. */
int redis_server_start(struct redis_server *s);
/** As if it had crashed. The port stays, for another start. */
void redis_server_kill(struct redis_server *s);
/** End it and remove its folder. */
void redis_server_stop(struct redis_server *s);

/**
 * Send an inline command ("SET a b") and read what comes until a whole line
 * came, into out, which holds cap. -1 where the server is not to be reached.
 */
int redis_say(uint16_t port, const char *command, char *out, size_t cap);

/** A port on loopback that nothing listens on just now. */
uint16_t free_port(void);

/** ms since some time. */
uint64_t test_now_ms(void);

#endif
