/* SPDX-License-Identifier: Apache-2.0 */
/* base/slab.c - equal pieces of memory that lie close together. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <caisson/error.h>

#include "base/alloc.h"
#include "base/slab.h"

#define ARENA ((size_t)2 << 20)		/* mostly a huge page; aligned to it */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_BY_ITSELF 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define EACH_BY_ITSELF 1
#endif
#ifndef EACH_BY_ITSELF
#define EACH_BY_ITSELF 0
#endif

/* At the start of its 2 MiB, so that a piece's address leads to it. */
struct csn_slab_arena {
	_Alignas(64) struct csn_slab_arena *next;
	struct csn_slab_arena *before;
	void *freed;		/* pieces that came back; each begins with
				 * the address of the next */
	size_t used;
	size_t cut;		/* bytes from the start that were given out */
};

/* A fork waits until no thread is in a slab, so that the child's are whole. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct csn_slab *all;

static void
before_fork(void)
{
	struct csn_slab *s;

	pthread_mutex_lock(&all_lock);
	for (s = all; s != NULL; s = s->next)
		pthread_mutex_lock(&s->lock);
}

static void
after_fork(void)
{
	struct csn_slab *s;

	for (s = all; s != NULL; s = s->next)
		pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&all_lock);
}

static void
watch_forks(void)
{
	/* Without memory for it a fork in that moment may be unlucky. */
	(void)pthread_atfork(before_fork, after_fork, after_fork);
}

static void
make_known(struct csn_slab *slab)
{
	pthread_once(&once, watch_forks);
	pthread_mutex_lock(&all_lock);
	pthread_mutex_lock(&slab->lock);
	if (!slab->known) {
		slab->next = all;
		all = slab;
		slab->known = 1;
	}
	pthread_mutex_unlock(&all_lock);
}

static void
link_room(struct csn_slab *slab, struct csn_slab_arena *a)
{
	a->before = NULL;
	a->next = slab->room;
	if (a->next != NULL)
		a->next->before = a;
	slab->room = a;
}

static void
unlink_room(struct csn_slab *slab, struct csn_slab_arena *a)
{
	if (a->before != NULL)
		a->before->next = a->next;
	else
		slab->room = a->next;
	if (a->next != NULL)
		a->next->before = a->before;
}

static int
has_room(const struct csn_slab *slab, const struct csn_slab_arena *a)
{
	return a->freed != NULL || a->cut + slab->size <= ARENA;
}

static int
arena_new(struct csn_slab *slab)
{
	struct csn_slab_arena *a;
	uint8_t *p;
	size_t skip;

	p = mmap(NULL, ARENA * 2, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return CSN_E_NOMEM;
	skip = (ARENA - ((uintptr_t)p & (ARENA - 1))) & (ARENA - 1);
	if (skip != 0)
		(void)munmap(p, skip);
	if (skip != ARENA)
		(void)munmap(p + skip + ARENA, ARENA - skip);
	if (slab->arenas != 0 && ARENA % csn_huge_page_size() == 0)
		(void)madvise(p + skip, ARENA, MADV_HUGEPAGE);
	a = (struct csn_slab_arena *)(void *)(p + skip);
	a->cut = sizeof(*a);
	slab->arenas++;
	link_room(slab, a);
	return 0;
}

void *
csn_slab_alloc(struct csn_slab *slab)
{
	struct csn_slab_arena *a;
	void *p = NULL;

	if (EACH_BY_ITSELF) {
		if ((p = aligned_alloc(64, slab->size)) != NULL)
			memset(p, 0, slab->size);
		return p;
	}
	make_known(slab);
	if (slab->room != NULL || arena_new(slab) == 0) {
		a = slab->room;
		if ((p = a->freed) != NULL) {
			memcpy(&a->freed, p, sizeof(a->freed));
			memset(p, 0, sizeof(a->freed));
		} else {
			p = (uint8_t *)a + a->cut;
			a->cut += slab->size;
		}
		a->used++;
		if (!has_room(slab, a))
			unlink_room(slab, a);
	}
	pthread_mutex_unlock(&slab->lock);
	return p;
}

void
csn_slab_free(struct csn_slab *slab, void *p)
{
	struct csn_slab_arena *a;

	if (p == NULL)
		return;
	csn_wipe(p, slab->size);
	if (EACH_BY_ITSELF) {
		free(p);
		return;
	}
	a = (struct csn_slab_arena *)(void *)((uintptr_t)p &
	    ~(uintptr_t)(ARENA - 1));
	pthread_mutex_lock(&slab->lock);
	if (!has_room(slab, a))
		link_room(slab, a);
	memcpy(p, &a->freed, sizeof(a->freed));
	a->freed = p;
	/* One that is empty stays where it is the only one with room. */
	if (--a->used == 0 && (slab->room != a || a->next != NULL)) {
		unlink_room(slab, a);
		(void)munmap(a, ARENA);
		slab->arenas--;
	}
	pthread_mutex_unlock(&slab->lock);
}
