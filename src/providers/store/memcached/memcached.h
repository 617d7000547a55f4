/* SPDX-License-Identifier: Apache-2.0 */
/* store/memcached/memcached.h - the parts of the store in memcached. */
#ifndef CSN_PROVIDERS_STORE_MEMCACHED_MEMCACHED_H
#define CSN_PROVIDERS_STORE_MEMCACHED_MEMCACHED_H

#include <pthread.h>
#include <stdatomic.h>

#include "net/net.h"
#include "providers/store/provider.h"

#define CSN_MC_MAX_HOSTS 32
#define CSN_MC_HOST_SIZE 256
#define CSN_MC_NAME_SIZE (CSN_MC_HOST_SIZE + 8)	/* "host:port" */
#define CSN_MC_MAX_KEY 250		/* the protocol's */
/* The most that a server can be told to take, by its option -I. */
#define CSN_MC_MAX_VALUE ((size_t)1 << 30)

/* --- memcached/url.c: what a URL says ------------------------------------ */

struct csn_mc_host {
	char name[CSN_MC_NAME_SIZE];	/* for sentences, and for choosing */
	char host[CSN_MC_HOST_SIZE];	/* a socket's path where port is 0 */
	uint16_t port;
	uint32_t hash;
	/* Its connections that are idle, and how many there are in all. */
	struct csn_mc_conn *idle;
	unsigned open;
};

struct csn_mc {
	struct csn_ctx *ctx;
	uint64_t generation;		/* of the process that opened it */
	uint64_t timeout_ms, connect_ms;
	unsigned pool;
	size_t nhosts;
	struct csn_mc_host hosts[CSN_MC_MAX_HOSTS];
	pthread_mutex_t lock;
	pthread_cond_t freed;
	_Atomic uint64_t hits, misses, puts, deletes;
};

CSN_MUST_CHECK int csn_mc_parse(struct csn_ctx *ctx, const char *rest,
    struct csn_mc *m);

/* --- memcached/name.c: keys, and who has them ---------------------------- */

struct csn_mc_key {
	char text[CSN_MC_MAX_KEY + 1];
	struct csn_mc_host *host;
	int in_space;		/* its value begins with the space's mark */
	char mark[64];		/* the key of that, on the same host */
};

CSN_MUST_CHECK int csn_mc_key(struct csn_mc *m, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len,
    struct csn_mc_key *out);
CSN_MUST_CHECK int csn_mc_mark_key(struct csn_mc *m, const uint8_t *space,
    size_t space_len, char out[64]);

/* --- memcached/reply.c: one line of an answer ---------------------------- */

enum csn_mc_kind { CSN_MC_VALUE, CSN_MC_DONE, CSN_MC_MISS, CSN_MC_NOT_STORED,
    CSN_MC_CHANGED, CSN_MC_NOT_FOUND, CSN_MC_STAT, CSN_MC_END,
    CSN_MC_ERROR };

struct csn_mc_reply {
	enum csn_mc_kind kind;
	size_t size;		/* of the value that follows */
	int64_t ttl_s;		/* -1: no end; -2: it is not told */
	uint64_t cas;
	const char *text;	/* an error's, or a statistic's: into line */
};

/* CSN_E_FORM, without a sentence, for what no memcached says. */
CSN_MUST_CHECK int csn_mc_reply_read(const char *line,
    struct csn_mc_reply *out);

/* --- memcached/call.c: connections, commands and answers ----------------- */

struct csn_mc_conn {
	struct csn_mc_conn *next;
	struct csn_mc_host *host;
	struct csn_net net;
	uint64_t deadline;	/* of the operation that has it */
	int fresh;		/* just connected */
};

/*
 * A connection to host for one operation, which ends with csn_mc_done. rc is
 * then how the operation went: after CSN_E_BACKEND the connection is closed.
 * CSN_E_BACKEND, CSN_E_BUSY (all in use), CSN_E_FORK.
 */
CSN_MUST_CHECK int csn_mc_begin(struct csn_mc *m, struct csn_mc_host *host,
    uint64_t deadline, struct csn_mc_conn **out);
void csn_mc_done(struct csn_mc *m, struct csn_mc_conn *c, int rc);
void csn_mc_close_all(struct csn_mc *m);

/* Send a command; where mark or value is given, they follow it. */
CSN_MUST_CHECK int csn_mc_send(struct csn_mc *m, struct csn_mc_conn *c,
    const char *command, const uint8_t *mark, const uint8_t *value,
    size_t len, int has_value);
/* One line; an error's becomes its code and sentence, len is for that. */
CSN_MUST_CHECK int csn_mc_receive(struct csn_mc *m, struct csn_mc_conn *c,
    size_t len, struct csn_mc_reply *out);
/* len bytes of a value; NULL: to be forgotten. */
CSN_MUST_CHECK int csn_mc_bytes(struct csn_mc *m, struct csn_mc_conn *c,
    uint8_t *out, size_t len);
/* The end of a value. */
CSN_MUST_CHECK int csn_mc_value_end(struct csn_mc *m, struct csn_mc_conn *c);
/* What no memcached would say: CSN_E_BACKEND. */
int csn_mc_nonsense(struct csn_mc *m, const struct csn_mc_conn *c);

/* --- memcached/value.c: values, and the marks of their spaces ------------ */

#define CSN_MC_MARK 8
#define CSN_MC_TTL_SIZE 24

struct csn_mc_call {
	struct csn_mc_key key;
	char ttl[CSN_MC_TTL_SIZE];	/* " T60", or nothing */
	const uint8_t *value;		/* to put, or to compare with */
	size_t len;
	uint8_t *out;			/* where to */
	size_t cap, got;
	int with_ttl;			/* what is left is asked for too */
	uint64_t ttl_ms;
};

typedef int (*csn_mc_fn)(struct csn_mc *m, struct csn_mc_conn *c,
    struct csn_mc_call *call);

/*
 * Run it on a connection to the key's host; once more on a new one where
 * the old one turns out broken and doing it twice is doing it once.
 */
CSN_MUST_CHECK int csn_mc_run(struct csn_mc *m, struct csn_mc_call *call,
    csn_mc_fn fn, int repeatable);
/* "md KEY FLAGS": CSN_E_NOT_FOUND also where flags' condition fails. */
CSN_MUST_CHECK int csn_mc_delete(struct csn_mc *m, struct csn_mc_conn *c,
    const char *key, const char *flags);

/* Of the provider. */
int csn_mc_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len,
    const uint8_t *value, size_t len);
int csn_mc_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value,
    size_t *len);
int csn_mc_get_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len,
    uint64_t *ttl_ms);
int csn_mc_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len);
int csn_mc_put_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len,
    const uint8_t *value, size_t len, uint64_t ttl_ms);
int csn_mc_ttl(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint64_t *ttl_ms);
int csn_mc_add_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len,
    const uint8_t *value, size_t len, uint64_t ttl_ms);
int csn_mc_remove_if(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len,
    const uint8_t *value, size_t len);

#endif
