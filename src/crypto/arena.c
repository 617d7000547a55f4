/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/arena.c - memory for expanded keys: undumpable, and locked. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "csn_config.h"

#include "base/alloc.h"
#include "crypto/arena.h"

#define RESERVE ((size_t)256 << 20)	/* address space: 3 full rings */
#define STEP ((size_t)64 << 10)		/* what becomes memory at a time */
#define UNIT ((size_t)64)
#define CLASSES 64			/* blocks of 1 to 64 units */

/* In front of each block, which so is aligned as malloc(3) has it. */
struct head {
	_Alignas(16) uint32_t units;
};

static struct {
	pthread_mutex_t lock;
	uint8_t *base;			/* NULL: nothing is ours */
	size_t reserved;
	size_t limit;
	size_t size;			/* may be written to */
	size_t cut;			/* was given out once */
	size_t used;
	size_t locked;
	uint8_t *freed[CLASSES];	/* each begins with the next one's
					 * address */
	_Atomic uint64_t outside;
} arena = { .lock = PTHREAD_MUTEX_INITIALIZER };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local struct {
	unsigned depth;			/* of csn_arena_enter() */
	int outside;			/* something of it lies there */
} mine;

static int
is_ours(const void *p)
{
	return (uintptr_t)p - (uintptr_t)arena.base < arena.reserved;
}

/* Make STEP more bytes memory. Locked. */
static int
grow(void)
{
	uint8_t *at = arena.base + arena.size;

	if (arena.size + STEP > arena.limit ||
	    mprotect(at, STEP, PROT_READ | PROT_WRITE) != 0)
		return -1;
	if (csn_secret_lock(at, STEP))
		arena.locked += STEP;
	arena.size += STEP;
	return 0;
}

/* NULL where it does not fit. */
static void *
take(size_t len)
{
	uint8_t *p = NULL;
	struct head *h;
	size_t units, n;

	if (len > CLASSES * UNIT - sizeof(*h))
		return NULL;
	units = (len + sizeof(*h) + UNIT - 1) / UNIT;
	n = units * UNIT;
	pthread_mutex_lock(&arena.lock);
	if (arena.used + n <= arena.limit &&
	    (p = arena.freed[units - 1]) != NULL)
		memcpy(&arena.freed[units - 1], p, sizeof(arena.freed[0]));
	else if (arena.used + n <= arena.limit &&
	    (arena.cut + n <= arena.size || grow() == 0)) {
		p = arena.base + arena.cut;
		arena.cut += n;
	}
	if (p != NULL)
		arena.used += n;
	pthread_mutex_unlock(&arena.lock);
	if (p == NULL)
		return NULL;
	h = (struct head *)(void *)p;
	h->units = (uint32_t)units;
	return h + 1;
}

static size_t
size_of(const void *p)
{
	const struct head *h = (const struct head *)p - 1;

	return h->units * UNIT - sizeof(*h);
}

static void
give_back(void *p)
{
	struct head *h = (struct head *)p - 1;
	uint32_t units = h->units;
	uint8_t *block = (uint8_t *)h;

	csn_wipe(block, units * UNIT);
	pthread_mutex_lock(&arena.lock);
	memcpy(block, &arena.freed[units - 1], sizeof(arena.freed[0]));
	arena.freed[units - 1] = block;
	arena.used -= units * UNIT;
	pthread_mutex_unlock(&arena.lock);
}

/* From the range while the thread wants that; else, or where it is full, from
 * the heap. */
static void *
allocate(size_t len, int inside)
{
	void *p;

	if (!inside)
		return malloc(len);
	if ((p = take(len)) == NULL && (p = malloc(len)) != NULL) {
		mine.outside = 1;
		atomic_fetch_add(&arena.outside, 1);
	}
	return p;
}

static void *
hook_malloc(size_t len, const char *file, int line)
{
	(void)file;
	(void)line;
	return len != 0 ? allocate(len, mine.depth != 0) : NULL;
}

static void
hook_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (p == NULL)
		return;
	if (is_ours(p))
		give_back(p);
	else
		free(p);
}

static void *
hook_realloc(void *p, size_t len, const char *file, int line)
{
	void *to;

	if (p == NULL)
		return hook_malloc(len, file, line);
	if (len == 0) {
		hook_free(p, file, line);
		return NULL;
	}
	if (!is_ours(p))
		return realloc(p, len);
	if (len <= size_of(p))
		return p;
	if ((to = allocate(len, 1)) != NULL) {
		memcpy(to, p, size_of(p));
		give_back(p);
	}
	return to;
}

/* A fork waits until no thread is in here, so that the child's is whole. */
static void
before_fork(void)
{
	pthread_mutex_lock(&arena.lock);
}

static void
after_fork(void)
{
	pthread_mutex_unlock(&arena.lock);
}

static void
in_child(void)
{
	arena.locked = 0;		/* locks are not inherited */
	pthread_mutex_unlock(&arena.lock);
}

/* Address space only; less where a limit refuses so much. */
static uint8_t *
reserve(size_t *len)
{
	void *p;

	for (*len = RESERVE; *len >= STEP; *len /= 4) {
		p = mmap(NULL, *len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		    MAP_NORESERVE, -1, 0);
		if (p == MAP_FAILED)
			continue;
		csn_secret_undumped(p, *len);
		return p;
	}
	return NULL;
}

static void
start(void)
{
	CRYPTO_malloc_fn is;
	size_t len;
	uint8_t *p;

	/* Somebody's own hooks stay: a test's, which links OpenSSL too. */
	CRYPTO_get_mem_functions(&is, NULL, NULL);
	if (!CSN_OPENSSL_PRIVATE || is != CRYPTO_malloc ||
	    (p = reserve(&len)) == NULL)
		return;
	arena.base = p;
	arena.reserved = arena.limit = len;
	/* Refused where OpenSSL has allocated something before. */
	if (pthread_atfork(before_fork, after_fork, in_child) != 0 ||
	    CRYPTO_set_mem_functions(hook_malloc, hook_realloc,
	    hook_free) != 1) {
		arena.base = NULL;
		arena.reserved = arena.limit = 0;
		(void)munmap(p, len);
	}
}

void
csn_arena_start(void)
{
	pthread_once(&once, start);
}

void
csn_arena_enter(void)
{
	csn_arena_start();
	if (mine.depth == 0) {
		/* Makes the thread's queue of errors first: it stays. */
		(void)ERR_peek_error();
		mine.outside = arena.base == NULL;
		if (mine.outside)
			atomic_fetch_add(&arena.outside, 1);
	}
	mine.depth++;
}

int
csn_arena_leave(void)
{
	mine.depth--;
	return !mine.outside;
}

void
csn_arena_stat(struct csn_arena_stat *out)
{
	pthread_mutex_lock(&arena.lock);
	out->used = arena.used;
	out->size = arena.size;
	out->locked = arena.locked;
	pthread_mutex_unlock(&arena.lock);
	out->outside = atomic_load(&arena.outside);
}

void
csn_arena_limit(size_t bytes)
{
	pthread_mutex_lock(&arena.lock);
	arena.limit = bytes < arena.reserved ? bytes : arena.reserved;
	pthread_mutex_unlock(&arena.lock);
}
