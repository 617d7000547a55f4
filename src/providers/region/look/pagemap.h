/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/look/pagemap.h - which pages were written: PAGEMAP_SCAN. */
#ifndef CSN_PROVIDERS_REGION_LOOK_PAGEMAP_H
#define CSN_PROVIDERS_REGION_LOOK_PAGEMAP_H

#include <caisson/context.h>

/*
 * Linux 6.7's PAGEMAP_SCAN (Documentation/admin-guide/mm/pagemap.rst), which
 * Debian 12's headers lack. Write tracking needs the range registered with a
 * userfaultfd of WP_ASYNC by the process whose memory it is.
 */

typedef int (*csn_pagemap_written)(void *arg, uint64_t start, uint64_t end);

/**
 * Visit, ascending and joined, the ranges of whole pages within
 * [start, end) that were written since they were last protected; rearm 1
 * protects them again. Both ends are page-aligned. The scan goes on to its
 * end whatever the visits say (the first that is not 0 is returned, and no
 * more are made), so that everything is protected again.
 *
 * Returns 0, or CSN_E_BACKEND: nobody tracks that range, or the kernel has no
 * such call. fd is a pagemap file.
 *
 * What it does not see: writes through another mapping of the same memory,
 * or by write(2) on its file.
 */
CSN_MUST_CHECK int csn_pagemap_scan(struct csn_ctx *ctx, int fd,
    uint64_t start, uint64_t end, int rearm, csn_pagemap_written visit,
    void *arg);

/**
 * Have the calling process's own memory tracked: *uffd stays open for as
 * long as tracking shall last. Both ends page-aligned. CSN_E_BACKEND where
 * the kernel or a setting does not allow it.
 */
CSN_MUST_CHECK int csn_pagemap_track(struct csn_ctx *ctx, uint64_t start,
    uint64_t end, int *uffd);

#endif
