/* SPDX-License-Identifier: Apache-2.0 */
/* test_flight.c - a value that threads share while one computes it. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "cache/flight.h"
#include "crypto/crypto.h"
#include "lib/test.h"
#include "session/scan.h"

#define LEN 64

static const struct csn_l1_name name = { .hash = 7, .tenant = "a",
    .key = "k", .tenant_len = 1, .key_len = 1 };
static struct csn_flights *flights;
static atomic_int waiting;
static struct needle needle;

/* 1 in *arg where the value came from the other thread. */
static void *
wait_for_it(void *arg)
{
	struct csn_landing got, none = { .rc = CSN_E_NOT_FOUND };
	struct csn_flight *f;
	int *shared = arg, rc;

	atomic_store(&waiting, 1);
	rc = csn_flight_join(flights, &name, 0, 60000, &f, &got);
	if (rc == 1) {		/* too late: it has landed already */
		csn_flight_land(flights, f, &none);
	} else if (rc == 0) {
		*shared = got.rc == 0 && got.len == LEN &&
		    needle_count(&needle) >= 1;
		csn_flight_leave(flights, f);
	}
	return NULL;
}

TEST(a_shared_value_is_wiped_when_the_last_has_left)
{
	struct csn_landing landing = { .len = LEN };
	struct csn_flight *f;
	pthread_t thread;
	uint8_t *value;
	int shared = 0, i;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	assert_non_null(flights = csn_flights_new());
	/* Until the other thread came while this one was computing. */
	while (!shared) {
		assert_non_null(value = malloc(LEN));
		assert_int_equal(csn_random(NULL, value, LEN), 0);
		/* malloc writes over the first bytes of what was freed. */
		needle_set(&needle, value + 16, LEN - 16);
		landing.p = value;
		atomic_store(&waiting, 0);
		assert_int_equal(csn_flight_join(flights, &name, 0, 0, &f,
		    NULL), 1);
		assert_int_equal(pthread_create(&thread, NULL, wait_for_it,
		    &shared), 0);
		while (!atomic_load(&waiting))
			sched_yield();
		for (i = 0; i < 1000; i++)
			sched_yield();
		csn_flight_land(flights, f, &landing);
		csn_wipe_free(value, LEN);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	assert_int_equal(needle_count(&needle), 0);
	csn_flights_free(flights);
}

/* What the other thread's flight ended with goes to *arg. */
static void *
wait_for_its_end(void *arg)
{
	struct csn_landing got, none = { .rc = CSN_E_NOT_FOUND };
	struct csn_flight *f;
	int *end = arg, rc;

	atomic_store(&waiting, 1);
	rc = csn_flight_join(flights, &name, 0, 60000, &f, &got);
	if (rc == 1) {
		csn_flight_land(flights, f, &none);
	} else if (rc == 0) {
		*end = got.rc;
		csn_flight_leave(flights, f);
	}
	return NULL;
}

TEST(a_value_that_cannot_be_copied_is_not_an_empty_one)
{
	/* More than any allocation gives. */
	const uint8_t byte = 1;
	const struct csn_landing landing = { .p = (uint8_t *)(uintptr_t)&byte,
	    .len = PTRDIFF_MAX };
	struct csn_flight *f;
	pthread_t thread;
	int end = 0, i;

	assert_non_null(flights = csn_flights_new());
	while (end == 0) {
		end = 1;
		atomic_store(&waiting, 0);
		assert_int_equal(csn_flight_join(flights, &name, 0, 0, &f,
		    NULL), 1);
		assert_int_equal(pthread_create(&thread, NULL,
		    wait_for_its_end, &end), 0);
		while (!atomic_load(&waiting))
			sched_yield();
		for (i = 0; i < 1000; i++)
			sched_yield();
		csn_flight_land(flights, f, &landing);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_not_equal(end, 0);
		if (end == 1)
			end = 0;	/* it came too late */
	}
	assert_int_equal(end, CSN_E_NOMEM);
	csn_flights_free(flights);
}
