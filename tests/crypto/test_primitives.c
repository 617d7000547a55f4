/* SPDX-License-Identifier: Apache-2.0 */
/* What hashes, HKDF, wraps, Argon2id and randomness refuse, and how. */
#include <sys/wait.h>
#include <unistd.h>

#include <caisson/advanced.h>

#include "lib/test.h"
#include "vectors.h"

#include "crypto/crypto.h"

static const uint8_t zero[1024];

TEST(test_hkdf_limits)
{
	const size_t most = 255 * CSN_HASH_SIZE, info_most = 32 * 1024;
	uint8_t key[CSN_KEY_SIZE] = { 1 }, *out, *info;

	out = malloc(most + 1);
	info = calloc(1, info_most + 1);
	assert_non_null(out);
	assert_non_null(info);
	assert_int_equal(csn_hkdf_expand(test_ctx, key, NULL, 0, out, 0),
	    CSN_E_ARG);
	memset(out, 0xaa, most + 1);
	assert_int_equal(csn_hkdf_expand(test_ctx, key, NULL, 0, out,
	    most + 1), CSN_E_LIMIT);
	assert_memory_equal(out, zero, sizeof(zero));
	assert_int_equal(out[most], 0);
	assert_int_equal(csn_hkdf_expand(test_ctx, key, NULL, 0, out, most),
	    0);
	assert_int_equal(csn_hkdf_expand(test_ctx, key, info, info_most, out,
	    32), 0);
	memset(out, 0xaa, 32);
	assert_int_equal(csn_hkdf_expand(test_ctx, key, info, info_most + 1,
	    out, 32), CSN_E_LIMIT);
	assert_memory_equal(out, zero, 32);
	memset(out, 0xaa, 32);
	assert_int_equal(csn_hkdf(test_ctx, 3, NULL, 0, key, sizeof(key),
	    NULL, 0, out, 32), CSN_E_ARG);
	assert_memory_equal(out, zero, 32);
	free(info);
	free(out);
}

TEST(test_a_changed_wrap_does_not_open)
{
	uint8_t kek[CSN_KEY_SIZE] = { 1 }, key[CSN_KEY_SIZE] = { 2 };
	uint8_t wrapped[CSN_WRAP_SIZE], out[CSN_KEY_SIZE];
	size_t i;

	assert_int_equal(csn_key_wrap(test_ctx, kek, key, wrapped), 0);
	for (i = 0; i < sizeof(wrapped); i++) {
		wrapped[i] ^= 0x80;
		memset(out, 0xaa, sizeof(out));
		assert_int_equal(csn_key_unwrap(test_ctx, kek, wrapped, out),
		    CSN_E_TAG);
		assert_memory_equal(out, zero, sizeof(out));
		wrapped[i] ^= 0x80;
	}
	kek[31] ^= 1;
	assert_int_equal(csn_key_unwrap(test_ctx, kek, wrapped, out),
	    CSN_E_TAG);
}

TEST(test_argon2id_refuses_weak_settings)
{
	static const struct {
		size_t salt;
		uint32_t memory, passes, lanes;
	} weak[] = {
		{ 7, 64, 1, 1 }, { 16, 7, 1, 1 }, { 16, 64, 0, 1 },
		{ 16, 64, 1, 0 }, { 16, 31, 1, 4 }, { 16, 64, 1, 1u << 24 },
	};
	uint8_t salt[16] = { 0 }, out[CSN_KEY_SIZE];
	size_t i;

	for (i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
		memset(out, 0xaa, sizeof(out));
		assert_int_equal(csn_argon2id(test_ctx, "pass", 4, salt,
		    weak[i].salt, weak[i].memory, weak[i].passes,
		    weak[i].lanes, out), CSN_E_ARG);
		assert_memory_equal(out, zero, sizeof(out));
	}
}

TEST(test_random_bytes_fill_the_buffer)
{
	uint8_t a[512] = { 0 }, b[512] = { 0 };
	size_t i, len = (size_t)1 << 20;
	uint8_t *big = calloc(1, len);

	assert_non_null(big);
	assert_int_equal(csn_random(test_ctx, a, sizeof(a)), 0);
	assert_int_equal(csn_random(test_ctx, b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	for (i = 0; i + 16 <= sizeof(a); i += 16)
		assert_memory_not_equal(a + i, zero, 16);
	/* More than one call of the kernel's gives at once. */
	assert_int_equal(csn_random(test_ctx, big, len), 0);
	assert_memory_not_equal(big + len - 16, zero, 16);
	assert_int_equal(csn_random(test_ctx, a, 0), 0);
	free(big);
}

TEST(test_a_fork_repeats_no_randomness)
{
	uint8_t mine[32], theirs[32];
	int pipefd[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipefd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int bad = csn_random(test_ctx, mine, sizeof(mine)) != 0 ||
		    write(pipefd[1], mine, sizeof(mine)) != sizeof(mine);

		_exit(bad);
	}
	assert_int_equal(csn_random(test_ctx, mine, sizeof(mine)), 0);
	assert_int_equal(read(pipefd[0], theirs, sizeof(theirs)),
	    sizeof(theirs));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_not_equal(mine, theirs, sizeof(mine));
	close(pipefd[0]);
	close(pipefd[1]);
}

/* OpenSSL's own generator, which makes keys and hedges signatures. */
TEST(test_a_fork_repeats_no_key)
{
	uint8_t mine[800], theirs[800];
	struct csn_kem_key *key;
	int pipefd[2], status;
	pid_t pid;

	/* Seeded before the fork, so that both sides hold the same state. */
	assert_int_equal(csn_kem_generate(test_ctx, CSN_KEM_ML_KEM_512,
	    &key), 0);
	csn_kem_free(key);
	assert_int_equal(pipe(pipefd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int bad = csn_kem_generate(test_ctx, CSN_KEM_ML_KEM_512,
		    &key) != 0 ||
		    csn_kem_public(test_ctx, key, mine, sizeof(mine)) != 0 ||
		    write(pipefd[1], mine, sizeof(mine)) != sizeof(mine);

		_exit(bad);
	}
	assert_int_equal(csn_kem_generate(test_ctx, CSN_KEM_ML_KEM_512,
	    &key), 0);
	assert_int_equal(csn_kem_public(test_ctx, key, mine, sizeof(mine)),
	    0);
	csn_kem_free(key);
	assert_int_equal(read(pipefd[0], theirs, sizeof(theirs)),
	    sizeof(theirs));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_not_equal(mine, theirs, sizeof(mine));
	close(pipefd[0]);
	close(pipefd[1]);
}

TEST(test_the_description_names_its_parts)
{
	char *text, features[256];
	json_t *object, *memory;

	assert_int_equal(csn_describe(test_ctx, &text), 0);
	object = json_loads(text, 0, NULL);
	assert_non_null(object);
	assert_string_equal(vectors_text(object, "version"), csn_version());
	assert_non_null(strstr(vectors_text(object, "openssl"), "OpenSSL"));
	assert_true(strlen(vectors_text(object, "aead")) > 0);
	assert_true(json_is_array(json_object_get(object, "cpu")));
	memory = json_object_get(object, "key_memory");
	assert_true(vectors_number(memory, "size") >=
	    vectors_number(memory, "locked"));
	assert_true(vectors_number(memory, "size") >=
	    vectors_number(memory, "used"));
	(void)vectors_number(memory, "outside");
	assert_true(strlen(vectors_text(memory, "mask")) > 0);
	json_decref(object);
	csn_free(text);

	/* A buffer too short leaves whole names out, never half of one. */
	memset(features, 0xaa, sizeof(features));
	csn_cpu_features(features, 1);
	assert_string_equal(features, "");
	csn_cpu_features(features, 0);
	csn_cpu_features(features, sizeof(features));
	print_message("# %s; %s\n", csn_crypto_library(), features);
}

/* NIST SP 800-38D, 5.2.1.1: 2^39 - 256 bits. Nothing is touched. */
TEST(test_a_message_is_no_longer_than_gcm_allows)
{
	const size_t most = ((size_t)1 << 36) - 32;
	uint8_t key[CSN_KEY_SIZE] = { 1 }, nonce[CSN_NONCE_SIZE] = { 2 };
	uint8_t tag[CSN_TAG_SIZE] = { 3 }, byte = 4;

	assert_int_equal(csn_aead_seal(test_ctx, key, nonce, NULL, 0, &byte,
	    most + 1, &byte, tag), CSN_E_ARG);
	assert_int_equal(csn_aead_open(test_ctx, key, nonce, NULL, 0, &byte,
	    most + 1, tag, &byte), CSN_E_ARG);
	assert_int_equal(byte, 4);
	assert_int_equal(tag[0], 3);
}

TEST(test_an_unknown_engine_makes_no_context)
{
	const struct csn_ctx_options options = {
		.size = sizeof(options),
		.aead_engine = "no such engine",
	};
	struct csn_ctx *none = NULL;

	assert_int_equal(csn_ctx_new(&options, &none),
	    CSN_E_UNKNOWN_BACKEND);
	assert_null(none);
	assert_non_null(strstr(csn_message(), "no such engine"));
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
