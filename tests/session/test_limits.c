/* test_limits.c - how many offers are answered, and none twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/limits.h"

static struct csn_limits *
start(uint64_t rate, uint64_t burst, uint64_t sender_rate, uint64_t now)
{
	struct csn_limits *l = malloc(sizeof(*l));

	assert_non_null(l);
	csn_limits_init(l, rate, burst, sender_rate, now);
	return l;
}

static void
end(struct csn_limits *l)
{
	csn_limits_end(l);
	free(l);
}

static int
any_of(struct csn_limits *l, int tries, uint64_t now)
{
	int i, n = 0;

	for (i = 0; i < tries; i++)
		n += csn_limits_any(l, now);
	return n;
}

static void
a_burst_then_the_rate(void **state)
{
	struct csn_limits *l = start(10, 25, 60, 5000);
	uint64_t ms;
	int n = 0;

	(void)state;
	assert_int_equal(any_of(l, 100, 5000), 25);
	/* Ten a second: one every 100 ms, also when asked each ms. */
	for (ms = 1; ms <= 10000; ms++)
		n += csn_limits_any(l, 5000 + ms);
	assert_in_range(n, 99, 100);
	/* A long silence fills the bucket and no more. */
	assert_int_equal(any_of(l, 1000, UINT64_MAX / 2), 25);
	end(l);
}

static void
a_clock_that_goes_back_gives_nothing(void **state)
{
	struct csn_limits *l = start(10, 5, 60, 1000000);

	(void)state;
	assert_int_equal(any_of(l, 10, 1000000), 5);
	assert_int_equal(any_of(l, 10, 500000), 0);
	assert_int_equal(any_of(l, 10, 1000000), 0);
	assert_int_equal(any_of(l, 10, 1000100), 1);
	end(l);
}

static void
the_greatest_rates_do_not_overflow(void **state)
{
	struct csn_limits *l = start(UINT32_MAX, UINT32_MAX, UINT32_MAX, 0);

	(void)state;
	assert_int_equal(any_of(l, 1000, 0), 1000);
	assert_int_equal(any_of(l, 1000, UINT64_MAX), 1000);
	assert_int_equal(csn_limits_sender(l, "x", 1, UINT64_MAX), 1);
	end(l);
}

static void
one_sender_does_not_starve_another(void **state)
{
	struct csn_limits *l = start(1000, 1000, 6, 0);
	int i, n = 0;

	(void)state;
	for (i = 0; i < 50; i++)
		n += csn_limits_sender(l, "loud", 4, 100);
	assert_int_equal(n, 6);
	assert_int_equal(csn_limits_sender(l, "quiet", 5, 100), 1);
	/* Six a minute: one more after ten seconds. */
	assert_int_equal(csn_limits_sender(l, "loud", 4, 9000), 0);
	assert_int_equal(csn_limits_sender(l, "loud", 4, 10200), 1);
	assert_int_equal(csn_limits_sender(l, "loud", 4, 10300), 0);
	end(l);
}

static void
nonce_of(uint32_t i, uint8_t nonce[32])
{
	uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	int k;

	for (k = 0; k < 4; k++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(nonce + 8 * k, &x, 8);
	}
}

static void
a_nonce_is_remembered_for_its_time(void **state)
{
	struct csn_limits *l = start(10, 10, 10, 0);
	uint8_t nonce[32], other[32];

	(void)state;
	nonce_of(1, nonce);
	nonce_of(2, other);
	assert_int_equal(csn_limits_seen(l, nonce, 1000), 0);
	assert_int_equal(csn_limits_remember(l, nonce, 1000, 2000), 1);
	assert_int_equal(csn_limits_seen(l, nonce, 1000), 1);
	assert_int_equal(csn_limits_seen(l, nonce, 1999), 1);
	assert_int_equal(csn_limits_remember(l, nonce, 1999, 3000), 0);
	assert_int_equal(csn_limits_seen(l, other, 1000), 0);
	assert_int_equal(csn_limits_seen(l, nonce, 2000), 0);
	assert_int_equal(csn_limits_remember(l, nonce, 2000, 3000), 1);
	end(l);
}

static void
a_full_memory_of_nonces_refuses_rather_than_forgets(void **state)
{
	struct csn_limits *l = start(10, 10, 10, 0);
	uint8_t nonce[32];
	uint32_t i, kept = 0, refused = 0;
	uint8_t *there = calloc(2 * CSN_LIMIT_NONCES, 1);
	int rc;

	(void)state;
	assert_non_null(there);
	for (i = 0; i < 2 * CSN_LIMIT_NONCES; i++) {
		nonce_of(i, nonce);
		rc = csn_limits_remember(l, nonce, 10, 1000);
		assert_true(rc == 1 || rc == CSN_E_RATE);
		there[i] = rc == 1;
		kept += rc == 1;
		refused += rc != 1;
	}
	assert_true(kept <= CSN_LIMIT_NONCES);
	assert_true(kept > CSN_LIMIT_NONCES / 4 * 3);
	assert_true(refused >= CSN_LIMIT_NONCES);
	for (i = 0; i < 2 * CSN_LIMIT_NONCES; i++) {
		nonce_of(i, nonce);
		assert_int_equal(csn_limits_seen(l, nonce, 999), there[i]);
	}
	/* Their time over, their places are free. */
	for (i = 0; i < CSN_LIMIT_NONCES / 2; i++) {
		nonce_of(i + 7000000, nonce);
		assert_int_equal(csn_limits_remember(l, nonce, 1000, 9000),
		    1);
	}
	free(there);
	end(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_then_the_rate),
		cmocka_unit_test(a_clock_that_goes_back_gives_nothing),
		cmocka_unit_test(the_greatest_rates_do_not_overflow),
		cmocka_unit_test(one_sender_does_not_starve_another),
		cmocka_unit_test(a_nonce_is_remembered_for_its_time),
		cmocka_unit_test(
		    a_full_memory_of_nonces_refuses_rather_than_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
