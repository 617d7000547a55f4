/* SPDX-License-Identifier: Apache-2.0 */
/* cache/metrics.h - what a cache counts. */
#ifndef CSN_CACHE_METRICS_H
#define CSN_CACHE_METRICS_H

#include <stdatomic.h>

#include <caisson/cache.h>

enum csn_count {
	CSN_COUNT_L1_HIT, CSN_COUNT_L2_HIT, CSN_COUNT_NEGATIVE,
	CSN_COUNT_STALE, CSN_COUNT_MISS, CSN_COUNT_SET, CSN_COUNT_DELETE,
	CSN_COUNT_COMPUTE, CSN_COUNT_COMPUTE_ERROR, CSN_COUNT_BACKEND_ERROR,
	CSN_COUNT_SLOW, CSN_COUNT_TAG, CSN_COUNT_PLAIN, CSN_COUNT_FORM,
	CSN_COUNT_REPLAY, CSN_COUNT_REJECTED, CSN_COUNT_SHED, CSN_COUNT_SHARED,
	CSN_COUNT_FLIGHT_TIMEOUT, CSN_COUNT_LOCK, CSN_COUNT_LOCK_WAIT,
	CSN_COUNT_LOCK_TIMEOUT, CSN_COUNT_REFRESH, CSN_COUNT_REFRESH_ERROR,
	CSN_COUNT_AUDIT_ERROR, CSN_COUNT_FORMER_KEY, CSN_COUNTS
};

enum csn_timed {
	CSN_TIMED_L1, CSN_TIMED_L2, CSN_TIMED_COMPUTE, CSN_TIMED_SEAL,
	CSN_TIMED_OPEN, CSN_TIMED
};

/* Counters in stripes, a thread to each, so that none wait for a line. */
struct csn_meter;

struct csn_meter *csn_meter_new(void);	/* NULL: no memory */
void csn_meter_free(struct csn_meter *m);
void csn_meter_add(struct csn_meter *m, enum csn_count what);
void csn_meter_time(struct csn_meter *m, enum csn_timed what, uint64_t ns);

/* Monotonic; and 0 for all but one call in 64 of a thread's. */
uint64_t csn_meter_now(void);
uint64_t csn_meter_sample(void);
/* Count the time since began, unless that is 0. */
void csn_meter_since(struct csn_meter *m, enum csn_timed what,
    uint64_t began);

void csn_meter_read(const struct csn_meter *m, struct csn_cache_stat *out);

#endif
