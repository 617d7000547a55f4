/* SPDX-License-Identifier: Apache-2.0 */
/* cache/metrics.c - what a cache counts. */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cache/metrics.h"

#define STRIPES 16u		/* a power of two */
#define SAMPLE 64u		/* a power of two */
#define FIRST_NS 256u		/* the first bucket's end */

struct times {
	_Atomic uint64_t sum_ns;
	_Atomic uint64_t buckets[CSN_CACHE_BUCKETS];
};

struct stripe {
	alignas(64) _Atomic uint64_t counts[CSN_COUNTS];
	struct times times[CSN_TIMED];
};

struct csn_meter {
	struct stripe stripes[STRIPES];
};

static const size_t count_at[CSN_COUNTS] = {
	[CSN_COUNT_L1_HIT] = offsetof(struct csn_cache_stat, l1_hits),
	[CSN_COUNT_L2_HIT] = offsetof(struct csn_cache_stat, l2_hits),
	[CSN_COUNT_NEGATIVE] =
	    offsetof(struct csn_cache_stat, negative_hits),
	[CSN_COUNT_STALE] = offsetof(struct csn_cache_stat, stale_hits),
	[CSN_COUNT_MISS] = offsetof(struct csn_cache_stat, misses),
	[CSN_COUNT_SET] = offsetof(struct csn_cache_stat, sets),
	[CSN_COUNT_DELETE] = offsetof(struct csn_cache_stat, deletes),
	[CSN_COUNT_COMPUTE] = offsetof(struct csn_cache_stat, computes),
	[CSN_COUNT_COMPUTE_ERROR] =
	    offsetof(struct csn_cache_stat, compute_errors),
	[CSN_COUNT_BACKEND_ERROR] =
	    offsetof(struct csn_cache_stat, backend_errors),
	[CSN_COUNT_SLOW] = offsetof(struct csn_cache_stat, slow_calls),
	[CSN_COUNT_TAG] = offsetof(struct csn_cache_stat, tag_failures),
	[CSN_COUNT_PLAIN] = offsetof(struct csn_cache_stat, plain_refused),
	[CSN_COUNT_FORM] = offsetof(struct csn_cache_stat, form_refused),
	[CSN_COUNT_REPLAY] = offsetof(struct csn_cache_stat, replays),
	[CSN_COUNT_REJECTED] = offsetof(struct csn_cache_stat, rejected),
	[CSN_COUNT_SHED] = offsetof(struct csn_cache_stat, shed),
	[CSN_COUNT_SHARED] = offsetof(struct csn_cache_stat, shared),
	[CSN_COUNT_FLIGHT_TIMEOUT] =
	    offsetof(struct csn_cache_stat, flight_timeouts),
	[CSN_COUNT_LOCK] = offsetof(struct csn_cache_stat, locks),
	[CSN_COUNT_LOCK_WAIT] = offsetof(struct csn_cache_stat, lock_waits),
	[CSN_COUNT_LOCK_TIMEOUT] =
	    offsetof(struct csn_cache_stat, lock_timeouts),
	[CSN_COUNT_REFRESH] = offsetof(struct csn_cache_stat, refreshes),
	[CSN_COUNT_REFRESH_ERROR] =
	    offsetof(struct csn_cache_stat, refresh_errors),
	[CSN_COUNT_AUDIT_ERROR] =
	    offsetof(struct csn_cache_stat, audit_errors),
	[CSN_COUNT_FORMER_KEY] =
	    offsetof(struct csn_cache_stat, former_key_hits),
};

static const size_t times_at[CSN_TIMED] = {
	[CSN_TIMED_L1] = offsetof(struct csn_cache_stat, l1_times),
	[CSN_TIMED_L2] = offsetof(struct csn_cache_stat, l2_times),
	[CSN_TIMED_COMPUTE] = offsetof(struct csn_cache_stat, compute_times),
	[CSN_TIMED_SEAL] = offsetof(struct csn_cache_stat, seal_times),
	[CSN_TIMED_OPEN] = offsetof(struct csn_cache_stat, open_times),
};

struct csn_meter *
csn_meter_new(void)
{
	struct csn_meter *m;

	if ((m = aligned_alloc(64, sizeof(*m))) != NULL)
		memset(m, 0, sizeof(*m));
	return m;
}

void
csn_meter_free(struct csn_meter *m)
{
	free(m);
}

static struct stripe *
mine(struct csn_meter *m)
{
	static _Atomic unsigned threads;
	static _Thread_local unsigned number;

	if (number == 0)
		number = 1 + (atomic_fetch_add(&threads, 1) & (STRIPES - 1));
	return &m->stripes[number - 1];
}

void
csn_meter_add(struct csn_meter *m, enum csn_count what)
{
	atomic_fetch_add_explicit(&mine(m)->counts[what], 1,
	    memory_order_relaxed);
}

void
csn_meter_time(struct csn_meter *m, enum csn_timed what, uint64_t ns)
{
	struct times *t = &mine(m)->times[what];
	unsigned i;

	for (i = 0; i < CSN_CACHE_BUCKETS - 1 &&
	    ns >= (uint64_t)FIRST_NS << 2 * i; i++)
		;
	atomic_fetch_add_explicit(&t->sum_ns, ns, memory_order_relaxed);
	atomic_fetch_add_explicit(&t->buckets[i], 1, memory_order_relaxed);
}

uint64_t
csn_meter_now(void)
{
	/* Never 0, which says that nothing is measured. */
	return csn_now_ns() + 1;
}

uint64_t
csn_meter_sample(void)
{
	static _Thread_local unsigned calls;

	return (calls++ & (SAMPLE - 1)) == 0 ? csn_meter_now() : 0;
}

void
csn_meter_since(struct csn_meter *m, enum csn_timed what, uint64_t began)
{
	if (began != 0)
		csn_meter_time(m, what, csn_meter_now() - began);
}

static void
read_times(const struct stripe *s, enum csn_timed what,
    struct csn_cache_times *out)
{
	uint64_t n;
	unsigned i;

	out->sum_ns += atomic_load_explicit(&s->times[what].sum_ns,
	    memory_order_relaxed);
	for (i = 0; i < CSN_CACHE_BUCKETS; i++) {
		n = atomic_load_explicit(&s->times[what].buckets[i],
		    memory_order_relaxed);
		out->buckets[i] += n;
		out->count += n;
	}
}

void
csn_meter_read(const struct csn_meter *m, struct csn_cache_stat *out)
{
	unsigned i, k;

	for (i = 0; i < STRIPES; i++) {
		for (k = 0; k < CSN_COUNTS; k++)
			*(uint64_t *)(void *)((char *)out + count_at[k]) +=
			    atomic_load_explicit(&m->stripes[i].counts[k],
			    memory_order_relaxed);
		for (k = 0; k < CSN_TIMED; k++)
			read_times(&m->stripes[i], k,
			    (struct csn_cache_times *)(void *)((char *)out +
			    times_at[k]));
	}
}
