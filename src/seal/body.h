/* SPDX-License-Identifier: Apache-2.0 */
/* seal/body.h - the segments of a sealed file, each on its own. */
#ifndef CSN_SEAL_BODY_H
#define CSN_SEAL_BODY_H

#include <caisson/seal.h>

#include "crypto/crypto.h"
#include "crypto/tree.h"

/*
 * A body is a record a segment: u32 (plaintext bytes | final << 31), the
 * ciphertext, the tag. Before the first segment of a run, but the first run's,
 * stands a mark: u32 CSN_BODY_MARK, the run's id. A run is what one process
 * wrote without a break: its key is made of its id, so that no segment number
 * is sealed twice under one key. The first run's id is the file's.
 */
#define CSN_BODY_HEAD 4
#define CSN_BODY_RECORD (CSN_BODY_HEAD + CSN_TAG_SIZE)	/* beside its text */
#define CSN_BODY_MARK (0x40000000u | CSN_SEALED_ID)
#define CSN_BODY_MARK_SIZE (CSN_BODY_HEAD + CSN_SEALED_ID)
#define CSN_BODY_FINAL 0x80000000u
#define CSN_BODY_AAD (CSN_HASH_SIZE + 8 + 1)	/* head, index, final */
#define CSN_BODY_LEAF 65536u	/* of the trees, where segments are no less */
#define CSN_BODY_SEGMENTS ((uint64_t)1 << 20)
#define CSN_BODY_RUNS 1024

struct csn_run {
	uint64_t first;		/* its first segment */
	uint8_t id[CSN_SEALED_ID];
};

/*
 * What one opens or seals any segment with. Not changed while it is used,
 * so any number of workers share it.
 */
struct csn_body {
	struct csn_ctx *ctx;
	uint32_t segment;
	uint32_t leaf;		/* of the trees over ciphertext and text */
	uint32_t integrity;
	uint64_t at;		/* where in the file the first record is */
	uint8_t head_hash[CSN_HASH_SIZE];
	uint8_t *prk;		/* secret memory */
	struct csn_run *runs;
	size_t nruns;
};

/*
 * Begin with one run, whose id is the file's. prk is copied to secret memory.
 */
CSN_MUST_CHECK int csn_body_init(struct csn_ctx *ctx, struct csn_body *body,
    uint32_t segment, uint32_t integrity,
    const uint8_t head_hash[CSN_HASH_SIZE], const uint8_t id[CSN_SEALED_ID],
    const uint8_t prk[CSN_HASH_SIZE]);
void csn_body_clear(struct csn_body *body);
/* From segment `first` on there is another run. CSN_E_LIMIT, CSN_E_NOMEM. */
CSN_MUST_CHECK int csn_body_add_run(struct csn_body *body, uint64_t first,
    const uint8_t id[CSN_SEALED_ID]);
/* The runs whose first segment comes before `end`. */
void csn_body_cut_runs(struct csn_body *body, uint64_t end);
/* A key of the body's, from a label and the id of a run. */
CSN_MUST_CHECK int csn_body_key(const struct csn_body *body,
    const char *label, const struct csn_run *run,
    uint8_t key[CSN_KEY_SIZE]);

/* The mark before segment i; its length, or 0 where no run begins there. */
size_t csn_body_mark(const struct csn_body *body, uint64_t i,
    uint8_t mark[CSN_BODY_MARK_SIZE]);
/* Where the record of segment i begins in the file, behind a mark. */
uint64_t csn_body_offset(const struct csn_body *body, uint64_t i);
/* Segments of that many bytes of plaintext: at least one. */
uint64_t csn_body_count(const struct csn_body *body, uint64_t length);
/* Plaintext bytes of segment i. */
size_t csn_body_plain(const struct csn_body *body, uint64_t length,
    uint64_t i);

/*
 * One thread's: a record's memory, an expanded key, a hash. The record's text
 * lies where vector code likes it.
 */
struct csn_worker {
	const struct csn_body *body;
	struct csn_aead *aead;
	size_t run;		/* whose key aead has */
	struct csn_many many;
	uint8_t *nodes;
	uint8_t *memory;
	uint8_t *record;
	uint8_t *text;		/* record + CSN_BODY_HEAD */
	size_t used;		/* the most of text that has been written */
};

/* So much of the text is, or was, in use: it is wiped at the end. */
static inline void
csn_worker_used(struct csn_worker *w, size_t len)
{
	if (w->used < len)
		w->used = len;
}

CSN_MUST_CHECK int csn_worker_init(struct csn_worker *w,
    const struct csn_body *body);
void csn_worker_clear(struct csn_worker *w);	/* wipes; twice is fine */

/*
 * Seal the len bytes of text as segment i into the whole record, in place.
 * root gets what the foot's tree has of it, and content, where not NULL, the
 * top of the plaintext's tree.
 */
CSN_MUST_CHECK int csn_worker_seal(struct csn_worker *w, uint64_t i,
    size_t len, int final, uint8_t root[CSN_HASH_SIZE], uint8_t *content);
/*
 * Open the record of segment i, of len bytes of plaintext, in place. root is
 * as above, or NULL. Where want is not NULL, that is compared to it before
 * AES runs: CSN_E_SIGNATURE. CSN_E_TAG; after an error the text is zero.
 */
CSN_MUST_CHECK int csn_worker_open(struct csn_worker *w, uint64_t i,
    size_t len, int final, const uint8_t *want, uint8_t *root,
    uint8_t *content);
/* The record's first four bytes are those of segment i. CSN_E_FORM. */
CSN_MUST_CHECK int csn_worker_head(const struct csn_worker *w, uint64_t i,
    size_t len, int final);

/* The root of the foot over `top`, for so much plaintext. */
CSN_MUST_CHECK int csn_body_root(const struct csn_body *body,
    uint64_t length, const uint8_t top[CSN_HASH_SIZE],
    uint8_t root[CSN_HASH_SIZE]);
/* The top of a tree from those of its segments, n in a row. */
CSN_MUST_CHECK int csn_tops_fold(struct csn_ctx *ctx, const uint8_t *tops,
    uint64_t n, uint8_t top[CSN_HASH_SIZE]);

#endif
