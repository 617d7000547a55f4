/* SPDX-License-Identifier: Apache-2.0 */
/* session/limits.h - how many offers a server answers, and none twice. */
#ifndef CSN_SESSION_LIMITS_H
#define CSN_SESSION_LIMITS_H

#include <pthread.h>

#include <caisson/error.h>

#include "base/forkguard.h"

/*
 * A bucket for all offers, charged before a signature is checked; one for
 * each sender, charged once the sender is known; and marks of the offers
 * that were answered, for as long as their time would still pass. All in
 * bounded memory, under one lock: a handshake costs milliseconds beside it.
 * Whoever calls makes ids and marks such that no sender can choose them.
 */
#define CSN_LIMIT_SENDERS 4096	/* a power of two */
#define CSN_LIMIT_OFFERS 65536	/* a power of two */

struct csn_bucket {
	uint64_t id;		/* hash of the sender; 0: free */
	uint64_t at_ms;
	uint64_t milli;		/* thousandths of an offer left */
};

struct csn_limits {
	pthread_mutex_t lock;
	struct csn_forkguard guard;
	uint64_t rate;		/* offers a second */
	uint64_t burst;
	uint64_t sender_rate;	/* offers a minute */
	struct csn_bucket all;
	struct csn_bucket senders[CSN_LIMIT_SENDERS];
	uint64_t forgotten_ms;	/* until when a mark overwritten counted */
	struct {
		uint8_t mark[16];
		uint64_t until_ms;	/* Unix; 0: free */
	} seen[CSN_LIMIT_OFFERS];
};

void csn_limits_init(struct csn_limits *l, uint64_t rate, uint64_t burst,
    uint64_t sender_rate, uint64_t boot_ms);
void csn_limits_end(struct csn_limits *l);

/* 1 where another offer may be looked at / this sender may go on. */
int csn_limits_any(struct csn_limits *l, uint64_t boot_ms);
int csn_limits_sender(struct csn_limits *l, const void *id, size_t len,
    uint64_t boot_ms);

/* 1 where the mark was remembered already. */
int csn_limits_seen(struct csn_limits *l, const uint8_t mark[32],
    uint64_t wall_ms);
/*
 * Remember it until until_ms. 1, 0 where it was there already, or
 * CSN_E_RATE where the memory of answered offers is full.
 */
int csn_limits_remember(struct csn_limits *l, const uint8_t mark[32],
    uint64_t wall_ms, uint64_t until_ms);

#endif
