/* SPDX-License-Identifier: Apache-2.0 */
/* tests/providers/redis_stub.h - a Redis server that says what it is told. */
#ifndef CAISSON_TESTS_REDIS_STUB_H
#define CAISSON_TESTS_REDIS_STUB_H

#include <stddef.h>
#include <stdint.h>

enum stub_then {
	STUB_KEEP,	/* keep the connection for the next command */
	STUB_CLOSE,
	STUB_HANG	/* say no more until the client goes away */
};

struct stub_answer {
	const char *bytes;
	unsigned drip_ms;	/* one byte each so many ms, where not 0 */
	enum stub_then then;
};

/*
 * Each command gets the next answer, and the last one again and again; but
 * CLUSTER SLOTS gets map, where that is given. "PORT" in any of them stands
 * for the stub's own. All of it outlives the stub. Ends the test on failure.
 */
struct redis_stub;
struct redis_stub *redis_stub_start(const struct stub_answer *answers,
    size_t n, const char *map);
uint16_t redis_stub_port(const struct redis_stub *s);
size_t redis_stub_connections(struct redis_stub *s);
size_t redis_stub_commands(struct redis_stub *s);	/* but CLUSTER */
void redis_stub_stop(struct redis_stub *s);

#endif
