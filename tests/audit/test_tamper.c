/* SPDX-License-Identifier: Apache-2.0 */
/* test_tamper.c - whatever is done to a log afterwards is caught and named. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/chain.h"
#include "audit/common.h"
#include "audit/folder.h"
#include "lib/test.h"

#define FILES 3

static struct csn_ctx *ctx;
static char *folder;
static char *names[FILES];		/* full paths */
static char *bytes[FILES];		/* as they were written */
static size_t lens[FILES];
static char head[65];			/* the true one */

BEFORE_EACH
{
	struct csn_audit_options o = { .size = sizeof(o) };
	char name[64];
	struct csn_audit *a;
	uint8_t h[32];
	uint64_t n;
	size_t i;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	folder = folder_new();
	o.sync = CSN_AUDIT_SYNC_NEVER;
	o.max_file_bytes = 2600;
	a = open_log(ctx, folder, &o);
	append_range(a, 0, 18);
	assert_int_equal(csn_audit_head(a, h, &n), 0);
	csn_audit_close(a);
	csn_hex_encode(h, 32, head);
	for (i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "log/audit-%06zu.jsonl", i);
		names[i] = path_in(folder, name);
		bytes[i] = file_read(names[i], &lens[i]);
	}
}

AFTER_EACH
{
	size_t i;

	for (i = 0; i < FILES; i++) {
		free(names[i]);
		free(bytes[i]);
	}
	folder_remove(folder);
	csn_ctx_free(ctx);
}

static void
restore(void)
{
	size_t i;

	for (i = 0; i < FILES; i++)
		file_write(names[i], bytes[i], lens[i]);
}

/* The line (from 1) that a byte of a file is in. */
static unsigned
line_of(size_t file, size_t at)
{
	unsigned line = 1;
	size_t i;

	for (i = 0; i < at; i++)
		line += bytes[file][i] == '\n';
	return line;
}

/* Where a line (from 1) begins. */
static char *
line_at(size_t file, unsigned line)
{
	char *p = bytes[file];

	for (; line > 1; line--)
		p = strchr(p, '\n') + 1;
	return p;
}

static unsigned
lines_in(size_t file)
{
	return line_of(file, lens[file]) - 1;
}

/* Verifying fails and its sentence has all of these words. */
static void
caught(int keyed, const char *a, const char *b)
{
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, keyed, NULL),
	    CSN_E_AUDIT);
	if (strstr(csn_message(), a) == NULL ||
	    strstr(csn_message(), b) == NULL)
		fail_msg("%s: does not say %s, %s", csn_message(), a,
		    b);
}

static void
caught_at(int keyed, size_t file, unsigned line, const char *what)
{
	char where[64];

	snprintf(where, sizeof(where), "audit-%06zu.jsonl:%u ", file, line);
	caught(keyed, where, what);
}

TEST(untouched_log_verifies)
{
	assert_true(lines_in(2) >= 3);
	assert_int_equal(verify_log(ctx, folder, head, NULL, 1, NULL), 0);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 0, NULL), 0);
}

static void
poke(const char *path, size_t at, char c)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
	assert_int_equal(close(fd), 0);
}

/* Without any key, and with: each byte of the log matters. */
TEST(every_flipped_byte_is_caught)
{
	char here[64], next[64], first[64];
	const char *message;
	size_t f, i;
	unsigned line;

	for (f = 0; f < FILES; f++) {
		for (i = 0; i < lens[f]; i++) {
			poke(names[f], i, (char)(bytes[f][i] ^ 1));
			assert_int_equal(verify_log(ctx, folder, NULL, NULL,
			    (int)(i % 2), NULL), CSN_E_AUDIT);
			/* It names the line, or the one behind it. */
			line = line_of(f, i);
			snprintf(here, sizeof(here), ".jsonl:%u ", line);
			snprintf(next, sizeof(next), ".jsonl:%u ", line + 1);
			snprintf(first, sizeof(first), "%06zu.jsonl:1 ",
			    f + 1);
			message = csn_message();
			if (strstr(message, here) == NULL &&
			    strstr(message, next) == NULL &&
			    strstr(message, first) == NULL &&
			    strstr(message, "state file") == NULL &&
			    strstr(message, "was cut off") == NULL)
				fail_msg("byte %zu: %s", i, message);
			poke(names[f], i, bytes[f][i]);
		}
	}
}

TEST(removed_added_and_moved_lines_are_caught)
{
	char *copy = malloc(lens[1] * 2), *p = line_at(1, 4), *q, *r;
	size_t before = (size_t)(p - bytes[1]), one, two;

	assert_non_null(copy);
	q = line_at(1, 5);
	r = line_at(1, 6);
	one = (size_t)(q - p);
	two = (size_t)(r - q);
	/* Without line 4. */
	memcpy(copy, bytes[1], before);
	memcpy(copy + before, q, lens[1] - before - one);
	file_write(names[1], copy, lens[1] - one);
	caught_at(0, 1, 4, "next number");
	/* Line 4 twice. */
	memcpy(copy + before, p, one);
	memcpy(copy + before + one, p, lens[1] - before);
	file_write(names[1], copy, lens[1] + one);
	caught_at(0, 1, 5, "next number");
	/* Lines 4 and 5 in the other order. */
	memcpy(copy, bytes[1], lens[1]);
	memcpy(copy + before, q, two);
	memcpy(copy + before + two, p, one);
	file_write(names[1], copy, lens[1]);
	caught_at(0, 1, 4, "next number");
	/* Something else in between. */
	memcpy(copy + before, "\n", 1);
	memcpy(copy + before + 1, p, lens[1] - before);
	file_write(names[1], copy, lens[1] + 1);
	caught_at(0, 1, 4, "is no record");
	free(copy);
	restore();
}

TEST(cut_tails_are_caught)
{
	size_t i, last = lens[2];
	struct csn_audit *a;
	char *path = path_in(folder, "log");

	for (i = last; i-- > 0;) {
		assert_int_equal(truncate(names[2], (off_t)i), 0);
		if (i == 0 || bytes[2][i - 1] == '\n') {
			caught(1, "cut off", "records and had");
		} else if (i % 7 == 0) {
			caught(1, "cut off", "");
		}
		if (i % 100 == 0) {
			assert_int_equal(csn_audit_open(ctx, path, NULL, &a),
			    CSN_E_AUDIT);
			assert_non_null(strstr(csn_message(), "cut"));
		}
	}
	/* Without the state, only a head kept elsewhere can tell. */
	file_write(names[2], bytes[2],
	    (size_t)(line_at(2, 3) - bytes[2]));
	{
		char *st = path_in(folder, "log/state");
		size_t len;
		char *saved = file_read(st, &len);

		assert_int_equal(unlink(st), 0);
		assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1,
		    NULL), 0);
		assert_int_equal(verify_log(ctx, folder, head, NULL, 1,
		    NULL), CSN_E_AUDIT);
		assert_non_null(strstr(csn_message(),
		    "expected head"));
		file_write(st, saved, len);
		assert_int_equal(chmod(st, 0600), 0);
		free(saved);
		free(st);
	}
	restore();
	assert_int_equal(verify_log(ctx, folder, head, NULL, 1, NULL), 0);
	free(path);
}

TEST(missing_files_are_named)
{
	char want[64];
	struct csn_audit *a;
	char *path = path_in(folder, "log");
	size_t i;

	for (i = 0; i < FILES; i++) {
		assert_int_equal(unlink(names[i]), 0);
		snprintf(want, sizeof(want), "audit-%06zu.jsonl", i);
		caught(1, want, "missing");
		assert_int_equal(csn_audit_open(ctx, path, NULL, &a),
		    CSN_E_AUDIT);
		assert_non_null(strstr(csn_message(), want));
		restore();
	}
	for (i = 0; i < FILES; i++)
		assert_int_equal(unlink(names[i]), 0);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 0, NULL),
	    CSN_E_NOT_FOUND);
	restore();
	/* The same file under two numbers. */
	file_write(names[1], bytes[0], lens[0]);
	caught_at(0, 1, 1, "first line");
	restore();
	free(path);
}

/*
 * Somebody without the key changes a record and computes every hash behind
 * it anew, so that the chain holds: MACs are what they cannot make.
 */
static void
rewrite_without_the_key(size_t from_file, unsigned from_line)
{
	struct csn_audit_chain chain = { 0 };
	struct csn_audit_line *line = malloc(sizeof(*line));
	struct csn_audit_stamp stamp = { 0 };
	struct csn_hash *hash;
	uint8_t mac[32];
	struct csn_out w;
	size_t f, from, len;
	unsigned i, n;
	char *p;

	assert_non_null(line);
	assert_int_equal(csn_hash_new(ctx, &hash), 0);
	assert_int_equal(csn_random(ctx, chain.key, 32), 0);
	for (f = 0; f < FILES; f++) {
		csn_out_init(&w);
		n = lines_in(f);
		for (i = 1; i <= n; i++) {
			p = line_at(f, i);
			len = (size_t)(strchr(p, '\n') - p);
			assert_int_equal(csn_audit_line_read(p, len, line),
			    0);
			if (f == 0 && i == 1)
				assert_int_equal(csn_audit_chain_start(ctx,
				    line->log, chain.head), 0);
			if (f < from_file ||
			    (f == from_file && i < from_line)) {
				assert_int_equal(csn_audit_chain_check(ctx,
				    hash, &chain, 0, line, p), 0);
				csn_put_bytes(&w, p, len + 1);
				continue;
			}
			if (f == from_file && i == from_line)
				line->rec.tenant = "nobody";
			from = w.len;
			csn_audit_line_write(&w, &stamp, line);
			csn_audit_line_prev(&w, chain.head);
			assert_int_equal(csn_audit_chain_seal(ctx, hash,
			    &chain, w.p + from, w.len - from, mac), 0);
			csn_audit_line_mac(&w, mac);
		}
		file_write(names[f], w.p, w.len);
		csn_out_wipe(&w);
	}
	csn_hash_free(hash);
	free(line);
}

TEST(rewriting_without_the_key_is_caught)
{
	char *path = path_in(folder, "log"), *st, *saved;
	struct csn_audit *a;
	size_t len;

	rewrite_without_the_key(1, 3);
	/* With the first key: the very record. */
	caught_at(1, 1, 3, "MAC");
	/* Without: the state file knows another head, and so do we. */
	caught(0, "rewritten", "state file");
	assert_int_equal(verify_log(ctx, folder, head, NULL, 0, NULL),
	    CSN_E_AUDIT);
	/* Behind the state's record the writer itself checks MACs. */
	restore();
	st = path_in(folder, "log/state");
	saved = file_read(st, &len);
	a = open_log(ctx, folder, NULL);
	append_range(a, 18, 20);
	csn_audit_close(a);
	file_write(st, saved, len);	/* as a crash would have left it */
	free(bytes[2]);
	bytes[2] = file_read(names[2], &lens[2]);
	rewrite_without_the_key(2, lines_in(2));
	assert_int_equal(csn_audit_open(ctx, path, NULL, &a), CSN_E_AUDIT);
	assert_non_null(strstr(csn_message(), "MAC"));
	/* What the crash left, untouched, opens. */
	restore();
	a = open_log(ctx, folder, NULL);
	csn_audit_close(a);
	assert_int_equal(verify_log(ctx, folder, head, NULL, 1, NULL), 0);
	free(saved);
	free(st);
	free(path);
}

TEST(damaged_state_is_caught)
{
	char *st = path_in(folder, "log/state"), *path, *p;
	struct csn_audit *a;
	size_t i, len;

	path = path_in(folder, "log");
	p = file_read(st, &len);
	assert_int_equal(len, CSN_AUDIT_STATE_SIZE);
	for (i = 0; i < len; i += 5) {
		p[i] ^= 0x40;
		file_write(st, p, len);
		p[i] ^= 0x40;
		caught(1, "state file is damaged", "");
		assert_int_equal(csn_audit_open(ctx, path, NULL, &a),
		    CSN_E_AUDIT);
	}
	file_write(st, p, len - 1);
	caught(1, "state file is damaged", "");
	free(p);
	free(st);
	free(path);
}

/* What lies behind the last newline was never acknowledged. */
TEST(torn_last_line_is_told_apart)
{
	struct csn_result *r;
	struct csn_audit *a;
	const char *detail;
	char *grown;
	int status;

	grown = malloc(lens[0] + lens[2] + 30);
	assert_non_null(grown);
	memcpy(grown, bytes[2], lens[2]);
	memcpy(grown + lens[2], "{\"n\":21,\"time\":\"2026", 20);
	file_write(names[2], grown, lens[2] + 20);
	assert_int_equal(csn_result_new(ctx, &r), 0);
	assert_int_equal(verify_log(ctx, folder, head, NULL, 1, r), 0);
	detail = check_of(r, "end", &status);
	assert_non_null(detail);
	assert_int_equal(status, CSN_CHECK_SKIPPED);
	assert_non_null(strstr(detail, "is torn, 20 bytes"));
	csn_result_free(r);
	/* In a file that is not the last it is no crash. */
	memcpy(grown, bytes[0], lens[0] - 1);
	file_write(names[0], grown, lens[0] - 1);
	caught(0, "audit-000000.jsonl", "torn");
	file_write(names[0], bytes[0], lens[0]);
	/* Opening cuts it off and says so. */
	a = open_log(ctx, folder, NULL);
	append_range(a, 18, 19);
	csn_audit_close(a);
	free(grown);
	grown = file_read(names[2], &lens[2]);
	assert_non_null(strstr(grown, "\"op\":\"recovery\""));
	assert_non_null(strstr(grown, "torn last line of 20 bytes"));
	free(grown);
	assert_int_equal(verify_log(ctx, folder, head, NULL, 1, NULL), 0);
}

TEST(expected_heads_are_compared)
{
	char wrong[65];

	memcpy(wrong, head, sizeof(wrong));
	wrong[3] = wrong[3] == '0' ? '1' : '0';
	assert_int_equal(verify_log(ctx, folder, wrong, NULL, 0, NULL),
	    CSN_E_AUDIT);
	assert_int_equal(verify_log(ctx, folder, "12", NULL, 0, NULL),
	    CSN_E_ARG);
	assert_int_equal(verify_log(ctx, folder, head, NULL, 0, NULL), 0);
}
