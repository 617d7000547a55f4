/* SPDX-License-Identifier: Apache-2.0 */
/* test_processes.c - real processes over one store, and one that is killed. */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <caisson/caisson.h>

#include "lib/test.h"

#define PROCESSES 8

/* What the processes share beside the store. */
struct board {
	_Atomic unsigned made;
	_Atomic unsigned ready;
	_Atomic int hang;
	_Atomic pid_t holder;	/* who hangs, with the lock */
};

static struct board *board;
static char *folder;

static void
sleep_ms(unsigned ms)
{
	const struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static int
make(void *arg, const char *key, struct csn_cache_value *out)
{
	(void)arg;
	if (atomic_exchange(&board->hang, 0)) {
		atomic_store(&board->holder, getpid());
		for (;;)
			sleep_ms(1000);	/* until it is killed */
	}
	sleep_ms(100);
	atomic_fetch_add(&board->made, 1);
	return csn_cache_value_set(out, key, strlen(key));
}

/* A process of its own; its exit code is 0 where it got the value. */
static void
child(uint64_t lock_ms, uint64_t wait_ms)
{
	const uint8_t bytes[32] = { 9 };
	const struct csn_bytes current = { bytes, sizeof(bytes) };
	struct csn_cache_options c = { .size = sizeof(c),
	    .format = CSN_CACHE_BYTES, .lock_ms = lock_ms,
	    .lock_wait_ms = wait_ms };
	struct csn_cache_value v = { .size = sizeof(v) };
	struct csn_cachekit_ring *keys;
	struct csn_cache *cache;
	struct csn_store *store;
	struct csn_ctx *ctx;
	char url[96];
	int rc;

	snprintf(url, sizeof(url), "file:%s", folder);
	if (csn_ctx_new(NULL, &ctx) != 0 ||
	    csn_store_open(ctx, url, &store) != 0 ||
	    csn_cachekit_ring_new(ctx, &current, NULL, 0, 0, &keys) != 0)
		_exit(2);
	c.keys = keys;
	c.store = store;
	if (csn_cache_new(ctx, &c, &cache) != 0)
		_exit(3);
	atomic_fetch_add(&board->ready, 1);
	while (atomic_load(&board->ready) < PROCESSES)
		sleep_ms(1);
	rc = csn_cache_get_or_compute(cache, "cold", NULL, make, NULL, &v);
	if (rc == 0 && (v.data.len != 4 ||
	    memcmp(v.data.p, "cold", 4) != 0))
		rc = CSN_E_FORM;
	csn_cache_value_free(&v);
	csn_cache_free(cache);
	csn_cachekit_ring_free(keys);
	csn_store_close(store);
	csn_ctx_free(ctx);
	_exit(rc == 0 ? 0 : 4);
}

static void
start(pid_t pids[PROCESSES], uint64_t lock_ms, uint64_t wait_ms)
{
	int i;

	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			child(lock_ms, wait_ms);
	}
}

TEST(one_of_many_processes_computes)
{
	pid_t pids[PROCESSES];
	int i, status;

	start(pids, 30000, 20000);
	for (i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(board->made, 1);
}

TEST(a_holder_that_is_killed_holds_nobody_up)
{
	struct timespec t0, t1;
	pid_t pids[PROCESSES];
	int i, status, killed = 0;

	board->hang = 1;
	clock_gettime(CLOCK_MONOTONIC, &t0);
	/* Its lock ends after 1 s; without that they would wait for 20 s. */
	start(pids, 1000, 20000);
	for (i = 0; i < 20000 && atomic_load(&board->holder) == 0; i++)
		sleep_ms(1);
	assert_true(board->holder > 0);
	assert_int_equal(kill(board->holder, SIGKILL), 0);
	for (i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		if (pids[i] == board->holder)
			killed += WIFSIGNALED(status);
		else
			assert_int_equal(status, 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	assert_int_equal(killed, 1);
	assert_true(t1.tv_sec - t0.tv_sec < 15);
	assert_int_equal(board->made, 1);
}

BEFORE_EACH
{
	folder = folder_new();
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(board != MAP_FAILED);
}

AFTER_EACH
{
	munmap(board, sizeof(*board));
	folder_remove(folder);
}
