/* SPDX-License-Identifier: Apache-2.0 */
/* base/forkguard.h - locks that a fork waits for. */
#ifndef CSN_BASE_FORKGUARD_H
#define CSN_BASE_FORKGUARD_H

#include <pthread.h>

/*
 * A forked child has one thread. What another thread held when it was made
 * stays locked in it for ever, and half changed. So fork(2) first takes each
 * lock that is guarded here, and lets it go in both processes: a child finds
 * them free, and what they guard whole. That is for locks that are the last
 * one that a thread takes, are held briefly, and under which nothing is called
 * that may fork.
 */
struct csn_forkguard {
	pthread_mutex_t *mutex;		/* one of the two */
	pthread_rwlock_t *rwlock;
	struct csn_forkguard *next, **at;	/* at NULL: guards nothing */
};

/* Zeroed before; once more for the same guard changes nothing. */
void csn_forkguard_mutex(struct csn_forkguard *g, pthread_mutex_t *lock);
void csn_forkguard_rwlock(struct csn_forkguard *g, pthread_rwlock_t *lock);
/* Before its lock is destroyed. */
void csn_forkguard_drop(struct csn_forkguard *g);

#endif
