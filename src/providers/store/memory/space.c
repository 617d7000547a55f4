/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory/space.c - spaces by name, and the list of a space's entries.
 *
 * A space is there as long as something refers to it. Its last reference is
 * given up under its table's lock, so nobody finds one that is going away.
 */

#include <string.h>

#include "providers/store/memory/memory.h"

#define FIRST_BUCKETS 16u

static uint64_t
space_hash(const struct csn_mem *m, const uint8_t *name, size_t len)
{
	return csn_mem_hash(m, name, len, NULL, 0);
}

static struct csn_mem_spaces *
table_of(struct csn_mem *m, uint64_t hash)
{
	return &m->spaces[(hash >> 32) % CSN_MEM_SPACE_SHARDS];
}

int
csn_mem_spaces_init(struct csn_mem *m)
{
	struct csn_mem_spaces *t;
	size_t i;
	int rc = 0;

	for (i = 0; i < CSN_MEM_SPACE_SHARDS; i++) {
		t = &m->spaces[i];
		(void)pthread_mutex_init(&t->lock, NULL);
		t->buckets = csn_calloc(FIRST_BUCKETS, sizeof(*t->buckets));
		t->mask = FIRST_BUCKETS - 1;
		if (t->buckets == NULL)
			rc = CSN_E_NOMEM;
	}
	return rc;
}

static void
space_free(struct csn_mem *m, struct csn_mem_space *s)
{
	atomic_fetch_sub_explicit(&m->index_bytes, sizeof(*s),
	    memory_order_relaxed);
	(void)pthread_mutex_destroy(&s->lock);
	csn_free(s);
}

void
csn_mem_spaces_free(struct csn_mem *m)
{
	struct csn_mem_spaces *t;
	struct csn_mem_space *s, *next;
	size_t i;
	uint32_t b;

	for (i = 0; i < CSN_MEM_SPACE_SHARDS; i++) {
		t = &m->spaces[i];
		for (b = 0; t->buckets != NULL && b <= t->mask; b++) {
			for (s = t->buckets[b]; s != NULL; s = next) {
				next = s->next;
				space_free(m, s);
			}
		}
		csn_free(t->buckets);
		(void)pthread_mutex_destroy(&t->lock);
	}
}

/* Twice the buckets; where there is no memory the chains grow instead. */
static void
table_grow(struct csn_mem *m, struct csn_mem_spaces *t)
{
	struct csn_mem_space **to, *s, *next;
	uint32_t mask = t->mask * 2 + 1, b;

	if ((to = csn_calloc((size_t)mask + 1, sizeof(*to))) == NULL)
		return;
	for (b = 0; b <= t->mask; b++) {
		for (s = t->buckets[b]; s != NULL; s = next) {
			next = s->next;
			s->next = to[s->hash & mask];
			to[s->hash & mask] = s;
		}
	}
	atomic_fetch_add_explicit(&m->index_bytes,
	    (uint64_t)(mask - t->mask) * sizeof(*to), memory_order_relaxed);
	csn_free(t->buckets);
	t->buckets = to;
	t->mask = mask;
}

static struct csn_mem_space **
table_find(struct csn_mem_spaces *t, uint32_t hash, const uint8_t *name,
    size_t len)
{
	struct csn_mem_space **at;

	for (at = &t->buckets[hash & t->mask]; *at != NULL;
	    at = &(*at)->next) {
		if ((*at)->hash == hash && (*at)->len == len &&
		    memcmp((*at)->name, name, len) == 0) /* public */
			break;
	}
	return at;
}

struct csn_mem_space *
csn_mem_space_get(struct csn_mem *m, const uint8_t *name, size_t len,
    int create)
{
	uint64_t hash = space_hash(m, name, len);
	struct csn_mem_spaces *t = table_of(m, hash);
	struct csn_mem_space **at, *s;

	(void)pthread_mutex_lock(&t->lock);
	at = table_find(t, (uint32_t)hash, name, len);
	s = *at;
	if (s == NULL && create && (s = csn_calloc(1, sizeof(*s))) != NULL) {
		s->hash = (uint32_t)hash;
		s->len = (uint8_t)len;
		memcpy(s->name, name, len);
		(void)pthread_mutex_init(&s->lock, NULL);
		atomic_fetch_add_explicit(&m->index_bytes, sizeof(*s),
		    memory_order_relaxed);
		*at = s;
		if (++t->count > t->mask)
			table_grow(m, t);
	}
	if (s != NULL)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	(void)pthread_mutex_unlock(&t->lock);
	return s;
}

void
csn_mem_space_put(struct csn_mem *m, struct csn_mem_space *s)
{
	struct csn_mem_spaces *t;
	struct csn_mem_space **at;
	uint32_t refs;

	refs = atomic_load_explicit(&s->refs, memory_order_relaxed);
	while (refs > 1) {
		if (atomic_compare_exchange_weak_explicit(&s->refs, &refs,
		    refs - 1, memory_order_acq_rel, memory_order_relaxed))
			return;
	}
	t = table_of(m, space_hash(m, s->name, s->len));
	(void)pthread_mutex_lock(&t->lock);
	if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) !=
	    1) {
		(void)pthread_mutex_unlock(&t->lock);
		return;
	}
	/* A dead one is out already; another may have its name by now. */
	for (at = &t->buckets[s->hash & t->mask]; *at != NULL;
	    at = &(*at)->next) {
		if (*at == s) {
			*at = s->next;
			t->count--;
			break;
		}
	}
	(void)pthread_mutex_unlock(&t->lock);
	space_free(m, s);
}

struct csn_mem_space *
csn_mem_space_kill(struct csn_mem *m, const uint8_t *name, size_t len)
{
	uint64_t hash = space_hash(m, name, len);
	struct csn_mem_spaces *t = table_of(m, hash);
	struct csn_mem_space **at, *s;

	(void)pthread_mutex_lock(&t->lock);
	at = table_find(t, (uint32_t)hash, name, len);
	if ((s = *at) != NULL) {
		*at = s->next;
		t->count--;
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	}
	(void)pthread_mutex_unlock(&t->lock);
	if (s != NULL) {
		(void)pthread_mutex_lock(&s->lock);
		s->dead = 1;
		(void)pthread_mutex_unlock(&s->lock);
	}
	return s;
}

static void
list_push(struct csn_mem_space *s, struct csn_mem_entry *e)
{
	e->snext = NULL;
	e->sprev = s->newest;
	if (s->newest != NULL)
		s->newest->snext = e;
	else
		s->oldest = e;
	s->newest = e;
}

static void
list_remove(struct csn_mem_space *s, struct csn_mem_entry *e)
{
	if (e->snext != NULL)
		e->snext->sprev = e->sprev;
	else
		s->newest = e->sprev;
	if (e->sprev != NULL)
		e->sprev->snext = e->snext;
	else
		s->oldest = e->snext;
}

int
csn_mem_space_link(struct csn_mem *m, struct csn_mem_space *s,
    struct csn_mem_entry *e)
{
	(void)pthread_mutex_lock(&s->lock);
	if (s->dead) {
		(void)pthread_mutex_unlock(&s->lock);
		return -1;
	}
	e->space = s;
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	list_push(s, e);
	(void)pthread_mutex_unlock(&s->lock);
	atomic_fetch_add_explicit(&s->entries, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->bytes, e->len, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->memory, csn_mem_chunk_size(m, e),
	    memory_order_relaxed);
	return 0;
}

void
csn_mem_space_unlink(struct csn_mem *m, struct csn_mem_entry *e)
{
	struct csn_mem_space *s = e->space;

	(void)pthread_mutex_lock(&s->lock);
	list_remove(s, e);
	(void)pthread_mutex_unlock(&s->lock);
	atomic_fetch_sub_explicit(&s->entries, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&s->bytes, e->len, memory_order_relaxed);
	atomic_fetch_sub_explicit(&s->memory, csn_mem_chunk_size(m, e),
	    memory_order_relaxed);
}

size_t
csn_mem_space_pin(struct csn_mem *m, struct csn_mem_space *s,
    struct csn_mem_entry **out, size_t max, int second_chance)
{
	struct csn_mem_entry *e, *next;
	uint64_t spared = 0;
	size_t n = 0;

	(void)m;
	(void)pthread_mutex_lock(&s->lock);
	for (e = s->oldest; e != NULL && n < max; e = next) {
		next = e->snext;
		if (second_chance && spared < atomic_load(&s->entries) &&
		    atomic_exchange_explicit(&e->touched, 0,
		    memory_order_relaxed) != 0) {
			list_remove(s, e);
			list_push(s, e);
			spared++;
			if (next == NULL)
				next = e;
			continue;
		}
		/* In the list means held by the index: never from zero. */
		atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
		out[n++] = e;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}
