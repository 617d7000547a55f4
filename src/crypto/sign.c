/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/sign.c - signatures: ML-DSA (FIPS 204), pure and hedged. */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "crypto/internal.h"

#define MAX_CONTEXT 255		/* FIPS 204, algorithm 2 */

static const struct alg {
	const char *name;
	size_t public;
	size_t signature;
} algs[CSN_SIGN_COUNT] = {
	{ "ML-DSA-44", 1312, 2420 },
	{ "ML-DSA-65", 1952, 3309 },
	{ "ML-DSA-87", 2592, 4627 },
};

static const struct alg *
find(int alg)
{
	if (alg < 1 || alg > CSN_SIGN_COUNT)
		return NULL;
	return &algs[alg - 1];
}

const char *
csn_sign_name(int alg)
{
	const struct alg *a = find(alg);

	return a != NULL ? a->name : NULL;
}

size_t
csn_sign_public_size(int alg)
{
	const struct alg *a = find(alg);

	return a != NULL ? a->public : 0;
}

size_t
csn_sign_signature_size(int alg)
{
	const struct alg *a = find(alg);

	return a != NULL ? a->signature : 0;
}

static int
unknown(struct csn_ctx *ctx, int alg)
{
	return csn_fail(ctx, CSN_E_ALGORITHM, "crypto",
	    "there is no signature algorithm of number %d", alg);
}

int
csn_sign_adopt(struct csn_ctx *ctx, int alg, EVP_PKEY *pkey,
    int private_half, struct csn_sign_key **out)
{
	struct csn_sign_key *key;

	if ((key = csn_calloc(1, sizeof(*key))) == NULL) {
		EVP_PKEY_free(pkey);
		return csn_nomem(ctx, "crypto", "a signature key");
	}
	key->alg = alg;
	key->private_half = private_half;
	key->pkey = pkey;
	*out = key;
	return 0;
}

int
csn_sign_generate(struct csn_ctx *ctx, int alg, struct csn_sign_key **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	const struct alg *a = find(alg);
	EVP_PKEY *pkey;

	if (a == NULL)
		return unknown(ctx, alg);
	pkey = EVP_PKEY_Q_keygen(ctx->crypto->lib, NULL, a->name);
	if (pkey == NULL)
		return csn_ossl_fail(ctx, "making an ML-DSA key pair");
	return csn_sign_adopt(ctx, alg, pkey, 1, out);
}

int
csn_sign_from_seed(struct csn_ctx *ctx, int alg, const uint8_t *seed,
    size_t len, struct csn_sign_key **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	const struct alg *a = find(alg);
	EVP_PKEY *pkey;

	if (a == NULL)
		return unknown(ctx, alg);
	if (len != CSN_SIGN_SEED_SIZE)
		return csn_fail(ctx, CSN_E_FORM, "crypto",
		    "the seed of %s has %d bytes, not %zu", a->name,
		    CSN_SIGN_SEED_SIZE, len);
	pkey = csn_pkey_from(ctx, a->name, EVP_PKEY_KEYPAIR,
	    OSSL_PKEY_PARAM_ML_DSA_SEED, seed, len);
	if (pkey == NULL)
		return csn_ossl_fail(ctx, "expanding an ML-DSA seed");
	return csn_sign_adopt(ctx, alg, pkey, 1, out);
}

int
csn_sign_from_public(struct csn_ctx *ctx, int alg, const uint8_t *pk,
    size_t len, struct csn_sign_key **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	const struct alg *a = find(alg);
	EVP_PKEY *pkey;

	if (a == NULL)
		return unknown(ctx, alg);
	if (len != a->public)
		return csn_fail(ctx, CSN_E_FORM, "crypto",
		    "a public key of %s has %zu bytes, not %zu", a->name,
		    a->public, len);
	pkey = csn_pkey_from(ctx, a->name, EVP_PKEY_PUBLIC_KEY,
	    OSSL_PKEY_PARAM_PUB_KEY, pk, len);
	if (pkey == NULL)
		return csn_ossl_fail_as(ctx, CSN_E_FORM,
		    "the bytes are no ML-DSA public key");
	return csn_sign_adopt(ctx, alg, pkey, 0, out);
}

int
csn_sign_of(const struct csn_sign_key *key)
{
	return key->alg;
}

int
csn_sign_is_private(const struct csn_sign_key *key)
{
	return key->private_half;
}

int
csn_sign_public(struct csn_ctx *ctx, const struct csn_sign_key *key,
    uint8_t *pk, size_t cap)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	const struct alg *a = find(key->alg);
	size_t n = 0;

	if (cap < a->public)
		return csn_fail(ctx, CSN_E_BUFFER, "crypto",
		    "a public key of %s takes %zu bytes, not %zu", a->name,
		    a->public, cap);
	if (EVP_PKEY_get_octet_string_param(key->pkey,
	    OSSL_PKEY_PARAM_PUB_KEY, pk, cap, &n) != 1 || n != a->public)
		return csn_ossl_fail(ctx, "reading an ML-DSA public key");
	return 0;
}

static int
check_context(struct csn_ctx *ctx, size_t len)
{
	if (len <= MAX_CONTEXT)
		return 0;
	return csn_fail(ctx, CSN_E_ARG, "crypto",
	    "a context string has at most %d bytes, not %zu", MAX_CONTEXT,
	    len);
}

/* Parameters of one call; OpenSSL reads through pointers without const. */
static void
set_params(OSSL_PARAM *p, const uint8_t *context, size_t context_len,
    int *deterministic)
{
	if (context_len != 0)
		*p++ = OSSL_PARAM_construct_octet_string(
		    OSSL_SIGNATURE_PARAM_CONTEXT_STRING,
		    (void *)(uintptr_t)context, context_len);
	if (deterministic != NULL)
		*p++ = OSSL_PARAM_construct_int(
		    OSSL_SIGNATURE_PARAM_DETERMINISTIC, deterministic);
	*p = OSSL_PARAM_construct_end();
}

int
csn_sign_with(struct csn_ctx *ctx, const struct csn_sign_key *key,
    int deterministic, const uint8_t *context, size_t context_len,
    const uint8_t *msg, size_t len, uint8_t *sig, size_t cap)
{
	const struct alg *a = find(key->alg);
	size_t sig_len = a->signature;
	EVP_PKEY_CTX *c = NULL;
	OSSL_PARAM params[3];
	int rc;

	if (cap < a->signature)
		return csn_fail(ctx, CSN_E_BUFFER, "crypto",
		    "a signature of %s takes %zu bytes, not %zu", a->name,
		    a->signature, cap);
	if (!key->private_half) {
		rc = csn_fail(ctx, CSN_E_ARG, "crypto",
		    "a public key of %s signs nothing", a->name);
		goto err;
	}
	if ((rc = check_context(ctx, context_len)) != 0)
		goto err;
	set_params(params, context, context_len, &deterministic);
	/*
	 * Out of memory in the middle, OpenSSL may answer with success and a
	 * wrong signature: then its queue of errors tells.
	 */
	ERR_clear_error();
	c = EVP_PKEY_CTX_new_from_pkey(ctx->crypto->lib, key->pkey, NULL);
	if (c == NULL || EVP_PKEY_sign_message_init(c,
	    ctx->crypto->sign[key->alg - 1], params) != 1 ||
	    EVP_PKEY_sign(c, sig, &sig_len, msg, len) != 1 ||
	    sig_len != a->signature || ERR_peek_error() != 0) {
		rc = csn_ossl_fail(ctx, "signing with ML-DSA");
		goto err;
	}
	EVP_PKEY_CTX_free(c);
	return 0;

err:
	EVP_PKEY_CTX_free(c);
	memset(sig, 0, a->signature);
	return rc;
}

int
csn_sign(struct csn_ctx *ctx, const struct csn_sign_key *key,
    const uint8_t *context, size_t context_len, const uint8_t *msg,
    size_t len, uint8_t *sig, size_t cap)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	return csn_sign_with(ctx, key, 0, context, context_len, msg, len,
	    sig, cap);
}

int
csn_verify(struct csn_ctx *ctx, const struct csn_sign_key *key,
    const uint8_t *context, size_t context_len, const uint8_t *msg,
    size_t len, const uint8_t *sig, size_t sig_len)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	const struct alg *a = find(key->alg);
	EVP_PKEY_CTX *c;
	OSSL_PARAM params[2];
	int rc;

	if ((rc = check_context(ctx, context_len)) != 0)
		return rc;
	if (sig_len != a->signature)
		return csn_fail(ctx, CSN_E_SIGNATURE, "crypto",
		    "a signature of %s has %zu bytes, not %zu", a->name,
		    a->signature, sig_len);
	set_params(params, context, context_len, NULL);
	/* What is in the queue of errors afterwards is of this call. */
	ERR_clear_error();
	c = EVP_PKEY_CTX_new_from_pkey(ctx->crypto->lib, key->pkey, NULL);
	if (c == NULL || EVP_PKEY_verify_message_init(c,
	    ctx->crypto->sign[key->alg - 1], params) != 1)
		rc = csn_ossl_fail(ctx, "preparing an ML-DSA verification");
	else if (EVP_PKEY_verify(c, sig, sig_len, msg, len) != 1)
		rc = csn_ossl_fail_as(ctx, CSN_E_SIGNATURE,
		    "the ML-DSA signature does not verify");
	EVP_PKEY_CTX_free(c);
	return rc;
}

void
csn_sign_free(struct csn_sign_key *key)
{
	if (key == NULL)
		return;
	/* OpenSSL wipes what is private in it. */
	EVP_PKEY_free(key->pkey);
	free(key);
}
