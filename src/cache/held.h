/* SPDX-License-Identifier: Apache-2.0 */
/* cache/held.h - derived keys that many threads use, in a bounded table. */
#ifndef CSN_CACHE_HELD_H
#define CSN_CACHE_HELD_H

#include <pthread.h>
#include <stdatomic.h>

#include <caisson/context.h>

/*
 * The first member of what is kept. The table holds one reference, each call
 * under way another; the last one to let go wipes it. So what has to make
 * room, the one that was used longest ago, goes when nobody needs it.
 */
struct csn_held {
	struct csn_held *next;		/* of its shard */
	atomic_uint refs;
	uint64_t hash;
	_Atomic uint64_t used;		/* the table's tick at the last use */
};

#define CSN_HELD_SHARDS 16

struct csn_held_shard {
	pthread_rwlock_t lock;
	struct csn_held *first;
	size_t n;
};

struct csn_held_table {
	/* Is it the one of that name? */
	int (*same)(const struct csn_held *h, const void *name);
	void (*wipe)(void *arg, struct csn_held *h);	/* and free */
	void *arg;
	uint64_t seed;			/* of the names' hashes: random */
	size_t nshards;
	size_t per_shard;
	_Atomic uint64_t tick;		/* additions so far */
	struct csn_held_shard shards[CSN_HELD_SHARDS];
};

/* At most max (1 at least) are kept. CSN_E_NOMEM, CSN_E_RANDOM. */
CSN_MUST_CHECK int csn_held_init(struct csn_ctx *ctx,
    struct csn_held_table *t, size_t max);
/* Wipes all; nobody holds any. A table of zeroes is fine. */
void csn_held_free(struct csn_held_table *t);
/* In a forked child: forget all, whoever held them in the parent. */
CSN_MUST_CHECK int csn_held_after_fork(struct csn_ctx *ctx,
    struct csn_held_table *t);

uint64_t csn_held_hash(const struct csn_held_table *t, const void *p,
    size_t len);
/* Hold the one of that name, or NULL. */
struct csn_held *csn_held_find(struct csn_held_table *t, uint64_t hash,
    const void *name);
/*
 * Add fresh (zeroed but for its own part) under hash and hold it; or, where
 * another thread was first, wipe it and hold that one. Never fails.
 */
struct csn_held *csn_held_add(struct csn_held_table *t, struct csn_held *fresh,
    uint64_t hash, const void *name);
void csn_held_release(struct csn_held_table *t, struct csn_held *h);
/* Take out all that which() picks. */
void csn_held_drop(struct csn_held_table *t,
    int (*which)(const struct csn_held *h, const void *arg), const void *arg);

#endif
