/* SPDX-License-Identifier: Apache-2.0 */
/* store/redis/redis.h - what the files about Redis and Valkey share. */
#ifndef CSN_PROVIDERS_STORE_REDIS_REDIS_H
#define CSN_PROVIDERS_STORE_REDIS_REDIS_H

#include <pthread.h>
#include <stdatomic.h>

#include "crypto/tls.h"
#include "net/net.h"
#include "providers/store/provider.h"
#include "providers/store/redis/reply.h"

#define CSN_REDIS_SLOTS 16384
#define CSN_REDIS_MAX_HOSTS 32
#define CSN_REDIS_MAX_NODES 256
#define CSN_REDIS_MAX_POOL 1024
#define CSN_REDIS_MAX_PREFIX 64
#define CSN_REDIS_HOST_SIZE 256		/* a name (RFC 1035) and a NUL */
#define CSN_REDIS_NAME_SIZE (CSN_REDIS_HOST_SIZE + 8)	/* "host:port" */
/* The prefix, ":{", a space in hex, "}:" and a key. */
#define CSN_REDIS_MAX_KEY (CSN_REDIS_MAX_PREFIX + 2 + \
    2 * CSN_STORE_MAX_SPACE + 2 + CSN_STORE_MAX_KEY)
#define CSN_REDIS_ANY CSN_REDIS_SLOTS	/* a slot: whichever node */

struct csn_redis_host {
	char name[CSN_REDIS_HOST_SIZE];
	uint16_t port;
};

/* --- redis/url.c: what a URL says ----------------------------------------- */

struct csn_redis_config {
	struct csn_ctx *ctx;
	int tls, cluster;
	unsigned db, pool;
	uint64_t timeout_ms, connect_ms;
	char prefix[CSN_REDIS_MAX_PREFIX + 1];
	char *user;			/* NULL: the default user */
	char *password;			/* secret memory, or NULL */
	size_t password_len;
	struct csn_tls_config *trust;	/* where tls is set */
	struct csn_redis_host hosts[CSN_REDIS_MAX_HOSTS];
	size_t nhosts;
};

/**
 * Read what stands behind the scheme, and the files that it names. c is whole
 * or empty afterwards. CSN_E_ARG, or what reading a file gives; no sentence
 * holds the part with the password.
 */
CSN_MUST_CHECK int csn_redis_config_parse(struct csn_ctx *ctx,
    const char *rest, int tls, struct csn_redis_config *c);
void csn_redis_config_clear(struct csn_redis_config *c);

/* "host", "host:port", "[v6]:port", "v6" as one string. -1 for neither. */
int csn_redis_host_parse(const char *s, size_t len, uint16_t standard_port,
    struct csn_redis_host *out);

/* --- redis/slot.c: names and slots ---------------------------------------- */

/* The slot of a key, by its hash tag where it has one. */
unsigned csn_redis_slot(const uint8_t *key, size_t len);
/* Redis's name of a key; out holds CSN_REDIS_MAX_KEY. Its length. */
size_t csn_redis_key(const struct csn_redis_config *c, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len, uint8_t *out);
/* How long the part before the key is where name is a space's, else 0. */
size_t csn_redis_key_space(const struct csn_redis_config *c,
    const uint8_t *name, size_t len);

/* --- redis/map.c: what CLUSTER SLOTS and redirections say ----------------- */

struct csn_redis_range {
	uint16_t from, to;		/* both included */
	struct csn_redis_host master;
};

/**
 * *ranges is malloc'ed. asked is the server that answered, for where it does
 * not know its own name. CSN_E_FORM or CSN_E_NOMEM, without a sentence.
 */
CSN_MUST_CHECK int csn_redis_map_read(const struct csn_redis_reply *reply,
    const struct csn_redis_host *asked, struct csn_redis_range **ranges,
    size_t *n);
/* "MOVED 3999 host:6381", "ASK ...". CSN_E_FORM, without a sentence. */
CSN_MUST_CHECK int csn_redis_redirect_read(const struct csn_redis_reply *r,
    const struct csn_redis_host *asked, unsigned *slot,
    struct csn_redis_host *to);

/* --- redis/net.c, redis/pool.c: nodes, the slots' map, connections ------ */

struct csn_redis_conn;

struct csn_redis_node {
	struct csn_redis_host host;
	char name[CSN_REDIS_NAME_SIZE];	/* for sentences */
	struct csn_redis_conn *idle;	/* the last used first */
	unsigned open;			/* connections, in use or idle */
	unsigned users;			/* who hold a pointer */
	int listed;			/* in the map, or in the URL */
};

/* All of a process's connections: a forked child makes its own. */
struct csn_redis_net {
	uint64_t generation;
	struct csn_redis_net *older;	/* a parent's, kept until close */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct csn_redis_node *nodes[CSN_REDIS_MAX_NODES];
	size_t nnodes;
	struct csn_redis_node *slots[CSN_REDIS_SLOTS];
	uint64_t version;		/* of the slots' map; 0: none yet */
	uint64_t asked_ms;		/* when it was last asked for */
	int stale;			/* it is known to be out of date */
	int asking;			/* a thread is fetching it */
	size_t turn;			/* whom that begins with */
};

struct csn_redis {
	struct csn_redis_config config;
	_Atomic(struct csn_redis_net *) net;
	_Atomic int no_scripts;		/* EVAL was refused */
	_Atomic uint64_t no_multi;	/* MULTI was: not before this time */
	_Atomic uint64_t hits, misses, puts, deletes;
	_Atomic uint64_t connects, classical;
};

/* NULL with a sentence where memory is out. */
struct csn_redis_net *csn_redis_net(struct csn_redis *r);
void csn_redis_net_free(struct csn_redis_net *net);

/*
 * The node that has a slot (or any, for CSN_REDIS_ANY), or the node of an
 * address; each is given back by csn_redis_node_done.
 */
CSN_MUST_CHECK int csn_redis_node_of(struct csn_redis *r,
    struct csn_redis_net *net, unsigned slot, uint64_t deadline,
    struct csn_redis_node **out);
CSN_MUST_CHECK int csn_redis_node_at(struct csn_redis *r,
    struct csn_redis_net *net, const struct csn_redis_host *host,
    struct csn_redis_node **out);
/* Which of the known nodes has a slot, without asking any. */
uint32_t csn_redis_node_number(struct csn_redis *r, unsigned slot);
void csn_redis_node_done(struct csn_redis_net *net,
    struct csn_redis_node *node);
/* The masters, that of first before the others. *out is malloc'ed. */
CSN_MUST_CHECK int csn_redis_masters(struct csn_redis *r,
    struct csn_redis_net *net, unsigned first, uint64_t deadline,
    struct csn_redis_node ***out, size_t *n);

/* A slot is elsewhere (to), or the map is wrong somewhere (to NULL). */
void csn_redis_moved(struct csn_redis_net *net, unsigned slot,
    struct csn_redis_node *to);
/* Fetch the map anew where it is stale and was not just fetched. */
CSN_MUST_CHECK int csn_redis_refresh(struct csn_redis *r,
    struct csn_redis_net *net, uint64_t deadline);

/* Wait for changed, no longer than the deadline; 0 or an errno. Locked. */
int csn_redis_wait(struct csn_redis_net *net, uint64_t deadline);

/*
 * A connection of one's own to node, made where none is idle; CSN_E_BACKEND
 * where none comes free in time. It goes back whole, or broken: then it is
 * closed, and the idle ones to the same node with it.
 */
CSN_MUST_CHECK int csn_redis_borrow(struct csn_redis *r,
    struct csn_redis_net *net, struct csn_redis_node *node,
    uint64_t deadline, struct csn_redis_conn **out);
void csn_redis_give_back(struct csn_redis_net *net,
    struct csn_redis_conn *conn, int whole);

/* --- redis/say.c: errors as codes and sentences --------------------------- */

/* The code and the sentence for an error that node answered with. */
int csn_redis_error(const struct csn_redis *r,
    const struct csn_redis_node *node, const struct csn_redis_reply *reply);
/* A reply of a kind that the command does not have. */
int csn_redis_odd(const struct csn_redis *r, const char *command);

/* --- redis/conn.c: one connection ----------------------------------------- */

struct csn_redis_conn {
	struct csn_redis *r;
	struct csn_redis_node *node;
	struct csn_redis_conn *next;	/* while idle */
	struct csn_net net;
	struct csn_tls *tls;		/* over it, or NULL */
	struct csn_redis_reader *reader;
};

/* Connected, authenticated, its database chosen. */
CSN_MUST_CHECK int csn_redis_conn_open(struct csn_redis *r,
    struct csn_redis_node *node, uint64_t deadline,
    struct csn_redis_conn **out);
/* Commands as they go over the wire; CSN_E_BACKEND. */
CSN_MUST_CHECK int csn_redis_send_parts(struct csn_redis_conn *conn,
    struct iovec *iov, size_t n, uint64_t deadline);	/* iov is used up */
CSN_MUST_CHECK int csn_redis_send(struct csn_redis_conn *conn,
    const void *p, size_t len, uint64_t deadline);
/* A command of so many words, which are wiped from what is sent. */
CSN_MUST_CHECK int csn_redis_send_words(struct csn_redis_conn *conn,
    const char *const *argv, const size_t *lens, size_t argc,
    uint64_t deadline);
/* The next reply, which may be an error's; csn_redis_reply_free. */
CSN_MUST_CHECK int csn_redis_receive(struct csn_redis_conn *conn,
    struct csn_redis_sink *sink, uint64_t deadline,
    struct csn_redis_reply **out);
/* 1 while the server has neither hung up nor said anything unasked. */
int csn_redis_conn_alive(struct csn_redis_conn *conn);
void csn_redis_conn_close(struct csn_redis_conn *conn);
/* What a forked child does with its parent's: no word on the wire. */
void csn_redis_conn_abandon(struct csn_redis_conn *conn);

/* --- redis/call.c: a command brought to where it belongs ------------------ */

#define CSN_REDIS_MAX_ARGS 8

struct csn_redis_call {
	int argc;
	const char *argv[CSN_REDIS_MAX_ARGS];
	size_t lens[CSN_REDIS_MAX_ARGS];
	unsigned slot;
	/*
	 * The types that its replies have, but for errors. Another's reply may
	 * be a reply to something else, so its connection is used no more.
	 */
	unsigned types;
	int repeatable;		/* doing it twice is doing it once */
	int may_refuse;		/* that it is not allowed is an answer */
	/*
	 * Ask for PTTL too, of the same moment (MULTI, EXEC): the reply is an
	 * array of both, or a refusal where may_refuse is set.
	 */
	int with_ttl;
	struct csn_redis_sink *sink;
	/* Out: an earlier try may have been carried out. */
	int repeated;
	int said_no;		/* out: an error that does not pass came */
};

void csn_redis_arg(struct csn_redis_call *call, const void *p, size_t len);
void csn_redis_word(struct csn_redis_call *call, const char *word);
/*
 * Send it where its slot is, follow redirections and wait out what passes,
 * within the store's timeout. An error becomes a code and a sentence.
 */
CSN_MUST_CHECK int csn_redis_call(struct csn_redis *r,
    struct csn_redis_call *call, struct csn_redis_reply **out);
uint64_t csn_redis_deadline(const struct csn_redis *r);

/* --- redis/lock.c, redis/scan.c, redis/stat.c: more than one command ------ */

CSN_MUST_CHECK int csn_redis_remove_if(struct csn_redis *r,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len);

CSN_MUST_CHECK int csn_redis_list(void *state, const uint8_t *space,
    size_t space_len, int (*visit)(void *arg, const uint8_t *key,
    size_t key_len, size_t value_len), void *arg);
CSN_MUST_CHECK int csn_redis_drop(void *state, const uint8_t *space,
    size_t space_len);
CSN_MUST_CHECK int csn_redis_stat(void *state, const uint8_t *space,
    size_t space_len, struct csn_store_stat *out);

#endif
