/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/pool.h - a pool of threads for batches. */
#ifndef CAISSON_POOL_H
#define CAISSON_POOL_H

#include <caisson/context.h>

#ifdef __cplusplus
extern "C" {
#endif

struct csn_pool;

/**
 * Store in *out a pool that works with `threads` threads, the calling one
 * included (0 for one a core of the process's affinity mask). Free it before
 * ctx. 0, CSN_E_NOMEM, or CSN_E_LIMIT past 256 or where no thread starts.
 */
CSN_API CSN_MUST_CHECK int csn_pool_new(struct csn_ctx *ctx, unsigned threads,
    struct csn_pool **out);

CSN_API unsigned csn_pool_threads(const struct csn_pool *pool);

/** Joins the threads; no batch may be running. NULL is fine. */
CSN_API void csn_pool_free(struct csn_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
