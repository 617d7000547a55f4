/* SPDX-License-Identifier: Apache-2.0 */
/* kv/batch.c - batches: grouped by session, shared out to threads. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "base/pool.h"
#include "kv/internal.h"

#define SMALL 64	/* items that are grouped without allocating */
#define NONE UINT32_MAX
#define PAGES 32	/* groups from finding a session's page to its use */
#define BURST 16		/* and so many pages are found together */
#define SESSION_AHEAD 12 /* groups from a prefetched session to its use */
#define SLOT_AHEAD 6	/* and from what it points to */
#define CLOCK_EVERY 16384	/* bytes, some microseconds of sealing */

/* A session's items, in order, as a list through next[]. */
struct group {
	struct csn_session *session;
	uint32_t first;
	uint32_t last;
	uint32_t n;
	/* Of the first one's slot, from the group SLOT_AHEAD on. */
	struct csn_slot_fingerprint fp;
};

/*
 * Scratch for one range of a batch: item lists by session in one pass over a
 * hash table, so that a batch of thousands of tenants in any order costs some
 * ten nanoseconds an item and each session is locked and keyed once.
 */
struct scratch {
	struct group *groups;
	uint32_t *next;
	uint32_t *table;	/* of groups; NONE: free */
	uint32_t *index;
	size_t cap;		/* of table: a power of two */
	size_t ngroups;
};

static struct group *
group_of(struct scratch *g, struct csn_session *s)
{
	size_t i = (size_t)((uint64_t)(uintptr_t)s *
	    UINT64_C(0x9e3779b97f4a7c15) >> 20) & (g->cap - 1);
	struct group *group;

	for (; g->table[i] != NONE; i = (i + 1) & (g->cap - 1))
		if (g->groups[g->table[i]].session == s)
			return &g->groups[g->table[i]];
	g->table[i] = (uint32_t)g->ngroups;
	group = &g->groups[g->ngroups++];
	group->session = s;
	group->first = group->last = NONE;
	group->n = 0;
	return group;
}

/*
 * While group i works, the groups behind it come from memory: the session
 * first, then what that and the first item point to. Before that a line of
 * each session in a burst: what it takes to find a page, which nothing else
 * may overtake, is waited for once and not for each.
 */
static void
fetch_ahead(const struct csn_kv_batch *b, const struct scratch *g,
    size_t from, size_t i)
{
	const struct csn_kv_item *it;
	struct csn_slot_name name;
	size_t k;

	if (i % BURST == 0)
		for (k = i + PAGES; k < i + PAGES + BURST &&
		    k < g->ngroups; k++)
			__builtin_prefetch(g->groups[k].session, 1);
	if (i + SESSION_AHEAD < g->ngroups) {
		csn_session_prefetch(g->groups[i + SESSION_AHEAD].session);
		it = csn_kv_at(b, from + g->groups[i + SESSION_AHEAD].first);
		__builtin_prefetch(it, 1);
		__builtin_prefetch((const uint8_t *)it + 64, 1);
		__builtin_prefetch((const uint8_t *)it + 128, 1);
	}
	if (i + SLOT_AHEAD < g->ngroups) {
		it = csn_kv_at(b, from + g->groups[i + SLOT_AHEAD].first);
		csn_kv_slot_name(&it->slot, &name);
		csn_session_prefetch_slot(g->groups[i + SLOT_AHEAD].session,
		    &name, &g->groups[i + SLOT_AHEAD].fp);
		__builtin_prefetch(it->sealed, 1);
		__builtin_prefetch(it->sealed + 64, 1);
		__builtin_prefetch(it->sealed + 128, 1);
	}
}

static void
group_range(const struct csn_kv_batch *b, struct scratch *g, size_t from,
    size_t to, csn_kv_group_fn fn)
{
	struct csn_kv_batch timed = *b;
	struct group *group;
	struct csn_kv_item *it;
	size_t i, k, since = CLOCK_EVERY;
	uint32_t at;

	memset(g->table, 0xff, g->cap * sizeof(*g->table));
	for (i = from; i < to; i++) {
		it = csn_kv_at(b, i);
		if (it->session == NULL)
			continue;
		group = group_of(g, it->session);
		at = (uint32_t)(i - from);
		g->next[at] = NONE;
		if (group->last == NONE)
			group->first = at;
		else
			g->next[group->last] = at;
		group->last = at;
		group->n++;
	}
	for (i = 0; i < g->ngroups; i++) {
		group = &g->groups[i];
		for (k = 0, at = group->first; at != NONE; at = g->next[at])
			g->index[k++] = (uint32_t)from + at;
		fetch_ahead(b, g, from, i);
		if (since >= CLOCK_EVERY) {
			timed.now_ms = csn_ctx_boot_ms(b->ctx);
			since = 0;
		}
		since += k * csn_kv_at(b, g->index[0])->sealed_len;
		timed.fp = i >= SLOT_AHEAD ? &group->fp : NULL;
		timed.fp_item = g->index[0];
		fn(&timed, group->session, g->index, k);
	}
}

/* Without memory for grouping: neighbours of one session together. */
static void
neighbours(const struct csn_kv_batch *b, size_t from, size_t to,
    csn_kv_group_fn fn)
{
	uint32_t index[SMALL];
	struct csn_session *s;
	size_t i, k;

	for (i = from; i < to; ) {
		s = csn_kv_at(b, i)->session;
		for (k = 0; k < SMALL && i < to &&
		    csn_kv_at(b, i)->session == s; i++)
			index[k++] = (uint32_t)i;
		if (s != NULL)
			fn(b, s, index, k);
	}
}

static int
one_session(const struct csn_kv_batch *b, size_t from, size_t to)
{
	size_t i;

	for (i = from + 1; i < to; i++)
		if (csn_kv_at(b, i)->session != csn_kv_at(b, from)->session)
			return 0;
	return 1;
}

void
csn_kv_by_session(const struct csn_kv_batch *b, size_t from, size_t to,
    csn_kv_group_fn fn)
{
	struct scratch g;
	size_t n = to - from;
	uint8_t *mem;

	memset(&g, 0, sizeof(g));
	for (g.cap = 16; g.cap < n * 2; g.cap *= 2)
		;
	if (n <= 1 || one_session(b, from, to) || (mem = csn_calloc(1,
	    n * sizeof(*g.groups) + (n * 2 + g.cap) *
	    sizeof(uint32_t))) == NULL) {
		neighbours(b, from, to, fn);
		return;
	}
	g.groups = (struct group *)(void *)mem;
	g.next = (uint32_t *)(void *)(g.groups + n);
	g.index = g.next + n;
	g.table = g.index + n;
	group_range(b, &g, from, to, fn);
	free(mem);
}

struct work {
	struct csn_kv_batch b;
	csn_kv_group_fn fn;
};

static void
work_range(void *arg, size_t from, size_t to)
{
	struct work *w = arg;

	csn_kv_by_session(&w->b, from, to, w->fn);
}

/* Enough bytes a piece to be worth a hand-over, enough pieces for all. */
static size_t
grain_of(const struct csn_kv_batch *b, size_t n, unsigned threads)
{
	struct csn_kv_item *it = csn_kv_at(b, 0);
	size_t each = it->sealed_len / 64 + 1, grain;

	grain = (size_t)(256 * 1024) / (each * 64) + 1;
	if (grain * threads * 4 > n)
		grain = n / ((size_t)threads * 4) + 1;
	return grain;
}

int
csn_kv_run_batch(struct csn_ctx *ctx, struct csn_pool *pool,
    struct csn_kv_item *items, size_t n, size_t stride,
    csn_kv_group_fn fn, csn_kv_refuse_fn refuse)
{
	struct work w = { { ctx, (uint8_t *)items, stride }, fn };
	struct csn_kv_item *it;
	size_t i;

	if (n == 0)
		return 0;
	for (i = 0; i < n; i++) {
		it = csn_kv_at(&w.b, i);
		if (it->session == NULL)
			(void)refuse(it, it->rc != 0 ? it->rc : CSN_E_ARG);
	}
	csn_pool_run(pool, n, pool == NULL ? n : grain_of(&w.b, n,
	    csn_pool_threads(pool)), work_range, &w);
	for (i = 0; i < n; i++) {
		it = csn_kv_at(&w.b, i);
		if (it->rc != 0)
			return csn_fail(ctx, it->rc, "kv", "item %zu of %zu: "
			    "%s", i, n, csn_error_text(it->rc));
	}
	return 0;
}

/*
 * One pass, which reads a line of each item: an item's code is looked at before
 * its session is, and is 0 so far.
 */
int
csn_kv_stride(struct csn_ctx *ctx, struct csn_kv_item *items, size_t n,
    size_t *stride)
{
	uint8_t *p = (uint8_t *)items;
	struct csn_kv_item *it;
	size_t i, size;
	int rc;

	*stride = 0;
	if (n == 0)
		return 0;
	if (items == NULL || n >= NONE)
		return csn_fail(ctx, CSN_E_ARG, "kv", "a batch is an array "
		    "of struct csn_kv_item, of less than 2^32 items");
	if ((rc = CSN_GIVE_CHECK(items, csn_kv_item, version)) != 0)
		return rc;
	size = items->size;
	for (i = 0; i < n; i++, p += size) {
		it = (struct csn_kv_item *)(void *)p;
		if (it->size != size)
			return csn_fail(ctx, CSN_E_ARG, "kv", "item %zu of %zu "
			    "has size %u and the first one has %zu: all items "
			    "of a batch have one size", i, n, it->size, size);
		if (size > sizeof(*it) && (size % _Alignof(struct csn_kv_item)
		    != 0 || (rc = CSN_GIVE_CHECK(it, csn_kv_item,
		    version)) != 0))
			return csn_fail(ctx, CSN_E_ARG, "kv", "item %zu of %zu "
			    "asks for what this library does not know", i, n);
		it->rc = 0;
	}
	*stride = size;
	return 0;
}

static int
run_all(struct csn_ctx *ctx, struct csn_pool *pool,
    struct csn_kv_item *items, size_t n, csn_kv_group_fn fn,
    csn_kv_refuse_fn refuse)
{
	size_t stride;
	int rc;

	if ((rc = csn_kv_stride(ctx, items, n, &stride)) != 0)
		return rc;
	return csn_kv_run_batch(ctx, pool, items, n, stride, fn, refuse);
}

int
csn_kv_seal_batch(struct csn_ctx *ctx, struct csn_pool *pool,
    struct csn_kv_item *items, size_t n)
{
	return run_all(ctx, pool, items, n, csn_kv_seal_group,
	    csn_kv_seal_refuse);
}

int
csn_kv_open_batch(struct csn_ctx *ctx, struct csn_pool *pool,
    struct csn_kv_item *items, size_t n)
{
	return run_all(ctx, pool, items, n, csn_kv_open_group,
	    csn_kv_open_refuse);
}
