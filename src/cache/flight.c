/* SPDX-License-Identifier: Apache-2.0 */
/* cache/flight.c - of many threads that want one value, one computes it. */
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "cache/flight.h"

#define LANES 64u	/* a power of two */

/* Under its lane's lock, but for the landing's bytes once it is done. */
struct csn_flight {
	struct csn_flight *next;
	pthread_cond_t landed;
	pthread_t leader;	/* where led is 1 */
	int led;
	unsigned hands;		/* the leader's and those of who waits */
	int done;
	struct csn_landing landing;
	uint8_t *bytes;
	uint64_t hash;
	uint32_t format;
	uint32_t tenant_len;
	uint32_t key_len;
	char name[];
};

struct lane {
	alignas(64) pthread_mutex_t lock;
	struct csn_flight *first;
};

struct csn_flights {
	struct lane lanes[LANES];
};

struct csn_flights *
csn_flights_new(void)
{
	struct csn_flights *fs;
	unsigned i;

	if ((fs = aligned_alloc(64, sizeof(*fs))) == NULL)
		return NULL;
	memset(fs, 0, sizeof(*fs));
	for (i = 0; i < LANES; i++)
		pthread_mutex_init(&fs->lanes[i].lock, NULL);
	return fs;
}

void
csn_flights_free(struct csn_flights *fs)
{
	unsigned i;

	if (fs == NULL)
		return;
	for (i = 0; i < LANES; i++)
		pthread_mutex_destroy(&fs->lanes[i].lock);
	free(fs);
}

static struct lane *
lane_of(struct csn_flights *fs, uint64_t hash)
{
	return &fs->lanes[hash >> 8 & (LANES - 1)];
}

static struct csn_flight *
find(const struct lane *l, const struct csn_l1_name *n, uint32_t format)
{
	struct csn_flight *f;

	for (f = l->first; f != NULL; f = f->next)
		if (f->hash == n->hash && f->format == format &&
		    f->tenant_len == n->tenant_len &&
		    f->key_len == n->key_len &&
		    memcmp(f->name, n->tenant, n->tenant_len) == 0 &&
		    memcmp(f->name + n->tenant_len, n->key, /* public */
		    n->key_len) == 0)
			return f;
	return NULL;
}

static struct csn_flight *
begin(struct lane *l, const struct csn_l1_name *n, uint32_t format)
{
	struct csn_flight *f;

	f = csn_calloc(1, sizeof(*f) + n->tenant_len + n->key_len);
	if (f == NULL)
		return NULL;
	(void)csn_cond_init(&f->landed);
	f->leader = pthread_self();
	f->led = 1;
	f->hands = 1;
	f->hash = n->hash;
	f->format = format;
	f->tenant_len = n->tenant_len;
	f->key_len = n->key_len;
	memcpy(f->name, n->tenant, n->tenant_len);
	memcpy(f->name + n->tenant_len, n->key, n->key_len);
	f->next = l->first;
	l->first = f;
	return f;
}

/* The lane is held, and let go. */
static void
let_go(struct lane *l, struct csn_flight *f)
{
	int last = --f->hands == 0;

	pthread_mutex_unlock(&l->lock);
	if (!last)
		return;
	csn_wipe_free(f->bytes, f->landing.len);
	pthread_cond_destroy(&f->landed);
	free(f);
}

static int
wait_for(struct lane *l, struct csn_flight *f, uint64_t wait_ms)
{
	uint64_t until;
	int rc = 0;

	until = csn_now_ms() + wait_ms;
	while (!f->done && rc != ETIMEDOUT)
		rc = csn_cond_wait(&f->landed, &l->lock, until);
	return f->done;
}

int
csn_flight_join(struct csn_flights *fs, const struct csn_l1_name *n,
    uint32_t format, uint64_t wait_ms, struct csn_flight **out,
    struct csn_landing *got)
{
	CSN_UNCANCELLED;
	struct lane *l = lane_of(fs, n->hash);
	struct csn_flight *f;

	pthread_mutex_lock(&l->lock);
	if ((f = find(l, n, format)) == NULL) {
		*out = begin(l, n, format);
		pthread_mutex_unlock(&l->lock);
		return *out != NULL ? 1 : CSN_E_NOMEM;
	}
	/* Who computes a value by way of itself would wait for ever. */
	if (wait_ms == 0 ||
	    (f->led && pthread_equal(f->leader, pthread_self()))) {
		pthread_mutex_unlock(&l->lock);
		return CSN_E_BUSY;
	}
	f->hands++;
	if (!wait_for(l, f, wait_ms)) {
		let_go(l, f);
		return CSN_E_BUSY;
	}
	pthread_mutex_unlock(&l->lock);
	*got = f->landing;
	*out = f;
	return 0;
}

void
csn_flight_land(struct csn_flights *fs, struct csn_flight *f,
    const struct csn_landing *result)
{
	struct lane *l = lane_of(fs, f->hash);
	struct csn_flight **at;
	uint8_t *copy = NULL;
	unsigned others;

	pthread_mutex_lock(&l->lock);
	for (at = &l->first; *at != f; at = &(*at)->next)
		;
	*at = f->next;
	others = f->hands - 1;
	pthread_mutex_unlock(&l->lock);
	if (others > 0 && result->rc == 0)
		copy = csn_memdup(result->p, result->len);
	pthread_mutex_lock(&l->lock);
	f->landing = *result;
	f->landing.p = f->bytes = copy;
	if (result->rc == 0 && copy == NULL)
		f->landing.rc = CSN_E_NOMEM;
	if (copy == NULL)
		f->landing.len = 0;
	f->done = 1;
	pthread_cond_broadcast(&f->landed);
	let_go(l, f);
}

void
csn_flight_leave(struct csn_flights *fs, struct csn_flight *f)
{
	struct lane *l = lane_of(fs, f->hash);

	pthread_mutex_lock(&l->lock);
	let_go(l, f);
}

void
csn_flight_lead(struct csn_flights *fs, struct csn_flight *f, int mine)
{
	CSN_UNCANCELLED;
	struct lane *l = lane_of(fs, f->hash);

	pthread_mutex_lock(&l->lock);
	f->leader = pthread_self();
	f->led = mine;
	pthread_mutex_unlock(&l->lock);
}
