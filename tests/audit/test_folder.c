/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_folder.c - what else may lie in a log's folder: what a rotation left,
 * what a power cut left, FIFOs, numbers that would be counted up to for ever.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "audit/common.h"
#include "audit/line.h"
#include "lib/test.h"

static struct csn_ctx *ctx;
static char *folder;
BEFORE_EACH
{
	test_ms = 1800000000000;
	ctx = test_clock_ctx();
	folder = folder_new();
}

AFTER_EACH
{
	folder_remove(folder);
	csn_ctx_free(ctx);
}

/* The log with records 0..40 in files of five or so, kept of them keep. */
static void
make_log(uint32_t keep)
{
	struct csn_audit_options o = { .size = sizeof(o) };
	struct csn_audit *a;

	o.sync = CSN_AUDIT_SYNC_NEVER;
	o.max_file_bytes = 1500;
	o.keep_files = keep;
	a = open_log(ctx, folder, &o);
	append_range(a, 0, 40);
	csn_audit_close(a);
}

static char *
file_of(unsigned number)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "log/audit-%06u.jsonl", number);
	return path_in(folder, name);
}

TEST(files_below_the_oldest_are_skipped_and_removed)
{
	char *left[3], *text;
	struct csn_result *r;
	struct csn_audit *a;
	int status;
	size_t i;

	make_log(2);
	left[0] = file_of(0);
	left[1] = file_of(2);
	left[2] = path_in(folder, "log/.caisson-0123456789abcdef");
	for (i = 0; i < 3; i++)
		file_write(left[i], "left behind\n", 12);
	assert_int_equal(csn_result_new(ctx, &r), 0);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 0, r), 0);
	assert_non_null(strstr(check_of(r, "files", &status), "2 before"));
	assert_int_equal(status, CSN_CHECK_PASSED);
	csn_result_free(r);
	/* Who reads does not see them either. */
	text = path_in(folder, "log");
	assert_int_equal(csn_audit_open_reader(ctx, text, &a), 0);
	free(text);
	assert_int_equal(csn_audit_export(a, NULL, &text), 0);
	csn_free(text);
	csn_audit_close(a);
	csn_audit_close(open_log(ctx, folder, NULL));
	for (i = 0; i < 3; i++) {
		assert_int_equal(access(left[i], F_OK), -1);
		free(left[i]);
	}
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 0, NULL), 0);
}

TEST(records_whose_time_runs_backwards_are_named)
{
	struct csn_result *r;
	struct csn_audit *a;
	const char *what;
	int status;

	a = open_log(ctx, folder, NULL);
	append_range(a, 0, 2);
	csn_audit_close(a);
	/* Within one context the clock cannot be set back. */
	csn_ctx_free(ctx);
	test_ms -= 5000;
	ctx = test_clock_ctx();
	a = open_log(ctx, folder, NULL);
	append_range(a, 2, 4);
	test_ms += 9000;
	append_range(a, 4, 5);
	csn_audit_close(a);
	assert_int_equal(csn_result_new(ctx, &r), 0);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, r), 0);
	what = check_of(r, "time", &status);
	assert_int_equal(status, CSN_CHECK_SKIPPED);
	assert_non_null(strstr(what, "2 records are older"));
	assert_non_null(strstr(what, "audit-000000.jsonl:4 by 5000 ms, "
	    "audit-000000.jsonl:5 by 5000 ms"));
	csn_result_free(r);
}

/* A line of the right form, as somebody made it up. */
static void
write_bomb(const char *n)
{
	static const char hex[] = "0123456789abcdef0123456789abcdef"
	    "0123456789abcdef0123456789abcdef";
	char line[512], *path = path_in(folder, "log");
	int len;

	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
	len = snprintf(line, sizeof(line), "{\"n\":%s,\"time\":\"2026-01-02T03:"
	    "04:05.678Z\",\"op\":\"file\",\"format\":2,\"log\":\"%.32s\","
	    "\"file\":1,\"prev\":\"%s\",\"mac\":\"%s\"}\n", n, hex, hex, hex);
	path = file_of(1);
	file_write(path, line, (size_t)len);
	free(path);
	path = path_in(folder, "log/first.key");
	file_write(path, hex, 64);
	free(path);
}

TEST(a_number_that_a_file_tells_is_not_counted_up_to)
{
	struct csn_result *r;
	int status;

	write_bomb("1000000000000000000");
	assert_int_equal(csn_result_new(ctx, &r), 0);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, r),
	    CSN_E_AUDIT);
	assert_non_null(strstr(check_of(r, "mac", &status),
	    "number 1000000000000000000"));
	assert_int_equal(status, CSN_CHECK_FAILED);
	csn_result_free(r);
}

static int
third_time(void *arg)
{
	return ++*(unsigned *)arg >= 3;
}

TEST(verifying_and_reading_can_be_called_off)
{
	struct csn_audit_verify_options o = { .size = sizeof(o) };
	struct csn_audit_filter f = { .size = sizeof(f) };
	uint8_t key[CSN_KEY_SIZE] = { 1 };
	char *path, *text = NULL;
	struct csn_audit *a;
	unsigned asked = 0;

	/* An hour's work, were it not for the third question. */
	write_bomb("4000000000");
	path = path_in(folder, "log");
	o.first_key = key;
	o.cancelled = third_time;
	o.cancelled_arg = &asked;
	assert_int_equal(csn_audit_verify(ctx, path, &o, NULL),
	    CSN_E_CANCELLED);
	assert_int_equal(asked, 3);
	tree_remove(path);
	make_log(0);
	asked = 0;
	o.first_key = NULL;
	assert_int_equal(csn_audit_verify(ctx, path, &o, NULL),
	    CSN_E_CANCELLED);
	assert_int_equal(csn_audit_open_reader(ctx, path, &a), 0);
	free(path);
	f.tenant = "nobody";
	f.cancelled = third_time;
	f.cancelled_arg = &asked;
	for (f.limit = 0; f.limit < 2; f.limit++) {
		asked = 0;
		assert_int_equal(csn_audit_export(a, &f, &text),
		    CSN_E_CANCELLED);
		assert_int_equal(asked, 3);
	}
	csn_audit_close(a);
}

TEST(a_fifo_in_the_folder_is_not_waited_for)
{
	struct csn_audit_filter f = { .size = sizeof(f) };
	char *path, *text = NULL, *log;
	struct csn_audit *a;

	make_log(0);
	log = path_in(folder, "log");
	path = file_of(1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 0, NULL),
	    CSN_E_IO);
	assert_non_null(strstr(csn_message(), "no regular file"));
	assert_int_equal(csn_audit_open_reader(ctx, log, &a), 0);
	assert_int_equal(csn_audit_export(a, NULL, &text), CSN_E_IO);
	f.limit = 1000;
	assert_int_equal(csn_audit_export(a, &f, &text), CSN_E_IO);
	csn_audit_close(a);
	free(path);
	path = path_in(log, "state");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(csn_audit_open(ctx, log, NULL, &a), CSN_E_IO);
	free(path);
	free(log);
}

struct got {
	uint64_t first, last, n;
};

static int
collect(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	struct got *g = arg;

	(void)n;
	(void)unix_ms;
	if (g->n++ == 0)
		g->first = r->sequence;
	else
		assert_true(r->sequence > g->last);
	g->last = r->sequence;
	return 0;
}

TEST(the_newest_are_found_from_the_end_alone)
{
	struct csn_audit_filter f = { .size = sizeof(f) };
	char *path = path_in(folder, "log"), *early;
	struct csn_audit *reader, *a;
	struct got g;
	uint64_t n;

	make_log(0);
	assert_int_equal(csn_audit_open_reader(ctx, path, &reader), 0);
	a = open_log(ctx, folder, NULL);
	for (n = 1; n <= 41; n++) {
		f.limit = n;
		f.tenant = NULL;
		g = (struct got){ 0 };
		assert_int_equal(csn_audit_each(reader, &f, collect, &g), 0);
		assert_int_equal(g.n, n < 40 ? n : 40);
		assert_int_equal(g.last, 39);
		assert_int_equal(g.first, 40 - g.n);
		g = (struct got){ 0 };
		assert_int_equal(csn_audit_each(a, &f, collect, &g), 0);
		assert_int_equal(g.first, n < 40 ? 40 - n : 0);
		f.tenant = "globex";	/* each third */
		g = (struct got){ 0 };
		assert_int_equal(csn_audit_each(a, &f, collect, &g), 0);
		assert_int_equal(g.n, n < 14 ? n : 14);
		assert_int_equal(g.last, 39);
		assert_int_equal(g.first, 3 * (14 - g.n));
	}
	csn_audit_close(a);
	/* What is before them is not looked at. */
	early = file_of(0);
	file_write(early, "no record\n", 10);
	f.limit = 10;
	f.tenant = NULL;
	g = (struct got){ 0 };
	assert_int_equal(csn_audit_each(reader, &f, collect, &g), 0);
	assert_int_equal(g.n, 10);
	f.limit = 1000;
	assert_int_equal(csn_audit_each(reader, &f, collect, &g),
	    CSN_E_AUDIT);
	csn_audit_close(reader);
	free(early);
	free(path);
}

/* Larger than what is read at a time, and with lines across its borders. */
TEST(the_newest_of_a_large_file_are_the_newest)
{
	struct csn_audit_options o = { .size = sizeof(o) };
	struct csn_audit_filter f = { .size = sizeof(f) };
	static struct csn_audit_record rs[5000];
	struct csn_audit *a;
	struct got g = { 0 };
	uint64_t i;

	o.sync = CSN_AUDIT_SYNC_NEVER;
	a = open_log(ctx, folder, &o);
	for (i = 0; i < 5000; i++)
		rs[i] = record_of(i);
	assert_int_equal(csn_audit_append_many(a, rs, 5000), 0);
	f.limit = 4321;
	assert_int_equal(csn_audit_each(a, &f, collect, &g), 0);
	assert_int_equal(g.n, 4321);
	assert_int_equal(g.first, 5000 - 4321);
	assert_int_equal(g.last, 4999);
	csn_audit_close(a);
}

struct pieces {
	size_t n, largest, all;
};

static int
take(void *arg, const void *p, size_t len)
{
	struct pieces *s = arg;

	(void)p;
	s->n++;
	s->all += len;
	if (len > s->largest)
		s->largest = len;
	return s->n == 30 ? 77 : 0;
}

TEST(an_export_is_handed_out_record_by_record)
{
	struct csn_audit_filter f = { .size = sizeof(f), .limit = 20 };
	struct pieces s = { 0 };
	struct csn_audit *a;
	char *text;

	make_log(0);
	a = open_log(ctx, folder, NULL);
	assert_int_equal(csn_audit_export_to(a, &f, take, &s), 0);
	assert_int_equal(s.n, 21);
	assert_true(s.largest < 600);
	assert_int_equal(csn_audit_export(a, &f, &text), 0);
	assert_int_equal(strlen(text), s.all);
	csn_free(text);
	/* And ends where nobody takes it any more. */
	s.n = 0;
	assert_int_equal(csn_audit_export_to(a, NULL, take, &s), 77);
	csn_audit_close(a);
}

TEST(zeroes_that_a_power_cut_left_are_a_torn_end)
{
	char zeroes[300] = { 0 }, *path, *text;
	struct csn_result *r;
	struct csn_audit *a;
	struct got g = { 0 };
	size_t len;
	int status;
	FILE *f;

	a = open_log(ctx, folder, NULL);
	append_range(a, 0, 3);
	csn_audit_close(a);
	path = file_of(0);
	text = file_read(path, &len);
	zeroes[299] = '\n';
	f = fopen(path, "ab");
	assert_non_null(f);
	assert_int_equal(fwrite(zeroes, 1, sizeof(zeroes), f), 300);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(csn_result_new(ctx, &r), 0);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, r), 0);
	assert_non_null(check_of(r, "end", &status));
	assert_int_equal(status, CSN_CHECK_SKIPPED);
	csn_result_free(r);
	a = open_log(ctx, folder, NULL);
	append_range(a, 3, 5);
	assert_int_equal(csn_audit_each(a, &(struct csn_audit_filter){
	    .size = sizeof(struct csn_audit_filter), .limit = 2 }, collect,
	    &g), 0);
	assert_int_equal(g.first, 3);
	csn_audit_close(a);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
	free(text);
	free(path);
}

TEST(a_hole_of_any_length_is_a_torn_end_for_the_newest_too)
{
	struct csn_audit_filter f = { .size = sizeof(f), .limit = 2 };
	const long sizes[] = { 1000, 10 * CSN_AUDIT_MAX_LINE };
	struct csn_audit *a;
	struct got g;
	char *path, *log = path_in(folder, "log");
	size_t i;
	FILE *to;

	a = open_log(ctx, folder, NULL);
	append_range(a, 0, 5);
	csn_audit_close(a);
	path = file_of(0);
	for (i = 0; i < 4; i++) {
		to = fopen(path, "r+b");
		assert_non_null(to);
		assert_int_equal(fseek(to, sizes[i / 2], SEEK_END), 0);
		/* With something behind it, and with nothing. */
		assert_int_equal(fputc(i % 2 == 0 ? '\0' : '\n', to),
		    i % 2 == 0 ? '\0' : '\n');
		assert_int_equal(fclose(to), 0);
		assert_int_equal(csn_audit_open_reader(ctx, log, &a), 0);
		memset(&g, 0, sizeof(g));
		assert_int_equal(csn_audit_each(a, &f, collect, &g), 0);
		assert_int_equal(g.n, 2);
		assert_int_equal(g.first, 3);
		csn_audit_close(a);
	}
	free(path);
	free(log);
}

TEST(a_file_that_a_failed_rotation_left_is_begun_anew)
{
	char *path, *text, *at;
	struct csn_result *r;
	struct csn_audit *a;
	size_t len;
	int status;
	FILE *f;

	make_log(0);
	for (status = 3; (path = file_of((unsigned)status)) != NULL &&
	    access(path, F_OK) == 0; status++)
		free(path);
	free(path);
	/* The first line of some file, where it does not follow. */
	path = file_of(2);
	text = file_read(path, &len);
	free(path);
	path = file_of((unsigned)status);
	f = fopen(path, "wb");
	assert_non_null(f);
	at = strstr(text, ",\"file\":2,");
	assert_non_null(at);
	assert_true(fprintf(f, "%.*s,\"file\":%d,%.*s", (int)(at - text),
	    text, status, (int)(strchr(text, '\n') + 1 - at - 10),
	    at + 10) > 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(csn_result_new(ctx, &r), 0);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, r), 0);
	assert_non_null(check_of(r, "end", &status));
	assert_int_equal(status, CSN_CHECK_SKIPPED);
	csn_result_free(r);
	a = open_log(ctx, folder, NULL);
	append_range(a, 40, 42);
	csn_audit_close(a);
	assert_int_equal(verify_log(ctx, folder, NULL, NULL, 1, NULL), 0);
	free(text);
	free(path);
}
