/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/attest/turn.c - one measurement for all who wait, then a rest.
 *
 * Whoever asks for measurements may stop the workload for as long as one
 * takes, so a measurement is followed by a time in which none begins, and
 * all who came before it began get a report of the same one.
 */
#include <time.h>

#include "../lib/cli.h"
#include "turn.h"

int
attest_turn_init(struct attest_turn *t, unsigned duty)
{
	pthread_condattr_t attr;
	int rc;

	*t = (struct attest_turn){ .duty = duty };
	if (pthread_condattr_init(&attr) != 0)
		return -1;
	/* That of cli_now_ns(). */
	rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (rc == 0)
		rc = pthread_cond_init(&t->change, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (rc != 0)
		return -1;
	(void)pthread_mutex_init(&t->lock, NULL);
	return 0;
}

void
attest_turn_destroy(struct attest_turn *t)
{
	(void)pthread_cond_destroy(&t->change);
	(void)pthread_mutex_destroy(&t->lock);
}

void
attest_turn_stop(struct attest_turn *t)
{
	pthread_mutex_lock(&t->lock);
	t->stopping = 1;
	pthread_cond_broadcast(&t->change);
	pthread_mutex_unlock(&t->lock);
}

static void
wait_until(struct attest_turn *t, uint64_t ns)
{
	struct timespec then = { .tv_sec = (time_t)(ns / 1000000000),
	    .tv_nsec = (long)(ns % 1000000000) };

	(void)pthread_cond_timedwait(&t->change, &t->lock, &then);
}

/*
 * All who wait now are owed a report of this one. One that nobody asked for
 * has no rest after it. The lock is held.
 */
static void
measure(struct attest_turn *t, int (*work)(void *arg), int asked, void *arg)
{
	uint64_t began = cli_now_ns(), now;
	int code;

	t->busy = 1;
	t->started++;
	t->owed = t->waiting;
	t->waiting = 0;
	pthread_mutex_unlock(&t->lock);
	code = work(arg);
	now = cli_now_ns();
	pthread_mutex_lock(&t->lock);
	t->busy = 0;
	t->code = code;
	t->done = t->started;
	t->ready_ns = !asked ? 0 : now + (now - began) / t->duty *
	    (100 - t->duty);
	pthread_cond_broadcast(&t->change);
}

/* 0 once the measurement with that number is done. The lock is held. */
static int
await(struct attest_turn *t, uint64_t wanted, uint64_t until_ns,
    int (*work)(void *arg), int asked, void *arg)
{
	uint64_t now;

	while (t->done < wanted || t->busy) {
		now = cli_now_ns();
		if (t->started >= wanted) {
			/* It is being made, or another's report of it is. */
			pthread_cond_wait(&t->change, &t->lock);
		} else if (t->stopping || now >= until_ns ||
		    t->ready_ns >= until_ns) {
			t->waiting--;
			return CSN_E_BUSY;
		} else if (t->busy || t->owed > 0) {
			wait_until(t, until_ns);
		} else if (now < t->ready_ns) {
			wait_until(t, t->ready_ns);
		} else {
			measure(t, work, asked, arg);
		}
	}
	return 0;
}

int
attest_turn_take(struct attest_turn *t, uint64_t until_ns,
    int (*work)(void *arg), int (*report)(void *arg), void *arg,
    uint64_t *ready_ns)
{
	int code;

	pthread_mutex_lock(&t->lock);
	t->waiting++;
	/* One that has begun already says nothing about now. */
	code = await(t, t->started + 1, until_ns, work, report != NULL, arg);
	*ready_ns = t->ready_ns;
	if (code != 0)
		goto out;
	if ((code = t->code) == 0 && report != NULL) {
		t->busy = 1;
		pthread_mutex_unlock(&t->lock);
		code = report(arg);
		pthread_mutex_lock(&t->lock);
		t->busy = 0;
	}
	t->owed--;
	pthread_cond_broadcast(&t->change);
out:
	pthread_mutex_unlock(&t->lock);
	return code;
}
