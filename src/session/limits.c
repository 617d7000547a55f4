/* SPDX-License-Identifier: Apache-2.0 */
/* session/limits.c - how many offers a server answers, and none twice. */
#include <string.h>

#include "base/hash.h"
#include "session/limits.h"

#define PROBES 64	/* places a mark may be in */

void
csn_limits_init(struct csn_limits *l, uint64_t rate, uint64_t burst,
    uint64_t sender_rate, uint64_t boot_ms)
{
	memset(l, 0, sizeof(*l));
	pthread_mutex_init(&l->lock, NULL);
	csn_forkguard_mutex(&l->guard, &l->lock);
	l->rate = rate;
	l->burst = burst;
	l->sender_rate = sender_rate;
	l->all.at_ms = boot_ms;
	l->all.milli = burst * 1000;
}

void
csn_limits_end(struct csn_limits *l)
{
	csn_forkguard_drop(&l->guard);
	pthread_mutex_destroy(&l->lock);
}

/* Refill by milli_per_ms_num / den thousandths a millisecond; take one. */
static int
take(struct csn_bucket *b, uint64_t now, uint64_t per_minute, uint64_t most)
{
	uint64_t gone = now > b->at_ms ? now - b->at_ms : 0;

	/* An hour refills anything; more would only overflow. */
	if (gone > 3600000)
		gone = 3600000;
	if (gone * per_minute / 60 != 0) {
		b->milli += gone * per_minute / 60;
		b->at_ms = now;
	}
	if (b->milli > most * 1000)
		b->milli = most * 1000;
	if (b->milli < 1000)
		return 0;
	b->milli -= 1000;
	return 1;
}

int
csn_limits_any(struct csn_limits *l, uint64_t boot_ms)
{
	int ok;

	pthread_mutex_lock(&l->lock);
	ok = take(&l->all, boot_ms, l->rate * 60, l->burst);
	pthread_mutex_unlock(&l->lock);
	return ok;
}

int
csn_limits_sender(struct csn_limits *l, const void *id, size_t len,
    uint64_t boot_ms)
{
	uint64_t h = csn_hash_fixed(id, len) | 1;
	struct csn_bucket *b;
	int ok;

	pthread_mutex_lock(&l->lock);
	/* Two senders in one place share it: the newer starts afresh. */
	b = &l->senders[h >> 20 & (CSN_LIMIT_SENDERS - 1)];
	if (b->id != h) {
		b->id = h;
		b->at_ms = boot_ms;
		b->milli = l->sender_rate * 1000;
	}
	ok = take(b, boot_ms, l->sender_rate, l->sender_rate);
	pthread_mutex_unlock(&l->lock);
	return ok;
}

/* The mark's place, a free one, or -1. Under lock. */
static long
place(struct csn_limits *l, const uint8_t mark[32], uint64_t now, int *found)
{
	uint64_t h;
	long free_ = -1;
	size_t i, at;

	memcpy(&h, mark + 16, sizeof(h));
	*found = 0;
	for (i = 0; i < PROBES; i++) {
		at = (size_t)(h + i) & (CSN_LIMIT_OFFERS - 1);
		if (l->seen[at].until_ms > now &&
		    /* public */
		    memcmp(l->seen[at].mark, mark, 16) == 0) {
			*found = 1;
			return (long)at;
		}
		if (free_ < 0 && l->seen[at].until_ms <= now)
			free_ = (long)at;
	}
	return free_;
}

int
csn_limits_seen(struct csn_limits *l, const uint8_t mark[32],
    uint64_t wall_ms)
{
	int found;

	pthread_mutex_lock(&l->lock);
	(void)place(l, mark, wall_ms, &found);
	pthread_mutex_unlock(&l->lock);
	return found;
}

int
csn_limits_remember(struct csn_limits *l, const uint8_t mark[32],
    uint64_t wall_ms, uint64_t until_ms)
{
	int found, rc = 1;
	long at;

	pthread_mutex_lock(&l->lock);
	at = place(l, mark, wall_ms, &found);
	/* Where the clock was ahead for a while, marks were forgotten whose
	 * time it is again: they count as seen. */
	if (found || until_ms <= l->forgotten_ms)
		rc = 0;
	else if (at < 0)
		rc = CSN_E_RATE;
	else {
		if (l->seen[at].until_ms > l->forgotten_ms)
			l->forgotten_ms = l->seen[at].until_ms;
		memcpy(l->seen[at].mark, mark, 16);
		l->seen[at].until_ms = until_ms;
	}
	pthread_mutex_unlock(&l->lock);
	return rc;
}
