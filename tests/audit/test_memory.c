/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory.c - the bounded log in memory; query and export. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "audit/common.h"
#include "lib/test.h"

static struct csn_ctx *ctx;

BEFORE_EACH
{
	test_ms = 1000000;
	ctx = test_clock_ctx();
}

AFTER_EACH { csn_ctx_free(ctx); }

struct seen {
	size_t n;
	uint64_t first, last, last_ms;
	int stop_at;
};

static int
visit(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	struct seen *s = arg;
	struct csn_audit_record want = record_of(r->sequence);

	if (s->n++ == 0)
		s->first = r->sequence;
	else
		assert_true(r->sequence > s->last && unix_ms >= s->last_ms);
	s->last = r->sequence;
	s->last_ms = unix_ms;
	assert_true(n >= r->sequence);
	assert_string_equal(r->op, want.op);
	assert_string_equal(r->tenant, want.tenant);
	if (want.detail == NULL)
		assert_null(r->detail);
	else
		assert_string_equal(r->detail, want.detail);
	assert_memory_equal(r->session, want.session, 16);
	return s->stop_at != 0 && (int)s->n == s->stop_at ? 42 : 0;
}

static struct seen
query(struct csn_audit *a, const struct csn_audit_filter *f)
{
	struct seen s = { 0 };

	assert_int_equal(csn_audit_each(a, f, visit, &s), 0);
	return s;
}

/* The same questions to a log of either kind. */
static void
ask(struct csn_audit *a)
{
	struct csn_audit_filter f = { .size = sizeof(f) };
	struct seen s = { .stop_at = 5 };
	uint64_t i;

	for (i = 0; i < 300; i++) {
		test_ms = 1000000 + i * 10;
		append_range(a, i, i + 1);
	}
	s.stop_at = 0;
	assert_int_equal(query(a, NULL).n, 300);
	assert_int_equal(query(a, &f).n, 300);
	f.limit = 10;
	s = query(a, &f);
	assert_int_equal(s.n, 10);
	assert_int_equal(s.first, 290);
	assert_int_equal(s.last, 299);
	f.tenant = "globex";
	s = query(a, &f);
	assert_int_equal(s.n, 10);
	assert_int_equal(s.last, 297);
	assert_int_equal(s.first, 270);
	f.limit = 0;
	assert_int_equal(query(a, &f).n, 100);
	f.op = CSN_AUDIT_DECRYPT;
	assert_int_equal(query(a, &f).n, 50);
	f.tenant = "nobody";
	assert_int_equal(query(a, &f).n, 0);
	f = (struct csn_audit_filter){ .size = sizeof(f) };
	f.from_ms = 1000000 + 50 * 10;
	f.to_ms = 1000000 + 60 * 10;
	s = query(a, &f);
	assert_int_equal(s.n, 10);
	assert_int_equal(s.first, 50);
	assert_int_equal(s.last, 59);
	s = (struct seen){ .stop_at = 5 };
	assert_int_equal(csn_audit_each(a, NULL, visit, &s), 42);
	assert_int_equal(s.n, 5);
	f.size = 0;
	assert_int_equal(csn_audit_each(a, &f, visit, &s), CSN_E_ARG);
	assert_int_equal(csn_audit_each(a, NULL, NULL, NULL), CSN_E_ARG);
}

TEST(queries_in_memory)
{
	struct csn_audit *a;

	assert_int_equal(csn_audit_new_memory(ctx, 0, &a), 0);
	ask(a);
	csn_audit_close(a);
}

TEST(queries_in_files)
{
	struct csn_audit_options o = { .size = sizeof(o),
	    .sync = CSN_AUDIT_SYNC_NEVER, .max_file_bytes = 20000,
	    .checkpoint_every = 64 };
	char *folder = folder_new(), *path;
	struct csn_audit *a;

	a = open_log(ctx, folder, &o);
	ask(a);
	csn_audit_close(a);
	/* And read without a lock, from outside. */
	path = path_in(folder, "log");
	assert_int_equal(csn_audit_open_reader(ctx, path, &a), 0);
	assert_int_equal(query(a, NULL).n, 300);
	assert_int_equal(csn_audit_checkpoint(a), CSN_E_POLICY);
	csn_audit_close(a);
	free(path);
	assert_int_equal(csn_audit_open_reader(ctx, folder, &a),
	    CSN_E_NOT_FOUND);
	folder_remove(folder);
}

TEST(ring_keeps_the_newest)
{
	struct csn_audit *a;
	uint8_t head[32];
	struct seen s;
	uint64_t n;

	assert_int_equal(csn_audit_new_memory(ctx, 100, &a), 0);
	append_range(a, 0, 1234);
	s = query(a, NULL);
	assert_int_equal(s.n, 100);
	assert_int_equal(s.first, 1134);
	assert_int_equal(s.last, 1233);
	assert_int_equal(csn_audit_head(a, head, &n), 0);
	assert_int_equal(n, 1234);
	assert_int_equal(csn_audit_flush(a), 0);
	assert_int_equal(csn_audit_checkpoint(a), CSN_E_SIGNER);
	csn_audit_close(a);
}

TEST(long_texts_are_kept)
{
	struct csn_audit_record r = record_of(0);
	char detail[501], tenant[CSN_AUDIT_MAX_TENANT + 2];
	struct csn_audit *a;
	char *json;

	memset(detail, 'd', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	memset(tenant, 't', sizeof(tenant) - 1);
	tenant[sizeof(tenant) - 2] = '\0';
	r.detail = detail;
	r.tenant = tenant;
	assert_int_equal(csn_audit_new_memory(ctx, 4, &a), 0);
	assert_int_equal(csn_audit_append(a, &r), 0);
	assert_int_equal(csn_audit_export(a, NULL, &json), 0);
	assert_non_null(strstr(json, detail));
	assert_non_null(strstr(json, tenant));
	csn_free(json);
	tenant[sizeof(tenant) - 2] = 't';
	tenant[sizeof(tenant) - 1] = '\0';
	assert_int_equal(csn_audit_append(a, &r), CSN_E_ARG);
	csn_audit_close(a);
}

TEST(records_are_checked)
{
	struct csn_audit_record r[2] = { record_of(0), record_of(1) };
	struct csn_audit *a;
	uint8_t head[32];
	uint64_t n;

	assert_int_equal(csn_audit_new_memory(ctx, 4, &a), 0);
	r[1].op = NULL;
	assert_int_equal(csn_audit_append_many(a, r, 2), CSN_E_ARG);
	r[1].op = "no name";
	assert_int_equal(csn_audit_append_many(a, r, 2), CSN_E_ARG);
	r[1].op = "file";
	assert_int_equal(csn_audit_append_many(a, r, 2), CSN_E_ARG);
	r[1].op = CSN_AUDIT_RECOVERY;
	assert_int_equal(csn_audit_append_many(a, r, 2), CSN_E_ARG);
	r[0].size = 8;
	assert_int_equal(csn_audit_append(a, r), CSN_E_ARG);
	assert_int_equal(csn_audit_append_many(a, NULL, 0), 0);
	assert_int_equal(csn_audit_append_many(a, NULL, 1), CSN_E_ARG);
	assert_int_equal(csn_audit_append(NULL, r), CSN_E_ARG);
	assert_int_equal(csn_audit_head(a, head, &n), 0);
	assert_int_equal(n, 0);
	csn_audit_close(a);
	csn_audit_close(NULL);
}

/* A program built with a larger structure than this library knows. */
TEST(larger_records_are_read_by_their_size)
{
	struct newer {
		struct csn_audit_record r;
		uint64_t more[3];
	} rs[3];
	struct csn_audit *a;
	struct seen s;
	size_t i;

	for (i = 0; i < 3; i++) {
		rs[i].r = record_of(i);
		rs[i].r.size = sizeof(rs[i]);
		memset(rs[i].more, 0, sizeof(rs[i].more));
	}
	assert_int_equal(csn_audit_new_memory(ctx, 0, &a), 0);
	assert_int_equal(csn_audit_append_many(a, &rs[0].r, 3), 0);
	s = query(a, NULL);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.last, 2);
	/* What this library does not know in any of them refuses them all. */
	rs[2].more[2] = 1;
	assert_int_equal(csn_audit_append_many(a, &rs[0].r, 3), CSN_E_ARG);
	rs[2].more[2] = 0;
	rs[1].r.size = sizeof(rs[1].r);
	assert_int_equal(csn_audit_append_many(a, &rs[0].r, 3), CSN_E_ARG);
	rs[0].r.size = sizeof(rs[0].r);
	assert_int_equal(csn_audit_append_many(a, &rs[0].r, 2), CSN_E_ARG);
	assert_int_equal(query(a, NULL).n, 3);
	csn_audit_close(a);
}

TEST(export_is_a_json_array)
{
	struct csn_audit_filter f = { .size = sizeof(f), .limit = 3 };
	struct csn_audit *a;
	json_error_t error;
	json_t *array, *one;
	char *json;

	assert_int_equal(csn_audit_new_memory(ctx, 0, &a), 0);
	assert_int_equal(csn_audit_export(a, NULL, &json), 0);
	array = json_loads(json, 0, &error);
	assert_non_null(array);
	assert_int_equal(json_array_size(array), 0);
	json_decref(array);
	csn_free(json);
	append_range(a, 0, 20);
	assert_int_equal(csn_audit_export(a, &f, &json), 0);
	array = json_loads(json, 0, &error);
	assert_non_null(array);
	assert_int_equal(json_array_size(array), 3);
	one = json_array_get(array, 0);
	assert_int_equal(json_integer_value(json_object_get(one, "n")), 17);
	assert_string_equal(json_string_value(json_object_get(one, "op")),
	    "decrypt");
	assert_false(json_boolean_value(json_object_get(one, "ok")));
	assert_int_equal(json_integer_value(json_object_get(one, "code")),
	    CSN_E_TAG);
	assert_string_equal(json_string_value(json_object_get(one,
	    "detail")), "a \"tampered\" entry");
	json_decref(array);
	csn_free(json);
	csn_audit_close(a);
}

#define THREADS 4
#define EACH 5000

static void *
append_many(void *arg)
{
	struct csn_audit_record r = record_of(3);
	size_t i, wrong = 0;

	for (i = 0; i < EACH; i++)
		wrong += csn_audit_append(arg, &r) != 0;
	return wrong == 0 ? NULL : arg;
}

static int
count(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	(void)n;
	(void)unix_ms;
	assert_string_equal(r->tenant, "globex");
	++*(size_t *)arg;
	return 0;
}

TEST(threads_lose_nothing)
{
	pthread_t t[THREADS];
	struct csn_audit *a;
	size_t i, n = 0;
	void *failed;

	assert_int_equal(csn_audit_new_memory(ctx, THREADS * EACH, &a), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, append_many, a),
		    0);
	/* Reading meanwhile sees whole records. */
	assert_int_equal(csn_audit_each(a, NULL, count, &n), 0);
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
	}
	n = 0;
	assert_int_equal(csn_audit_each(a, NULL, count, &n), 0);
	assert_int_equal(n, THREADS * EACH);
	csn_audit_close(a);
}

#define FORKS 400
#define SLOTS 4			/* few, so that each lock is much held */
/* One that a slot has no room for is in memory of its own. But AddressSanitizer
 * leaves its own locks to the child, where another thread held one. */
#if defined(__SANITIZE_ADDRESS__)
#define TENANT 8
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TENANT 8
#endif
#endif
#ifndef TENANT
#define TENANT CSN_AUDIT_MAX_TENANT
#endif
static atomic_int enough;

static void *
append_on(void *arg)
{
	char tenant[TENANT + 1];
	struct csn_audit_record r = record_of(3);

	memset(tenant, 't', sizeof(tenant) - 1);
	tenant[sizeof(tenant) - 1] = '\0';
	r.tenant = tenant;
	while (!atomic_load(&enough))
		if (csn_audit_append(arg, &r) != 0)
			return arg;
	return NULL;
}

static int
see(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	(void)n;
	(void)unix_ms;
	*(size_t *)arg += strlen(r->tenant);
	return 0;
}

/* A lock that is never let go would keep the child until its alarm. */
static int
child(struct csn_audit *a)
{
	struct csn_audit_record r = record_of(3);
	size_t seen = 0, i;

	signal(SIGALRM, SIG_DFL);
	alarm(20);
	for (i = 0; i < SLOTS; i++)
		if (csn_audit_append(a, &r) != 0)
			return 1;
	if (csn_audit_each(a, NULL, see, &seen) != 0)
		return 2;
	csn_audit_close(a);
	/* All that is there is what was appended here. */
	return seen == SLOTS * strlen(r.tenant) ? 0 : 3;
}

TEST(a_forked_child_goes_on_with_a_log_in_memory)
{
	pthread_t t[2];
	struct csn_audit *a;
	void *failed;
	int i, status = 0;
	pid_t pid;

	assert_int_equal(csn_audit_new_memory(ctx, SLOTS, &a), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, append_on, a), 0);
	for (i = 0; i < FORKS && status == 0; i++) {
		fflush(NULL);
		assert_true((pid = fork()) >= 0);
		if (pid == 0)
			_exit(child(a));
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	atomic_store(&enough, 1);
	for (i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(status, 0);
	csn_audit_close(a);
}
