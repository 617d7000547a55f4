/* SPDX-License-Identifier: Apache-2.0 */
/* query.c - looking for records, and handing them out as JSON. */

#include <string.h>

#include "audit/audit.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/sized.h"

struct query {
	struct csn_ctx *ctx;
	struct csn_audit_filter filter;
	uint64_t matches;	/* seen so far */
	uint64_t skip;		/* of them, the oldest, past the limit */
	csn_audit_visit visit;
	void *arg;
};

/* 1 where the filter takes the record, 0 where not, or CSN_E_CANCELLED. */
static int
matches(void *arg, uint64_t unix_ms, const struct csn_audit_record *r)
{
	const struct query *q = arg;
	const struct csn_audit_filter *f = &q->filter;

	if (f->cancelled != NULL && f->cancelled(f->cancelled_arg) != 0)
		return csn_fail(q->ctx, CSN_E_CANCELLED, "audit",
		    "reading the log was called off");
	if (f->op != NULL && strcmp(r->op, f->op) != 0)
		return 0;
	if (unix_ms < f->from_ms || (f->to_ms != 0 && unix_ms >= f->to_ms))
		return 0;
	return f->tenant == NULL ||
	    (r->tenant != NULL && strcmp(r->tenant, f->tenant) == 0);
}

static int
count_one(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	struct query *q = arg;
	int rc = matches(q, unix_ms, r);

	(void)n;
	if (rc > 0)
		q->matches++;
	return rc < 0 ? rc : 0;
}

static int
visit_one(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	struct query *q = arg;
	int rc = matches(q, unix_ms, r);

	if (rc <= 0)
		return rc;
	if (q->skip > 0) {
		q->skip--;
		return 0;
	}
	return q->visit(q->arg, n, unix_ms, r);
}

/* The newest so many in memory: count them first, then skip the others. */
static int
newest_of_ring(struct csn_audit *a, struct query *q)
{
	int rc;

	if ((rc = csn_audit_ring_each(a->ring, count_one, q)) != 0)
		return rc;
	if (q->matches > q->filter.limit)
		q->skip = q->matches - q->filter.limit;
	return csn_audit_ring_each(a->ring, visit_one, q);
}

static int
newest(struct csn_audit *a, struct query *q)
{
	struct csn_audit_pick pick = { q->filter.limit, matches, q };

	if (a->ring != NULL)
		return newest_of_ring(a, q);
	if (a->log != NULL)
		return csn_audit_log_newest(a->log, &pick, q->visit, q->arg);
	return csn_audit_folder_newest(a->ctx, a->folder, &pick, q->visit,
	    q->arg);
}

int
csn_audit_each(struct csn_audit *a, const struct csn_audit_filter *filter,
    csn_audit_visit visit, void *arg)
{
	CSN_UNCANCELLED;
	struct query q = { .visit = visit, .arg = arg };
	int rc;

	if (a == NULL || visit == NULL)
		return csn_fail(a == NULL ? NULL : a->ctx, CSN_E_ARG, "audit",
		    "no log, or no visitor, is given");
	q.ctx = a->ctx;
	if ((rc = CSN_TAKE(&q.filter, filter, csn_audit_filter,
	    to_ms)) != 0)
		return rc;
	if (q.filter.op != NULL && !csn_audit_op_valid(q.filter.op))
		return csn_fail(a->ctx, CSN_E_ARG, "audit",
		    "'%.32s' cannot be the name of an operation",
		    q.filter.op);
	if (q.filter.limit > 0)
		return newest(a, &q);
	if (a->ring != NULL)
		return csn_audit_ring_each(a->ring, visit_one, &q);
	if (a->log != NULL)
		return csn_audit_log_each(a->log, visit_one, &q);
	return csn_audit_folder_each(a->ctx, a->folder, visit_one, &q);
}

struct export {
	struct csn_out w;
	struct csn_audit_stamp stamp;
	struct csn_audit_line line;
	int (*write)(void *arg, const void *p, size_t len);
	void *arg;
	int begun;
};

static int
export_one(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	struct export *x = arg;

	x->line.n = n;
	x->line.unix_ms = unix_ms;
	x->line.rec = *r;
	x->w.len = 0;
	csn_put_bytes(&x->w, x->begun ? ",\n" : "[\n", 2);
	x->begun = 1;
	csn_audit_line_write(&x->w, &x->stamp, &x->line);
	csn_put_u8(&x->w, '}');
	return csn_out_ok(&x->w) ? x->write(x->arg, x->w.p, x->w.len) :
	    CSN_E_NOMEM;
}

int
csn_audit_export_to(struct csn_audit *a,
    const struct csn_audit_filter *filter,
    int (*write)(void *arg, const void *p, size_t len), void *arg)
{
	CSN_UNCANCELLED;
	struct export *x;
	int rc;

	if (a == NULL || write == NULL)
		return csn_fail(a == NULL ? NULL : a->ctx, CSN_E_ARG, "audit",
		    "no log, or nobody who takes the text");
	if ((x = csn_calloc(1, sizeof(*x))) == NULL)
		return csn_nomem(a->ctx, "audit", "exporting the log");
	csn_out_init(&x->w);
	x->write = write;
	x->arg = arg;
	rc = csn_audit_each(a, filter, export_one, x);
	if (rc == 0)
		rc = write(arg, x->begun ? "\n]\n" : "[\n]\n",
		    x->begun ? 3 : 4);
	else if (rc == CSN_E_NOMEM)
		rc = csn_nomem(a->ctx, "audit", "exporting the log");
	csn_out_wipe(&x->w);
	csn_free(x);
	return rc;
}

static int
collect(void *arg, const void *p, size_t len)
{
	struct csn_out *w = arg;

	csn_put_bytes(w, p, len);
	return csn_out_ok(w) ? 0 : CSN_E_NOMEM;
}

int
csn_audit_export(struct csn_audit *a, const struct csn_audit_filter *filter,
    char **json)
{
	CSN_UNCANCELLED;
	struct csn_out w;
	int rc;

	if (a == NULL || json == NULL)
		return csn_fail(a == NULL ? NULL : a->ctx, CSN_E_ARG, "audit",
		    "no log, or no place for the text");
	csn_out_init(&w);
	rc = csn_audit_export_to(a, filter, collect, &w);
	csn_put_u8(&w, 0);
	if (rc == CSN_E_NOMEM || (rc == 0 && !csn_out_ok(&w)))
		rc = csn_nomem(a->ctx, "audit", "exporting the log");
	if (rc == 0)
		*json = (char *)w.p;
	else
		csn_out_wipe(&w);
	return rc;
}
