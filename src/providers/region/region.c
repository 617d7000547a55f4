/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region.c - a provider of regions as its users see it: what it lists is
 * checked before anybody measures it.
 */

#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/fail.h"
#include "base/sized.h"
#include "providers/region/provider.h"
#include "providers/registry.h"

#define ROOM "region"

/* A provider of the program's own has no sentence: give it one. */
static int
done(const struct csn_regions *r, int rc)
{
	if (rc < 0 && csn_message_code() != rc)
		return csn_fail(r->ctx, rc, ROOM, "the provider %s: %s",
		    r->p->name, csn_error_text(rc));
	return rc;
}

int
csn_regions_open(struct csn_ctx *ctx, const char *url,
    struct csn_regions **out)
{
	CSN_UNCANCELLED;
	struct csn_regions *r;
	const char *rest;
	int rc;

	if (ctx == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "regions need a context and a place for their handle");
	if ((r = csn_calloc(1, sizeof(*r))) == NULL)
		return csn_nomem(ctx, ROOM, "a region provider");
	r->ctx = ctx;
	if ((rc = csn_region_lookup(ctx, url, &r->p, &rest)) != 0 ||
	    (rc = done(r, r->p->open(ctx, rest, &r->state))) != 0) {
		free(r);
		return rc;
	}
	*out = r;
	return 0;
}

const char *
csn_regions_platform(const struct csn_regions *r)
{
	return r->p->platform;
}

void
csn_regions_close(struct csn_regions *r)
{
	CSN_UNCANCELLED;
	if (r == NULL)
		return;
	r->p->close(r->state);
	free(r);
}

/* What a provider lists, copied, before anybody else sees it. */
struct listing {
	struct csn_ctx *ctx;
	struct csn_region *items;
	size_t n;
	size_t cap;
};

static void
listing_free(struct listing *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		csn_free((char *)(uintptr_t)l->items[i].id);
		csn_free((char *)(uintptr_t)l->items[i].description);
	}
	free(l->items);
}

static int
take(void *arg, const struct csn_region *region)
{
	struct listing *l = arg;
	struct csn_region copy, *more;
	size_t cap;
	int rc;

	if ((rc = csn_region_take(l->ctx, region, &copy)) != 0)
		return rc;
	if (l->n == CSN_REGIONS_MAX)
		return csn_fail(l->ctx, CSN_E_LIMIT, ROOM,
		    "there are more than %d regions", CSN_REGIONS_MAX);
	if (l->n == l->cap) {
		cap = l->cap == 0 ? 16 : l->cap * 2;
		if ((more = csn_realloc(l->items, cap, sizeof(*more))) == NULL)
			goto nomem;
		l->items = more;
		l->cap = cap;
	}
	copy.id = csn_strdup(copy.id);
	copy.description = csn_strdup(copy.description);
	if (copy.id == NULL || copy.description == NULL) {
		csn_free((char *)(uintptr_t)copy.id);
		csn_free((char *)(uintptr_t)copy.description);
		goto nomem;
	}
	l->items[l->n++] = copy;
	return 0;

nomem:
	return csn_nomem(l->ctx, ROOM, "a list of regions");
}

static int
by_address(const void *a, const void *b)
{
	const struct csn_region *const *x = a, *const *y = b;

	return ((*x)->address > (*y)->address) -
	    ((*x)->address < (*y)->address);
}

static int
by_id(const void *a, const void *b)
{
	const struct csn_region *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

/* No two of an id, no two over one byte: neighbours when sorted. */
static int
check_together(const struct listing *l)
{
	const struct csn_region **sorted;
	size_t i;
	int rc = 0;

	if ((sorted = csn_calloc(l->n, sizeof(*sorted))) == NULL)
		return csn_nomem(l->ctx, ROOM, "a list of regions");
	for (i = 0; i < l->n; i++)
		sorted[i] = &l->items[i];
	qsort(sorted, l->n, sizeof(*sorted), by_id);
	for (i = 1; i < l->n && rc == 0; i++)
		if (strcmp(sorted[i - 1]->id, sorted[i]->id) == 0)
			rc = csn_fail(l->ctx, CSN_E_REGION, ROOM,
			    "two regions have the id %s", sorted[i]->id);
	qsort(sorted, l->n, sizeof(*sorted), by_address);
	for (i = 1; i < l->n && rc == 0; i++)
		if (csn_region_overlap(sorted[i - 1], sorted[i]))
			rc = csn_fail(l->ctx, CSN_E_REGION, ROOM,
			    "the regions %s and %s overlap",
			    sorted[i - 1]->id, sorted[i]->id);
	free(sorted);
	return rc;
}

int
csn_regions_each(struct csn_regions *r,
    int (*visit)(void *arg, const struct csn_region *region), void *arg)
{
	CSN_UNCANCELLED;
	struct listing l = { 0 };
	size_t i;
	int rc;

	if (r == NULL || visit == NULL)
		return csn_fail(r == NULL ? NULL : r->ctx, CSN_E_ARG, ROOM,
		    "regions and a visitor are needed");
	l.ctx = r->ctx;
	if ((rc = done(r, r->p->list(r->state, take, &l))) == 0)
		rc = check_together(&l);
	for (i = 0; i < l.n && rc == 0; i++)
		rc = visit(arg, &l.items[i]);
	listing_free(&l);
	return rc;
}

int
csn_regions_begin(struct csn_regions *r)
{
	if (CSN_NEEDS(r) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
	return r->p->begin == NULL ? 0 : done(r, r->p->begin(r->state));
}

int
csn_regions_end(struct csn_regions *r)
{
	if (CSN_NEEDS(r) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
	return r->p->end == NULL ? 0 : done(r, r->p->end(r->state));
}

int
csn_regions_read(struct csn_regions *r, const struct csn_region *region,
    uint64_t offset, void *out, size_t len)
{
	CSN_UNCANCELLED;
	struct csn_region g;
	int rc;

	if (r == NULL || region == NULL || (out == NULL && len != 0))
		return csn_fail(r == NULL ? NULL : r->ctx, CSN_E_ARG, ROOM,
		    "reading needs a region and a place for its bytes");
	if ((rc = CSN_TAKE(&g, region, csn_region, reserved)) != 0)
		return rc;
	if (offset > g.size || len > g.size - offset)
		return csn_fail(r->ctx, CSN_E_REGION, ROOM, "region %s has no "
		    "%zu bytes at 0x%llx", g.id, len,
		    (unsigned long long)offset);
	return done(r, r->p->read(r->state, &g, offset, out, len));
}

const void *
csn_regions_map(struct csn_regions *r, const struct csn_region *region)
{
	CSN_UNCANCELLED;
	struct csn_region g;

	if (r == NULL || region == NULL || r->p->map == NULL ||
	    CSN_TAKE(&g, region, csn_region, reserved) != 0)
		return NULL;
	return r->p->map(r->state, &g);
}

int
csn_regions_dirty(struct csn_regions *r, const struct csn_region *region,
    struct csn_range *ranges, size_t cap, size_t *n)
{
	CSN_UNCANCELLED;
	struct csn_region g;
	int rc;

	if (r == NULL || region == NULL || n == NULL ||
	    (ranges == NULL && cap > 0))
		return csn_fail(r == NULL ? NULL : r->ctx, CSN_E_ARG, ROOM,
		    "what was written needs a region and a place for it");
	if ((rc = CSN_TAKE(&g, region, csn_region, reserved)) != 0)
		return rc;
	if (r->p->dirty == NULL)
		return csn_fail(r->ctx, CSN_E_BACKEND, ROOM,
		    "the provider %s does not track writes", r->p->name);
	return done(r, r->p->dirty(r->state, &g, ranges, cap, n));
}

int
csn_regions_has_evidence(const struct csn_regions *r)
{
	return r->p->evidence != NULL;
}

int
csn_regions_evidence(struct csn_regions *r, const uint8_t report_data[64],
    uint8_t **out, size_t *len, uint8_t **certs, size_t *certs_len)
{
	if (CSN_NEEDS(r, out, certs) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
	if (r->p->evidence == NULL)
		return csn_fail(r->ctx, CSN_E_BACKEND, ROOM,
		    "the provider %s has no platform evidence", r->p->name);
	return done(r, r->p->evidence(r->state, report_data, out, len, certs,
	    certs_len));
}
