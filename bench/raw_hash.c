/* SPDX-License-Identifier: Apache-2.0 */
/* raw_hash.c - SHA3-256 and ML-DSA-65 as a program calls OpenSSL itself. */
#include <openssl/evp.h>

#include "bench.h"
#include "raw_hash.h"

#define SIGNATURE 3309

static EVP_MD *sha3;
static EVP_MD_CTX *hash;
static EVP_PKEY *signer;
static EVP_SIGNATURE *ml_dsa;
static uint8_t signature[SIGNATURE];

void
raw_hash_start(void)
{
	sha3 = EVP_MD_fetch(NULL, "SHA3-256", NULL);
	hash = EVP_MD_CTX_new();
	signer = EVP_PKEY_Q_keygen(NULL, NULL, "ML-DSA-65");
	ml_dsa = EVP_SIGNATURE_fetch(NULL, "ML-DSA-65", NULL);
	bench_need(sha3 != NULL && hash != NULL && signer != NULL &&
	    ml_dsa != NULL, "preparing the reference");
}

void
raw_hash_stop(void)
{
	EVP_MD_CTX_free(hash);
	EVP_MD_free(sha3);
	EVP_PKEY_free(signer);
	EVP_SIGNATURE_free(ml_dsa);
}

void
raw_sha3_256(const void *p, size_t len, uint8_t out[32])
{
	bench_need(EVP_DigestInit_ex2(hash, sha3, NULL) == 1 &&
	    EVP_DigestUpdate(hash, p, len) == 1 &&
	    EVP_DigestFinal_ex(hash, out, NULL) == 1, "SHA3-256");
}

void
raw_dsa_sign(const void *p, size_t len)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, signer, NULL);
	size_t n = sizeof(signature);

	bench_need(c != NULL && EVP_PKEY_sign_message_init(c, ml_dsa,
	    NULL) == 1 && EVP_PKEY_sign(c, signature, &n, p, len) == 1,
	    "ML-DSA signing");
	EVP_PKEY_CTX_free(c);
}

void
raw_dsa_verify(const void *p, size_t len)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, signer, NULL);

	bench_need(c != NULL && EVP_PKEY_verify_message_init(c, ml_dsa,
	    NULL) == 1 && EVP_PKEY_verify(c, signature, sizeof(signature), p,
	    len) == 1, "ML-DSA verifying");
	EVP_PKEY_CTX_free(c);
}
