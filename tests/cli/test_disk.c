/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_disk.c - the program's inputs and outputs on a disk that fails and
 * loses: an output is the old one or the new one, whole, and 0 says that it
 * lasts.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../cli/lib/cli.h"
#include "lib/disk.h"
#include "lib/test.h"

#define OLD 5000
#define NEW 7000

static struct cli cli;
static char *home;
static char folder[64], scratch[64], path[96];
static uint8_t old[OLD], new[NEW];
static int interrupted;

/* What cli/lib/file.c needs of the program. */

int
cli_interrupted(void)
{
	return interrupted;
}

int
cli_error(struct cli *c, int code, const char *todo, const char *fmt, ...)
{
	(void)c;
	(void)todo;
	(void)fmt;
	return code;
}

int
cli_error_sys(struct cli *c, int error, const char *fmt, ...)
{
	(void)c;
	(void)error;
	(void)fmt;
	return CLI_FAILED;
}

int
cli_error_given(struct cli *c, int rc, const char *fmt, ...)
{
	(void)c;
	(void)rc;
	(void)fmt;
	return CLI_USAGE;
}

void
cli_hex(const uint8_t *p, size_t len, char *out)
{
	for (; len-- > 0; p++, out += 2)
		(void)snprintf(out, 3, "%02x", *p);
}

static int
state_of(const char *where)
{
	uint8_t *p;
	size_t len;
	int is;

	if (access(where, F_OK) != 0)
		return 0;
	assert_int_equal(cli_read_file(&cli, where, 1 << 20, &p, &len), 0);
	is = len == OLD && memcmp(p, old, len) == 0 ? 1 :
	    len == NEW && memcmp(p, new, len) == 0 ? 2 : 3;
	if (is == 3)
		fail_msg("%s has %zu bytes that are neither", where, len);
	free(p);
	return is;
}

static void
anew(int with_old)
{
	tree_remove(folder);
	tree_remove(scratch);
	assert_int_equal(mkdir(folder, 0700), 0);
	if (with_old)
		assert_int_equal(cli_write_file(&cli, path, 0600, 0, old, OLD),
		    0);
}

static unsigned
names(void)
{
	char command[160], text[32] = "";
	FILE *f;

	(void)snprintf(command, sizeof(command), "ls -A %s | wc -l", folder);
	f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	(void)pclose(f);
	return (unsigned)strtoul(text, NULL, 10);
}

struct cuts {
	int before;		/* what there was */
	unsigned seen[3];
};

static void
look(void *arg, const char *where, int promised)
{
	struct cuts *c = arg;
	char file[128];
	int is;

	(void)snprintf(file, sizeof(file), "%s/file", where);
	is = state_of(file);
	c->seen[is]++;
	assert_true(is == 2 || (!promised && is == c->before));
}

TEST(an_output_is_the_old_or_the_new_one_after_a_power_cut)
{
	struct cuts c;
	struct stat st;

	for (c.before = 0; c.before < 2; c.before++) {
		anew(c.before);
		memset(c.seen, 0, sizeof(c.seen));
		disk_watch(folder);
		assert_int_equal(cli_write_file(&cli, path, 0640, c.before,
		    new, NEW), 0);
		disk_promise(1);
		disk_unwatch();
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0640);
		assert_true(disk_power_cuts(scratch, look, &c) >= 3);
		assert_true(c.seen[c.before] > 0 && c.seen[2] > 0);
	}
}

TEST(a_call_that_fails_leaves_the_old_output_and_no_other)
{
	int before, rc, failed, is;
	long n;

	for (before = 0; before < 2; before++) {
		for (n = 0, failed = 1; failed; n++) {
			anew(before);
			disk_watch(folder);
			disk_fail_at(n, EIO);
			rc = cli_write_file(&cli, path, 0600, before, new,
			    NEW);
			failed = disk_failed();
			disk_unwatch();
			is = state_of(path);
			/* It is there when only its folder's sync failed. */
			if (rc == 0 || disk_count(DISK_SYNC_FOLDER) > 0)
				assert_int_equal(is, 2);
			else
				assert_int_equal(is, before);
			assert_true(rc == 0 || failed);
			assert_int_equal(names(), before || is == 2);
		}
		assert_true(n > 4);
	}
}

TEST(a_name_that_was_taken_meanwhile_is_left_alone)
{
	struct cli_out out;
	int named;

	for (named = 0; named < 2; named++) {
		anew(0);
		/* Once without a name, once with a temporary one. */
		if (named) {
			disk_watch(folder);
			disk_fail_at(0, EOPNOTSUPP);
		}
		assert_int_equal(cli_out_open(&cli, path, 0600, 0, &out), 0);
		if (named)
			assert_true(disk_failed() && out.temp[0] != '\0');
		disk_unwatch();
		assert_int_equal(cli_out_write(&out, new, NEW), 0);
		assert_int_equal(cli_write_file(&cli, path, 0600, 0, old, OLD),
		    0);
		assert_int_equal(cli_out_commit(&out), CLI_FAILED);
		assert_int_equal(state_of(path), 1);
		assert_int_equal(names(), 1);
	}
}

TEST(an_input_that_is_too_large_is_not_read)
{
	uint8_t *p = NULL;
	size_t len = 0;

	anew(1);
	assert_int_equal(cli_read_file(&cli, path, OLD - 1, &p, &len),
	    CLI_USAGE);
	assert_null(p);
	assert_int_equal(cli_read_file(&cli, path, OLD, &p, &len), 0);
	assert_int_equal(len, OLD);
	free(p);
}

TEST(an_output_is_private_until_it_is_whole)
{
	struct cli_out out;
	struct stat st;
	int named;

	for (named = 0; named < 2; named++) {
		anew(0);
		if (named) {
			disk_watch(folder);
			disk_fail_at(0, EOPNOTSUPP);
		}
		assert_int_equal(cli_out_open(&cli, path, 0644, 1, &out), 0);
		disk_unwatch();
		assert_int_equal(cli_out_write(&out, new, NEW), 0);
		assert_int_equal(fstat(out.fd, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		interrupted = 1;
		assert_int_equal(cli_out_write(&out, new, NEW), CLI_FAILED);
		interrupted = 0;
		cli_out_abort(&out);
		cli_out_abort(&out);
		assert_int_equal(names(), 0);
	}
}

TEST(the_size_of_an_input_is_what_is_left_of_it)
{
	int fds[2], fd;

	anew(1);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(cli_in_size(fd), OLD);
	assert_int_equal(lseek(fd, 1000, SEEK_SET), 1000);
	assert_int_equal(cli_in_size(fd), OLD - 1000);
	assert_int_equal(lseek(fd, OLD + 5, SEEK_SET), OLD + 5);
	assert_int_equal(cli_in_size(fd), 0);
	(void)close(fd);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(cli_in_size(fds[0]), 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
	assert_int_equal(cli_in_whole(&cli, path, OLD, OLD), 0);
	assert_int_equal(cli_in_whole(&cli, path, OLD, OLD - 1), CLI_FAILED);
}

BEFORE_ALL
{
	size_t i;

	home = folder_in_memory();
	(void)umask(0022);
	(void)snprintf(folder, sizeof(folder), "%s/in", home);
	(void)snprintf(scratch, sizeof(scratch), "%s/cut", home);
	(void)snprintf(path, sizeof(path), "%s/file", folder);
	for (i = 0; i < NEW; i++) {
		new[i] = (uint8_t)(i * 7 + 1);
		old[i % OLD] = (uint8_t)(i * 11 + 3);
	}
}

AFTER_ALL { folder_remove(home); }
