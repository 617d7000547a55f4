/* SPDX-License-Identifier: Apache-2.0 */
/* seal/turn.h - threads that work side by side and write in order. */
#ifndef CSN_SEAL_TURN_H
#define CSN_SEAL_TURN_H

#include <pthread.h>

#include <caisson/seal.h>

/*
 * The first failure ends the work of all; rc and why are its. lock also
 * guards what the threads share of their own.
 */
struct csn_turn {
	struct csn_ctx *ctx;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint64_t next;		/* who writes next, where the order counts */
	int rc;
	char why[256];
};

void csn_turn_start(struct csn_turn *t, struct csn_ctx *ctx, uint64_t first);
/* Nobody works any more: the error, told in this thread. */
CSN_MUST_CHECK int csn_turn_end(struct csn_turn *t);
/* rc ends the work, where it is not 0; the lock is not held. rc. */
int csn_turn_fail(struct csn_turn *t, int rc);
/*
 * Write what the thread of number i has; a sink that cannot be written
 * anywhere is written in the order of the numbers. CSN_E_CANCELLED where
 * another thread failed meanwhile; any other error is the sink's own.
 */
CSN_MUST_CHECK int csn_turn_write(struct csn_turn *t,
    const struct csn_sealed_io *sink, uint64_t i, uint64_t offset,
    const uint8_t *p, size_t len);

/* Exactly len bytes at offset: CSN_E_IO, with `what` in it, for fewer. */
CSN_MUST_CHECK int csn_io_read(struct csn_ctx *ctx,
    const struct csn_sealed_io *io, uint64_t offset, uint8_t *p, size_t len,
    const char *what);
/* How many threads there is work and memory for, of n segments. */
size_t csn_turn_threads(struct csn_pool *pool, uint32_t segment, uint64_t n);
/* A source or a sink with what is needed of it. CSN_E_ARG. */
CSN_MUST_CHECK int csn_io_take(struct csn_ctx *ctx,
    const struct csn_sealed_io *given, int reads, struct csn_sealed_io *io);

#endif
