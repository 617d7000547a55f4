/* SPDX-License-Identifier: Apache-2.0 */
/* tests/providers/redis_use.h - what tests of a single redis-server share. */
#ifndef CAISSON_TESTS_REDIS_USE_H
#define CAISSON_TESTS_REDIS_USE_H

#include "providers/redis_server.h"
#include "providers/store_suite.h"

extern struct redis_server server;
extern struct csn_ctx *ctx;

/** The store in server; options stand behind its port. Ends the test. */
struct csn_store *open_store(const char *options);
/** server answers command with want first, or the test has failed. */
void say(const char *command, const char *want);
/** A string of a space, and into the space acme. */
int get(struct csn_store *s, const char *space, const char *key, char *out,
    size_t cap);
int put(struct csn_store *s, const char *key, const char *value);
/** A visitor that counts into a size_t. */
int count(void *arg, const uint8_t *key, size_t key_len, size_t value_len);

/** ctx made, and freed. */
void context_start(void);
void context_end(void);

/** run(name) where that server is on this machine, else one case skipped. */
int redis_run(const char *name, int (*run)(const char *program));

#endif
