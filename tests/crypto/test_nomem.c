/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's allocations fail one by one: the right code, no leak. */
#include <caisson/advanced.h>

#include "lib/test.h"
#include "vectors.h"

#include "crypto/crypto.h"
#include "crypto/internal.h"

/* Allocations until one fails; below 0: none does. */
static long left = -1;
static int failed;

static int
now(void)
{
	if (left < 0 || left-- > 0)
		return 0;
	failed = 1;
	return 1;
}

static void *
failing_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return now() ? NULL : malloc(n);
}

static void *
failing_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return now() ? NULL : realloc(p, n);
}

static void
plain_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/*
 * Run one again and again, each time with an allocation failing that is step
 * later, until none fails any more. OpenSSL can do without some (a cache,
 * say), so success is allowed; what is not is any code but CSN_E_NOMEM,
 * CSN_E_CRYPTO and also.
 */
static void
each(const char *name, int (*one)(void), int also, long step)
{
	long n, refused = 0;
	int rc;

	for (n = 0; ; n += step) {
		left = n;
		failed = 0;
		rc = one();
		left = -1;
		if (!failed)
			break;
		if (rc != 0)
			refused++;
		if (rc != 0 && rc != CSN_E_NOMEM && rc != CSN_E_CRYPTO &&
		    rc != also)
			fail_msg("%s, allocation %ld: %s (%s)", name, n,
			    csn_error_name(rc), csn_message());
	}
	print_message("# %s: %ld allocations, %ld refused\n", name, n,
	    refused);
	assert_int_equal(rc, 0);
	assert_true(refused > 0);
}

static int
one_context(void)
{
	struct csn_ctx *ctx = NULL;
	int rc = csn_ctx_new(NULL, &ctx);

	csn_ctx_free(ctx);
	return rc;
}

TEST(test_context)
{
	/* Thousands, nearly all of them OpenSSL's tables of names. */
	each("csn_ctx_new", one_context, 0, 7);
}

static int
one_derivation(void)
{
	static const uint8_t key[CSN_KEY_SIZE] = { 1 }, zero[CSN_HASH_SIZE];
	const struct csn_piece piece = { key, sizeof(key) };
	uint8_t out[CSN_HASH_SIZE], wrapped[CSN_WRAP_SIZE];
	struct csn_hash *h;
	int rc;

	if ((rc = csn_sha3_256(test_ctx, key, sizeof(key), out)) != 0 ||
	    (rc = csn_hmac(test_ctx, key, sizeof(key), &piece, 1, out)) != 0)
		return rc;
	/* What fails leaves zeros, whatever was there. */
	memset(out, 0xaa, sizeof(out));
	if ((rc = csn_hkdf(test_ctx, CSN_HKDF_SHA256, key, 8, key,
	    sizeof(key), key, 8, out, sizeof(out))) == 0) {
		memset(out, 0xaa, sizeof(out));
		rc = csn_hkdf_extract(test_ctx, key, 8, key, sizeof(key),
		    out);
	}
	if (rc == 0) {
		memset(out, 0xaa, sizeof(out));
		rc = csn_hkdf_expand(test_ctx, key, "x", 1, out, sizeof(out));
	}
	if (rc != 0) {
		assert_memory_equal(out, zero, sizeof(out));
		return rc;
	}
	if ((rc = csn_key_wrap(test_ctx, key, key, wrapped)) != 0 ||
	    (rc = csn_argon2id(test_ctx, "p", 1, key, 8, 8, 1, 1, out)) != 0)
		return rc;
	if ((rc = csn_key_unwrap(test_ctx, key, wrapped, out)) != 0)
		return rc;
	if ((rc = csn_hash_new(test_ctx, &h)) != 0)
		return rc;
	if ((rc = csn_hash_start(h)) == 0 &&
	    (rc = csn_hash_update(h, "x", 1)) == 0)
		rc = csn_hash_final(h, out);
	csn_hash_free(h);
	return rc;
}

TEST(test_derivations)
{
	each("derivations", one_derivation, 0, 1);
}

static int
one_exchange(void)
{
	uint8_t ek[1216], ct[1120];
	uint8_t a[CSN_KEM_SECRET_SIZE], b[CSN_KEM_SECRET_SIZE];
	struct csn_kem_key *pair = NULL, *public = NULL;
	int rc;

	if ((rc = csn_kem_generate(test_ctx, CSN_KEM_X_WING, &pair)) == 0 &&
	    (rc = csn_kem_public(test_ctx, pair, ek, sizeof(ek))) == 0 &&
	    (rc = csn_kem_from_public(test_ctx, CSN_KEM_X_WING, ek,
	    sizeof(ek), &public)) == 0 &&
	    (rc = csn_kem_encapsulate(test_ctx, public, ct, sizeof(ct),
	    a)) == 0 &&
	    (rc = csn_kem_decapsulate(test_ctx, pair, ct, sizeof(ct),
	    b)) == 0)
		rc = memcmp(a, b, sizeof(a)) == 0 ? 0 : CSN_E_TAG;
	csn_kem_free(public);
	csn_kem_free(pair);
	return rc;
}

TEST(test_exchange)
{
	each("X-Wing exchange", one_exchange, 0, 1);
}

static int
one_signature(void)
{
	uint8_t sig[2420];
	struct csn_sign_key *key = NULL;
	int rc;

	if ((rc = csn_sign_generate(test_ctx, CSN_SIGN_ML_DSA_44,
	    &key)) == 0)
		rc = csn_sign(test_ctx, key, NULL, 0, (const uint8_t *)"m", 1,
		    sig, sizeof(sig));
	csn_sign_free(key);
	return rc;
}

TEST(test_signature)
{
	each("ML-DSA signature", one_signature, 0, 1);
}

static struct csn_sign_key *signer;
static uint8_t signature[2420];

static int
one_verification(void)
{
	return csn_verify(test_ctx, signer, NULL, 0, (const uint8_t *)"m", 1,
	    signature, sizeof(signature));
}

/* Out of memory is never told as a forgery. */
TEST(test_verification)
{
	assert_int_equal(csn_sign_generate(test_ctx, CSN_SIGN_ML_DSA_44,
	    &signer), 0);
	assert_int_equal(csn_sign(test_ctx, signer, NULL, 0,
	    (const uint8_t *)"m", 1, signature, sizeof(signature)), 0);
	each("ML-DSA verification", one_verification, 0, 1);
	csn_sign_free(signer);
}

static int
one_file(void)
{
	struct csn_sign_key *key = NULL, *back = NULL;
	char *pem = NULL;
	int rc;

	if ((rc = csn_sign_generate(test_ctx, CSN_SIGN_ML_DSA_44,
	    &key)) == 0 &&
	    (rc = csn_sign_to_pem(test_ctx, key, 1, NULL, 0, &pem)) == 0)
		rc = csn_sign_from_pem(test_ctx, pem, strlen(pem), NULL, 0,
		    &back);
	csn_free(pem);
	pem = NULL;
	if (rc == 0 &&
	    (rc = csn_sign_to_pem(test_ctx, key, 0, NULL, 0, &pem)) == 0) {
		csn_sign_free(back);
		back = NULL;
		rc = csn_sign_from_pem(test_ctx, pem, strlen(pem), NULL, 0,
		    &back);
	}
	csn_free(pem);
	csn_sign_free(back);
	csn_sign_free(key);
	return rc;
}

TEST(test_file)
{
	/* OpenSSL's decoders forget why they gave up. */
	each("key files", one_file, CSN_E_FORM, 1);
}

int
test_main(void)
{
	/* Before OpenSSL allocates anything. */
	if (CRYPTO_set_mem_functions(failing_malloc, failing_realloc,
	    plain_free) != 1)
		return 1;
	return test_run("crypto/nomem");
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
