/* SPDX-License-Identifier: Apache-2.0 */
/* attest/attester.c - all regions of a workload, measured and signed. */
#include <stdlib.h>
#include <string.h>

#include "attest/attester.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/sized.h"
#include "base/text.h"

#define ROOM "attest"
#define TRIES 4		/* at a workload that writes while it is read */
#define LIFETIME_MS 300000u
#define MAX_LIFETIME_MS (UINT64_C(366) * 86400 * 1000)
#define FULL_EVERY 10

static int
options_ok(struct csn_ctx *ctx, const struct csn_attester_options *o)
{
	size_t len;

	if (o->workload == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "an attester needs a workload id");
	len = strnlen(o->workload, CSN_WORKLOAD_MAX + 1);
	if (len == 0 || len > CSN_WORKLOAD_MAX ||
	    !csn_utf8_ok(o->workload, len))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a workload id has 1 to "
		    "%d bytes of UTF-8 without control characters",
		    CSN_WORKLOAD_MAX);
	if (o->identity != NULL &&
	    !csn_sign_is_private(csn_identity_sign_key(o->identity)))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "the attester's identity has no private key");
	if (o->measure > CSN_MEASURE_BOTH || o->leaves > 1 ||
	    o->lifetime_ms > MAX_LIFETIME_MS)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "an attester's measure "
		    "is one of enum csn_measure, leaves 0 or 1, and a "
		    "lifetime at most a year");
	if (o->leaves && o->measure == CSN_MEASURE_FLAT)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a flat hash has no leaf hashes to report");
	return 0;
}

int
csn_attester_new(struct csn_ctx *ctx, struct csn_regions *regions,
    const struct csn_attester_options *options, struct csn_attester **out)
{
	CSN_UNCANCELLED;
	struct csn_attester_options o;
	struct csn_attester *a;
	struct csn_tree *probe;
	int rc;

	if (ctx == NULL || regions == NULL || options == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "an attester needs regions, options and a place to go");
	if ((rc = CSN_TAKE(&o, options, csn_attester_options,
	    cancelled_arg)) != 0)
		return rc;
	if (csn_regions_platform(regions) == NULL || !csn_platform_name_ok(
	    csn_regions_platform(regions),
	    strlen(csn_regions_platform(regions))))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a provider's platform "
		    "is 1 to %d of a-z, 0-9 and '-'", CSN_PLATFORM_NAME_MAX);
	if ((rc = options_ok(ctx, &o)) != 0)
		return rc;
	if (o.measure == 0)
		o.measure = CSN_MEASURE_TREE;
	if (o.leaf == 0)
		o.leaf = CSN_TREE_LEAF;
	if (o.full_every == 0)
		o.full_every = FULL_EVERY;
	if (o.lifetime_ms == 0)
		o.lifetime_ms = LIFETIME_MS;
	/* A leaf that is none is found now. */
	if ((rc = csn_tree_new(ctx, 0, o.leaf, &probe)) != 0)
		return rc;
	csn_tree_free(probe);
	if ((a = csn_calloc(1, sizeof(*a))) == NULL)
		goto nomem;
	a->ctx = ctx;
	a->regions = regions;
	a->o = o;
	a->o.workload = csn_strdup(o.workload);
	a->ranges = csn_calloc(CSN_MAX_RANGES, sizeof(*a->ranges));
	if (a->o.workload == NULL || a->ranges == NULL) {
		csn_attester_free(a);
		goto nomem;
	}
	*out = a;
	return 0;

nomem:
	return csn_nomem(ctx, ROOM, "an attester");
}

static void
drop(struct csn_measured *m)
{
	csn_free((char *)(uintptr_t)m->region.id);
	csn_free((char *)(uintptr_t)m->region.description);
	csn_tree_free(m->tree);
	memset(m, 0, sizeof(*m));
}

static void
drop_all(struct csn_measured *items, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		drop(&items[i]);
	free(items);
}

void
csn_attester_free(struct csn_attester *a)
{
	CSN_UNCANCELLED;
	size_t i;

	if (a == NULL)
		return;
	drop_all(a->items, a->n);
	for (i = 0; i < a->nsources; i++)
		free(a->sources[i].platform);
	csn_free((char *)(uintptr_t)a->o.workload);
	free(a->ranges);
	free(a);
}

int
csn_attester_add_evidence(struct csn_attester *a, const char *platform,
    csn_evidence_fn fn, void *arg)
{
	CSN_UNCANCELLED;
	struct csn_evidence_source *s;

	if (a == NULL || platform == NULL || fn == NULL ||
	    !csn_platform_name_ok(platform, strlen(platform)))
		return csn_fail(a == NULL ? NULL : a->ctx, CSN_E_ARG, ROOM,
		    "a platform's name is 1 to %d of a-z, 0-9 and '-'",
		    CSN_PLATFORM_NAME_MAX);
	if (a->nsources == CSN_EVIDENCE_MAX - 1)
		return csn_fail(a->ctx, CSN_E_LIMIT, ROOM,
		    "a report carries evidence of at most %d platforms",
		    CSN_EVIDENCE_MAX);
	s = &a->sources[a->nsources];
	if ((s->platform = csn_strdup(platform)) == NULL)
		return csn_nomem(a->ctx, ROOM, "a source of evidence");
	s->fn = fn;
	s->arg = arg;
	a->nsources++;
	return 0;
}

/* --- measuring ---------------------------------------------------------- */

/* The new list of regions; what is still there moves over from the old. */
struct renewal {
	struct csn_attester *a;
	struct csn_measured *items;
	size_t n;
	size_t cap;
};

static int
same_place(const struct csn_region *a, const struct csn_region *b)
{
	return a->address == b->address && a->size == b->size &&
	    strcmp(a->id, b->id) == 0;
}

/* The old measurement of that region, or NULL; most keep their place. */
static struct csn_measured *
former(struct csn_attester *a, const struct csn_region *region, size_t at)
{
	size_t i;

	if (at < a->n && a->items[at].region.id != NULL &&
	    same_place(&a->items[at].region, region))
		return &a->items[at];
	for (i = 0; i < a->n; i++)
		if (a->items[i].region.id != NULL &&
		    same_place(&a->items[i].region, region))
			return &a->items[i];
	return NULL;
}

static int
renew(void *arg, const struct csn_region *region)
{
	struct renewal *r = arg;
	struct csn_measured *m, *old, *more;
	size_t cap;
	int rc;

	if (r->n == r->cap) {
		cap = r->cap == 0 ? 16 : r->cap * 2;
		if ((more = csn_realloc(r->items, cap, sizeof(*more))) == NULL)
			goto nomem;
		r->items = more;
		r->cap = cap;
	}
	m = &r->items[r->n];
	memset(m, 0, sizeof(*m));
	m->region = *region;
	m->region.id = csn_strdup(region->id);
	m->region.description = csn_strdup(region->description);
	r->n++;
	if (m->region.id == NULL || m->region.description == NULL)
		goto nomem;
	if ((old = former(r->a, region, r->n - 1)) != NULL) {
		m->tree = old->tree;
		old->tree = NULL;
		memcpy(m->root, old->root, sizeof(m->root));
		memcpy(m->flat, old->flat, sizeof(m->flat));
		m->valid = old->valid;
		m->changed = old->changed;
		/* It may be written again, or is something else by now. */
		if (old->region.immutable != region->immutable)
			m->valid = 0;
	}
	if (m->tree == NULL && (r->a->o.measure & CSN_MEASURE_TREE) != 0) {
		m->valid = 0;
		rc = csn_tree_new(r->a->ctx, region->size, r->a->o.leaf,
		    &m->tree);
		return rc;
	}
	return 0;

nomem:
	return csn_nomem(r->a->ctx, ROOM, "another region");
}

/* again: the last try was not one moment, and what it saw change counts. */
static int
measure_all(struct csn_attester *a, int full, int again)
{
	int rc, ended, changed;
	size_t i;

	a->hashed = a->total = 0;
	if ((rc = csn_measure_go_on(a)) != 0 ||
	    (rc = csn_regions_begin(a->regions)) != 0)
		return rc;
	for (i = 0; i < a->n && rc == 0; i++) {
		a->total += a->items[i].region.size;
		changed = again ? a->items[i].changed : 0;
		rc = csn_measure_region(a, &a->items[i], full);
		a->items[i].changed |= changed;
	}
	/* A workload that was frozen goes on, whatever came of it. */
	ended = csn_regions_end(a->regions);
	/* That it does not go on is worse than that we were called off. */
	return rc != 0 && (rc != CSN_E_CANCELLED || ended == 0) ? rc : ended;
}

/* A provider that cannot freeze says CSN_E_BUSY where it saw two moments. */
static int
measure_moment(struct csn_attester *a, int full)
{
	int rc, tries = 1;

	/* What changed in a look that failed was told to nobody. */
	rc = measure_all(a, full, a->untold);
	while (rc == CSN_E_BUSY && tries++ < TRIES)
		rc = measure_all(a, full, 1);
	return rc;
}

int
csn_attester_measure(struct csn_attester *a, int incremental)
{
	CSN_UNCANCELLED;
	struct renewal r = { .a = a };
	int full, rc;

	if (a == NULL)
		return csn_fail(NULL, CSN_E_ARG, ROOM,
		    "measuring needs an attester");
	full = !incremental || !a->valid ||
	    a->since_full + 1 >= a->o.full_every;
	a->untold |= !a->valid;
	a->valid = 0;
	rc = csn_regions_each(a->regions, renew, &r);
	drop_all(a->items, a->n);
	a->items = r.items;
	a->n = r.n;
	a->cap = r.cap;
	if (rc != 0 || (rc = measure_moment(a, full)) != 0)
		return rc;
	a->untold = 0;
	a->round++;
	a->since_full = full ? 0 : a->since_full + 1;
	a->full = full;
	a->valid = 1;
	return 0;
}

size_t
csn_attester_count(const struct csn_attester *a)
{
	return a->valid ? a->n : 0;
}

int
csn_attester_snapshot(const struct csn_attester *a, size_t i,
    struct csn_snapshot *out)
{
	struct csn_snapshot s = { 0 };
	const struct csn_measured *m;
	int rc;

	if (a == NULL)
		return csn_fail(NULL, CSN_E_ARG, ROOM,
		    "a snapshot is one of an attester: it is NULL");
	if ((rc = CSN_GIVE_CHECK(out, csn_snapshot, flat)) != 0)
		return rc;
	if (i >= csn_attester_count(a))
		return csn_fail(a->ctx, CSN_E_NOT_FOUND, ROOM,
		    "there is no measurement of a region %zu", i);
	m = &a->items[i];
	s.measure = a->o.measure;
	s.region = m->region.id;
	s.description = m->region.description;
	s.address = m->region.address;
	s.size = m->region.size;
	s.taken_ms = m->taken_ms;
	s.protection = m->region.protection;
	s.leaf = m->tree != NULL ? a->o.leaf : 0;
	s.changed = (uint32_t)m->changed;
	s.immutable = m->region.immutable != 0;
	memcpy(s.tree, m->root, sizeof(s.tree));
	memcpy(s.flat, m->flat, sizeof(s.flat));
	CSN_GIVE(out, &s, csn_snapshot);
	return 0;
}

const uint8_t *
csn_attester_leaves(const struct csn_attester *a, size_t i, size_t *n)
{
	if (a == NULL || i >= csn_attester_count(a) ||
	    a->items[i].tree == NULL)
		return NULL;
	*n = (size_t)csn_tree_leaves(a->items[i].tree);
	return csn_tree_leaf_hashes(a->items[i].tree);
}

void
csn_attester_work(const struct csn_attester *a, uint64_t *hashed,
    uint64_t *total)
{
	*hashed = a->hashed;
	*total = a->total;
}

int
csn_attester_was_full(const struct csn_attester *a)
{
	return a->valid && a->full;
}
