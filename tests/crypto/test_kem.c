/* SPDX-License-Identifier: Apache-2.0 */
/* KEM keys: sizes, wrong bytes, sharing between threads. */
#include <pthread.h>

#include "lib/test.h"
#include "vectors.h"

#include <caisson/crypto.h>

#include "crypto/crypto.h"

static const uint8_t zero[CSN_KEM_MAX_CIPHERTEXT];

static const int all[] = { CSN_KEM_ML_KEM_512, CSN_KEM_ML_KEM_768,
    CSN_KEM_ML_KEM_1024, CSN_KEM_X_WING };

TEST(test_both_sides_get_the_same_secret)
{
	uint8_t ek[CSN_KEM_MAX_PUBLIC], ct[CSN_KEM_MAX_CIPHERTEXT];
	uint8_t a[CSN_KEM_SECRET_SIZE], b[CSN_KEM_SECRET_SIZE];
	struct csn_kem_key *pair, *public, *other;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t ek_len = csn_kem_public_size(all[i]);
		size_t ct_len = csn_kem_ciphertext_size(all[i]);

		assert_int_equal(csn_kem_generate(test_ctx, all[i], &pair),
		    0);
		assert_int_equal(csn_kem_of(pair), all[i]);
		assert_int_equal(csn_kem_is_private(pair), 1);
		assert_int_equal(csn_kem_public(test_ctx, pair, ek,
		    sizeof(ek)), 0);
		assert_int_equal(csn_kem_from_public(test_ctx, all[i], ek,
		    ek_len, &public), 0);
		assert_int_equal(csn_kem_is_private(public), 0);
		assert_int_equal(csn_kem_encapsulate(test_ctx, public, ct,
		    sizeof(ct), a), 0);
		assert_int_equal(csn_kem_decapsulate(test_ctx, pair, ct,
		    ct_len, b), 0);
		assert_memory_equal(a, b, sizeof(a));
		assert_memory_not_equal(a, zero, sizeof(a));

		/* Another key, and a changed ciphertext: another secret. */
		assert_int_equal(csn_kem_generate(test_ctx, all[i], &other),
		    0);
		assert_int_equal(csn_kem_decapsulate(test_ctx, other, ct,
		    ct_len, b), 0);
		assert_memory_not_equal(a, b, sizeof(a));
		ct[7] ^= 1;
		assert_int_equal(csn_kem_decapsulate(test_ctx, pair, ct,
		    ct_len, b), 0);
		assert_memory_not_equal(a, b, sizeof(a));
		csn_kem_free(other);
		csn_kem_free(public);
		csn_kem_free(pair);
	}
}

TEST(test_x_wing_binds_both_halves)
{
	uint8_t ct[1120], a[CSN_KEM_SECRET_SIZE], b[CSN_KEM_SECRET_SIZE];
	struct csn_kem_key *pair;

	assert_int_equal(csn_kem_ciphertext_size(CSN_KEM_X_WING),
	    sizeof(ct));
	assert_int_equal(csn_kem_generate(test_ctx, CSN_KEM_X_WING, &pair),
	    0);
	assert_int_equal(csn_kem_encapsulate(test_ctx, pair, ct, sizeof(ct),
	    a), 0);
	ct[1119] ^= 1;
	assert_int_equal(csn_kem_decapsulate(test_ctx, pair, ct, sizeof(ct),
	    b), 0);
	assert_memory_not_equal(a, b, sizeof(a));

	/* A point of low order would take X25519's half away. */
	memset(ct + 1088, 0, 32);
	memset(b, 0xaa, sizeof(b));
	assert_int_equal(csn_kem_decapsulate(test_ctx, pair, ct, sizeof(ct),
	    b), CSN_E_FORM);
	assert_memory_equal(b, zero, sizeof(b));
	csn_kem_free(pair);
}

TEST(test_wrong_lengths)
{
	uint8_t ek[CSN_KEM_MAX_PUBLIC + 1] = { 0 };
	uint8_t ct[CSN_KEM_MAX_CIPHERTEXT + 1] = { 0 };
	uint8_t secret[CSN_KEM_SECRET_SIZE];
	struct csn_kem_key *pair, *none = NULL;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t ek_len = csn_kem_public_size(all[i]);
		size_t ct_len = csn_kem_ciphertext_size(all[i]);
		size_t seed = all[i] == CSN_KEM_X_WING ? 32 : 64;

		assert_int_equal(csn_kem_from_seed(test_ctx, all[i], ct,
		    seed - 1, &none), CSN_E_FORM);
		assert_int_equal(csn_kem_from_seed(test_ctx, all[i], ct,
		    seed + 1, &none), CSN_E_FORM);
		assert_int_equal(csn_kem_from_public(test_ctx, all[i], ek,
		    ek_len - 1, &none), CSN_E_FORM);
		assert_int_equal(csn_kem_from_public(test_ctx, all[i], ek,
		    ek_len + 1, &none), CSN_E_FORM);
		assert_null(none);

		assert_int_equal(csn_kem_generate(test_ctx, all[i], &pair),
		    0);
		assert_int_equal(csn_kem_public(test_ctx, pair, ek,
		    ek_len - 1), CSN_E_BUFFER);
		memset(secret, 0xaa, sizeof(secret));
		assert_int_equal(csn_kem_encapsulate(test_ctx, pair, ct,
		    ct_len - 1, secret), CSN_E_BUFFER);
		assert_memory_equal(secret, zero, sizeof(secret));
		memset(secret, 0xaa, sizeof(secret));
		assert_int_equal(csn_kem_decapsulate(test_ctx, pair, ct,
		    ct_len - 1, secret), CSN_E_FORM);
		assert_memory_equal(secret, zero, sizeof(secret));
		assert_int_equal(csn_kem_decapsulate(test_ctx, pair, ct,
		    ct_len + 1, secret), CSN_E_FORM);
		csn_kem_free(pair);
	}
}

TEST(test_coefficients_past_the_modulus_are_refused)
{
	uint8_t ek[CSN_KEM_MAX_PUBLIC];
	struct csn_kem_key *none = NULL;
	size_t i;

	memset(ek, 0xff, sizeof(ek));
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_int_equal(csn_kem_from_public(test_ctx, all[i], ek,
		    csn_kem_public_size(all[i]), &none), CSN_E_FORM);
	assert_null(none);
}

TEST(test_a_public_key_opens_nothing)
{
	uint8_t ek[1184], ct[1088] = { 0 }, secret[CSN_KEM_SECRET_SIZE];
	struct csn_kem_key *pair, *public;

	assert_int_equal(csn_kem_generate(test_ctx, CSN_KEM_ML_KEM_768,
	    &pair), 0);
	assert_int_equal(csn_kem_public(test_ctx, pair, ek, sizeof(ek)), 0);
	assert_int_equal(csn_kem_from_public(test_ctx, CSN_KEM_ML_KEM_768,
	    ek, sizeof(ek), &public), 0);
	memset(secret, 0xaa, sizeof(secret));
	assert_int_equal(csn_kem_decapsulate(test_ctx, public, ct,
	    sizeof(ct), secret), CSN_E_ARG);
	assert_memory_equal(secret, zero, sizeof(secret));
	csn_kem_free(public);
	csn_kem_free(pair);
}

TEST(test_unknown_kems)
{
	static const int unknown[] = { -1, 0, 5, 1 << 30 };
	struct csn_kem_key *none = NULL;
	uint8_t seed[64] = { 0 };
	size_t i;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		assert_null(csn_kem_name(unknown[i]));
		assert_int_equal(csn_kem_public_size(unknown[i]), 0);
		assert_int_equal(csn_kem_ciphertext_size(unknown[i]), 0);
		assert_int_equal(csn_kem_generate(test_ctx, unknown[i],
		    &none), CSN_E_ALGORITHM);
		assert_int_equal(csn_kem_from_seed(test_ctx, unknown[i],
		    seed, sizeof(seed), &none), CSN_E_ALGORITHM);
		assert_int_equal(csn_kem_from_public(test_ctx, unknown[i],
		    seed, sizeof(seed), &none), CSN_E_ALGORITHM);
	}
	assert_null(none);
	csn_kem_free(NULL);
}

/* cmocka's assertions belong to the main thread: a thread only counts. */
static void *
exchange(void *arg)
{
	const struct csn_kem_key *key = arg;
	uint8_t ct[CSN_KEM_MAX_CIPHERTEXT];
	uint8_t a[CSN_KEM_SECRET_SIZE], b[CSN_KEM_SECRET_SIZE];
	size_t failed = 0, i;

	for (i = 0; i < 50; i++) {
		if (csn_kem_encapsulate(test_ctx, key, ct, sizeof(ct),
		    a) != 0 || csn_kem_decapsulate(test_ctx, key, ct,
		    csn_kem_ciphertext_size(csn_kem_of(key)), b) != 0 ||
		    memcmp(a, b, sizeof(a)) != 0)
			failed++;
	}
	return (void *)failed;
}

TEST(test_threads_share_a_key)
{
	struct csn_kem_key *key;
	pthread_t threads[4];
	void *failed;
	size_t i;

	assert_int_equal(csn_kem_generate(test_ctx, CSN_KEM_X_WING, &key),
	    0);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, exchange,
		    key), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_ptr_equal(failed, NULL);
	}
	csn_kem_free(key);
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
