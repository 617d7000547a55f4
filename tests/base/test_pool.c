/* SPDX-License-Identifier: Apache-2.0 */
/* test_pool.c - each item once, whoever calls and however many. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/context.h"
#include "base/fail.h"
#include "base/pool.h"
#include "lib/test.h"

static struct csn_ctx *ctx;

BEFORE_ALL { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }
AFTER_ALL { csn_ctx_free(ctx); }

/* Not atomic on purpose: the pool alone must order what is written. */
struct count {
	unsigned char *seen;
	size_t n;
	size_t grain;
	_Atomic int wrong;
};

static void
count_items(void *arg, size_t from, size_t to)
{
	struct count *c = arg;

	if (from >= to || to > c->n || to - from > c->grain ||
	    from % c->grain != 0) {
		c->wrong = 1;
		return;
	}
	for (; from < to; from++)
		c->seen[from]++;
}

/* Whether a run over n items by grain touches each just once. */
static int
covers(struct csn_pool *pool, size_t n, size_t grain)
{
	struct count c = { NULL, n, grain, 0 };
	size_t i;
	int ok;

	if ((c.seen = calloc(n + 1, 1)) == NULL)
		return 0;
	csn_pool_run(pool, n, grain, count_items, &c);
	ok = !c.wrong;
	for (i = 0; i < n; i++)
		ok = ok && c.seen[i] == 1;
	free(c.seen);
	return ok;
}

TEST(each_item_is_worked_on_once)
{
	static const size_t ns[] = { 0, 1, 2, 3, 7, 64, 1000, 4097 };
	static const size_t grains[] = { 1, 2, 3, 64, 5000, SIZE_MAX };
	static const unsigned threads[] = { 1, 2, 3, 8 };
	struct csn_pool *pool;
	size_t i, j, k;

	for (k = 0; k < 4; k++) {
		pool = NULL;
		assert_int_equal(csn_pool_new(ctx, threads[k], &pool), 0);
		assert_int_equal(csn_pool_threads(pool), threads[k]);
		for (i = 0; i < 8; i++)
			for (j = 0; j < 6; j++) {
				assert_true(covers(pool, ns[i], grains[j]));
				assert_true(covers(NULL, ns[i], grains[j]));
			}
		csn_pool_free(pool);
	}
}

static void
count_calls(void *arg, size_t from, size_t to)
{
	atomic_fetch_add((_Atomic size_t *)arg, to - from);
}

TEST(a_grain_of_nothing_is_one)
{
	struct csn_pool *pool = NULL;
	_Atomic size_t sum = 0;

	assert_int_equal(csn_pool_new(ctx, 2, &pool), 0);
	csn_pool_run(pool, 10, 0, count_calls, (void *)&sum);
	assert_int_equal(sum, 10);
	/* Counting must not overflow at the far end. */
	sum = 0;
	csn_pool_run(pool, SIZE_MAX, SIZE_MAX / 3, count_calls, (void *)&sum);
	assert_true(sum == SIZE_MAX);
	csn_pool_free(pool);
}

static void
meet(void *arg, size_t from, size_t to)
{
	(void)from;
	(void)to;
	pthread_barrier_wait(arg);
}

TEST(all_threads_take_part)
{
	struct csn_pool *pool = NULL;
	pthread_barrier_t barrier;
	int i;

	assert_int_equal(csn_pool_new(ctx, 4, &pool), 0);
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 4), 0);
	/* Each piece waits for three others: it takes four threads to end. */
	for (i = 0; i < 50; i++)
		csn_pool_run(pool, 4, 1, meet, &barrier);
	pthread_barrier_destroy(&barrier);
	csn_pool_free(pool);
}

TEST(sizes_have_limits)
{
	struct csn_pool *pool = NULL;
	cpu_set_t set;

	assert_int_equal(csn_pool_new(ctx, 257, &pool), CSN_E_LIMIT);
	assert_non_null(strstr(csn_message(), "257"));
	assert_null(pool);
	assert_int_equal(csn_pool_new(NULL, 1, &pool), CSN_E_ARG);
	assert_int_equal(csn_pool_new(ctx, 1, NULL), CSN_E_ARG);
	assert_int_equal(csn_pool_new(ctx, 0, &pool), 0);
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	assert_int_equal(csn_pool_threads(pool),
	    CPU_COUNT(&set) < 256 ? CPU_COUNT(&set) : 256);
	csn_pool_free(pool);
	csn_pool_free(NULL);
	assert_int_equal(csn_pool_threads(NULL), 1);
}

struct caller {
	struct csn_pool *pool;
	unsigned number;
	int ok;
};

static void *
call_often(void *arg)
{
	struct caller *c = arg;
	int i;

	c->ok = 1;
	for (i = 0; i < 400; i++)
		c->ok = c->ok && covers(c->pool,
		    (size_t)(i * 7 + (int)c->number * 13) % 501,
		    1 + (size_t)(i + (int)c->number) % 17);
	return NULL;
}

TEST(many_callers_at_once)
{
	struct csn_pool *pool = NULL;
	struct caller callers[6];
	pthread_t threads[6];
	unsigned i;

	assert_int_equal(csn_pool_new(ctx, 4, &pool), 0);
	for (i = 0; i < 6; i++) {
		callers[i].pool = pool;
		callers[i].number = i;
		callers[i].ok = 0;
		assert_int_equal(pthread_create(&threads[i], NULL,
		    call_often, &callers[i]), 0);
	}
	for (i = 0; i < 6; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(callers[i].ok);
	}
	csn_pool_free(pool);
}

static void
run_inside(void *arg, size_t from, size_t to)
{
	struct caller *c = arg;

	for (; from < to; from++)
		if (!covers(c->pool, 50, 3))
			c->ok = 0;
}

TEST(a_batch_inside_a_batch)
{
	struct caller c = { NULL, 0, 1 };

	assert_int_equal(csn_pool_new(ctx, 3, &c.pool), 0);
	csn_pool_run(c.pool, 60, 1, run_inside, &c);
	assert_true(c.ok);
	csn_pool_free(c.pool);
}

struct masks {
	pthread_t caller;
	pthread_barrier_t barrier;
	_Atomic int helpers;
	_Atomic int open;
};

static void
look_at_mask(void *arg, size_t from, size_t to)
{
	struct masks *m = arg;
	sigset_t mask;

	(void)from;
	(void)to;
	if (!pthread_equal(pthread_self(), m->caller)) {
		atomic_fetch_add(&m->helpers, 1);
		if (pthread_sigmask(SIG_SETMASK, NULL, &mask) != 0 ||
		    !sigismember(&mask, SIGTERM) ||
		    !sigismember(&mask, SIGINT) ||
		    !sigismember(&mask, SIGUSR1))
			m->open = 1;
	}
	pthread_barrier_wait(&m->barrier);
}

TEST(helpers_take_no_signals)
{
	struct csn_pool *pool = NULL;
	struct masks m = { .caller = pthread_self() };
	sigset_t before, after;

	assert_int_equal(pthread_barrier_init(&m.barrier, NULL, 3), 0);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
	assert_int_equal(csn_pool_new(ctx, 3, &pool), 0);
	csn_pool_run(pool, 3, 1, look_at_mask, &m);
	assert_int_equal(m.helpers, 2);
	assert_int_equal(m.open, 0);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
	assert_int_equal(sigismember(&after, SIGTERM),
	    sigismember(&before, SIGTERM));
	csn_pool_free(pool);
	pthread_barrier_destroy(&m.barrier);
}

TEST(a_forked_child_works_alone)
{
	struct csn_pool *pool = NULL;
	int i, status;
	pid_t pid;

	assert_int_equal(csn_pool_new(ctx, 4, &pool), 0);
	for (i = 0; i < 10; i++) {
		assert_true((pid = fork()) >= 0);
		if (pid == 0) {
			status = covers(pool, 1000, 1);
			csn_fork_generation(ctx);
			status = status && covers(pool, 1000, 1);
			csn_pool_free(pool);
			_exit(status ? 0 : 1);
		}
		assert_true(covers(pool, 100, 1));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	csn_pool_free(pool);
}

struct later {
	struct csn_task task;
	_Atomic int *done;
	struct csn_pool *pool;	/* post another one here, once */
	pthread_t poster;
};

static void
do_later(struct csn_task *task)
{
	struct later *l = (struct later *)(void *)task;
	struct csn_pool *again = l->pool;

	if (pthread_equal(l->poster, pthread_self()))
		return;		/* never by who posted it */
	l->pool = NULL;
	atomic_fetch_add(l->done, 1);
	if (again != NULL && csn_pool_post(again, task) != 0)
		atomic_fetch_add(l->done, 1000);
}

TEST(what_is_posted_is_done_once)
{
	struct later later[100];
	_Atomic int done = 0;
	struct csn_pool *pool;
	size_t i;

	assert_int_equal(csn_pool_new(ctx, 3, &pool), 0);
	for (i = 0; i < 100; i++) {
		later[i] = (struct later){ .task.work = do_later,
		    .done = &done, .poster = pthread_self() };
		/* Every tenth posts itself once more. */
		if (i % 10 == 0)
			later[i].pool = pool;
		assert_int_equal(csn_pool_post(pool, &later[i].task), 0);
	}
	assert_true(covers(pool, 1000, 1));
	/* Also what was still queued then. */
	csn_pool_free(pool);
	assert_int_equal(atomic_load(&done), 110);
}

TEST(nothing_is_posted_where_nobody_would_do_it)
{
	struct later later = { .task.work = do_later };
	struct csn_pool *pool;
	int status;
	pid_t pid;

	assert_int_equal(csn_pool_post(NULL, &later.task), CSN_E_BUSY);
	assert_int_equal(csn_pool_new(ctx, 1, &pool), 0);
	assert_int_equal(csn_pool_post(pool, &later.task), CSN_E_BUSY);
	csn_pool_free(pool);
	assert_int_equal(csn_pool_new(ctx, 2, &pool), 0);
	if ((pid = fork()) == 0)
		_exit(csn_pool_post(pool, &later.task) == CSN_E_BUSY ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	csn_pool_free(pool);
}
