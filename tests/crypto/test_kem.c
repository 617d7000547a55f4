/* SPDX-License-Identifier: Apache-2.0 */
/* KEM keys: sizes, wrong bytes, sharing between threads. */
#include <pthread.h>
#include <stdatomic.h>

#include "lib/test.h"
#include "vectors.h"

#include <caisson/crypto.h>

#include "base/scrub.h"
#include "crypto/crypto.h"
#include "crypto/internal.h"
#include "session/scan.h"

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

/* Both secrets side by side, as the hash takes them in, are wiped so often. */
static struct needle joined;		/* masked by 0xa5, as in scan.c */
static atomic_int wiped;
void __explicit_bzero_chk(void *p, size_t len, size_t room);

static void
wipe_seen(void *p, size_t len)
{
	volatile uint8_t *at = p;
	size_t i;

	/* The stack below is wiped, too, of which much was never set. */
	for (i = 0; len < 4096 && i < joined.len && i < len; i++)
		if ((uint8_t)(at[i] ^ 0xa5u) != joined.masked[i])
			break;
	wiped += joined.len != 0 && i == joined.len;
	for (i = 0; i < len; i++)
		at[i] = 0;
}

/* In place of glibc's two, the second of which fortified calls are. */
#undef explicit_bzero
void
(explicit_bzero)(void *p, size_t len)
{
	wipe_seen(p, len);
}

void
__explicit_bzero_chk(void *p, size_t len, size_t room)
{
	(void)room;
	wipe_seen(p, len);
}

struct exchange {
	struct csn_kem_key *pair;
	uint8_t entropy[64], ct[1120], a[CSN_KEM_SECRET_SIZE];
	uint8_t b[CSN_KEM_SECRET_SIZE];
};

static void
encapsulate(void *arg)
{
	struct exchange *x = arg;

	assert_int_equal(csn_kem_encapsulate_with(test_ctx, x->pair,
	    x->entropy, x->ct, sizeof(x->ct), x->a), 0);
}

static void
decapsulate(void *arg)
{
	struct exchange *x = arg;

	assert_int_equal(csn_kem_decapsulate(test_ctx, x->pair, x->ct,
	    sizeof(x->ct), x->b), 0);
}

/* The two secrets that such an exchange is made of. */
static void
halves(const struct exchange *x, struct needle *m, struct needle *e)
{
	uint8_t ct[1088], ss[CSN_KEM_SECRET_SIZE];
	EVP_PKEY *sk;
	EVP_PKEY_CTX *c;
	size_t n = sizeof(ss);

	assert_int_equal(csn_ml_kem_encap(test_ctx, x->pair->ml_kem,
	    x->entropy, ct, sizeof(ct), ss), 0);
	needle_set(m, ss, sizeof(ss));
	assert_non_null(sk = EVP_PKEY_new_raw_private_key_ex(
	    csn_crypto_lib(test_ctx), "X25519", NULL, x->entropy + 32, 32));
	assert_non_null(c = EVP_PKEY_CTX_new_from_pkey(
	    csn_crypto_lib(test_ctx), sk, NULL));
	assert_int_equal(EVP_PKEY_derive_init(c), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer_ex(c, x->pair->x25519, 0),
	    1);
	assert_int_equal(EVP_PKEY_derive(c, ss, &n), 1);
	needle_set(e, ss, sizeof(ss));
	memcpy(joined.masked, m->masked, sizeof(ss));
	memcpy(joined.masked + sizeof(ss), e->masked, sizeof(ss));
	joined.len = 2 * sizeof(ss);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(sk);
	csn_wipe(ss, sizeof(ss));
	csn_scrub();
}

TEST(test_x_wing_leaves_neither_half)
{
	struct exchange x;
	struct needle m, e;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	assert_int_equal(csn_kem_generate(test_ctx, CSN_KEM_X_WING, &x.pair),
	    0);
	assert_int_equal(csn_random(test_ctx, x.entropy, sizeof(x.entropy)),
	    0);
	halves(&x, &m, &e);
	assert_int_equal(needle_count(&m), 0);
	assert_int_equal(needle_count(&e), 0);
	needle_deep(encapsulate, &x);
	assert_int_equal(wiped, 1);
	assert_int_equal(needle_count(&m), 0);
	assert_int_equal(needle_count(&e), 0);
	needle_deep(decapsulate, &x);
	assert_int_equal(wiped, 2);
	assert_int_equal(needle_count(&m), 0);
	assert_int_equal(needle_count(&e), 0);
	assert_memory_equal(x.a, x.b, sizeof(x.a));
	joined.len = 0;
	csn_kem_free(x.pair);
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
