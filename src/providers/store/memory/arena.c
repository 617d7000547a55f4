/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory/arena.c - slabs and runs of pages out of one reserved range.
 *
 * Free runs are kept in bins by size, eight to each doubling, one set for
 * runs that are still backed by memory and one for runs that are not. Each
 * page has an entry in a map; the first and last page of an extent hold its
 * length, so neighbours are found and joined without a search.
 */

#include <sys/mman.h>

#include <string.h>

#include "providers/store/memory/arena.h"
#include "base/alloc.h"

enum { CLEAN = 0, DIRTY = 1, USED = 2 };

struct csn_mem_extent {
	uint32_t pages;
	uint32_t next, prev;	/* page + 1 within the bin; 0 for none */
	uint32_t state;
};

static uint8_t *
reserve(size_t len)
{
	void *p;

	p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* Floor: every extent of a bin has at least the bin's size. */
static unsigned
bin_of(uint32_t pages)
{
	unsigned k;

	if (pages < 16)
		return pages;
	k = 31u - (unsigned)__builtin_clz(pages);
	return 16 + (k - 4) * 8 + ((pages >> (k - 3)) & 7);
}

static void
extent_mark(struct csn_mem_arena *a, uint32_t page, uint32_t pages,
    uint32_t state)
{
	a->map[page].pages = pages;
	a->map[page].state = state;
	a->map[page + pages - 1].pages = pages;
	a->map[page + pages - 1].state = state;
}

static void
bin_push(struct csn_mem_arena *a, uint32_t page, uint32_t pages, int kind)
{
	unsigned b = bin_of(pages);
	uint32_t head = a->bins[kind][b];

	extent_mark(a, page, pages, (uint32_t)kind);
	a->map[page].next = head;
	a->map[page].prev = 0;
	if (head != 0)
		a->map[head - 1].prev = page + 1;
	a->bins[kind][b] = page + 1;
	a->bits[kind][b / 64] |= (uint64_t)1 << (b % 64);
}

static void
bin_remove(struct csn_mem_arena *a, uint32_t page)
{
	struct csn_mem_extent *e = &a->map[page];
	unsigned b = bin_of(e->pages);
	uint32_t kind = e->state;

	if (e->next != 0)
		a->map[e->next - 1].prev = e->prev;
	if (e->prev != 0)
		a->map[e->prev - 1].next = e->next;
	else
		a->bins[kind][b] = e->next;
	if (a->bins[kind][b] == 0)
		a->bits[kind][b / 64] &= ~((uint64_t)1 << (b % 64));
}

/* The first non-empty bin from b on, or -1. */
static int
bin_next(const struct csn_mem_arena *a, int kind, unsigned b)
{
	uint64_t word;

	while (b < CSN_MEM_BINS) {
		word = a->bits[kind][b / 64] >> (b % 64);
		if (word != 0)
			return (int)(b + (unsigned)__builtin_ctzll(word));
		b = (b / 64 + 1) * 64;
	}
	return -1;
}

/* A free extent of at least `pages`, taken out of its bin; -1 for none. */
static int64_t
extent_find(struct csn_mem_arena *a, int kind, uint32_t pages)
{
	unsigned b = bin_of(pages), tries;
	uint32_t at;
	int found;

	/* Its own bin may hold shorter ones: look at a few. */
	for (at = a->bins[kind][b], tries = 0; at != 0 && tries < 16;
	    at = a->map[at - 1].next, tries++) {
		if (a->map[at - 1].pages >= pages) {
			bin_remove(a, at - 1);
			return at - 1;
		}
	}
	if ((found = bin_next(a, kind, b + 1)) < 0)
		return -1;
	at = a->bins[kind][found];
	bin_remove(a, at - 1);
	return at - 1;
}

/* Put a free extent into its bin, joined with neighbours of its kind. */
static void
extent_free(struct csn_mem_arena *a, uint32_t page, uint32_t pages, int kind)
{
	uint32_t before, n;

	if (page + pages < a->npages &&
	    a->map[page + pages].state == (uint32_t)kind) {
		n = a->map[page + pages].pages;
		bin_remove(a, page + pages);
		pages += n;
	}
	if (page > 0 && a->map[page - 1].state == (uint32_t)kind) {
		before = page - a->map[page - 1].pages;
		n = a->map[before].pages;
		bin_remove(a, before);
		page = before;
		pages += n;
	}
	bin_push(a, page, pages, kind);
}

/* Give memory back to the kernel: 1, or 0 where it does not take it. */
static int
give_back(uint8_t *p, size_t len)
{
	return madvise(p, len, MADV_DONTNEED) == 0;
}

/* Give memory of free slabs and runs back until `need` bytes fit. */
static int
make_clean(struct csn_mem_arena *a, size_t need)
{
	uint32_t slab, page, pages;
	int b;

	while (a->resident + need > a->limit) {
		for (b = CSN_MEM_BINS - 1; b >= 0; b--) {
			if (a->bins[DIRTY][b] != 0)
				break;
		}
		if (b >= 0) {
			page = a->bins[DIRTY][b] - 1;
			pages = a->map[page].pages;
			if (!give_back(a->runs + page * a->page,
			    pages * a->page))
				return 0;
			bin_remove(a, page);
			extent_free(a, page, pages, CLEAN);
			a->resident -= pages * a->page;
		} else if (a->ndirty > 0) {
			slab = a->slabs_dirty[a->ndirty - 1];
			if (!give_back(a->slabs + slab * a->slab_size,
			    a->slab_size))
				return 0;
			a->ndirty--;
			a->slabs_clean[a->nclean++] = slab;
			a->resident -= a->slab_size;
		} else {
			return 0;
		}
	}
	return 1;
}

int
csn_mem_arena_init(struct csn_mem_arena *a, size_t limit, size_t slab_size)
{
	const size_t huge = csn_huge_page_size();
	size_t run_bytes, slab_bytes;

	memset(a, 0, sizeof(*a));
	a->page = csn_page_size();
	a->limit = limit;
	a->slab_size = slab_size;
	a->nslabs = (uint32_t)((limit + slab_size - 1) / slab_size);
	slab_bytes = a->nslabs * slab_size;
	run_bytes = limit * 2;
	a->npages = (uint32_t)(run_bytes / a->page);
	a->reserved = slab_bytes + run_bytes + 2 * huge;
	a->map_bytes = a->npages * sizeof(*a->map);
	if (pthread_mutex_init(&a->lock, NULL) != 0)
		return CSN_E_NOMEM;
	a->slabs_dirty = csn_calloc(a->nslabs, sizeof(uint32_t));
	a->slabs_clean = csn_calloc(a->nslabs, sizeof(uint32_t));
	a->map = (struct csn_mem_extent *)(void *)reserve(a->map_bytes);
	a->base = reserve(a->reserved);
	if (a->slabs_dirty == NULL || a->slabs_clean == NULL ||
	    a->map == NULL || a->base == NULL) {
		csn_mem_arena_free(a);
		return CSN_E_NOMEM;
	}
	a->slabs = a->base + (huge - (uintptr_t)a->base % huge) % huge;
	a->runs = a->slabs + slab_bytes;
	a->runs += (huge - (uintptr_t)a->runs % huge) % huge;
	/* Small stores would count a huge page for each page they touch. */
	if (slab_size % huge == 0)
		(void)madvise(a->slabs, slab_bytes + run_bytes,
		    MADV_HUGEPAGE);
	bin_push(a, 0, a->npages, CLEAN);
	return 0;
}

void
csn_mem_arena_free(struct csn_mem_arena *a)
{
	if (a->base != NULL)
		(void)munmap(a->base, a->reserved);
	if (a->map != NULL)
		(void)munmap(a->map, a->map_bytes);
	csn_free(a->slabs_dirty);
	csn_free(a->slabs_clean);
	(void)pthread_mutex_destroy(&a->lock);
}

int64_t
csn_mem_slab_take(struct csn_mem_arena *a)
{
	int64_t slab = -1;

	(void)pthread_mutex_lock(&a->lock);
	if (a->ndirty > 0) {
		slab = a->slabs_dirty[--a->ndirty];
	} else if (make_clean(a, a->slab_size)) {
		if (a->nclean > 0)
			slab = a->slabs_clean[--a->nclean];
		else if (a->slabs_fresh < a->nslabs)
			slab = a->slabs_fresh++;
		if (slab >= 0)
			a->resident += a->slab_size;
	}
	(void)pthread_mutex_unlock(&a->lock);
	return slab;
}

void
csn_mem_slab_give(struct csn_mem_arena *a, uint32_t slab)
{
	(void)pthread_mutex_lock(&a->lock);
	a->slabs_dirty[a->ndirty++] = slab;
	(void)pthread_mutex_unlock(&a->lock);
}

uint8_t *
csn_mem_run_take(struct csn_mem_arena *a, uint32_t pages)
{
	size_t bytes = pages * a->page;
	uint32_t left;
	int64_t page;
	int kind = DIRTY;

	(void)pthread_mutex_lock(&a->lock);
	page = extent_find(a, DIRTY, pages);
	if (page < 0 && make_clean(a, bytes)) {
		kind = CLEAN;
		page = extent_find(a, CLEAN, pages);
		/* Free memory in between may part the addresses: clean all. */
		if (page < 0 && !make_clean(a, a->limit))
			page = extent_find(a, CLEAN, pages);
		if (page >= 0)
			a->resident += bytes;
	}
	if (page >= 0) {
		left = a->map[page].pages - pages;
		extent_mark(a, (uint32_t)page, pages, USED);
		if (left > 0)
			bin_push(a, (uint32_t)page + pages, left, kind);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return page < 0 ? NULL : a->runs + (size_t)page * a->page;
}

void
csn_mem_run_give(struct csn_mem_arena *a, uint8_t *p, int unmap)
{
	uint32_t page = (uint32_t)((size_t)(p - a->runs) / a->page);
	uint32_t pages = a->map[page].pages;
	size_t bytes = pages * a->page;

	/* Nobody else knows these pages yet: no lock for the long part. */
	if (unmap && !give_back(p, bytes)) {
		memset(p, 0, bytes);
		unmap = 0;
	}
	(void)pthread_mutex_lock(&a->lock);
	if (unmap)
		a->resident -= bytes;
	extent_free(a, page, pages, unmap ? CLEAN : DIRTY);
	(void)pthread_mutex_unlock(&a->lock);
}

size_t
csn_mem_arena_resident(struct csn_mem_arena *a)
{
	size_t n;

	(void)pthread_mutex_lock(&a->lock);
	n = a->resident;
	(void)pthread_mutex_unlock(&a->lock);
	return n;
}
