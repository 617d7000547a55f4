/* SPDX-License-Identifier: Apache-2.0 */
/* audit/log.h - a log in a folder, open for appending. */
#ifndef CSN_AUDIT_LOG_H
#define CSN_AUDIT_LOG_H

#include <pthread.h>

#include "audit/audit.h"
#include "audit/folder.h"

/* An append that waits for its lines to be on disk. */
struct csn_audit_waiter {
	struct csn_audit_waiter *next;
	int done;
	int error;		/* errno of the write that failed, or 0 */
};

/* The chain at three moments; in locked memory, for its keys. */
struct csn_audit_moments {
	struct csn_audit_chain now;	/* with every pending line */
	struct csn_audit_chain writing;	/* with the lines being written */
	struct csn_audit_chain kept;	/* with the lines in the file */
};

/*
 * Appenders put their lines into `pending` under the lock. Whoever finds no
 * leader leads: it writes what is pending for all, without the lock, and
 * tells them. If that fails, the file is cut back, the chain returns to
 * `kept`, and everything pending fails with it, since it hangs on what is
 * not there.
 */
struct csn_audit_log {
	struct csn_ctx *ctx;
	uint64_t made_in;		/* fork generation */
	char *path;
	int lock_fd;
	int fd;				/* the file being written */
	uint32_t sync, sync_ms;
	uint64_t keep_files, max_file_bytes, checkpoint_every;
	const struct csn_identity *signer;
	uint8_t id[CSN_AUDIT_LOG_ID];

	pthread_mutex_t lock;
	pthread_cond_t turned;		/* a leader is done */
	struct csn_hash *hash;
	struct csn_audit_moments *m;
	struct csn_audit_stamp stamp;
	struct csn_audit_line line;	/* scratch */
	struct csn_out pending, writing;
	uint64_t pending_lines, writing_lines;
	struct csn_audit_waiter *waiting;
	int leading;
	int cut_needed;			/* cutting back failed: try again */
	int unsettled;			/* begun, but perhaps not on disk yet */
	uint64_t oldest, file;		/* file numbers */
	uint64_t size, lines;		/* of the file, as kept */
	uint64_t state_n, state_ms;	/* when the state was saved */

	int dirty;			/* written, not synced */
	int sync_error;			/* errno of the thread's sync */
	int stopping;
	int has_syncer;
	pthread_t syncer;
	pthread_cond_t wake;
};

/* log_write.c: the lock is held. */

/* Put log->line behind what is pending. CSN_E_NOMEM, CSN_E_CRYPTO. */
CSN_MUST_CHECK int csn_audit_log_put(struct csn_audit_log *log);
/* Undo what is pending since `len` bytes, at chain `before`. */
void csn_audit_log_unput(struct csn_audit_log *log, size_t len,
    uint64_t lines, const struct csn_audit_chain *before);
/* Write what is pending; unlock 1 lets others put meanwhile. An errno. */
int csn_audit_log_lead(struct csn_audit_log *log, int unlock);
CSN_MUST_CHECK int csn_audit_log_failed(struct csn_audit_log *log,
    int error);

/* log_keep.c: the lock is held and nobody leads. */

int csn_audit_log_due(const struct csn_audit_log *log, uint64_t now_ms);
/* Whatever is due: a checkpoint, another file, the state. */
CSN_MUST_CHECK int csn_audit_log_keep(struct csn_audit_log *log,
    uint64_t now_ms);
CSN_MUST_CHECK int csn_audit_log_save(struct csn_audit_log *log);
CSN_MUST_CHECK int csn_audit_log_sign(struct csn_audit_log *log);
/* Begin file `number` with its first line; the former is closed. */
CSN_MUST_CHECK int csn_audit_log_begin(struct csn_audit_log *log,
    uint64_t number);

/* log_recover.c: from the state to the end, at opening. */
CSN_MUST_CHECK int csn_audit_log_recover(struct csn_audit_log *log,
    const struct csn_audit_state *state);

#endif
