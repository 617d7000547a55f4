/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/kem.c - key encapsulation: ML-KEM and X-Wing by one interface. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "crypto/internal.h"

static const struct kem {
	const char *name;
	size_t seed;
	size_t public;
	size_t ciphertext;
} kems[CSN_KEM_COUNT] = {
	{ "ML-KEM-512", CSN_ML_KEM_SEED_SIZE, 800, 768 },
	{ "ML-KEM-768", CSN_ML_KEM_SEED_SIZE, 1184, 1088 },
	{ "ML-KEM-1024", CSN_ML_KEM_SEED_SIZE, 1568, 1568 },
	{ "X-Wing", CSN_X_WING_SEED_SIZE, 1184 + CSN_X25519_SIZE,
	    1088 + CSN_X25519_SIZE },
};

static const struct kem *
find(int kem)
{
	if (kem < 1 || kem > CSN_KEM_COUNT)
		return NULL;
	return &kems[kem - 1];
}

const char *
csn_kem_name(int kem)
{
	const struct kem *k = find(kem);

	return k != NULL ? k->name : NULL;
}

size_t
csn_kem_public_size(int kem)
{
	const struct kem *k = find(kem);

	return k != NULL ? k->public : 0;
}

size_t
csn_kem_ciphertext_size(int kem)
{
	const struct kem *k = find(kem);

	return k != NULL ? k->ciphertext : 0;
}

static int
key_new(struct csn_ctx *ctx, int kem, struct csn_kem_key **out)
{
	struct csn_kem_key *key;

	if (find(kem) == NULL)
		return csn_fail(ctx, CSN_E_ALGORITHM, "crypto",
		    "there is no KEM of number %d", kem);
	if ((key = csn_calloc(1, sizeof(*key))) == NULL)
		return csn_nomem(ctx, "crypto", "a KEM key");
	key->kem = kem;
	*out = key;
	return 0;
}

/* seed NULL: a fresh pair. */
static int
pair(struct csn_ctx *ctx, int kem, const uint8_t *seed,
    struct csn_kem_key **out)
{
	struct csn_kem_key *key = NULL;
	int rc;

	if ((rc = key_new(ctx, kem, &key)) != 0)
		return rc;
	if (kem == CSN_KEM_X_WING)
		rc = csn_x_wing_pair(ctx, seed, key);
	else
		rc = csn_ml_kem_pair(ctx, find(kem)->name, seed,
		    &key->ml_kem);
	if (rc != 0) {
		csn_kem_free(key);
		return rc;
	}
	key->private_half = 1;
	*out = key;
	return 0;
}

int
csn_kem_generate(struct csn_ctx *ctx, int kem, struct csn_kem_key **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	return pair(ctx, kem, NULL, out);
}

int
csn_kem_from_seed(struct csn_ctx *ctx, int kem, const uint8_t *seed,
    size_t len, struct csn_kem_key **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	const struct kem *k = find(kem);

	if (k != NULL && len != k->seed)
		return csn_fail(ctx, CSN_E_FORM, "crypto",
		    "the seed of %s has %zu bytes, not %zu", k->name,
		    k->seed, len);
	return pair(ctx, kem, seed, out);
}

int
csn_kem_from_public(struct csn_ctx *ctx, int kem, const uint8_t *ek,
    size_t len, struct csn_kem_key **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	const struct kem *k = find(kem);
	struct csn_kem_key *key = NULL;
	int rc;

	if (k != NULL && len != k->public)
		return csn_fail(ctx, CSN_E_FORM, "crypto",
		    "a public key of %s has %zu bytes, not %zu", k->name,
		    k->public, len);
	if ((rc = key_new(ctx, kem, &key)) != 0)
		return rc;
	if (kem == CSN_KEM_X_WING)
		rc = csn_x_wing_load(ctx, ek, key);
	else
		rc = csn_ml_kem_load(ctx, k->name, ek, len, &key->ml_kem);
	if (rc != 0) {
		csn_kem_free(key);
		return rc;
	}
	*out = key;
	return 0;
}

int
csn_kem_adopt(struct csn_ctx *ctx, int kem, EVP_PKEY *pkey, int private_half,
    struct csn_kem_key **out)
{
	struct csn_kem_key *key = NULL;
	int rc;

	if ((rc = key_new(ctx, kem, &key)) != 0) {
		EVP_PKEY_free(pkey);
		return rc;
	}
	key->ml_kem = pkey;
	key->private_half = private_half;
	*out = key;
	return 0;
}

int
csn_kem_of(const struct csn_kem_key *key)
{
	return key->kem;
}

int
csn_kem_is_private(const struct csn_kem_key *key)
{
	return key->private_half;
}

int
csn_kem_public(struct csn_ctx *ctx, const struct csn_kem_key *key,
    uint8_t *ek, size_t cap)
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	const struct kem *k = find(key->kem);

	if (cap < k->public)
		return csn_fail(ctx, CSN_E_BUFFER, "crypto",
		    "a public key of %s takes %zu bytes, not %zu", k->name,
		    k->public, cap);
	if (key->kem == CSN_KEM_X_WING)
		return csn_x_wing_public(ctx, key, ek);
	return csn_ml_kem_public(ctx, key->ml_kem, ek, k->public);
}

int
csn_kem_encapsulate_with(struct csn_ctx *ctx, const struct csn_kem_key *key,
    const uint8_t *entropy, uint8_t *ct, size_t cap,
    uint8_t secret[CSN_KEM_SECRET_SIZE])
{
	const struct kem *k = find(key->kem);
	int rc;

	memset(secret, 0, CSN_KEM_SECRET_SIZE);
	if (cap < k->ciphertext)
		return csn_fail(ctx, CSN_E_BUFFER, "crypto",
		    "a ciphertext of %s takes %zu bytes, not %zu", k->name,
		    k->ciphertext, cap);
	if (key->kem == CSN_KEM_X_WING)
		rc = csn_x_wing_encap(ctx, key, entropy, ct, secret);
	else
		rc = csn_ml_kem_encap(ctx, key->ml_kem, entropy, ct,
		    k->ciphertext, secret);
	if (rc != 0) {
		memset(ct, 0, k->ciphertext);
		csn_wipe(secret, CSN_KEM_SECRET_SIZE);
	}
	return rc;
}

int
csn_kem_encapsulate(struct csn_ctx *ctx, const struct csn_kem_key *key,
    uint8_t *ct, size_t cap, uint8_t secret[CSN_KEM_SECRET_SIZE])
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	return csn_kem_encapsulate_with(ctx, key, NULL, ct, cap, secret);
}

int
csn_kem_decapsulate(struct csn_ctx *ctx, const struct csn_kem_key *key,
    const uint8_t *ct, size_t len, uint8_t secret[CSN_KEM_SECRET_SIZE])
{
	if (CSN_NEEDS(key) != 0)
		return CSN_E_ARG;

	const struct kem *k = find(key->kem);
	int rc;

	memset(secret, 0, CSN_KEM_SECRET_SIZE);
	if (!key->private_half)
		return csn_fail(ctx, CSN_E_ARG, "crypto",
		    "a public key of %s opens no ciphertext", k->name);
	if (len != k->ciphertext)
		return csn_fail(ctx, CSN_E_FORM, "crypto",
		    "a ciphertext of %s has %zu bytes, not %zu", k->name,
		    k->ciphertext, len);
	if (key->kem == CSN_KEM_X_WING)
		rc = csn_x_wing_decap(ctx, key, ct, secret);
	else
		rc = csn_ml_kem_decap(ctx, key->ml_kem, ct, len, secret);
	if (rc != 0)
		csn_wipe(secret, CSN_KEM_SECRET_SIZE);
	return rc;
}

void
csn_kem_free(struct csn_kem_key *key)
{
	if (key == NULL)
		return;
	/* OpenSSL wipes what is private in them. */
	EVP_PKEY_free(key->ml_kem);
	EVP_PKEY_free(key->x25519);
	csn_wipe_free(key, sizeof(*key));
}
