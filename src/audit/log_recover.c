/* SPDX-License-Identifier: Apache-2.0 */
/* log_recover.c - from the state's line to the end of the log, at opening. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/log.h"
#include "base/alloc.h"
#include "base/fail.h"

/* The first line of a file says which file of which log it is. */
static int
first_line_ok(const struct csn_audit_log *log, uint64_t number,
    const struct csn_audit_line *line)
{
	return line->kind == CSN_AUDIT_FILE && line->file == number &&
	    memcmp(line->log, log->id, sizeof(log->id)) == 0; /* public */
}

static int
check_line(struct csn_audit_log *log, struct csn_audit_reader *r,
    uint64_t number, const char *p, size_t len)
{
	static const char *const wrong[] = {
		[CSN_AUDIT_LINE_NUMBER] = "does not have the next number",
		[CSN_AUDIT_LINE_PREV] = "does not follow from the one before",
		[CSN_AUDIT_LINE_MAC] = "has a wrong MAC",
	};
	const char *what = NULL;
	int rc;

	rc = csn_audit_line_read(p, len, &log->line);
	if (rc == CSN_E_NOMEM)
		return csn_fail(log->ctx, rc, "audit",
		    "no memory to read %s", r->name);
	if (rc != 0)
		what = "is no record";
	else if ((r->line == 1) != (log->line.kind == CSN_AUDIT_FILE) ||
	    (r->line == 1 && !first_line_ok(log, number, &log->line)))
		what = "is not the first line of this file";
	if (what == NULL) {
		rc = csn_audit_chain_check(log->ctx, log->hash,
		    &log->m->kept, 1, &log->line, p);
		if (rc <= 0)
			return rc;
		what = wrong[rc];
	}
	return csn_fail(log->ctx, CSN_E_AUDIT, "audit",
	    "%s/%s:%llu %s: the log was tampered with", log->path, r->name,
	    (unsigned long long)r->line, what);
}

/*
 * Walk one file from where it is known; *torn is what its last line lacks a
 * newline for. Afterwards size and lines are those of what is good. given_up
 * 1: a first line that does not follow, and is the only one, is torn too. A
 * rotation that failed can leave it, if its removal was lost with the power.
 */
static int
walk(struct csn_audit_log *log, uint64_t number, uint64_t offset,
    uint64_t line, int given_up, size_t *torn)
{
	struct csn_audit_reader r;
	const char *p;
	size_t len;
	int rc;

	if ((rc = csn_audit_reader_open(log->ctx, &r, log->path, number,
	    offset, line, UINT64_MAX)) != 0)
		return rc;
	if (lseek(r.fd, 0, SEEK_END) < (off_t)offset)
		rc = csn_fail(log->ctx, CSN_E_AUDIT, "audit", "%s/%s was cut: "
		    "it had %llu records when the state was saved", log->path,
		    r.name, (unsigned long long)line);
	while (rc == 0 && (rc = csn_audit_reader_next(&r, &p, &len)) > 0)
		rc = check_line(log, &r, number, p, len);
	*torn = r.torn;
	log->size = r.offset;
	log->lines = r.line;
	if (rc == CSN_E_AUDIT && given_up && r.line == 1 &&
	    csn_audit_reader_next(&r, &p, &len) == 0) {
		*torn = log->size + r.torn;
		log->size = log->lines = 0;
		rc = 0;
	}
	csn_audit_reader_close(&r);
	return rc;
}

/* Every file from `from` on must be there: the last of them. */
static int
last_file(struct csn_audit_log *log, uint64_t from, uint64_t *last)
{
	char name[CSN_AUDIT_NAME_SIZE];
	uint64_t *files = NULL, next = from;
	size_t n = 0, i;
	int rc;

	if ((rc = csn_audit_files(log->ctx, log->path, &files, &n)) != 0)
		return rc;
	for (i = 0; i < n; i++) {
		if (files[i] == next)
			next++;
		else if (files[i] > next)
			break;
	}
	if (i < n || (next <= log->file && log->m->kept.n > 0)) {
		csn_audit_file_name(next, name);
		rc = csn_fail(log->ctx, CSN_E_AUDIT, "audit",
		    "%s/%s is missing", log->path, name);
	}
	*last = next == 0 ? 0 : next - 1;
	if (rc == 0 && next <= log->file)
		*last = UINT64_MAX;
	csn_free(files);
	return rc;
}

static int
open_for_writing(struct csn_audit_log *log, uint64_t number)
{
	char name[CSN_AUDIT_NAME_SIZE], *full;
	int rc = 0;

	csn_audit_file_name(number, name);
	if ((full = csn_audit_path(log->path, name)) == NULL)
		return csn_nomem(log->ctx, "audit", "opening %s", name);
	log->fd = open(full, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (log->fd < 0)
		rc = csn_fail_errno(log->ctx, CSN_E_IO, "audit", errno,
		    "%s cannot be opened for writing", full);
	csn_free(full);
	return rc;
}

/* Say in the log that something was cut off it. */
static int
note_torn(struct csn_audit_log *log, size_t torn)
{
	struct csn_audit_chain before = log->m->now;
	char detail[96];
	int rc, error;

	(void)snprintf(detail, sizeof(detail), "cut off a torn last line of "
	    "%zu bytes, left by a crash in an append", torn);
	memset(&log->line.rec, 0, sizeof(log->line.rec));
	log->line.kind = CSN_AUDIT_RECORD;
	log->line.unix_ms = csn_ctx_wall_ms(log->ctx);
	log->line.rec.op = CSN_AUDIT_RECOVERY;
	log->line.rec.success = 1;
	log->line.rec.count = 1;
	log->line.rec.bytes = torn;
	log->line.rec.detail = detail;
	if ((rc = csn_audit_log_put(log)) != 0)
		csn_audit_log_unput(log, 0, 0, &before);
	else if ((error = csn_audit_log_lead(log, 0)) != 0)
		rc = csn_audit_log_failed(log, error);
	csn_wipe(&before, sizeof(before));
	return rc;
}

int
csn_audit_log_recover(struct csn_audit_log *log,
    const struct csn_audit_state *state)
{
	uint64_t last = 0, f;
	size_t torn = 0;
	int rc, fresh;

	memcpy(log->id, state->log, sizeof(log->id));
	log->m->kept = state->chain;
	log->oldest = state->oldest;
	log->file = state->file;
	if ((rc = last_file(log, state->oldest, &last)) != 0)
		return rc;
	/* No file yet: a crash between the state and the first one. */
	fresh = last == UINT64_MAX;
	for (f = state->file; !fresh && f <= last && rc == 0; f++) {
		rc = walk(log, f, f == state->file ? state->offset : 0,
		    f == state->file ? state->line : 0,
		    f == last && f > state->file, &torn);
		log->file = f;
		if (rc == 0 && torn > 0 && f < last)
			rc = csn_fail(log->ctx, CSN_E_AUDIT, "audit", "file "
			    "%llu of %s ends in the middle of a record",
			    (unsigned long long)f, log->path);
	}
	if (rc != 0)
		return rc;
	log->m->now = log->m->kept;
	if (fresh)
		return csn_audit_log_begin(log, 0);
	if ((rc = open_for_writing(log, last)) != 0)
		return rc;
	if (torn > 0 && (ftruncate(log->fd, (off_t)log->size) != 0 ||
	    fdatasync(log->fd) != 0))
		return csn_audit_log_failed(log, errno);
	/* A file that was begun but did not get its first line gets it now. */
	if (log->lines == 0) {
		log->line.unix_ms = csn_ctx_wall_ms(log->ctx);
		log->line.kind = CSN_AUDIT_FILE;
		log->line.file = last;
		memcpy(log->line.log, log->id, sizeof(log->id));
		if ((rc = csn_audit_log_put(log)) != 0)
			return rc;
		if ((rc = csn_audit_log_lead(log, 0)) != 0)
			return csn_audit_log_failed(log, rc);
	}
	if (torn > 0 && (rc = note_torn(log, torn)) != 0)
		return rc;
	if ((rc = csn_audit_log_save(log)) == 0)
		csn_audit_clean(log->path, log->oldest);
	return rc;
}
