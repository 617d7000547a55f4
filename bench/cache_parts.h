/* SPDX-License-Identifier: Apache-2.0 */
/* cache_parts.h - the parts of bench_cache. */
#ifndef CSN_BENCH_CACHE_PARTS_H
#define CSN_BENCH_CACHE_PARTS_H

#include "bench.h"

/* The configuration that all share, but for mode and format. */
struct csn_cache_options cache_config(struct csn_store *store);

/* Set and get beside CacheKit's Python SDK, where it is installed. */
void cache_sdk(void);

/* Sealed set and get over a redis-server of one's own, where there is one. */
void cache_redis(void);

#endif
