/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/ml_kem.c - ML-KEM (FIPS 203) on parsed keys. */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "base/fail.h"
#include "crypto/internal.h"

/*
 * Key generation (FIPS 203, ML-KEM.KeyGen_internal) from a given seed. To
 * import the seed instead would also test the pair by an encapsulation and a
 * decapsulation, which cost more than all the rest.
 */
static EVP_PKEY *
generate_from(struct csn_ctx *ctx, const char *name, const uint8_t *seed)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_ML_KEM_SEED,
		    (void *)(uintptr_t)seed, CSN_ML_KEM_SEED_SIZE),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *c;
	EVP_PKEY *key = NULL;

	c = EVP_PKEY_CTX_new_from_name(ctx->crypto->lib, name, NULL);
	if (c == NULL || EVP_PKEY_keygen_init(c) != 1 ||
	    EVP_PKEY_CTX_set_params(c, params) != 1 ||
	    EVP_PKEY_generate(c, &key) != 1) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	EVP_PKEY_CTX_free(c);
	return key;
}

int
csn_ml_kem_pair(struct csn_ctx *ctx, const char *name, const uint8_t *seed,
    EVP_PKEY **out)
{
	EVP_PKEY *key;

	if (seed != NULL)
		key = generate_from(ctx, name, seed);
	else
		key = EVP_PKEY_Q_keygen(ctx->crypto->lib, NULL, name);
	if (key == NULL)
		return csn_ossl_fail(ctx, "making an ML-KEM key pair");
	*out = key;
	return 0;
}

int
csn_ml_kem_load(struct csn_ctx *ctx, const char *name, const uint8_t *ek,
    size_t len, EVP_PKEY **out)
{
	EVP_PKEY *key;

	/* Does FIPS 203's modulus check of the encapsulation key. */
	key = csn_pkey_from(ctx, name, EVP_PKEY_PUBLIC_KEY,
	    OSSL_PKEY_PARAM_PUB_KEY, ek, len);
	if (key == NULL)
		return csn_ossl_fail_as(ctx, CSN_E_FORM,
		    "the bytes are no ML-KEM encapsulation key");
	*out = key;
	return 0;
}

int
csn_ml_kem_public(struct csn_ctx *ctx, EVP_PKEY *key, uint8_t *ek, size_t len)
{
	size_t n = 0;

	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, ek,
	    len, &n) != 1 || n != len)
		return csn_ossl_fail(ctx, "reading an encapsulation key");
	return 0;
}

int
csn_ml_kem_encap(struct csn_ctx *ctx, EVP_PKEY *key, const uint8_t *m,
    uint8_t *ct, size_t len, uint8_t secret[CSN_KEM_SECRET_SIZE])
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_KEM_PARAM_IKME,
		    (void *)(uintptr_t)m, CSN_KEM_SECRET_SIZE),
		OSSL_PARAM_construct_end(),
	};
	size_t ct_len = len, secret_len = CSN_KEM_SECRET_SIZE;
	EVP_PKEY_CTX *c;
	int rc = 0;

	c = EVP_PKEY_CTX_new_from_pkey(ctx->crypto->lib, key, NULL);
	if (c == NULL ||
	    EVP_PKEY_encapsulate_init(c, m != NULL ? params : NULL) != 1 ||
	    EVP_PKEY_encapsulate(c, ct, &ct_len, secret, &secret_len) != 1 ||
	    ct_len != len || secret_len != CSN_KEM_SECRET_SIZE) {
		rc = csn_ossl_fail(ctx, "ML-KEM encapsulation");
		csn_wipe(ct, len);
		csn_wipe(secret, CSN_KEM_SECRET_SIZE);
	}
	EVP_PKEY_CTX_free(c);
	return rc;
}

int
csn_ml_kem_decap(struct csn_ctx *ctx, EVP_PKEY *key, const uint8_t *ct,
    size_t len, uint8_t secret[CSN_KEM_SECRET_SIZE])
{
	size_t secret_len = CSN_KEM_SECRET_SIZE;
	EVP_PKEY_CTX *c;
	int rc = 0;

	/*
	 * Past its first hash OpenSSL answers a failure of its own (memory)
	 * as it answers a forged ciphertext: with another secret and success.
	 * Its queue of errors tells the two apart.
	 */
	ERR_clear_error();
	c = EVP_PKEY_CTX_new_from_pkey(ctx->crypto->lib, key, NULL);
	if (c == NULL || EVP_PKEY_decapsulate_init(c, NULL) != 1 ||
	    EVP_PKEY_decapsulate(c, secret, &secret_len, ct, len) != 1 ||
	    secret_len != CSN_KEM_SECRET_SIZE || ERR_peek_error() != 0) {
		rc = csn_ossl_fail(ctx, "ML-KEM decapsulation");
		csn_wipe(secret, CSN_KEM_SECRET_SIZE);
	}
	EVP_PKEY_CTX_free(c);
	return rc;
}
