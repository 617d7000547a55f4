/* SPDX-License-Identifier: Apache-2.0 */
/* seal/sealer.h - what the ways of writing a sealed file share. */
#ifndef CSN_SEAL_SEALER_H
#define CSN_SEAL_SEALER_H

#include "seal/body.h"
#include "seal/foot.h"

/*
 * Invariants: index is the next segment's, and each is used once in a run;
 * roots and contents have 32 bytes for each segment before it; blocks counts
 * those of the present run. flat has hashed the plaintext up to index.
 */
struct csn_sealer {
	struct csn_ctx *ctx;
	const struct csn_identity *signer;
	uint64_t generation;	/* of the process that began it */
	struct csn_pool *pool;
	struct csn_body body;
	uint8_t *front;		/* with its prefix */
	size_t front_len;
	int front_out;		/* 1 once it was written */
	uint32_t nslots;
	uint64_t created_ms;
	uint32_t kind;		/* enum csn_content_hash */
	struct csn_hash *flat;	/* for the two flat kinds */
	struct csn_worker worker;	/* of update and final */
	size_t have;		/* bytes in it that are not sealed yet */
	uint64_t index;
	uint64_t blocks;
	uint64_t total;
	uint8_t *roots;
	uint8_t *contents;
	size_t room;		/* segments that both have room for */
	const struct csn_sealed_io *partial;	/* of one that goes on: */
	struct csn_sealed_io partial_io;
	uint64_t kept;		/* its segments that stay */
	struct csn_foot foot;
	uint64_t sealed_length;
	int started;		/* by update or run */
	int done;
	int dead;
};

/* Options of a sealer in o, looked at but for its recipients. */
CSN_MUST_CHECK int csn_sealer_options_take(struct csn_ctx *ctx,
    const struct csn_sealer_options *options, struct csn_sealer_options *o);
/* A recipient that may be one. */
CSN_MUST_CHECK int csn_sealer_check_document(struct csn_ctx *ctx,
    const struct csn_identity *signer, const struct csn_document *doc);
/* A sealer with what options say, but no front and no body yet. */
CSN_MUST_CHECK int csn_sealer_make(struct csn_ctx *ctx,
    const struct csn_sealer_options *o, struct csn_sealer **out);

/* 0 where the next call may work; the fork that is not ours is told. */
CSN_MUST_CHECK int csn_sealer_usable(const struct csn_sealer *s);
CSN_MUST_CHECK int csn_sealer_forked(const struct csn_sealer *s);
/* Take the next index, for len bytes: limits and room. */
CSN_MUST_CHECK int csn_sealer_take(struct csn_sealer *s, size_t len,
    uint64_t *index);
/* Keep what segment i has in the trees. */
void csn_sealer_keep(struct csn_sealer *s, uint64_t i,
    const uint8_t root[CSN_HASH_SIZE], const uint8_t content[CSN_HASH_SIZE]);
/* The contents' place for csn_worker_seal, or NULL where it is not wanted. */
static inline uint8_t *
csn_sealer_content(const struct csn_sealer *s, uint8_t *content)
{
	return s->kind == CSN_CONTENT_TREE ? content : NULL;
}
/* All segments are written: what comes behind them. csn_free. */
CSN_MUST_CHECK int csn_sealer_end(struct csn_sealer *s, uint8_t **out,
    size_t *len);

#endif
