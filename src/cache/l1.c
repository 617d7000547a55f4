/* SPDX-License-Identifier: Apache-2.0 */
/* cache/l1.c - the level in this process: sealed bytes in bounded memory. */
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <caisson/crypto.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "cache/l1.h"

#define FIRST_BUCKETS 64u
#define COUNTERS 4096u		/* of tickets; a power of two */
#define ALIGN 16u

/*
 * Under lock: all entries hang in buckets by their hashes and in the list
 * from newest to oldest; count and bytes are theirs.
 */
struct shard {
	alignas(64) pthread_mutex_t lock;
	struct csn_l1_entry **buckets;
	struct csn_l1_entry *newest;
	struct csn_l1_entry *oldest;
	uint32_t mask;
	uint32_t count;
	uint64_t evictions;
};

struct csn_l1 {
	struct csn_ctx *ctx;
	uint64_t seed;
	uint32_t shards;
	size_t limit;
	alignas(64) _Atomic size_t bytes;	/* of all shards */
	_Atomic uint32_t tickets[COUNTERS];
	struct shard shard[];
};

static size_t
weight(const struct csn_l1_entry *e)
{
	return sizeof(*e) + e->tenant_len + e->key_len + e->room + ALIGN;
}

static struct shard *
shard_of(struct csn_l1 *l1, uint64_t hash)
{
	return &l1->shard[hash & (l1->shards - 1)];
}

static struct csn_l1_entry **
bucket_of(struct shard *s, uint64_t hash)
{
	return &s->buckets[hash >> 32 & s->mask];
}

int
csn_l1_new(struct csn_ctx *ctx, size_t bytes, uint32_t shards,
    struct csn_l1 **out)
{
	struct csn_l1 *l1;
	size_t size;
	uint32_t i;
	int rc;

	size = sizeof(*l1) + shards * sizeof(l1->shard[0]);
	if ((l1 = aligned_alloc(64, (size + 63) & ~(size_t)63)) == NULL)
		return csn_nomem(ctx, "cache", "the level in this process");
	memset(l1, 0, size);
	l1->ctx = ctx;
	l1->limit = bytes;
	for (i = 0; i < shards; i++) {
		pthread_mutex_init(&l1->shard[i].lock, NULL);
		l1->shards++;
		l1->shard[i].mask = FIRST_BUCKETS - 1;
		l1->shard[i].buckets = csn_calloc(FIRST_BUCKETS,
		    sizeof(l1->shard[i].buckets[0]));
		if (l1->shard[i].buckets == NULL) {
			rc = csn_nomem(ctx, "cache",
			    "the level in this process");
			goto err;
		}
	}
	if ((rc = csn_random(ctx, &l1->seed, sizeof(l1->seed))) != 0)
		goto err;
	*out = l1;
	return 0;

err:
	csn_l1_free(l1);
	return rc;
}

void
csn_l1_free(struct csn_l1 *l1)
{
	struct csn_l1_entry *e, *next;
	struct shard *s;
	uint32_t i;

	if (l1 == NULL)
		return;
	/* Nobody else is here, also in a forked child: no lock is taken. */
	for (i = 0; i < l1->shards; i++) {
		s = &l1->shard[i];
		for (e = s->newest; e != NULL; e = next) {
			next = e->older;
			csn_l1_unpin(e);
		}
		free(s->buckets);
		pthread_mutex_destroy(&s->lock);
	}
	free(l1);
}

uint64_t
csn_l1_seed(const struct csn_l1 *l1, const char *tenant, size_t tenant_len)
{
	return XXH3_64bits_withSeed(tenant, tenant_len, l1->seed);
}

uint64_t
csn_l1_hash_key(uint64_t seed, const char *key, size_t key_len)
{
	return XXH3_64bits_withSeed(key, key_len, seed);
}

uint64_t
csn_l1_hash(const struct csn_l1 *l1, const struct csn_l1_name *n)
{
	return csn_l1_hash_key(csn_l1_seed(l1, n->tenant, n->tenant_len),
	    n->key, n->key_len);
}

struct csn_l1_entry *
csn_l1_entry_new(const struct csn_l1_name *n, size_t room)
{
	struct csn_l1_entry *e;
	size_t at = sizeof(*e) + n->tenant_len + n->key_len + ALIGN - 1;

	at &= ~(size_t)(ALIGN - 1);
	if (room > SIZE_MAX - at || (e = malloc(at + room)) == NULL)
		return NULL;
	atomic_init(&e->refs, 1);
	e->flags = 0;
	e->hash = n->hash;
	e->ends_ms = e->value_ends_ms = 0;
	e->chain = e->newer = e->older = NULL;
	e->bytes = (uint8_t *)e + at;
	e->room = room;
	e->len = 0;
	e->tenant_len = n->tenant_len;
	e->key_len = n->key_len;
	memcpy(e->name, n->tenant, n->tenant_len);
	memcpy(e->name + n->tenant_len, n->key, n->key_len);
	return e;
}

struct csn_l1_entry *
csn_l1_entry_fit(struct csn_l1_entry *e)
{
	size_t at = (size_t)(e->bytes - (uint8_t *)e);
	struct csn_l1_entry *moved;

	if (e->room - e->len < 64 || e->room - e->len < e->len / 8 ||
	    (moved = realloc(e, at + e->len)) == NULL)
		return e;
	moved->bytes = (uint8_t *)moved + at;
	moved->room = moved->len;
	return moved;
}

void
csn_l1_unpin(struct csn_l1_entry *e)
{
	if (e != NULL && atomic_fetch_sub_explicit(&e->refs, 1,
	    memory_order_acq_rel) == 1)
		free(e);
}

static int
has_name(const struct csn_l1_entry *e, const struct csn_l1_name *n)
{
	return e->hash == n->hash && e->tenant_len == n->tenant_len &&
	    e->key_len == n->key_len &&
	    memcmp(e->name, n->tenant, n->tenant_len) == 0 && /* public */
	    memcmp(e->name + n->tenant_len, n->key, n->key_len) == 0;
}

static struct csn_l1_entry **
find(struct shard *s, const struct csn_l1_name *n)
{
	struct csn_l1_entry **at;

	for (at = bucket_of(s, n->hash); *at != NULL; at = &(*at)->chain)
		if (has_name(*at, n))
			return at;
	return NULL;
}

static void
list_out(struct shard *s, struct csn_l1_entry *e)
{
	*(e->newer != NULL ? &e->newer->older : &s->newest) = e->older;
	*(e->older != NULL ? &e->older->newer : &s->oldest) = e->newer;
}

static void
list_front(struct shard *s, struct csn_l1_entry *e)
{
	e->newer = NULL;
	e->older = s->newest;
	*(s->newest != NULL ? &s->newest->newer : &s->oldest) = e;
	s->newest = e;
}

/* *at leaves the table for the dead, whose memory goes with no lock held. */
static void
take_out(struct csn_l1 *l1, struct shard *s, struct csn_l1_entry **at,
    struct csn_l1_entry **dead)
{
	struct csn_l1_entry *e = *at;

	*at = e->chain;
	list_out(s, e);
	s->count--;
	atomic_fetch_sub_explicit(&l1->bytes, weight(e),
	    memory_order_relaxed);
	e->chain = *dead;
	*dead = e;
}

static void
bury(struct csn_l1_entry *dead)
{
	struct csn_l1_entry *next;

	for (; dead != NULL; dead = next) {
		next = dead->chain;
		csn_l1_unpin(dead);
	}
}

/* Twice the buckets where memory allows; slower, not wrong, where not. */
static void
grow(struct shard *s)
{
	uint32_t i, mask = s->mask * 2 + 1;
	struct csn_l1_entry **buckets, *e, *next, **to;

	if (mask < s->mask ||
	    (buckets = csn_calloc((size_t)mask + 1, sizeof(*buckets))) == NULL)
		return;
	for (i = 0; i <= s->mask; i++) {
		for (e = s->buckets[i]; e != NULL; e = next) {
			next = e->chain;
			to = &buckets[e->hash >> 32 & mask];
			e->chain = *to;
			*to = e;
		}
	}
	free(s->buckets);
	s->buckets = buckets;
	s->mask = mask;
}

static void
put_in(struct csn_l1 *l1, struct shard *s, struct csn_l1_entry *e)
{
	struct csn_l1_entry **bucket;

	if (s->count > s->mask)
		grow(s);
	bucket = bucket_of(s, e->hash);
	e->chain = *bucket;
	*bucket = e;
	list_front(s, e);
	s->count++;
	atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&l1->bytes, weight(e),
	    memory_order_relaxed);
}

static int
over(const struct csn_l1 *l1)
{
	return atomic_load_explicit(&l1->bytes, memory_order_relaxed) >
	    l1->limit;
}

static void
give_up_oldest(struct csn_l1 *l1, struct shard *s,
    struct csn_l1_entry **dead)
{
	struct csn_l1_entry **at;

	for (at = bucket_of(s, s->oldest->hash); *at != s->oldest;
	    at = &(*at)->chain)
		;
	take_out(l1, s, at, dead);
	s->evictions++;
}

/* s is held; its newest, which was just put in, stays. */
static void
make_room_here(struct csn_l1 *l1, struct shard *s,
    struct csn_l1_entry **dead)
{
	while (over(l1) && s->oldest != s->newest)
		give_up_oldest(l1, s, dead);
}

/* No shard is held: the neighbours' oldest go, one at a time. */
static void
make_room_elsewhere(struct csn_l1 *l1, uint64_t hash)
{
	struct csn_l1_entry *dead;
	struct shard *s;
	uint32_t i, idle = 0;

	for (i = 1; over(l1) && idle < l1->shards; i++) {
		s = shard_of(l1, hash + i);
		dead = NULL;
		pthread_mutex_lock(&s->lock);
		idle = s->oldest == NULL ? idle + 1 : 0;
		if (s->oldest != NULL)
			give_up_oldest(l1, s, &dead);
		pthread_mutex_unlock(&s->lock);
		bury(dead);
	}
}

struct csn_l1_entry *
csn_l1_find(struct csn_l1 *l1, const struct csn_l1_name *n,
    uint64_t *left_ms)
{
	struct shard *s = shard_of(l1, n->hash);
	struct csn_l1_entry *e = NULL, *dead = NULL, **at;
	uint64_t now;

	*left_ms = 0;
	if (l1->limit == 0)
		return NULL;
	pthread_mutex_lock(&s->lock);
	if ((at = find(s, n)) != NULL) {
		e = *at;
		/* The clock is read only where it matters. */
		now = e->ends_ms != 0 ? csn_ctx_boot_ms(l1->ctx) : 0;
		if (e->ends_ms != 0 && e->ends_ms <= now) {
			take_out(l1, s, at, &dead);
			e = NULL;
		} else {
			if (e->value_ends_ms != 0)
				*left_ms = e->value_ends_ms - now;
			if (e != s->newest) {
				list_out(s, e);
				list_front(s, e);
			}
			atomic_fetch_add_explicit(&e->refs, 1,
			    memory_order_relaxed);
		}
	}
	pthread_mutex_unlock(&s->lock);
	bury(dead);
	return e;
}

static _Atomic uint32_t *
counter(struct csn_l1 *l1, const struct csn_l1_name *n)
{
	return &l1->tickets[n->hash >> 16 & (COUNTERS - 1)];
}

uint32_t
csn_l1_ticket(struct csn_l1 *l1, const struct csn_l1_name *n)
{
	return atomic_load(counter(l1, n));
}

uint32_t
csn_l1_begin(struct csn_l1 *l1, const struct csn_l1_name *n)
{
	return atomic_fetch_add(counter(l1, n), 1) + 1;
}

/* Whether e is to be kept at all. */
static int
fits(const struct csn_l1 *l1, const struct csn_l1_entry *e)
{
	return e != NULL && weight(e) <= l1->limit;
}

int
csn_l1_end(struct csn_l1 *l1, const struct csn_l1_name *n, uint32_t ticket,
    struct csn_l1_entry *e)
{
	struct shard *s = shard_of(l1, n->hash);
	_Atomic uint32_t *last = counter(l1, n);
	struct csn_l1_entry *dead = NULL, **at;
	int was;

	if (l1->limit == 0)
		return 0;
	pthread_mutex_lock(&s->lock);
	if ((was = (at = find(s, n)) != NULL))
		take_out(l1, s, at, &dead);
	if (fits(l1, e) && atomic_load(last) == ticket) {
		put_in(l1, s, e);
		make_room_here(l1, s, &dead);
	}
	atomic_fetch_add(last, 1);
	pthread_mutex_unlock(&s->lock);
	bury(dead);
	if (over(l1))
		make_room_elsewhere(l1, n->hash);
	return was;
}

int
csn_l1_fill(struct csn_l1 *l1, const struct csn_l1_name *n, uint32_t ticket,
    struct csn_l1_entry *e)
{
	struct shard *s = shard_of(l1, n->hash);
	struct csn_l1_entry *dead = NULL, **at;
	int kept = 0;

	if (!fits(l1, e))
		return 0;
	pthread_mutex_lock(&s->lock);
	if (atomic_load(counter(l1, n)) == ticket) {
		if ((at = find(s, n)) != NULL)
			take_out(l1, s, at, &dead);
		put_in(l1, s, e);
		make_room_here(l1, s, &dead);
		kept = 1;
	}
	pthread_mutex_unlock(&s->lock);
	bury(dead);
	if (over(l1))
		make_room_elsewhere(l1, n->hash);
	return kept;
}

void
csn_l1_forget(struct csn_l1 *l1, struct csn_l1_entry *e)
{
	struct shard *s = shard_of(l1, e->hash);
	struct csn_l1_entry *dead = NULL, **at;

	pthread_mutex_lock(&s->lock);
	for (at = bucket_of(s, e->hash); *at != NULL && *at != e;
	    at = &(*at)->chain)
		;
	if (*at == e)
		take_out(l1, s, at, &dead);
	pthread_mutex_unlock(&s->lock);
	bury(dead);
}

static uint64_t
clear_shard(struct csn_l1 *l1, struct shard *s, int (*match)(void *arg,
    const struct csn_l1_name *name), void *arg, struct csn_l1_entry **dead)
{
	struct csn_l1_entry **at, *e;
	struct csn_l1_name n;
	uint64_t gone = 0;
	uint32_t i;

	for (i = 0; i <= s->mask; i++) {
		for (at = &s->buckets[i]; (e = *at) != NULL; ) {
			n.hash = e->hash;
			n.tenant = e->name;
			n.tenant_len = e->tenant_len;
			n.key = e->name + e->tenant_len;
			n.key_len = e->key_len;
			if (match != NULL && !match(arg, &n)) {
				at = &e->chain;
				continue;
			}
			take_out(l1, s, at, dead);
			gone++;
		}
	}
	return gone;
}

uint64_t
csn_l1_clear(struct csn_l1 *l1, int (*match)(void *arg,
    const struct csn_l1_name *name), void *arg)
{
	struct csn_l1_entry *dead;
	uint64_t gone = 0;
	uint32_t i;

	/* What is being copied from the store now is not kept. */
	for (i = 0; i < COUNTERS; i++)
		atomic_fetch_add(&l1->tickets[i], 1);
	for (i = 0; i < l1->shards; i++) {
		dead = NULL;
		pthread_mutex_lock(&l1->shard[i].lock);
		gone += clear_shard(l1, &l1->shard[i], match, arg, &dead);
		pthread_mutex_unlock(&l1->shard[i].lock);
		bury(dead);
	}
	return gone;
}

void
csn_l1_stat(const struct csn_l1 *l1, struct csn_l1_stat *out)
{
	struct shard *s;
	uint32_t i;

	memset(out, 0, sizeof(*out));
	out->bytes = atomic_load(&l1->bytes);
	for (i = 0; i < l1->shards; i++) {
		s = (struct shard *)(uintptr_t)&l1->shard[i];
		pthread_mutex_lock(&s->lock);
		out->entries += s->count;
		out->evictions += s->evictions;
		pthread_mutex_unlock(&s->lock);
	}
}
