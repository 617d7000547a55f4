/* SPDX-License-Identifier: Apache-2.0 */
/* A watch: beats, errors, outputs, and its end. */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <caisson/advanced.h>

#include "attest/scene.h"
#include "lib/test.h"

/* What the callback saw, and what it is to do. */
struct seen {
	struct scene *s;
	int beats;
	int good;
	int full;
	uint64_t missed;
	uint64_t hashed;
	uint32_t failures;
	int code;
	char changed[64];
	int verified;		/* what the verifier said of the last report */
	int stop_at;
	int (*act)(struct seen *seen);
	struct csn_watch *c;
};

static int
challenge(void *arg, uint8_t nonce[CSN_NONCE_MAX], size_t *len)
{
	struct seen *seen = arg;

	*len = 32;
	return csn_verifier_challenge(seen->s->verifier, nonce);
}

static int
beat(void *arg, const struct csn_beat *b)
{
	struct seen *seen = arg;
	size_t i;

	seen->beats++;
	assert_int_equal(b->round, seen->beats);
	seen->missed = b->missed;
	seen->failures = b->failures;
	seen->code = b->code;
	seen->changed[0] = '\0';
	if (b->code == 0) {
		seen->good++;
		seen->full += b->full;
		seen->hashed = b->hashed;
		for (i = 0; i < b->nchanged; i++) {
			strncat(seen->changed, b->changed[i], 30);
			strncat(seen->changed, " ", 2);
		}
		seen->verified = csn_verifier_check(seen->s->verifier,
		    SCENE_WORKLOAD, b->report, b->len, 0, 0, NULL);
	} else {
		assert_null(b->report);
	}
	return seen->act != NULL ? seen->act(seen) : 0;
}

static struct csn_watch_options
options(struct seen *seen, uint64_t rounds)
{
	struct csn_watch_options o = {
		.size = sizeof(o), .interval_ms = 5, .rounds = rounds,
		.challenge = challenge, .beat = beat, .arg = seen,
	};

	return o;
}

static int
run(struct seen *seen, const struct csn_watch_options *o)
{
	int rc;

	assert_int_equal(csn_watch_new(seen->s->ctx, seen->s->attester,
	    o, &seen->c), 0);
	rc = csn_watch_run(seen->c);
	csn_watch_free(seen->c);
	return rc;
}

FIXTURE(struct scene, scene_start, scene_end);

TEST(it_ends_after_its_rounds, struct scene *s)
{
	struct seen seen = { .s = s };
	struct csn_watch_options o = options(&seen, 5);
	struct timespec a, b;

	o.jitter_percent = 50;
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(run(&seen, &o), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	assert_int_equal(seen.beats, 5);
	assert_int_equal(seen.good, 5);
	assert_int_equal(seen.verified, 0);
	/* Five beats span four intervals. */
	assert_true((b.tv_sec - a.tv_sec) * 1000 +
	    (b.tv_nsec - a.tv_nsec) / 1000000 >= 18);
}

static int
tamper_at_three(struct seen *seen)
{
	if (seen->beats == 3) {
		seen->s->weights[3] ^= 1;
		assert_int_equal(csn_regions_touch_buffer(seen->s->regions,
		    "weights", 3, 1), 0);
	}
	if (seen->beats == 4) {
		assert_string_equal(seen->changed, "weights ");
		assert_int_equal(seen->hashed, SCENE_LEAF + SCENE_CODE);
	}
	assert_int_equal(seen->verified, seen->beats < 4 ? 0 : CSN_E_DRIFT);
	return 0;
}

TEST(a_change_is_seen_at_the_next_beat, struct scene *s)
{
	struct seen seen = { .s = s, .act = tamper_at_three };
	struct csn_watch_options o = options(&seen, 5);

	assert_int_equal(csn_regions_touch_buffer(seen.s->regions, "weights",
	    0, 0), 0);
	assert_int_equal(run(&seen, &o), 0);
	assert_int_equal(seen.beats, 5);
	assert_int_equal(seen.full, 1);
}

static int
slow(struct seen *seen)
{
	struct timespec t = { .tv_nsec = 42000000 };

	if (seen->beats == 2)
		(void)nanosleep(&t, NULL);
	return 0;
}

TEST(beats_that_are_missed_are_counted, struct scene *s)
{
	struct seen seen = { .s = s, .act = slow };
	struct csn_watch_options o = options(&seen, 4);

	o.interval_ms = 10;
	assert_int_equal(run(&seen, &o), 0);
	assert_true(seen.missed >= 4);
	assert_int_equal(seen.good, 4);
}

/* From the second beat on there is no challenge to be had, for a while. */
static int
refuse(void *arg, uint8_t nonce[CSN_NONCE_MAX], size_t *len)
{
	struct seen *seen = arg;

	if (seen->beats >= 1 && seen->beats < 4)
		return CSN_E_IO;
	return challenge(arg, nonce, len);
}

static int
failures_rise(struct seen *seen)
{
	if (seen->beats >= 2 && seen->beats <= 4) {
		assert_int_equal(seen->code, CSN_E_IO);
		assert_int_equal(seen->failures, seen->beats - 1);
	} else {
		assert_int_equal(seen->code, 0);
		assert_int_equal(seen->failures, 0);
	}
	return 0;
}

TEST(errors_are_told_and_waited_out, struct scene *s)
{
	struct seen seen = { .s = s, .act = failures_rise };
	struct csn_watch_options o = options(&seen, 3);

	o.challenge = refuse;
	assert_int_equal(run(&seen, &o), 0);
	assert_int_equal(seen.beats, 6);
	assert_int_equal(seen.good, 3);
	/* It waited 5, 10 and 20 ms, in beats of 5. */
	assert_true(seen.missed >= 4);
}

/* Whoever asks has memory read after asking, not before. */
static int
tamper_when_asked(void *arg, uint8_t nonce[CSN_NONCE_MAX], size_t *len)
{
	struct seen *seen = arg;

	if (seen->beats == 1) {
		seen->s->weights[3] ^= 1;
		assert_int_equal(csn_regions_touch_buffer(seen->s->regions,
		    "weights", 3, 1), 0);
	}
	return challenge(arg, nonce, len);
}

static int
drift_at_two(struct seen *seen)
{
	assert_int_equal(seen->verified, seen->beats < 2 ? 0 : CSN_E_DRIFT);
	return 0;
}

TEST(memory_is_read_after_the_nonce_came, struct scene *s)
{
	struct seen seen = { .s = s, .act = drift_at_two };
	struct csn_watch_options o = options(&seen, 2);

	o.challenge = tamper_when_asked;
	assert_int_equal(run(&seen, &o), 0);
	assert_int_equal(seen.beats, 2);
}

static int
never(void *arg, uint8_t nonce[CSN_NONCE_MAX], size_t *len)
{
	(void)arg;
	(void)nonce;
	(void)len;
	return CSN_E_IO;
}

TEST(too_many_failures_end_it, struct scene *s)
{
	struct seen seen = { .s = s };
	struct csn_watch_options o = options(&seen, 0);
	struct timespec a, b;

	o.challenge = never;
	o.max_failures = 6;
	o.backoff_max_ms = 10;
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(run(&seen, &o), CSN_E_IO);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	assert_int_equal(seen.beats, 6);
	/* 5 + 4 times 10, where uncapped it were 155 */
	assert_true((b.tv_sec - a.tv_sec) * 1000 +
	    (b.tv_nsec - a.tv_nsec) / 1000000 < 1000);
}

static int
give_up(struct seen *seen)
{
	return seen->beats == 2 ? 42 : 0;
}

TEST(the_callback_may_end_it, struct scene *s)
{
	struct seen seen = { .s = s, .act = give_up };
	struct csn_watch_options o = options(&seen, 0);

	assert_int_equal(run(&seen, &o), 42);
	assert_int_equal(seen.beats, 2);
}

static void *
run_in_thread(void *arg)
{
	struct seen *seen = arg;

	seen->code = csn_watch_run(seen->c);
	return NULL;
}

TEST(another_thread_may_stop_it, struct scene *s)
{
	struct seen seen = { .s = s };
	struct csn_watch_options o = options(&seen, 0);
	pthread_t t;

	o.interval_ms = 3600000;
	assert_int_equal(csn_watch_new(seen.s->ctx, seen.s->attester, &o,
	    &seen.c), 0);
	assert_int_equal(pthread_create(&t, NULL, run_in_thread, &seen), 0);
	csn_watch_stop(seen.c);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(seen.code, 0);
	csn_watch_free(seen.c);
	csn_watch_free(NULL);
	csn_watch_stop(NULL);
}

static int
stop_at_second(struct seen *seen)
{
	if (seen->beats == 2)
		csn_watch_stop(seen->c);
	return 0;
}

TEST(after_a_stop_it_runs_anew, struct scene *s)
{
	struct seen seen = { .s = s, .act = stop_at_second };
	struct csn_watch_options o = options(&seen, 3);

	assert_int_equal(csn_watch_new(seen.s->ctx, seen.s->attester, &o,
	    &seen.c), 0);
	assert_int_equal(csn_watch_run(seen.c), 0);
	assert_int_equal(seen.beats, 2);
	seen.beats = 0;
	seen.act = NULL;
	assert_int_equal(csn_watch_run(seen.c), 0);
	assert_int_equal(seen.beats, 3);
	/* One from before it runs is not lost: that run ends at once. */
	csn_watch_stop(seen.c);
	seen.beats = 0;
	assert_int_equal(csn_watch_run(seen.c), 0);
	assert_int_equal(seen.beats, 0);
	csn_watch_free(seen.c);
}

TEST(the_newest_report_is_put_into_a_file, struct scene *s)
{
	struct seen seen = { .s = s };
	struct csn_watch_options o = options(&seen, 3);
	char *folder = folder_new(), *path, *url;
	uint8_t *report;
	size_t len;

	path = path_in(folder, "report.cose");
	assert_true(asprintf(&url, "file:%s", path) > 0);
	o.output = url;
	o.beat = NULL;
	assert_int_equal(run(&seen, &o), 0);
	report = file_read(path, &len);
	assert_int_equal(scene_verify(seen.s, report, len, 0), 0);
	free(report);
	/* A place that is not there fails the round. */
	free(url);
	assert_true(asprintf(&url, "file:%s/no/such", folder) > 0);
	o.output = url;
	o.max_failures = 1;
	assert_int_equal(run(&seen, &o), CSN_E_IO);
	free(url);
	free(path);
	folder_remove(folder);
}

struct listener {
	int fd;
	uint8_t bytes[65536];
	size_t len;
};

static void *
listen_once(void *arg)
{
	struct listener *l = arg;
	ssize_t n;
	int fd = accept(l->fd, NULL, NULL);

	while (fd >= 0 && l->len < sizeof(l->bytes) && (n = read(fd,
	    l->bytes + l->len, sizeof(l->bytes) - l->len)) > 0)
		l->len += (size_t)n;
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

TEST(a_report_goes_to_a_socket, struct scene *s)
{
	static struct listener l;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char *folder = folder_new(), *path, *url;
	uint8_t *report;
	pthread_t t;
	size_t len;

	path = path_in(folder, "socket");
	assert_true(asprintf(&url, "unix:%s", path) > 0);
	assert_true(strlen(path) < sizeof(at.sun_path));
	memcpy(at.sun_path, path, strlen(path) + 1);
	report = scene_report(s, &len);
	/* Nobody listens yet. */
	assert_int_equal(csn_report_deliver(s->ctx, url, report, len),
	    CSN_E_IO);
	memset(&l, 0, sizeof(l));
	assert_true((l.fd = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
	assert_int_equal(bind(l.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(l.fd, 1), 0);
	assert_int_equal(pthread_create(&t, NULL, listen_once, &l), 0);
	assert_int_equal(csn_report_deliver(s->ctx, url, report, len), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	(void)close(l.fd);
	assert_int_equal(l.len, len);
	assert_memory_equal(l.bytes, report, len);
	assert_int_equal(csn_report_deliver(s->ctx, "ftp://x", report, len),
	    CSN_E_ARG);
	assert_int_equal(csn_report_deliver(s->ctx, "unix:", report, len),
	    CSN_E_ARG);
	csn_free(report);
	free(url);
	free(path);
	folder_remove(folder);
}

static int
stop_and_challenge(void *arg, uint8_t nonce[CSN_NONCE_MAX], size_t *len)
{
	struct seen *seen = arg;

	csn_watch_stop(seen->c);
	return challenge(arg, nonce, len);
}

/* Nobody takes what comes to it; its queue has room for none. */
static int
deaf_socket(const char *path, int fill[8])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), i;

	assert_true(fd >= 0 && strlen(path) < sizeof(at.sun_path));
	memcpy(at.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 0), 0);
	for (i = 0; i < 8; i++) {
		fill[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fill[i], (struct sockaddr *)&at, sizeof(at));
	}
	return fd;
}

TEST(a_delivery_that_nobody_takes_ends_with_a_stop, struct scene *s)
{
	struct seen seen = { .s = s };
	struct csn_watch_options o = options(&seen, 1);
	char *folder = folder_new(), *path, *url;
	int fill[8], fd, i;

	path = path_in(folder, "socket");
	assert_true(asprintf(&url, "unix:%s", path) > 0);
	fd = deaf_socket(path, fill);
	o.output = url;
	o.challenge = stop_and_challenge;
	assert_int_equal(run(&seen, &o), 0);
	/* It was called off; that is no failure to be told. */
	assert_int_equal(seen.beats, 0);
	for (i = 0; i < 8; i++)
		(void)close(fill[i]);
	(void)close(fd);
	(void)unlink(path);
	free(url);
	free(path);
	folder_remove(folder);
}

struct undelivered {
	struct scene *s;
	int beats;
};

static int
beat_undelivered(void *arg, const struct csn_beat *b)
{
	struct undelivered *u = arg;

	u->beats++;
	assert_int_equal(b->code, CSN_E_IO);
	assert_null(b->report);
	assert_int_equal(b->total, SCENE_WEIGHTS + SCENE_CODE);
	assert_int_equal(b->hashed, b->total);
	if (u->beats == 1) {
		assert_int_equal(b->nchanged, 2);
		u->s->weights[3] ^= 1;
	} else if (u->beats == 2) {
		assert_int_equal(b->nchanged, 1);
		assert_string_equal(b->changed[0], "weights");
	} else {
		assert_int_equal(b->nchanged, 0);
	}
	return u->beats == 3;
}

TEST(what_was_seen_is_told_though_the_report_was_not_delivered, struct scene *s)
{
	struct undelivered u = { .s = s };
	struct csn_watch_options o = {
		.size = sizeof(o), .interval_ms = 1, .backoff_max_ms = 1,
		.beat = beat_undelivered, .arg = &u,
		.output = "unix:/nonexistent/caisson",
	};
	struct csn_watch *c;

	assert_int_equal(csn_watch_new(u.s->ctx, u.s->attester, &o, &c),
	    0);
	assert_int_equal(csn_watch_run(c), 1);
	csn_watch_free(c);
	assert_int_equal(u.beats, 3);
}

static int
beat_without_report(void *arg, const struct csn_beat *b)
{
	struct seen *seen = arg;

	assert_int_equal(b->code, 0);
	assert_null(b->report);
	assert_int_equal(b->total, SCENE_WEIGHTS + SCENE_CODE);
	seen->beats++;
	return 0;
}

TEST(without_an_identity_it_watches_and_delivers_nothing, struct scene *s)
{
	struct seen seen = { .s = s };
	struct csn_attester_options a = scene_options(seen.s);
	struct csn_watch_options o = options(&seen, 3);
	struct csn_attester *watcher;

	a.identity = NULL;
	watcher = scene_attester(seen.s, &a);
	o.challenge = NULL;
	o.beat = beat_without_report;
	assert_int_equal(csn_watch_new(seen.s->ctx, watcher, &o,
	    &seen.c), 0);
	assert_int_equal(csn_watch_run(seen.c), 0);
	assert_int_equal(seen.beats, 3);
	csn_watch_free(seen.c);
	o.output = "file:/nowhere";
	assert_int_equal(csn_watch_new(seen.s->ctx, watcher, &o,
	    &seen.c), CSN_E_ARG);
	csn_attester_free(watcher);
}

TEST(options_that_make_no_sense_are_refused, struct scene *s)
{
	struct seen seen = { .s = s };
	struct csn_watch_options o = options(&seen, 1);

	o.interval_ms = 0;
	assert_int_equal(csn_watch_new(seen.s->ctx, seen.s->attester, &o,
	    &seen.c), CSN_E_ARG);
	o.interval_ms = 1;
	o.jitter_percent = 101;
	assert_int_equal(csn_watch_new(seen.s->ctx, seen.s->attester, &o,
	    &seen.c), CSN_E_ARG);
	assert_int_equal(csn_watch_run(NULL), CSN_E_ARG);
}
