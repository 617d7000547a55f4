/* SPDX-License-Identifier: Apache-2.0 */
/* tests/session/halt_alloc.c - the library's memory as a place to stop. */
#include <stdlib.h>

#include "session/halt.h"

static void *
stop_calloc(size_t n, size_t size)
{
	halt_here();
	return calloc(n, size);
}

static void *
stop_malloc(size_t n)
{
	halt_here();
	return malloc(n);
}

#define calloc stop_calloc
#define malloc stop_malloc
#include "base/alloc.c"
