/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/context.c - making and freeing contexts, above base/context.c. */
#include <stdio.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/sized.h"
#include "crypto/aead_internal.h"
#include "crypto/arena.h"
#include "crypto/internal.h"
#include "crypto/keyring.h"

/* CSN_E_ALGORITHM with its sentence, or CSN_E_NOMEM. */
static int
missing(const struct csn_ctx *ctx, const char *name)
{
	char what[160];

	snprintf(what, sizeof(what), "%s has no %s: Caisson needs OpenSSL "
	    "3.5 or newer with its default provider", csn_crypto_library(),
	    name);
	return csn_ossl_fail_as(ctx, CSN_E_ALGORITHM, what);
}

static int
fetch_symmetric(const struct csn_ctx *ctx, struct csn_crypto *c)
{
	if ((c->aes_gcm = EVP_CIPHER_fetch(c->lib, "AES-256-GCM",
	    NULL)) == NULL)
		return missing(ctx, "AES-256-GCM");
	if ((c->aes_ecb = EVP_CIPHER_fetch(c->lib, "AES-256-ECB",
	    NULL)) == NULL)
		return missing(ctx, "AES-256-ECB");
	if ((c->aes_cbc = EVP_CIPHER_fetch(c->lib, "AES-256-CBC",
	    NULL)) == NULL)
		return missing(ctx, "AES-256-CBC");
	if ((c->aes_wrap = EVP_CIPHER_fetch(c->lib, "AES-256-WRAP",
	    NULL)) == NULL)
		return missing(ctx, "AES-256-WRAP");
	if ((c->sha3_256 = EVP_MD_fetch(c->lib, "SHA3-256", NULL)) == NULL)
		return missing(ctx, "SHA3-256");
	if ((c->sha2_256 = EVP_MD_fetch(c->lib, "SHA2-256", NULL)) == NULL)
		return missing(ctx, "SHA-256");
	if ((c->blake2b = EVP_MD_fetch(c->lib, "BLAKE2B-512", NULL)) == NULL)
		return missing(ctx, "BLAKE2b");
	if ((c->shake_256 = EVP_MD_fetch(c->lib, "SHAKE-256", NULL)) == NULL)
		return missing(ctx, "SHAKE-256");
	if ((c->hmac = EVP_MAC_fetch(c->lib, "HMAC", NULL)) == NULL)
		return missing(ctx, "HMAC");
	if ((c->hkdf = EVP_KDF_fetch(c->lib, "HKDF", NULL)) == NULL)
		return missing(ctx, "HKDF");
	if ((c->argon2id = EVP_KDF_fetch(c->lib, "ARGON2ID", NULL)) == NULL)
		return missing(ctx, "Argon2id");
	return 0;
}

static int
fetch_asymmetric(const struct csn_ctx *ctx, struct csn_crypto *c)
{
	static const char *const kems[] = { "ML-KEM-512", "ML-KEM-768",
	    "ML-KEM-1024", "X25519" };
	EVP_KEYMGMT *m;
	const char *name;
	size_t i;

	for (i = 0; i < sizeof(kems) / sizeof(kems[0]); i++) {
		if ((m = EVP_KEYMGMT_fetch(c->lib, kems[i], NULL)) == NULL)
			return missing(ctx, kems[i]);
		EVP_KEYMGMT_free(m);
	}
	for (i = 0; i < CSN_SIGN_COUNT; i++) {
		name = csn_sign_name((int)i + 1);
		if ((c->sign[i] = EVP_SIGNATURE_fetch(c->lib, name,
		    NULL)) == NULL)
			return missing(ctx, name);
	}
	return 0;
}

static int
make_templates(const struct csn_ctx *ctx, struct csn_crypto *c)
{
	char digest[] = "SHA3-256";
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM mac[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		    digest, 0),
		OSSL_PARAM_construct_end(),
	};
	OSSL_PARAM expand[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
		    digest, 0),
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_end(),
	};

	if ((c->hmac_sha3 = EVP_MAC_CTX_new(c->hmac)) == NULL ||
	    EVP_MAC_CTX_set_params(c->hmac_sha3, mac) != 1)
		return csn_ossl_fail(ctx, "preparing HMAC-SHA3-256");
	if ((c->expand_sha3 = EVP_KDF_CTX_new(c->hkdf)) == NULL ||
	    EVP_KDF_CTX_set_params(c->expand_sha3, expand) != 1)
		return csn_ossl_fail(ctx, "preparing HKDF-SHA3-256");
	return 0;
}

static void
detach(struct csn_ctx *ctx)
{
	struct csn_crypto *c = ctx->crypto;
	size_t i;

	csn_keyring_free(ctx->keyring);
	ctx->keyring = NULL;
	if (c == NULL)
		return;
	EVP_KDF_CTX_free(c->expand_sha3);
	EVP_MAC_CTX_free(c->hmac_sha3);
	for (i = 0; i < CSN_SIGN_COUNT; i++)
		EVP_SIGNATURE_free(c->sign[i]);
	EVP_KDF_free(c->argon2id);
	EVP_KDF_free(c->hkdf);
	EVP_MAC_free(c->hmac);
	EVP_MD_free(c->shake_256);
	EVP_MD_CTX_free(c->spare_blake2b);
	EVP_MD_free(c->blake2b);
	EVP_MD_free(c->sha2_256);
	EVP_MD_free(c->sha3_256);
	EVP_CIPHER_free(c->aes_wrap);
	EVP_CIPHER_free(c->aes_cbc);
	EVP_CIPHER_free(c->aes_ecb);
	EVP_CIPHER_free(c->aes_gcm);
	if (c->provider != NULL)
		OSSL_PROVIDER_unload(c->provider);
	OSSL_LIB_CTX_free(c->lib);
	free(c);
	ctx->crypto = NULL;
}

/* What is there after an error, detach() takes down. */
static int
attach(struct csn_ctx *ctx, const struct csn_ctx_options *options)
{
	struct csn_crypto *c;
	int rc;

	csn_arena_start();
	if ((c = csn_calloc(1, sizeof(*c))) == NULL)
		return csn_nomem(ctx, "crypto", "the fetched algorithms");
	ctx->crypto = c;
	/*
	 * A new library context reads no configuration file, and a provider
	 * loaded by name keeps any other from being loaded into it.
	 */
	if ((c->lib = OSSL_LIB_CTX_new()) == NULL)
		return csn_ossl_fail_as(ctx, CSN_E_NOMEM,
		    "making a library context");
	if ((c->provider = OSSL_PROVIDER_load(c->lib, "default")) == NULL)
		return missing(ctx, "default provider");
	/*
	 * PKCS#8 files hold the short form (RFC 9881, RFC 9935: the seed);
	 * the expanded key only where that is all that a file brought in.
	 */
	if (OSSL_PROVIDER_add_conf_parameter(c->provider,
	    OSSL_PKEY_PARAM_ML_KEM_OUTPUT_FORMATS,
	    "seed-only, priv-only") != 1 ||
	    OSSL_PROVIDER_add_conf_parameter(c->provider,
	    OSSL_PKEY_PARAM_ML_DSA_OUTPUT_FORMATS,
	    "seed-only, priv-only") != 1)
		return csn_ossl_fail(ctx, "choosing the form of key files");
	if ((rc = fetch_symmetric(ctx, c)) != 0 ||
	    (rc = fetch_asymmetric(ctx, c)) != 0 ||
	    (rc = make_templates(ctx, c)) != 0)
		return rc;
	if ((rc = csn_aead_select(options->aead_engine, &c->engine)) != 0)
		return csn_fail(ctx, rc, "crypto", "no AEAD engine %s is "
		    "available", options->aead_engine != NULL ?
		    options->aead_engine : "at all");
	return csn_keyring_new(ctx, options->lanes, &ctx->keyring);
}

/* In a forked child: no lane and no mask of its parent is used again. */
static void
adopt(struct csn_ctx *ctx)
{
	if (ctx->keyring != NULL)
		csn_keyring_adopt(ctx->keyring);
}

int
csn_ctx_new(const struct csn_ctx_options *options, struct csn_ctx **out)
{
	CSN_UNCANCELLED;
	struct csn_ctx_options opt;
	struct csn_ctx *ctx;
	int rc;

	if (out == NULL)
		return csn_fail(NULL, CSN_E_ARG, "crypto",
		    "csn_ctx_new() needs a place to store the context");
	if ((rc = CSN_TAKE(&opt, options, csn_ctx_options,
	    aead_engine)) != 0 ||
	    (rc = csn_ctx_base_new(&opt, adopt, &ctx)) != 0)
		return rc;
	if ((rc = attach(ctx, &opt)) != 0) {
		csn_ctx_free(ctx);
		return rc;
	}
	*out = ctx;
	return 0;
}

void
csn_ctx_free(struct csn_ctx *ctx)
{
	CSN_UNCANCELLED;
	if (ctx == NULL)
		return;
	detach(ctx);
	csn_ctx_base_free(ctx);
}
