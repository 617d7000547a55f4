/* SPDX-License-Identifier: Apache-2.0 */
/* providers/store/memory/arena.h - where the memory store's bytes lie. */
#ifndef CSN_PROVIDERS_STORE_MEMORY_ARENA_H
#define CSN_PROVIDERS_STORE_MEMORY_ARENA_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Two ranges of address space, reserved once. One is cut into slabs of a
 * fixed size, which size classes share out; the other hands out runs of
 * pages. What counts against the limit is not address space but memory that
 * was touched and not yet given back to the kernel: so a run can always be
 * found in untouched addresses, and fragmentation costs no memory.
 *
 * A page here is one of the kernel's (4 KiB to 64 KiB), for only whole ones
 * can be given back: what lies beside a run in its last page would go too.
 */
#define CSN_MEM_BINS 240

struct csn_mem_extent;

struct csn_mem_arena {
	pthread_mutex_t lock;
	uint8_t *base;		/* of the whole reservation */
	size_t reserved;
	uint8_t *slabs;
	size_t slab_size;
	uint32_t nslabs;
	uint32_t slabs_fresh;	/* slabs from here on were never used */
	uint32_t *slabs_dirty;	/* free and touched: a stack */
	uint32_t *slabs_clean;	/* free and given back: a stack */
	uint32_t ndirty, nclean;
	uint8_t *runs;
	uint32_t npages;
	struct csn_mem_extent *map;	/* one a page; ends are valid */
	size_t map_bytes;
	uint32_t bins[2][CSN_MEM_BINS];	/* clean, dirty: page + 1 */
	uint64_t bits[2][(CSN_MEM_BINS + 63) / 64];
	size_t page;		/* bytes */
	size_t limit;
	size_t resident;	/* touched and not given back */
};

/* 0, CSN_E_NOMEM. limit and slab_size are multiples of a page. */
int csn_mem_arena_init(struct csn_mem_arena *a, size_t limit,
    size_t slab_size);
void csn_mem_arena_free(struct csn_mem_arena *a);

/* A slab's number, or -1 where the limit does not allow one more. */
int64_t csn_mem_slab_take(struct csn_mem_arena *a);
void csn_mem_slab_give(struct csn_mem_arena *a, uint32_t slab);

/* Pages in a row, or NULL where the limit does not allow it. */
uint8_t *csn_mem_run_take(struct csn_mem_arena *a, uint32_t pages);
/* unmap: hand the pages back to the kernel, which zeroes them; where it does
 * not take them they are overwritten, and stay counted. */
void csn_mem_run_give(struct csn_mem_arena *a, uint8_t *p, int unmap);

size_t csn_mem_arena_resident(struct csn_mem_arena *a);

#endif
