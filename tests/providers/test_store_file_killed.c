/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_file_killed.c - who is killed while it writes into the store in
 * files leaves no wrong value there.
 */
#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caisson/caisson.h>

#include "lib/test.h"

#define U(s) (const uint8_t *)(s), strlen(s)

struct fixture {
	char *folder;
	char url[80];
	struct csn_ctx *ctx;
	struct csn_store *store;
};

static size_t
count_temps(const char *folder)
{
	char path[96];
	struct dirent *d;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/tmp", folder);
	if ((dir = opendir(path)) == NULL)
		return 0;
	while ((d = readdir(dir)) != NULL)
		n += d->d_name[0] != '.';
	closedir(dir);
	return n;
}

#define LARGE ((size_t)256 << 10)

/*
 * In a process of its own: put whole values until killed. *done counts them;
 * it is shared with who waits for it.
 */
static void
put_until_killed(const char *url, uint8_t seed, atomic_uint *done)
{
	struct csn_store *store;
	struct csn_ctx *ctx;
	uint8_t *p = malloc(LARGE);
	unsigned i;

	/* Not longer than the test, should that fail. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (p == NULL || csn_ctx_new(NULL, &ctx) != 0 ||
	    csn_store_open(ctx, url, &store) != 0)
		_exit(1);
	for (i = 0;; i++) {
		memset(p, (int)(seed + i), LARGE);
		if (csn_store_put(store, U("acme"), U("k"), p, LARGE) != 0)
			_exit(2);
		atomic_fetch_add(done, 1);
		if (i % 8 == 3 && csn_store_drop(store, U("acme")) != 0)
			_exit(3);
	}
}

TEST(killed_writers_leave_no_wrong_value, struct fixture *f)
{
	size_t len, i, seen = 0, most = 0;
	struct csn_store *again;
	uint8_t *got = malloc(LARGE);
	unsigned lap, tries;
	atomic_uint *done;
	pid_t pid[2];
	int rc, w;

	assert_non_null(got);
	done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(done != MAP_FAILED);
	for (lap = 0; lap < 40; lap++) {
		atomic_store(done, 0);
		for (w = 0; w < 2; w++) {
			pid[w] = fork();
			assert_true(pid[w] >= 0);
			if (pid[w] == 0)
				put_until_killed(f->url,
				    (uint8_t)(lap * 2 + (unsigned)w), done);
		}
		while (atomic_load(done) < 1 + lap / 2) {
			usleep(200);
			assert_int_equal(waitpid(-1, &rc, WNOHANG), 0);
		}
		/* A reader meanwhile, which never sees half a value. */
		for (i = 0; i < 20 || (seen == 0 && i < 100000); i++) {
			len = LARGE;
			rc = csn_store_get(f->store, U("acme"), U("k"), got,
			    &len);
			assert_true(rc == 0 || rc == CSN_E_NOT_FOUND);
			if (rc != 0)
				continue;
			seen++;
			assert_int_equal(len, LARGE);
			assert_memory_equal(got, got + 1, LARGE - 1);
		}
		/* In the middle of a value, where that is to be met. */
		stop_process(pid[0]);
		stop_process(pid[1]);
		for (tries = 0; count_temps(f->folder) == 0 && tries < 50;
		    tries++) {
			for (w = 0; w < 2; w++)
				assert_int_equal(kill(pid[w], SIGCONT), 0);
			usleep(100 * (tries % 8));
			stop_process(pid[0]);
			stop_process(pid[1]);
		}
		for (w = 0; w < 2; w++) {
			assert_int_equal(kill(pid[w], SIGKILL), 0);
			assert_int_equal(waitpid(pid[w], &rc, 0), pid[w]);
			assert_true(WIFSIGNALED(rc));
		}
		len = LARGE;
		rc = csn_store_get(f->store, U("acme"), U("k"), got, &len);
		assert_true(rc == 0 || rc == CSN_E_NOT_FOUND);
		if (rc == 0)
			assert_memory_equal(got, got + 1, LARGE - 1);
		if (count_temps(f->folder) > most)
			most = count_temps(f->folder);
	}
	free(got);
	(void)munmap(done, sizeof(*done));
	assert_true(seen > 0);
	assert_true(most > 0);
	/* Who opens it next tidies up. */
	assert_int_equal(csn_store_open(f->ctx, f->url, &again), 0);
	assert_int_equal(count_temps(f->folder), 0);
	csn_store_close(again);
}

static void
setup(struct fixture *f)
{
	f->folder = folder_new();
	snprintf(f->url, sizeof(f->url), "file:%s", f->folder);
	assert_int_equal(csn_ctx_new(NULL, &f->ctx), 0);
	assert_int_equal(csn_store_open(f->ctx, f->url, &f->store), 0);
}

static void
teardown(struct fixture *f)
{
	csn_store_close(f->store);
	csn_ctx_free(f->ctx);
	folder_remove(f->folder);
}

FIXTURE(struct fixture, setup, teardown);
