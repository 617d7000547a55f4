/* SPDX-License-Identifier: Apache-2.0 */
/* attest/watch.c - a report at each beat, until it ends. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "attest/attester.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/sized.h"

#define ROOM "attest"
#define BACKOFF_MAX_MS 60000
#define MAX_INTERVAL_MS (UINT64_C(366) * 86400 * 1000)

struct csn_watch {
	struct csn_ctx *ctx;
	struct csn_attester *a;
	struct csn_watch_options o;	/* output is ours */
	int stop;		/* an eventfd: readable once it is to end */
	uint64_t start;		/* of the first beat, on our clock */
	uint64_t beat;		/* the last one's number, from 0 */
	uint64_t round;
	uint64_t good;
	uint64_t missed;
	uint32_t failures;
};

/*
 * Beats are paced by the system's own clock, not by the context's: a test's
 * clock that stands still must not make a loop that never waits.
 */
static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int
options_ok(struct csn_ctx *ctx, const struct csn_watch_options *o)
{
	if (o->interval_ms == 0 || o->interval_ms > MAX_INTERVAL_MS ||
	    o->jitter_percent > 100 || o->backoff_max_ms > MAX_INTERVAL_MS)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a watch "
		    "needs an interval of up to a year, and a jitter of at "
		    "most 100 per cent");
	return 0;
}

int
csn_watch_new(struct csn_ctx *ctx, struct csn_attester *attester,
    const struct csn_watch_options *options,
    struct csn_watch **out)
{
	CSN_UNCANCELLED;
	struct csn_watch_options o;
	struct csn_watch *c;
	int rc;

	if (ctx == NULL || attester == NULL || options == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a watch "
		    "needs an attester, options and a place to go");
	if ((rc = CSN_TAKE(&o, options, csn_watch_options,
	    output)) != 0 || (rc = options_ok(ctx, &o)) != 0)
		return rc;
	if (o.output != NULL && attester->o.identity == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "what goes to %.60s is "
		    "a report, and this attester has no identity to sign it",
		    o.output);
	if (o.backoff_max_ms == 0)
		o.backoff_max_ms = o.interval_ms > BACKOFF_MAX_MS ?
		    o.interval_ms : BACKOFF_MAX_MS;
	if ((c = csn_calloc(1, sizeof(*c))) == NULL)
		return csn_nomem(ctx, ROOM, "a watch");
	c->ctx = ctx;
	c->a = attester;
	c->o = o;
	c->o.output = o.output != NULL ? csn_strdup(o.output) : NULL;
	c->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->stop < 0 || (o.output != NULL && c->o.output == NULL)) {
		rc = csn_fail(ctx, CSN_E_NOMEM, ROOM,
		    "no memory or descriptor for a watch");
		csn_watch_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void
csn_watch_free(struct csn_watch *c)
{
	CSN_UNCANCELLED;
	if (c == NULL)
		return;
	if (c->stop >= 0)
		(void)close(c->stop);
	csn_free((char *)(uintptr_t)c->o.output);
	free(c);
}

void
csn_watch_stop(struct csn_watch *c)
{
	const uint64_t one = 1;
	int before = errno;

	/* write(2) may be called from a signal handler. */
	if (c != NULL && write(c->stop, &one, sizeof(one)) < 0)
		errno = before;
}

/* Wait until then. 1 where it is to end. */
static int
wait_until(struct csn_watch *c, uint64_t then)
{
	struct pollfd p = { .fd = c->stop, .events = POLLIN };
	uint64_t now, left;

	for (;;) {
		now = now_ms();
		left = then > now ? then - now : 0;
		if (poll(&p, 1, left > 60000 ? 60000 : (int)left) > 0)
			return 1;
		if (now >= then)
			return 0;
	}
}

static int
is_stopped(const struct csn_watch *c)
{
	struct pollfd p = { .fd = c->stop, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* A share of the interval, at random: no two attesters keep step. */
static uint64_t
jitter(struct csn_watch *c)
{
	uint64_t span = c->o.interval_ms * c->o.jitter_percent / 100, x;

	if (span == 0 || csn_random(c->ctx, &x, sizeof(x)) != 0)
		return 0;
	return x % (span + 1);
}

/* What the wait is after so many failures in a row. */
static uint64_t
backoff(const struct csn_watch *c)
{
	uint64_t wait = c->o.interval_ms;
	uint32_t i;

	for (i = 1; i < c->failures && wait < c->o.backoff_max_ms; i++)
		wait *= 2;
	return wait < c->o.backoff_max_ms ? wait : c->o.backoff_max_ms;
}

/* When to go on; beats that are over by then count as missed. */
static uint64_t
next_beat(struct csn_watch *c)
{
	uint64_t now = now_ms(), next = c->beat + 1, due;

	due = now - c->start;
	if (c->failures > 0)
		due += backoff(c);
	/* The first beat that is not before then. */
	if (next * c->o.interval_ms < due)
		next = due / c->o.interval_ms +
		    (due % c->o.interval_ms != 0);
	c->missed += next - c->beat - 1;
	c->beat = next;
	return c->start + next * c->o.interval_ms + jitter(c);
}

/* --- one round ---------------------------------------------------------- */

static int
attest(struct csn_watch *c, uint8_t **report, size_t *len)
{
	uint8_t nonce[CSN_NONCE_MAX];
	size_t nonce_len = 0;
	int rc;

	/* First the nonce: a look from before it came proves nothing. */
	if (c->o.challenge != NULL && c->a->o.identity != NULL &&
	    (rc = c->o.challenge(c->o.arg, nonce, &nonce_len)) != 0)
		return csn_fail(c->ctx, rc, ROOM,
		    "no nonce came from the verifier: %s",
		    csn_error_text(rc));
	if ((rc = csn_attester_measure(c->a, 1)) != 0)
		return rc;
	if (c->a->o.identity == NULL)
		return 0;
	if ((rc = csn_attester_report(c->a, c->o.challenge != NULL ? nonce :
	    NULL, nonce_len, report, len)) != 0)
		return rc;
	if (c->o.output == NULL)
		return 0;
	return csn_report_deliver_until(c->ctx, c->o.output, *report, *len,
	    c->stop);
}

/* The ids of the regions that changed; they are the attester's. */
static int
list_changed(struct csn_watch *c, const char ***ids, size_t *n)
{
	struct csn_snapshot s = { .size_of = sizeof(s) };
	size_t i, count = csn_attester_count(c->a);

	if ((*ids = csn_calloc(count, sizeof(**ids))) == NULL)
		return csn_nomem(c->ctx, ROOM, "a list of regions");
	for (i = *n = 0; i < count; i++)
		if (csn_attester_snapshot(c->a, i, &s) == 0 && s.changed)
			(*ids)[(*n)++] = s.region;
	return 0;
}

/* One round and its callback; what ends the run is returned in *end. */
static int
one_round(struct csn_watch *c, int *end)
{
	struct csn_beat beat = { .size = sizeof(beat) };
	const char **changed = NULL;
	uint8_t *report = NULL;
	size_t len = 0;
	int rc, told, said = 0;

	c->round++;
	rc = attest(c, &report, &len);
	/* Called off by our own stop: that is the end, and no failure. */
	if (rc == CSN_E_CANCELLED && is_stopped(c)) {
		csn_free(report);
		*end = 1;
		return 0;
	}
	/* What was measured is told, whatever became of the report. */
	told = csn_attester_count(c->a) > 0 ?
	    list_changed(c, &changed, &beat.nchanged) : 0;
	if (rc == 0)
		rc = told;
	beat.full = csn_attester_was_full(c->a);
	if (csn_attester_count(c->a) > 0)
		csn_attester_work(c->a, &beat.hashed, &beat.total);
	if (rc == 0) {
		c->good++;
		c->failures = 0;
		beat.report = report;
		beat.len = len;
	} else {
		c->failures++;
	}
	beat.code = rc;
	beat.round = c->round;
	beat.changed = changed;
	beat.missed = c->missed;
	beat.failures = c->failures;
	if (c->o.beat != NULL)
		said = c->o.beat(c->o.arg, &beat);
	csn_free(report);
	free(changed);
	*end = said != 0 || (rc == 0 ? c->o.rounds != 0 &&
	    c->good >= c->o.rounds : c->o.max_failures != 0 &&
	    c->failures >= c->o.max_failures);
	return said != 0 ? said : rc;
}

static int
run(struct csn_watch *c)
{
	CSN_UNCANCELLED;
	int rc, end = 0;

	c->start = now_ms();
	c->beat = c->round = c->good = c->missed = 0;
	c->failures = 0;
	if (wait_until(c, c->start))
		return 0;
	for (;;) {
		rc = one_round(c, &end);
		if (end)
			return rc;
		if (wait_until(c, next_beat(c)))
			return 0;
	}
}

int
csn_watch_run(struct csn_watch *c)
{
	uint64_t stops;
	int rc;

	if (c == NULL)
		return csn_fail(NULL, CSN_E_ARG, ROOM,
		    "running needs a watch");
	rc = run(c);
	/*
	 * What stopped this run stops no other. A stop that came before it
	 * ended it at once: that is how a signal in between is not lost.
	 */
	if (read(c->stop, &stops, sizeof(stops)) < 0 && errno != EAGAIN)
		return csn_fail_errno(c->ctx, CSN_E_IO, ROOM, errno,
		    "the stop cannot be taken back");
	return rc;
}
