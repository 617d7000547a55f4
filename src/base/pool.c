/* SPDX-License-Identifier: Apache-2.0 */
/* base/pool.c - a fixed pool of threads that share out ranges or do tasks. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/pool.h"
#include "base/scrub.h"

#define MAX_THREADS 256

/*
 * A batch under way; it lives on its caller's stack. next says which chunk
 * is to be taken, and is all that threads race for. The rest is guarded by
 * the pool's lock. A thread that has taken itself off (helpers--) under the
 * lock never looks at the job again, so the caller may return once it is off
 * the list and helpers is 0.
 */
struct job {
	void (*work)(void *arg, size_t from, size_t to);
	void *arg;
	size_t n;
	size_t grain;
	size_t chunks;
	_Atomic size_t next;
	unsigned helpers;
	pthread_cond_t idle;
	struct job *later;
};

struct csn_pool {
	struct csn_ctx *ctx;
	uint64_t made_in;	/* the process that has the threads */
	unsigned started;	/* threads besides the callers' */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *jobs;
	struct csn_task *tasks;		/* oldest first */
	struct csn_task **last_task;
	int stop;
	pthread_t threads[];
};

static int
exhausted(const struct job *job)
{
	return atomic_load_explicit(&job->next, memory_order_relaxed) >=
	    job->chunks;
}

/* Take chunks until none is left. */
static void
take_part(struct job *job)
{
	size_t i, from, to;

	for (;;) {
		/*
		 * Relaxed: the arguments came, and results go, through the
		 * pool's lock. No overflow: each thread runs over once.
		 */
		i = atomic_fetch_add_explicit(&job->next, 1,
		    memory_order_relaxed);
		if (i >= job->chunks)
			return;
		from = i * job->grain;
		to = job->n - from > job->grain ? from + job->grain : job->n;
		job->work(job->arg, from, to);
	}
}

/* The job with work left and the fewest hands; NULL where there is none. */
static struct job *
choose(const struct csn_pool *pool)
{
	struct job *job, *best = NULL;

	for (job = pool->jobs; job != NULL; job = job->later)
		if (!exhausted(job) &&
		    (best == NULL || job->helpers < best->helpers))
			best = job;
	return best;
}

/* Do the oldest task; the lock is let go meanwhile. */
static void
do_task(struct csn_pool *pool)
{
	struct csn_task *task = pool->tasks;

	if ((pool->tasks = task->later) == NULL)
		pool->last_task = &pool->tasks;
	pthread_mutex_unlock(&pool->lock);
	task->work(task);
	pthread_mutex_lock(&pool->lock);
}

static void *
thread_main(void *arg)
{
	struct csn_pool *pool = arg;
	struct job *job;
	int used = 0;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stop || pool->tasks != NULL) {
		if ((job = choose(pool)) == NULL) {
			if (pool->tasks != NULL) {
				do_task(pool);
				used = 1;
			} else if (used) {
				/* What the work left of keys on this stack
				 * does not sleep there. */
				pthread_mutex_unlock(&pool->lock);
				csn_scrub();
				pthread_mutex_lock(&pool->lock);
				used = 0;
			} else
				pthread_cond_wait(&pool->wake, &pool->lock);
			continue;
		}
		used = 1;
		job->helpers++;
		pthread_mutex_unlock(&pool->lock);
		take_part(job);
		pthread_mutex_lock(&pool->lock);
		if (--job->helpers == 0)
			pthread_cond_signal(&job->idle);
	}
	pthread_mutex_unlock(&pool->lock);
	/* The C library keeps the stack for the next thread. */
	csn_scrub();
	return NULL;
}

static unsigned
cores(void)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	else	/* more cores than a cpu_set_t names */
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (unsigned)n;
}

/* The signals stay the program's: its own threads handle them. */
static void
start_threads(struct csn_pool *pool, unsigned n)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (pool->started < n && pthread_create(
	    &pool->threads[pool->started], NULL, thread_main, pool) == 0) {
		(void)pthread_setname_np(pool->threads[pool->started],
		    "csn-pool");
		pool->started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int
csn_pool_new(struct csn_ctx *ctx, unsigned threads, struct csn_pool **out)
{
	CSN_UNCANCELLED;
	struct csn_pool *pool;

	if (ctx == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, "base",
		    "csn_pool_new() needs a context and a place to store");
	if (threads > MAX_THREADS)
		return csn_fail(ctx, CSN_E_LIMIT, "base",
		    "a pool of %u threads: at most %d are possible", threads,
		    MAX_THREADS);
	if (threads == 0)
		threads = cores();
	pool = csn_calloc(1, sizeof(*pool) +
	    (threads - 1) * sizeof(pool->threads[0]));
	if (pool == NULL)
		return csn_nomem(ctx, "base", "a pool of %u threads", threads);
	pool->ctx = ctx;
	pool->made_in = csn_fork_generation(ctx);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	pool->last_task = &pool->tasks;
	start_threads(pool, threads - 1);
	if (threads > 1 && pool->started == 0) {
		csn_pool_free(pool);
		return csn_fail(ctx, CSN_E_LIMIT, "base",
		    "no thread could be started: see the limit on processes "
		    "(ulimit -u)");
	}
	*out = pool;
	return 0;
}

unsigned
csn_pool_threads(const struct csn_pool *pool)
{
	return pool != NULL ? pool->started + 1 : 1;
}

void
csn_pool_free(struct csn_pool *pool)
{
	CSN_UNCANCELLED;
	unsigned i;

	if (pool == NULL)
		return;
	/* A forked child has no threads to join, and a lock of any state. */
	if (csn_fork_check(pool->ctx, pool->made_in) == 0) {
		pthread_mutex_lock(&pool->lock);
		pool->stop = 1;
		pthread_cond_broadcast(&pool->wake);
		pthread_mutex_unlock(&pool->lock);
		for (i = 0; i < pool->started; i++)
			pthread_join(pool->threads[i], NULL);
		pthread_cond_destroy(&pool->wake);
		pthread_mutex_destroy(&pool->lock);
	}
	free(pool);
}

static void
enlist(struct csn_pool *pool, struct job *job)
{
	size_t hands;

	pthread_cond_init(&job->idle, NULL);
	pthread_mutex_lock(&pool->lock);
	job->later = pool->jobs;
	pool->jobs = job;
	for (hands = job->chunks - 1; hands > 0; hands--) {
		if (hands >= pool->started) {
			pthread_cond_broadcast(&pool->wake);
			break;
		}
		pthread_cond_signal(&pool->wake);
	}
	pthread_mutex_unlock(&pool->lock);
}

static void
delist(struct csn_pool *pool, struct job *job)
{
	struct job **at;

	pthread_mutex_lock(&pool->lock);
	for (at = &pool->jobs; *at != job; at = &(*at)->later)
		;
	*at = job->later;
	while (job->helpers > 0)
		pthread_cond_wait(&job->idle, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	pthread_cond_destroy(&job->idle);
}

void
csn_pool_run(struct csn_pool *pool, size_t n, size_t grain,
    void (*work)(void *arg, size_t from, size_t to), void *arg)
{
	CSN_UNCANCELLED;
	struct job job = { .work = work, .arg = arg, .n = n };

	if (n == 0)
		return;
	job.grain = grain != 0 ? grain : 1;
	job.chunks = n / job.grain + (n % job.grain != 0);
	if (pool == NULL || pool->started == 0 || job.chunks == 1 ||
	    csn_fork_check(pool->ctx, pool->made_in) != 0) {
		take_part(&job);
		return;
	}
	enlist(pool, &job);
	take_part(&job);
	delist(pool, &job);
}

int
csn_pool_post(struct csn_pool *pool, struct csn_task *task)
{
	if (pool == NULL || pool->started == 0 ||
	    csn_fork_check(pool->ctx, pool->made_in) != 0)
		return csn_fail(pool != NULL ? pool->ctx : NULL, CSN_E_BUSY,
		    "base", "the pool has no thread of its own to do "
		    "something later");
	task->later = NULL;
	pthread_mutex_lock(&pool->lock);
	*pool->last_task = task;
	pool->last_task = &task->later;
	pthread_cond_signal(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	return 0;
}
