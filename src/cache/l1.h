/* SPDX-License-Identifier: Apache-2.0 */
/* cache/l1.h - the level in this process: sealed bytes in bounded memory. */
#ifndef CSN_CACHE_L1_H
#define CSN_CACHE_L1_H

#include <stdatomic.h>

#include <caisson/context.h>

/*
 * Entries lie in shards, each with a lock, a table and the order of use. A
 * find takes one lock for as long as it takes to compare a name and to move
 * one entry to the front; the bytes are read outside it, since an entry that
 * is pinned stays whole. One limit of bytes is shared by all shards: who
 * passes it gives up its own shard's oldest first, then its neighbours'.
 */
#define CSN_L1_NEGATIVE 1u	/* known not to exist; has no bytes */

struct csn_l1;

/* Names are compared whole; the hash, csn_l1_hash(), is of all of it. */
struct csn_l1_name {
	uint64_t hash;
	const char *tenant;
	const char *key;
	uint32_t tenant_len;
	uint32_t key_len;
};

struct csn_l1_entry {
	/* One for the table, one for each who pinned it. */
	atomic_uint refs;
	uint32_t flags;		/* CSN_L1_NEGATIVE */
	uint64_t hash;
	uint64_t ends_ms;	/* in this level, since boot; 0: no end */
	uint64_t value_ends_ms;	/* everywhere; the same or later */
	struct csn_l1_entry *chain;
	struct csn_l1_entry *newer;
	struct csn_l1_entry *older;
	uint8_t *bytes;		/* of the value, in this allocation */
	size_t room;
	size_t len;		/* used of room */
	uint32_t tenant_len;
	uint32_t key_len;
	char name[];		/* tenant, then key */
};

struct csn_l1_stat {
	uint64_t entries;
	uint64_t bytes;		/* held, overhead included */
	uint64_t evictions;
};

/**
 * bytes is the limit, 0 for none of it: nothing is kept then. shards is a
 * power of two. CSN_E_NOMEM or CSN_E_RANDOM.
 */
CSN_MUST_CHECK int csn_l1_new(struct csn_ctx *ctx, size_t bytes,
    uint32_t shards, struct csn_l1 **out);
void csn_l1_free(struct csn_l1 *l1);	/* no entry is pinned; NULL is fine */

/*
 * name->hash of the other fields, and the part of it that is the tenant's;
 * keyed, so that nobody outside picks it.
 */
uint64_t csn_l1_hash(const struct csn_l1 *l1, const struct csn_l1_name *name);
uint64_t csn_l1_seed(const struct csn_l1 *l1, const char *tenant,
    size_t tenant_len);
uint64_t csn_l1_hash_key(uint64_t seed, const char *key, size_t key_len);

/* An entry of the caller's, pinned once, with room bytes; NULL: no memory. */
struct csn_l1_entry *csn_l1_entry_new(const struct csn_l1_name *name,
    size_t room);
/* Give back what it has no use for; it may move, and is in no table yet. */
struct csn_l1_entry *csn_l1_entry_fit(struct csn_l1_entry *e);
void csn_l1_unpin(struct csn_l1_entry *e);	/* NULL is fine */

/*
 * The live entry, pinned and now the newest, or NULL. *left_ms is what is
 * left of its value's time, 0: no end.
 */
struct csn_l1_entry *csn_l1_find(struct csn_l1 *l1,
    const struct csn_l1_name *name, uint64_t *left_ms);

/*
 * The store behind is changed without a lock held, so writers and those who
 * copy from the store into this level agree by tickets: a change takes one
 * before it touches the store and hands it in after; a copy looks at the
 * last one before it reads. An entry is kept only where no other change of
 * its name (or of one that shares its counter) came between; where one did,
 * the name is forgotten, and the next read asks the store.
 */
uint32_t csn_l1_ticket(struct csn_l1 *l1, const struct csn_l1_name *name);
uint32_t csn_l1_begin(struct csn_l1 *l1, const struct csn_l1_name *name);
/* e NULL: the name goes. 1 where there was an entry of the name before. */
int csn_l1_end(struct csn_l1 *l1, const struct csn_l1_name *name,
    uint32_t ticket, struct csn_l1_entry *e);
/* Keep a copy of what the store has; 1 where it was kept. */
int csn_l1_fill(struct csn_l1 *l1, const struct csn_l1_name *name,
    uint32_t ticket, struct csn_l1_entry *e);

/* This entry goes, unless another has its name by now. */
void csn_l1_forget(struct csn_l1 *l1, struct csn_l1_entry *e);

/* Each entry that match says 1 of goes; match NULL: all. How many went. */
uint64_t csn_l1_clear(struct csn_l1 *l1, int (*match)(void *arg,
    const struct csn_l1_name *name), void *arg);

void csn_l1_stat(const struct csn_l1 *l1, struct csn_l1_stat *out);

#endif
