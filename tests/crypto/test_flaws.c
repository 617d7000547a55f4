/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_flaws.c - messages, keys and signatures with one flaw each, made here:
 * what outside vectors try, in every checkout.
 */
#include <openssl/evp.h>

#include "lib/test.h"
#include "vectors.h"

#include <caisson/advanced.h>
#include <caisson/crypto.h>

#include "crypto/crypto.h"

static const uint8_t zero[4096];

/* GCM as OpenSSL has it, with nothing of ours between. */
static void
reference(const uint8_t key[32], const uint8_t nonce[12], const uint8_t *aad,
    size_t aad_len, const uint8_t *in, size_t len, uint8_t *out,
    uint8_t tag[16])
{
	EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	assert_non_null(gcm);
	assert_non_null(c);
	assert_int_equal(EVP_EncryptInit_ex2(c, gcm, key, nonce, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(c, NULL, &n, aad, (int)aad_len),
	    1);
	assert_int_equal(EVP_EncryptUpdate(c, out, &n, in, (int)len), 1);
	assert_int_equal(EVP_EncryptFinal_ex(c, out + n, &n), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16,
	    tag), 1);
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(gcm);
}

TEST(gcm_is_openssls_and_each_flipped_bit_is_noticed)
{
	static const size_t lengths[] = { 0, 1, 15, 16, 17, 31, 32, 33, 47,
	    63, 64, 65, 127, 128, 129, 255, 256, 257, 1000 };
	uint8_t key[32], nonce[12], aad[40], in[1000], ct[1000], ours[1000];
	uint8_t back[1000], tag[16], own[16];
	size_t i, k, len, aad_len;

	for (i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7 + 3);
	memcpy(key, in, sizeof(key));
	memcpy(nonce, in + 32, sizeof(nonce));
	memcpy(aad, in + 64, sizeof(aad));
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		len = lengths[i];
		aad_len = i * 2;
		reference(key, nonce, aad, aad_len, in, len, ct, tag);
		assert_int_equal(csn_aead_seal(test_ctx, key, nonce, aad,
		    aad_len, in, len, ours, own), 0);
		assert_memory_equal(own, tag, sizeof(tag));
		if (len != 0)
			assert_memory_equal(ours, ct, len);
		assert_int_equal(csn_aead_open(test_ctx, key, nonce, aad,
		    aad_len, ct, len, tag, back), 0);
		assert_int_equal(len == 0 ? 0 : memcmp(back, in, len), 0);
		for (k = 0; k < 128; k++) {
			tag[k / 8] ^= (uint8_t)(1 << k % 8);
			memset(back, 0xaa, sizeof(back));
			assert_int_equal(csn_aead_open(test_ctx, key, nonce,
			    aad, aad_len, ct, len, tag, back), CSN_E_TAG);
			assert_memory_equal(back, zero, len);
			tag[k / 8] ^= (uint8_t)(1 << k % 8);
		}
		for (k = 0; k < len; k += 1 + len / 17) {
			ct[k] ^= 0x20;
			assert_int_equal(csn_aead_open(test_ctx, key, nonce,
			    aad, aad_len, ct, len, tag, back), CSN_E_TAG);
			ct[k] ^= 0x20;
		}
		for (k = 0; k < aad_len; k++) {
			aad[k] ^= 1;
			assert_int_equal(csn_aead_open(test_ctx, key, nonce,
			    aad, aad_len, ct, len, tag, back), CSN_E_TAG);
			aad[k] ^= 1;
		}
		nonce[i % 12] ^= 1;
		assert_int_equal(csn_aead_open(test_ctx, key, nonce, aad,
		    aad_len, ct, len, tag, back), CSN_E_TAG);
		nonce[i % 12] ^= 1;
		/* A byte that is in the AAD, or in the message, is there. */
		if (aad_len != 0 && len != 0)
			assert_int_equal(csn_aead_open(test_ctx, key, nonce,
			    aad, aad_len - 1, ct, len, tag, back),
			    CSN_E_TAG);
	}
}

/* RFC 5869 by HMAC alone: T(i) = HMAC(PRK, T(i - 1) || info || i). */
static void
expand(const uint8_t prk[32], const uint8_t *info, size_t info_len,
    uint8_t *out, size_t len)
{
	uint8_t block[32], next[32], n = 1;
	struct csn_piece pieces[3] = { { block, 0 }, { info, info_len },
	    { &n, 1 } };
	size_t at, part;

	for (at = 0; at < len; at += part, n++) {
		assert_int_equal(csn_hmac(test_ctx, prk, 32, pieces, 3,
		    next), 0);
		memcpy(block, next, sizeof(block));
		pieces[0].len = sizeof(block);
		part = len - at < sizeof(block) ? len - at : sizeof(block);
		memcpy(out + at, block, part);
	}
}

TEST(hkdf_is_hmac_at_each_length)
{
	static uint8_t ours[255 * 32 + 1], theirs[255 * 32];
	static const size_t long_ones[] = { 1000, 255 * 32 - 1, 255 * 32 };
	uint8_t prk[32], info[70];
	size_t i, len;

	memset(info, 0x5a, sizeof(info));
	for (i = 0; i < 203; i++) {
		len = i < 200 ? i + 1 : long_ones[i - 200];
		assert_int_equal(csn_hkdf_extract(test_ctx, info, i % 70,
		    info, 1 + i % 60, prk), 0);
		expand(prk, info, i % 71, theirs, len);
		assert_int_equal(csn_hkdf(test_ctx, CSN_HKDF_SHA3_256, info,
		    i % 70, info, 1 + i % 60, info, i % 71, ours, len), 0);
		assert_memory_equal(ours, theirs, len);
	}
	assert_int_equal(csn_hkdf(test_ctx, CSN_HKDF_SHA3_256, NULL, 0, info,
	    32, NULL, 0, ours, sizeof(ours)), CSN_E_LIMIT);
	assert_memory_equal(ours, zero, 32);
}

static const struct kem {
	int kem;
	size_t k;		/* of 384 bytes, 256 coefficients each */
} kems[] = {
	{ CSN_KEM_ML_KEM_512, 2 }, { CSN_KEM_ML_KEM_768, 3 },
	{ CSN_KEM_ML_KEM_1024, 4 },
};

/* Coefficient i of an encapsulation key: 12 bits, little-endian. */
static void
put12(uint8_t *ek, size_t i, unsigned v)
{
	uint8_t *p = ek + i / 2 * 3;

	if (i % 2 == 0) {
		p[0] = (uint8_t)v;
		p[1] = (uint8_t)((p[1] & 0xf0) | v >> 8);
	} else {
		p[1] = (uint8_t)((p[1] & 0x0f) | (v & 15) << 4);
		p[2] = (uint8_t)(v >> 4);
	}
}

TEST(an_encapsulation_key_with_a_number_past_q_is_refused)
{
	uint8_t ek[CSN_KEM_MAX_PUBLIC + 1], bad[CSN_KEM_MAX_PUBLIC + 1];
	struct csn_kem_key *pair, *key;
	size_t i, at, len, n;

	for (i = 0; i < 3; i++) {
		len = csn_kem_public_size(kems[i].kem);
		n = kems[i].k * 256;
		assert_int_equal(csn_kem_generate(test_ctx, kems[i].kem,
		    &pair), 0);
		assert_int_equal(csn_kem_public(test_ctx, pair, ek, len), 0);
		csn_kem_free(pair);
		for (at = 0; at < n; at += at < 8 || at > n - 10 ? 1 : 37) {
			/* FIPS 203, 7.2: the modulus check. */
			memcpy(bad, ek, len);
			put12(bad, at, 3328);
			assert_int_equal(csn_kem_from_public(test_ctx,
			    kems[i].kem, bad, len, &key), 0);
			csn_kem_free(key);
			put12(bad, at, 3329);
			assert_int_equal(csn_kem_from_public(test_ctx,
			    kems[i].kem, bad, len, &key), CSN_E_FORM);
			put12(bad, at, 4095);
			assert_int_equal(csn_kem_from_public(test_ctx,
			    kems[i].kem, bad, len, &key), CSN_E_FORM);
		}
		assert_int_equal(csn_kem_from_public(test_ctx, kems[i].kem,
		    ek, len - 1, &key), CSN_E_FORM);
		ek[len] = 0;
		assert_int_equal(csn_kem_from_public(test_ctx, kems[i].kem,
		    ek, len + 1, &key), CSN_E_FORM);
	}
}

TEST(a_flipped_ciphertext_gives_one_other_secret)
{
	uint8_t ct[CSN_KEM_MAX_CIPHERTEXT], right[32], a[32], b[32];
	struct csn_kem_key *pair;
	size_t i, at, len;

	for (i = 0; i < 3; i++) {
		len = csn_kem_ciphertext_size(kems[i].kem);
		assert_int_equal(csn_kem_generate(test_ctx, kems[i].kem,
		    &pair), 0);
		assert_int_equal(csn_kem_encapsulate(test_ctx, pair, ct, len,
		    right), 0);
		for (at = 0; at < len; at += 41) {
			ct[at] ^= 4;
			/* FIPS 203, 6.3: implicit rejection. */
			assert_int_equal(csn_kem_decapsulate(test_ctx, pair,
			    ct, len, a), 0);
			assert_int_equal(csn_kem_decapsulate(test_ctx, pair,
			    ct, len, b), 0);
			assert_memory_equal(a, b, sizeof(a));
			assert_memory_not_equal(a, right, sizeof(a));
			ct[at] ^= 4;
		}
		assert_int_equal(csn_kem_decapsulate(test_ctx, pair, ct,
		    len - 1, a), CSN_E_FORM);
		assert_int_equal(csn_kem_decapsulate(test_ctx, pair, ct, len,
		    a), 0);
		assert_memory_equal(a, right, sizeof(a));
		csn_kem_free(pair);
	}
}

/* FIPS 204, table 2: a signature is c~, z and the hint. */
static const struct dsa {
	int alg;
	size_t challenge;	/* bytes of c~ */
	size_t z_bits;		/* of a coefficient */
	size_t l, k, omega;
} dsas[] = {
	{ CSN_SIGN_ML_DSA_44, 32, 18, 4, 4, 80 },
	{ CSN_SIGN_ML_DSA_65, 48, 20, 5, 6, 55 },
	{ CSN_SIGN_ML_DSA_87, 64, 20, 7, 8, 75 },
};

static const uint8_t msg[] = "a message";

struct signed_one {
	const struct dsa *d;
	struct csn_sign_key *key;
	size_t len, hint;	/* where the hint begins */
	uint8_t sig[CSN_SIGN_MAX_SIGNATURE];
};

static void
sign_one(const struct dsa *d, struct signed_one *s)
{
	s->d = d;
	s->len = csn_sign_signature_size(d->alg);
	s->hint = d->challenge + d->l * 256 * d->z_bits / 8;
	assert_int_equal(s->hint + d->omega + d->k, s->len);
	assert_int_equal(csn_sign_generate(test_ctx, d->alg, &s->key), 0);
	/* With two hints in the first row, for the flaws of their order. */
	do {
		assert_int_equal(csn_sign(test_ctx, s->key, NULL, 0, msg,
		    sizeof(msg), s->sig, s->len), 0);
	} while (s->sig[s->hint + d->omega] < 2 ||
	    s->sig[s->len - 1] >= d->omega);
	assert_int_equal(csn_verify(test_ctx, s->key, NULL, 0, msg,
	    sizeof(msg), s->sig, s->len), 0);
}

static void
refused(const struct signed_one *s, const uint8_t *sig)
{
	assert_int_equal(csn_verify(test_ctx, s->key, NULL, 0, msg,
	    sizeof(msg), sig, s->len), CSN_E_SIGNATURE);
}

TEST(a_hint_has_one_form_only)
{
	uint8_t sig[CSN_SIGN_MAX_SIGNATURE], *hint, *counts, swap;
	struct signed_one s;
	size_t i;

	for (i = 0; i < 3; i++) {
		sign_one(&dsas[i], &s);
		hint = sig + s.hint;
		counts = hint + dsas[i].omega;
		/* FIPS 204, algorithm 21: in strictly rising order. */
		memcpy(sig, s.sig, s.len);
		swap = hint[0];
		hint[0] = hint[1];
		hint[1] = swap;
		refused(&s, sig);
		memcpy(sig, s.sig, s.len);
		hint[1] = hint[0];
		refused(&s, sig);
		/* Zeros behind the last. */
		memcpy(sig, s.sig, s.len);
		hint[counts[dsas[i].k - 1]] = 1;
		refused(&s, sig);
		memcpy(sig, s.sig, s.len);
		hint[dsas[i].omega - 1] = 0x80;
		refused(&s, sig);
		/* Counts that do not fall, and end within omega. */
		memcpy(sig, s.sig, s.len);
		counts[0] = (uint8_t)(counts[1] + 1);
		refused(&s, sig);
		memcpy(sig, s.sig, s.len);
		counts[dsas[i].k - 1] = (uint8_t)(dsas[i].omega + 1);
		refused(&s, sig);
		memcpy(sig, s.sig, s.len);
		counts[dsas[i].k - 1]++;
		refused(&s, sig);
		csn_sign_free(s.key);
	}
}

TEST(each_part_of_a_signature_counts)
{
	uint8_t sig[CSN_SIGN_MAX_SIGNATURE];
	struct signed_one s;
	size_t i, at;

	for (i = 0; i < 3; i++) {
		sign_one(&dsas[i], &s);
		memcpy(sig, s.sig, s.len);
		for (at = 0; at < s.len; at += at < s.hint ? 97 : 1) {
			sig[at] ^= 1;
			refused(&s, sig);
			sig[at] ^= 1;
		}
		/* A coefficient of z that is gamma1: past the bound. */
		memset(sig + dsas[i].challenge, 0, 3);
		refused(&s, sig);
		/* Nothing but zeros, and nothing but ones. */
		memset(sig, 0, s.len);
		refused(&s, sig);
		memset(sig, 0xff, s.len);
		refused(&s, sig);
		csn_sign_free(s.key);
	}
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
