/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/internal.h - OpenSSL as this room holds it; included nowhere else. */
#ifndef CSN_CRYPTO_INTERNAL_H
#define CSN_CRYPTO_INTERNAL_H

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>

#include "base/context.h"
#include "crypto/crypto.h"

struct csn_aead_engine;

#define CSN_KEM_COUNT 4		/* enum csn_kem is 1 to this */
#define CSN_SIGN_COUNT 3	/* enum csn_sign is 1 to this */

/*
 * Everything is fetched once, from a library context of our own: no
 * configuration file and no provider of the surrounding program can change
 * what an algorithm's name means here. Immutable once made, so all threads
 * share it.
 */
struct csn_crypto {
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *provider;	/* "default" */
	EVP_CIPHER *aes_gcm;		/* AES-256-GCM */
	EVP_CIPHER *aes_ecb;		/* AES-256-ECB */
	EVP_CIPHER *aes_wrap;		/* AES-256 key wrap, RFC 3394 */
	EVP_MD *sha3_256;
	EVP_MD *sha2_256;
	EVP_MD *blake2b;		/* foreign formats */
	_Atomic(EVP_MD_CTX *) spare_blake2b;	/* not in use; or NULL */
	EVP_MD *shake_256;		/* X-Wing's expansion of its key */
	EVP_MAC *hmac;
	EVP_KDF *hkdf;
	EVP_KDF *argon2id;
	EVP_CIPHER *aes_cbc;		/* AES-256-CBC, PKCS#8 files only */
	EVP_SIGNATURE *sign[CSN_SIGN_COUNT];	/* by enum csn_sign - 1 */
	/*
	 * Set to SHA3-256 and, for HKDF, to its second step, without a key:
	 * copying them is cheaper than naming the digest again.
	 */
	EVP_MAC_CTX *hmac_sha3;
	EVP_KDF_CTX *expand_sha3;
	const struct csn_aead_engine *engine;
};

static inline const struct csn_crypto *
csn_crypto_of(const struct csn_ctx *ctx)
{
	return ctx->crypto;
}

static inline OSSL_LIB_CTX *
csn_crypto_lib(const struct csn_ctx *ctx)
{
	return ctx->crypto->lib;
}

/**
 * Keep "what: OpenSSL's reason" as the sentence, empty OpenSSL's queue of
 * errors, and return CSN_E_NOMEM where memory ran out, else CSN_E_CRYPTO.
 */
int csn_ossl_fail(const struct csn_ctx *ctx, const char *what);

/* As csn_ossl_fail, with another code than CSN_E_CRYPTO. */
int csn_ossl_fail_as(const struct csn_ctx *ctx, int code, const char *what);

/*
 * A key of the algorithm called name from one parameter: its seed or its
 * public bytes. NULL with OpenSSL's errors still queued.
 */
EVP_PKEY *csn_pkey_from(struct csn_ctx *ctx, const char *name, int selection,
    const char *param, const uint8_t *p, size_t len);

#define CSN_X25519_SIZE 32

struct csn_kem_key {
	int kem;
	int private_half;
	EVP_PKEY *ml_kem;
	/* X-Wing alone: the other half, and pk_X, which its hash takes in. */
	EVP_PKEY *x25519;
	uint8_t x_public[CSN_X25519_SIZE];
};

struct csn_sign_key {
	int alg;
	int private_half;
	EVP_PKEY *pkey;
};

/* ML-KEM alone, for the two files above it. */
#define CSN_ML_KEM_SEED_SIZE 64

/* A key pair from d || z, or a fresh one where seed is NULL. */
CSN_MUST_CHECK int csn_ml_kem_pair(struct csn_ctx *ctx, const char *name,
    const uint8_t *seed, EVP_PKEY **out);
/* CSN_E_FORM where the bytes are no encapsulation key. */
CSN_MUST_CHECK int csn_ml_kem_load(struct csn_ctx *ctx, const char *name,
    const uint8_t *ek, size_t len, EVP_PKEY **out);
CSN_MUST_CHECK int csn_ml_kem_public(struct csn_ctx *ctx, EVP_PKEY *key,
    uint8_t *ek, size_t len);
/* m: FIPS 203's 32 bytes of randomness, or NULL for fresh ones. */
CSN_MUST_CHECK int csn_ml_kem_encap(struct csn_ctx *ctx, EVP_PKEY *key,
    const uint8_t *m, uint8_t *ct, size_t len,
    uint8_t secret[CSN_KEM_SECRET_SIZE]);
CSN_MUST_CHECK int csn_ml_kem_decap(struct csn_ctx *ctx, EVP_PKEY *key,
    const uint8_t *ct, size_t len, uint8_t secret[CSN_KEM_SECRET_SIZE]);

/* X-Wing; the key is zeroed but for its kem, and the caller frees it. */
#define CSN_X_WING_SEED_SIZE 32
#define CSN_X_WING_ENTROPY_SIZE 64
CSN_MUST_CHECK int csn_x_wing_pair(struct csn_ctx *ctx, const uint8_t *seed,
    struct csn_kem_key *key);
CSN_MUST_CHECK int csn_x_wing_load(struct csn_ctx *ctx, const uint8_t *pk,
    struct csn_kem_key *key);
CSN_MUST_CHECK int csn_x_wing_public(struct csn_ctx *ctx,
    const struct csn_kem_key *key, uint8_t *pk);
CSN_MUST_CHECK int csn_x_wing_encap(struct csn_ctx *ctx,
    const struct csn_kem_key *key, const uint8_t *entropy, uint8_t *ct,
    uint8_t secret[CSN_KEM_SECRET_SIZE]);
CSN_MUST_CHECK int csn_x_wing_decap(struct csn_ctx *ctx,
    const struct csn_kem_key *key, const uint8_t *ct,
    uint8_t secret[CSN_KEM_SECRET_SIZE]);

/*
 * csn_kem_encapsulate with the randomness given: known answers only. 32
 * bytes, X-Wing 64. entropy NULL: fresh.
 */
CSN_MUST_CHECK int csn_kem_encapsulate_with(struct csn_ctx *ctx,
    const struct csn_kem_key *key, const uint8_t *entropy, uint8_t *ct,
    size_t cap, uint8_t secret[CSN_KEM_SECRET_SIZE]);

/* csn_sign, hedged or (known answers only) deterministic. */
CSN_MUST_CHECK int csn_sign_with(struct csn_ctx *ctx,
    const struct csn_sign_key *key, int deterministic,
    const uint8_t *context, size_t context_len, const uint8_t *msg,
    size_t len, uint8_t *sig, size_t cap);

/* Take over a parsed key of that type; on error it is freed. */
CSN_MUST_CHECK int csn_kem_adopt(struct csn_ctx *ctx, int kem,
    EVP_PKEY *pkey, int private_half, struct csn_kem_key **out);
CSN_MUST_CHECK int csn_sign_adopt(struct csn_ctx *ctx, int alg,
    EVP_PKEY *pkey, int private_half, struct csn_sign_key **out);

#endif
