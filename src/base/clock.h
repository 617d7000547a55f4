/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.h - the machine's own clock, and waiting by it. */
#ifndef CSN_BASE_CLOCK_H
#define CSN_BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/*
 * Deadlines, pauses and measurements go by CLOCK_MONOTONIC. What expires goes
 * by the context's clocks instead (base/context.h).
 */
static inline uint64_t
csn_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline uint64_t
csn_now_ms(void)
{
	return csn_now_ns() / 1000000;
}

/* Sleep for so many microseconds, whatever signals come. */
void csn_sleep_us(uint64_t us);

/* Make a condition for csn_cond_wait(). 0 or an errno number. */
int csn_cond_init(pthread_cond_t *cond);

/*
 * As pthread_cond_wait(), until csn_now_ms() is deadline: 0, or ETIMEDOUT.
 */
int csn_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock,
    uint64_t deadline);

#endif
