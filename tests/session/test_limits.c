/* SPDX-License-Identifier: Apache-2.0 */
/* test_limits.c - how many offers are answered, and none twice. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/test.h"
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

TEST(a_burst_then_the_rate)
{
	struct csn_limits *l = start(10, 25, 60, 5000);
	uint64_t ms;
	int n = 0;

	assert_int_equal(any_of(l, 100, 5000), 25);
	/* Ten a second: one every 100 ms, also when asked each ms. */
	for (ms = 1; ms <= 10000; ms++)
		n += csn_limits_any(l, 5000 + ms);
	assert_in_range(n, 99, 100);
	/* A long silence fills the bucket and no more. */
	assert_int_equal(any_of(l, 1000, UINT64_MAX / 2), 25);
	end(l);
}

TEST(a_clock_that_goes_back_gives_nothing)
{
	struct csn_limits *l = start(10, 5, 60, 1000000);

	assert_int_equal(any_of(l, 10, 1000000), 5);
	assert_int_equal(any_of(l, 10, 500000), 0);
	assert_int_equal(any_of(l, 10, 1000000), 0);
	assert_int_equal(any_of(l, 10, 1000100), 1);
	end(l);
}

TEST(the_greatest_rates_do_not_overflow)
{
	struct csn_limits *l = start(UINT32_MAX, UINT32_MAX, UINT32_MAX, 0);

	assert_int_equal(any_of(l, 1000, 0), 1000);
	assert_int_equal(any_of(l, 1000, UINT64_MAX), 1000);
	assert_int_equal(csn_limits_sender(l, "x", 1, UINT64_MAX), 1);
	end(l);
}

TEST(one_sender_does_not_starve_another)
{
	struct csn_limits *l = start(1000, 1000, 6, 0);
	int i, n = 0;

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
mark_of(uint32_t i, uint8_t mark[32])
{
	uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	int k;

	for (k = 0; k < 4; k++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(mark + 8 * k, &x, 8);
	}
}

TEST(a_mark_is_remembered_for_its_time)
{
	struct csn_limits *l = start(10, 10, 10, 0);
	uint8_t mark[32], other[32];

	mark_of(1, mark);
	mark_of(2, other);
	assert_int_equal(csn_limits_seen(l, mark, 1000), 0);
	assert_int_equal(csn_limits_remember(l, mark, 1000, 2000), 1);
	assert_int_equal(csn_limits_seen(l, mark, 1000), 1);
	assert_int_equal(csn_limits_seen(l, mark, 1999), 1);
	assert_int_equal(csn_limits_remember(l, mark, 1999, 3000), 0);
	assert_int_equal(csn_limits_seen(l, other, 1000), 0);
	assert_int_equal(csn_limits_seen(l, mark, 2000), 0);
	assert_int_equal(csn_limits_remember(l, mark, 2000, 3000), 1);
	end(l);
}

TEST(a_full_memory_of_offers_refuses_rather_than_forgets)
{
	struct csn_limits *l = start(10, 10, 10, 0);
	uint8_t mark[32];
	uint32_t i, kept = 0, refused = 0;
	uint8_t *there = calloc(2 * CSN_LIMIT_OFFERS, 1);
	int rc;

	assert_non_null(there);
	for (i = 0; i < 2 * CSN_LIMIT_OFFERS; i++) {
		mark_of(i, mark);
		rc = csn_limits_remember(l, mark, 10, 1000);
		assert_true(rc == 1 || rc == CSN_E_RATE);
		there[i] = rc == 1;
		kept += rc == 1;
		refused += rc != 1;
	}
	assert_true(kept <= CSN_LIMIT_OFFERS);
	assert_true(kept > CSN_LIMIT_OFFERS / 4 * 3);
	assert_true(refused >= CSN_LIMIT_OFFERS);
	for (i = 0; i < 2 * CSN_LIMIT_OFFERS; i++) {
		mark_of(i, mark);
		assert_int_equal(csn_limits_seen(l, mark, 999), there[i]);
	}
	/* Their time over, their places are free. */
	for (i = 0; i < CSN_LIMIT_OFFERS / 2; i++) {
		mark_of(i + 7000000, mark);
		assert_int_equal(csn_limits_remember(l, mark, 1000, 9000),
		    1);
	}
	free(there);
	end(l);
}

/* A clock was ahead for a while: what was forgotten then is not new after. */
TEST(what_was_forgotten_too_early_counts_as_seen)
{
	struct csn_limits *l = start(10, 10, 10, 0);
	uint8_t a[32], b[32], c[32];

	mark_of(1, a);
	memcpy(b, a, sizeof(b));	/* in the same places */
	memcpy(c, a, sizeof(c));
	b[0] ^= 1;
	c[0] ^= 2;
	assert_int_equal(csn_limits_remember(l, a, 1000, 2000), 1);
	assert_int_equal(csn_limits_remember(l, b, 5000, 6000), 1);
	assert_int_equal(csn_limits_seen(l, a, 1500), 0);
	assert_int_equal(csn_limits_remember(l, a, 1500, 2000), 0);
	assert_int_equal(csn_limits_remember(l, c, 1500, 1999), 0);
	assert_int_equal(csn_limits_remember(l, c, 1500, 2001), 1);
	end(l);
}

/* One call, on a thread that says when it is at it and when it is done. */
struct call {
	struct csn_limits *l;
	int which;
	atomic_int tid;
	atomic_int done;
};

static void *
call_limits(void *arg)
{
	struct call *c = arg;
	uint8_t mark[32] = { 1 };

	atomic_store(&c->tid, (int)syscall(SYS_gettid));
	if (c->which == 0)
		csn_limits_any(c->l, 1);
	else if (c->which == 1)
		csn_limits_sender(c->l, "x", 1, 1);
	else if (c->which == 2)
		csn_limits_seen(c->l, mark, 1);
	else
		(void)!csn_limits_remember(c->l, mark, 1, 2);
	atomic_store(&c->done, 1);
	return NULL;
}

/* 1 where the thread waits for something in the kernel. */
static int
sleeps(int tid)
{
	char path[64], line[256];
	FILE *f;
	int is = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	if (tid == 0 || (f = fopen(path, "r")) == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL)
		is = strstr(line, ") S ") != NULL;
	fclose(f);
	return is;
}

/* Who is in one of them keeps everybody else out, so one offer counts once. */
TEST(each_waits_for_the_lock)
{
	struct csn_limits *l = start(10, 10, 10, 0);
	struct call call;
	pthread_t thread;
	int i;

	for (i = 0; i < 4; i++) {
		memset(&call, 0, sizeof(call));
		call.l = l;
		call.which = i;
		assert_int_equal(pthread_mutex_lock(&l->lock), 0);
		assert_int_equal(pthread_create(&thread, NULL, call_limits,
		    &call), 0);
		while (!sleeps(atomic_load(&call.tid)) &&
		    !atomic_load(&call.done))
			sched_yield();
		assert_int_equal(atomic_load(&call.done), 0);
		assert_int_equal(pthread_mutex_unlock(&l->lock), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(atomic_load(&call.done), 1);
	}
	end(l);
}
