/* SPDX-License-Identifier: Apache-2.0 */
/* test_slab.c - equal pieces: aligned, zeroed, reused, given back, forked. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/slab.h"
#include "lib/test.h"

#define MANY 40000		/* several arenas of 2 MiB */

struct piece {
	uint8_t bytes[200];
};

static struct csn_slab slab = CSN_SLAB(struct piece);
static struct piece *pieces[MANY];

static int
is_zero(const struct piece *p)
{
	size_t i;

	for (i = 0; i < sizeof(p->bytes); i++)
		if (p->bytes[i] != 0)
			return 0;
	return 1;
}

TEST(test_pieces)
{
	size_t i, n;
	int round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < MANY; i++) {
			pieces[i] = csn_slab_alloc(&slab);
			assert_non_null(pieces[i]);
			assert_int_equal((uintptr_t)pieces[i] % 64, 0);
			assert_true(is_zero(pieces[i]));
			memset(pieces[i], 0xa5, sizeof(*pieces[i]));
			memcpy(pieces[i], &i, sizeof(i));
		}
		/* Each is its own: none was written through another. */
		for (i = 0; i < MANY; i++) {
			memcpy(&n, pieces[i], sizeof(n));
			assert_int_equal(n, i);
			assert_int_equal(pieces[i]->bytes[199], 0xa5);
		}
		/* In another order each round: backwards, by sevens, on. */
		for (n = 0; n < MANY; n++) {
			i = round == 0 ? MANY - 1 - n : round == 1 ?
			    n * 7 % MANY : n;
			csn_slab_free(&slab, pieces[i]);
		}
	}
	/* What is empty went back, but for one arena at most. */
	assert_true(slab.arenas <= 1);
	csn_slab_free(&slab, NULL);
}

static void *
churn(void *arg)
{
	struct piece *mine[64] = { NULL };
	uintptr_t id = (uintptr_t)arg;
	size_t i, k;

	for (i = 0; i < 20000; i++) {
		k = (i * 31 + id) % 64;
		if (mine[k] != NULL) {
			if (mine[k]->bytes[17] != (uint8_t)id)
				return arg;
			csn_slab_free(&slab, mine[k]);
		}
		mine[k] = csn_slab_alloc(&slab);
		if (mine[k] == NULL || !is_zero(mine[k]))
			return arg;
		memset(mine[k], (int)id, sizeof(*mine[k]));
	}
	for (k = 0; k < 64; k++)
		csn_slab_free(&slab, mine[k]);
	return NULL;
}

TEST(test_threads)
{
	pthread_t threads[4];
	void *wrong;
	uintptr_t i;

	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn,
		    (void *)(i + 1)), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
}

/* Forked while threads are in the slab: the child's works. */
TEST(test_fork)
{
	pthread_t threads[2];
	struct piece *p;
	void *wrong;
	uintptr_t i;
	pid_t pid;
	int n, status;

	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, churn,
		    (void *)(i + 9)), 0);
	for (n = 0; n < 20; n++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			alarm(20);
			p = csn_slab_alloc(&slab);
			if (p == NULL || !is_zero(p))
				_exit(1);
			csn_slab_free(&slab, p);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	for (i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
}
