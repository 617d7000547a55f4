/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "lib/failmalloc.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    !defined(__GLIBC__)
#define SANITIZED 1
#endif

static _Thread_local long left = -1;
static _Thread_local int failed;
static _Atomic long blocks;

void
failmalloc_at(long n)
{
	failed = 0;
	left = n;
}

int
failmalloc_done(void)
{
	left = -1;
	return failed;
}

long
failmalloc_hold(void)
{
	long held = left;

	left = -1;
	return held;
}

void
failmalloc_resume(long held)
{
	left = held;
}

long
failmalloc_blocks(void)
{
	return atomic_load_explicit(&blocks, memory_order_relaxed);
}

#ifdef SANITIZED
int
failmalloc_works(void)
{
	return 0;
}
#else
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);
void *malloc(size_t);
void *calloc(size_t, size_t);
void *realloc(void *, size_t);
void *memalign(size_t, size_t);
void *aligned_alloc(size_t, size_t);
int posix_memalign(void **, size_t, size_t);
void free(void *);

int
failmalloc_works(void)
{
	return 1;
}

/* One fails; where a fallback asks again, that succeeds. */
static int
fails(void)
{
	if (left < 0 || left-- > 0)
		return 0;
	failed = 1;
	errno = ENOMEM;
	return 1;
}

static void *
counted(void *p)
{
	if (p != NULL)
		atomic_fetch_add_explicit(&blocks, 1, memory_order_relaxed);
	return p;
}

void *
malloc(size_t n)
{
	return fails() ? NULL : counted(__libc_malloc(n));
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : counted(__libc_calloc(n, size));
}

void *
realloc(void *p, size_t n)
{
	void *q;

	if (fails())
		return NULL;
	q = __libc_realloc(p, n);
	return p == NULL ? counted(q) : q;
}

void *
memalign(size_t align, size_t n)
{
	return fails() ? NULL : counted(__libc_memalign(align, n));
}

void *
aligned_alloc(size_t align, size_t n)
{
	return memalign(align, n);
}

int
posix_memalign(void **out, size_t align, size_t n)
{
	void *p;

	if ((p = memalign(align, n)) == NULL)
		return ENOMEM;
	*out = p;
	return 0;
}

void
free(void *p)
{
	if (p == NULL)
		return;
	atomic_fetch_sub_explicit(&blocks, 1, memory_order_relaxed);
	__libc_free(p);
}
#endif
