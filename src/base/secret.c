/* base/secret.c - pages for secrets, and the page that a fork wipes. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

/* Secrets end at their guard page, as near as this alignment allows. */
#define SECRET_ALIGN 64

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

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

void *
csn_secret_alloc(size_t len, int *locked)
{
	size_t page, inner, offset;
	uint8_t *map;
	int is_locked;

	page = page_size();
	if (len > PTRDIFF_MAX - 4 * page)
		return NULL;
	layout(len, page, &inner, &offset);
	map = mmap(NULL, inner + 2 * page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (mprotect(map + page, inner, PROT_READ | PROT_WRITE) != 0) {
		(void)munmap(map, inner + 2 * page);
		return NULL;
	}
	is_locked = mlock(map + page, inner) == 0;
	/* A kernel built without core dumps has nothing to leave out. */
	(void)madvise(map + page, inner, MADV_DONTDUMP);
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
	page = page_size();
	layout(len, page, &inner, &offset);
	csn_wipe(p, len);
	/* Unmapping unlocks. */
	(void)munmap((uint8_t *)p - offset - page, inner + 2 * page);
}

void *
csn_canary_page(void)
{
	size_t page;
	void *p;

	page = page_size();
	p = mmap(NULL, page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, page, MADV_WIPEONFORK) != 0) {
		(void)munmap(p, page);
		return NULL;
	}
	return p;
}

void
csn_canary_free(void *p)
{
	if (p != NULL)
		(void)munmap(p, page_size());
}
