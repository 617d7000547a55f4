/* SPDX-License-Identifier: Apache-2.0 */
/* kv/by_tenant.c - sealing and opening by tenant id, within quotas. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "kv/internal.h"
#include "tenant/manager.h"

static uint64_t
item_bytes(const struct csn_kv_item *it)
{
	return (uint64_t)it->key_len + it->value_len;
}

int
csn_manager_seal(struct csn_manager *mgr, struct csn_kv_item *item)
{
	if (mgr == NULL || item == NULL)
		return CSN_NEEDS(mgr, item);

	struct csn_member *m;
	uint64_t bytes;
	int rc;

	if ((rc = CSN_GIVE_CHECK(item, csn_kv_item, version)) != 0)
		return rc;
	bytes = item_bytes(item);
	if (item->session != NULL)
		return csn_kv_seal(mgr->ctx, item);
	if ((rc = csn_member_get(mgr, item->tenant, &m)) != 0)
		return csn_kv_seal_refuse(item, rc);
	if ((rc = csn_member_charge(mgr, m, bytes)) == 0) {
		item->session = m->session;
		if ((rc = csn_kv_seal(mgr->ctx, item)) != 0)
			csn_member_refund(m, bytes);
		item->session = NULL;
	} else
		(void)csn_kv_seal_refuse(item, rc);
	csn_member_release(m);
	return rc;
}

int
csn_manager_open(struct csn_manager *mgr, struct csn_kv_item *item)
{
	if (mgr == NULL || item == NULL)
		return CSN_NEEDS(mgr, item);

	struct csn_member *m;
	int rc;

	if ((rc = CSN_GIVE_CHECK(item, csn_kv_item, version)) != 0)
		return rc;
	if (item->session != NULL)
		return csn_kv_open(mgr->ctx, item);
	if ((rc = csn_member_get(mgr, item->tenant, &m)) != 0)
		return csn_kv_open_refuse(item, rc);
	item->session = m->session;
	rc = csn_kv_open(mgr->ctx, item);
	item->session = NULL;
	csn_member_release(m);
	return rc;
}

/*
 * A batch by tenant id. Each item without a session is lent its member's,
 * which the member that is held for it keeps alive, and which is taken back
 * afterwards. No session is touched here: with 100,000 tenants each is in
 * memory only, and is fetched when its turn comes (batch.c).
 */
static int
lend(struct csn_manager *mgr, struct csn_kv_item *it, uint64_t hash,
    struct csn_member **m, int charge)
{
	int rc;

	if (it->tenant == NULL)
		return it->rc = csn_member_get(mgr, NULL, m);
	if ((rc = csn_member_find(mgr, hash, it->tenant, m)) != 0) {
		*m = NULL;
		return it->rc = rc;
	}
	if (charge && (rc = csn_member_charge(mgr, *m,
	    item_bytes(it))) != 0)
		return it->rc = rc;
	it->session = (*m)->session;
	return 0;
}

/*
 * Items go through in windows: large, so that a tenant's items come together
 * and its key is expanded once for them. While a tenant is looked up, the
 * members and places of those behind it are on their way from memory.
 */
#define WINDOW 4096
#define SMALL 128		/* a window on the stack, without allocating */
#define BURST 8			/* items that are fetched for together */
#define NEAR 16			/* items from fetching a member to its use */
#define FAR 32			/* from fetching its place */
#define FARTHEST 48		/* and from fetching its id */
#define RING 64			/* hashes in between; a power of two */

struct many {
	struct csn_manager *mgr;
	struct csn_pool *pool;
	struct csn_kv_batch b;
	csn_kv_group_fn fn;
	csn_kv_refuse_fn refuse;
	int charge;
};

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Three steps of fetching, for a burst of items each, while item i is next:
 * the pages of a burst are found at once, and one after another where each
 * item fetched for one.
 */
static void
look_ahead(const struct many *m, size_t i, size_t n, uint64_t *ring)
{
	const char *id;
	size_t at;

	if (i % BURST != 0)
		return;
	for (at = i + FARTHEST; at < least(i + FARTHEST + BURST, n); at++)
		__builtin_prefetch(csn_kv_at(&m->b, at)->tenant);
	/* In two loops: close together they wait together. */
	for (at = i + FAR; at < least(i + FAR + BURST, n); at++)
		if ((id = csn_kv_at(&m->b, at)->tenant) != NULL)
			ring[at % RING] = csn_member_hash(m->mgr, id);
	for (at = i + FAR; at < least(i + FAR + BURST, n); at++)
		if (csn_kv_at(&m->b, at)->tenant != NULL)
			csn_member_prefetch_place(m->mgr, ring[at % RING]);
	for (at = i + NEAR; at < least(i + NEAR + BURST, n); at++)
		if (csn_kv_at(&m->b, at)->tenant != NULL)
			csn_member_prefetch(m->mgr, ring[at % RING]);
}

/* One window: n items, from m->b.items on; held has room for n. */
static void
window(const struct many *m, size_t n, struct csn_member **held)
{
	uint64_t ring[RING];
	struct csn_kv_item *it;
	size_t i;

	for (i = 0; i < FAR && i < n; i++)
		if (csn_kv_at(&m->b, i)->tenant != NULL)
			ring[i] = csn_member_hash(m->mgr,
			    csn_kv_at(&m->b, i)->tenant);
	for (i = 0; i < n; i++) {
		it = csn_kv_at(&m->b, i);
		it->rc = 0;
		held[i] = NULL;
		look_ahead(m, i, n, ring);
		if (it->session == NULL)
			(void)lend(m->mgr, it, ring[i % RING], &held[i],
			    m->charge);
	}
	/* Its code is that of an item: each has its own. */
	CSN_IGNORE(csn_kv_run_batch(m->mgr->ctx, m->pool, csn_kv_at(&m->b, 0),
	    n, m->b.stride, m->fn, m->refuse));
	for (i = 0; i < n; i++) {
		if (i + NEAR < n && held[i + NEAR] != NULL)
			__builtin_prefetch(held[i + NEAR], 1);
		if (held[i] == NULL)
			continue;
		it = csn_kv_at(&m->b, i);
		if (it->session != NULL && m->charge && it->rc != 0)
			csn_member_refund(held[i], item_bytes(it));
		it->session = NULL;
		csn_member_release(held[i]);
	}
}

static int
batch(struct csn_manager *mgr, struct csn_pool *pool,
    struct csn_kv_item *items, size_t n, csn_kv_group_fn fn,
    csn_kv_refuse_fn refuse, int charge)
{
	struct many m = { mgr, pool, { mgr->ctx, (uint8_t *)items, 0 }, fn,
	    refuse, charge };
	struct csn_member *few[SMALL], **held = few;
	struct csn_kv_item *it;
	size_t at, k, room = SMALL;
	int rc;

	if ((rc = csn_kv_stride(mgr->ctx, items, n, &m.b.stride)) != 0)
		return rc;
	/* Without memory for it a small window serves as well, but slower. */
	if (n > SMALL && (held = csn_calloc(least(n, WINDOW),
	    sizeof(struct csn_member *))) != NULL)
		room = least(n, WINDOW);
	else
		held = few;
	for (at = 0; at < n; at += k) {
		k = least(n - at, room);
		m.b.items = (uint8_t *)items + at * m.b.stride;
		window(&m, k, held);
	}
	if (held != few)
		free(held);
	m.b.items = (uint8_t *)items;
	for (at = 0; at < n; at++) {
		it = csn_kv_at(&m.b, at);
		if (it->rc != 0)
			return csn_fail(mgr->ctx, it->rc, "kv", "item %zu of "
			    "%zu: %s", at, n, csn_error_text(it->rc));
	}
	return 0;
}

int
csn_manager_seal_batch(struct csn_manager *mgr, struct csn_pool *pool,
    struct csn_kv_item *items, size_t n)
{
	if (CSN_NEEDS(mgr) != 0)
		return CSN_E_ARG;

	return batch(mgr, pool, items, n, csn_kv_seal_group,
	    csn_kv_seal_refuse, 1);
}

int
csn_manager_open_batch(struct csn_manager *mgr, struct csn_pool *pool,
    struct csn_kv_item *items, size_t n)
{
	if (CSN_NEEDS(mgr) != 0)
		return CSN_E_ARG;

	return batch(mgr, pool, items, n, csn_kv_open_group,
	    csn_kv_open_refuse, 0);
}
