/* SPDX-License-Identifier: Apache-2.0 */
/* seal/front.h - what stands before a sealed file's segments. */
#ifndef CSN_SEAL_FRONT_H
#define CSN_SEAL_FRONT_H

#include <caisson/seal.h>

#include "base/cursor.h"
#include "seal/place.h"

/*
 * A sealed file (docs/WIRE.md), integers little-endian:
 *
 *   "CSNF" 2, u32 length, front: COSE_Sign1 of typ CSN_SEALED_TYP over
 *       [ bytes(head), [ [alias, kem, ct, wrap] ... ], wrapped, in seconds ]
 *       head: [ bytes(fixed), commitment ]
 *       fixed: { 1: version, 2: suite, 3: file id, 4: sealer's alias,
 *                5: segment size, 6: created, in seconds, 7: content type,
 *                8: what the foot's root is over }
 *   the body (seal/body.h)
 *   the foot (seal/foot.h)
 *
 * The head never changes, and the segments are bound to its hash. Nothing of
 * a segment depends on the slots: the front is signed again when recipients
 * come or go, and the body stays as it is.
 */
#define CSN_SEALED_TYP "application/caisson-sealed+cbor"
#define CSN_SEALED_VERSION 2
#define CSN_SEALED_SUITE 1	/* AES-256-GCM, SHA3-256, HKDF, AES-256-KW */
#define CSN_SEALED_PREFIX 9
#define CSN_SEALED_FRONT_MAX (1u << 20)
#define CSN_SEALED_SLOTS 64
#define CSN_SEALED_TYPE_MAX 128

/* A data key, wrapped for one recipient. */
struct csn_key_slot {
	const char *alias;
	size_t alias_len;
	int kem;
	const uint8_t *ct;
	size_t ct_len;
	const uint8_t *wrap;		/* CSN_WRAP_SIZE bytes */
};

/* Views into the front's payload. */
struct csn_front {
	uint8_t id[CSN_SEALED_ID];
	const char *sealer;
	size_t sealer_len;
	const char *type;		/* NULL: none */
	size_t type_len;
	uint32_t segment;
	uint32_t integrity;		/* enum csn_sealed_integrity */
	uint64_t created_s;
	uint64_t wrapped_s;		/* when the slots were written */
	const uint8_t *head;		/* encoded */
	size_t head_len;
	const uint8_t *fixed;		/* encoded */
	size_t fixed_len;
	const uint8_t *commitment;	/* 32 bytes */
	size_t n;
	struct csn_key_slot slots[CSN_SEALED_SLOTS];
};

/* The payload's form and limits; authenticates nothing. CSN_E_FORM,
 * CSN_E_VERSION, CSN_E_SUITE. */
CSN_MUST_CHECK int csn_front_read(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct csn_front *out);
/* The nine bytes before the front; its length. */
CSN_MUST_CHECK int csn_front_prefix(struct csn_ctx *ctx,
    const uint8_t p[CSN_SEALED_PREFIX], size_t *len);

/* Encodings: the fixed map, the head, one slot. */
void csn_front_put_fixed(struct csn_out *w, const struct csn_front *f);
void csn_front_put_head(struct csn_out *w, const uint8_t *fixed,
    size_t fixed_len, const uint8_t commitment[CSN_HASH_SIZE]);
void csn_front_put_slot(struct csn_out *w, const struct csn_key_slot *slot);
/*
 * Prefix and front into *out (csn_free), signed. slots are n encoded ones, a
 * row.
 */
CSN_MUST_CHECK int csn_front_sign(struct csn_ctx *ctx,
    const struct csn_identity *signer, const uint8_t *head, size_t head_len,
    const uint8_t *slots, size_t slots_len, size_t n, uint64_t wrapped_s,
    uint8_t **out, size_t *len);

/*
 * From the data key: the PRK of the segments' and the foot's keys, and the
 * commitment.
 */
CSN_MUST_CHECK int csn_front_keys(struct csn_ctx *ctx,
    const uint8_t data[CSN_KEY_SIZE], const uint8_t *fixed, size_t fixed_len,
    uint8_t prk[CSN_HASH_SIZE], uint8_t commitment[CSN_HASH_SIZE]);

/*
 * Wrap the data key for the owner of a KEM key, and take it out again. The
 * key that wraps comes of the KEM's secret as RFC 9629 section 5 has it: the
 * info binds the wrap algorithm, the key's length, and as user keying
 * material who, which KEM, its ciphertext and the hash of the head.
 */
CSN_MUST_CHECK int csn_slot_put(struct csn_ctx *ctx,
    const struct csn_kem_key *kem, const char *alias,
    const uint8_t head_hash[CSN_HASH_SIZE],
    const uint8_t data[CSN_KEY_SIZE], struct csn_out *out);
CSN_MUST_CHECK int csn_slot_open(struct csn_ctx *ctx,
    const struct csn_kem_key *kem, const struct csn_key_slot *slot,
    const uint8_t head_hash[CSN_HASH_SIZE], uint8_t data[CSN_KEY_SIZE]);

/*
 * The data key of a front: given by the caller, or out of the identity's own
 * slot. CSN_E_NOT_FOUND, CSN_E_ALGORITHM, CSN_E_TAG.
 */
CSN_MUST_CHECK int csn_front_data_key(struct csn_ctx *ctx,
    const struct csn_front *f, const struct csn_identity *identity,
    const uint8_t *given, const uint8_t head_hash[CSN_HASH_SIZE],
    uint8_t data[CSN_KEY_SIZE]);

/* 1 where the len bytes at p are the string s; they are public. */
int csn_front_is(const char *p, size_t len, const char *s);

#endif
