/* SPDX-License-Identifier: Apache-2.0 */
/* log_write.c - lines put behind what is pending, and written by a leader. */
#include <errno.h>
#include <unistd.h>

#include "audit/log.h"
#include "base/fail.h"
#include "base/file.h"

int
csn_audit_log_failed(struct csn_audit_log *log, int error)
{
	char name[CSN_AUDIT_NAME_SIZE];

	csn_audit_file_name(log->file, name);
	return csn_fail_errno(log->ctx, error == ENOMEM ? CSN_E_NOMEM :
	    CSN_E_IO, "audit", error,
	    "nothing was logged: %s/%s cannot be written", log->path, name);
}

int
csn_audit_log_put(struct csn_audit_log *log)
{
	uint8_t mac[CSN_HASH_SIZE];
	size_t from = log->pending.len;
	int rc;

	log->line.n = log->m->now.n;
	csn_audit_line_write(&log->pending, &log->stamp, &log->line);
	csn_audit_line_prev(&log->pending, log->m->now.head);
	if (!csn_out_ok(&log->pending))
		goto nomem;
	if ((rc = csn_audit_chain_seal(log->ctx, log->hash, &log->m->now,
	    log->pending.p + from, log->pending.len - from, mac)) != 0)
		return rc;
	csn_audit_line_mac(&log->pending, mac);
	if (!csn_out_ok(&log->pending))
		goto nomem;
	log->pending_lines++;
	return 0;

nomem:
	return csn_nomem(log->ctx, "audit", "a record");
}

void
csn_audit_log_unput(struct csn_audit_log *log, size_t len, uint64_t lines,
    const struct csn_audit_chain *before)
{
	log->pending.len = len;
	log->pending.bad = 0;
	log->pending_lines = lines;
	log->m->now = *before;
}

/* Write the batch, or leave the file as it was. */
static int
write_batch(struct csn_audit_log *log)
{
	int error = 0;

	/*
	 * Not O_APPEND: the place is ours to say, so that a cut that failed
	 * leaves nothing in the way.
	 */
	if (lseek(log->fd, (off_t)log->size, SEEK_SET) < 0 ||
	    (log->cut_needed && ftruncate(log->fd, (off_t)log->size) != 0) ||
	    csn_write_all(log->fd, log->writing.p, log->writing.len) != 0 ||
	    (log->sync == CSN_AUDIT_SYNC_GROUP && fdatasync(log->fd) != 0)) {
		error = errno == 0 ? EIO : errno;
		log->cut_needed = ftruncate(log->fd, (off_t)log->size) != 0;
	} else {
		log->cut_needed = 0;
	}
	return error;
}

static void
tell(struct csn_audit_waiter *w, int error)
{
	struct csn_audit_waiter *next;

	for (; w != NULL; w = next) {
		next = w->next;
		w->error = error;
		w->done = 1;
	}
}

int
csn_audit_log_lead(struct csn_audit_log *log, int unlock)
{
	struct csn_audit_waiter *batch = log->waiting;
	struct csn_out swap = log->writing;
	int error;

	log->leading = 1;
	log->waiting = NULL;
	log->writing = log->pending;
	log->writing_lines = log->pending_lines;
	log->m->writing = log->m->now;
	log->pending = swap;
	log->pending.len = 0;
	log->pending_lines = 0;
	if (unlock)
		(void)pthread_mutex_unlock(&log->lock);
	error = write_batch(log);
	if (unlock)
		(void)pthread_mutex_lock(&log->lock);
	log->leading = 0;
	if (error == 0) {
		log->m->kept = log->m->writing;
		log->size += log->writing.len;
		log->lines += log->writing_lines;
		log->dirty = log->sync != CSN_AUDIT_SYNC_GROUP;
	} else {
		csn_audit_log_unput(log, 0, 0, &log->m->kept);
		tell(log->waiting, error);
		log->waiting = NULL;
	}
	log->writing.len = 0;
	tell(batch, error);
	(void)pthread_cond_broadcast(&log->turned);
	return error;
}
