/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory/index.c - entries by space and key, their ages and eviction.
 *
 * Each shard keeps its entries in the order of their last use and shows the
 * tick of its oldest. Evicting looks at those ticks, so the store gives up
 * what was used longest ago though no list spans it.
 */

#include <string.h>

#include "base/clock.h"
#include "providers/store/memory/memory.h"

#define FIRST_BUCKETS 64u
#define PIN_MAX 64

static struct csn_mem_shard *
shard_of(struct csn_mem *m, uint32_t hash)
{
	return &m->shards[hash % CSN_MEM_SHARDS];
}

static struct csn_mem_entry **
bucket_of(const struct csn_mem_shard *sh, uint32_t hash)
{
	return &sh->buckets[(hash / CSN_MEM_SHARDS) & sh->mask];
}

int
csn_mem_index_init(struct csn_mem *m)
{
	struct csn_mem_shard *sh;
	size_t i;
	int rc = 0;

	for (i = 0; i < CSN_MEM_SHARDS; i++) {
		sh = &m->shards[i];
		(void)pthread_mutex_init(&sh->lock, NULL);
		sh->buckets = csn_calloc(FIRST_BUCKETS, sizeof(void *));
		sh->mask = FIRST_BUCKETS - 1;
		if (sh->buckets == NULL)
			rc = CSN_E_NOMEM;
		atomic_init(&m->oldest[i], UINT64_MAX);
	}
	return rc;
}

static void
long_key_free(struct csn_mem *m, struct csn_mem_entry *e)
{
	uint8_t *key;

	if ((e->flags & CSN_MEM_KEY_OUTSIDE) == 0)
		return;
	memcpy(&key, (uint8_t *)e - sizeof(key), sizeof(key));
	atomic_fetch_sub_explicit(&m->index_bytes, e->key_len,
	    memory_order_relaxed);
	csn_wipe_free(key, e->key_len);
}

void
csn_mem_index_free(struct csn_mem *m)
{
	struct csn_mem_shard *sh;
	struct csn_mem_entry *e;
	size_t i;

	for (i = 0; i < CSN_MEM_SHARDS; i++) {
		sh = &m->shards[i];
		for (e = sh->oldest; e != NULL; e = e->newer)
			long_key_free(m, e);
		csn_free(sh->buckets);
		(void)pthread_mutex_destroy(&sh->lock);
	}
}

const uint8_t *
csn_mem_key(const struct csn_mem_entry *e)
{
	const uint8_t *key;

	if ((e->flags & CSN_MEM_ENDS) != 0)
		return (const uint8_t *)e - CSN_MEM_END_ROOM - e->key_len;
	if ((e->flags & CSN_MEM_KEY_OUTSIDE) == 0)
		return (const uint8_t *)e - e->key_len;
	memcpy(&key, (const uint8_t *)e - sizeof(key), sizeof(key));
	return key;
}

uint64_t
csn_mem_end(const struct csn_mem_entry *e)
{
	uint64_t end;

	if ((e->flags & CSN_MEM_ENDS) == 0)
		return UINT64_MAX;
	memcpy(&end, (const uint8_t *)e - sizeof(end), sizeof(end));
	return end;
}

static int
has_ended(const struct csn_mem *m, const struct csn_mem_entry *e)
{
	return (e->flags & CSN_MEM_ENDS) != 0 &&
	    csn_ctx_boot_ms(m->ctx) >= csn_mem_end(e);
}

static void
show_oldest(struct csn_mem *m, struct csn_mem_shard *sh)
{
	atomic_store_explicit(&m->oldest[sh - m->shards],
	    sh->oldest == NULL ? UINT64_MAX : sh->oldest->tick,
	    memory_order_relaxed);
}

static void
age_remove(struct csn_mem *m, struct csn_mem_shard *sh,
    struct csn_mem_entry *e)
{
	int was_oldest = sh->oldest == e;

	if (e->newer != NULL)
		e->newer->older = e->older;
	else
		sh->newest = e->older;
	if (e->older != NULL)
		e->older->newer = e->newer;
	else
		sh->oldest = e->newer;
	e->older = e->newer = NULL;
	if (was_oldest)
		show_oldest(m, sh);
}

static void
age_push(struct csn_mem *m, struct csn_mem_shard *sh, struct csn_mem_entry *e)
{
	atomic_store_explicit(&e->tick, csn_now_ns(), memory_order_relaxed);
	e->newer = NULL;
	e->older = sh->newest;
	if (sh->newest != NULL) {
		sh->newest->newer = e;
		sh->newest = e;
	} else {
		sh->newest = sh->oldest = e;
		show_oldest(m, sh);
	}
}

static struct csn_mem_entry **
lookup(struct csn_mem_shard *sh, uint32_t hash, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len)
{
	struct csn_mem_entry **at, *e;

	for (at = bucket_of(sh, hash); (e = *at) != NULL; at = &e->next) {
		if (e->hash == hash && e->key_len == key_len &&
		    e->space->len == space_len &&
		    memcmp(csn_mem_key(e), key, key_len) == 0 && /* public */
		    memcmp(e->space->name, space, space_len) == 0)
			break;
	}
	return at;
}

static void
grow(struct csn_mem *m, struct csn_mem_shard *sh)
{
	struct csn_mem_shard bigger = { .mask = sh->mask * 2 + 1 };
	struct csn_mem_entry **at, *e;

	bigger.buckets = csn_calloc((size_t)bigger.mask + 1, sizeof(void *));
	if (bigger.buckets == NULL)
		return;
	for (e = sh->oldest; e != NULL; e = e->newer) {
		at = bucket_of(&bigger, e->hash);
		e->next = *at;
		*at = e;
	}
	atomic_fetch_add_explicit(&m->index_bytes,
	    (uint64_t)(bigger.mask - sh->mask) * sizeof(void *),
	    memory_order_relaxed);
	csn_free(sh->buckets);
	sh->buckets = bigger.buckets;
	sh->mask = bigger.mask;
}

/* Out of the chain at `at`, the ages and its space; the shard is locked. */
static void
take_out(struct csn_mem *m, struct csn_mem_shard *sh,
    struct csn_mem_entry **at)
{
	struct csn_mem_entry *e = *at;

	*at = e->next;
	sh->count--;
	sh->bytes -= e->len;
	age_remove(m, sh, e);
	csn_mem_space_unlink(m, e);
	atomic_store_explicit(&e->state, CSN_MEM_DEAD, memory_order_release);
}

struct csn_mem_entry *
csn_mem_find(struct csn_mem *m, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, int use)
{
	uint32_t hash = (uint32_t)csn_mem_hash(m, space, space_len, key,
	    key_len);
	struct csn_mem_shard *sh = shard_of(m, hash);
	struct csn_mem_entry **at, *e, *ended = NULL;

	(void)pthread_mutex_lock(&sh->lock);
	at = lookup(sh, hash, space, space_len, key, key_len);
	if ((e = *at) != NULL && has_ended(m, e)) {
		take_out(m, sh, at);
		ended = e;
		e = NULL;
	}
	if (e != NULL)
		atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	if (e != NULL && use) {
		sh->hits++;
		atomic_store_explicit(&e->touched, 1, memory_order_relaxed);
		age_remove(m, sh, e);
		age_push(m, sh, e);
	} else if (use) {
		sh->misses++;
	}
	(void)pthread_mutex_unlock(&sh->lock);
	if (ended != NULL)
		csn_mem_unpin(m, ended);
	return e;
}

/* A bucket for each put with an end: the whole table once a generation. */
void
csn_mem_sweep(struct csn_mem *m, uint32_t hash)
{
	struct csn_mem_shard *sh = shard_of(m, hash);
	struct csn_mem_entry **at, *e, *ended = NULL;

	(void)pthread_mutex_lock(&sh->lock);
	sh->hand = (sh->hand + 1) & sh->mask;
	for (at = &sh->buckets[sh->hand]; (e = *at) != NULL;) {
		if (!has_ended(m, e)) {
			at = &e->next;
			continue;
		}
		take_out(m, sh, at);
		e->next = ended;
		ended = e;
	}
	(void)pthread_mutex_unlock(&sh->lock);
	while ((e = ended) != NULL) {
		ended = e->next;
		csn_mem_unpin(m, e);
	}
}

int
csn_mem_insert(struct csn_mem *m, struct csn_mem_space *s,
    struct csn_mem_entry *e, int fresh)
{
	struct csn_mem_shard *sh;
	struct csn_mem_entry **at, *old;

	e->hash = (uint32_t)csn_mem_hash(m, s->name, s->len, csn_mem_key(e),
	    e->key_len);
	sh = shard_of(m, e->hash);
	(void)pthread_mutex_lock(&sh->lock);
	at = lookup(sh, e->hash, s->name, s->len, csn_mem_key(e), e->key_len);
	if ((old = *at) != NULL && fresh && !has_ended(m, old)) {
		(void)pthread_mutex_unlock(&sh->lock);
		return CSN_E_EXISTS;
	}
	if (csn_mem_space_link(m, s, e) != 0) {
		(void)pthread_mutex_unlock(&sh->lock);
		return CSN_E_CLOSED;
	}
	if (old != NULL)
		take_out(m, sh, at);
	at = bucket_of(sh, e->hash);
	e->next = *at;
	*at = e;
	age_push(m, sh, e);
	sh->bytes += e->len;
	atomic_store_explicit(&e->state, CSN_MEM_LIVE, memory_order_release);
	if (++sh->count > sh->mask)
		grow(m, sh);
	(void)pthread_mutex_unlock(&sh->lock);
	if (old != NULL)
		csn_mem_unpin(m, old);
	return 0;
}

int
csn_mem_remove(struct csn_mem *m, struct csn_mem_entry *e, int wipe)
{
	struct csn_mem_shard *sh = shard_of(m, e->hash);
	struct csn_mem_entry **at;

	(void)pthread_mutex_lock(&sh->lock);
	if (atomic_load_explicit(&e->state, memory_order_acquire) !=
	    CSN_MEM_LIVE) {
		(void)pthread_mutex_unlock(&sh->lock);
		return 0;
	}
	for (at = bucket_of(sh, e->hash); *at != e; at = &(*at)->next)
		continue;
	if (wipe)
		e->flags |= CSN_MEM_WIPE;
	take_out(m, sh, at);
	(void)pthread_mutex_unlock(&sh->lock);
	csn_mem_unpin(m, e);
	return 1;
}

void
csn_mem_unpin(struct csn_mem *m, struct csn_mem_entry *e)
{
	struct csn_mem_space *s;

	if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
		return;
	long_key_free(m, e);
	s = e->space;
	csn_mem_chunk_give(m, e);
	if (s != NULL)
		csn_mem_space_put(m, s);
}

/* Evict a pinned entry, tell whoever wants to know, and unpin it. */
static int
evict(struct csn_mem *m, struct csn_mem_entry *e)
{
	struct csn_mem_space *s = e->space;
	csn_store_evicted fn;
	int done;

	if ((done = csn_mem_remove(m, e, 0)) != 0) {
		atomic_fetch_add_explicit(&m->evictions, 1,
		    memory_order_relaxed);
		atomic_fetch_add_explicit(&s->evictions, 1,
		    memory_order_relaxed);
		if ((fn = atomic_load(&m->evicted)) != NULL)
			fn(m->evicted_arg, s->name, s->len,
			    csn_mem_key(e), e->key_len);
	}
	csn_mem_unpin(m, e);
	return done;
}

/*
 * The entry used longest ago that nobody reads right now, pinned; NULL for
 * none. One that is being read counts as used.
 */
static struct csn_mem_entry *
pin_oldest(struct csn_mem *m)
{
	struct csn_mem_shard *sh;
	struct csn_mem_entry *e;
	uint64_t tick, best, spared = 0;
	size_t i, at;

	for (;;) {
		best = UINT64_MAX;
		at = 0;
		for (i = 0; i < CSN_MEM_SHARDS; i++) {
			tick = atomic_load_explicit(&m->oldest[i],
			    memory_order_relaxed);
			if (tick < best) {
				best = tick;
				at = i;
			}
		}
		if (best == UINT64_MAX)
			return NULL;
		sh = &m->shards[at];
		(void)pthread_mutex_lock(&sh->lock);
		e = sh->oldest;
		if (e != NULL && atomic_load_explicit(&e->refs,
		    memory_order_relaxed) > 1) {
			age_remove(m, sh, e);
			age_push(m, sh, e);
			spared++;
			if (spared > (uint64_t)sh->count * CSN_MEM_SHARDS * 2) {
				(void)pthread_mutex_unlock(&sh->lock);
				return NULL;
			}
			e = NULL;
		}
		if (e != NULL)
			atomic_fetch_add_explicit(&e->refs, 1,
			    memory_order_relaxed);
		(void)pthread_mutex_unlock(&sh->lock);
		if (e != NULL)
			return e;
	}
}

struct csn_mem_entry *
csn_mem_evict_for(struct csn_mem *m, size_t len, size_t key_room)
{
	struct csn_mem_entry *pins[PIN_MAX], *e, *got;
	int run = csn_mem_is_run(m, len, key_room);
	uint64_t freed = 0;
	uint32_t oldest = 0, fruitless = 0;
	size_t i, n, done;

	while ((got = csn_mem_chunk_take(m, len, key_room)) == NULL) {
		/* The oldest of the store: some, or as much as is needed. */
		if (oldest < 4 || (run && freed < 2 * len)) {
			if ((e = pin_oldest(m)) == NULL)
				return NULL;
			freed += csn_mem_chunk_size(m, e);
			oldest++;
			(void)evict(m, e);
			continue;
		}
		/* They were of other sizes: an old one of the right size. */
		if (!run && (e = csn_mem_class_pin(m, len, key_room)) !=
		    NULL) {
			(void)evict(m, e);
			continue;
		}
		/* There is none: the emptiest slab goes as a whole. */
		n = csn_mem_slab_pin(m, fruitless > 0, pins, PIN_MAX);
		for (i = done = 0; i < n; i++)
			done += (size_t)evict(m, pins[i]);
		if (done > 0) {
			fruitless = 0;
		} else {
			if (++fruitless > 64)
				return NULL;
			/* What lies in the way may be runs. */
			oldest = 0;
			freed = 0;
		}
	}
	return got;
}

int
csn_mem_evict_from(struct csn_mem *m, struct csn_mem_space *s)
{
	struct csn_mem_entry *e;

	if (csn_mem_space_pin(m, s, &e, 1, 1) == 0)
		return 0;
	(void)evict(m, e);
	return 1;
}
