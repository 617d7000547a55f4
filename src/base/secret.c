/* SPDX-License-Identifier: Apache-2.0 */
/* base/secret.c - pages for secrets, and the page that a fork wipes. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

/* Reported, not fatal: the limit of locked memory is a user's to set. */
static atomic_int refused_lock, refused_undumped;

/* Secrets end at their guard page, as near as this alignment allows. */
#define SECRET_ALIGN 64

static size_t
round_up(size_t len, size_t to)
{
	return (len + to - 1) / to * to;
}

/*
 * [guard][len rounded up to pages][guard]: *inner gets the middle's size,
 * *offset where in it the secret begins.
 */
static void
layout(size_t len, size_t page, size_t *inner, size_t *offset)
{
	size_t used;

	used = round_up(len != 0 ? len : 1, SECRET_ALIGN);
	*inner = round_up(used, page);
	*offset = *inner - used;
}

/* Unmap, with errno as it was. */
static void
unmap(void *p, size_t len)
{
	int was = errno;

	(void)munmap(p, len);
	errno = was;
}

int
csn_secret_lock(void *p, size_t len)
{
	if (mlock(p, len) == 0)
		return 1;
	atomic_store(&refused_lock, 1);
	return 0;
}

void
csn_secret_undumped(void *p, size_t len)
{
	if (madvise(p, len, MADV_DONTDUMP) != 0)
		atomic_store(&refused_undumped, 1);
}

void *
csn_secret_alloc(size_t len, int *locked)
{
	size_t page, inner, offset;
	uint8_t *map;
	int is_locked;

	page = csn_page_size();
	if (len > PTRDIFF_MAX - 4 * page) {
		errno = ENOMEM;
		return NULL;
	}
	layout(len, page, &inner, &offset);
	map = mmap(NULL, inner + 2 * page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (mprotect(map + page, inner, PROT_READ | PROT_WRITE) != 0) {
		unmap(map, inner + 2 * page);
		return NULL;
	}
	is_locked = csn_secret_lock(map + page, inner);
	csn_secret_undumped(map + page, inner);
	if (locked != NULL)
		*locked = is_locked;
	return map + page + offset;
}

void
csn_secret_free(void *p, size_t len)
{
	size_t page, inner, offset;

	if (p == NULL)
		return;
	page = csn_page_size();
	layout(len, page, &inner, &offset);
	csn_wipe(p, len);
	/* Unmapping unlocks. */
	(void)munmap((uint8_t *)p - offset - page, inner + 2 * page);
}

void
csn_secret_refused(int *lock, int *undumped)
{
	*lock = atomic_load(&refused_lock);
	*undumped = atomic_load(&refused_undumped);
}

void *
csn_canary_page(void)
{
	size_t page;
	void *p;

	page = csn_page_size();
	p = mmap(NULL, page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, page, MADV_WIPEONFORK) != 0) {
		unmap(p, page);
		return NULL;
	}
	return p;
}

int
csn_canary_works(void)
{
	size_t page = csn_page_size();
	int works;
	void *p;

	/* The kernel does this to private memory alone, and says so; an
	 * emulator that takes any advice takes this one too. */
	p = mmap(NULL, page, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 0;
	works = madvise(p, page, MADV_WIPEONFORK) != 0;
	(void)munmap(p, page);
	return works;
}

void
csn_canary_free(void *p)
{
	if (p != NULL)
		(void)munmap(p, csn_page_size());
}
