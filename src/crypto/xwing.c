/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/xwing.c - X-Wing: ML-KEM-768 and X25519 in one KEM. */
#include <string.h>

#include "base/fail.h"
#include "crypto/internal.h"

/*
 * draft-connolly-cfrg-xwing-kem. It holds as long as either half does. The
 * names of its parts (ss_M, ct_X, pk_X) are the draft's.
 */
#define MLKEM "ML-KEM-768"
#define MLKEM_PUBLIC 1184
#define MLKEM_CIPHERTEXT 1088
#define EXPANDED (CSN_ML_KEM_SEED_SIZE + CSN_X25519_SIZE)

static int
x25519_private(struct csn_ctx *ctx, const uint8_t sk[CSN_X25519_SIZE],
    EVP_PKEY **out)
{
	*out = EVP_PKEY_new_raw_private_key_ex(ctx->crypto->lib, "X25519",
	    NULL, sk, CSN_X25519_SIZE);
	return *out != NULL ? 0 : csn_ossl_fail(ctx, "making an X25519 key");
}

static int
x25519_public(struct csn_ctx *ctx, const uint8_t pk[CSN_X25519_SIZE],
    EVP_PKEY **out)
{
	*out = EVP_PKEY_new_raw_public_key_ex(ctx->crypto->lib, "X25519",
	    NULL, pk, CSN_X25519_SIZE);
	return *out != NULL ? 0 : csn_ossl_fail(ctx, "reading an X25519 key");
}

static int
x25519_bytes(struct csn_ctx *ctx, EVP_PKEY *key, uint8_t pk[CSN_X25519_SIZE])
{
	size_t n = CSN_X25519_SIZE;

	if (EVP_PKEY_get_raw_public_key(key, pk, &n) != 1)
		return csn_ossl_fail(ctx, "reading an X25519 key");
	return 0;
}

/* CSN_E_FORM for a peer's key of low order, which gives all zero. */
static int
x25519_shared(struct csn_ctx *ctx, EVP_PKEY *sk, EVP_PKEY *peer,
    uint8_t ss[CSN_X25519_SIZE])
{
	size_t n = CSN_X25519_SIZE;
	EVP_PKEY_CTX *c;
	int rc = 0;

	c = EVP_PKEY_CTX_new_from_pkey(ctx->crypto->lib, sk, NULL);
	if (c == NULL || EVP_PKEY_derive_init(c) != 1 ||
	    EVP_PKEY_derive_set_peer_ex(c, peer, 0) != 1)
		rc = csn_ossl_fail(ctx, "preparing X25519");
	else if (EVP_PKEY_derive(c, ss, &n) != 1)
		rc = csn_ossl_fail_as(ctx, CSN_E_FORM,
		    "the X25519 half of an X-Wing message is of low order");
	EVP_PKEY_CTX_free(c);
	return rc;
}

/* SHA3-256(ss_M || ss_X || ct_X || pk_X || label) */
static int
combine(struct csn_ctx *ctx, const uint8_t ss_m[CSN_KEM_SECRET_SIZE],
    const uint8_t ss_x[CSN_X25519_SIZE], const uint8_t ct_x[CSN_X25519_SIZE],
    const uint8_t pk_x[CSN_X25519_SIZE], uint8_t secret[CSN_KEM_SECRET_SIZE])
{
	static const uint8_t label[6] = { 0x5c, 0x2e, 0x2f, 0x2f, 0x5e,
	    0x5c };
	uint8_t in[CSN_KEM_SECRET_SIZE + 3 * CSN_X25519_SIZE +
	    sizeof(label)];
	uint8_t *p = in;
	int rc;

	memcpy(p, ss_m, CSN_KEM_SECRET_SIZE);
	p += CSN_KEM_SECRET_SIZE;
	memcpy(p, ss_x, CSN_X25519_SIZE);
	p += CSN_X25519_SIZE;
	memcpy(p, ct_x, CSN_X25519_SIZE);
	p += CSN_X25519_SIZE;
	memcpy(p, pk_x, CSN_X25519_SIZE);
	p += CSN_X25519_SIZE;
	memcpy(p, label, sizeof(label));
	rc = csn_sha3_256(ctx, in, sizeof(in), secret);
	csn_wipe(in, sizeof(in));
	return rc;
}

static int
expand(struct csn_ctx *ctx, const uint8_t seed[CSN_X_WING_SEED_SIZE],
    uint8_t out[EXPANDED])
{
	EVP_MD_CTX *md;
	int rc = 0;

	if ((md = EVP_MD_CTX_new()) == NULL ||
	    EVP_DigestInit_ex2(md, ctx->crypto->shake_256, NULL) != 1 ||
	    EVP_DigestUpdate(md, seed, CSN_X_WING_SEED_SIZE) != 1 ||
	    EVP_DigestFinalXOF(md, out, EXPANDED) != 1)
		rc = csn_ossl_fail(ctx, "SHAKE-256");
	EVP_MD_CTX_free(md);
	return rc;
}

int
csn_x_wing_pair(struct csn_ctx *ctx, const uint8_t *seed,
    struct csn_kem_key *key)
{
	uint8_t fresh[CSN_X_WING_SEED_SIZE], expanded[EXPANDED];
	int rc;

	if (seed == NULL) {
		if ((rc = csn_random(ctx, fresh, sizeof(fresh))) != 0)
			return rc;
		seed = fresh;
	}
	if ((rc = expand(ctx, seed, expanded)) != 0 ||
	    (rc = csn_ml_kem_pair(ctx, MLKEM, expanded, &key->ml_kem)) != 0 ||
	    (rc = x25519_private(ctx, expanded + CSN_ML_KEM_SEED_SIZE,
	    &key->x25519)) != 0)
		goto out;
	rc = x25519_bytes(ctx, key->x25519, key->x_public);

out:
	csn_wipe(fresh, sizeof(fresh));
	csn_wipe(expanded, sizeof(expanded));
	return rc;
}

int
csn_x_wing_load(struct csn_ctx *ctx, const uint8_t *pk,
    struct csn_kem_key *key)
{
	int rc;

	if ((rc = csn_ml_kem_load(ctx, MLKEM, pk, MLKEM_PUBLIC,
	    &key->ml_kem)) != 0)
		return rc;
	memcpy(key->x_public, pk + MLKEM_PUBLIC, CSN_X25519_SIZE);
	return x25519_public(ctx, key->x_public, &key->x25519);
}

int
csn_x_wing_public(struct csn_ctx *ctx, const struct csn_kem_key *key,
    uint8_t *pk)
{
	memcpy(pk + MLKEM_PUBLIC, key->x_public, CSN_X25519_SIZE);
	return csn_ml_kem_public(ctx, key->ml_kem, pk, MLKEM_PUBLIC);
}

int
csn_x_wing_encap(struct csn_ctx *ctx, const struct csn_kem_key *key,
    const uint8_t *entropy, uint8_t *ct, uint8_t secret[CSN_KEM_SECRET_SIZE])
{
	uint8_t fresh[CSN_X_WING_ENTROPY_SIZE];
	uint8_t ss_m[CSN_KEM_SECRET_SIZE], ss_x[CSN_X25519_SIZE];
	uint8_t *ct_x = ct + MLKEM_CIPHERTEXT;
	EVP_PKEY *ephemeral = NULL;
	int rc;

	if (entropy == NULL) {
		if ((rc = csn_random(ctx, fresh, sizeof(fresh))) != 0)
			goto out;
		entropy = fresh;
	}
	if ((rc = csn_ml_kem_encap(ctx, key->ml_kem, entropy, ct,
	    MLKEM_CIPHERTEXT, ss_m)) != 0 ||
	    (rc = x25519_private(ctx, entropy + CSN_KEM_SECRET_SIZE,
	    &ephemeral)) != 0 ||
	    (rc = x25519_bytes(ctx, ephemeral, ct_x)) != 0 ||
	    (rc = x25519_shared(ctx, ephemeral, key->x25519, ss_x)) != 0)
		goto out;
	rc = combine(ctx, ss_m, ss_x, ct_x, key->x_public, secret);

out:
	EVP_PKEY_free(ephemeral);
	csn_wipe(fresh, sizeof(fresh));
	csn_wipe(ss_m, sizeof(ss_m));
	csn_wipe(ss_x, sizeof(ss_x));
	return rc;
}

int
csn_x_wing_decap(struct csn_ctx *ctx, const struct csn_kem_key *key,
    const uint8_t *ct, uint8_t secret[CSN_KEM_SECRET_SIZE])
{
	uint8_t ss_m[CSN_KEM_SECRET_SIZE], ss_x[CSN_X25519_SIZE];
	const uint8_t *ct_x = ct + MLKEM_CIPHERTEXT;
	EVP_PKEY *peer = NULL;
	int rc;

	if ((rc = csn_ml_kem_decap(ctx, key->ml_kem, ct, MLKEM_CIPHERTEXT,
	    ss_m)) != 0 ||
	    (rc = x25519_public(ctx, ct_x, &peer)) != 0 ||
	    (rc = x25519_shared(ctx, key->x25519, peer, ss_x)) != 0)
		goto out;
	rc = combine(ctx, ss_m, ss_x, ct_x, key->x_public, secret);

out:
	EVP_PKEY_free(peer);
	csn_wipe(ss_m, sizeof(ss_m));
	csn_wipe(ss_x, sizeof(ss_x));
	return rc;
}
