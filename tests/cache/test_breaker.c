/* SPDX-License-Identifier: Apache-2.0 */
/* test_breaker.c - a backend that fails is left alone, then tried again. */
#include <pthread.h>
#include <time.h>

#include "cache/breaker.h"
#include "cache/cache_fixture.h"
#include "lib/test.h"

static struct csn_ctx *ctx;
static struct csn_breaker b;

static void
begin(uint32_t inflight)
{
	const struct csn_cache_options c = { .breaker_failures = 3,
	    .breaker_trials = 2, .breaker_open_ms = 1000,
	    .inflight_max = inflight, .queue_ms = 50 };

	csn_breaker_init(&b, ctx, &c);
}

/* A call that ends so; whether it was let pass. */
static int
call(int failed)
{
	struct csn_breaker_pass pass;

	if (csn_breaker_enter(&b, &pass) != 0)
		return 0;
	(void)csn_breaker_leave(&b, &pass, failed);
	return 1;
}

TEST(it_opens_after_failures_in_a_row)
{
	struct csn_breaker_pass pass;
	int i;

	begin(10);
	for (i = 0; i < 20; i++) {
		assert_true(call(1));
		assert_true(call(1));
		assert_true(call(0));
	}
	assert_int_equal(csn_breaker_state(&b), CSN_CACHE_BREAKER_CLOSED);
	assert_true(call(1));
	assert_true(call(1));
	assert_true(call(1));
	assert_int_equal(csn_breaker_state(&b), CSN_CACHE_BREAKER_OPEN);
	cache_ms += 999;
	assert_int_equal(csn_breaker_enter(&b, &pass), CSN_E_BUSY);
	assert_non_null(strstr(csn_message(), "1 ms"));
	assert_int_equal(atomic_load(&b.opens), 1);
	csn_breaker_destroy(&b);
}

TEST(trials_decide)
{
	struct csn_breaker_pass one, two, three;
	int i;

	begin(10);
	for (i = 0; i < 3; i++)
		assert_true(call(1));
	cache_ms += 1000;
	/* So many at a time as there are trials. */
	assert_int_equal(csn_breaker_enter(&b, &one), 0);
	assert_int_equal(csn_breaker_state(&b),
	    CSN_CACHE_BREAKER_HALF_OPEN);
	assert_int_equal(csn_breaker_enter(&b, &two), 0);
	assert_int_equal(csn_breaker_enter(&b, &three), CSN_E_BUSY);
	assert_int_equal(csn_breaker_leave(&b, &one, 0), 0);
	/* One that fails opens it again, for as long. */
	assert_int_equal(csn_breaker_leave(&b, &two, 1), 1);
	assert_int_equal(csn_breaker_state(&b), CSN_CACHE_BREAKER_OPEN);
	cache_ms += 999;
	assert_false(call(0));
	cache_ms += 1;
	assert_true(call(0));
	assert_int_equal(csn_breaker_state(&b),
	    CSN_CACHE_BREAKER_HALF_OPEN);
	assert_true(call(0));
	assert_int_equal(csn_breaker_state(&b), CSN_CACHE_BREAKER_CLOSED);
	/* As before it: three in a row. */
	assert_true(call(1));
	assert_true(call(1));
	assert_int_equal(csn_breaker_state(&b), CSN_CACHE_BREAKER_CLOSED);
	csn_breaker_destroy(&b);
}

TEST(a_trial_of_another_time_decides_nothing)
{
	struct csn_breaker_pass old, one, two;
	int i;

	begin(10);
	for (i = 0; i < 3; i++)
		assert_true(call(1));
	cache_ms += 1000;
	assert_int_equal(csn_breaker_enter(&b, &old), 0);
	assert_true(call(1));	/* open again while that one is out */
	cache_ms += 1000;
	assert_int_equal(csn_breaker_enter(&b, &one), 0);
	assert_int_equal(csn_breaker_leave(&b, &old, 1), 0);
	assert_int_equal(csn_breaker_state(&b),
	    CSN_CACHE_BREAKER_HALF_OPEN);
	assert_int_equal(csn_breaker_enter(&b, &two), 0);
	assert_int_equal(csn_breaker_leave(&b, &one, 0), 0);
	assert_int_equal(csn_breaker_leave(&b, &two, 0), 0);
	assert_int_equal(csn_breaker_state(&b), CSN_CACHE_BREAKER_CLOSED);
	csn_breaker_destroy(&b);
}

TEST(a_clock_that_jumps_back_does_not_keep_it_open)
{
	int i;

	begin(10);
	for (i = 0; i < 3; i++)
		assert_true(call(1));
	cache_ms -= 500000;
	assert_true(call(0));
	assert_int_equal(csn_breaker_state(&b),
	    CSN_CACHE_BREAKER_HALF_OPEN);
	cache_ms += 500000;
	csn_breaker_destroy(&b);
}

static void *
hold_for_a_while(void *arg)
{
	const struct timespec t = { 0, 20000000 };
	struct csn_breaker_pass pass;

	(void)arg;
	if (csn_breaker_enter(&b, &pass) != 0)
		return NULL;
	nanosleep(&t, NULL);
	(void)csn_breaker_leave(&b, &pass, 0);
	return &b;
}

TEST(too_many_calls_wait_then_are_shed)
{
	struct csn_breaker_pass pass;
	struct timespec before, after;
	pthread_t thread;
	void *got;

	begin(1);
	assert_int_equal(csn_breaker_enter(&b, &pass), 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_false(call(0));
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true((double)(after.tv_sec - before.tv_sec) +
	    (double)(after.tv_nsec - before.tv_nsec) * 1e-9 >= 0.05);
	assert_non_null(strstr(csn_message(), "under way"));
	/* A place that gets free in time is taken. */
	assert_int_equal(pthread_create(&thread, NULL, hold_for_a_while,
	    NULL), 0);
	(void)csn_breaker_leave(&b, &pass, 0);
	pthread_join(thread, &got);
	assert_ptr_equal(got, &b);
	assert_true(call(0));
	assert_int_equal(atomic_load(&b.inflight), 0);
	/* Shed calls are no failures of the backend's. */
	assert_int_equal(csn_breaker_state(&b), CSN_CACHE_BREAKER_CLOSED);
	csn_breaker_destroy(&b);
}

TEST(a_trial_without_a_place_is_another_ones)
{
	struct csn_breaker_pass one, two;
	int i;

	begin(1);
	for (i = 0; i < 3; i++)
		assert_true(call(1));
	cache_ms += 1000;
	assert_int_equal(csn_breaker_enter(&b, &one), 0);
	/* The other trial finds no place, however often it is asked for. */
	for (i = 0; i < 3; i++)
		assert_int_equal(csn_breaker_enter(&b, &two), CSN_E_RATE);
	assert_int_equal(csn_breaker_leave(&b, &one, 0), 0);
	assert_int_equal(csn_breaker_state(&b),
	    CSN_CACHE_BREAKER_HALF_OPEN);
	assert_true(call(0));
	assert_int_equal(csn_breaker_state(&b), CSN_CACHE_BREAKER_CLOSED);
	csn_breaker_destroy(&b);
}

BEFORE_ALL { ctx = cache_ctx(); }
AFTER_ALL { csn_ctx_free(ctx); }
