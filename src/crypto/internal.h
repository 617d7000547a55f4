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
	EVP_CIPHER *aes_ctr;		/* AES-256-CTR */
	EVP_CIPHER *aes_wrap;		/* AES-256 key wrap, RFC 3394 */
	EVP_MD *sha3_256;
	EVP_MD *sha2_256;
	EVP_MD *shake_256;
	EVP_MAC *hmac;
	EVP_KDF *hkdf;
	EVP_KDF *argon2id;
	EVP_SIGNATURE *sign[CSN_SIGN_COUNT];	/* by enum csn_sign - 1 */
	/*
	 * Set to SHA3-256 and without a key: copying it is cheaper than
	 * naming the digest again.
	 */
	EVP_MAC_CTX *hmac_sha3;
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

/* As csn_ossl_fail, with a code of the caller's own. */
int csn_ossl_fail_as(const struct csn_ctx *ctx, int code, const char *what);

#endif
