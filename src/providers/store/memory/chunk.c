/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory/chunk.c - chunks for entries: size classes in slabs, and runs.
 *
 * Up to 1 KiB the classes are 64 bytes apart, above that sixteen to each
 * doubling, so that rounding costs at most one part in sixteen. What is
 * larger than 32 KiB (a page, where pages are larger) or an eighth of a slab
 * is a run of pages of its own.
 */

#include <string.h>

#include "providers/store/memory/memory.h"

#define SMALLEST 128u
#define LARGEST ((size_t)32 << 10)
#define SAMPLE 16u
#define RUN_CLASS UINT32_MAX

/* Threads take turns through the heaps, one for life. */
static _Atomic uint32_t next_heap;
static _Thread_local uint32_t my_heap;

static struct csn_mem_entry *
entry_at(const struct csn_mem *m, const struct csn_mem_slab *s, uint32_t i)
{
	size_t size = m->sizes[s->cls];
	uint8_t *end;

	end = m->arena.slabs + (size_t)(s - m->slabs) * m->arena.slab_size +
	    (i + 1) * size;
	return (struct csn_mem_entry *)(void *)
	    (end - sizeof(struct csn_mem_entry));
}

static struct csn_mem_slab *
slab_of(const struct csn_mem *m, const struct csn_mem_entry *e)
{
	size_t at = (size_t)((const uint8_t *)e - m->arena.slabs);

	return &m->slabs[at / m->arena.slab_size];
}

static uint32_t
class_of(const struct csn_mem *m, size_t need)
{
	uint32_t lo = 0, hi = m->nclasses, mid;

	if (need > m->sizes[m->nclasses - 1])
		return RUN_CLASS;
	while (lo + 1 < hi) {
		mid = (lo + hi - 1) / 2;
		if (m->sizes[mid] >= need)
			hi = mid + 1;
		else
			lo = mid + 1;
	}
	return lo;
}

int
csn_mem_chunks_init(struct csn_mem *m)
{
	size_t largest = m->arena.slab_size / 8, size = SMALLEST, step;
	uint32_t i;

	if (largest > LARGEST)
		largest = m->arena.page > LARGEST ? m->arena.page : LARGEST;
	while (size <= largest && m->nclasses < CSN_MEM_MAX_CLASSES) {
		m->sizes[m->nclasses++] = (uint32_t)size;
		for (step = 64; step * 32 <= size; step *= 2)
			continue;
		size += step;
	}
	/* A heap wants slabs of its own: few heaps in a small store. */
	m->nheaps = m->limit < ((uint64_t)64 << 20) ? 1 :
	    m->limit < ((uint64_t)1 << 30) ? 4 : CSN_MEM_MAX_HEAPS;
	for (i = 0; i < CSN_MEM_MAX_HEAPS; i++)
		(void)pthread_mutex_init(&m->heaps[i].lock, NULL);
	m->slabs = csn_calloc(m->arena.nslabs, sizeof(*m->slabs));
	return m->slabs == NULL ? CSN_E_NOMEM : 0;
}

void
csn_mem_chunks_free(struct csn_mem *m)
{
	uint32_t i;

	for (i = 0; i < CSN_MEM_MAX_HEAPS; i++)
		(void)pthread_mutex_destroy(&m->heaps[i].lock);
	csn_free(m->slabs);
}

size_t
csn_mem_chunk_size(const struct csn_mem *m, const struct csn_mem_entry *e)
{
	if (e->pages > 0)
		return e->pages * m->arena.page;
	return m->sizes[slab_of(m, e)->cls];
}

static void
slab_append(struct csn_mem_slabs *l, struct csn_mem_slab *s)
{
	s->next = NULL;
	s->prev = l->last;
	if (l->last != NULL)
		l->last->next = s;
	else
		l->first = s;
	l->last = s;
}

static void
slab_remove(struct csn_mem_slabs *l, struct csn_mem_slab *s)
{
	if (s->next != NULL)
		s->next->prev = s->prev;
	else
		l->last = s->prev;
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		l->first = s->next;
	s->next = s->prev = NULL;
}

/* A chunk of an open slab; the heap is locked. */
static struct csn_mem_entry *
chunk_pop(struct csn_mem *m, struct csn_mem_heap *h, uint32_t cls)
{
	struct csn_mem_slab *s = h->open[cls].first;
	struct csn_mem_entry *e;

	if (s == NULL)
		return NULL;
	if (s->free != 0) {
		e = entry_at(m, s, s->free - 1);
		s->free = e->hash;
	} else {
		e = entry_at(m, s, s->carved++);
	}
	if (++s->live == s->chunks) {
		slab_remove(&h->open[cls], s);
		slab_append(&h->full[cls], s);
	}
	e->pages = 0;
	/* Under the lock: csn_mem_slab_pin may look at once. */
	atomic_store_explicit(&e->state, CSN_MEM_RESERVED,
	    memory_order_relaxed);
	atomic_store_explicit(&e->refs, 1, memory_order_relaxed);
	return e;
}

static int
heap_grow(struct csn_mem *m, uint32_t heap, uint32_t cls)
{
	struct csn_mem_slab *s;
	int64_t slab;

	if ((slab = csn_mem_slab_take(&m->arena)) < 0)
		return 0;
	s = &m->slabs[slab];
	s->heap = heap;
	s->cls = cls;
	s->chunks = (uint32_t)(m->arena.slab_size / m->sizes[cls]);
	s->carved = s->live = s->free = 0;
	s->used = 1;
	slab_append(&m->heaps[heap].open[cls], s);
	return 1;
}

static struct csn_mem_entry *
small_take(struct csn_mem *m, uint32_t cls)
{
	struct csn_mem_entry *e;
	uint32_t i, at;

	if (my_heap == 0) {
		my_heap = 1 + atomic_fetch_add_explicit(&next_heap, 1,
		    memory_order_relaxed) % CSN_MEM_MAX_HEAPS;
	}
	/* Its own heap may grow; the others only give what they have. */
	for (i = 0, e = NULL; i < m->nheaps && e == NULL; i++) {
		at = (my_heap - 1 + i) % m->nheaps;
		(void)pthread_mutex_lock(&m->heaps[at].lock);
		e = chunk_pop(m, &m->heaps[at], cls);
		if (e == NULL && i == 0 && heap_grow(m, at, cls))
			e = chunk_pop(m, &m->heaps[at], cls);
		(void)pthread_mutex_unlock(&m->heaps[at].lock);
	}
	return e;
}

struct csn_mem_entry *
csn_mem_chunk_take(struct csn_mem *m, size_t len, size_t key_room)
{
	struct csn_mem_entry *e;
	uint32_t cls, pages;
	uint8_t *p;
	size_t need;

	/* The header is 16-aligned at the end, whatever the key's length. */
	need = len + key_room + sizeof(*e);
	if ((cls = class_of(m, need)) != RUN_CLASS) {
		if ((e = small_take(m, cls)) == NULL)
			return NULL;
	} else {
		if (need > m->limit)
			return NULL;
		pages = (uint32_t)((need + m->arena.page - 1) / m->arena.page);
		if ((p = csn_mem_run_take(&m->arena, pages)) == NULL)
			return NULL;
		e = (struct csn_mem_entry *)(void *)
		    (p + pages * m->arena.page - sizeof(*e));
		e->pages = pages;
		atomic_store_explicit(&e->state, CSN_MEM_RESERVED,
		    memory_order_relaxed);
		atomic_store_explicit(&e->refs, 1, memory_order_relaxed);
	}
	e->next = e->older = e->newer = e->sprev = e->snext = NULL;
	e->space = NULL;
	e->len = len & ((UINT64_C(1) << 48) - 1);	/* limit: 4T */
	e->key_len = 0;
	atomic_store_explicit(&e->flags, 0, memory_order_relaxed);
	atomic_store_explicit(&e->touched, 0, memory_order_relaxed);
	return e;
}

void
csn_mem_chunk_give(struct csn_mem *m, struct csn_mem_entry *e)
{
	size_t size = csn_mem_chunk_size(m, e);
	uint8_t *p = csn_mem_value(m, e);
	struct csn_mem_slab *s;
	struct csn_mem_heap *h;
	int wipe = (e->flags & CSN_MEM_WIPE) != 0;

	atomic_store_explicit(&e->state, CSN_MEM_FREE, memory_order_relaxed);
	if (e->pages > 0) {
		csn_mem_run_give(&m->arena, p, wipe);
		return;
	}
	if (wipe)
		memset(p, 0, size - sizeof(*e));
	s = slab_of(m, e);
	h = &m->heaps[s->heap];
	(void)pthread_mutex_lock(&h->lock);
	e->hash = s->free;
	s->free = 1 + (uint32_t)(((size_t)(p - m->arena.slabs) %
	    m->arena.slab_size) / size);
	if (s->live-- == s->chunks) {
		slab_remove(&h->full[s->cls], s);
		slab_append(&h->open[s->cls], s);
	}
	if (s->live == 0) {
		slab_remove(&h->open[s->cls], s);
		s->used = 0;
		csn_mem_slab_give(&m->arena, (uint32_t)(s - m->slabs));
	}
	(void)pthread_mutex_unlock(&h->lock);
}

/* A reference more on a live entry of a locked heap: 1, or 0. */
static int
pin(struct csn_mem_entry *e)
{
	uint32_t refs;

	if (atomic_load_explicit(&e->state, memory_order_acquire) !=
	    CSN_MEM_LIVE)
		return 0;
	/* One that is being freed stays so: never up from zero. */
	refs = atomic_load_explicit(&e->refs, memory_order_relaxed);
	while (refs > 0) {
		if (atomic_compare_exchange_weak_explicit(&e->refs, &refs,
		    refs + 1, memory_order_acquire, memory_order_relaxed))
			return 1;
	}
	return 0;
}

int
csn_mem_is_run(const struct csn_mem *m, size_t len, size_t key_room)
{
	return class_of(m, len + key_room + sizeof(struct csn_mem_entry)) ==
	    RUN_CLASS;
}

struct csn_mem_entry *
csn_mem_class_pin(struct csn_mem *m, size_t len, size_t key_room)
{
	uint32_t cls = class_of(m, len + key_room +
	    sizeof(struct csn_mem_entry));
	struct csn_mem_entry *e, *best = NULL;
	struct csn_mem_slab *s;
	struct csn_mem_heap *h;
	uint32_t i, k, hand;

	hand = atomic_fetch_add_explicit(&m->class_hand, SAMPLE,
	    memory_order_relaxed);
	for (k = 0; k < m->nheaps && best == NULL; k++) {
		h = &m->heaps[(my_heap + k) % m->nheaps];
		(void)pthread_mutex_lock(&h->lock);
		if ((s = h->full[cls].first) != NULL) {
			slab_remove(&h->full[cls], s);
			slab_append(&h->full[cls], s);
			for (i = 0; i < SAMPLE && i < s->chunks; i++) {
				e = entry_at(m, s, (hand + i) % s->chunks);
				if (atomic_load(&e->state) == CSN_MEM_LIVE &&
				    atomic_load(&e->refs) == 1 &&
				    (best == NULL || atomic_load(&e->tick) <
				    atomic_load(&best->tick)))
					best = e;
			}
			if (best != NULL && !pin(best))
				best = NULL;
		}
		(void)pthread_mutex_unlock(&h->lock);
	}
	return best;
}

size_t
csn_mem_slab_pin(struct csn_mem *m, int next, struct csn_mem_entry **out,
    size_t max)
{
	struct csn_mem_slab *s, *best = NULL;
	struct csn_mem_entry *e;
	struct csn_mem_heap *h;
	uint32_t i, k, hand, window, least = UINT32_MAX;
	size_t n = 0;

	window = (m->arena.nslabs + 1) / 2;
	if (window > 256)
		window = 256;
	if (next)
		(void)atomic_fetch_add_explicit(&m->slab_hand, window / 2 + 1,
		    memory_order_relaxed);
	hand = atomic_load_explicit(&m->slab_hand, memory_order_relaxed);
	/* Whose heap a slab is in may change until that heap is locked. */
	for (k = 0; k < m->nheaps; k++)
		(void)pthread_mutex_lock(&m->heaps[k].lock);
	for (i = 0; i < window; i++) {
		s = &m->slabs[(hand + i) % m->arena.nslabs];
		if (s->used && s->live < least) {
			least = s->live;
			best = s;
		}
	}
	for (k = 0; k < m->nheaps; k++) {
		if (best == NULL || k != best->heap)
			(void)pthread_mutex_unlock(&m->heaps[k].lock);
	}
	if (best == NULL)
		return 0;
	h = &m->heaps[best->heap];
	for (i = 0; i < best->carved && n < max; i++) {
		e = entry_at(m, best, i);
		if (pin(e))
			out[n++] = e;
	}
	(void)pthread_mutex_unlock(&h->lock);
	return n;
}
