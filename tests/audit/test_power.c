/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_power.c - a log's files when the power goes or a call fails between
 * any two steps: what was acknowledged is there, the log opens, verifies and
 * goes on.
 */
#include <errno.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/common.h"
#include "lib/disk.h"
#include "lib/test.h"

static struct csn_ctx *ctx;
static char *home, *folder, *scratch;
static uint32_t sync_now;
static int every_record;	/* none may be lost: keep_files is 0 */

static struct csn_audit *
open_at(const char *where, int may_fail)
{
	struct csn_audit_options o = { .size = sizeof(o) };
	char *path = path_in(where, "log");
	struct csn_audit *a = NULL;
	int rc;

	o.sync = sync_now;
	o.max_file_bytes = 1500;
	o.keep_files = every_record ? 0 : 2;
	o.checkpoint_every = 5;
	rc = csn_audit_open(ctx, path, &o, &a);
	free(path);
	if (rc != 0 && !may_fail)
		fail_msg("opening the log: %s", csn_message());
	return rc == 0 ? a : NULL;
}

struct seen {
	uint64_t next, last;
	int any;
};

static int
in_order(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	struct seen *s = arg;

	(void)n;
	(void)unix_ms;
	if (strcmp(r->op, CSN_AUDIT_RECOVERY) == 0)
		return 0;
	if (s->any || every_record)
		assert_int_equal(r->sequence, s->next);
	s->any = 1;
	s->next = r->sequence + 1;
	s->last = r->sequence;
	return 0;
}

/* The log below where goes on, and has records up to promised. */
static void
check(const char *where, int promised)
{
	struct csn_audit_record r = record_of(900);
	struct seen s = { 0 };
	struct csn_audit *a;
	char *path = path_in(where, "log"), *file;
	int rc;

	file = path_in(path, "audit-000000.jsonl");
	if (promised > 0 || access(file, F_OK) == 0) {
		rc = verify_log(ctx, where, NULL, NULL, promised > 0, NULL);
		/* Before the first promise its first line may be missing. */
		if (rc != 0 && promised > 0)
			fail_msg("%s", csn_message());
	}
	a = open_at(where, 0);
	assert_int_equal(csn_audit_each(a, NULL, in_order, &s), 0);
	assert_true(promised == 0 || (s.any && s.last + 1 >=
	    (uint64_t)promised));
	assert_int_equal(csn_audit_append(a, &r), 0);
	csn_audit_close(a);
	if (verify_log(ctx, where, NULL, NULL, 1, NULL) != 0)
		fail_msg("%s", csn_message());
	a = open_at(where, 0);
	csn_audit_close(a);
	free(file);
	free(path);
}

static void
look(void *arg, const char *where, int promised)
{
	(void)arg;
	check(where, promised);
}

static void
anew(void)
{
	tree_remove(folder);
	assert_int_equal(mkdir(folder, 0700), 0);
}

/* Records one by one and in groups, over several files; two lives. */
static void
live(int promise)
{
	struct csn_audit_record group[3];
	struct csn_audit *a;
	uint64_t i = 0;
	int life, g;

	for (life = 0; life < 2; life++) {
		a = open_at(folder, 0);
		for (g = 0; g < 6; g++, i += 3) {
			group[0] = record_of(i);
			group[1] = record_of(i + 1);
			group[2] = record_of(i + 2);
			assert_int_equal(csn_audit_append_many(a, group, 3),
			    0);
			if (!promise && g == 3)
				assert_int_equal(csn_audit_flush(a), 0);
			if (promise || g == 3)
				disk_promise((int)i + 3);
		}
		csn_audit_close(a);
	}
}

TEST(acknowledged_records_survive_a_power_cut_anywhere)
{
	size_t n;

	for (every_record = 0; every_record < 2; every_record++) {
		anew();
		sync_now = CSN_AUDIT_SYNC_GROUP;
		disk_watch(folder);
		live(1);
		n = disk_power_cuts(scratch, look, NULL);
		print_message("# %zu states\n", n);
		assert_true(n > 100);
	}
	every_record = 0;
}

TEST(flushed_records_survive_where_nothing_else_is_synced)
{
	size_t n;

	anew();
	sync_now = CSN_AUDIT_SYNC_NEVER;
	disk_watch(folder);
	live(0);
	n = disk_power_cuts(scratch, look, NULL);
	print_message("# %zu states\n", n);
	assert_true(n > 100);
	sync_now = CSN_AUDIT_SYNC_GROUP;
}

/* The n-th call fails, the log goes on, and then the power goes too. */
static int
fail_one(long n, enum disk_op kind, int error, int cuts)
{
	struct csn_audit_record r;
	struct csn_audit *a;
	uint64_t i, next = 0;
	int failed = 0, rc;

	anew();
	a = open_at(folder, 0);
	disk_watch(folder);
	disk_fail_at(n, error);
	disk_fail_kind(kind);
	for (i = 0; i < 24; i++) {
		r = record_of(next);
		if ((rc = csn_audit_append(a, &r)) == 0) {
			next++;
			disk_promise((int)next);
		} else {
			assert_int_equal(rc, CSN_E_IO);
		}
	}
	csn_audit_close(a);
	failed = disk_failed();
	disk_unwatch();
	if (cuts)
		(void)disk_power_cuts(scratch, look, NULL);
	check(folder, (int)next);
	return failed;
}

TEST(a_log_outlives_each_call_that_fails)
{
	static const int errors[] = { EIO, ENOSPC };
	size_t e;
	long n;

	for (e = 0; e < 2; e++) {
		for (n = 0; fail_one(n, DISK_OPS, errors[e], 0); n++)
			continue;
		assert_true(n > 60);
	}
}

static off_t
size_of(const char *name)
{
	char *path = path_in(folder, name);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	free(path);
	return st.st_size;
}

TEST(an_append_that_failed_leaves_no_byte)
{
	static const enum disk_op kinds[] = { DISK_WRITE, DISK_SYNC };
	struct csn_audit_record r = record_of(0);
	struct csn_audit *a;
	off_t before;
	size_t k;

	for (k = 0; k < 2; k++) {
		anew();
		a = open_at(folder, 0);
		assert_int_equal(csn_audit_append(a, &r), 0);
		before = size_of("log/audit-000000.jsonl");
		disk_watch(folder);
		disk_fail_at(0, EIO);
		disk_fail_kind(kinds[k]);
		assert_int_equal(csn_audit_append(a, &r), CSN_E_IO);
		assert_true(disk_failed());
		assert_int_equal(size_of("log/audit-000000.jsonl"), before);
		disk_unwatch();
		csn_audit_close(a);
	}
}

/* Rotations are where several files change: there each failure is cut. */
TEST(a_rotation_that_failed_survives_a_power_cut)
{
	static const enum disk_op kinds[] = { DISK_MAKE, DISK_SYNC_FOLDER,
	    DISK_UNLINK, DISK_RENAME };
	size_t k;
	long n;

	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (n = 0; n < 3 && fail_one(n, kinds[k], EIO, 1); n++)
			continue;
		assert_true(n > 0);
	}
}

BEFORE_ALL
{
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	home = folder_in_memory();
	folder = path_in(home, "in");
	scratch = path_in(home, "cut");
	assert_int_equal(mkdir(folder, 0700), 0);
}

AFTER_ALL
{
	folder_remove(home);
	free(folder);
	free(scratch);
	csn_ctx_free(ctx);
}

TEST(an_interval_syncs_by_itself)
{
	struct csn_audit_options o = { .size = sizeof(o),
	    .sync = CSN_AUDIT_SYNC_INTERVAL, .sync_ms = 1 };
	struct csn_audit_record r = record_of(0);
	char *path = path_in(folder, "log");
	struct csn_audit *a;

	anew();
	assert_int_equal(csn_audit_open(ctx, path, &o, &a), 0);
	disk_watch(folder);
	assert_int_equal(csn_audit_append(a, &r), 0);
	while (disk_count(DISK_SYNC) == 0)
		sched_yield();
	disk_unwatch();
	csn_audit_close(a);
	free(path);
}
