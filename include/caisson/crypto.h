/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/crypto.h - the primitives that everything else is built from. */
#ifndef CAISSON_CRYPTO_H
#define CAISSON_CRYPTO_H

#include <caisson/context.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CSN_HASH_SIZE 32	/* SHA3-256 (FIPS 202) */
#define CSN_KEY_SIZE 32		/* AES-256 */
#define CSN_NONCE_SIZE 12
#define CSN_TAG_SIZE 16

/** len bytes from the system (getrandom). 0 or CSN_E_RANDOM. */
CSN_API CSN_MUST_CHECK int csn_random(struct csn_ctx *ctx, void *out,
    size_t len);

/** SHA3-256 of len bytes (FIPS 202). 0 or CSN_E_CRYPTO. */
CSN_API CSN_MUST_CHECK int csn_sha3_256(struct csn_ctx *ctx, const void *data,
    size_t len, uint8_t out[CSN_HASH_SIZE]);

/* Key encapsulation: ML-KEM (FIPS 203), and X-Wing. */

enum csn_kem {
	CSN_KEM_ML_KEM_512 = 1,
	CSN_KEM_ML_KEM_768 = 2,		/* the default */
	CSN_KEM_ML_KEM_1024 = 3,
	/* X25519 and ML-KEM-768 by the X-Wing combiner
	 * (draft-connolly-cfrg-xwing-kem). */
	CSN_KEM_X_WING = 4
};

#define CSN_KEM_SECRET_SIZE 32
#define CSN_KEM_MAX_PUBLIC 1568
#define CSN_KEM_MAX_CIPHERTEXT 1568

/** "ML-KEM-768", or NULL for no such KEM. */
CSN_API const char *csn_kem_name(int kem);
/** Bytes of an encapsulation key / a ciphertext; 0 for no such KEM. */
CSN_API size_t csn_kem_public_size(int kem);
CSN_API size_t csn_kem_ciphertext_size(int kem);

struct csn_kem_key;	/* a public key, or a key pair; immutable, shareable */

/** A fresh key pair in *out. */
CSN_API CSN_MUST_CHECK int csn_kem_generate(struct csn_ctx *ctx, int kem,
    struct csn_kem_key **out);
/**
 * A key pair from its seed: FIPS 203 d || z, 64 bytes; X-Wing: 32 bytes,
 * expanded as its draft says. CSN_E_FORM for another length.
 */
CSN_API CSN_MUST_CHECK int csn_kem_from_seed(struct csn_ctx *ctx, int kem,
    const uint8_t *seed, size_t len, struct csn_kem_key **out);
/** A public key from its bytes. CSN_E_FORM where FIPS 203 refuses them. */
CSN_API CSN_MUST_CHECK int csn_kem_from_public(struct csn_ctx *ctx, int kem,
    const uint8_t *ek, size_t len, struct csn_kem_key **out);
CSN_API int csn_kem_of(const struct csn_kem_key *key);
/** Copy the encapsulation key: csn_kem_public_size() bytes. */
CSN_API CSN_MUST_CHECK int csn_kem_public(struct csn_ctx *ctx,
    const struct csn_kem_key *key, uint8_t *ek, size_t cap);
/** ct gets csn_kem_ciphertext_size() bytes. ct and secret are zero on error,
 * but ct is untouched where cap is too small (CSN_E_BUFFER). */
CSN_API CSN_MUST_CHECK int csn_kem_encapsulate(struct csn_ctx *ctx,
    const struct csn_kem_key *key, uint8_t *ct, size_t cap,
    uint8_t secret[CSN_KEM_SECRET_SIZE]);
/**
 * CSN_E_FORM for a ciphertext of the wrong length. A wrong ciphertext of the
 * right length gives another secret (implicit rejection), not an error; but
 * CSN_E_FORM for X-Wing's with an X25519 point of low order. CSN_E_ARG where
 * key is public only. secret is zero on error.
 */
CSN_API CSN_MUST_CHECK int csn_kem_decapsulate(struct csn_ctx *ctx,
    const struct csn_kem_key *key, const uint8_t *ct, size_t len,
    uint8_t secret[CSN_KEM_SECRET_SIZE]);
CSN_API void csn_kem_free(struct csn_kem_key *key);

/* Signatures: ML-DSA (FIPS 204), pure, hedged. */

enum csn_sign {
	CSN_SIGN_ML_DSA_44 = 1,
	CSN_SIGN_ML_DSA_65 = 2,		/* the default */
	CSN_SIGN_ML_DSA_87 = 3
};

#define CSN_SIGN_MAX_PUBLIC 2592
#define CSN_SIGN_MAX_SIGNATURE 4627
#define CSN_SIGN_SEED_SIZE 32

CSN_API const char *csn_sign_name(int alg);
CSN_API size_t csn_sign_public_size(int alg);
CSN_API size_t csn_sign_signature_size(int alg);

struct csn_sign_key;	/* a public key, or a key pair; immutable, shareable */

CSN_API CSN_MUST_CHECK int csn_sign_generate(struct csn_ctx *ctx, int alg,
    struct csn_sign_key **out);
/** From the 32-byte seed of FIPS 204. */
CSN_API CSN_MUST_CHECK int csn_sign_from_seed(struct csn_ctx *ctx, int alg,
    const uint8_t *seed, size_t len, struct csn_sign_key **out);
CSN_API CSN_MUST_CHECK int csn_sign_from_public(struct csn_ctx *ctx, int alg,
    const uint8_t *pk, size_t len, struct csn_sign_key **out);
CSN_API int csn_sign_of(const struct csn_sign_key *key);
/** 1 where the private half is there. */
CSN_API int csn_sign_is_private(const struct csn_sign_key *key);
CSN_API CSN_MUST_CHECK int csn_sign_public(struct csn_ctx *ctx,
    const struct csn_sign_key *key, uint8_t *pk, size_t cap);
/**
 * Sign len bytes of msg under a context string of 0 to 255 bytes. sig gets
 * csn_sign_signature_size() bytes; they are zero on error. CSN_E_ARG for a
 * longer context or a public key, CSN_E_BUFFER, CSN_E_CRYPTO.
 */
CSN_API CSN_MUST_CHECK int csn_sign(struct csn_ctx *ctx,
    const struct csn_sign_key *key, const uint8_t *context,
    size_t context_len, const uint8_t *msg, size_t len, uint8_t *sig,
    size_t cap);
/** 0, CSN_E_SIGNATURE where it does not verify, CSN_E_CRYPTO. */
CSN_API CSN_MUST_CHECK int csn_verify(struct csn_ctx *ctx,
    const struct csn_sign_key *key, const uint8_t *context,
    size_t context_len, const uint8_t *msg, size_t len, const uint8_t *sig,
    size_t sig_len);
CSN_API void csn_sign_free(struct csn_sign_key *key);

#ifdef __cplusplus
}
#endif

#endif
