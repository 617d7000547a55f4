/* base/pool.h - a fixed pool of threads that share out a range. */
#ifndef CSN_BASE_POOL_H
#define CSN_BASE_POOL_H

#include <caisson/pool.h>

/*
 * Call work(arg, from, to) for ranges of at most grain items that together
 * cover [0, n), on the pool's threads and on the calling one; return when all
 * are done. pool NULL runs it in the caller alone. Several threads may call
 * at once. No allocation.
 */
void csn_pool_run(struct csn_pool *pool, size_t n, size_t grain,
    void (*work)(void *arg, size_t from, size_t to), void *arg);

#endif
