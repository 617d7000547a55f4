/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_file.c - the store in files: the suite, and what disks do. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/store_suite.h"

/* --- The suite ----------------------------------------------------------- */

static char *
make(void *arg)
{
	char *folder = folder_new(), *url;

	(void)arg;
	assert_true(asprintf(&url, "file:%s/made/here?timeout=60000",
	    folder) > 0);
	free(folder);
	return url;
}

static void
clear(void *arg, const char *url)
{
	const char *at = url + strlen("file:");

	(void)arg;
	folder_remove(strndup(at, (size_t)(strstr(at, "/made/") - at)));
}

/* --- What disks do ------------------------------------------------------- */

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
	snprintf(f->url, sizeof(f->url), "file:%s", f->folder);
	assert_int_equal(csn_store_open(f->ctx, f->url, &f->store), 0);
}

static void
teardown(struct fixture *f)
{
	csn_store_close(f->store);
	csn_ctx_free(f->ctx);
	(void)umount(f->folder);	/* where a case failed on its tmpfs */
	folder_remove(f->folder);
}

FIXTURE(struct fixture, setup, teardown);

/* The one file that holds a value: its path, to be freed. */
static char found[512];
static int nfound;

static int
find_one(const char *path, const struct stat *st, int type,
    struct FTW *where)
{
	(void)st;
	(void)where;
	if (type == FTW_F) {
		snprintf(found, sizeof(found), "%s", path);
		nfound++;
	}
	return 0;
}

static const char *
only_file(const char *folder)
{
	nfound = 0;
	assert_int_equal(nftw(folder, find_one, 16, FTW_PHYS), 0);
	assert_int_equal(nfound, 1);
	return found;
}

static void
damage(const char *path, off_t at, size_t cut)
{
	struct stat st;
	uint8_t byte;
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	if (cut > 0) {
		assert_int_equal(ftruncate(fd, st.st_size - (off_t)cut), 0);
	} else {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
}

/* Whatever bit flips, wherever it is cut: an error, never other bytes. */
TEST(damaged_files_are_refused, struct fixture *f)
{
	uint8_t got[600], value[600];
	size_t len, i, size;
	struct stat st;
	uint64_t left;
	int rc;

	store_fill(value, sizeof(value), 3);
	assert_int_equal(csn_store_put_for(f->store, U("acme"), U("k"), value,
	    600, 3600000), 0);
	assert_int_equal(stat(only_file(f->folder), &st), 0);
	size = (size_t)st.st_size;
	assert_int_equal(size, 32 + 4 + 1 + 600);
	for (i = 0; i < size; i++) {
		assert_int_equal(csn_store_put_for(f->store, U("acme"),
		    U("k"), value, 600, 3600000), 0);
		damage(only_file(f->folder), (off_t)i, 0);
		len = sizeof(got);
		memset(got, 0, sizeof(got));
		rc = csn_store_get(f->store, U("acme"), U("k"), got, &len);
		if (rc == CSN_E_NOT_FOUND) {
			/* Its end came nearer: it has ended, and is gone. */
			assert_true(i >= 16 && i < 24);
			continue;
		}
		assert_true(rc == CSN_E_FORM || rc == CSN_E_VERSION ||
		    rc == CSN_E_BUFFER);
		assert_true(got[0] == 0 && got[599] == 0);
	}
	for (i = 1; i <= size; i += i < 40 || i > size - 40 ? 1 : 37) {
		assert_int_equal(csn_store_put(f->store, U("acme"), U("k"),
		    value, 600), 0);
		damage(only_file(f->folder), 0, i);
		len = sizeof(got);
		assert_int_equal(csn_store_get(f->store, U("acme"), U("k"),
		    got, &len), CSN_E_FORM);
		assert_non_null(strstr(csn_message(), "cut off"));
		assert_non_null(strstr(csn_message(), f->folder));
		assert_int_equal(csn_store_ttl(f->store, U("acme"), U("k"),
		    &left), CSN_E_FORM);
	}
	/* It is no value of these bytes, no lock, and can be removed. */
	assert_int_equal(csn_store_remove_if(f->store, U("acme"), U("k"),
	    value, 600), CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_add_for(f->store, U("acme"), U("k"), value,
	    9, 1000), 0);
	damage(only_file(f->folder), 0, 3);
	assert_int_equal(csn_store_remove(f->store, U("acme"), U("k")), 0);
	len = sizeof(got);
	assert_int_equal(csn_store_get(f->store, U("acme"), U("k"), got,
	    &len), CSN_E_NOT_FOUND);
}

/* Bytes and names as docs/wire/store.md has them, made by other means. */
TEST(files_are_as_specified, struct fixture *f)
{
	static const uint8_t bytes[] = {
		0x43, 0x53, 0x4e, 0x56, 0x41, 0x4c, 0x55, 0x45, 0x01, 0x00,
		0x04, 0x03, 0xac, 0xa4, 0xa7, 0xde, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x61, 0x63, 0x6d, 0x65, 0x61, 0x2f, 0x62, 0x76,
		0x61, 0x6c, 0x75, 0x65,
	};
	static const uint8_t long_head[] = { 2, 0, 0, 0 }, len2[] = { 0, 8 };
	uint8_t key[CSN_STORE_MAX_KEY], got[sizeof(bytes) + 1];
	char path[200];
	FILE *in;

	assert_int_equal(csn_store_put(f->store, U("acme"), U("a/b"),
	    (const uint8_t *)"value", 5), 0);
	snprintf(path, sizeof(path), "%s/sacme/1c/ka%%2fb", f->folder);
	assert_string_equal(only_file(f->folder), path);
	assert_non_null(in = fopen(path, "r"));
	assert_int_equal(fread(got, 1, sizeof(got), in), sizeof(bytes));
	fclose(in);
	assert_memory_equal(got, bytes, sizeof(bytes));
	assert_int_equal(csn_store_drop(f->store, U("acme")), 0);
	memset(key, 0xff, sizeof(key));
	assert_int_equal(csn_store_put(f->store, NULL, 0, key, 250, key, 1),
	    0);
	snprintf(path, sizeof(path), "%s/o/62/ha0bf563a6da2c30fc55ab05974b7"
	    "18ad673c82543592e4cb0a55268349d4e161", f->folder);
	assert_string_equal(only_file(f->folder), path);
	assert_int_equal(csn_store_remove(f->store, NULL, 0, key, 250), 0);
	assert_int_equal(csn_store_put(f->store, NULL, 0, key, sizeof(key),
	    key, 1), 0);
	assert_non_null(in = fopen(only_file(f->folder), "r"));
	assert_int_equal(fread(got, 1, 34, in), 34);
	fclose(in);
	assert_memory_equal(got + 8, long_head, 4);
	assert_memory_equal(got + 32, len2, 2);
}

/* A file that was moved to another key's place is not that key's value. */
TEST(files_stay_under_their_key, struct fixture *f)
{
	uint8_t got[8], key[CSN_STORE_MAX_KEY];
	char from[512], to[600];
	size_t len = sizeof(got);

	store_put_value(f->store, "acme", "k1", 8, 1);
	snprintf(from, sizeof(from), "%s", only_file(f->folder));
	snprintf(to, sizeof(to), "%s", from);
	store_put_value(f->store, "acme", "k2", 8, 2);
	unlink(from);
	snprintf(from, sizeof(from), "%s", only_file(f->folder));
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(csn_store_get(f->store, U("acme"), U("k1"), got,
	    &len), CSN_E_FORM);
	unlink(to);
	/* The same for one whose file is named by a hash. */
	memset(key, 0xff, sizeof(key));
	assert_int_equal(csn_store_put(f->store, U("acme"), key, sizeof(key),
	    key, 8), 0);
	snprintf(to, sizeof(to), "%s", only_file(f->folder));
	unlink(to);
	store_put_value(f->store, "acme", "k3", 8, 3);
	assert_int_equal(rename(only_file(f->folder), to), 0);
	len = sizeof(got);
	assert_int_equal(csn_store_get(f->store, U("acme"), key, sizeof(key),
	    got, &len), CSN_E_FORM);
}

static size_t
count_temps(const char *folder)
{
	char path[64];
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

/* Processes take turns under a lock: a counter in a file loses nothing. */
TEST(processes_take_turns, struct fixture *f)
{
	enum { PROCESSES = 4, TURNS = 40 };
	struct csn_store *store;
	struct csn_ctx *ctx;
	uint8_t token;
	uint64_t n = 0;
	pid_t pids[PROCESSES];
	size_t len;
	int i, k, rc;

	assert_int_equal(csn_store_put(f->store, U("acme"), U("n"),
	    (const uint8_t *)&n, sizeof(n)), 0);
	for (i = 0; i < PROCESSES; i++) {
		if ((pids[i] = fork()) != 0)
			continue;
		token = (uint8_t)i;
		if (csn_ctx_new(NULL, &ctx) != 0 ||
		    csn_store_open(ctx, f->url, &store) != 0)
			_exit(1);
		for (k = 0; k < TURNS;) {
			rc = csn_store_add_for(store, U("acme"), U("lock"),
			    &token, 1, 60000);
			if (rc == CSN_E_EXISTS) {
				usleep(100);
				continue;
			}
			len = sizeof(n);
			if (rc != 0 || csn_store_get(store, U("acme"), U("n"),
			    (uint8_t *)&n, &len) != 0)
				_exit(2);
			n++;
			if (csn_store_put(store, U("acme"), U("n"),
			    (const uint8_t *)&n, sizeof(n)) != 0)
				_exit(3);
			if (csn_store_remove_if(store, U("acme"), U("lock"),
			    &token, 1) != 0)
				_exit(4);
			k++;
		}
		_exit(0);
	}
	for (i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pids[i], &rc, 0), pids[i]);
		assert_true(WIFEXITED(rc));
		assert_int_equal(WEXITSTATUS(rc), 0);
	}
	len = sizeof(n);
	assert_int_equal(csn_store_get(f->store, U("acme"), U("n"),
	    (uint8_t *)&n, &len), 0);
	assert_int_equal(n, PROCESSES * TURNS);
}

TEST(a_full_disk_is_said_and_changes_nothing, struct fixture *f)
{
	uint8_t *p = calloc(1, 300000), got[8];
	struct csn_store *store;
	size_t len = sizeof(got);
	char key[16];
	int i, rc = 0;

	assert_non_null(p);
	if (mount("tmpfs", f->folder, "tmpfs", 0, "size=1m") != 0) {
		free(p);
		test_skip("a small tmpfs cannot be mounted here");
	}
	assert_int_equal(csn_store_open(f->ctx, f->url, &store), 0);
	store_put_value(store, "acme", "first", 8, 1);
	for (i = 0; i < 10 && rc == 0; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		rc = csn_store_put(store, U("acme"), U(key), p, 300000);
	}
	assert_int_equal(rc, CSN_E_QUOTA);
	assert_non_null(strstr(csn_message(), "no room"));
	assert_int_equal(count_temps(f->folder), 0);
	assert_int_equal(csn_store_get(store, U("acme"), U(key), p, &len),
	    CSN_E_NOT_FOUND);
	/* Where there is no room to replace, the old value stays. */
	assert_int_equal(csn_store_put(store, U("acme"), U("first"), p,
	    300000), CSN_E_QUOTA);
	store_check_value(store, "acme", "first", 8, 1);
	assert_int_equal(csn_store_remove(store, U("acme"), U("k0")), 0);
	store_put_value(store, "acme", "k9", 300, 2);
	store_check_value(store, "acme", "k9", 300, 2);
	csn_store_close(store);
	assert_int_equal(umount(f->folder), 0);
	free(p);
}

TEST(a_read_only_folder_is_read, struct fixture *f)
{
	struct csn_store *store;
	uint8_t p[8] = { 0 };

	if (mount("tmpfs", f->folder, "tmpfs", 0, "size=1m") != 0)
		test_skip("a small tmpfs cannot be mounted here");
	assert_int_equal(csn_store_open(f->ctx, f->url, &store), 0);
	store_put_value(store, "acme", "k", 8, 1);
	assert_int_equal(csn_store_put_for(store, U("acme"), U("short"), p, 8,
	    1), 0);
	csn_store_close(store);
	assert_int_equal(mount("tmpfs", f->folder, "tmpfs",
	    MS_REMOUNT | MS_RDONLY, "size=1m"), 0);
	assert_int_equal(csn_store_open(f->ctx, f->url, &store), 0);
	store_check_value(store, "acme", "k", 8, 1);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), p, 8),
	    CSN_E_IO);
	assert_non_null(strstr(csn_message(), "Read-only"));
	assert_int_equal(csn_store_remove(store, U("acme"), U("k")),
	    CSN_E_IO);
	assert_int_equal(csn_store_drop(store, U("acme")), CSN_E_IO);
	usleep(3000);
	{
		size_t len = sizeof(p);

		assert_int_equal(csn_store_get(store, U("acme"), U("short"),
		    p, &len), CSN_E_NOT_FOUND);
	}
	csn_store_close(store);
	assert_int_equal(umount(f->folder), 0);
	assert_int_equal(csn_store_open(f->ctx, "file:/proc/none/here",
	    &store), CSN_E_IO);
}

/* Another process sits on the lock: an answer after the timeout. */
TEST(a_lock_is_waited_for_so_long, struct fixture *f)
{
	struct csn_store *store;
	char url[160], *slash;
	uint8_t p[8] = { 0 };
	size_t len = sizeof(p);
	int fd;

	store_put_value(f->store, "acme", "k", 8, 1);
	(void)only_file(f->folder);
	slash = strrchr(found, '/');
	*slash = '\0';
	assert_true((fd = open(found, O_RDONLY | O_DIRECTORY)) >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	snprintf(url, sizeof(url), "%s?timeout=100", f->url);
	assert_int_equal(csn_store_open(f->ctx, url, &store), 0);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), p, 8),
	    CSN_E_BUSY);
	assert_int_equal(csn_store_remove(store, U("acme"), U("k")),
	    CSN_E_BUSY);
	assert_int_equal(csn_store_get(store, U("acme"), U("k"), p, &len), 0);
	close(fd);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), p, 8), 0);
	csn_store_close(store);
}

/* Nobody asks for them again, and still their files go. */
TEST(ended_files_are_swept, struct fixture *f)
{
	uint8_t p[8] = { 0 };
	char key[16];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "old-%d", i);
		assert_int_equal(csn_store_put_for(f->store, U("acme"),
		    U(key), p, 8, 1), 0);
	}
	usleep(5000);
	for (i = 0; i < 200; i++)
		assert_int_equal(csn_store_put_for(f->store, U("acme"),
		    U("one"), p, 8, 3600000), 0);
	(void)only_file(f->folder);
}

static uint64_t fake_ms;

static uint64_t
fake_clock(void *arg)
{
	(void)arg;
	return fake_ms;
}

/* As much time has passed as the clock ever showed. */
static uint64_t
fake_boot(void *arg)
{
	static uint64_t high;
	uint64_t now = fake_clock(arg);

	if (now > high)
		high = now;
	return high;
}

/* A clock that is set back extends nothing, one set forward ends it. */
TEST(clock_jumps_extend_nothing, struct fixture *f)
{
	static const struct csn_clock clock = {
		.size = sizeof(clock),
		.boot_ms = fake_boot,
		.wall_ms = fake_clock,
	};
	struct csn_ctx_options options = {
		.size = sizeof(options),
		.clock = &clock,
	};
	struct csn_store *store;
	struct csn_ctx *own;
	uint64_t left;

	fake_ms = UINT64_C(1800000000000);
	assert_int_equal(csn_ctx_new(&options, &own), 0);
	assert_int_equal(csn_store_open(own, f->url, &store), 0);
	assert_int_equal(csn_store_put_for(store, U("acme"), U("k"), NULL, 0,
	    1000), 0);
	fake_ms -= 3600000;
	assert_int_equal(csn_store_ttl(store, U("acme"), U("k"), &left), 0);
	assert_int_equal(left, 1000);
	fake_ms += 3600000 + 999;
	assert_int_equal(csn_store_ttl(store, U("acme"), U("k"), &left), 0);
	assert_int_equal(left, 1);
	fake_ms++;
	assert_int_equal(csn_store_ttl(store, U("acme"), U("k"), &left),
	    CSN_E_NOT_FOUND);
	fake_ms -= 3600000;
	assert_int_equal(csn_store_ttl(store, U("acme"), U("k"), &left),
	    CSN_E_NOT_FOUND);
	csn_store_close(store);
	csn_ctx_free(own);
}

TEST(each_sync_keeps_values, struct fixture *f)
{
	static const char *const syncs[] = { "none", "file", "full" };
	struct csn_store *store;
	char url[160];
	size_t i;

	for (i = 0; i < 3; i++) {
		snprintf(url, sizeof(url), "%s?sync=%s", f->url, syncs[i]);
		assert_int_equal(csn_store_open(f->ctx, url, &store), 0);
		store_put_value(store, "acme", "k", 5000, i);
		store_put_value(store, "acme", "gone", 50, i);
		assert_int_equal(csn_store_remove(store, U("acme"),
		    U("gone")), 0);
		csn_store_close(store);
		store_check_value(f->store, "acme", "k", 5000, i);
		assert_int_equal(csn_store_open(f->ctx, url, &store), 0);
		assert_int_equal(csn_store_drop(store, U("acme")), 0);
		csn_store_close(store);
	}
}

TEST(options_are_checked, struct fixture *f)
{
	static const char *const bad[] = {
		"file:", "file:?sync=none", "file:/tmp/x?sync=perhaps",
		"file:/tmp/x?timeout=", "file:/tmp/x?timeout=1h",
		"file:/tmp/x?colour=blue", "file:/tmp/x?sync",
	};
	struct csn_store *store = NULL;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(csn_store_open(f->ctx, bad[i], &store),
		    CSN_E_ARG);
		assert_non_null(strstr(csn_message(), "file"));
		assert_null(store);
	}
	assert_int_equal(csn_store_open(f->ctx, "file:/dev/null", &store),
	    CSN_E_IO);
}

int
test_main(void)
{
	static const struct store_subject subjects[] = {
		{ "file", make, clear, NULL, 0, 0, 0 },
	};
	int failed;

	failed = store_suite_run(subjects, 1);
	return failed + test_run("file store");
}
