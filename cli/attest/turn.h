/* SPDX-License-Identifier: Apache-2.0 */
/* cli/attest/turn.h - whose turn it is to measure. */
#ifndef CLI_TURN_H
#define CLI_TURN_H

#include <pthread.h>

#include <stdint.h>

/*
 * Whose turn it is to measure, and when one may again: turn.c. Of all
 * time at most duty per cent is measurement, however many ask.
 */
struct attest_turn {
	pthread_mutex_t lock;	/* all below */
	pthread_cond_t change;
	unsigned duty;		/* per cent, 1 to 100 */
	int busy;		/* somebody uses the attester */
	int stopping;
	int code;		/* of the last measurement */
	uint64_t started;	/* measurements so far */
	uint64_t done;
	uint64_t waiting;	/* for one that has not begun */
	uint64_t owed;		/* a report of the one that began last */
	uint64_t ready_ns;	/* when the next may begin */
};

/** 0, or -1 without what the system needs for it. */
int attest_turn_init(struct attest_turn *t, unsigned duty);
void attest_turn_destroy(struct attest_turn *t);
/** No measurement begins any more; who waits for one gets CSN_E_BUSY. */
void attest_turn_stop(struct attest_turn *t);
/**
 * Have a measurement that begins after this call, by work() here or in
 * another thread's call, then report() of it; never two of them at once. A
 * report of NULL is for one that nobody asked for: the next may begin at once.
 * Its code or theirs; CSN_E_BUSY where none can begin before until_ns, and
 * *ready_ns is when one may.
 */
int attest_turn_take(struct attest_turn *t, uint64_t until_ns,
    int (*work)(void *arg), int (*report)(void *arg), void *arg,
    uint64_t *ready_ns);

#endif
