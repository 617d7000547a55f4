/* SPDX-License-Identifier: Apache-2.0 */
/* log_append.c - appending as a group: one write, one sync. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "audit/log.h"
#include "base/cancel.h"
#include "base/fail.h"

int
csn_audit_log_append(struct csn_audit_log *log,
    const struct csn_audit_record *records, size_t n)
{
	CSN_UNCANCELLED;
	struct csn_audit_waiter me = { 0 }, **at;
	struct csn_audit_chain before;
	uint64_t now, lines;
	size_t i, len;
	int rc = 0;

	if ((rc = csn_fork_check(log->ctx, log->made_in)) != 0)
		return csn_fail(log->ctx, rc, "audit", "this log was opened "
		    "before a fork: the parent goes on writing it");
	now = csn_ctx_wall_ms(log->ctx);
	(void)pthread_mutex_lock(&log->lock);
	while (csn_audit_log_due(log, now)) {
		if (log->leading)
			(void)pthread_cond_wait(&log->turned, &log->lock);
		else if ((rc = csn_audit_log_keep(log, now)) != 0)
			goto out;
	}
	before = log->m->now;
	len = log->pending.len;
	lines = log->pending_lines;
	log->line.unix_ms = now;
	log->line.kind = CSN_AUDIT_RECORD;
	for (i = 0; i < n; i++) {
		log->line.rec = records[i];
		if ((rc = csn_audit_log_put(log)) != 0) {
			csn_audit_log_unput(log, len, lines, &before);
			goto out;
		}
	}
	for (at = &log->waiting; *at != NULL; at = &(*at)->next)
		continue;
	*at = &me;
	while (!me.done) {
		if (log->leading)
			(void)pthread_cond_wait(&log->turned, &log->lock);
		else
			(void)csn_audit_log_lead(log, 1);
	}
	if (me.error != 0)
		rc = csn_audit_log_failed(log, me.error);
out:
	(void)pthread_mutex_unlock(&log->lock);
	csn_wipe(&before, sizeof(before));
	return rc;
}

int
csn_audit_log_flush(struct csn_audit_log *log)
{
	CSN_UNCANCELLED;
	int error = 0;

	(void)pthread_mutex_lock(&log->lock);
	/* Whatever was appended is written: its appender waited for it. */
	while (log->leading)
		(void)pthread_cond_wait(&log->turned, &log->lock);
	if (log->dirty && fdatasync(log->fd) != 0)
		error = errno;
	else
		log->dirty = 0;
	if (error == 0)
		error = log->sync_error;
	log->sync_error = 0;
	(void)pthread_mutex_unlock(&log->lock);
	return error == 0 ? 0 : csn_fail_errno(log->ctx, CSN_E_IO, "audit",
	    error, "the log in %s cannot be synced", log->path);
}

void
csn_audit_log_head(struct csn_audit_log *log, uint8_t head[CSN_HASH_SIZE],
    uint64_t *records)
{
	(void)pthread_mutex_lock(&log->lock);
	memcpy(head, log->m->kept.head, CSN_HASH_SIZE);
	*records = log->m->kept.n;
	(void)pthread_mutex_unlock(&log->lock);
}
