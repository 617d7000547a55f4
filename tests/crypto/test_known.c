/* SPDX-License-Identifier: Apache-2.0 */
/* Known answers from other implementations: tests/vectors/crypto.json. */
#include <caisson/advanced.h>

#include "lib/test.h"
#include "vectors.h"

#include "crypto/crypto.h"
#include "crypto/internal.h"

static json_t *vectors;

BEFORE_ALL
{
	vectors = vectors_load(test_source_path("tests/vectors/crypto.json"));
	test_ctx_start();
}

AFTER_ALL
{
	json_decref(vectors);
	test_ctx_end();
}

/* Run check over a section; there must be something in it. */
static void
each(const char *section, void (*check)(const json_t *))
{
	const json_t *cases = json_object_get(vectors, section), *one;
	size_t i;

	assert_true(json_array_size(cases) > 0);
	json_array_foreach(cases, i, one) {
		check(one);
		vectors_release();
	}
	print_message("# %s: %zu cases\n", section, json_array_size(cases));
}

static void
check_sha3(const json_t *v)
{
	struct bytes msg = vectors_hex(v, "msg");
	struct bytes want = vectors_hex(v, "hash");
	uint8_t got[CSN_HASH_SIZE];
	struct csn_hash *h;
	size_t i;

	assert_int_equal(csn_sha3_256(test_ctx, msg.p, msg.len, got), 0);
	assert_memory_equal(got, want.p, CSN_HASH_SIZE);

	/* A byte at a time, and once more with the same object. */
	assert_int_equal(csn_hash_new(test_ctx, &h), 0);
	for (int round = 0; round < 2; round++) {
		memset(got, 0, sizeof(got));
		assert_int_equal(csn_hash_start(h), 0);
		for (i = 0; i < msg.len; i++)
			assert_int_equal(csn_hash_update(h, msg.p + i, 1), 0);
		assert_int_equal(csn_hash_final(h, got), 0);
		assert_memory_equal(got, want.p, CSN_HASH_SIZE);
	}
	csn_hash_free(h);
}

TEST(test_sha3)
{
	each("sha3_256", check_sha3);
}

static void
check_hmac(const json_t *v)
{
	struct bytes key = vectors_hex(v, "key");
	struct bytes msg = vectors_hex(v, "msg");
	struct bytes want = vectors_hex(v, "mac");
	size_t half = msg.len / 2;
	struct csn_piece whole = { msg.p, msg.len };
	struct csn_piece split[4] = {
		{ msg.p, half }, { NULL, 0 },
		{ msg.p + half, msg.len - half }, { NULL, 0 },
	};
	uint8_t got[CSN_HASH_SIZE];

	assert_int_equal(csn_hmac(test_ctx, key.p, key.len, &whole, 1, got),
	    0);
	assert_memory_equal(got, want.p, CSN_HASH_SIZE);
	memset(got, 0, sizeof(got));
	assert_int_equal(csn_hmac(test_ctx, key.p, key.len, split, 4, got),
	    0);
	assert_memory_equal(got, want.p, CSN_HASH_SIZE);
}

TEST(test_hmac)
{
	each("hmac_sha3_256", check_hmac);
}

static void
check_hkdf(const json_t *v)
{
	struct bytes salt = vectors_hex(v, "salt");
	struct bytes key = vectors_hex(v, "key");
	struct bytes info = vectors_hex(v, "info");
	struct bytes prk = vectors_hex(v, "prk");
	int sha3 = strcmp(vectors_text(v, "hash"), "sha3_256") == 0;
	size_t n = vectors_number(v, "size");
	uint8_t *out = calloc(1, n), got[CSN_HASH_SIZE];

	assert_non_null(out);
	assert_int_equal(csn_hkdf(test_ctx,
	    sha3 ? CSN_HKDF_SHA3_256 : CSN_HKDF_SHA256, salt.p, salt.len,
	    key.p, key.len, info.p, info.len, out, n), 0);
	vectors_check_sha3(v, "okm_sha3", out, n);
	if (sha3) {
		memset(out, 0, n);
		assert_int_equal(csn_hkdf_extract(test_ctx, salt.p, salt.len,
		    key.p, key.len, got), 0);
		assert_memory_equal(got, prk.p, CSN_HASH_SIZE);
		assert_int_equal(csn_hkdf_expand(test_ctx, got, info.p,
		    info.len, out, n), 0);
		vectors_check_sha3(v, "okm_sha3", out, n);
	}
	free(out);
}

TEST(test_hkdf)
{
	each("hkdf", check_hkdf);
}

static void
check_gcm(const json_t *v)
{
	struct bytes key = vectors_hex(v, "key");
	struct bytes nonce = vectors_hex(v, "nonce");
	struct bytes aad = vectors_hex(v, "aad");
	struct bytes msg = vectors_hex(v, "msg");
	struct bytes want = vectors_hex(v, "tag");
	uint8_t *ct = malloc(msg.len + 1), tag[CSN_TAG_SIZE];

	assert_non_null(ct);
	assert_int_equal(csn_aead_seal(test_ctx, key.p, nonce.p, aad.p,
	    aad.len, msg.p, msg.len, ct, tag), 0);
	vectors_check_sha3(v, "ct_sha3", ct, msg.len);
	assert_memory_equal(tag, want.p, CSN_TAG_SIZE);
	assert_int_equal(csn_aead_open(test_ctx, key.p, nonce.p, aad.p,
	    aad.len, ct, msg.len, tag, ct), 0);
	assert_memory_equal(ct, msg.p, msg.len);
	free(ct);
}

TEST(test_gcm)
{
	each("aes_256_gcm", check_gcm);
}

static void
check_wrap(const json_t *v)
{
	struct bytes kek = vectors_hex(v, "kek");
	struct bytes key = vectors_hex(v, "key");
	struct bytes want = vectors_hex(v, "wrapped");
	uint8_t wrapped[CSN_WRAP_SIZE], got[CSN_KEY_SIZE];

	assert_int_equal(want.len, CSN_WRAP_SIZE);
	assert_int_equal(csn_key_wrap(test_ctx, kek.p, key.p, wrapped), 0);
	assert_memory_equal(wrapped, want.p, CSN_WRAP_SIZE);
	assert_int_equal(csn_key_unwrap(test_ctx, kek.p, wrapped, got), 0);
	assert_memory_equal(got, key.p, CSN_KEY_SIZE);
}

TEST(test_wrap)
{
	each("key_wrap", check_wrap);
}

static void
check_argon2id(const json_t *v)
{
	struct bytes pass = vectors_hex(v, "pass");
	struct bytes salt = vectors_hex(v, "salt");
	struct bytes want = vectors_hex(v, "key");
	uint8_t got[CSN_KEY_SIZE];

	assert_int_equal(csn_argon2id(test_ctx, pass.p, pass.len, salt.p,
	    salt.len, (uint32_t)vectors_number(v, "memory_kib"),
	    (uint32_t)vectors_number(v, "passes"),
	    (uint32_t)vectors_number(v, "lanes"), got), 0);
	assert_memory_equal(got, want.p, CSN_KEY_SIZE);
}

TEST(test_argon2id)
{
	each("argon2id", check_argon2id);
}

static int
kem_named(const char *name)
{
	int kem;

	for (kem = 1; csn_kem_name(kem) != NULL; kem++) {
		if (strcmp(csn_kem_name(kem), name) == 0)
			return kem;
	}
	return 0;
}

static void
check_kem(const json_t *v)
{
	struct bytes seed = vectors_hex(v, "seed");
	struct bytes entropy = vectors_hex(v, "entropy");
	struct bytes want = vectors_hex(v, "secret");
	struct bytes rejected = vectors_hex(v, "rejected");
	int kem = kem_named(vectors_text(v, "kem"));
	size_t ek_len = csn_kem_public_size(kem);
	size_t ct_len = csn_kem_ciphertext_size(kem);
	uint8_t ek[CSN_KEM_MAX_PUBLIC], ct[CSN_KEM_MAX_CIPHERTEXT];
	uint8_t secret[CSN_KEM_SECRET_SIZE];
	struct csn_kem_key *pair, *public;

	assert_int_equal(csn_kem_from_seed(test_ctx, kem, seed.p, seed.len,
	    &pair), 0);
	assert_int_equal(csn_kem_public(test_ctx, pair, ek, sizeof(ek)), 0);
	vectors_check_sha3(v, "ek_sha3", ek, ek_len);

	assert_int_equal(csn_kem_from_public(test_ctx, kem, ek, ek_len,
	    &public), 0);
	assert_int_equal(csn_kem_encapsulate_with(test_ctx, public,
	    entropy.p, ct, sizeof(ct), secret), 0);
	vectors_check_sha3(v, "ct_sha3", ct, ct_len);
	assert_memory_equal(secret, want.p, sizeof(secret));

	memset(secret, 0, sizeof(secret));
	assert_int_equal(csn_kem_decapsulate(test_ctx, pair, ct, ct_len,
	    secret), 0);
	assert_memory_equal(secret, want.p, sizeof(secret));

	/* FIPS 203's implicit rejection. */
	if (rejected.len != 0) {
		memset(ct, 0, ct_len);
		assert_int_equal(csn_kem_decapsulate(test_ctx, pair, ct,
		    ct_len, secret), 0);
		assert_memory_equal(secret, rejected.p, sizeof(secret));
	}
	csn_kem_free(public);
	csn_kem_free(pair);
}

TEST(test_kem)
{
	each("kem", check_kem);
}

static void
check_sign(const json_t *v)
{
	struct bytes seed = vectors_hex(v, "seed");
	struct bytes context = vectors_hex(v, "context");
	struct bytes msg = vectors_hex(v, "msg");
	const char *name = vectors_text(v, "alg");
	uint8_t pk[CSN_SIGN_MAX_PUBLIC], sig[CSN_SIGN_MAX_SIGNATURE];
	struct csn_sign_key *pair, *public;
	size_t sig_len;
	int alg = 1;

	while (strcmp(csn_sign_name(alg), name) != 0)
		alg++;
	sig_len = csn_sign_signature_size(alg);
	assert_int_equal(csn_sign_from_seed(test_ctx, alg, seed.p, seed.len,
	    &pair), 0);
	assert_int_equal(csn_sign_public(test_ctx, pair, pk, sizeof(pk)), 0);
	vectors_check_sha3(v, "pk_sha3", pk, csn_sign_public_size(alg));
	assert_int_equal(csn_sign_with(test_ctx, pair, 1, context.p,
	    context.len, msg.p, msg.len, sig, sizeof(sig)), 0);
	vectors_check_sha3(v, "sig_sha3", sig, sig_len);

	assert_int_equal(csn_sign_from_public(test_ctx, alg, pk,
	    csn_sign_public_size(alg), &public), 0);
	assert_int_equal(csn_verify(test_ctx, public, context.p, context.len,
	    msg.p, msg.len, sig, sig_len), 0);
	csn_sign_free(public);
	csn_sign_free(pair);
}

TEST(test_sign)
{
	each("sign", check_sign);
}
