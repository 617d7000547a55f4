/* SPDX-License-Identifier: Apache-2.0 */
/* base/slab.h - equal pieces of memory that lie close together. */
#ifndef CSN_BASE_SLAB_H
#define CSN_BASE_SLAB_H

#include <pthread.h>
#include <stddef.h>

/*
 * For things of which there may be 100,000 that are visited at random: what a
 * visit costs then is less the bytes than the pages they lie in, each of
 * which has to be translated. So pieces are cut from arenas of 2 MiB, which
 * are huge pages where the kernel gives them (but for the first, so that few
 * pieces cost little). An arena goes back to the system when all its pieces
 * are free. Safe from many threads, and in a child that was forked off while
 * another thread was in here. With AddressSanitizer each piece is malloc's.
 */
struct csn_slab_arena;

struct csn_slab {
	pthread_mutex_t lock;
	size_t size;			/* of a piece; a multiple of 64 */
	struct csn_slab_arena *room;	/* arenas with free pieces */
	size_t arenas;
	struct csn_slab *next;		/* of all that were used */
	int known;
};

/* A slab with static storage duration, for pieces of a type. */
#define CSN_SLAB(type) { .lock = PTHREAD_MUTEX_INITIALIZER, \
	.size = (sizeof(type) + 63) / 64 * 64 }

/* Zeroed, aligned to 64 bytes; NULL where there is no memory. */
void *csn_slab_alloc(struct csn_slab *slab);
/* Wiped. NULL is fine. */
void csn_slab_free(struct csn_slab *slab, void *p);

#endif
