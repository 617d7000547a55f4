/* SPDX-License-Identifier: Apache-2.0 */
/* base/alloc.h - memory: ordinary, and locked pages for secrets. */
#ifndef CSN_BASE_ALLOC_H
#define CSN_BASE_ALLOC_H

#include <caisson/context.h>

/* Zeroed, or NULL. A product that overflows gives NULL. */
void *csn_calloc(size_t n, size_t size);
/* As realloc(3) on n * size with the overflow checked; p survives NULL. */
void *csn_realloc(void *p, size_t n, size_t size);
/* A copy of len bytes (a NUL is added behind them), or NULL. */
void *csn_memdup(const void *p, size_t len);
char *csn_strdup(const char *s);
/* Wipe len bytes, then free. NULL is fine. */
void csn_wipe_free(void *p, size_t len);

/* Bytes of a page, which may be 4, 16 or 64 KiB, and of a huge one. */
size_t csn_page_size(void);
size_t csn_huge_page_size(void);

/*
 * Secret memory: pages of their own between guard pages, locked where the
 * limit allows it, left out of core dumps (MADV_DONTDUMP), wiped on free.
 * Meant for few long-lived things (a page each at least). Zeroed; NULL on
 * failure, with errno set. *locked, where given, says whether mlock succeeded.
 */
void *csn_secret_alloc(size_t len, int *locked);
void csn_secret_free(void *p, size_t len);

/*
 * What the system refused to any secret memory of this process so far: to
 * lock it, and to leave it out of core dumps.
 */
void csn_secret_refused(int *lock, int *undumped);
/* For pages that a caller mapped itself. 1 where they are locked. */
int csn_secret_lock(void *p, size_t len);
void csn_secret_undumped(void *p, size_t len);

/*
 * A page that the kernel zeroes in a forked child (MADV_WIPEONFORK): the
 * fork canary. NULL on failure, with errno set.
 */
void *csn_canary_page(void);
/* 0 where the system only says that it zeroes the page. */
int csn_canary_works(void);
void csn_canary_free(void *p);

#endif
