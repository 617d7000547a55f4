/* SPDX-License-Identifier: Apache-2.0 */
/* log_keep.c - what keeps a log in order: checkpoints, files, the state. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/checkpoint.h"
#include "audit/log.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "base/file.h"

/* How long a key may lie in the state file while records go on. */
#define STATE_MS 10000

static int
checkpoint_due(const struct csn_audit_log *log)
{
	return log->m->now.n - log->state_n >= log->checkpoint_every;
}

static int
file_due(const struct csn_audit_log *log)
{
	return log->size + log->pending.len >= log->max_file_bytes &&
	    log->lines + log->pending_lines > 1;
}

int
csn_audit_log_due(const struct csn_audit_log *log, uint64_t now_ms)
{
	return log->unsettled || checkpoint_due(log) || file_due(log) ||
	    (now_ms >= log->state_ms + STATE_MS &&
	    log->m->now.n != log->state_n);
}

int
csn_audit_log_save(struct csn_audit_log *log)
{
	struct csn_audit_state state;
	int rc;

	/* The state never knows of more than the disk does. */
	if (log->dirty && fdatasync(log->fd) != 0)
		return csn_audit_log_failed(log, errno);
	log->dirty = 0;
	memcpy(state.log, log->id, sizeof(state.log));
	state.chain = log->m->kept;
	state.oldest = log->oldest;
	state.file = log->file;
	state.offset = log->size;
	state.line = log->lines;
	if ((rc = csn_audit_state_save(log->ctx, log->path, &state)) == 0) {
		log->state_n = state.chain.n;
		log->state_ms = csn_ctx_wall_ms(log->ctx);
	}
	csn_wipe(&state, sizeof(state));
	return rc;
}

int
csn_audit_log_sign(struct csn_audit_log *log)
{
	struct csn_audit_chain before = log->m->now;
	char *cose = NULL;
	int rc, error;

	log->line.unix_ms = csn_ctx_wall_ms(log->ctx);
	rc = csn_audit_checkpoint_make(log->ctx, log->signer, log->id,
	    before.n, before.head, log->line.unix_ms, &cose);
	if (rc == 0) {
		log->line.kind = CSN_AUDIT_CHECKPOINT;
		log->line.cose = cose;
		log->line.cose_len = strlen(cose);
		if ((rc = csn_audit_log_put(log)) != 0)
			csn_audit_log_unput(log, 0, 0, &before);
		else if ((error = csn_audit_log_lead(log, 0)) != 0)
			rc = csn_audit_log_failed(log, error);
	}
	csn_wipe(&before, sizeof(before));
	csn_free(cose);
	return rc;
}

/* The name of file `number`, with the folder; NULL where memory fails. */
static char *
file_path(struct csn_audit_log *log, uint64_t number)
{
	char name[CSN_AUDIT_NAME_SIZE];

	csn_audit_file_name(number, name);
	return csn_audit_path(log->path, name);
}

/*
 * The file that was begun and its name are put on the disk, then the state
 * that knows it, and only then what the state no longer knows is removed.
 * Until that is done nothing more is appended: it would hang on a name that
 * a power cut can take away.
 */
static int
settle(struct csn_audit_log *log)
{
	uint64_t oldest = log->oldest;
	char *full;
	int rc;

	if ((full = file_path(log, log->file)) == NULL)
		return csn_nomem(log->ctx, "audit", "beginning a file");
	rc = fdatasync(log->fd) != 0 || csn_fsync_parent(full) != 0 ?
	    csn_audit_log_failed(log, errno) : 0;
	csn_free(full);
	if (rc != 0)
		return rc;
	log->dirty = 0;
	if (log->keep_files > 0 && log->file - oldest > log->keep_files)
		log->oldest = log->file - log->keep_files;
	if ((rc = csn_audit_log_save(log)) != 0) {
		log->oldest = oldest;
		return rc;
	}
	log->unsettled = 0;
	csn_audit_clean(log->path, log->oldest);
	return 0;
}

int
csn_audit_log_begin(struct csn_audit_log *log, uint64_t number)
{
	struct csn_audit_chain before = log->m->now;
	uint64_t size = log->size, lines = log->lines;
	uint64_t file = log->file;
	int fd = log->fd, rc, error;
	char *full;

	if ((full = file_path(log, number)) == NULL)
		return csn_nomem(log->ctx, "audit", "beginning a file");
	log->file = number;
	if (fd >= 0 && fdatasync(fd) != 0) {
		rc = csn_audit_log_failed(log, errno);
		goto err;
	}
	/* One that is there was given up in a rotation that failed. */
	log->fd = open(full, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (log->fd < 0) {
		rc = csn_audit_log_failed(log, errno);
		goto err;
	}
	log->size = log->lines = 0;
	log->line.unix_ms = csn_ctx_wall_ms(log->ctx);
	log->line.kind = CSN_AUDIT_FILE;
	log->line.file = number;
	memcpy(log->line.log, log->id, sizeof(log->id));
	if ((rc = csn_audit_log_put(log)) != 0) {
		csn_audit_log_unput(log, 0, 0, &before);
		goto err_file;
	}
	if ((error = csn_audit_log_lead(log, 0)) != 0) {
		rc = csn_audit_log_failed(log, error);
		goto err_file;
	}
	if (fd >= 0)
		(void)close(fd);
	log->unsettled = 1;
	rc = settle(log);
	goto out;

err_file:
	(void)close(log->fd);
	(void)unlink(full);
	log->cut_needed = 0;
err:
	log->fd = fd;
	log->file = file;
	log->size = size;
	log->lines = lines;
out:
	csn_wipe(&before, sizeof(before));
	csn_free(full);
	return rc;
}

int
csn_audit_log_keep(struct csn_audit_log *log, uint64_t now_ms)
{
	int error, rc;

	if (log->pending.len > 0 &&
	    (error = csn_audit_log_lead(log, 0)) != 0)
		return csn_audit_log_failed(log, error);
	if (log->unsettled)
		return settle(log);
	if (checkpoint_due(log) && log->signer != NULL &&
	    (rc = csn_audit_log_sign(log)) != 0)
		return rc;
	if (file_due(log))
		return csn_audit_log_begin(log, log->file + 1);
	if (!csn_audit_log_due(log, now_ms))
		return 0;
	return csn_audit_log_save(log);
}

int
csn_audit_log_checkpoint(struct csn_audit_log *log)
{
	int rc, error = 0;

	if ((rc = csn_fork_check(log->ctx, log->made_in)) != 0)
		return csn_fail(log->ctx, rc, "audit", "this log was opened "
		    "before a fork: the parent goes on writing it");
	if (log->signer == NULL)
		return csn_fail(log->ctx, CSN_E_SIGNER, "audit",
		    "this log was opened without a signer");
	(void)pthread_mutex_lock(&log->lock);
	while (log->leading)
		(void)pthread_cond_wait(&log->turned, &log->lock);
	if (log->pending.len > 0)
		error = csn_audit_log_lead(log, 0);
	if (error != 0)
		rc = csn_audit_log_failed(log, error);
	else if ((rc = csn_audit_log_sign(log)) == 0)
		rc = csn_audit_log_save(log);
	(void)pthread_mutex_unlock(&log->lock);
	return rc;
}
