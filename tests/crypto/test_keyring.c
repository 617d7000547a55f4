/* test_keyring.c - keys at rest, and the lanes that they are expanded in. */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include <caisson/aead.h>

#include "crypto/crypto.h"
#include "crypto/keyring.h"
#include "crypto/vectors.h"

/* The library's own counter mode over 32 zero bytes. */
static void
library_pad(const uint8_t key[32], uint64_t salt, uint64_t id,
    uint8_t out[32])
{
	EVP_CIPHER *ctr = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint64_t iv[2] = { salt, htobe64(id << 8) };
	uint8_t zero[32] = { 0 };
	int n;

	assert_non_null(ctr);
	assert_non_null(c);
	assert_int_equal(EVP_EncryptInit_ex2(c, ctr, key,
	    (const uint8_t *)iv, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(c, out, &n, zero, 32), 1);
	assert_int_equal(n, 32);
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(ctr);
}

static void
the_mask_is_the_librarys_counter_mode(void **state)
{
	static const uint64_t ids[] = { 1, 2, 255, 256, 0x0123456789abcd,
	    ((uint64_t)1 << 56) - 1 };
	EVP_CIPHER *ecb = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t key[32], ours[32], theirs[32];
	uint64_t salt;
	size_t round, i;

	(void)state;
	assert_non_null(ecb);
	assert_non_null(c);
	for (round = 0; round < 32; round++) {
		assert_int_equal(csn_random(test_ctx, key, sizeof(key)), 0);
		assert_int_equal(csn_random(test_ctx, &salt, sizeof(salt)), 0);
		assert_int_equal(EVP_EncryptInit_ex2(c, ecb, key, NULL,
		    NULL), 1);
		for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
			assert_int_equal(csn_key_pad(c, salt, ids[i], ours),
			    0);
			library_pad(key, salt, ids[i], theirs);
			assert_memory_equal(ours, theirs, 32);
		}
	}
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(ecb);
}

static void
a_key_rests_masked_and_wakes_as_it_was(void **state)
{
	const uint8_t plain[CSN_KEY_SIZE] = { 1, 2, 3 };
	struct csn_key a, b;
	uint8_t woken[CSN_KEY_SIZE];

	(void)state;
	assert_int_equal(csn_key_rest(test_ctx, plain, &a), 0);
	assert_int_equal(csn_key_rest(test_ctx, plain, &b), 0);
	/* One key twice: neither itself, nor to be told for the same. */
	assert_memory_not_equal(a.wrapped, plain, CSN_KEY_SIZE);
	assert_memory_not_equal(a.wrapped, b.wrapped, CSN_KEY_SIZE);
	assert_memory_not_equal(a.wrapped, a.wrapped + 16, 16);
	assert_int_not_equal(a.id, b.id);
	assert_int_equal(csn_key_wake(test_ctx, &b, woken), 0);
	assert_memory_equal(woken, plain, CSN_KEY_SIZE);
	assert_int_equal(csn_key_wake(test_ctx, &a, woken), 0);
	assert_memory_equal(woken, plain, CSN_KEY_SIZE);
	csn_key_forget(test_ctx, &a);
	csn_key_forget(test_ctx, &b);
	assert_int_equal(a.id, 0);
}

/* More keys than lanes, in turns: each seals with its own. */
static void
guests_push_nobody_out(void **state)
{
	enum { KEYS = 3000 };
	static struct csn_key keys[KEYS];
	uint8_t plain[CSN_KEY_SIZE] = { 0 }, tag[16], expected[16];
	const uint8_t nonce[12] = { 7 };
	struct csn_aead_msg msg = { .tag = tag };
	struct csn_lane *lane;
	uint32_t used, all, i, round;

	(void)state;
	memcpy(msg.nonce, nonce, sizeof(nonce));
	for (i = 0; i < KEYS; i++) {
		memcpy(plain, &i, sizeof(i));
		assert_int_equal(csn_key_rest(test_ctx, plain, &keys[i]), 0);
	}
	for (round = 0; round < 3; round++)
		for (i = 0; i < KEYS; i++) {
			assert_int_equal(csn_lane_acquire(test_ctx, &keys[i],
			    &lane), 0);
			assert_int_equal(csn_lane_seal(lane, &msg), 0);
			csn_lane_release(lane);
			memcpy(plain, &i, sizeof(i));
			assert_int_equal(csn_aead_seal(test_ctx, plain, nonce,
			    NULL, 0, NULL, 0, NULL, expected), 0);
			assert_memory_equal(tag, expected, sizeof(tag));
		}
	csn_keyring_stat(test_ctx, &used, &all);
	assert_in_range(used, 1, all);
	for (i = 0; i < KEYS; i++)
		csn_key_forget(test_ctx, &keys[i]);
	csn_keyring_stat(test_ctx, &used, &all);
	assert_int_equal(used, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mask_is_the_librarys_counter_mode),
		cmocka_unit_test(a_key_rests_masked_and_wakes_as_it_was),
		cmocka_unit_test(guests_push_nobody_out),
	};

	return cmocka_run_group_tests(tests, test_ctx_setup,
	    test_ctx_teardown);
}
