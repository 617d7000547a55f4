/* SPDX-License-Identifier: Apache-2.0 */
/* cache/held.c - derived keys that many threads use, in a bounded table. */
#include <string.h>
#include <xxhash.h>

#include <caisson/crypto.h>

#include "base/fail.h"
#include "base/lock.h"
#include "cache/held.h"

#define ROOM "cache"

static int
init_locks(struct csn_ctx *ctx, struct csn_held_table *t)
{
	size_t i;

	for (i = 0; i < CSN_HELD_SHARDS; i++)
		if (csn_rwlock_init(&t->shards[i].lock) != 0)
			break;
	if (i == CSN_HELD_SHARDS)
		return 0;
	while (i-- > 0)
		pthread_rwlock_destroy(&t->shards[i].lock);
	return csn_nomem(ctx, ROOM, "the locks of a table of keys");
}

int
csn_held_init(struct csn_ctx *ctx, struct csn_held_table *t, size_t max)
{
	int rc;

	t->nshards = max < CSN_HELD_SHARDS ? 1 : CSN_HELD_SHARDS;
	t->per_shard = (max + t->nshards - 1) / t->nshards;
	if ((rc = csn_random(ctx, &t->seed, sizeof(t->seed))) != 0 ||
	    (rc = init_locks(ctx, t)) != 0)
		t->nshards = 0;
	return rc;
}

static void
wipe_all(struct csn_held_table *t)
{
	struct csn_held *h;
	size_t i;

	for (i = 0; i < CSN_HELD_SHARDS; i++) {
		while ((h = t->shards[i].first) != NULL) {
			t->shards[i].first = h->next;
			t->wipe(t->arg, h);
		}
		t->shards[i].n = 0;
	}
}

void
csn_held_free(struct csn_held_table *t)
{
	size_t i;

	if (t->nshards == 0)
		return;
	wipe_all(t);
	for (i = 0; i < CSN_HELD_SHARDS; i++)
		pthread_rwlock_destroy(&t->shards[i].lock);
	t->nshards = 0;
}

int
csn_held_after_fork(struct csn_ctx *ctx, struct csn_held_table *t)
{
	/* The locks are whatever other threads of the parent left. */
	wipe_all(t);
	return init_locks(ctx, t);
}

uint64_t
csn_held_hash(const struct csn_held_table *t, const void *p, size_t len)
{
	return XXH3_64bits_withSeed(p, len, t->seed);
}

static struct csn_held_shard *
shard_of(struct csn_held_table *t, uint64_t hash)
{
	return &t->shards[hash % t->nshards];
}

static struct csn_held *
find(struct csn_held_table *t, struct csn_held_shard *shard, uint64_t hash,
    const void *name)
{
	struct csn_held *h;

	for (h = shard->first; h != NULL; h = h->next)
		if (h->hash == hash && t->same(h, name))
			break;
	return h;
}

static void
hold(struct csn_held_table *t, struct csn_held *h)
{
	uint64_t tick = atomic_load_explicit(&t->tick, memory_order_relaxed);

	atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
	/* Written once between two additions, not by every call. */
	if (atomic_load_explicit(&h->used, memory_order_relaxed) != tick)
		atomic_store_explicit(&h->used, tick, memory_order_relaxed);
}

struct csn_held *
csn_held_find(struct csn_held_table *t, uint64_t hash, const void *name)
{
	struct csn_held_shard *shard = shard_of(t, hash);
	struct csn_held *h;

	pthread_rwlock_rdlock(&shard->lock);
	if ((h = find(t, shard, hash, name)) != NULL)
		hold(t, h);
	pthread_rwlock_unlock(&shard->lock);
	return h;
}

/* Take the one that was used longest ago out of a full shard. */
static struct csn_held *
evict(struct csn_held_table *t, struct csn_held_shard *shard)
{
	struct csn_held **at, **oldest = NULL, *h;

	if (shard->n < t->per_shard)
		return NULL;
	for (at = &shard->first; *at != NULL; at = &(*at)->next)
		if (oldest == NULL || atomic_load(&(*at)->used) <=
		    atomic_load(&(*oldest)->used))
			oldest = at;
	h = *oldest;
	*oldest = h->next;
	shard->n--;
	return h;
}

struct csn_held *
csn_held_add(struct csn_held_table *t, struct csn_held *fresh, uint64_t hash,
    const void *name)
{
	struct csn_held_shard *shard = shard_of(t, hash);
	struct csn_held *h, *old = NULL;

	fresh->hash = hash;
	atomic_init(&fresh->refs, 1);
	pthread_rwlock_wrlock(&shard->lock);
	if ((h = find(t, shard, hash, name)) == NULL) {
		old = evict(t, shard);
		h = fresh;
		h->next = shard->first;
		shard->first = h;
		shard->n++;
		atomic_fetch_add(&t->tick, 1);
		fresh = NULL;
	}
	hold(t, h);
	pthread_rwlock_unlock(&shard->lock);
	if (fresh != NULL)
		t->wipe(t->arg, fresh);
	if (old != NULL)
		csn_held_release(t, old);
	return h;
}

void
csn_held_release(struct csn_held_table *t, struct csn_held *h)
{
	if (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) == 1)
		t->wipe(t->arg, h);
}

void
csn_held_drop(struct csn_held_table *t,
    int (*which)(const struct csn_held *h, const void *arg), const void *arg)
{
	struct csn_held **at, *h, *gone;
	size_t i;

	for (i = 0; i < t->nshards; i++) {
		gone = NULL;
		pthread_rwlock_wrlock(&t->shards[i].lock);
		for (at = &t->shards[i].first; (h = *at) != NULL; ) {
			if (!which(h, arg)) {
				at = &h->next;
				continue;
			}
			*at = h->next;
			t->shards[i].n--;
			h->next = gone;
			gone = h;
		}
		pthread_rwlock_unlock(&t->shards[i].lock);
		while ((h = gone) != NULL) {
			gone = h->next;
			csn_held_release(t, h);
		}
	}
}
