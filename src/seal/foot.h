/* SPDX-License-Identifier: Apache-2.0 */
/* seal/foot.h - what stands behind a sealed file's segments. */
#ifndef CSN_SEAL_FOOT_H
#define CSN_SEAL_FOOT_H

#include "evidence/cose.h"
#include "seal/body.h"

/*
 *   the table, where the root is over leaves: each segment's top, 32 bytes
 *   u32 length, foot: COSE_Sign1 of typ CSN_SEALED_END_TYP over
 *       [ SHA3-256 of the head, plaintext bytes, root,
 *         [ [first segment, id] of each run but the first ],
 *         kind of content hash, bytes(content hash, sealed) ]
 *   u32 length of the foot, "CSNE"
 *
 * So a file is written to a pipe and read from one, and who has it at hand
 * begins at its end. The content hash is sealed: whoever only has a guess of
 * the plaintext does not see whether it is right.
 */
#define CSN_SEALED_END_TYP "application/caisson-sealed-end+cbor"
#define CSN_FOOT_MAX (1u << 16)
#define CSN_FOOT_TAIL 8

struct csn_foot {
	uint64_t length;	/* of the plaintext */
	uint8_t root[CSN_HASH_SIZE];
	uint32_t kind;		/* enum csn_content_hash */
	uint8_t content[CSN_HASH_SIZE];	/* zero where there is none */
	/* Views into the payload. */
	const uint8_t *head_hash;
	const uint8_t *runs;
	size_t runs_len;
	const uint8_t *sealed;
	size_t sealed_len;
};

/*
 * The foot with its length before it and the tail behind it, into *out
 * (csn_free). The body's runs go in.
 */
CSN_MUST_CHECK int csn_foot_make(const struct csn_body *body,
    const struct csn_identity *signer, const struct csn_foot *foot,
    uint8_t **out, size_t *len);

/* The payload's form and limits; authenticates nothing. CSN_E_FORM. */
CSN_MUST_CHECK int csn_foot_read(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct csn_foot *out);

/*
 * The foot between its length and the tail, signed with key by who is alias.
 * It is the body's; its runs become the body's where seen is 0, else they are
 * the ones that the body has. CSN_E_FORM, CSN_E_SIGNER, CSN_E_SIGNATURE,
 * CSN_E_TAG for the content hash.
 */
CSN_MUST_CHECK int csn_foot_open(struct csn_body *body,
    const struct csn_sign_key *key, const char *alias, const uint8_t *p,
    size_t len, int seen, struct csn_foot *out);

/* Fill the facts that a foot gives. */
void csn_foot_facts(const struct csn_body *body, const struct csn_foot *foot,
    struct csn_sealed_facts *facts);

/* Of the tail's eight bytes: how long the foot is. CSN_E_FORM. */
CSN_MUST_CHECK int csn_foot_tail(struct csn_ctx *ctx,
    const uint8_t p[CSN_FOOT_TAIL], size_t *len);
/* The same of the four bytes before the foot. */
CSN_MUST_CHECK int csn_foot_length(struct csn_ctx *ctx, uint32_t claimed,
    size_t *len);

#endif
