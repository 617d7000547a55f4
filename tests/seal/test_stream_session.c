/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/test_stream_session.c - streams and the life of a session. */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "envelope/header.h"
#include "lib/test.h"
#include "seal/streams.h"

#define SEG STREAMS_SEGMENT

static struct csn_ctx *ctx;

BEFORE_ALL
{
	test_ms = 1767225600000;
	ctx = test_clock_ctx();
}

AFTER_ALL { csn_ctx_free(ctx); }

static const uint8_t text[] = "what a stream holds";

static int
again(struct csn_session *s, const struct streams_sealed *sealed)
{
	return streams_open(s, NULL, sealed, text, sizeof(text));
}

TEST(a_channel_opens_a_stream_once)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_CHANNEL);
	uint8_t *data = streams_data(3 * SEG), out[SEG];
	struct streams_sealed sealed, second;
	struct csn_stream *st;

	streams_seal(s, NULL, data, 3 * SEG, &sealed);
	streams_seal(s, NULL, data, 3 * SEG, &second);
	/* A tampered copy spends nothing. */
	sealed.p[CSN_SEAL_HEADER] ^= 1;
	assert_int_equal(streams_open(s, NULL, &sealed, data, 3 * SEG),
	    CSN_E_TAG);
	sealed.p[CSN_SEAL_HEADER] ^= 1;
	assert_int_equal(streams_open(s, NULL, &sealed, data, 3 * SEG), 0);
	assert_int_equal(streams_open(s, NULL, &sealed, data, 3 * SEG),
	    CSN_E_REPLAY);
	/* Two at a time: whichever shows its first segment first. */
	assert_int_equal(csn_stream_opener_new(s, second.p, NULL, &st), 0);
	assert_int_equal(streams_open(s, NULL, &second, data, 3 * SEG), 0);
	assert_int_equal(csn_stream_pull(st, second.p + second.at[0],
	    SEG + CSN_STREAM_TAG, 0, out), CSN_E_REPLAY);
	csn_stream_free(st);
	streams_free(&second);
	streams_free(&sealed);
	csn_session_free(s);
	free(data);
}

TEST(a_store_opens_the_newest_of_a_name)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	struct streams_sealed old, new, other, bare, barer;
	uint8_t name[32] = "cache", elsewhere[32] = "weights";
	struct csn_stream *half;
	uint8_t header[CSN_SEAL_HEADER];

	streams_seal(s, name, text, sizeof(text), &old);
	streams_seal(s, elsewhere, text, sizeof(text), &other);
	streams_seal(s, NULL, text, sizeof(text), &bare);
	/* One that is under way supersedes nothing yet. */
	assert_int_equal(csn_stream_sealer_new(s, SEG, name, header, &half), 0);
	assert_int_equal(again(s, &old), 0);
	csn_stream_free(half);
	assert_int_equal(again(s, &old), 0);
	streams_seal(s, name, text, sizeof(text), &new);
	streams_seal(s, NULL, text, sizeof(text), &barer);
	assert_int_equal(again(s, &old), CSN_E_REPLAY);
	assert_int_equal(again(s, &new), 0);
	assert_int_equal(again(s, &new), 0);
	assert_int_equal(again(s, &other), 0);
	/* Without a name nothing is superseded. */
	assert_int_equal(again(s, &bare), 0);
	assert_int_equal(again(s, &barer), 0);
	csn_stream_forget(s, name);
	assert_int_equal(again(s, &new), CSN_E_REPLAY);
	assert_int_equal(again(s, &bare), 0);
	streams_free(&old);
	streams_free(&new);
	streams_free(&other);
	streams_free(&bare);
	streams_free(&barer);
	csn_session_free(s);
}

/* Begun in one millisecond and side by side, the later one is the newer. */
TEST(of_two_streams_under_way_the_later_is_the_newer)
{
	static const uint8_t name[32] = "side by side";
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	uint8_t header[2][CSN_SEAL_HEADER], back[sizeof(text)];
	uint8_t bare[CSN_SEAL_HEADER];
	uint8_t sealed[2][sizeof(text) + CSN_STREAM_TAG];
	struct csn_header h[2] = { { .size = sizeof(h[0]) },
	    { .size = sizeof(h[1]) } };
	struct csn_stream *st[2], *o;
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(csn_stream_sealer_new(s, SEG, name, header[i],
		    &st[i]), 0);
		assert_int_equal(csn_header_read(ctx, header[i],
		    CSN_SEAL_HEADER, &h[i]), 0);
	}
	assert_int_equal(h[0].version, test_ms << 20);
	assert_int_equal(h[1].version, h[0].version + 1);
	/* A stream of a store has a version. */
	memcpy(bare, header[0], sizeof(bare));
	memset(bare + CSN_H_VERSION, 0, 8);
	assert_int_equal(csn_stream_opener_new(s, bare, name, &o), CSN_E_FORM);
	/* The later one is whole first. */
	for (i = 1; i >= 0; i--) {
		assert_int_equal(csn_stream_push(st[i], text, sizeof(text),
		    1, sealed[i]), 0);
		csn_stream_free(st[i]);
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(csn_stream_opener_new(s, header[i % 2], name,
		    &o), 0);
		assert_int_equal(csn_stream_pull(o, sealed[i % 2],
		    sizeof(sealed[0]), 1, back), i % 2 == 1 ? 0 :
		    CSN_E_REPLAY);
		csn_stream_free(o);
	}
	csn_session_free(s);
}

TEST(rotation_loses_no_stream_that_lives)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	struct csn_session_info info = { .size = sizeof(info) };
	uint8_t first[32] = "first", name[32] = "second";
	uint8_t buf[SEG + 16], header[CSN_SEAL_HEADER];
	struct streams_sealed named, bare;
	struct csn_stream *st, *open;

	memset(buf, 7, SEG);
	streams_seal(s, first, text, sizeof(text), &named);
	streams_seal(s, NULL, text, sizeof(text), &bare);
	/* One that is being sealed holds its epoch too. */
	assert_int_equal(csn_stream_sealer_new(s, SEG, name, header, &st), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	test_ms += 60000;
	assert_int_equal(again(s, &named), 0);
	csn_stream_forget(s, first);
	assert_int_equal(again(s, &named), CSN_E_REPLAY);
	test_ms += 60000;
	csn_session_get_info(s, &info);
	assert_int_equal(info.live_epochs, 2);
	assert_int_equal(csn_stream_push(st, buf, SEG, 1, buf), 0);
	csn_stream_free(st);
	test_ms += 60000;
	csn_session_get_info(s, &info);
	assert_int_equal(info.live_epochs, 2);
	assert_int_equal(csn_stream_opener_new(s, header, name, &st), 0);
	assert_int_equal(csn_stream_opener_new(s, header, name, &open), 0);
	assert_int_equal(csn_stream_pull(st, buf, sizeof(buf), 1, buf), 0);
	assert_int_equal(buf[SEG - 1], 7);
	csn_stream_free(st);
	/* Forgotten, its epoch goes, and the streams in it. */
	csn_stream_forget(s, name);
	test_ms += 60000;
	csn_session_get_info(s, &info);
	assert_int_equal(info.live_epochs, 1);
	assert_int_equal(again(s, &bare), CSN_E_EPOCH);
	/* Also for one that was opened, but had shown nothing yet. */
	memset(buf, 1, sizeof(buf));
	assert_int_equal(csn_stream_pull(open, buf, sizeof(buf), 1, buf),
	    CSN_E_TAG);
	csn_stream_free(open);
	streams_free(&named);
	streams_free(&bare);
	csn_session_free(s);
}

TEST(a_channel_rotates_before_its_writers_run_out)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_CHANNEL);
	struct csn_session_info info = { .size = sizeof(info) };
	struct streams_sealed sealed;
	int i;

	for (i = 0; i < 200; i++) {
		streams_seal(s, NULL, text, sizeof(text), &sealed);
		assert_int_equal(again(s, &sealed), 0);
		assert_int_equal(again(s, &sealed), CSN_E_REPLAY);
		streams_free(&sealed);
	}
	csn_session_get_info(s, &info);
	assert_int_equal(info.epoch, 3);
	assert_int_equal(info.total_entries, 200);
	csn_session_free(s);
}

TEST(the_policy_counts_streams)
{
	struct csn_tenant tenant = { .size = sizeof(tenant), .id = "acme" };
	struct csn_session_options o = { .size = sizeof(o),
	    .rotate = CSN_ROTATE_REPORTED, .max_bytes = SEG };
	uint8_t header[CSN_SEAL_HEADER], buf[SEG + 16] = { 0 };
	struct csn_session *s;
	struct csn_stream *st;

	assert_int_equal(csn_session_local(ctx, &tenant, &o, &s), 0);
	assert_int_equal(csn_stream_sealer_new(s, SEG, NULL, header, &st), 0);
	assert_int_equal(csn_stream_push(st, buf, SEG, 1, buf), 0);
	csn_stream_free(st);
	assert_int_equal(csn_stream_sealer_new(s, SEG, NULL, header, &st),
	    CSN_E_ROTATE);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(csn_stream_sealer_new(s, SEG, NULL, header, &st), 0);
	csn_stream_free(st);
	csn_session_free(s);
}

TEST(closing_ends_streams)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	static const uint8_t zero[SEG];
	uint8_t header[CSN_SEAL_HEADER], a[SEG + 16], b[SEG + 16], out[SEG];
	struct csn_stream *sealing, *opening;

	memset(a, 1, SEG);
	assert_int_equal(csn_stream_sealer_new(s, SEG, NULL, header, &sealing),
	    0);
	assert_int_equal(csn_stream_push(sealing, a, SEG, 0, a), 0);
	memcpy(b, a, sizeof(b));
	assert_int_equal(csn_stream_opener_new(s, header, NULL, &opening), 0);
	csn_session_close(s);
	assert_int_equal(csn_stream_push(sealing, b, SEG, 1, b),
	    CSN_E_CLOSED);
	assert_memory_equal(b, zero, SEG);
	assert_int_equal(csn_stream_pull(opening, a, sizeof(a), 0, out),
	    CSN_E_CLOSED);
	assert_memory_equal(out, zero, SEG);
	assert_int_equal(csn_stream_sealer_new(s, SEG, NULL, header, &sealing),
	    CSN_E_CLOSED);
	/* The streams hold the session as long as they are there. */
	csn_session_free(s);
	csn_stream_free(opening);
	csn_stream_free(sealing);
}

/* Seal segments until it is refused; the error. */
static void *
push_on(void *arg)
{
	struct csn_stream *st = arg;
	static const uint8_t zero[SEG];
	uint8_t buf[SEG + 16];
	int rc;

	do {
		memset(buf, 1, sizeof(buf));
		rc = csn_stream_push(st, buf, SEG, 0, buf);
	} while (rc == 0);
	return rc == CSN_E_CLOSED && memcmp(buf, zero, SEG) == 0 ? arg :
	    NULL;
}

TEST(closing_waits_for_a_segment_and_no_more)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	uint8_t header[CSN_SEAL_HEADER];
	struct csn_stream *st[2];
	pthread_t thread[2];
	void *result;
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(csn_stream_sealer_new(s, SEG, NULL, header,
		    &st[i]), 0);
		assert_int_equal(pthread_create(&thread[i], NULL, push_on,
		    st[i]), 0);
	}
	usleep(10000);
	csn_session_close(s);
	for (i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(thread[i], &result), 0);
		assert_ptr_equal(result, st[i]);
		csn_stream_free(st[i]);
	}
	csn_session_free(s);
}

TEST(the_ttl_ends_streams)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	uint8_t header[CSN_SEAL_HEADER], buf[SEG + 16] = { 0 };
	struct csn_stream *st;

	assert_int_equal(csn_stream_sealer_new(s, SEG, NULL, header, &st), 0);
	assert_int_equal(csn_stream_push(st, buf, SEG, 0, buf), 0);
	test_ms += 900001;
	assert_int_equal(csn_stream_push(st, buf, SEG, 1, buf),
	    CSN_E_EXPIRED);
	assert_int_equal(csn_stream_push(st, buf, SEG, 1, buf),
	    CSN_E_EXPIRED);
	csn_stream_free(st);
	csn_session_free(s);
}

/* In the child: 0 where each step is refused as it must be. */
static int
child(struct csn_session *s, struct csn_stream *st)
{
	uint8_t header[CSN_SEAL_HEADER], buf[SEG + 16] = { 0 };
	struct csn_stream *own;

	if (csn_stream_push(st, buf, SEG, 1, buf) != CSN_E_FORK)
		return 1;
	if (csn_stream_sealer_new(s, SEG, NULL, header, &own) != CSN_E_FORK)
		return 2;
	if (csn_session_after_fork(s) != 0)
		return 3;
	/* The parent's stream stays the parent's. */
	if (csn_stream_push(st, buf, SEG, 1, buf) != CSN_E_FORK)
		return 4;
	if (csn_stream_sealer_new(s, SEG, NULL, header, &own) != 0)
		return 5;
	if (csn_stream_push(own, buf, SEG, 1, buf) != 0)
		return 6;
	csn_stream_free(own);
	return 0;
}

TEST(a_forked_child_has_no_part_in_a_stream)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	uint8_t header[CSN_SEAL_HEADER], buf[SEG + 16] = { 0 };
	struct csn_stream *st;
	pid_t pid;
	int status;

	assert_int_equal(csn_stream_sealer_new(s, SEG, NULL, header, &st), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0)
		_exit(child(s, st));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(csn_stream_push(st, buf, SEG, 1, buf), 0);
	csn_stream_free(st);
	csn_session_free(s);
}

static int
count_record(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	uint64_t *seen = arg;

	(void)n;
	(void)unix_ms;
	if (strcmp(r->op, CSN_AUDIT_ENCRYPT) == 0 && r->success)
		seen[0]++;
	else if (strcmp(r->op, CSN_AUDIT_DECRYPT) == 0 && r->success)
		seen[1]++;
	else if (strcmp(r->op, CSN_AUDIT_DECRYPT) == 0 && r->code == CSN_E_TAG)
		seen[2]++;
	else if (strcmp(r->op, CSN_AUDIT_ISOLATION_VIOLATION) == 0)
		seen[3]++;
	return 0;
}

TEST(the_log_hears_of_streams)
{
	struct csn_tenant tenant = { .size = sizeof(tenant), .id = "acme" };
	struct csn_session_options o = { .size = sizeof(o) };
	struct csn_session *s, *other;
	struct streams_sealed sealed;
	struct csn_audit *log;
	uint64_t seen[4] = { 0 };

	assert_int_equal(csn_audit_new_memory(ctx, 0, &log), 0);
	o.audit = log;
	assert_int_equal(csn_session_local(ctx, &tenant, &o, &s), 0);
	tenant.id = "bolt";
	assert_int_equal(csn_session_local(ctx, &tenant, &o, &other), 0);
	streams_seal(s, NULL, text, sizeof(text), &sealed);
	assert_int_equal(again(s, &sealed), 0);
	assert_int_equal(again(other, &sealed), CSN_E_TENANT);
	sealed.p[sealed.len - 1] ^= 1;
	assert_int_equal(again(s, &sealed), CSN_E_TAG);
	assert_int_equal(csn_audit_each(log, NULL, count_record, seen), 0);
	/* Begun and ended; refused; another tenant's. */
	assert_int_equal(seen[0], 2);
	assert_int_equal(seen[1], 2);
	assert_int_equal(seen[2], 1);
	assert_int_equal(seen[3], 1);
	streams_free(&sealed);
	csn_session_free(s);
	csn_session_free(other);
	csn_audit_close(log);
}

static int
push_final(struct csn_stream *st, uint8_t *out)
{
	return csn_stream_push(st, text, sizeof(text), 1, out);
}

/* A log that takes no more: the end is not reached, and the name's former
 * stream is the one that opens. */
TEST(a_stream_whose_end_cannot_be_logged_replaces_none)
{
	static const uint8_t name[32] = "a name";
	struct csn_tenant tenant = { .size = sizeof(tenant), .id = "acme" };
	struct csn_session_options o = { .size = sizeof(o) };
	struct rlimit full = { 1, RLIM_INFINITY };
	struct rlimit free_again = { RLIM_INFINITY, RLIM_INFINITY };
	uint8_t header[CSN_SEAL_HEADER], out[sizeof(text) + CSN_STREAM_TAG];
	char *folder = folder_new();
	struct streams_sealed sealed;
	struct csn_stream *st;
	struct csn_session *s;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(csn_audit_open(ctx, folder, NULL, &o.audit), 0);
	assert_int_equal(csn_session_local(ctx, &tenant, &o, &s), 0);
	streams_seal(s, name, text, sizeof(text), &sealed);
	assert_int_equal(csn_stream_sealer_new(s, SEG, name, header, &st), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	assert_int_equal(push_final(st, out), CSN_E_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &free_again), 0);
	assert_int_equal(push_final(st, out), CSN_E_IO);
	csn_stream_free(st);
	assert_int_equal(streams_open(s, name, &sealed, text, sizeof(text)),
	    0);
	/* The next that is whole and logged does. */
	assert_int_equal(csn_stream_sealer_new(s, SEG, name, header, &st), 0);
	assert_int_equal(push_final(st, out), 0);
	csn_stream_free(st);
	assert_int_equal(streams_open(s, name, &sealed, text, sizeof(text)),
	    CSN_E_REPLAY);
	streams_free(&sealed);
	csn_session_free(s);
	csn_audit_close(o.audit);
	folder_remove(folder);
}

/* Each has a key in the session's list, and neighbours that come and go. */
static void *
seal_and_open(void *arg)
{
	uint8_t header[CSN_SEAL_HEADER], sealed[sizeof(text) + CSN_STREAM_TAG];
	uint8_t out[sizeof(text)];
	struct csn_stream *st;
	int i, rc;

	for (i = 0; i < 500; i++) {
		if (csn_stream_sealer_new(arg, SEG, NULL, header, &st) != 0)
			return arg;
		rc = push_final(st, sealed);
		csn_stream_free(st);
		if (rc != 0 ||
		    csn_stream_opener_new(arg, header, NULL, &st) != 0)
			return arg;
		rc = csn_stream_pull(st, sealed, sizeof(sealed), 1, out);
		csn_stream_free(st);
		if (rc != 0 || memcmp(out, text, sizeof(text)) != 0)
			return arg;
	}
	return NULL;
}

TEST(threads_begin_and_end_streams_of_one_session)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	pthread_t threads[4];
	void *failed;
	int i;

	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    seal_and_open, s), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	csn_session_free(s);
}
