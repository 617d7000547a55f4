/* tests/kv/failmalloc.c - allocations that fail when a test says so. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "kv/failmalloc.h"

static _Thread_local unsigned long left;	/* 0: not armed */
static _Thread_local int failed;
static long blocks;

void
fail_arm(unsigned long n)
{
	failed = 0;
	left = n;
}

int
fail_disarm(void)
{
	left = 0;
	return failed;
}

long
fail_blocks(void)
{
	return __atomic_load_n(&blocks, __ATOMIC_RELAXED);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    !defined(__GLIBC__)
#define SANITIZED
#endif

#ifdef SANITIZED

int
fail_can(void)
{
	return 0;
}

#else

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *p);

int
fail_can(void)
{
	return 1;
}

static int
fails_now(void)
{
	if (left == 0 || --left != 0)
		return 0;
	failed = 1;
	errno = ENOMEM;
	return 1;
}

static void *
counted(void *p)
{
	if (p != NULL)
		__atomic_fetch_add(&blocks, 1, __ATOMIC_RELAXED);
	return p;
}

void *
malloc(size_t size)
{
	return fails_now() ? NULL : counted(__libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : counted(__libc_calloc(n, size));
}

void *
realloc(void *p, size_t size)
{
	void *q;

	if (fails_now())
		return NULL;
	q = __libc_realloc(p, size);
	return p == NULL ? counted(q) : q;
}

void *
memalign(size_t align, size_t size)
{
	return fails_now() ? NULL : counted(__libc_memalign(align, size));
}

void *
aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

int
posix_memalign(void **out, size_t align, size_t size)
{
	void *p;

	if ((p = memalign(align, size)) == NULL)
		return ENOMEM;
	*out = p;
	return 0;
}

void
free(void *p)
{
	if (p == NULL)
		return;
	__atomic_fetch_sub(&blocks, 1, __ATOMIC_RELAXED);
	__libc_free(p);
}

#endif
