/* SPDX-License-Identifier: Apache-2.0 */
/* providers/store/memory/memory.h - the parts of the memory store. */
#ifndef CSN_PROVIDERS_STORE_MEMORY_MEMORY_H
#define CSN_PROVIDERS_STORE_MEMORY_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "providers/store/memory/arena.h"
#include "providers/store/provider.h"

#define CSN_MEM_SHARDS 64
#define CSN_MEM_SPACE_SHARDS 64
#define CSN_MEM_MAX_CLASSES 112
#define CSN_MEM_MAX_HEAPS 16
#define CSN_MEM_ALIGN 64
#define CSN_MEM_KEY_ROOM 32	/* kept free for a key at reserve */

enum csn_mem_state { CSN_MEM_FREE = 0, CSN_MEM_RESERVED, CSN_MEM_LIVE,
    CSN_MEM_DEAD };

/*
 * An entry is the tail of its chunk: the value is at the chunk's start, so
 * that it is aligned, then room, the key, and this header at the very end.
 *
 * The chunk lives while refs > 0: the index holds one, each borrower one,
 * and so does whoever is about to evict it. Who takes the last frees it.
 * next, older, newer, tick and the state's change are under the shard's
 * lock, sprev and snext under the space's. A shard's lock is taken before
 * a space's, never after.
 */
struct csn_mem_entry {
	struct csn_mem_entry *next;	/* chain of the index */
	struct csn_mem_entry *older, *newer;
	struct csn_mem_entry *sprev, *snext;
	struct csn_mem_space *space;
	_Atomic uint64_t tick;		/* when last used */
	uint64_t len : 48, key_len : 16;
	uint32_t hash;
	_Atomic uint32_t refs;
	uint32_t pages;			/* of a run; 0 in a slab */
	_Atomic uint8_t state;
	_Atomic uint8_t touched;	/* read since its space last looked */
	_Atomic uint8_t flags;
};

#define CSN_MEM_KEY_OUTSIDE 1u	/* a pointer lies where the key would */
#define CSN_MEM_WIPE 2u		/* overwrite when freed */
/* It ends by itself: when (ms since boot) lies between key and header. */
#define CSN_MEM_ENDS 4u
#define CSN_MEM_END_ROOM 8

struct csn_mem_slab {
	struct csn_mem_slab *next, *prev; /* of its class: open or full */
	uint32_t used;			/* 1 while a heap has it */
	uint32_t heap;
	uint32_t cls;
	uint32_t chunks;		/* that fit */
	uint32_t carved;		/* ever handed out */
	uint32_t live;
	uint32_t free;			/* chunk + 1; 0 for none */
};

struct csn_mem_slabs {
	struct csn_mem_slab *first, *last;
};

struct csn_mem_heap {
	pthread_mutex_t lock;
	struct csn_mem_slabs open[CSN_MEM_MAX_CLASSES];
	struct csn_mem_slabs full[CSN_MEM_MAX_CLASSES];
};

struct csn_mem_space {
	struct csn_mem_space *next;	/* under its table's lock */
	_Atomic uint32_t refs;		/* entries, and who looks at it */
	uint32_t hash;
	pthread_mutex_t lock;
	struct csn_mem_entry *oldest, *newest;
	int dead;			/* dropped: takes no more entries */
	_Atomic uint64_t entries, bytes, memory, puts, deletes, evictions;
	uint8_t len;
	uint8_t name[CSN_STORE_MAX_SPACE];
};

struct csn_mem_shard {
	pthread_mutex_t lock;
	struct csn_mem_entry **buckets;
	uint32_t mask;
	uint32_t count;
	struct csn_mem_entry *oldest, *newest;
	uint64_t bytes, hits, misses;
	uint32_t hand;			/* the bucket last swept */
	uint8_t apart[64];		/* the next one's lock, elsewhere */
};

struct csn_mem_spaces {
	pthread_mutex_t lock;
	struct csn_mem_space **buckets;
	uint32_t mask;
	uint32_t count;
};

struct csn_mem {
	struct csn_ctx *ctx;
	uint64_t hash_key[2];
	uint64_t limit;
	uint64_t share;			/* bytes a space may hold */
	_Atomic(csn_store_evicted) evicted;	/* set behind its argument */
	void *evicted_arg;
	struct csn_mem_arena arena;
	struct csn_mem_slab *slabs;	/* one for each of the arena's */
	uint32_t nclasses;
	uint32_t nheaps;
	uint32_t sizes[CSN_MEM_MAX_CLASSES];
	_Atomic uint32_t slab_hand, class_hand;
	_Atomic uint64_t index_bytes;	/* tables, spaces, long keys */
	_Atomic uint64_t puts, deletes, evictions;
	/* The tick of each shard's oldest entry: where to evict. */
	_Atomic uint64_t oldest[CSN_MEM_SHARDS];
	struct csn_mem_heap heaps[CSN_MEM_MAX_HEAPS];
	struct csn_mem_spaces spaces[CSN_MEM_SPACE_SHARDS];
	struct csn_mem_shard shards[CSN_MEM_SHARDS];
};

/* Of a space, or of a key in it. */
static inline uint64_t
csn_mem_hash(const struct csn_mem *m, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len)
{
	uint64_t h;

	h = csn_hash_bytes(m->hash_key[0], m->hash_key[1], space, space_len);
	if (key != NULL)
		h = csn_hash_bytes(h, m->hash_key[1], key, key_len);
	return csn_hash_mix(h ^ m->hash_key[0], m->hash_key[1]);
}

/* memory/chunk.c: chunks out of slabs and runs. */

int csn_mem_chunks_init(struct csn_mem *m);
void csn_mem_chunks_free(struct csn_mem *m);
/* A chunk for len bytes and a key: refs 1, RESERVED. NULL where full. */
struct csn_mem_entry *csn_mem_chunk_take(struct csn_mem *m, size_t len,
    size_t key_room);
void csn_mem_chunk_give(struct csn_mem *m, struct csn_mem_entry *e);
size_t csn_mem_chunk_size(const struct csn_mem *m,
    const struct csn_mem_entry *e);
/* 1 where a value of that length gets pages of its own. */
int csn_mem_is_run(const struct csn_mem *m, size_t len, size_t key_room);
/*
 * Pin an old one among entries of the size class that such a value needs,
 * or NULL: all of them are in use, or the class has no full slab.
 */
struct csn_mem_entry *csn_mem_class_pin(struct csn_mem *m, size_t len,
    size_t key_room);
/*
 * Pin up to max entries of the emptiest of some slabs, that it may be
 * emptied altogether; next: of some others. Returns how many.
 */
size_t csn_mem_slab_pin(struct csn_mem *m, int next,
    struct csn_mem_entry **out, size_t max);

static inline uint8_t *
csn_mem_value(const struct csn_mem *m, const struct csn_mem_entry *e)
{
	return (uint8_t *)(uintptr_t)(e + 1) - csn_mem_chunk_size(m, e);
}

/* memory/space.c: spaces by name, and the list of a space's entries. */

int csn_mem_spaces_init(struct csn_mem *m);
void csn_mem_spaces_free(struct csn_mem *m);
/* Pinned, or NULL: none there, or (create) no memory. */
struct csn_mem_space *csn_mem_space_get(struct csn_mem *m,
    const uint8_t *name, size_t len, int create);
void csn_mem_space_put(struct csn_mem *m, struct csn_mem_space *s);
/* Out of the table, dead from now on; pinned, or NULL. */
struct csn_mem_space *csn_mem_space_kill(struct csn_mem *m,
    const uint8_t *name, size_t len);
/* 0, or -1 where the space is dead. The entry takes a reference on it. */
int csn_mem_space_link(struct csn_mem *m, struct csn_mem_space *s,
    struct csn_mem_entry *e);
void csn_mem_space_unlink(struct csn_mem *m, struct csn_mem_entry *e);
/*
 * Pin up to max of the space's entries, oldest first. second_chance: those
 * that were read since the last look go to the young end instead.
 */
size_t csn_mem_space_pin(struct csn_mem *m, struct csn_mem_space *s,
    struct csn_mem_entry **out, size_t max, int second_chance);

/* memory/index.c: entries by space and key, their ages and eviction. */

int csn_mem_index_init(struct csn_mem *m);
void csn_mem_index_free(struct csn_mem *m);
/*
 * Pinned, or NULL. use: young again, and counted as a hit or a miss. What
 * has ended is let go and not found.
 */
struct csn_mem_entry *csn_mem_find(struct csn_mem *m, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len, int use);
/*
 * Make a reserved entry the one under its key; the former is let go. The
 * caller's reference becomes the index's. CSN_E_CLOSED where the space is
 * dead; fresh: CSN_E_EXISTS where the former has not ended.
 */
int csn_mem_insert(struct csn_mem *m, struct csn_mem_space *s,
    struct csn_mem_entry *e, int fresh);
/* Let go what has ended in the next bucket of the shard of an entry. */
void csn_mem_sweep(struct csn_mem *m, uint32_t hash);
/* When an entry ends, ms since boot; UINT64_MAX for never. */
uint64_t csn_mem_end(const struct csn_mem_entry *e);
/* Take a pinned entry out of the index: 1, or 0 where it was out already. */
int csn_mem_remove(struct csn_mem *m, struct csn_mem_entry *e, int wipe);
void csn_mem_unpin(struct csn_mem *m, struct csn_mem_entry *e);
const uint8_t *csn_mem_key(const struct csn_mem_entry *e);
/* Evict until a chunk of that size can be had: it, or NULL. */
struct csn_mem_entry *csn_mem_evict_for(struct csn_mem *m, size_t len,
    size_t key_room);
/* Evict one entry of the space: 1, or 0 where there is none to evict. */
int csn_mem_evict_from(struct csn_mem *m, struct csn_mem_space *s);

/* memory/url.c */

struct csn_mem_config {
	uint64_t bytes;
	uint64_t share;
	size_t slab;
};

int csn_mem_config_parse(struct csn_ctx *ctx, const char *rest,
    struct csn_mem_config *out);

#endif
