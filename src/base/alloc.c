/* SPDX-License-Identifier: Apache-2.0 */
/* base/alloc.c - ordinary memory. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/scrub.h"

/* Sizes of 0 are taken as 1, so that NULL always means that it failed. */
static size_t
product(size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return SIZE_MAX;
	return total != 0 ? total : 1;
}

void *
csn_calloc(size_t n, size_t size)
{
	size_t total;

	if ((total = product(n, size)) > PTRDIFF_MAX)
		return NULL;
	return calloc(1, total);
}

void *
csn_realloc(void *p, size_t n, size_t size)
{
	size_t total;

	if ((total = product(n, size)) > PTRDIFF_MAX)
		return NULL;
	return realloc(p, total);
}

void *
csn_memdup(const void *p, size_t len)
{
	uint8_t *copy;

	if (len >= PTRDIFF_MAX || (copy = malloc(len + 1)) == NULL)
		return NULL;
	if (len != 0)
		memcpy(copy, p, len);
	copy[len] = 0;
	return copy;
}

char *
csn_strdup(const char *s)
{
	return csn_memdup(s, strlen(s));
}

/* Whoever wipes has had a secret, and copies go through vector registers. */
void
csn_wipe(void *p, size_t len)
{
	if (p != NULL && len != 0)
		explicit_bzero(p, len);
	csn_clear_vectors();
}

void
csn_wipe_free(void *p, size_t len)
{
	if (p == NULL)
		return;
	csn_wipe(p, len);
	free(p);
}

void
csn_free(void *p)
{
	free(p);
}

int
csn_equal(const void *a, const void *b, size_t len)
{
	/* Volatile, so that no compiler finds a way to stop early. */
	const volatile uint8_t *x = a, *y = b;
	unsigned differ = 0;
	size_t i;

	for (i = 0; i < len; i++)
		differ |= (unsigned)(x[i] ^ y[i]);
	/* 0 wraps round to all ones; 1 to 255 leave bit 8 clear. */
	return (int)(((differ - 1) >> 8) & 1);
}
