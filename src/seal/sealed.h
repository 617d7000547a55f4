/* SPDX-License-Identifier: Apache-2.0 */
/* seal/sealed.h - what writers and readers of sealed files share. */
#ifndef CSN_SEAL_SEALED_H
#define CSN_SEAL_SEALED_H

#include <caisson/seal.h>

#include "base/cursor.h"
#include "seal/place.h"

/*
 * A sealed file (docs/WIRE.md), integers little-endian:
 *
 *   "CSNF" 1, u32 length, header: COSE_Sign1 of typ CSN_SEALED_TYP over
 *       [ bytes(fixed), [ [alias, kem, ct, wrap] ... ], commitment ]
 *       fixed: { 1: version, 2: suite, 3: file id, 4: sealer's alias,
 *                5: segment size, 6: created, in seconds, 7: content type }
 *   for each segment u32 (length | final << 31), ciphertext, tag 16
 *   u32 length, trailer: COSE_Sign1 of typ CSN_SEALED_END_TYP over
 *       [ SHA3-256 of all bytes before the trailer's length, segments,
 *         plaintext bytes ]
 *
 * The trailer hashes the ciphertext and not the tags alone: who has the key
 * can make other bytes with the same GCM tag.
 */
#define CSN_SEALED_TYP "application/caisson-sealed+cbor"
#define CSN_SEALED_END_TYP "application/caisson-sealed-end+cbor"
#define CSN_SEALED_VERSION 1
#define CSN_SEALED_SUITE 1	/* AES-256-GCM, SHA3-256, HKDF, AES-256-KW */
#define CSN_SEALED_PREFIX 9
#define CSN_SEALED_HEADER_MAX (1u << 20)
#define CSN_SEALED_TRAILER_MAX 16384u
#define CSN_SEALED_ID 16
#define CSN_SEALED_RECIPIENTS 64
#define CSN_SEALED_TYPE_MAX 128
#define CSN_SEALED_FINAL 0x80000000u
#define CSN_SEALED_HEAD 4		/* before each segment */

struct csn_sealed_recipient {
	const char *alias;
	size_t alias_len;
	int kem;
	const uint8_t *ct;
	size_t ct_len;
	const uint8_t *wrap;		/* CSN_WRAP_SIZE bytes */
};

/* Views into the header's payload. */
struct csn_sealed {
	uint8_t id[CSN_SEALED_ID];
	const char *sealer;
	size_t sealer_len;
	const char *type;		/* NULL: none */
	size_t type_len;
	uint32_t segment;
	uint64_t created_s;
	const uint8_t *fixed;		/* encoded */
	size_t fixed_len;
	const uint8_t *list;		/* of recipients, encoded */
	size_t list_len;
	const uint8_t *commitment;	/* 32 bytes */
	size_t n;
	struct csn_sealed_recipient recipients[CSN_SEALED_RECIPIENTS];
};

/* The payload's form and limits; authenticates nothing. CSN_E_FORM,
 * CSN_E_VERSION, CSN_E_SUITE. */
CSN_MUST_CHECK int csn_sealed_read(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct csn_sealed *out);
/* The nine bytes before the header; its length. */
CSN_MUST_CHECK int csn_sealed_prefix(struct csn_ctx *ctx,
    const uint8_t p[CSN_SEALED_PREFIX], size_t *header_len);

/* Encodings: the fixed map, one recipient, the whole payload. */
void csn_sealed_put_fixed(struct csn_out *w, const struct csn_sealed *h);
void csn_sealed_put_recipient(struct csn_out *w,
    const struct csn_sealed_recipient *r);

/*
 * The key that wraps the data key for a recipient, from the KEM's secret, as
 * RFC 9629 section 5 has it: the info binds the wrap algorithm, the key's
 * length, and as user keying material who, which KEM, its ciphertext and the
 * fixed part of the header.
 */
CSN_MUST_CHECK int csn_sealed_kek(struct csn_ctx *ctx,
    const struct csn_sealed_recipient *r, const uint8_t *fixed,
    size_t fixed_len, const uint8_t secret[CSN_KEM_SECRET_SIZE],
    uint8_t kek[CSN_KEY_SIZE]);

/* From the data key: the segments' key and the commitment. */
CSN_MUST_CHECK int csn_sealed_keys(struct csn_ctx *ctx,
    const uint8_t data[CSN_KEY_SIZE], const uint8_t *fixed, size_t fixed_len,
    const uint8_t *list, size_t list_len, uint8_t key[CSN_KEY_SIZE],
    uint8_t commitment[CSN_HASH_SIZE]);

/* A segment's AAD: hash of everything up to the header's end, index, final. */
#define CSN_SEALED_AAD (CSN_HASH_SIZE + 8 + 1)
void csn_sealed_aad(uint8_t out[CSN_SEALED_AAD],
    const uint8_t header_hash[CSN_HASH_SIZE], uint64_t index, int final);

#endif
