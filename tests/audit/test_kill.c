/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kill.c - SIGKILL in the middle of appends, many times: every record
 * that was acknowledged is there afterwards, and the log verifies.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/common.h"
#include "lib/test.h"

#define ROUNDS 200

/* Append from `from` on and report each acknowledged number, for ever. */
static void
appender(const char *folder, uint64_t from, int report, unsigned round)
{
	struct csn_audit_options o = { .size = sizeof(o) };
	struct csn_audit_record rs[3];
	struct csn_audit *a;
	struct csn_ctx *ctx;
	char *path = path_in(folder, "log");
	uint64_t n, i;

	/* What SIGKILL can undo does not depend on syncing. */
	o.sync = round % 8 == 0 ? CSN_AUDIT_SYNC_GROUP :
	    CSN_AUDIT_SYNC_NEVER;
	o.max_file_bytes = 30000;
	o.checkpoint_every = 40;
	if (csn_ctx_new(NULL, &ctx) != 0 ||
	    csn_audit_open(ctx, path, &o, &a) != 0)
		_exit(1);
	for (i = from;; i += n) {
		n = 1 + i % 3;
		rs[0] = record_of(i);
		rs[1] = record_of(i + 1);
		rs[2] = record_of(i + 2);
		if (csn_audit_append_many(a, rs, n) != 0)
			_exit(2);
		if (write(report, &(uint64_t){ i + n }, sizeof(i)) !=
		    sizeof(i))
			_exit(3);
	}
}

static int
count(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	uint64_t *next = arg;

	(void)n;
	(void)unix_ms;
	if (strcmp(r->op, CSN_AUDIT_RECOVERY) == 0)
		return 0;
	assert_int_equal(r->sequence, *next);
	++*next;
	return 0;
}

/* One life: kill it at some point, then look at what it left. */
static uint64_t
live_and_die(struct csn_ctx *ctx, const char *folder, unsigned round,
    uint64_t from, unsigned *torn)
{
	uint64_t acknowledged, said, have = 0;
	struct csn_result *r;
	struct csn_audit *a;
	int report[2], status;
	pid_t pid;

	assert_int_equal(pipe(report), 0);
	fflush(NULL);
	if ((pid = fork()) == 0) {
		(void)close(report[0]);
		appender(folder, from, report[1], round);
	}
	(void)close(report[1]);
	assert_int_equal(read(report[0], &said, sizeof(said)), sizeof(said));
	acknowledged = said;
	usleep((round * 1664525u + 1013904223u) >> 8 & 2047);
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (read(report[0], &said, sizeof(said)) == sizeof(said))
		acknowledged = said;
	(void)close(report[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));

	assert_int_equal(csn_result_new(ctx, &r), 0);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, r), 0);
	assert_non_null(check_of(r, "end", &status));
	*torn += status == CSN_CHECK_SKIPPED;
	csn_result_free(r);
	a = open_log(ctx, folder, NULL);
	assert_int_equal(csn_audit_each(a, NULL, count, &have), 0);
	csn_audit_close(a);
	/* And at most the one group that was on its way. */
	assert_true(have >= acknowledged);
	assert_true(have <= acknowledged + 3);
	return have;
}

TEST(acknowledged_records_survive_sigkill)
{
	unsigned round, torn = 0;
	uint64_t have = 0, all = 0;
	char *folder = NULL;
	struct csn_ctx *ctx;

	/* The kernel keeps what was written: no disk is needed for this. */
	if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
		(void)setenv("TMPDIR", "/dev/shm", 1);
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	for (round = 0; round < ROUNDS; round++) {
		if (round % 20 == 0) {
			folder = folder_new();
			assert_non_null(folder);
			have = 0;
		}
		have = live_and_die(ctx, folder, round, have, &torn);
		if (round % 20 == 19) {
			all += have;
			folder_remove(folder);
		}
	}
	print_message("# %llu records in %u lives, %u torn last lines\n",
	    (unsigned long long)all, round, torn);
	csn_ctx_free(ctx);
}
