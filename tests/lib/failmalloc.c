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
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

static _Atomic long left = -1;
static _Atomic int failed;

void
failmalloc_at(long n)
{
	atomic_store(&failed, 0);
	atomic_store(&left, n);
}

int
failmalloc_done(void)
{
	atomic_store(&left, -1);
	return atomic_load(&failed);
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
void *malloc(size_t);
void *calloc(size_t, size_t);
void *realloc(void *, size_t);

int
failmalloc_works(void)
{
	return 1;
}

/* One fails; where a fallback asks again, that succeeds. */
static int
fails(void)
{
	if (atomic_load(&left) < 0 || atomic_fetch_sub(&left, 1) > 0)
		return 0;
	atomic_store(&failed, 1);
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}
#endif
