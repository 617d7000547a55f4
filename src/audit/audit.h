/* SPDX-License-Identifier: Apache-2.0 */
/* audit/audit.h - the kinds of log behind one handle. */
#ifndef CSN_AUDIT_AUDIT_H
#define CSN_AUDIT_AUDIT_H

#include <caisson/audit.h>

#include "audit/line.h"
#include "base/context.h"

struct csn_audit_ring;		/* in memory: ring.c */
struct csn_audit_log;		/* in a folder: log.h */

struct csn_audit {
	struct csn_ctx *ctx;
	struct csn_audit_ring *ring;	/* one of these three */
	struct csn_audit_log *log;
	char *folder;			/* to read only */
};

typedef int (*csn_audit_visit)(void *arg, uint64_t n, uint64_t unix_ms,
    const struct csn_audit_record *record);

/* ring.c */
CSN_MUST_CHECK int csn_audit_ring_new(struct csn_ctx *ctx, size_t capacity,
    struct csn_audit_ring **out);
void csn_audit_ring_append(struct csn_audit_ring *ring,
    const struct csn_audit_record *records, size_t n);
/* Every record that is still there, oldest first. */
CSN_MUST_CHECK int csn_audit_ring_each(struct csn_audit_ring *ring,
    csn_audit_visit visit, void *arg);
uint64_t csn_audit_ring_count(const struct csn_audit_ring *ring);
void csn_audit_ring_free(struct csn_audit_ring *ring);

/* log_append.c, log_keep.c, log_read.c, log_open.c */
CSN_MUST_CHECK int csn_audit_log_append(struct csn_audit_log *log,
    const struct csn_audit_record *records, size_t n);
CSN_MUST_CHECK int csn_audit_log_flush(struct csn_audit_log *log);
CSN_MUST_CHECK int csn_audit_log_checkpoint(struct csn_audit_log *log);
void csn_audit_log_head(struct csn_audit_log *log,
    uint8_t head[CSN_HASH_SIZE], uint64_t *records);
/* Every record of the files, oldest first, as of the call. */
CSN_MUST_CHECK int csn_audit_log_each(struct csn_audit_log *log,
    csn_audit_visit visit, void *arg);
/* What is looked for: the newest `limit` records that are wanted. */
struct csn_audit_pick {
	uint64_t limit;
	/* 1, 0, or a negative error that ends the search. */
	int (*wanted)(void *arg, uint64_t unix_ms,
	    const struct csn_audit_record *record);
	void *arg;
};

/* log_back.c: they are visited oldest first. last_size: of the last file. */
CSN_MUST_CHECK int csn_audit_newest(struct csn_ctx *ctx, const char *path,
    const uint64_t *files, size_t n, uint64_t last_size,
    const struct csn_audit_pick *pick, csn_audit_visit visit, void *arg);
CSN_MUST_CHECK int csn_audit_log_newest(struct csn_audit_log *log,
    const struct csn_audit_pick *pick, csn_audit_visit visit, void *arg);
CSN_MUST_CHECK int csn_audit_folder_newest(struct csn_ctx *ctx,
    const char *path, const struct csn_audit_pick *pick,
    csn_audit_visit visit, void *arg);
void csn_audit_log_close(struct csn_audit_log *log);
CSN_MUST_CHECK int csn_audit_folder_each(struct csn_ctx *ctx,
    const char *path, csn_audit_visit visit, void *arg);

#endif
