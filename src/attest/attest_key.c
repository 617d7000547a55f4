/* SPDX-License-Identifier: Apache-2.0 */
/* attest/attest_key.c - an attester's identity from a secret of 32 bytes. */
#include <stdlib.h>
#include <string.h>

#include <caisson/advanced.h>
#include <caisson/attest_key.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/sized.h"
#include "crypto/crypto.h"

#define ROOM "attest"
#define SALT "caisson attester key"
#define KEM_SEED 64
/* The file: this, a version, the keystore's wrap. The AAD is both. */
#define MAGIC "CSNATTK"
#define VERSION 1
#define HEAD sizeof(MAGIC)

/* A seed for the parameter set of that name. */
static int
seed_of(struct csn_ctx *ctx, const uint8_t secret[CSN_KEY_SIZE],
    const char *name, uint8_t *seed, size_t len)
{
	return csn_hkdf(ctx, CSN_HKDF_SHA3_256, (const uint8_t *)SALT,
	    sizeof(SALT) - 1, secret, CSN_KEY_SIZE, (const uint8_t *)name,
	    strlen(name), seed, len);
}

static int
sign_pem(struct csn_ctx *ctx, int alg, const uint8_t secret[CSN_KEY_SIZE],
    char **pem)
{
	uint8_t seed[CSN_SIGN_SEED_SIZE];
	struct csn_sign_key *key = NULL;
	int rc;

	if ((rc = seed_of(ctx, secret, csn_sign_name(alg), seed,
	    sizeof(seed))) == 0 &&
	    (rc = csn_sign_from_seed(ctx, alg, seed, sizeof(seed),
	    &key)) == 0)
		rc = csn_sign_to_pem(ctx, key, 1, NULL, 0, pem);
	csn_sign_free(key);
	csn_wipe(seed, sizeof(seed));
	return rc;
}

static int
kem_pem(struct csn_ctx *ctx, int kem, const uint8_t secret[CSN_KEY_SIZE],
    char **pem)
{
	struct csn_kem_key *key = NULL;
	uint8_t seed[KEM_SEED];
	int rc;

	if ((rc = seed_of(ctx, secret, csn_kem_name(kem), seed,
	    sizeof(seed))) == 0 &&
	    (rc = csn_kem_from_seed(ctx, kem, seed, sizeof(seed), &key)) == 0)
		rc = csn_kem_to_pem(ctx, key, 1, NULL, 0, pem);
	csn_kem_free(key);
	csn_wipe(seed, sizeof(seed));
	return rc;
}

static void
wipe_text(char *text)
{
	if (text != NULL)
		csn_wipe_free(text, strlen(text));
}

int
csn_attest_key_derive(struct csn_ctx *ctx,
    const struct csn_identity_options *options, const uint8_t secret[32],
    struct csn_identity **out)
{
	struct csn_identity_options o;
	char *sign = NULL, *kem = NULL;
	int rc;

	if (ctx == NULL || options == NULL || secret == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "an attester's key "
		    "needs options, a secret and a place to go");
	if ((rc = CSN_TAKE(&o, options, csn_identity_options,
	    lifetime_ms)) != 0)
		return rc;
	o.sign = o.sign != 0 ? o.sign : CSN_SIGN_ML_DSA_65;
	o.kem = o.kem != 0 ? o.kem : CSN_KEM_ML_KEM_768;
	o.purposes = o.purposes != 0 ? o.purposes : CSN_PURPOSE_REPORT;
	if (csn_sign_name((int)o.sign) == NULL ||
	    o.kem == CSN_KEM_X_WING || csn_kem_name((int)o.kem) == NULL)
		return csn_fail(ctx, CSN_E_ALGORITHM, ROOM, "an attester's "
		    "key is one of ML-DSA, with one of ML-KEM");
	if ((rc = sign_pem(ctx, (int)o.sign, secret, &sign)) == 0 &&
	    (rc = kem_pem(ctx, (int)o.kem, secret, &kem)) == 0)
		rc = csn_identity_import(ctx, &o, sign, strlen(sign), kem,
		    strlen(kem), NULL, 0, out);
	wipe_text(sign);
	wipe_text(kem);
	return rc;
}

int
csn_attest_key_snp(struct csn_ctx *ctx,
    const struct csn_identity_options *options,
    const struct csn_snp_key_options *snp, struct csn_identity **out)
{
	CSN_UNCANCELLED;
	uint8_t secret[CSN_KEY_SIZE];
	int rc;

	if ((rc = csn_snp_derived_key(ctx, snp, CSN_ATTEST_KEY_LABEL,
	    secret)) == 0)
		rc = csn_attest_key_derive(ctx, options, secret, out);
	csn_wipe(secret, sizeof(secret));
	return rc;
}

static int
need(struct csn_ctx *ctx, const struct csn_keystore *ks,
    const char *key_name, const char *path)
{
	if (ctx != NULL && ks != NULL && key_name != NULL && path != NULL)
		return 0;
	return csn_fail(ctx, CSN_E_ARG, ROOM, "a wrapped key needs a "
	    "keystore, a key's name and a path");
}

int
csn_attest_key_create(struct csn_ctx *ctx, struct csn_keystore *ks,
    const char *key_name, const char *path)
{
	CSN_UNCANCELLED;
	uint8_t secret[CSN_KEY_SIZE], file[HEAD + CSN_KEYSTORE_MAX_WRAP];
	size_t len = CSN_KEYSTORE_MAX_WRAP;
	int rc;

	if ((rc = need(ctx, ks, key_name, path)) != 0)
		return rc;
	memcpy(file, MAGIC, HEAD);
	file[HEAD - 1] = VERSION;
	if ((rc = csn_random(ctx, secret, sizeof(secret))) == 0 &&
	    (rc = csn_keystore_wrap(ks, key_name, file, HEAD, secret,
	    file + HEAD, &len)) == 0)
		rc = csn_file_create(ctx, path, file, HEAD + len, 0600);
	csn_wipe(secret, sizeof(secret));
	return rc;
}

int
csn_attest_key_open(struct csn_ctx *ctx, struct csn_keystore *ks,
    const char *key_name, const char *path,
    const struct csn_identity_options *options, struct csn_identity **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
	uint8_t secret[CSN_KEY_SIZE] = { 0 }, *file;
	size_t len;
	int rc;

	if ((rc = need(ctx, ks, key_name, path)) != 0 ||
	    (rc = csn_file_read(ctx, path, HEAD + CSN_KEYSTORE_MAX_WRAP,
	    &file, &len)) != 0)
		return rc;
	if (len <= HEAD || memcmp(file, MAGIC, HEAD - 1) != 0)	/* public */
		rc = csn_fail(ctx, CSN_E_FORM, ROOM,
		    "%s holds no attester's key", path);
	else if (file[HEAD - 1] != VERSION)
		rc = csn_fail(ctx, CSN_E_VERSION, ROOM, "%s has version %u, "
		    "version %d is known", path, file[HEAD - 1], VERSION);
	else if ((rc = csn_keystore_unwrap(ks, key_name, file, HEAD,
	    file + HEAD, len - HEAD, secret)) == 0)
		rc = csn_attest_key_derive(ctx, options, secret, out);
	csn_wipe(secret, sizeof(secret));
	csn_free(file);
	return rc;
}
