/* SPDX-License-Identifier: Apache-2.0 */
/* log_read.c - the records of a folder's files, in order. */

#include <string.h>

#include "audit/log.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"

/* The records of one file, its first `limit` bytes. */
static int
each_of_file(struct csn_ctx *ctx, const char *path, uint64_t number,
    uint64_t limit, struct csn_audit_line *line, csn_audit_visit visit,
    void *arg)
{
	struct csn_audit_reader r;
	const char *p;
	size_t len;
	int rc;

	if ((rc = csn_audit_reader_open(ctx, &r, path, number, 0, 0,
	    limit)) != 0)
		return rc;
	while ((rc = csn_audit_reader_next(&r, &p, &len)) > 0) {
		rc = csn_audit_line_read(p, len, line);
		if (rc == CSN_E_NOMEM) {
			rc = csn_fail(ctx, rc, "audit",
			    "no memory to read %s", r.name);
			break;
		}
		if (rc != 0) {
			rc = csn_fail(ctx, CSN_E_AUDIT, "audit",
			    "%s/%s:%llu is no record: verify this log", path,
			    r.name, (unsigned long long)r.line);
			break;
		}
		if (line->kind != CSN_AUDIT_RECORD)
			continue;
		if ((rc = visit(arg, line->n, line->unix_ms,
		    &line->rec)) != 0)
			break;
	}
	csn_audit_reader_close(&r);
	return rc;
}

int
csn_audit_log_each(struct csn_audit_log *log, csn_audit_visit visit,
    void *arg)
{
	struct csn_audit_line *line;
	uint64_t oldest, file, size, f;
	int rc = 0;

	if ((line = csn_calloc(1, sizeof(*line))) == NULL)
		return csn_nomem(log->ctx, "audit", "reading the log");
	(void)pthread_mutex_lock(&log->lock);
	oldest = log->oldest;
	file = log->file;
	size = log->size;
	(void)pthread_mutex_unlock(&log->lock);
	for (f = oldest; f <= file && rc == 0; f++) {
		rc = each_of_file(log->ctx, log->path, f, f == file ? size :
		    UINT64_MAX, line, visit, arg);
		if (rc != CSN_E_NOT_FOUND)
			continue;
		/* Retention may have taken it since. */
		(void)pthread_mutex_lock(&log->lock);
		if (f < log->oldest)
			rc = 0;
		(void)pthread_mutex_unlock(&log->lock);
	}
	csn_free(line);
	return rc;
}

int
csn_audit_folder_each(struct csn_ctx *ctx, const char *path,
    csn_audit_visit visit, void *arg)
{
	struct csn_audit_line *line;
	uint64_t *files = NULL;
	size_t n = 0, i;
	int rc;

	if ((line = csn_calloc(1, sizeof(*line))) == NULL)
		return csn_nomem(ctx, "audit", "reading the log");
	rc = csn_audit_files_kept(ctx, path, &files, &n);
	for (i = 0; i < n && rc == 0; i++)
		rc = each_of_file(ctx, path, files[i], UINT64_MAX, line,
		    visit, arg);
	csn_free(files);
	csn_free(line);
	return rc;
}

int
csn_audit_log_newest(struct csn_audit_log *log,
    const struct csn_audit_pick *pick, csn_audit_visit visit, void *arg)
{
	uint64_t *files = NULL, oldest, file, size;
	size_t n = 0, from = 0;
	int rc;

	(void)pthread_mutex_lock(&log->lock);
	oldest = log->oldest;
	file = log->file;
	size = log->size;
	(void)pthread_mutex_unlock(&log->lock);
	if ((rc = csn_audit_files(log->ctx, log->path, &files, &n)) != 0)
		return rc;
	while (n > 0 && files[n - 1] > file)
		n--;
	while (from < n && files[from] < oldest)
		from++;
	rc = csn_audit_newest(log->ctx, log->path, files + from, n - from,
	    size, pick, visit, arg);
	csn_free(files);
	return rc;
}

int
csn_audit_folder_newest(struct csn_ctx *ctx, const char *path,
    const struct csn_audit_pick *pick, csn_audit_visit visit, void *arg)
{
	uint64_t *files = NULL;
	size_t n = 0;
	int rc;

	if ((rc = csn_audit_files_kept(ctx, path, &files, &n)) == 0)
		rc = csn_audit_newest(ctx, path, files, n, UINT64_MAX, pick,
		    visit, arg);
	csn_free(files);
	return rc;
}

int
csn_audit_open_reader(struct csn_ctx *ctx, const char *path,
    struct csn_audit **out)
{
	CSN_UNCANCELLED;
	uint64_t *files = NULL;
	struct csn_audit *a;
	size_t n = 0;
	int rc;

	if (ctx == NULL || path == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, "audit", "a log needs a "
		    "context, a folder and a place for its handle");
	if ((rc = csn_audit_files(ctx, path, &files, &n)) != 0)
		return rc;
	csn_free(files);
	if (n == 0)
		return csn_fail(ctx, CSN_E_NOT_FOUND, "audit",
		    "there is no log in %s", path);
	if ((a = csn_calloc(1, sizeof(*a))) == NULL ||
	    (a->folder = csn_strdup(path)) == NULL) {
		csn_free(a);
		return csn_nomem(ctx, "audit", "a log");
	}
	a->ctx = ctx;
	*out = a;
	return 0;
}
