/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify_region.c - regions against their reference values. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "attest/verifier.h"
#include "base/fail.h"

#define ROOM "attest"
#define NAME_SIZE (8 + CSN_REGION_ID_MAX + 1)
#define DETAIL_SIZE 640
#define MAX_NAMED 8		/* ranges that a sentence names */

/* "region ID" */
static void
name_of(const char *id, size_t len, char name[NAME_SIZE])
{
	(void)snprintf(name, NAME_SIZE, "region %.*s", (int)len, id);
}

/*
 * Whether the region is in a state: all that both sides have must agree, and
 * there must be something that both have.
 */
static int
matches(const struct csn_report_region *g, const struct csn_reference *ref)
{
	int compared = 0;

	if (ref->has_tree && g->tree != NULL) {
		if (!csn_equal(ref->tree, g->tree, CSN_HASH_SIZE))
			return 0;
		compared = 1;
	}
	if (ref->has_flat && g->flat != NULL) {
		if (!csn_equal(ref->flat, g->flat, CSN_HASH_SIZE))
			return 0;
		compared = 1;
	}
	return compared;
}

static int
comparable(const struct csn_report_region *g, const struct csn_reference *ref)
{
	return (ref->has_tree && g->tree != NULL) ||
	    (ref->has_flat && g->flat != NULL);
}

/* 1 where the leaf hashes that the report brings give its root. */
static int
leaves_hold(struct csn_ctx *ctx, const struct csn_report_region *g)
{
	uint8_t root[CSN_HASH_SIZE];
	struct csn_tree *tree;
	int ok;

	if (csn_tree_new(ctx, g->size, g->leaf, &tree) != 0)
		return 0;
	ok = csn_tree_set_hashes(tree, 0, g->leaves, g->nleaves) == 0 &&
	    csn_tree_root(tree, root) == 0 &&
	    csn_equal(root, g->tree, sizeof(root));
	csn_tree_free(tree);
	return ok;
}

/* Add to a sentence that may be cut, never overrun. */
struct words {
	char text[DETAIL_SIZE];
	size_t len;
};

static void CSN_PRINTF(2, 3)
say(struct words *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(w->text + w->len, sizeof(w->text) - w->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		w->len += (size_t)n;
	if (w->len >= sizeof(w->text))
		w->len = sizeof(w->text) - 1;
}

/* The ranges of leaves that differ, neighbours joined. */
static void
say_ranges(struct words *w, const struct csn_report_region *g,
    const struct csn_policy_region *p)
{
	size_t i, from, named = 0, more = 0, differ = 0;
	uint64_t end;

	for (i = 0; i < g->nleaves; i++) {
		from = i;
		while (i < g->nleaves && !csn_equal(g->leaves +
		    i * CSN_HASH_SIZE, p->leaves + i * CSN_HASH_SIZE,
		    CSN_HASH_SIZE))
			i++;
		if (i == from)
			continue;
		differ += i - from;
		if (named == MAX_NAMED) {
			more++;
			continue;
		}
		end = (uint64_t)i * g->leaf;
		if (end > g->size)
			end = g->size;
		say(w, "%s 0x%llx-0x%llx", named++ == 0 ? ": bytes" : ",",
		    (unsigned long long)((uint64_t)from * g->leaf),
		    (unsigned long long)(end - 1));
		if (i - from == 1)
			say(w, " (leaf %zu)", from);
		else
			say(w, " (leaves %zu-%zu)", from, i - 1);
	}
	if (more > 0)
		say(w, " and %zu more ranges", more);
	say(w, "; %zu of %zu leaves of %u bytes", differ, g->nleaves,
	    g->leaf);
}

static void
say_drift(struct csn_check_run *run, struct words *w,
    const struct csn_report_region *g, const struct csn_policy_region *p)
{
	say(w, "the bytes of region %.*s are not those of the policy",
	    (int)g->id.len, g->id.p);
	if (g->leaves == NULL || p->leaves == NULL)
		return;
	if (g->leaf != p->leaf || g->nleaves != p->nleaves)
		say(w, " (leaves of another size cannot be compared)");
	else if (!leaves_hold(run->ctx, g))
		say(w, " (the report's leaf hashes are not those of its "
		    "root)");
	else
		say_ranges(w, g, p);
}

static int
lenient(const struct csn_check_run *run)
{
	return (run->flags & CSN_VERIFY_LENIENT) != 0 ||
	    run->v->policy->lenient;
}

/* A region's bytes against the states that are good. */
static void
check_content(struct csn_check_run *run, const char *name,
    const struct csn_report_region *g, const struct csn_policy_region *p)
{
	struct words w = { .len = 0 };
	size_t i, could = 0;

	for (i = 0; i < p->nrefs; i++) {
		if (matches(g, &p->refs[i])) {
			csn_check_note(run, name, 0);
			return;
		}
		could += (size_t)comparable(g, &p->refs[i]);
	}
	if (could == 0) {
		csn_check_note(run, name, csn_fail(run->ctx, CSN_E_DRIFT,
		    ROOM, "region %.*s: the report has a %s and the policy "
		    "has none to compare it with", (int)g->id.len, g->id.p,
		    g->tree != NULL ?
		    "tree" : "flat hash"));
		return;
	}
	if (lenient(run))
		say(&w, "drift, which lenient mode lets pass: ");
	say_drift(run, &w, g, p);
	if (lenient(run))
		csn_check_skip(run, name, w.text);
	else
		csn_check_note(run, name, csn_fail(run->ctx, CSN_E_DRIFT,
		    ROOM, "%s", w.text));
}

/* A region against an entry. Where and how large it is knows no lenience. */
static void
check_against(struct csn_check_run *run, const char *name,
    const struct csn_report_region *g, const struct csn_policy_region *p)
{
	int rc = 0;

	if (p->size != 0 && g->size != p->size)
		rc = csn_fail(run->ctx, CSN_E_DRIFT, ROOM,
		    "%s has %llu bytes, the policy says %llu", name,
		    (unsigned long long)g->size, (unsigned long long)p->size);
	else if (p->protection != 0 && g->protection != p->protection)
		rc = csn_fail(run->ctx, CSN_E_DRIFT, ROOM,
		    "%s is %s, the policy says %s", name,
		    csn_protection_name((int)g->protection),
		    csn_protection_name((int)p->protection));
	if (rc != 0)
		csn_check_note(run, name, rc);
	else
		check_content(run, name, g, p);
}

/* One region of the policy. */
static void
check_region(struct csn_check_run *run, const struct csn_policy_region *p)
{
	const struct csn_report_region *g;
	char name[NAME_SIZE];

	name_of(p->id, strlen(p->id), name);
	if ((g = csn_report_find(run->report, p->id)) != NULL)
		check_against(run, name, g, p);
	else
		csn_check_note(run, name, csn_fail(run->ctx, CSN_E_DRIFT,
		    ROOM, "region %s is not in the report", p->id));
}

static const struct csn_policy_region *
in_policy(const struct csn_policy *p, const char *id, size_t len)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (strlen(p->regions[i].id) == len &&
		    csn_equal(p->regions[i].id, id, len))
			return &p->regions[i];
	return NULL;
}

/*
 * The second mapping of a name is called NAME#2: which is the first and which
 * the workload uses is the workload's to choose. So each of them is held to
 * the entry of NAME, unless it has one of its own.
 */
static const struct csn_policy_region *
sibling_of(const struct csn_policy *p, const struct csn_view *id)
{
	size_t n = id->len;

	while (n > 0 && id->p[n - 1] >= '0' && id->p[n - 1] <= '9')
		n--;
	return n == id->len || n < 2 || id->p[n - 1] != '#' ? NULL :
	    in_policy(p, id->p, n - 1);
}

/* One region of the report that the policy may not know. */
static void
check_unknown(struct csn_check_run *run, const struct csn_report_region *g)
{
	const struct csn_policy *p = run->v->policy;
	const struct csn_policy_region *entry;
	char name[NAME_SIZE];

	if (p != NULL && in_policy(p, g->id.p, g->id.len) != NULL)
		return;
	name_of(g->id.p, g->id.len, name);
	if (p != NULL && (entry = sibling_of(p, &g->id)) != NULL &&
	    (!p->complete || lenient(run)))
		check_against(run, name, g, entry);
	else if (p == NULL)
		csn_check_skip(run, name,
		    "no policy says what it should hold");
	else if (p->complete && !lenient(run))
		csn_check_note(run, name, csn_fail(run->ctx, CSN_E_POLICY,
		    ROOM, "region %.*s is not in the policy, which is "
		    "complete", (int)g->id.len, g->id.p));
	else
		csn_check_skip(run, name, "it is not in the policy");
}

void
csn_check_regions(struct csn_check_run *run)
{
	const struct csn_policy *p = run->v->policy;
	size_t i;

	for (i = 0; p != NULL && i < p->n; i++)
		check_region(run, &p->regions[i]);
	for (i = 0; i < run->report->nregions; i++)
		check_unknown(run, &run->report->regions[i]);
}
