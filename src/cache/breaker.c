/* SPDX-License-Identifier: Apache-2.0 */
/* cache/breaker.c - when to stop asking a backend, and how many may ask. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "cache/breaker.h"

#define ROOM "cache"

void
csn_breaker_init(struct csn_breaker *b, struct csn_ctx *ctx,
    const struct csn_cache_options *c)
{

	memset(b, 0, sizeof(*b));
	b->ctx = ctx;
	b->failures = c->breaker_failures;
	b->trials = c->breaker_trials;
	b->open_ms = c->breaker_open_ms;
	b->inflight_max = c->inflight_max;
	b->queue_ms = c->queue_ms;
	atomic_init(&b->state, CSN_CACHE_BREAKER_CLOSED);
	pthread_mutex_init(&b->lock, NULL);
	(void)csn_cond_init(&b->room);
}

void
csn_breaker_destroy(struct csn_breaker *b)
{
	pthread_cond_destroy(&b->room);
	pthread_mutex_destroy(&b->lock);
}

static int
take_place(struct csn_breaker *b)
{
	if (atomic_fetch_add(&b->inflight, 1) < b->inflight_max)
		return 1;
	atomic_fetch_sub(&b->inflight, 1);
	return 0;
}

static void
leave_place(struct csn_breaker *b)
{
	atomic_fetch_sub(&b->inflight, 1);
	if (atomic_load(&b->waiting) == 0)
		return;
	pthread_mutex_lock(&b->lock);
	pthread_cond_signal(&b->room);
	pthread_mutex_unlock(&b->lock);
}

/* Wait for a place, for queue_ms at most. */
static int
queue(struct csn_breaker *b)
{
	uint64_t until;
	int rc = 0, placed;

	/* The millisecond that has begun is not counted: never less. */
	until = csn_now_ms() + 1 + b->queue_ms;
	pthread_mutex_lock(&b->lock);
	atomic_fetch_add(&b->waiting, 1);
	while (!(placed = take_place(b)) && rc != ETIMEDOUT)
		rc = csn_cond_wait(&b->room, &b->lock, until);
	atomic_fetch_sub(&b->waiting, 1);
	pthread_mutex_unlock(&b->lock);
	return placed;
}

/* Not closed: whether this call may be a trial. */
static int
enter_trial(struct csn_breaker *b, struct csn_breaker_pass *pass)
{
	uint64_t now = csn_ctx_boot_ms(b->ctx), left = 0;
	int rc = 0;

	pthread_mutex_lock(&b->lock);
	if (atomic_load(&b->state) == CSN_CACHE_BREAKER_OPEN) {
		if (now >= b->opened_at && now - b->opened_at < b->open_ms) {
			left = b->open_ms - (now - b->opened_at);
			rc = CSN_E_BUSY;
		} else {
			atomic_store(&b->state, CSN_CACHE_BREAKER_HALF_OPEN);
			b->trying = b->succeeded = 0;
			/* 0 says that a pass is no trial. */
			if (++b->era == 0)
				b->era = 1;
		}
	}
	if (rc == 0 &&
	    atomic_load(&b->state) == CSN_CACHE_BREAKER_HALF_OPEN) {
		if (b->trying < b->trials) {
			b->trying++;
			pass->trial = b->era;
		} else {
			rc = CSN_E_BUSY;
		}
	}
	pthread_mutex_unlock(&b->lock);
	if (rc != 0)
		return csn_fail(b->ctx, rc, ROOM, "the backend failed too "
		    "often and is left alone: it is tried again in %llu ms",
		    (unsigned long long)left);
	return 0;
}

static int
open_it(struct csn_breaker *b)
{
	atomic_store(&b->state, CSN_CACHE_BREAKER_OPEN);
	atomic_store(&b->failed, 0);
	atomic_fetch_add(&b->opens, 1);
	b->opened_at = csn_ctx_boot_ms(b->ctx);
	return 1;
}

static int
count_failure(struct csn_breaker *b)
{
	int opened = 0;

	if (atomic_fetch_add(&b->failed, 1) + 1 < b->failures)
		return 0;
	pthread_mutex_lock(&b->lock);
	if (atomic_load(&b->state) == CSN_CACHE_BREAKER_CLOSED)
		opened = open_it(b);
	pthread_mutex_unlock(&b->lock);
	return opened;
}

static int
end_trial(struct csn_breaker *b, uint32_t era, int failed)
{
	int opened = 0;

	pthread_mutex_lock(&b->lock);
	/* Another trial's failure may have opened it meanwhile. */
	if (era == b->era &&
	    atomic_load(&b->state) == CSN_CACHE_BREAKER_HALF_OPEN) {
		b->trying--;
		if (failed) {
			opened = open_it(b);
		} else if (++b->succeeded >= b->trials) {
			atomic_store(&b->failed, 0);
			atomic_store(&b->state, CSN_CACHE_BREAKER_CLOSED);
		}
	}
	pthread_mutex_unlock(&b->lock);
	return opened;
}

int
csn_breaker_enter(struct csn_breaker *b, struct csn_breaker_pass *pass)
{
	int rc;

	pass->trial = 0;
	if (atomic_load_explicit(&b->state, memory_order_acquire) !=
	    CSN_CACHE_BREAKER_CLOSED && (rc = enter_trial(b, pass)) != 0)
		return rc;
	if (take_place(b) || (b->queue_ms > 0 && queue(b)))
		return 0;
	if (pass->trial) {
		pthread_mutex_lock(&b->lock);
		if (pass->trial == b->era)
			b->trying--;
		pthread_mutex_unlock(&b->lock);
	}
	return csn_fail(b->ctx, CSN_E_RATE, ROOM, "%u calls to the backend "
	    "are under way, and none ended within %u ms", b->inflight_max,
	    b->queue_ms);
}

int
csn_breaker_leave(struct csn_breaker *b, const struct csn_breaker_pass *pass,
    int failed)
{
	leave_place(b);
	if (pass->trial)
		return end_trial(b, pass->trial, failed);
	if (failed)
		return count_failure(b);
	if (atomic_load_explicit(&b->failed, memory_order_relaxed) != 0)
		atomic_store(&b->failed, 0);
	return 0;
}

int
csn_breaker_state(struct csn_breaker *b)
{
	return (int)atomic_load(&b->state);
}

int
csn_breaker_worst(struct csn_breaker *b, size_t n)
{
	int state, worst = CSN_CACHE_BREAKER_CLOSED;
	size_t i;

	for (i = 0; i < n; i++) {
		state = csn_breaker_state(&b[i]);
		if (state > worst)
			worst = state;
	}
	return worst;
}
