/* SPDX-License-Identifier: Apache-2.0 */
/* providers/store/lmdb/lmdb.h - the parts of the store in an LMDB file. */
#ifndef CSN_PROVIDERS_STORE_LMDB_LMDB_H
#define CSN_PROVIDERS_STORE_LMDB_LMDB_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "providers/store/provider.h"

/*
 * docs/wire/store.md: how long the space's name is, the name, the key. LMDB's
 * keys have 511 bytes at most: what is longer than the first of these goes by
 * its beginning and its hash, and lies whole before the value.
 */
#define CSN_LMDB_WHOLE_KEY 250u
#define CSN_LMDB_CUT_KEY (CSN_LMDB_WHOLE_KEY + 1)	/* no whole one's */
#define CSN_LMDB_MAX_KEY (1 + CSN_STORE_MAX_SPACE + CSN_LMDB_CUT_KEY)
/* The one entry that is in no space: longer than any space's name. */
#define CSN_LMDB_OURS 0xff
/* Before each value: when it ends, and the version; with a long key's name,
 * another version, how long it is, and the name. */
#define CSN_LMDB_HEAD 16u
#define CSN_LMDB_VERSION 1
#define CSN_LMDB_LONG_VERSION 2
#define CSN_LMDB_MAX_VALUE (UINT32_MAX - CSN_LMDB_HEAD - CSN_STORE_MAX_KEY)

/*
 * A process opens an environment once, however many stores share it: LMDB's
 * locks would be lost with the first of two that is closed.
 */
struct csn_lmdb_env {
	struct csn_lmdb_env *next;
	unsigned users;
	pid_t pid;
	dev_t dev;
	ino_t ino;
	MDB_env *env;
	MDB_dbi dbi;
	int read_only;
	/* Held for reading by transactions: the map moves under none. */
	pthread_rwlock_t moving;
	/* How far the sweep has come; within a write transaction. */
	uint8_t swept[CSN_LMDB_MAX_KEY];
	size_t swept_len;
};

struct csn_lmdb_store {
	struct csn_ctx *ctx;
	char *path;
	uint64_t generation;		/* of the process that opened it */
	struct csn_lmdb_env *e;
	_Atomic uint64_t hits, misses, puts, deletes;
};

struct csn_lmdb_config {
	uint64_t size;
	unsigned flags;
	unsigned readers;
	int create;		/* where there is none */
};

struct csn_lmdb_key {
	uint8_t p[CSN_LMDB_MAX_KEY];
	size_t len;
	const uint8_t *name;	/* the whole key, where p has not all of it */
	size_t name_len;
};

/* name points to key. Fails where there is no memory to hash a long one. */
CSN_MUST_CHECK int csn_lmdb_key(struct csn_ctx *ctx, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len,
    struct csn_lmdb_key *out);
/* What the keys of a space begin with. */
void csn_lmdb_prefix(const uint8_t *space, size_t space_len,
    struct csn_lmdb_key *out);

struct csn_lmdb_value {
	uint64_t ends_ms;
	const uint8_t *p;
	size_t len;
	const uint8_t *name;	/* of a long key, else NULL */
	size_t name_len;
};

/* CSN_E_FORM without a sentence for what this store never writes. */
CSN_MUST_CHECK int csn_lmdb_value_read(const MDB_val *v,
    struct csn_lmdb_value *out);
/* The same, also for what was written for another key. */
CSN_MUST_CHECK int csn_lmdb_value_of(const struct csn_lmdb_key *key,
    const MDB_val *v, struct csn_lmdb_value *out);

/* --- lmdb/env.c ---------------------------------------------------------- */

CSN_MUST_CHECK int csn_lmdb_env_open(struct csn_lmdb_store *s,
    const struct csn_lmdb_config *config);
void csn_lmdb_env_close(struct csn_lmdb_store *s);
/* A sentence and the code for what LMDB returned. */
int csn_lmdb_fail(struct csn_lmdb_store *s, int mdb_rc, const char *what);
/*
 * CSN_E_FORK in a forked child; a write transaction waits for those of
 * other threads and processes. Ended by one of the two below.
 */
CSN_MUST_CHECK int csn_lmdb_begin(struct csn_lmdb_store *s, int write,
    MDB_txn **out);
void csn_lmdb_abort(struct csn_lmdb_store *s, MDB_txn *txn);
CSN_MUST_CHECK int csn_lmdb_commit(struct csn_lmdb_store *s, MDB_txn *txn);
/*
 * Within a write transaction: look at some entries further on, and remove
 * those that have ended. all not 0: at every one, until so many are removed.
 * 0 or LMDB's code.
 */
int csn_lmdb_sweep(struct csn_lmdb_store *s, MDB_txn *txn, size_t all);
#define CSN_LMDB_FULL_TRIES 6	/* some 130 ms, where somebody reads */
/*
 * The map or the disk is full: wait for readers, longer with each try, and
 * remove what has ended, in transactions of its own.
 */
void csn_lmdb_make_room(struct csn_lmdb_store *s, int try);
int csn_lmdb_has_ended(struct csn_lmdb_store *s,
    const struct csn_lmdb_value *v);

/* --- lmdb/walk.c: of the provider ---------------------------------------- */

int csn_lmdb_drop(void *state, const uint8_t *space, size_t space_len);
int csn_lmdb_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg);
int csn_lmdb_stat(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out);

#endif
