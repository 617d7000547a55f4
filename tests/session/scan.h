/* SPDX-License-Identifier: Apache-2.0 */
/* tests/session/scan.h - looking for secrets in this process's memory. */
#ifndef CAISSON_TESTS_SESSION_SCAN_H
#define CAISSON_TESTS_SESSION_SCAN_H

#include <stddef.h>
#include <stdint.h>

/* Bytes to look for, kept masked so that the search does not find itself. */
struct needle {
	uint8_t masked[64];
	size_t len;
};

/* 8 to 64 bytes. The caller wipes p. */
void needle_set(struct needle *n, const void *p, size_t len);

/*
 * How often they occur in this process's writable memory: heap, stacks, data
 * and every other mapping, the locked ones too. Uses no copy of them.
 */
size_t needle_count(const struct needle *n);

/* 1 where this build can scan: a sanitizer's memory is not the program's. */
int needle_can(void);

/*
 * Call fn with a lot of unused stack above it, so that what it leaves below
 * is not overwritten by the search itself.
 */
void needle_deep(void (*fn)(void *arg), void *arg);

/* Fill 14 KiB of the stack below the caller with the needle's bytes. */
void needle_plant(const struct needle *n);

#endif
