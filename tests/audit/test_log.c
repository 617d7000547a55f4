/* SPDX-License-Identifier: Apache-2.0 */
/* test_log.c - the log in a folder: reopening, files, checkpoints, limits. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/common.h"
#include "base/text.h"
#include "lib/test.h"

static struct csn_ctx *ctx;
static char *folder;

BEFORE_EACH
{
	folder = folder_new();
	assert_true(folder != NULL);
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
}

AFTER_EACH
{
	csn_ctx_free(ctx);
	(void)umount(folder);	/* where a case failed on its tmpfs */
	folder_remove(folder);
}

static struct csn_audit_options
quick(void)
{
	struct csn_audit_options o = { .size = sizeof(o) };

	o.sync = CSN_AUDIT_SYNC_NEVER;
	return o;
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

/* Every record from 0 on is there once and in order: how many. */
static uint64_t
count_records(struct csn_audit *a)
{
	uint64_t n = 0;

	assert_int_equal(csn_audit_each(a, NULL, count, &n), 0);
	return n;
}

static int
exists(const char *name)
{
	char *log = path_in(folder, "log"), *full = path_in(log, name);
	int there = access(full, F_OK) == 0;

	free(full);
	free(log);
	return there;
}

TEST(reopening_goes_on)
{
	struct csn_audit *a;
	uint8_t head[32], again[32];
	char hex[65];
	uint64_t n, m, i;
	struct stat st;
	char *path;

	for (i = 0; i < 5; i++) {
		a = open_log(ctx, folder, NULL);
		if (i > 0) {
			assert_int_equal(csn_audit_head(a, again, &m), 0);
			assert_int_equal(m, n);
			assert_memory_equal(head, again, 32);
		}
		append_range(a, i * 10, i * 10 + 10);
		assert_int_equal(csn_audit_flush(a), 0);
		assert_int_equal(csn_audit_head(a, head, &n), 0);
		assert_int_equal(count_records(a), i * 10 + 10);
		csn_audit_close(a);
	}
	assert_int_equal(n, 51);
	csn_hex_encode(head, 32, hex);
	assert_int_equal(verify_log(ctx, folder, hex, NULL, 1, NULL), 0);
	path = path_in(folder, "log/first.key");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	free(path);
	path = path_in(folder, "log/state");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	free(path);
}

/* The key that verifies the past is not in the folder any more. */
TEST(past_keys_are_gone)
{
	struct csn_audit *a = open_log(ctx, folder, NULL);
	char *path, *state_bytes, *text;
	uint8_t first[32];
	size_t len;

	append_range(a, 0, 3);
	csn_audit_close(a);
	path = path_in(folder, "log/first.key");
	text = file_read(path, &len);
	assert_int_equal(csn_hex_decode(text, 64, first, 32), 0);
	free(text);
	free(path);
	path = path_in(folder, "log/state");
	state_bytes = file_read(path, &len);
	assert_null(memmem(state_bytes, len, first, 32));
	free(state_bytes);
	free(path);
}

TEST(groups_are_all_there)
{
	struct csn_audit_record rs[100];
	struct csn_audit *a = open_log(ctx, folder, NULL);
	size_t i;

	for (i = 0; i < 100; i++)
		rs[i] = record_of(i);
	assert_int_equal(csn_audit_append_many(a, rs, 60), 0);
	assert_int_equal(csn_audit_append_many(a, rs + 60, 40), 0);
	assert_int_equal(count_records(a), 100);
	csn_audit_close(a);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
}

TEST(files_rotate_and_keep_the_chain)
{
	struct csn_audit_options o = quick();
	struct csn_result *r;
	struct csn_audit *a;
	const char *detail;
	int status;

	o.max_file_bytes = 4000;
	a = open_log(ctx, folder, &o);
	append_range(a, 0, 100);
	assert_int_equal(count_records(a), 100);
	csn_audit_close(a);
	assert_true(exists("audit-000005.jsonl"));
	a = open_log(ctx, folder, &o);
	append_range(a, 100, 200);
	assert_int_equal(count_records(a), 200);
	csn_audit_close(a);
	assert_int_equal(csn_result_new(ctx, &r), 0);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, r), 0);
	detail = check_of(r, "start", &status);
	assert_non_null(detail);
	assert_int_equal(status, CSN_CHECK_PASSED);
	csn_result_free(r);
}

TEST(retention_says_where_the_log_begins)
{
	struct csn_audit_options o = quick();
	struct csn_result *r;
	struct csn_audit *a;
	const char *detail;
	uint8_t head[32];
	char hex[65];
	uint64_t n;
	int status;

	o.max_file_bytes = 4000;
	o.keep_files = 2;
	a = open_log(ctx, folder, &o);
	append_range(a, 0, 200);
	assert_int_equal(csn_audit_head(a, head, &n), 0);
	csn_audit_close(a);
	assert_false(exists("audit-000000.jsonl"));
	assert_int_equal(csn_result_new(ctx, &r), 0);
	csn_hex_encode(head, 32, hex);
	/* The first key still verifies: it is moved on to the first line. */
	assert_int_equal(verify_log(ctx, folder, hex, NULL, 1, r), 0);
	detail = check_of(r, "start", &status);
	assert_non_null(detail);
	assert_int_equal(status, CSN_CHECK_SKIPPED);
	assert_non_null(strstr(detail, "begins at record"));
	csn_result_free(r);
	a = open_log(ctx, folder, &o);
	append_range(a, 200, 210);
	csn_audit_close(a);
	assert_int_equal(verify_log(ctx, folder, hex, NULL, 1, NULL), 0);
}

static struct csn_identity *
signer_new(uint32_t purposes)
{
	struct csn_identity_options o = { .size = sizeof(o) };
	struct csn_identity *id;

	o.name = "auditor";
	o.sign = CSN_SIGN_ML_DSA_44;
	o.purposes = purposes;
	assert_int_equal(csn_identity_new(ctx, &o, &id), 0);
	return id;
}

static struct csn_trust *
trust_of(const struct csn_identity *id, uint32_t purposes)
{
	struct csn_trust_entry e = { .size = sizeof(e) };
	struct csn_trust *t;

	assert_int_equal(csn_trust_new(ctx, &t), 0);
	e.did = csn_identity_did(id);
	e.label = "auditor";
	e.key = csn_identity_sign_key(id);
	e.purposes = purposes;
	assert_int_equal(csn_trust_add(ctx, t, &e), 0);
	return t;
}

TEST(checkpoints_are_signed)
{
	struct csn_identity *id = signer_new(CSN_PURPOSE_AUDIT);
	struct csn_identity *other = signer_new(CSN_PURPOSE_AUDIT);
	struct csn_trust *good = trust_of(id, CSN_PURPOSE_AUDIT);
	struct csn_trust *wrong = trust_of(id, CSN_PURPOSE_ACTION);
	struct csn_trust *stranger = trust_of(other, CSN_PURPOSE_AUDIT);
	struct csn_audit_options o = quick();
	struct csn_result *r;
	struct csn_audit *a;
	const char *detail;
	int status;

	o.signer = id;
	o.checkpoint_every = 20;
	o.max_file_bytes = 30000;
	a = open_log(ctx, folder, &o);
	append_range(a, 0, 50);
	assert_int_equal(csn_audit_checkpoint(a), 0);
	append_range(a, 50, 55);
	csn_audit_close(a);
	assert_int_equal(csn_result_new(ctx, &r), 0);
	assert_int_equal(verify_log(ctx, folder, NULL, good, 0, r), 0);
	detail = check_of(r, "checkpoints", &status);
	assert_non_null(detail);
	assert_int_equal(status, CSN_CHECK_PASSED);
	assert_int_equal(strncmp(detail, "4, the last over", 16), 0);
	csn_result_free(r);
	assert_int_equal(verify_log(ctx, folder, NULL, stranger, 0, NULL),
	    CSN_E_SIGNER);
	assert_int_equal(verify_log(ctx, folder, NULL, wrong, 0, NULL),
	    CSN_E_SIGNER);
	/* An identity that is for something else does not sign logs. */
	csn_identity_free(other);
	other = signer_new(CSN_PURPOSE_TENANT);
	o.signer = other;
	detail = path_in(folder, "log");
	assert_int_equal(csn_audit_open(ctx, detail, &o, &a), CSN_E_SIGNER);
	free((void *)(uintptr_t)detail);
	a = open_log(ctx, folder, NULL);
	assert_int_equal(csn_audit_checkpoint(a), CSN_E_SIGNER);
	csn_audit_close(a);
	csn_trust_free(good);
	csn_trust_free(wrong);
	csn_trust_free(stranger);
	csn_identity_free(other);
	csn_identity_free(id);
}

TEST(one_writer_at_a_time)
{
	struct csn_audit *a = open_log(ctx, folder, NULL), *b;
	char *path = path_in(folder, "log");
	int status;
	pid_t pid;

	assert_int_equal(csn_audit_open(ctx, path, NULL, &b), CSN_E_BUSY);
	append_range(a, 0, 2);
	fflush(NULL);
	if ((pid = fork()) == 0) {
		struct csn_audit_record r = record_of(2);
		int ok;

		/* The child's copy of the parent's log is of no use to it. */
		ok = csn_audit_append(a, &r) == CSN_E_FORK &&
		    csn_audit_checkpoint(a) == CSN_E_FORK &&
		    csn_audit_open(ctx, path, NULL, &b) == CSN_E_BUSY;
		csn_audit_close(a);
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	append_range(a, 2, 4);
	assert_int_equal(count_records(a), 4);
	csn_audit_close(a);
	assert_int_equal(csn_audit_open(ctx, path, NULL, &b), 0);
	csn_audit_close(b);
	free(path);
}

TEST(what_an_interval_syncs_is_whole)
{
	struct csn_audit_options o = { .size = sizeof(o) };
	struct csn_audit *a;

	o.sync = CSN_AUDIT_SYNC_INTERVAL;
	o.sync_ms = 5;
	o.max_file_bytes = 3000;
	a = open_log(ctx, folder, &o);
	append_range(a, 0, 40);
	append_range(a, 40, 80);
	assert_int_equal(csn_audit_flush(a), 0);
	assert_int_equal(count_records(a), 80);
	csn_audit_close(a);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
	o.sync = 9;
	{
		char *path = path_in(folder, "log");

		assert_int_equal(csn_audit_open(ctx, path, &o, &a),
		    CSN_E_ARG);
		free(path);
	}
}

#define THREADS 4
#define EACH 200

struct worker {
	struct csn_audit *a;
	uint64_t from;
	size_t wrong;
};

static void *
append_some(void *arg)
{
	struct csn_audit_record rs[3];
	struct worker *w = arg;
	uint64_t i;

	for (i = 0; i < EACH; i += 2) {
		rs[0] = record_of(w->from + i);
		rs[1] = record_of(w->from + i + 1);
		w->wrong += csn_audit_append_many(w->a, rs, 2) != 0;
	}
	return NULL;
}

static int
mark(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	uint8_t *seen = arg;

	(void)n;
	(void)unix_ms;
	assert_true(r->sequence < THREADS * EACH);
	assert_int_equal(seen[r->sequence], 0);
	seen[r->sequence] = 1;
	/* A group stays together. */
	assert_true(r->sequence % 2 == 0 || seen[r->sequence - 1]);
	return 0;
}

TEST(threads_share_a_sync)
{
	struct csn_audit_options o = { .size = sizeof(o) };
	uint8_t seen[THREADS * EACH] = { 0 };
	struct worker w[THREADS];
	pthread_t t[THREADS];
	struct csn_audit *a;
	size_t i;

	o.max_file_bytes = 50000;
	o.checkpoint_every = 100;
	a = open_log(ctx, folder, &o);
	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ a, i * EACH, 0 };
		assert_int_equal(pthread_create(&t[i], NULL, append_some,
		    &w[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
		assert_int_equal(w[i].wrong, 0);
	}
	assert_int_equal(csn_audit_each(a, NULL, mark, seen), 0);
	for (i = 0; i < THREADS * EACH; i++)
		assert_int_equal(seen[i], 1);
	csn_audit_close(a);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
}

/* Append until it fails; how many were acknowledged. */
static uint64_t
fill_up(struct csn_audit *a, uint64_t from)
{
	struct csn_audit_record r;
	uint64_t i;
	int rc = 0;

	for (i = from; i < from + 100000; i++) {
		r = record_of(i);
		if ((rc = csn_audit_append(a, &r)) != 0)
			break;
	}
	assert_int_equal(rc, CSN_E_IO);
	assert_true(strlen(csn_message()) > 0);
	return i;
}

/* RLIMIT_FSIZE stands for a disk that is full in the middle of a write. */
TEST(full_file_loses_nothing_acknowledged)
{
	struct csn_audit_options o = { .size = sizeof(o) };
	struct rlimit full = { 20000, RLIM_INFINITY };
	struct rlimit free_again = { RLIM_INFINITY, RLIM_INFINITY };
	struct csn_audit *a;
	uint64_t n, m;

	(void)signal(SIGXFSZ, SIG_IGN);
	o.checkpoint_every = 1000000;
	a = open_log(ctx, folder, &o);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	n = fill_up(a, 0);
	assert_true(n > 20);
	assert_int_equal(fill_up(a, n), n);
	assert_int_equal(count_records(a), n);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &free_again), 0);
	append_range(a, n, n + 10);
	assert_int_equal(count_records(a), n + 10);
	csn_audit_close(a);
	a = open_log(ctx, folder, &o);
	m = count_records(a);
	assert_int_equal(m, n + 10);
	csn_audit_close(a);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
}

TEST(full_disk_loses_nothing_acknowledged)
{
	struct csn_audit_options o = { .size = sizeof(o) };
	struct csn_audit *a;
	char *ballast;
	uint64_t n;

	if (mount("tmpfs", folder, "tmpfs", 0, "size=512k") != 0)
		test_skip("a small tmpfs cannot be mounted here");
	ballast = path_in(folder, "ballast");
	{
		static const char zeros[200000];

		file_write(ballast, zeros, sizeof(zeros));
	}
	o.max_file_bytes = 40000;
	o.checkpoint_every = 50;
	a = open_log(ctx, folder, &o);
	n = fill_up(a, 0);
	assert_true(n > 200);
	assert_int_equal(count_records(a), n);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
	/* A log that is full can be closed and opened for reading. */
	assert_int_equal(unlink(ballast), 0);
	append_range(a, n, n + 50);
	assert_int_equal(count_records(a), n + 50);
	csn_audit_close(a);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
	free(ballast);
	assert_int_equal(umount(folder), 0);
}

TEST(read_only_folder_is_refused)
{
	char *path = path_in(folder, "log");
	struct csn_audit *a;

	if (mount("tmpfs", folder, "tmpfs", 0, "size=512k") != 0) {
		free(path);
		test_skip("a small tmpfs cannot be mounted here");
	}
	a = open_log(ctx, folder, NULL);
	append_range(a, 0, 5);
	csn_audit_close(a);
	assert_int_equal(mount("tmpfs", folder, "tmpfs",
	    MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(csn_audit_open(ctx, path, NULL, &a), CSN_E_IO);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
	assert_int_equal(csn_audit_open_reader(ctx, path, &a), 0);
	assert_int_equal(count_records(a), 5);
	csn_audit_close(a);
	assert_int_equal(umount(folder), 0);
	free(path);
}

/* A crash while a log or a file of it was being made. */
TEST(half_made_logs_are_finished)
{
	struct csn_audit_options o = quick();
	struct csn_audit *a;
	char *path;

	a = open_log(ctx, folder, NULL);
	csn_audit_close(a);
	/* Only the key was there. */
	path = path_in(folder, "log/state");
	assert_int_equal(unlink(path), 0);
	free(path);
	path = path_in(folder, "log/audit-000000.jsonl");
	assert_int_equal(unlink(path), 0);
	a = open_log(ctx, folder, NULL);
	append_range(a, 0, 3);
	csn_audit_close(a);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
	free(path);
	/* A next file without its first line, or with half of it. */
	path = path_in(folder, "log/audit-000001.jsonl");
	file_write(path, "", 0);
	a = open_log(ctx, folder, &o);
	append_range(a, 3, 6);
	csn_audit_close(a);
	free(path);
	path = path_in(folder, "log/audit-000002.jsonl");
	file_write(path, "{\"n\":8,\"ti", 10);
	a = open_log(ctx, folder, &o);
	append_range(a, 6, 9);
	assert_int_equal(count_records(a), 9);
	csn_audit_close(a);
	free(path);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
}

TEST(state_is_not_for_others)
{
	struct csn_audit *a = open_log(ctx, folder, NULL);
	char *path = path_in(folder, "log/state");
	char *log = path_in(folder, "log");

	csn_audit_close(a);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(csn_audit_open(ctx, log, NULL, &a), CSN_E_POLICY);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(csn_audit_open(ctx, log, NULL, &a), CSN_E_AUDIT);
	assert_non_null(strstr(csn_message(), "state"));
	/* It still verifies as far as can be told. */
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
	free(path);
	free(log);
}

/* The state is of before the second file: the first is walked to its end. */
TEST(a_file_that_ends_in_the_middle_is_no_log_to_go_on_with)
{
	struct csn_audit_options o = quick();
	char *log = path_in(folder, "log");
	char *state = path_in(folder, "log/state");
	char *first = path_in(folder, "log/audit-000000.jsonl");
	struct csn_audit *a;
	size_t state_len, len;
	char *bytes, *kept;

	a = open_log(ctx, folder, &o);
	append_range(a, 0, 3);
	csn_audit_close(a);
	kept = file_read(state, &state_len);
	o.max_file_bytes = 1;
	a = open_log(ctx, folder, &o);
	append_range(a, 3, 5);
	csn_audit_close(a);
	assert_true(exists("audit-000001.jsonl"));
	/* As a crash between file and state leaves it. */
	file_write(state, kept, state_len);
	a = open_log(ctx, folder, &o);
	csn_audit_close(a);
	/* All lines of it follow, and then there is a piece of one. */
	file_write(state, kept, state_len);
	bytes = file_read(first, &len);
	bytes = realloc(bytes, len + 5);
	assert_non_null(bytes);
	memcpy(bytes + len, "{\"n\":", 5);
	file_write(first, bytes, len + 5);
	assert_int_equal(csn_audit_open(ctx, log, &o, &a),
	    CSN_E_AUDIT);
	assert_non_null(strstr(csn_message(), "in the middle"));
	free(bytes);
	free(kept);
	free(first);
	free(state);
	free(log);
}

struct hand {
	pthread_t thread;
	struct csn_audit *log;
	uint64_t logged;
};

static void *
append_until_full(void *arg)
{
	struct csn_audit_record r = record_of(0);
	struct hand *h = arg;

	while (csn_audit_append(h->log, &r) == 0)
		h->logged++;
	return NULL;
}

/* Who waits behind the write that fails is told that it failed too. */
TEST(a_full_file_lies_to_no_thread)
{
	enum { HANDS = 8, ROUNDS = 20 };
	struct csn_audit_options o = { .size = sizeof(o) };
	struct rlimit full = { 0, RLIM_INFINITY };
	struct rlimit free_again = { RLIM_INFINITY, RLIM_INFINITY };
	struct hand hands[HANDS];
	struct csn_audit *a;
	uint8_t head[CSN_HASH_SIZE];
	uint64_t lines, before, logged;
	int i, round;

	(void)signal(SIGXFSZ, SIG_IGN);
	o.checkpoint_every = 1000000;
	a = open_log(ctx, folder, &o);
	for (round = 0; round < ROUNDS; round++) {
		assert_int_equal(csn_audit_head(a, head, &before), 0);
		full.rlim_cur += 10000;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
		for (i = 0; i < HANDS; i++) {
			hands[i] = (struct hand){ .log = a };
			assert_int_equal(pthread_create(&hands[i].thread, NULL,
			    append_until_full, &hands[i]), 0);
		}
		for (logged = 0, i = 0; i < HANDS; i++) {
			assert_int_equal(pthread_join(hands[i].thread, NULL),
			    0);
			logged += hands[i].logged;
		}
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &free_again), 0);
		assert_int_equal(csn_audit_head(a, head, &lines), 0);
		assert_int_equal(lines - before, logged);
	}
	csn_audit_close(a);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
}
