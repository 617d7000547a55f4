/* SPDX-License-Identifier: Apache-2.0 */
/* ML-DSA: what verifies, what must not, hedging, sharing. */
#include <pthread.h>

#include "lib/test.h"
#include "vectors.h"

#include <caisson/crypto.h>

static const uint8_t zero[CSN_SIGN_MAX_SIGNATURE];
static const uint8_t msg[] = "the report of a machine";
static const uint8_t label[] = "caisson report";

TEST(test_what_was_signed_verifies_and_nothing_else)
{
	uint8_t sig[CSN_SIGN_MAX_SIGNATURE], pk[CSN_SIGN_MAX_PUBLIC];
	struct csn_sign_key *pair, *public, *other;
	int alg;

	for (alg = 1; csn_sign_name(alg) != NULL; alg++) {
		size_t n = csn_sign_signature_size(alg);

		assert_int_equal(csn_sign_generate(test_ctx, alg, &pair), 0);
		assert_int_equal(csn_sign_of(pair), alg);
		assert_int_equal(csn_sign_is_private(pair), 1);
		assert_int_equal(csn_sign_public(test_ctx, pair, pk,
		    sizeof(pk)), 0);
		assert_int_equal(csn_sign_from_public(test_ctx, alg, pk,
		    csn_sign_public_size(alg), &public), 0);
		assert_int_equal(csn_sign_is_private(public), 0);
		assert_int_equal(csn_sign(test_ctx, pair, label,
		    sizeof(label), msg, sizeof(msg), sig, sizeof(sig)), 0);
		assert_int_equal(csn_verify(test_ctx, public, label,
		    sizeof(label), msg, sizeof(msg), sig, n), 0);

		/* Another message, context, length, byte, key. */
		assert_int_equal(csn_verify(test_ctx, public, label,
		    sizeof(label), msg, sizeof(msg) - 1, sig, n),
		    CSN_E_SIGNATURE);
		assert_int_equal(csn_verify(test_ctx, public, label,
		    sizeof(label) - 1, msg, sizeof(msg), sig, n),
		    CSN_E_SIGNATURE);
		assert_int_equal(csn_verify(test_ctx, public, NULL, 0, msg,
		    sizeof(msg), sig, n), CSN_E_SIGNATURE);
		assert_int_equal(csn_verify(test_ctx, public, label,
		    sizeof(label), msg, sizeof(msg), sig, n - 1),
		    CSN_E_SIGNATURE);
		assert_int_equal(csn_verify(test_ctx, public, label,
		    sizeof(label), msg, sizeof(msg), sig, 0),
		    CSN_E_SIGNATURE);
		sig[n / 2] ^= 0x10;
		assert_int_equal(csn_verify(test_ctx, public, label,
		    sizeof(label), msg, sizeof(msg), sig, n),
		    CSN_E_SIGNATURE);
		sig[n / 2] ^= 0x10;
		assert_int_equal(csn_sign_generate(test_ctx, alg, &other),
		    0);
		assert_int_equal(csn_verify(test_ctx, other, label,
		    sizeof(label), msg, sizeof(msg), sig, n),
		    CSN_E_SIGNATURE);
		csn_sign_free(other);
		csn_sign_free(public);
		csn_sign_free(pair);
	}
	assert_int_equal(alg, 4);
}

TEST(test_signatures_are_hedged)
{
	uint8_t a[3309], b[3309];
	struct csn_sign_key *key;

	assert_int_equal(csn_sign_generate(test_ctx, CSN_SIGN_ML_DSA_65,
	    &key), 0);
	assert_int_equal(csn_sign(test_ctx, key, NULL, 0, msg, sizeof(msg),
	    a, sizeof(a)), 0);
	assert_int_equal(csn_sign(test_ctx, key, NULL, 0, msg, sizeof(msg),
	    b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	csn_sign_free(key);
}

TEST(test_wrong_calls)
{
	uint8_t pk[1312], sig[2420], context[256] = { 0 };
	struct csn_sign_key *pair, *public, *none = NULL;

	assert_int_equal(csn_sign_generate(test_ctx, CSN_SIGN_ML_DSA_44,
	    &pair), 0);
	assert_int_equal(csn_sign_public(test_ctx, pair, pk,
	    sizeof(pk) - 1), CSN_E_BUFFER);
	assert_int_equal(csn_sign_public(test_ctx, pair, pk, sizeof(pk)), 0);

	assert_int_equal(csn_sign(test_ctx, pair, NULL, 0, msg, sizeof(msg),
	    sig, sizeof(sig) - 1), CSN_E_BUFFER);
	memset(sig, 0xaa, sizeof(sig));
	assert_int_equal(csn_sign(test_ctx, pair, context, 256, msg,
	    sizeof(msg), sig, sizeof(sig)), CSN_E_ARG);
	assert_memory_equal(sig, zero, sizeof(sig));
	assert_int_equal(csn_sign(test_ctx, pair, context, 255, NULL, 0, sig,
	    sizeof(sig)), 0);
	assert_int_equal(csn_verify(test_ctx, pair, context, 255, NULL, 0,
	    sig, sizeof(sig)), 0);
	assert_int_equal(csn_verify(test_ctx, pair, context, 256, NULL, 0,
	    sig, sizeof(sig)), CSN_E_ARG);

	assert_int_equal(csn_sign_from_public(test_ctx, CSN_SIGN_ML_DSA_44,
	    pk, sizeof(pk), &public), 0);
	assert_int_equal(csn_sign(test_ctx, public, NULL, 0, msg,
	    sizeof(msg), sig, sizeof(sig)), CSN_E_ARG);
	assert_memory_equal(sig, zero, sizeof(sig));

	assert_int_equal(csn_sign_from_public(test_ctx, CSN_SIGN_ML_DSA_44,
	    pk, sizeof(pk) - 1, &none), CSN_E_FORM);
	assert_int_equal(csn_sign_from_seed(test_ctx, CSN_SIGN_ML_DSA_44,
	    pk, 31, &none), CSN_E_FORM);
	assert_int_equal(csn_sign_from_seed(test_ctx, CSN_SIGN_ML_DSA_44,
	    pk, 33, &none), CSN_E_FORM);
	assert_int_equal(csn_sign_generate(test_ctx, 0, &none),
	    CSN_E_ALGORITHM);
	assert_int_equal(csn_sign_from_seed(test_ctx, 4, pk, 32, &none),
	    CSN_E_ALGORITHM);
	assert_int_equal(csn_sign_from_public(test_ctx, -1, pk, sizeof(pk),
	    &none), CSN_E_ALGORITHM);
	assert_null(none);
	assert_null(csn_sign_name(0));
	assert_int_equal(csn_sign_public_size(4), 0);
	assert_int_equal(csn_sign_signature_size(-1), 0);
	csn_sign_free(public);
	csn_sign_free(pair);
	csn_sign_free(NULL);
}

static void *
sign_and_verify(void *arg)
{
	const struct csn_sign_key *key = arg;
	uint8_t sig[2420];
	size_t failed = 0, i;

	for (i = 0; i < 10; i++) {
		if (csn_sign(test_ctx, key, label, sizeof(label), msg,
		    sizeof(msg), sig, sizeof(sig)) != 0 ||
		    csn_verify(test_ctx, key, label, sizeof(label), msg,
		    sizeof(msg), sig, sizeof(sig)) != 0)
			failed++;
	}
	return (void *)failed;
}

TEST(test_threads_share_a_key)
{
	struct csn_sign_key *key;
	pthread_t threads[4];
	void *failed;
	size_t i;

	assert_int_equal(csn_sign_generate(test_ctx, CSN_SIGN_ML_DSA_44,
	    &key), 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    sign_and_verify, key), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_ptr_equal(failed, NULL);
	}
	csn_sign_free(key);
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
