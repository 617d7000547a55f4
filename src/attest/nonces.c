/* SPDX-License-Identifier: Apache-2.0 */
/* attest/nonces.c - single use, an end, and no more memory than that. */
#include <stdlib.h>
#include <string.h>

#include "attest/nonces.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "crypto/crypto.h"

#define ROOM "attest"
#define MAX_NONCES (1u << 24)
#define NONE UINT32_MAX

struct given {
	uint8_t nonce[CSN_NONCE_MAX];
	uint8_t len;
	uint8_t used;
	uint32_t next;		/* in its bucket */
	uint64_t ends;
};

/*
 * All live equally long, so they end in the order in which they were given:
 * a ring. The buckets find one; where a nonce falls is as random as it is.
 */
struct csn_nonces {
	struct csn_ctx *ctx;
	uint64_t life_ms;
	uint32_t max;
	uint32_t first;		/* the oldest's place */
	uint32_t n;
	uint32_t mask;		/* buckets, less one */
	uint32_t *buckets;
	struct given *ring;
};

int
csn_nonces_new(struct csn_ctx *ctx, uint32_t max, uint64_t life_ms,
    struct csn_nonces **out)
{
	struct csn_nonces *n;
	uint32_t buckets = 16;

	if (max == 0 || max > MAX_NONCES)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM,
		    "a verifier remembers 1 to %u challenges", MAX_NONCES);
	while (buckets < max)
		buckets *= 2;
	if ((n = csn_calloc(1, sizeof(*n))) == NULL)
		goto nomem;
	n->ctx = ctx;
	n->life_ms = life_ms;
	n->max = max;
	n->mask = buckets - 1;
	n->buckets = csn_realloc(NULL, buckets, sizeof(*n->buckets));
	n->ring = csn_calloc(max, sizeof(*n->ring));
	if (n->buckets == NULL || n->ring == NULL) {
		csn_nonces_free(n);
		goto nomem;
	}
	memset(n->buckets, 0xff, buckets * sizeof(*n->buckets));
	*out = n;
	return 0;

nomem:
	return csn_nomem(ctx, ROOM, "a verifier's challenges");
}

void
csn_nonces_free(struct csn_nonces *n)
{
	if (n == NULL)
		return;
	free(n->buckets);
	free(n->ring);
	free(n);
}

static uint32_t *
bucket_of(struct csn_nonces *n, const uint8_t *nonce)
{
	uint32_t h;

	memcpy(&h, nonce, sizeof(h));
	return &n->buckets[h & n->mask];
}

static void
forget_oldest(struct csn_nonces *n)
{
	uint32_t *at = bucket_of(n, n->ring[n->first].nonce);

	while (*at != n->first)
		at = &n->ring[*at].next;
	*at = n->ring[n->first].next;
	n->first = (n->first + 1) % n->max;
	n->n--;
}

static void
forget_ended(struct csn_nonces *n, uint64_t now)
{
	while (n->n > 0 && now >= n->ring[n->first].ends)
		forget_oldest(n);
}

static struct given *
find(struct csn_nonces *n, const uint8_t *nonce, size_t len)
{
	uint32_t at;

	if (len < CSN_NONCE_MIN)
		return NULL;
	for (at = *bucket_of(n, nonce); at != NONE; at = n->ring[at].next)
		if (n->ring[at].len == len &&
		    csn_equal(n->ring[at].nonce, nonce, len))
			return &n->ring[at];
	return NULL;
}

int
csn_nonces_add(struct csn_nonces *n, uint64_t now, const uint8_t *nonce,
    size_t len)
{
	uint32_t place, *bucket;
	struct given *g;

	if (len < CSN_NONCE_MIN || len > CSN_NONCE_MAX)
		return csn_fail(n->ctx, CSN_E_ARG, ROOM,
		    "a nonce has %d to %d bytes, not %zu", CSN_NONCE_MIN,
		    CSN_NONCE_MAX, len);
	forget_ended(n, now);
	if (find(n, nonce, len) != NULL)
		return csn_fail(n->ctx, CSN_E_EXISTS, ROOM,
		    "this nonce was given out already");
	if (n->n == n->max)
		return csn_fail(n->ctx, CSN_E_RATE, ROOM, "%u challenges are "
		    "out already: ask again when one of them has ended",
		    n->max);
	place = (uint32_t)(((uint64_t)n->first + n->n) % n->max);
	g = &n->ring[place];
	memcpy(g->nonce, nonce, len);
	g->len = (uint8_t)len;
	g->ends = now + n->life_ms;
	g->used = 0;
	bucket = bucket_of(n, g->nonce);
	g->next = *bucket;
	*bucket = place;
	n->n++;
	return 0;
}

int
csn_nonces_issue(struct csn_nonces *n, uint64_t now,
    uint8_t out[CSN_CHALLENGE_SIZE])
{
	uint8_t nonce[CSN_CHALLENGE_SIZE];
	int rc;

	if ((rc = csn_random(n->ctx, nonce, sizeof(nonce))) != 0 ||
	    (rc = csn_nonces_add(n, now, nonce, sizeof(nonce))) != 0)
		return rc;
	memcpy(out, nonce, sizeof(nonce));
	return 0;
}

int
csn_nonces_use(struct csn_nonces *n, uint64_t now, const uint8_t *nonce,
    size_t len)
{
	struct given *g;

	forget_ended(n, now);
	if ((g = find(n, nonce, len)) == NULL)
		return csn_fail(n->ctx, CSN_E_REPLAY, ROOM, "the report "
		    "answers a nonce that was not given out here, or whose "
		    "time is over");
	if (g->used)
		return csn_fail(n->ctx, CSN_E_REPLAY, ROOM,
		    "the report answers a nonce that was answered before");
	g->used = 1;
	return 0;
}
