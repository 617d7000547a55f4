/* SPDX-License-Identifier: Apache-2.0 */
/* base/forkguard.c - locks that a fork waits for. */
#include <stddef.h>

#include "base/forkguard.h"
#include "base/lock.h"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct csn_forkguard *all;

static void
before_fork(void)
{
	struct csn_forkguard *g;

	pthread_mutex_lock(&all_lock);
	for (g = all; g != NULL; g = g->next)
		if (g->mutex != NULL)
			pthread_mutex_lock(g->mutex);
		else
			pthread_rwlock_wrlock(g->rwlock);
}

static void
after_fork(void)
{
	struct csn_forkguard *g;

	for (g = all; g != NULL; g = g->next)
		if (g->mutex != NULL)
			pthread_mutex_unlock(g->mutex);
		else
			pthread_rwlock_unlock(g->rwlock);
	pthread_mutex_unlock(&all_lock);
}

/* The writer of a read-write lock is a thread id, and the child's is new. */
static void
give_anew(pthread_rwlock_t *lock)
{
#ifdef __SANITIZE_THREAD__
	/* It would take the lock for held from now on. */
	__tsan_mutex_pre_unlock(lock, 0);
#endif
	(void)csn_rwlock_init(lock);
#ifdef __SANITIZE_THREAD__
	__tsan_mutex_post_unlock(lock, 0);
#endif
}

static void
after_fork_in_child(void)
{
	struct csn_forkguard *g;

	for (g = all; g != NULL; g = g->next)
		if (g->mutex != NULL)
			pthread_mutex_unlock(g->mutex);
		else
			give_anew(g->rwlock);
	pthread_mutex_unlock(&all_lock);
}

static void
watch_forks(void)
{
	/* Without memory for it a fork in a bad moment may be unlucky. */
	(void)pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

static void
add(struct csn_forkguard *g, pthread_mutex_t *mutex, pthread_rwlock_t *rwlock)
{
	pthread_once(&once, watch_forks);
	pthread_mutex_lock(&all_lock);
	if (g->at == NULL) {
		g->mutex = mutex;
		g->rwlock = rwlock;
		g->next = all;
		g->at = &all;
		if (g->next != NULL)
			g->next->at = &g->next;
		all = g;
	}
	pthread_mutex_unlock(&all_lock);
}

void
csn_forkguard_mutex(struct csn_forkguard *g, pthread_mutex_t *lock)
{
	add(g, lock, NULL);
}

void
csn_forkguard_rwlock(struct csn_forkguard *g, pthread_rwlock_t *lock)
{
	add(g, NULL, lock);
}

void
csn_forkguard_drop(struct csn_forkguard *g)
{
	pthread_mutex_lock(&all_lock);
	if (g->at != NULL) {
		*g->at = g->next;
		if (g->next != NULL)
			g->next->at = g->at;
		g->at = NULL;
	}
	pthread_mutex_unlock(&all_lock);
}
