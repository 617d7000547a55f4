/* query.c - looking for records, and handing them out as JSON. */

#include <string.h>

#include "audit/audit.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"

struct query {
	struct csn_audit_filter filter;
	uint64_t matches;	/* seen so far */
	uint64_t skip;		/* of them, the oldest, past the limit */
	csn_audit_visit visit;
	void *arg;
};

static int
matches(const struct csn_audit_filter *f, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	if (f->op != 0 && r->op != f->op)
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

	(void)n;
	q->matches += (uint64_t)matches(&q->filter, unix_ms, r);
	return 0;
}

static int
visit_one(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	struct query *q = arg;

	if (!matches(&q->filter, unix_ms, r))
		return 0;
	if (q->skip > 0) {
		q->skip--;
		return 0;
	}
	return q->visit(q->arg, n, unix_ms, r);
}

static int
each(struct csn_audit *a, csn_audit_visit visit, void *arg)
{
	if (a->ring != NULL)
		return csn_audit_ring_each(a->ring, visit, arg);
	if (a->log != NULL)
		return csn_audit_log_each(a->log, visit, arg);
	return csn_audit_folder_each(a->ctx, a->folder, visit, arg);
}

int
csn_audit_query(struct csn_audit *a, const struct csn_audit_filter *filter,
    csn_audit_visit visit, void *arg)
{
	struct query q = { .visit = visit, .arg = arg };
	int rc;

	if (a == NULL || visit == NULL)
		return csn_fail(a == NULL ? NULL : a->ctx, CSN_E_ARG, "audit",
		    "no log, or no visitor, is given");
	if ((rc = CSN_TAKE(&q.filter, filter, csn_audit_filter,
	    to_ms)) != 0)
		return rc;
	/* The newest so many: count them first, then skip the others. */
	if (q.filter.limit > 0) {
		if ((rc = each(a, count_one, &q)) != 0)
			return rc;
		if (q.matches > q.filter.limit)
			q.skip = q.matches - q.filter.limit;
	}
	return each(a, visit_one, &q);
}

struct export {
	struct csn_out w;
	struct csn_audit_stamp stamp;
	struct csn_audit_line line;
};

static int
export_one(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *r)
{
	struct export *x = arg;

	x->line.n = n;
	x->line.unix_ms = unix_ms;
	x->line.rec = *r;
	csn_put_bytes(&x->w, x->w.len > 1 ? ",\n" : "\n",
	    x->w.len > 1 ? 2 : 1);
	csn_audit_line_write(&x->w, &x->stamp, &x->line);
	csn_put_u8(&x->w, '}');
	return csn_out_ok(&x->w) ? 0 : CSN_E_NOMEM;
}

int
csn_audit_export(struct csn_audit *a, const struct csn_audit_filter *filter,
    char **json)
{
	struct export *x;
	int rc;

	if (a == NULL || json == NULL)
		return csn_fail(a == NULL ? NULL : a->ctx, CSN_E_ARG, "audit",
		    "no log, or no place for the text");
	if ((x = csn_calloc(1, sizeof(*x))) == NULL)
		return csn_fail(a->ctx, CSN_E_NOMEM, "audit",
		    "no memory to export the log");
	csn_out_init(&x->w);
	csn_put_u8(&x->w, '[');
	rc = csn_audit_query(a, filter, export_one, x);
	csn_put_bytes(&x->w, "\n]\n", 4);	/* with its NUL */
	if (rc == CSN_E_NOMEM || (rc == 0 && !csn_out_ok(&x->w)))
		rc = csn_fail(a->ctx, CSN_E_NOMEM, "audit",
		    "no memory to export the log");
	if (rc == 0)
		*json = (char *)x->w.p;
	else
		csn_out_wipe(&x->w);
	csn_free(x);
	return rc;
}
