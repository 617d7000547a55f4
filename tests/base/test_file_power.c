/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_file_power.c - files that are replaced and made: after a power cut or
 * a failed call there is the old one or the new one, and after success the
 * new one only.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <caisson/crypto.h>

#include "base/alloc.h"
#include "base/file.h"
#include "lib/disk.h"
#include "lib/test.h"

#define OLD 6000
#define NEW 9000

static struct csn_ctx *ctx;
static char *home;
static char folder[64], scratch[64], path[96];
static uint8_t old[OLD], new[NEW];

/* 0: nothing there, 1: the old bytes, 2: the new ones. Else it fails. */
static int
state_of(const char *where)
{
	uint8_t *p = NULL;
	size_t len = 0;
	int is = 0, rc;

	rc = csn_file_read(ctx, where, 1 << 20, &p, &len);
	if (rc == CSN_E_NOT_FOUND)
		return 0;
	assert_int_equal(rc, 0);
	if (len == OLD && memcmp(p, old, len) == 0)
		is = 1;
	else if (len == NEW && memcmp(p, new, len) == 0)
		is = 2;
	else
		fail_msg("%s has %zu bytes that are neither", where, len);
	csn_free(p);
	return is;
}

/* promised: what state_of has to give, or 10 + what it may give beside 2. */
static void
look(void *arg, const char *where, int promised)
{
	char file[128];
	int is, *seen = arg;

	(void)snprintf(file, sizeof(file), "%s/file", where);
	is = state_of(file);
	seen[is]++;
	if (promised == 0)
		return;		/* nothing was begun yet */
	if (promised >= 10)
		assert_true(is == promised - 10 || is == 2);
	else
		assert_int_equal(is, promised);
}

static void
remove_all(void)
{
	tree_remove(folder);
	tree_remove(scratch);
	assert_int_equal(mkdir(folder, 0700), 0);
}

TEST(a_replaced_file_is_the_old_or_the_new_one)
{
	int seen[3] = { 0 };
	struct stat st;

	remove_all();
	assert_int_equal(csn_file_replace(ctx, path, old, OLD, 0600), 0);
	disk_watch(folder);
	disk_promise(10 + 1);
	assert_int_equal(csn_file_replace(ctx, path, new, NEW, 0640), 0);
	disk_promise(2);
	disk_unwatch();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_true(disk_power_cuts(scratch, look, seen) > 3);
	assert_true(seen[1] > 0 && seen[2] > 0);
	assert_int_equal(seen[0], 0);
}

TEST(a_new_file_is_whole_or_not_there)
{
	int seen[3] = { 0 };

	remove_all();
	disk_watch(folder);
	disk_promise(10);
	assert_int_equal(csn_file_create(ctx, path, new, NEW, 0600), 0);
	disk_promise(2);
	assert_int_equal(csn_file_create(ctx, path, old, OLD, 0600),
	    CSN_E_EXISTS);
	assert_true(disk_power_cuts(scratch, look, seen) > 3);
	assert_true(seen[0] > 0 && seen[2] > 0);
	assert_int_equal(seen[1], 0);
}

static void
look_deep(void *arg, const char *where, int promised)
{
	char file[128];
	int is, *seen = arg;

	(void)snprintf(file, sizeof(file), "%s/a/b/c/file", where);
	is = state_of(file);
	seen[is]++;
	assert_true(is == 2 || !promised);
}

TEST(folders_that_were_made_last)
{
	char deep[128];
	int seen[3] = { 0 };

	remove_all();
	(void)snprintf(deep, sizeof(deep), "%s/a/b/c", folder);
	disk_watch(folder);
	assert_int_equal(csn_mkdirs(ctx, deep, 0700), 0);
	(void)snprintf(deep, sizeof(deep), "%s/a/b/c/file", folder);
	assert_int_equal(csn_file_create(ctx, deep, new, NEW, 0600), 0);
	disk_promise(1);
	assert_true(disk_power_cuts(scratch, look_deep, seen) > 3);
	assert_true(seen[0] > 0 && seen[2] > 0);
}

static unsigned
names_in(const char *where)
{
	char command[160], text[32] = "";
	FILE *f;

	(void)snprintf(command, sizeof(command), "ls -A %s | wc -l", where);
	f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	(void)pclose(f);
	return (unsigned)strtoul(text, NULL, 10);
}

TEST(a_call_that_fails_leaves_the_old_file_and_no_other)
{
	static const int errors[] = { EIO, ENOSPC };
	size_t e;
	long n;
	int rc, failed = 1, is;

	for (e = 0; e < 2; e++) {
		for (n = 0, failed = 1; failed; n++) {
			remove_all();
			assert_int_equal(csn_file_replace(ctx, path, old, OLD,
			    0600), 0);
			disk_watch(folder);
			disk_fail_at(n, errors[e]);
			rc = csn_file_replace(ctx, path, new, NEW, 0600);
			failed = disk_failed();
			disk_unwatch();
			is = state_of(path);
			assert_int_equal(names_in(folder), 1);
			if (rc == 0)
				assert_int_equal(is, 2);
			else
				assert_true(is == 1 || strstr(
				    csn_message(), "is in place"));
			if (!failed)
				assert_int_equal(rc, 0);
		}
		assert_true(n > 4);
	}
}

BEFORE_ALL
{
	size_t i;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	home = folder_in_memory();
	(void)snprintf(folder, sizeof(folder), "%s/in", home);
	(void)snprintf(scratch, sizeof(scratch), "%s/cut", home);
	(void)snprintf(path, sizeof(path), "%s/file", folder);
	for (i = 0; i < NEW; i++) {
		new[i] = (uint8_t)(i * 7 + 1);
		old[i % OLD] = (uint8_t)(i * 11 + 3);
	}
}

AFTER_ALL
{
	csn_ctx_free(ctx);
	folder_remove(home);
}
