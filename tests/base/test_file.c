/* SPDX-License-Identifier: Apache-2.0 */
/* test_file.c - files read whole, and replaced as a whole or not at all. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/file.h"
#include "lib/test.h"

static char *folder;

BEFORE_EACH { folder = folder_new(); }
AFTER_EACH { folder_remove(folder); }

/* A path in the folder; two at a time. */
static const char *
in_folder(const char *name)
{
	static char paths[2][128];
	static int which;

	which = !which;
	snprintf(paths[which], sizeof(paths[which]), "%s/%s", folder, name);
	return paths[which];
}

/* Names in path, but . and .. */
static int
names_in(const char *path)
{
	DIR *dir;
	int n = 0;

	assert_non_null(dir = opendir(path));
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;
}

static void
holds(const char *path, const char *want)
{
	uint8_t *got;
	size_t len;

	assert_int_equal(csn_file_read(NULL, path, 1000, &got, &len), 0);
	assert_int_equal(len, strlen(want));
	/* The NUL behind it. */
	assert_string_equal((char *)got, want);
	csn_free(got);
}

static unsigned
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (unsigned)(st.st_mode & 07777);
}

static void
said(const char *path, const char *why)
{
	assert_non_null(strstr(csn_message(), path));
	if (strstr(csn_message(), why) == NULL)
		fail_msg("not \"%s\": %s", why, csn_message());
}

TEST(files_are_replaced)
{
	const char *path = in_folder("a");
	mode_t before;

	before = umask(0077);
	assert_int_equal(csn_file_replace(NULL, path, "one", 3, 0644), 0);
	umask(before);
	holds(path, "one");
	assert_int_equal(mode_of(path), 0644);
	assert_int_equal(csn_file_replace(NULL, path, "twoo", 4, 0600), 0);
	holds(path, "twoo");
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(csn_file_replace(NULL, path, NULL, 0, 0600), 0);
	holds(path, "");
	assert_int_equal(names_in(folder), 1);
	/* Where the path is only a name. */
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(csn_file_replace(NULL, "b", "here", 4, 0600), 0);
	holds("b", "here");
	assert_int_equal(csn_fsync_parent("b"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(csn_fsync_parent("/etc"), 0);
	assert_int_equal(csn_fsync_parent(in_folder("not/there")), -1);
	assert_int_equal(errno, ENOENT);
}

TEST(a_link_is_replaced_and_not_followed)
{
	const char *target = in_folder("target"), *link = in_folder("link");

	assert_int_equal(csn_file_create(NULL, target, "t", 1, 0600), 0);
	assert_int_equal(symlink("target", link), 0);
	assert_int_equal(csn_file_create(NULL, link, "x", 1, 0600),
	    CSN_E_EXISTS);
	assert_int_equal(csn_file_replace(NULL, link, "new", 3, 0600), 0);
	holds(target, "t");
	holds(link, "new");
}

TEST(files_are_created_once)
{
	const char *path = in_folder("a");

	assert_int_equal(csn_file_create(NULL, path, "one", 3, 0640), 0);
	assert_int_equal(mode_of(path), 0640);
	assert_int_equal(csn_file_create(NULL, path, "two", 3, 0600),
	    CSN_E_EXISTS);
	said(path, "is there already");
	holds(path, "one");
	assert_int_equal(mode_of(path), 0640);
	assert_int_equal(names_in(folder), 1);
}

TEST(long_names_are_no_trouble)
{
	char path[400];
	size_t len;

	len = (size_t)snprintf(path, sizeof(path), "%s/", folder);
	memset(path + len, 'n', 255);
	path[len + 255] = '\0';
	assert_int_equal(csn_file_replace(NULL, path, "1", 1, 0600), 0);
	holds(path, "1");
	path[len + 255] = 'n';
	path[len + 256] = '\0';
	assert_int_equal(csn_file_replace(NULL, path, "1", 1, 0600),
	    CSN_E_IO);
	said(path, "too long");
	assert_int_equal(names_in(folder), 1);
}

TEST(reading_has_its_limits)
{
	const char *path = in_folder("a");
	uint8_t *got = NULL, *big;
	size_t len = 42, i;

	assert_int_equal(csn_file_read(NULL, path, 10, &got, &len),
	    CSN_E_NOT_FOUND);
	said(path, "No such file");
	assert_int_equal(csn_file_create(NULL, path, "0123456789", 10, 0600),
	    0);
	assert_int_equal(csn_file_read(NULL, path, 9, &got, &len),
	    CSN_E_LIMIT);
	said(path, "more than 9");
	assert_int_equal(csn_file_read(NULL, folder, 10, &got, &len),
	    CSN_E_IO);
	said(folder, "cannot be read");
	/* One that does not say how long it is. */
	assert_int_equal(csn_file_read(NULL, "/dev/zero", 100000, &got, &len),
	    CSN_E_LIMIT);
	assert_null(got);
	assert_int_equal(len, 42);
	assert_int_equal(csn_file_read(NULL, "/proc/self/smaps", 1 << 22,
	    &got, &len), 0);
	assert_true(len > 4096);
	assert_int_equal(strlen((char *)got), len);
	csn_free(got);
	assert_int_equal(csn_file_read(NULL, path, 10, &got, &len), 0);
	assert_int_equal(len, 10);
	csn_free(got);
	assert_int_equal(csn_file_read(NULL, path, SIZE_MAX, &got, &len), 0);
	csn_free(got);
	assert_non_null(big = malloc(300000));
	for (i = 0; i < 300000; i++)
		big[i] = (uint8_t)(i * 7);
	assert_int_equal(csn_file_replace(NULL, path, big, 300000, 0600), 0);
	assert_int_equal(csn_file_read(NULL, path, 300000, &got, &len), 0);
	assert_int_equal(len, 300000);
	assert_memory_equal(got, big, len);
	csn_free(got);
	free(big);
}

TEST(secrets_are_their_owners_alone)
{
	static const unsigned open[] = { 0640, 0604, 0620, 0610, 0666, 0677 };
	const char *path = in_folder("a");
	uint8_t *got = NULL;
	size_t len, i;

	for (i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		assert_int_equal(csn_file_replace(NULL, path, "s", 1,
		    open[i]), 0);
		assert_int_equal(csn_file_read_secret(NULL, path, 10, &got,
		    &len), CSN_E_POLICY);
		said(path, "chmod 600");
		assert_null(got);
	}
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(csn_file_read_secret(NULL, path, 10, &got, &len), 0);
	assert_string_equal((char *)got, "s");
	csn_free(got);
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(csn_file_read_secret(NULL, path, 10, &got, &len), 0);
	csn_free(got);
	assert_int_equal(csn_file_read_secret(NULL, in_folder("b"), 10, &got,
	    &len), CSN_E_NOT_FOUND);
}

TEST(a_missing_folder_is_told)
{
	const char *path = in_folder("none/a");

	assert_int_equal(csn_file_replace(NULL, path, "x", 1, 0600), CSN_E_IO);
	said(path, "No such file");
	assert_int_equal(csn_file_create(NULL, path, "x", 1, 0600), CSN_E_IO);
	/* A folder cannot be replaced by a file. */
	path = in_folder("dir");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(csn_file_replace(NULL, path, "x", 1, 0600), CSN_E_IO);
	assert_int_equal(csn_file_create(NULL, path, "x", 1, 0600),
	    CSN_E_EXISTS);
	assert_int_equal(names_in(folder), 1);
}

/* In a child, as nobody where this is root: root may write everywhere. */
static int
replace_as_nobody(const char *path)
{
	pid_t pid;
	int status, rc;

	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		if (geteuid() == 0 && (setgid(65534) != 0 ||
		    setuid(65534) != 0))
			_exit(100);
		rc = csn_file_replace(NULL, path, "new", 3, 0600);
		if (strstr(csn_message(), path) == NULL)
			_exit(101);
		_exit(-rc);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

TEST(a_folder_that_is_read_only_keeps_its_file)
{
	const char *path = in_folder("a");

	assert_int_equal(csn_file_create(NULL, path, "old", 3, 0600), 0);
	assert_int_equal(chmod(folder, 0555), 0);
	assert_int_equal(replace_as_nobody(path), CSN_E_IO);
	assert_int_equal(chmod(folder, 0700), 0);
	holds(path, "old");
	assert_int_equal(names_in(folder), 1);
}

TEST(a_full_disk_keeps_the_old_file)
{
	char disk[128], path[160];
	uint8_t *big;
	int replaced, created, names;

	snprintf(disk, sizeof(disk), "%s/disk", folder);
	snprintf(path, sizeof(path), "%s/a", disk);
	assert_int_equal(mkdir(disk, 0700), 0);
	if (mount("none", disk, "tmpfs", 0, "size=64k") != 0)
		test_skip("a small disk needs the right to mount one");
	assert_non_null(big = calloc(1, 100000));
	assert_int_equal(csn_file_create(NULL, path, "old", 3, 0600), 0);
	replaced = csn_file_replace(NULL, path, big, 100000, 0600);
	said(path, "No space left");
	snprintf(path, sizeof(path), "%s/b", disk);
	created = csn_file_create(NULL, path, big, 100000, 0600);
	snprintf(path, sizeof(path), "%s/a", disk);
	holds(path, "old");
	names = names_in(disk);
	assert_int_equal(umount(disk), 0);
	free(big);
	assert_int_equal(replaced, CSN_E_IO);
	assert_int_equal(created, CSN_E_IO);
	assert_int_equal(names, 1);
}

#define BIG 200000

/* Replace path by all 'a', all 'b', all 'a', until killed. */
static void
replace_for_ever(const char *path)
{
	static uint8_t big[BIG];
	int i;

	for (i = 0;; i++) {
		memset(big, i % 2 == 0 ? 'a' : 'b', BIG);
		if (csn_file_replace(NULL, path, big, BIG, 0600) != 0)
			_exit(1);
	}
}

TEST(a_kill_in_the_middle_leaves_a_whole_file)
{
	const char *path = in_folder("a");
	struct timespec nap = { 0, 0 };
	uint8_t *got, whole[BIG];
	int round, status;
	size_t len;
	pid_t pid;

	memset(whole, 'b', BIG);
	assert_int_equal(csn_file_create(NULL, path, whole, BIG, 0600), 0);
	for (round = 0; round < 30; round++) {
		assert_true((pid = fork()) >= 0);
		if (pid == 0)
			replace_for_ever(path);
		nap.tv_nsec = 1000000 + round * 731000;
		nanosleep(&nap, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(csn_file_read(NULL, path, BIG, &got, &len),
		    0);
		assert_int_equal(len, BIG);
		assert_true(got[0] == 'a' || got[0] == 'b');
		memset(whole, got[0], BIG);
		assert_memory_equal(got, whole, BIG);
		csn_free(got);
	}
}

TEST(a_reader_meanwhile_sees_whole_files)
{
	const char *path = in_folder("a");
	uint8_t *got, whole[BIG];
	int i, status;
	size_t len;
	pid_t pid;

	memset(whole, 'b', BIG);
	assert_int_equal(csn_file_create(NULL, path, whole, BIG, 0600), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0)
		replace_for_ever(path);
	for (i = 0; i < 300; i++) {
		assert_int_equal(csn_file_read(NULL, path, BIG, &got, &len),
		    0);
		assert_int_equal(len, BIG);
		memset(whole, got[0], BIG);
		assert_memory_equal(got, whole, BIG);
		csn_free(got);
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

TEST(one_of_many_creators_wins)
{
	const char *path = in_folder("a");
	pid_t pids[8];
	int i, status, won = 0;

	for (i = 0; i < 8; i++) {
		assert_true((pids[i] = fork()) >= 0);
		if (pids[i] == 0)
			_exit(-csn_file_create(NULL, path, "x", 1, 0600));
	}
	for (i = 0; i < 8; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == 0)
			won++;
		else
			assert_int_equal(-WEXITSTATUS(status), CSN_E_EXISTS);
	}
	assert_int_equal(won, 1);
	assert_int_equal(names_in(folder), 1);
}

TEST(writing_all_goes_on_after_short_writes)
{
	uint8_t *big, *got;
	size_t used = 0;
	int pipes[2], status;
	ssize_t n;
	pid_t pid;

	assert_non_null(big = malloc(BIG));
	assert_non_null(got = malloc(BIG));
	memset(big, 'x', BIG);
	assert_int_equal(pipe(pipes), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0)
		_exit(csn_write_all(pipes[1], big, BIG) == 0 ? 0 : 1);
	close(pipes[1]);
	while (used < BIG) {
		n = read(pipes[0], got + used, BIG - used);
		assert_true(n > 0);
		used += (size_t)n;
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_memory_equal(got, big, BIG);
	close(pipes[0]);
	assert_int_equal(csn_write_all(pipes[0], big, 1), -1);
	assert_int_equal(errno, EBADF);
	free(big);
	free(got);
}

TEST(folders_are_made_as_needed)
{
	const char *path;

	assert_int_equal(csn_mkdirs(NULL, in_folder("x/y//z/"), 0700), 0);
	assert_int_equal(mode_of(in_folder("x/y/z")), 0700);
	assert_int_equal(csn_mkdirs(NULL, in_folder("x/y/z"), 0755), 0);
	assert_int_equal(mode_of(in_folder("x/y/z")), 0700);
	assert_int_equal(csn_mkdirs(NULL, "/", 0700), 0);
	assert_int_equal(csn_mkdirs(NULL, "", 0700), CSN_E_IO);
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(csn_mkdirs(NULL, "p/q", 0700), 0);
	assert_int_equal(mode_of(in_folder("p/q")), 0700);
	assert_int_equal(chdir("/"), 0);
	path = in_folder("file");
	assert_int_equal(csn_file_create(NULL, path, "x", 1, 0600), 0);
	assert_int_equal(csn_mkdirs(NULL, path, 0700), CSN_E_IO);
	said(path, "Not a directory");
	assert_int_equal(csn_mkdirs(NULL, in_folder("file/in"), 0700),
	    CSN_E_IO);
	said(path, "Not a directory");
	assert_int_equal(csn_mkdirs(NULL, "/proc/none/in", 0700), CSN_E_IO);
	said("/proc/none", "No such file");
}
