/* SPDX-License-Identifier: Apache-2.0 */
/* cache/flight.h - of many threads that want one value, one computes it. */
#ifndef CSN_CACHE_FLIGHT_H
#define CSN_CACHE_FLIGHT_H

#include "cache/l1.h"

struct csn_flights;	/* computations under way, by name */
struct csn_flight;

struct csn_flights *csn_flights_new(void);	/* NULL: no memory */
void csn_flights_free(struct csn_flights *fs);	/* none is under way */

/* What a computation gave: a code, and where that is 0 the bytes. */
struct csn_landing {
	int rc;
	const uint8_t *p;
	size_t len;
	uint64_t ttl_ms;
};

/**
 * 1: nobody computes this name in this format (CSN_CACHE_*: another one's
 * bytes are another value), the caller does, and ends it with
 * csn_flight_land(). 0: another thread did, and *got is what came of it,
 * until csn_flight_leave(). CSN_E_BUSY: it did not end within wait_ms (0: do
 * not wait), or it is this thread's own. CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_flight_join(struct csn_flights *fs,
    const struct csn_l1_name *name, uint32_t format, uint64_t wait_ms,
    struct csn_flight **out, struct csn_landing *got);

/* Hand the result to those who wait: one copy for all, wiped by the last. */
void csn_flight_land(struct csn_flights *fs, struct csn_flight *f,
    const struct csn_landing *result);
/* The leader is this thread from now on; with mine 0, none for the time. */
void csn_flight_lead(struct csn_flights *fs, struct csn_flight *f, int mine);
void csn_flight_leave(struct csn_flights *fs, struct csn_flight *f);

#endif
