/* SPDX-License-Identifier: Apache-2.0 */
/* log_open.c - opening and closing a log in a folder. */

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "audit/log.h"
#include "base/alloc.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/sized.h"

#define DEFAULT_SYNC_MS 200
#define DEFAULT_FILE_BYTES ((uint64_t)64 << 20)
#define DEFAULT_CHECKPOINT 4096

/* The thread of CSN_AUDIT_SYNC_INTERVAL. */
static void *
sync_now_and_then(void *arg)
{
	struct csn_audit_log *log = arg;
	uint64_t until;
	int fd, error;

	(void)pthread_mutex_lock(&log->lock);
	while (!log->stopping) {
		until = csn_now_ms() + log->sync_ms;
		(void)csn_cond_wait(&log->wake, &log->lock, until);
		if (!log->dirty)
			continue;
		/* A descriptor of its own: the file may be closed meanwhile. */
		if ((fd = fcntl(log->fd, F_DUPFD_CLOEXEC, 0)) < 0)
			continue;
		log->dirty = 0;
		(void)pthread_mutex_unlock(&log->lock);
		error = fdatasync(fd) != 0 ? errno : 0;
		(void)close(fd);
		(void)pthread_mutex_lock(&log->lock);
		if (error != 0) {
			log->sync_error = error;
			log->dirty = 1;
		}
	}
	(void)pthread_mutex_unlock(&log->lock);
	return NULL;
}

static int
lock_folder(struct csn_audit_log *log)
{
	char *full;
	int error;

	if ((full = csn_audit_path(log->path, "lock")) == NULL)
		return csn_nomem(log->ctx, "audit", "opening the log");
	log->lock_fd = open(full, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	error = errno;
	csn_free(full);
	if (log->lock_fd < 0)
		return csn_fail_errno(log->ctx, CSN_E_IO, "audit", error,
		    "the log's folder %s cannot be written", log->path);
	if (flock(log->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return csn_fail_errno(log->ctx, errno == EWOULDBLOCK ?
		    CSN_E_BUSY : CSN_E_IO, "audit", errno, "the log in %s is "
		    "written by someone else", log->path);
	return 0;
}

/* A new log: its first key for the operator, then its first state. */
static int
create(struct csn_audit_log *log, struct csn_audit_state *state)
{
	char text[2 * CSN_HASH_SIZE + 2], *full = NULL;
	uint64_t *files = NULL;
	size_t n = 0;
	int rc;

	if ((rc = csn_audit_files(log->ctx, log->path, &files, &n)) != 0)
		return rc;
	csn_free(files);
	if (n > 0)
		return csn_fail(log->ctx, CSN_E_AUDIT, "audit", "%s has a log "
		    "but its state file is gone: nothing can be appended; "
		    "verify it, move it away and begin another", log->path);
	memset(state, 0, sizeof(*state));
	if ((rc = csn_random(log->ctx, state->log, sizeof(state->log))) != 0 ||
	    (rc = csn_random(log->ctx, state->chain.key,
	    sizeof(state->chain.key))) != 0 ||
	    (rc = csn_audit_chain_start(log->ctx, state->log,
	    state->chain.head)) != 0)
		return rc;
	if ((full = csn_audit_path(log->path, "first.key")) == NULL)
		return csn_nomem(log->ctx, "audit", "beginning the log");
	csn_hex_encode(state->chain.key, sizeof(state->chain.key), text);
	text[2 * CSN_HASH_SIZE] = '\n';
	rc = csn_file_replace(log->ctx, full, text, sizeof(text) - 1, 0600);
	csn_wipe(text, sizeof(text));
	csn_free(full);
	if (rc == 0)
		rc = csn_audit_state_save(log->ctx, log->path, state);
	return rc;
}

static void
log_free(struct csn_audit_log *log)
{
	if (log->fd >= 0)
		(void)close(log->fd);
	if (log->lock_fd >= 0)
		(void)close(log->lock_fd);
	csn_secret_free(log->m, sizeof(*log->m));
	csn_hash_free(log->hash);
	csn_out_wipe(&log->pending);
	csn_out_wipe(&log->writing);
	csn_free(log->path);
	(void)pthread_cond_destroy(&log->turned);
	(void)pthread_cond_destroy(&log->wake);
	(void)pthread_mutex_destroy(&log->lock);
	csn_free(log);
}

static struct csn_audit_log *
log_alloc(struct csn_ctx *ctx, const char *path)
{
	struct csn_audit_log *log;

	errno = 0;	/* csn_fail_memory tells by it */
	if ((log = csn_calloc(1, sizeof(*log))) == NULL)
		return NULL;
	log->ctx = ctx;
	log->fd = log->lock_fd = -1;
	csn_out_init(&log->pending);
	csn_out_init(&log->writing);
	(void)pthread_mutex_init(&log->lock, NULL);
	(void)pthread_cond_init(&log->turned, NULL);
	(void)csn_cond_init(&log->wake);
	log->made_in = csn_fork_generation(ctx);
	log->path = csn_strdup(path);
	log->m = csn_secret_alloc(sizeof(*log->m), NULL);
	if (log->path == NULL || log->m == NULL ||
	    csn_hash_new(ctx, &log->hash) != 0) {
		log_free(log);
		return NULL;
	}
	return log;
}

static int
set_options(struct csn_audit_log *log, const struct csn_audit_options *given)
{
	struct csn_audit_options o;
	int rc;

	if ((rc = CSN_TAKE(&o, given, csn_audit_options, signer)) != 0)
		return rc;
	if (o.sync > CSN_AUDIT_SYNC_NEVER)
		return csn_fail(log->ctx, CSN_E_ARG, "audit",
		    "the log knows no way to sync number %u", o.sync);
	if (o.signer != NULL &&
	    (csn_identity_purposes(o.signer) & CSN_PURPOSE_AUDIT) == 0)
		return csn_fail(log->ctx, CSN_E_SIGNER, "audit",
		    "the identity %s is not for signing audit checkpoints",
		    csn_identity_name(o.signer));
	log->sync = o.sync;
	log->sync_ms = o.sync_ms != 0 ? o.sync_ms : DEFAULT_SYNC_MS;
	log->keep_files = o.keep_files;
	log->max_file_bytes = o.max_file_bytes != 0 ? o.max_file_bytes :
	    DEFAULT_FILE_BYTES;
	log->checkpoint_every = o.checkpoint_every != 0 ? o.checkpoint_every :
	    DEFAULT_CHECKPOINT;
	log->signer = o.signer;
	return 0;
}

static int
log_open(struct csn_ctx *ctx, const char *path,
    const struct csn_audit_options *options, struct csn_audit_log **out)
{
	struct csn_audit_state state = { 0 };
	struct csn_audit_log *log;
	int rc;

	if ((log = log_alloc(ctx, path)) == NULL)
		return csn_fail_memory(ctx, "audit", "an audit log");
	if ((rc = set_options(log, options)) != 0 ||
	    (rc = csn_mkdirs(ctx, path, 0700)) != 0 ||
	    (rc = lock_folder(log)) != 0)
		goto err;
	rc = csn_audit_state_load(ctx, path, &state);
	if (rc == CSN_E_NOT_FOUND)
		rc = create(log, &state);
	if (rc != 0 || (rc = csn_audit_log_recover(log, &state)) != 0)
		goto err;
	if (log->sync == CSN_AUDIT_SYNC_INTERVAL) {
		if (pthread_create(&log->syncer, NULL, sync_now_and_then,
		    log) != 0) {
			rc = csn_fail(ctx, CSN_E_LIMIT, "audit",
			    "no thread could be started to sync the log");
			goto err;
		}
		log->has_syncer = 1;
	}
	csn_wipe(&state, sizeof(state));
	*out = log;
	return 0;

err:
	csn_wipe(&state, sizeof(state));
	log_free(log);
	return rc;
}

int
csn_audit_open(struct csn_ctx *ctx, const char *path,
    const struct csn_audit_options *options, struct csn_audit **out)
{
	CSN_UNCANCELLED;
	struct csn_audit *a;
	int rc;

	if (ctx == NULL || path == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, "audit", "a log needs a "
		    "context, a folder and a place for its handle");
	if ((a = csn_calloc(1, sizeof(*a))) == NULL)
		return csn_nomem(ctx, "audit", "a log");
	a->ctx = ctx;
	if ((rc = log_open(ctx, path, options, &a->log)) != 0) {
		csn_free(a);
		return rc;
	}
	*out = a;
	return 0;
}

void
csn_audit_log_close(struct csn_audit_log *log)
{
	int rc = 0;

	if (log == NULL)
		return;
	/* A child has the parent's log open: it lets go, and no more. */
	if (csn_fork_check(log->ctx, log->made_in) != 0) {
		log->has_syncer = 0;
		log_free(log);
		return;
	}
	if (log->has_syncer) {
		(void)pthread_mutex_lock(&log->lock);
		log->stopping = 1;
		(void)pthread_cond_signal(&log->wake);
		(void)pthread_mutex_unlock(&log->lock);
		(void)pthread_join(log->syncer, NULL);
	}
	/* Where this fails, opening walks from the former state. */
	if (log->m->kept.n != log->state_n) {
		if (log->signer != NULL)
			rc = csn_audit_log_sign(log);
		if (rc == 0)
			rc = csn_audit_log_save(log);
		(void)rc;
	}
	log_free(log);
}
