/* SPDX-License-Identifier: Apache-2.0 */
/* tests/identity/test_did.c - DIDs computed from keys. */
#include <time.h>

#include "base/text.h"
#include "identity/did.h"
#include "identity/people.h"
#include "lib/test.h"

static struct csn_sign_key *
key(struct csn_ctx *ctx, int alg, uint8_t n)
{
	struct csn_sign_key *k;
	uint8_t seed[32];

	memset(seed, n, sizeof(seed));
	assert_int_equal(csn_sign_from_seed(ctx, alg, seed, sizeof(seed), &k),
	    0);
	return k;
}

TEST(a_did_key_holds_its_key)
{
	/* Each codec and length gives a prefix and a length of its own. */
	static const struct {
		int alg;
		size_t len;
	} cases[] = {
		{ CSN_SIGN_ML_DSA_44, 1804 }, { CSN_SIGN_ML_DSA_65, 2678 },
		{ CSN_SIGN_ML_DSA_87, 3552 },
	};
	struct csn_ctx *ctx = people_ctx();
	struct csn_sign_key *k, *back;
	char did[CSN_DID_SIZE];
	size_t i;

	for (i = 0; i < 3; i++) {
		k = key(ctx, cases[i].alg, 7);
		assert_int_equal(csn_did_key(ctx, k, did, sizeof(did)), 0);
		assert_memory_equal(did, "did:key:z", 9);
		assert_int_equal(strlen(did), cases[i].len);
		assert_int_equal(csn_did_to_key(ctx, did, &back), 0);
		assert_true(csn_sign_same(ctx, k, back));
		assert_false(csn_sign_is_private(back));
		assert_true(csn_did_matches(ctx, did, k));
		assert_true(csn_did_matches(ctx, did, back));
		csn_sign_free(back);
		csn_sign_free(k);
	}
	csn_ctx_free(ctx);
}

TEST(the_multicodec_is_the_registered_one)
{
	static const struct {
		int alg;
		uint8_t codec[2];
	} cases[] = {
		{ CSN_SIGN_ML_DSA_44, { 0x90, 0x24 } },
		{ CSN_SIGN_ML_DSA_65, { 0x91, 0x24 } },
		{ CSN_SIGN_ML_DSA_87, { 0x92, 0x24 } },
	};
	struct csn_ctx *ctx = people_ctx();
	uint8_t *raw, pk[CSN_SIGN_MAX_PUBLIC];
	char did[CSN_DID_SIZE];
	struct csn_sign_key *k;
	size_t i, len;

	for (i = 0; i < 3; i++) {
		k = key(ctx, cases[i].alg, 9);
		assert_int_equal(csn_did_key(ctx, k, did, sizeof(did)), 0);
		assert_int_equal(csn_base58_decode(did + 9, strlen(did) - 9,
		    &raw, &len), 0);
		assert_int_equal(len, csn_sign_public_size(cases[i].alg) + 2);
		assert_memory_equal(raw, cases[i].codec, 2);
		assert_int_equal(csn_sign_public(ctx, k, pk, sizeof(pk)), 0);
		assert_memory_equal(raw + 2, pk, len - 2);
		free(raw);
		csn_sign_free(k);
	}
	csn_ctx_free(ctx);
}

TEST(the_alias_is_the_hash_of_the_key)
{
	struct csn_ctx *ctx = people_ctx();
	struct csn_sign_key *k = key(ctx, CSN_SIGN_ML_DSA_65, 1);
	uint8_t pk[CSN_SIGN_MAX_PUBLIC], digest[CSN_HASH_SIZE];
	char alias[CSN_ALIAS_SIZE], hex[65];

	assert_int_equal(csn_did_alias(ctx, k, alias, sizeof(alias)), 0);
	assert_int_equal(csn_sign_public(ctx, k, pk, sizeof(pk)), 0);
	assert_int_equal(csn_sha3_256(ctx, pk,
	    csn_sign_public_size(CSN_SIGN_ML_DSA_65), digest), 0);
	csn_hex_encode(digest, sizeof(digest), hex);
	assert_memory_equal(alias, "did:pqaid:", 10);
	assert_string_equal(alias + 10, hex);
	assert_true(csn_did_matches(ctx, alias, k));
	csn_sign_free(k);
	csn_ctx_free(ctx);
}

TEST(a_did_of_another_key_does_not_match)
{
	struct csn_ctx *ctx = people_ctx();
	struct csn_sign_key *a = key(ctx, CSN_SIGN_ML_DSA_44, 1);
	struct csn_sign_key *b = key(ctx, CSN_SIGN_ML_DSA_44, 2);
	char did[CSN_DID_SIZE], alias[CSN_ALIAS_SIZE];
	char other[2 * CSN_DID_SIZE];

	assert_int_equal(csn_did_key(ctx, a, did, sizeof(did)), 0);
	assert_int_equal(csn_did_alias(ctx, a, alias, sizeof(alias)), 0);
	assert_false(csn_did_matches(ctx, did, b));
	assert_false(csn_did_matches(ctx, alias, b));
	assert_false(csn_did_matches(ctx, NULL, a));
	assert_false(csn_did_matches(ctx, did, NULL));
	assert_false(csn_did_matches(ctx, "", a));
	/* The hash under the other method, and a method in capitals. */
	snprintf(other, sizeof(other), "did:key:%s", alias + 10);
	assert_false(csn_did_matches(ctx, other, a));
	snprintf(other, sizeof(other), "did:pqaid:%s", did + 8);
	assert_false(csn_did_matches(ctx, other, a));
	snprintf(other, sizeof(other), "DID:pqaid:%s", alias + 10);
	assert_false(csn_did_matches(ctx, other, a));
	snprintf(other, sizeof(other), "%s0", alias);
	assert_false(csn_did_matches(ctx, other, a));
	other[CSN_ALIAS_SIZE - 2] = '\0';
	assert_false(csn_did_matches(ctx, other, a));
	csn_sign_free(a);
	csn_sign_free(b);
	csn_ctx_free(ctx);
}

TEST(what_is_no_did_key_is_refused)
{
	/* An Ed25519 key, which did:key knows and Caisson does not. */
	static const char ed25519[] = "did:key:"
	    "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
	struct csn_ctx *ctx = people_ctx();
	struct csn_sign_key *k = key(ctx, CSN_SIGN_ML_DSA_44, 1), *out = NULL;
	char did[CSN_DID_SIZE], big[2 * CSN_DID_SIZE];
	size_t len;

	assert_int_equal(csn_did_to_key(ctx, ed25519, &out),
	    CSN_E_ALGORITHM);
	assert_int_equal(csn_did_to_key(ctx, "did:key:z", &out), CSN_E_FORM);
	assert_int_equal(csn_did_to_key(ctx, "did:key:z1", &out),
	    CSN_E_FORM);
	assert_int_equal(csn_did_to_key(ctx, "did:key:zl0OI", &out),
	    CSN_E_FORM);
	assert_int_equal(csn_did_to_key(ctx, "did:key:mZm9v", &out),
	    CSN_E_FORM);
	assert_int_equal(csn_did_to_key(ctx, "", &out), CSN_E_FORM);
	assert_int_equal(csn_did_to_key(ctx, NULL, &out), CSN_E_ARG);
	assert_int_equal(csn_did_alias(ctx, k, did, sizeof(did)), 0);
	assert_int_equal(csn_did_to_key(ctx, did, &out), CSN_E_FORM);

	assert_int_equal(csn_did_key(ctx, k, did, sizeof(did)), 0);
	len = strlen(did);
	/* One digit too few, one too many, a zero byte in front. */
	did[len - 1] = '\0';
	assert_int_not_equal(csn_did_to_key(ctx, did, &out), 0);
	assert_int_equal(csn_did_key(ctx, k, did, sizeof(did)), 0);
	did[len] = '2';
	did[len + 1] = '\0';
	assert_int_not_equal(csn_did_to_key(ctx, did, &out), 0);
	assert_int_equal(csn_did_key(ctx, k, did, sizeof(did)), 0);
	snprintf(big, sizeof(big), "did:key:z1%s", did + 9);
	assert_int_not_equal(csn_did_to_key(ctx, big, &out), 0);
	/* Longer than any: refused before it is decoded. */
	memset(big, '2', sizeof(big) - 1);
	memcpy(big, "did:key:z", 9);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(csn_did_to_key(ctx, big, &out), CSN_E_FORM);
	assert_null(out);
	csn_sign_free(k);
	csn_ctx_free(ctx);
}

TEST(a_did_needs_room)
{
	struct csn_ctx *ctx = people_ctx();
	struct csn_sign_key *k = key(ctx, CSN_SIGN_ML_DSA_87, 1);
	char did[CSN_DID_SIZE];
	size_t len;

	assert_int_equal(csn_did_key(ctx, k, did, sizeof(did)), 0);
	len = strlen(did);
	assert_int_equal(csn_did_key(ctx, k, did, len), CSN_E_BUFFER);
	assert_int_equal(csn_did_key(ctx, k, did, len + 1), 0);
	assert_int_equal(csn_did_alias(ctx, k, did, CSN_ALIAS_SIZE - 1),
	    CSN_E_BUFFER);
	assert_int_equal(csn_did_key(ctx, NULL, did, sizeof(did)),
	    CSN_E_ARG);
	csn_sign_free(k);
	csn_ctx_free(ctx);
}

TEST(a_brief_did_shows_no_control_bytes)
{
	char out[CSN_DID_BRIEF];
	char longer[200];

	csn_did_brief("did:key:z\033[2J", 13, out);
	assert_string_equal(out, "(no DID)");
	memset(longer, 'x', sizeof(longer));
	csn_did_brief(longer, sizeof(longer), out);
	assert_int_equal(strlen(out), 43);
	csn_did_brief("did:pqaid:0", 11, out);
	assert_string_equal(out, "did:pqaid:0");
	csn_did_brief("", 0, out);
	assert_string_equal(out, "");
}

TEST(computing_a_did_key_takes_well_under_a_frame)
{
	struct csn_ctx *ctx = people_ctx();
	struct csn_sign_key *k = key(ctx, CSN_SIGN_ML_DSA_65, 1), *out;
	char did[CSN_DID_SIZE], alias[CSN_ALIAS_SIZE];
	struct timespec t[4];
	double us[3];
	int i;

	clock_gettime(CLOCK_MONOTONIC, &t[0]);
	for (i = 0; i < 20; i++)
		assert_int_equal(csn_did_key(ctx, k, did, sizeof(did)), 0);
	clock_gettime(CLOCK_MONOTONIC, &t[1]);
	for (i = 0; i < 20; i++) {
		assert_int_equal(csn_did_to_key(ctx, did, &out), 0);
		csn_sign_free(out);
	}
	clock_gettime(CLOCK_MONOTONIC, &t[2]);
	for (i = 0; i < 20; i++)
		assert_int_equal(csn_did_alias(ctx, k, alias, sizeof(alias)),
		    0);
	clock_gettime(CLOCK_MONOTONIC, &t[3]);
	for (i = 0; i < 3; i++)
		us[i] = ((double)(t[i + 1].tv_sec - t[i].tv_sec) * 1e9 +
		    (double)(t[i + 1].tv_nsec - t[i].tv_nsec)) / 20e3;
	print_message("did:key of ML-DSA-65: %.0f us to write, %.0f us to "
	    "read; alias %.0f us\n", us[0], us[1], us[2]);
	/* Generous: sanitizers and a busy machine run this too. */
	assert_true(us[0] < 20000 && us[1] < 20000);
	csn_sign_free(k);
	csn_ctx_free(ctx);
}
