/* SPDX-License-Identifier: Apache-2.0 */
/* cache/breaker.h - when to stop asking a backend, and how many may ask. */
#ifndef CSN_CACHE_BREAKER_H
#define CSN_CACHE_BREAKER_H

#include <pthread.h>
#include <stdatomic.h>

#include <caisson/cache.h>

/*
 * Closed: calls pass; `failures` of them in a row, and it opens. Open: none
 * pass until open_ms are over (the context's clock). Then half-open: up to
 * `trials` calls at a time pass; as many in a row that succeed close it, one
 * that fails opens it again. Beside it counts what is in flight: past the
 * bound a call waits at most queue_ms. A failed call is one that the backend
 * failed, that took too long, or whose bytes were not what they should be.
 *
 * Each csn_breaker_enter() that gives 0 is ended by one csn_breaker_leave().
 */
struct csn_breaker {
	struct csn_ctx *ctx;
	uint32_t failures;
	uint32_t trials;
	uint64_t open_ms;
	uint32_t inflight_max;
	uint32_t queue_ms;
	atomic_uint inflight;
	atomic_uint state;		/* enum csn_cache_breaker */
	atomic_uint failed;		/* in a row, while closed */
	atomic_uint waiting;
	_Atomic uint64_t opens;		/* how often it opened */
	pthread_mutex_t lock;		/* state's changes, what follows */
	pthread_cond_t room;
	uint64_t opened_at;
	uint32_t era;			/* counts half-open times */
	uint32_t trying;		/* trial calls in flight */
	uint32_t succeeded;		/* in a row, while half-open */
};

/* config is whole: its defaults are filled in. */
void csn_breaker_init(struct csn_breaker *b, struct csn_ctx *ctx,
    const struct csn_cache_options *config);
void csn_breaker_destroy(struct csn_breaker *b);

/* What a call is let in as: 0, or a trial of this era. */
struct csn_breaker_pass {
	uint32_t trial;
};

/**
 * CSN_E_BUSY with a sentence where the breaker is open, CSN_E_RATE where too
 * many calls are in flight and none ended in time.
 */
CSN_MUST_CHECK int csn_breaker_enter(struct csn_breaker *b,
    struct csn_breaker_pass *pass);

/* How the call ended. 1 where the breaker opened by it. */
int csn_breaker_leave(struct csn_breaker *b,
    const struct csn_breaker_pass *pass, int failed);

int csn_breaker_state(struct csn_breaker *b);	/* enum csn_cache_breaker */
int csn_breaker_worst(struct csn_breaker *b, size_t n);	/* of n breakers */

#endif
