/* SPDX-License-Identifier: Apache-2.0 */
/* audit.c - the log as its users see it: arguments checked, then by kind. */

#include <stddef.h>
#include <string.h>

#include "audit/audit.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/sized.h"

int
csn_audit_new_memory(struct csn_ctx *ctx, size_t capacity, struct csn_audit
    **out)
{
	struct csn_audit *a;
	int rc;

	if (ctx == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, "audit",
		    "a log needs a context and a place for its handle");
	if ((a = csn_calloc(1, sizeof(*a))) == NULL)
		return csn_nomem(ctx, "audit", "a log");
	a->ctx = ctx;
	if ((rc = csn_audit_ring_new(ctx, capacity, &a->ring)) != 0) {
		csn_free(a);
		return rc;
	}
	*out = a;
	return 0;
}

static int
mixed(struct csn_audit *a, size_t first, size_t other)
{
	return csn_fail(a->ctx, CSN_E_ARG, "audit", "records of %zu and of "
	    "%zu bytes are appended together", first, other);
}

static int
check_record(struct csn_audit *a, const struct csn_audit_record *r)
{
	if (r->size != sizeof(*r))
		return mixed(a, sizeof(*r), r->size);
	if (!csn_audit_op_valid(r->op) || strcmp(r->op, "file") == 0 ||
	    strcmp(r->op, "checkpoint") == 0 ||
	    strcmp(r->op, CSN_AUDIT_RECOVERY) == 0)
		return csn_fail(a->ctx, CSN_E_ARG, "audit", "'%.32s' names "
		    "no operation that can be logged: see csn_audit_op_valid",
		    r->op != NULL ? r->op : "");
	if (r->tenant != NULL && strnlen(r->tenant,
	    CSN_AUDIT_MAX_TENANT + 1) > CSN_AUDIT_MAX_TENANT)
		return csn_fail(a->ctx, CSN_E_ARG, "audit", "a tenant's id "
		    "has at most %d bytes in a record", CSN_AUDIT_MAX_TENANT);
	return 0;
}

static int
take_record(struct csn_audit *a, const void *from, size_t size,
    struct csn_audit_record *to)
{
	const struct csn_audit_record *r = from;

	if (r->size != size)
		return mixed(a, size, r->size);
	return CSN_TAKE(to, r, csn_audit_record, session);
}

static int
read_only(struct csn_audit *a)
{
	return csn_fail(a->ctx, CSN_E_POLICY, "audit",
	    "the log in %s is open for reading only", a->folder);
}

int
csn_audit_append_many(struct csn_audit *a,
    const struct csn_audit_record *records, size_t n)
{
	CSN_CANCEL_POINT;
	struct csn_audit_record *same = NULL;
	size_t i, size;
	int rc = 0;

	if (a == NULL || (records == NULL && n > 0))
		return csn_fail(a == NULL ? NULL : a->ctx, CSN_E_ARG, "audit",
		    "no log, or no records, to append");
	if (n == 0)
		return 0;
	if (a->folder != NULL)
		return read_only(a);
	size = records->size;
	if (size != sizeof(*records)) {
		/* Another version's records: their size is their stride. */
		if ((same = csn_calloc(n, sizeof(*same))) == NULL)
			return csn_nomem(a->ctx, "audit", "%zu records", n);
		for (i = 0; i < n && rc == 0; i++)
			rc = take_record(a, (const char *)records + i * size,
			    size, &same[i]);
		records = same;
	}
	for (i = 0; i < n && rc == 0; i++)
		rc = check_record(a, &records[i]);
	if (rc == 0 && a->ring != NULL)
		csn_audit_ring_append(a->ring, records, n);
	else if (rc == 0)
		rc = csn_audit_log_append(a->log, records, n);
	csn_free(same);
	return rc;
}

int
csn_audit_append(struct csn_audit *a, const struct csn_audit_record *record)
{
	return csn_audit_append_many(a, record, 1);
}

static int
no_log(void)
{
	return csn_fail(NULL, CSN_E_ARG, "audit", "no log is given");
}

int
csn_audit_flush(struct csn_audit *a)
{
	if (a == NULL)
		return no_log();
	return a->log == NULL ? 0 : csn_audit_log_flush(a->log);
}

int
csn_audit_checkpoint(struct csn_audit *a)
{
	CSN_UNCANCELLED;
	if (a == NULL)
		return no_log();
	if (a->folder != NULL)
		return read_only(a);
	if (a->log == NULL)
		return csn_fail(a->ctx, CSN_E_SIGNER, "audit",
		    "a log in memory has no checkpoints");
	return csn_audit_log_checkpoint(a->log);
}

int
csn_audit_head(struct csn_audit *a, uint8_t head[CSN_HASH_SIZE],
    uint64_t *records)
{
	CSN_UNCANCELLED;
	if (a == NULL || head == NULL || records == NULL)
		return no_log();
	if (a->folder != NULL)
		return read_only(a);
	if (a->log != NULL) {
		csn_audit_log_head(a->log, head, records);
	} else {
		memset(head, 0, CSN_HASH_SIZE);
		*records = csn_audit_ring_count(a->ring);
	}
	return 0;
}

void
csn_audit_close(struct csn_audit *a)
{
	CSN_UNCANCELLED;
	if (a == NULL)
		return;
	csn_audit_ring_free(a->ring);
	csn_audit_log_close(a->log);
	csn_free(a->folder);
	csn_free(a);
}
