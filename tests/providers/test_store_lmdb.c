/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_lmdb.c - the store in an LMDB file: the suite, and its limits. */
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caisson/crypto.h>

#include "lib/test.h"
#include "providers/store_suite.h"

#define MIB ((size_t)1 << 20)

static char *
make(void *arg)
{
	char *folder = folder_new(), *url;

	(void)arg;
	assert_true(asprintf(&url, "lmdb:%s/made/here?sync=none", folder) > 0);
	free(folder);
	return url;
}

static void
clear(void *arg, const char *url)
{
	const char *at = url + strlen("lmdb:");

	(void)arg;
	folder_remove(strndup(at, (size_t)(strstr(at, "/made/") - at)));
}

struct fixture {
	char *folder;
	char url[120];
	struct csn_ctx *ctx;
	struct csn_store *store;
};

static void
setup(struct fixture *f)
{
	f->folder = folder_new();
	assert_int_equal(csn_ctx_new(NULL, &f->ctx), 0);
	snprintf(f->url, sizeof(f->url), "lmdb:%s?size=4M&sync=none",
	    f->folder);
	assert_int_equal(csn_store_open(f->ctx, f->url, &f->store), 0);
}

static void
teardown(struct fixture *f)
{
	csn_store_close(f->store);
	csn_ctx_free(f->ctx);
	(void)umount(f->folder);
	folder_remove(f->folder);
}

FIXTURE(struct fixture, setup, teardown);

TEST(a_full_map_is_said_and_changes_nothing, struct fixture *f)
{
	uint8_t *p = calloc(1, MIB);
	char key[16];
	int i, rc = 0;

	assert_non_null(p);
	store_put_value(f->store, "acme", "first", 100, 1);
	for (i = 0; i < 10 && rc == 0; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		rc = csn_store_put(f->store, U("acme"), U(key), p, MIB);
	}
	assert_int_equal(rc, CSN_E_QUOTA);
	assert_non_null(strstr(csn_message(), "4194304 bytes"));
	assert_int_equal(csn_store_put(f->store, U("acme"), U("first"), p,
	    MIB), CSN_E_QUOTA);
	store_check_value(f->store, "acme", "first", 100, 1);
	assert_int_equal(csn_store_drop(f->store, U("acme")), 0);
	store_put_value(f->store, "acme", "again", MIB, 2);
	store_check_value(f->store, "acme", "again", MIB, 2);
	free(p);
}

/* Small values of two spaces, in turns, until there is no room; how many. */
static int
fill_small(struct csn_store *store, uint64_t ttl_ms)
{
	uint8_t p[300] = { 1 };
	char key[24];
	int i, rc = 0;

	for (i = 0; rc == 0; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		rc = csn_store_put_for(store, U(i % 2 ? "acme" : "globex"),
		    U(key), p, sizeof(p), ttl_ms);
	}
	assert_int_equal(rc, CSN_E_QUOTA);
	return i - 1;
}

static int
count_keys(void *arg, const uint8_t *key, size_t key_len, size_t len)
{
	(void)key;
	(void)key_len;
	assert_int_equal(len, 300);
	++*(int *)arg;
	return 0;
}

static void
check_drop(struct csn_store *store, int all)
{
	int left = 0, gone = 0;

	assert_int_equal(csn_store_drop(store, U("acme")), 0);
	assert_int_equal(csn_store_each(store, U("acme"), count_keys, &gone),
	    0);
	assert_int_equal(csn_store_each(store, U("globex"), count_keys,
	    &left), 0);
	assert_int_equal(gone, 0);
	assert_int_equal(left, (all + 1) / 2);
}

TEST(a_space_is_dropped_on_a_full_map, struct fixture *f)
{
	check_drop(f->store, fill_small(f->store, 0));
	/* And what was dropped is room again. */
	store_put_value(f->store, "acme", "again", 3000, 2);
	store_check_value(f->store, "acme", "again", 3000, 2);
}

/* What has ended makes room for what is put. */
TEST(ended_values_make_room, struct fixture *f)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	uint8_t *p = calloc(1, MIB);
	char key[16];
	int i, rc = 0;

	assert_non_null(p);
	for (i = 0; i < 10 && rc == 0; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		rc = csn_store_put_for(f->store, U("acme"), U(key), p,
		    MIB / 2, 300);
	}
	assert_int_equal(rc, CSN_E_QUOTA);
	usleep(350000);
	store_put_value(f->store, "acme", "new", MIB, 1);
	store_check_value(f->store, "acme", "new", MIB, 1);
	assert_int_equal(csn_store_stat(f->store, NULL, 0, &st), 0);
	assert_int_equal(st.entries, 1);
	assert_int_equal(st.limit, 4 * MIB);
	free(p);
}

TEST(a_large_space_is_dropped_and_listed_in_parts, struct fixture *f)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	struct csn_store *store;
	char url[96];
	uint32_t i;

	snprintf(url, sizeof(url), "lmdb:%s/large?sync=none", f->folder);
	assert_int_equal(csn_store_open(f->ctx, url, &store), 0);
	for (i = 0; i < 5000; i++) {
		assert_int_equal(csn_store_put(store, U("acme"),
		    (const uint8_t *)&i, 4, (const uint8_t *)&i, 4), 0);
		if (i % 5 == 0)
			assert_int_equal(csn_store_put(store, U("acme2"),
			    (const uint8_t *)&i, 4, NULL, 0), 0);
	}
	assert_int_equal(csn_store_stat(store, U("acme"), &st), 0);
	assert_int_equal(st.entries, 5000);
	assert_int_equal(st.bytes, 20000);
	assert_int_equal(csn_store_drop(store, U("acme")), 0);
	assert_int_equal(csn_store_stat(store, U("acme"), &st), 0);
	assert_int_equal(st.entries, 0);
	assert_int_equal(csn_store_stat(store, U("acme2"), &st), 0);
	assert_int_equal(st.entries, 1000);
	csn_store_close(store);
}

/* As docs/wire/store.md has it: LMDB itself takes no key of this length. */
TEST(a_long_key_goes_by_its_hash, struct fixture *f)
{
	static const uint8_t head[] = { 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 8, 0,
	    0, 0, 0 };
	uint8_t key[CSN_STORE_MAX_KEY], name[5 + 251] = "\4acme", got[8];
	MDB_val k = { sizeof(name), name }, v;
	size_t len = sizeof(got);
	uint8_t *copy;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_env *env;

	memset(key, 'k', sizeof(key));
	memcpy(name + 5, key, 219);
	assert_int_equal(csn_sha3_256(f->ctx, key, sizeof(key),
	    name + 5 + 219), 0);
	assert_int_equal(csn_store_put(f->store, U("acme"), key, sizeof(key),
	    (const uint8_t *)"value", 5), 0);
	csn_store_close(f->store);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_mapsize(env, 4 * MIB), 0);
	assert_int_equal(mdb_env_open(env, f->folder, MDB_NOSYNC, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	assert_int_equal(mdb_get(txn, dbi, &k, &v), 0);
	assert_int_equal(v.mv_size, 16 + sizeof(key) + 5);
	assert_memory_equal(v.mv_data, head, 16);
	assert_memory_equal((uint8_t *)v.mv_data + 16, key, sizeof(key));
	assert_memory_equal((uint8_t *)v.mv_data + 16 + sizeof(key), "value",
	    5);
	/* Another key's value in its place. */
	assert_non_null(copy = malloc(v.mv_size));
	memcpy(copy, v.mv_data, v.mv_size);
	copy[16 + sizeof(key) - 1] ^= 1;
	v.mv_data = copy;
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	free(copy);
	assert_int_equal(csn_store_open(f->ctx, f->url, &f->store), 0);
	assert_int_equal(csn_store_get(f->store, U("acme"), key, sizeof(key),
	    got, &len), CSN_E_FORM);
	assert_int_equal(csn_store_remove_if(f->store, U("acme"), key,
	    sizeof(key), (const uint8_t *)"value", 5), CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_put(f->store, U("acme"), key, sizeof(key),
	    (const uint8_t *)"value", 5), 0);
	assert_int_equal(csn_store_get(f->store, U("acme"), key, sizeof(key),
	    got, &len), 0);
}

TEST(a_forked_child_opens_its_own, struct fixture *f)
{
	struct csn_store *own;
	uint8_t p[8];
	size_t len = sizeof(p);
	pid_t pid;
	int rc;

	store_put_value(f->store, "acme", "k", 8, 1);
	if ((pid = fork()) == 0) {
		if (csn_store_get(f->store, U("acme"), U("k"), p, &len) !=
		    CSN_E_FORK)
			_exit(1);
		if (csn_store_put(f->store, U("acme"), U("k"), p, 8) !=
		    CSN_E_FORK)
			_exit(2);
		if (csn_store_open(f->ctx, f->url, &own) != 0)
			_exit(3);
		len = sizeof(p);
		if (csn_store_get(own, U("acme"), U("k"), p, &len) != 0)
			_exit(4);
		if (csn_store_put(own, U("acme"), U("child"), p, 8) != 0)
			_exit(5);
		csn_store_close(own);
		csn_store_close(f->store);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &rc, 0), pid);
	assert_true(WIFEXITED(rc));
	assert_int_equal(WEXITSTATUS(rc), 0);
	store_check_value(f->store, "acme", "k", 8, 1);
	store_check_value(f->store, "acme", "child", 8, 1);
}

/* Two stores on one file in one process share it, in any order of closing. */
TEST(stores_share_a_file, struct fixture *f)
{
	struct csn_store *other;

	assert_int_equal(csn_store_open(f->ctx, f->url, &other), 0);
	store_put_value(other, "acme", "k", 8, 1);
	store_check_value(f->store, "acme", "k", 8, 1);
	csn_store_close(f->store);
	store_put_value(other, "acme", "k2", 8, 2);
	f->store = other;
	store_check_value(f->store, "acme", "k2", 8, 2);
}

static int
stopped(void *arg)
{
	return *(int *)arg;
}

/* Another process may put as fast as it drops. */
TEST(a_drop_is_left_when_the_program_says_so, struct fixture *f)
{
	int stop = 0;
	const struct csn_ctx_options options = {
		.size = sizeof(options),
		.stopped = stopped,
		.stopped_arg = &stop,
	};
	struct csn_store *store;
	struct csn_ctx *own;

	assert_int_equal(csn_ctx_new(&options, &own), 0);
	assert_int_equal(csn_store_open(own, f->url, &store), 0);
	store_put_value(store, "acme", "k", 8, 1);
	stop = 1;
	assert_int_equal(csn_store_drop(store, U("acme")), CSN_E_CANCELLED);
	store_check_value(store, "acme", "k", 8, 1);
	stop = 0;
	assert_int_equal(csn_store_drop(store, U("acme")), 0);
	csn_store_close(store);
	csn_ctx_free(own);
}

#define LARGE (64u << 10)

/* *done counts what was put; it is shared with who waits for it. */
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
	}
}

TEST(killed_writers_leave_no_wrong_value, struct fixture *f)
{
	uint8_t *got = malloc(LARGE);
	size_t len, seen = 0;
	unsigned lap, i;
	atomic_uint *done;
	pid_t pid[2];
	int rc;

	assert_non_null(got);
	done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(done != MAP_FAILED);
	for (lap = 0; lap < 20; lap++) {
		atomic_store(done, 0);
		for (i = 0; i < 2; i++) {
			pid[i] = fork();
			assert_true(pid[i] >= 0);
			if (pid[i] == 0)
				put_until_killed(f->url, (uint8_t)(lap + i),
				    done);
		}
		while (atomic_load(done) < 1 + lap) {
			usleep(200);
			assert_int_equal(waitpid(-1, &rc, WNOHANG), 0);
		}
		for (i = 0; i < 20; i++) {
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
		for (i = 0; i < 2; i++) {
			assert_int_equal(kill(pid[i], SIGKILL), 0);
			assert_int_equal(waitpid(pid[i], &rc, 0), pid[i]);
			assert_true(WIFSIGNALED(rc));
		}
		/* Who held the lock is dead: nobody waits for it. */
		store_put_value(f->store, "acme", "mine", 100, lap);
		store_check_value(f->store, "acme", "mine", 100, lap);
	}
	free(got);
	(void)munmap(done, sizeof(*done));
	assert_true(seen > 0);
}

/* In a process of its own: die in the middle of reading. */
static void
read_and_die(const char *folder)
{
	MDB_env *env;
	MDB_txn *txn;

	if (mdb_env_create(&env) == 0 &&
	    mdb_env_open(env, folder, MDB_NOTLS, 0600) == 0 &&
	    mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0)
		(void)kill(getpid(), SIGKILL);
	_exit(1);
}

TEST(killed_readers_give_their_slots_back, struct fixture *f)
{
	struct csn_store *store;
	char folder[64], url[96];
	pid_t pid;
	int i, rc;

	snprintf(folder, sizeof(folder), "%s/few", f->folder);
	snprintf(url, sizeof(url), "lmdb:%s?readers=3&sync=none", folder);
	assert_int_equal(csn_store_open(f->ctx, url, &store), 0);
	store_put_value(store, "acme", "k", 8, 1);
	for (i = 0; i < 12; i++) {
		if ((pid = fork()) == 0)
			read_and_die(folder);
		assert_int_equal(waitpid(pid, &rc, 0), pid);
		/* As many as there are slots die; then one is told so. */
		assert_true(WIFSIGNALED(rc) || i >= 3);
		if (i % 5 == 4) {
			store_check_value(store, "acme", "k", 8, 1);
			if ((pid = fork()) == 0)
				read_and_die(folder);
			assert_int_equal(waitpid(pid, &rc, 0), pid);
			assert_true(WIFSIGNALED(rc));
		}
	}
	store_check_value(store, "acme", "k", 8, 1);
	csn_store_close(store);
}

/* Another process made the map larger; this one follows. */
TEST(a_map_grows_under_a_reader, struct fixture *f)
{
	struct csn_store *store;
	struct csn_ctx *ctx;
	char url[96], key[16];
	uint8_t *p = calloc(1, MIB);
	pid_t pid;
	int i, rc;

	assert_non_null(p);
	store_put_value(f->store, "acme", "k", 8, 1);
	snprintf(url, sizeof(url), "lmdb:%s?size=64M&sync=none", f->folder);
	if ((pid = fork()) == 0) {
		if (csn_ctx_new(NULL, &ctx) != 0 ||
		    csn_store_open(ctx, url, &store) != 0)
			_exit(1);
		for (i = 0; i < 20; i++) {
			snprintf(key, sizeof(key), "k%d", i);
			if (csn_store_put(store, U("acme"), U(key), p, MIB) !=
			    0)
				_exit(2);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &rc, 0), pid);
	assert_int_equal(WEXITSTATUS(rc), 0);
	store_check_value(f->store, "acme", "k", 8, 1);
	assert_int_equal(csn_store_remove(f->store, U("acme"), U("k19")), 0);
	store_put_value(f->store, "acme", "k", 8, 2);
	store_check_value(f->store, "acme", "k", 8, 2);
	free(p);
}

TEST(a_read_only_folder_is_read, struct fixture *f)
{
	struct csn_store *store;
	char url[96];
	uint8_t p[8] = { 0 };

	if (mount("tmpfs", f->folder, "tmpfs", 0, "size=8m") != 0)
		test_skip("a small tmpfs cannot be mounted here");
	snprintf(url, sizeof(url), "lmdb:%s?size=4M", f->folder);
	assert_int_equal(csn_store_open(f->ctx, url, &store), 0);
	store_put_value(store, "acme", "k", 8, 1);
	csn_store_close(store);
	assert_int_equal(mount("tmpfs", f->folder, "tmpfs",
	    MS_REMOUNT | MS_RDONLY, "size=8m"), 0);
	assert_int_equal(csn_store_open(f->ctx, url, &store), 0);
	store_check_value(store, "acme", "k", 8, 1);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), p, 8),
	    CSN_E_IO);
	assert_non_null(strstr(csn_message(), "read-only"));
	csn_store_close(store);
	assert_int_equal(umount(f->folder), 0);
}

TEST(a_full_disk_is_said, struct fixture *f)
{
	struct csn_store *store;
	uint8_t *p = calloc(1, MIB);
	char url[96], key[16];
	int i, rc = 0;

	assert_non_null(p);
	if (mount("tmpfs", f->folder, "tmpfs", 0, "size=3m") != 0) {
		free(p);
		test_skip("a small tmpfs cannot be mounted here");
	}
	snprintf(url, sizeof(url), "lmdb:%s?size=64M", f->folder);
	assert_int_equal(csn_store_open(f->ctx, url, &store), 0);
	store_put_value(store, "acme", "first", 100, 1);
	for (i = 0; i < 10 && rc == 0; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		rc = csn_store_put(store, U("acme"), U(key), p, MIB);
	}
	assert_int_equal(rc, CSN_E_QUOTA);
	assert_non_null(strstr(csn_message(), "disk is full"));
	store_check_value(store, "acme", "first", 100, 1);
	assert_int_equal(csn_store_drop(store, U("acme")), 0);
	check_drop(store, fill_small(store, 0));
	csn_store_close(store);
	assert_int_equal(umount(f->folder), 0);
	free(p);
}

TEST(options_and_files_are_checked, struct fixture *f)
{
	static const char *const bad[] = {
		"lmdb:", "lmdb:?size=1G", "lmdb:/tmp/x?size=1",
		"lmdb:/tmp/x?size=big", "lmdb:/tmp/x?readers=0",
		"lmdb:/tmp/x?sync=maybe", "lmdb:/tmp/x?colour=blue",
	};
	struct csn_store *store = NULL;
	char url[96], path[96];
	size_t i;
	FILE *out;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(csn_store_open(f->ctx, bad[i], &store),
		    CSN_E_ARG);
		assert_non_null(strstr(csn_message(), "lmdb"));
		assert_null(store);
	}
	assert_int_equal(csn_store_open(f->ctx, "lmdb:/dev/null", &store),
	    CSN_E_IO);
	snprintf(url, sizeof(url), "lmdb:%s/other", f->folder);
	snprintf(path, sizeof(path), "mkdir -p %s/other", f->folder);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/other/data.mdb", f->folder);
	assert_non_null(out = fopen(path, "w"));
	for (i = 0; i < 1000; i++)
		fputs("this is a diary, not a database\n", out);
	fclose(out);
	assert_int_equal(csn_store_open(f->ctx, url, &store), CSN_E_FORM);
	assert_non_null(strstr(csn_message(), "no LMDB's"));
}

int
test_main(void)
{
	static const struct store_subject subject = {
		"lmdb", make, clear, NULL, 0, 0, 0
	};
	int failed;

	failed = store_suite_run(&subject, 1);
	return failed + test_run("lmdb store");
}
