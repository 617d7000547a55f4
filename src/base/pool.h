/* SPDX-License-Identifier: Apache-2.0 */
/* base/pool.h - a fixed pool of threads that share out a range, or do tasks. */
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

/*
 * Something to be done later, once, by one of the pool's threads. It belongs
 * to whoever posted it and stays until work has been called, which may free
 * it. Batches go before tasks; what is posted when the pool is freed is done
 * before its threads end.
 */
struct csn_task {
	void (*work)(struct csn_task *task);
	struct csn_task *later;		/* the pool's */
};

/*
 * Queue task and return at once. 0, or CSN_E_BUSY where the pool has no
 * thread but its callers' (NULL, made with one, or another process's). No
 * allocation.
 */
CSN_MUST_CHECK int csn_pool_post(struct csn_pool *pool,
    struct csn_task *task);

#endif
