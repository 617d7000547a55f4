/* SPDX-License-Identifier: Apache-2.0 */
/* Project Wycheproof's vectors through our own interface. */
#include <caisson/advanced.h>

#include "lib/test.h"
#include "vectors.h"

#include "crypto/crypto.h"
#include "crypto/internal.h"

/* 1 where the case passed as the file says, 0 where it was not for us. */
typedef int check_fn(const json_t *group, const json_t *test, int valid);

static void
run_file(const char *file, check_fn *check)
{
	size_t i, j, ran = 0, passed_over = 0;
	const json_t *group, *test;
	char *path, name[128];
	json_t *root;

	snprintf(name, sizeof(name), "wycheproof/%s", file);
	if ((path = test_shared_path(name)) == NULL)
		test_skip("the Wycheproof vectors are not beside this tree");
	root = vectors_load(path);
	json_array_foreach(json_object_get(root, "testGroups"), i, group) {
		json_array_foreach(json_object_get(group, "tests"), j, test) {
			const char *result = vectors_text(test, "result");

			if (check(group, test, strcmp(result, "valid") == 0))
				ran++;
			else
				passed_over++;
			vectors_release();
		}
	}
	assert_int_equal(ran + passed_over,
	    vectors_number(root, "numberOfTests"));
	json_decref(root);
	print_message("# %s: %zu cases, %zu of sizes that Caisson does not "
	    "have\n", file, ran, passed_over);
	assert_true(ran > 0);
}

static void
report(const json_t *test)
{
	print_error("tcId %zu: %s\n", vectors_number(test, "tcId"),
	    csn_message());
}

static void
expect(const json_t *test, int valid, int rc)
{
	if ((rc == 0) != valid)
		report(test);
	assert_int_equal(rc == 0, valid);
}

static int
check_gcm(const json_t *group, const json_t *test, int valid)
{
	struct bytes key = vectors_hex(test, "key");
	struct bytes iv = vectors_hex(test, "iv");
	struct bytes aad = vectors_hex(test, "aad");
	struct bytes msg = vectors_hex(test, "msg");
	struct bytes ct = vectors_hex(test, "ct");
	struct bytes tag = vectors_hex(test, "tag");
	uint8_t *out, got[CSN_TAG_SIZE];
	size_t i;
	int rc;

	if (vectors_number(group, "keySize") != 256 ||
	    vectors_number(group, "ivSize") != 96 ||
	    vectors_number(group, "tagSize") != 128)
		return 0;
	out = malloc(ct.len + 1);
	assert_non_null(out);
	rc = csn_aead_open(test_ctx, key.p, iv.p, aad.p, aad.len, ct.p,
	    ct.len, tag.p, out);
	expect(test, valid, rc);
	if (!valid) {
		assert_int_equal(rc, CSN_E_TAG);
		for (i = 0; i < ct.len; i++)
			assert_int_equal(out[i], 0);
	} else {
		assert_memory_equal(out, msg.p, msg.len);
		assert_int_equal(csn_aead_seal(test_ctx, key.p, iv.p, aad.p,
		    aad.len, msg.p, msg.len, out, got), 0);
		assert_memory_equal(out, ct.p, ct.len);
		assert_memory_equal(got, tag.p, CSN_TAG_SIZE);
	}
	free(out);
	return 1;
}

TEST(test_aes_gcm)
{
	run_file("aes_gcm_test.json", check_gcm);
}

static int
check_hkdf(const json_t *group, const json_t *test, int valid)
{
	struct bytes ikm = vectors_hex(test, "ikm");
	struct bytes salt = vectors_hex(test, "salt");
	struct bytes info = vectors_hex(test, "info");
	struct bytes okm = vectors_hex(test, "okm");
	size_t size = vectors_number(test, "size");
	uint8_t *out = malloc(size + 1);
	int rc;

	(void)group;
	assert_non_null(out);
	rc = csn_hkdf(test_ctx, CSN_HKDF_SHA256, salt.p, salt.len, ikm.p,
	    ikm.len, info.p, info.len, out, size);
	expect(test, valid, rc);
	if (valid)
		assert_memory_equal(out, okm.p, okm.len);
	else
		assert_int_equal(rc, CSN_E_LIMIT);
	free(out);
	return 1;
}

TEST(test_hkdf_sha256)
{
	run_file("hkdf_sha256_test.json", check_hkdf);
}

static int
kem_of(const json_t *group)
{
	const char *name = vectors_text(group, "parameterSet");
	int kem = 1;

	while (csn_kem_name(kem) != NULL &&
	    strcmp(csn_kem_name(kem), name) != 0)
		kem++;
	assert_non_null(csn_kem_name(kem));
	return kem;
}

static int
check_kem(const json_t *group, const json_t *test, int valid)
{
	struct bytes seed = vectors_hex(test, "seed");
	struct bytes want_ek = vectors_hex(test, "ek");
	struct bytes ct = vectors_hex(test, "c");
	struct bytes want = vectors_hex(test, "K");
	uint8_t ek[CSN_KEM_MAX_PUBLIC], secret[CSN_KEM_SECRET_SIZE];
	struct csn_kem_key *key = NULL;
	int rc;

	rc = csn_kem_from_seed(test_ctx, kem_of(group), seed.p, seed.len,
	    &key);
	if (rc == 0) {
		assert_int_equal(csn_kem_public(test_ctx, key, ek,
		    sizeof(ek)), 0);
		if (want_ek.len != 0)
			assert_memory_equal(ek, want_ek.p, want_ek.len);
		rc = csn_kem_decapsulate(test_ctx, key, ct.p, ct.len,
		    secret);
	}
	expect(test, valid, rc);
	if (valid)
		assert_memory_equal(secret, want.p, sizeof(secret));
	else
		assert_int_equal(rc, CSN_E_FORM);
	csn_kem_free(key);
	return 1;
}

TEST(test_ml_kem_512)
{
	run_file("mlkem_512_test.json", check_kem);
}

TEST(test_ml_kem_768)
{
	run_file("mlkem_768_test.json", check_kem);
}

TEST(test_ml_kem_1024)
{
	run_file("mlkem_1024_test.json", check_kem);
}

static int
check_encaps(const json_t *group, const json_t *test, int valid)
{
	struct bytes m = vectors_hex(test, "m");
	struct bytes ek = vectors_hex(test, "ek");
	struct bytes want_ct = vectors_hex(test, "c");
	struct bytes want = vectors_hex(test, "K");
	uint8_t ct[CSN_KEM_MAX_CIPHERTEXT], secret[CSN_KEM_SECRET_SIZE];
	struct csn_kem_key *key = NULL;
	int rc;

	rc = csn_kem_from_public(test_ctx, kem_of(group), ek.p, ek.len, &key);
	expect(test, valid, rc);
	if (valid) {
		assert_int_equal(csn_kem_encapsulate_with(test_ctx, key, m.p,
		    ct, sizeof(ct), secret), 0);
		assert_memory_equal(ct, want_ct.p, want_ct.len);
		assert_memory_equal(secret, want.p, sizeof(secret));
	} else {
		assert_int_equal(rc, CSN_E_FORM);
	}
	csn_kem_free(key);
	return 1;
}

TEST(test_ml_kem_768_encaps)
{
	run_file("mlkem_768_encaps_test.json", check_encaps);
}

static int
check_verify(int alg, const json_t *group, const json_t *test, int valid)
{
	struct bytes pk = vectors_hex(group, "publicKey");
	struct bytes context = vectors_hex(test, "ctx");
	struct bytes msg = vectors_hex(test, "msg");
	struct bytes sig = vectors_hex(test, "sig");
	struct csn_sign_key *key = NULL;
	int rc;

	rc = csn_sign_from_public(test_ctx, alg, pk.p, pk.len, &key);
	if (rc == 0)
		rc = csn_verify(test_ctx, key, context.p, context.len, msg.p,
		    msg.len, sig.p, sig.len);
	expect(test, valid, rc);
	if (!valid)
		assert_true(rc == CSN_E_SIGNATURE || rc == CSN_E_FORM ||
		    rc == CSN_E_ARG);
	csn_sign_free(key);
	return 1;
}

static int
check_verify_44(const json_t *group, const json_t *test, int valid)
{
	return check_verify(CSN_SIGN_ML_DSA_44, group, test, valid);
}

static int
check_verify_65(const json_t *group, const json_t *test, int valid)
{
	return check_verify(CSN_SIGN_ML_DSA_65, group, test, valid);
}

static int
check_verify_87(const json_t *group, const json_t *test, int valid)
{
	return check_verify(CSN_SIGN_ML_DSA_87, group, test, valid);
}

TEST(test_ml_dsa_44_verify)
{
	run_file("mldsa_44_verify_test.json", check_verify_44);
}

TEST(test_ml_dsa_65_verify)
{
	run_file("mldsa_65_verify_test.json", check_verify_65);
}

TEST(test_ml_dsa_87_verify)
{
	run_file("mldsa_87_verify_test.json", check_verify_87);
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
