/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threats that memory attestation is for, one case each, and the ways
 * in which a verifier that believes a report would be fooled.
 */
#include "attest/scene.h"
#include "lib/test.h"

/* What alice's own attester would say with mallory's key. */
static struct csn_attester *
mallorys(struct scene *s)
{
	struct csn_attester_options o = scene_options(s);

	o.identity = s->mallory;
	return scene_attester(s, &o);
}

FIXTURE(struct scene, scene_start, scene_end);

TEST(an_honest_report_verifies_with_each_check_named, struct scene *s)
{
	static const char *const passed[] = {
		"form", "signer", "signature", "workload", "policy", "nonce",
		"issued", "expiry", "measured", "region weights",
		"region code"
	};
	uint8_t *report;
	size_t i, len;

	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	for (i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		assert_check(s, passed[i], CSN_CHECK_PASSED);
	assert_check(s, "platform", CSN_CHECK_SKIPPED);
	assert_int_equal(csn_result_count(s->result), i + 1);
	csn_free(report);
}

TEST(a_report_forged_from_scratch_is_refused, struct scene *s)
{
	struct csn_attester *a = mallorys(s);
	uint8_t nonce[32], *report;
	size_t len;

	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	report = scene_report_of(a, nonce, sizeof(nonce), &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_SIGNER);
	assert_check(s, "form", CSN_CHECK_PASSED);
	assert_check(s, "signer", CSN_CHECK_FAILED);
	assert_check(s, "signature", CSN_CHECK_SKIPPED);
	assert_check(s, "regions", CSN_CHECK_SKIPPED);
	csn_free(report);
	csn_attester_free(a);
}

/* The kid of alice over mallory's signature: the key comes from the store. */
TEST(a_strangers_signature_under_a_trusted_name_is_refused, struct scene *s)
{
	const char *real = csn_identity_alias(s->alice);
	const char *fake = csn_identity_alias(s->mallory);
	struct csn_attester *a = mallorys(s);
	uint8_t *report, *at;
	size_t len, i, n = strlen(real), put = 0;

	report = scene_report_of(a, NULL, 0, &len);
	assert_int_equal(strlen(fake), n);
	for (i = 0; i + n <= len; i++) {
		at = report + i;
		if (memcmp(at, fake, n) == 0) {
			memcpy(at, real, n);
			put++;
		}
	}
	assert_int_equal(put, 2);	/* kid and iss */
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    CSN_E_SIGNER);		/* its ueid is still mallory's */
	csn_free(report);
	csn_attester_free(a);
}

TEST(a_replayed_report_is_refused, struct scene *s)
{
	uint8_t *report;
	size_t len;

	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	/* Now the memory is tampered with, and the old report shown again. */
	s->weights[5] ^= 1;
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_REPLAY);
	assert_check(s, "nonce", CSN_CHECK_FAILED);
	assert_check(s, "region weights", CSN_CHECK_PASSED);
	csn_free(report);
}

TEST(rewritten_weights_are_detected, struct scene *s)
{
	const char *detail;
	uint8_t *report;
	size_t len;

	s->weights[7 * SCENE_LEAF + 17] ^= 0x40;
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_DRIFT);
	assert_check(s, "signature", CSN_CHECK_PASSED);
	assert_check(s, "region code", CSN_CHECK_PASSED);
	assert_int_equal(scene_check(s, "region weights", &detail),
	    CSN_CHECK_FAILED);
	assert_non_null(strstr(detail, "weights"));
	csn_free(report);
}

/* A newer report by the same key: what is good is the verifier's to say. */
TEST(a_newer_report_does_not_change_what_is_good, struct scene *s)
{
	uint8_t *report;
	size_t len;

	memset(s->weights, 0xbd, sizeof(s->weights));
	people_now += 1000;
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_DRIFT);
	csn_free(report);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_DRIFT);
	csn_free(report);
}

/* Every byte of a report, changed in two ways, is refused. */
TEST(a_report_tampered_with_in_transit_is_refused, struct scene *s)
{
	uint8_t *report, *copy;
	size_t len, i;
	int rc;

	report = scene_report(s, &len);
	for (i = 0; i < len; i++) {
		/* From the heap, so that a read past its end is seen. */
		assert_non_null(copy = malloc(len));
		memcpy(copy, report, len);
		copy[i] ^= (uint8_t)(1u << (i % 8));
		rc = scene_verify(s, copy, len, 0);
		assert_true(rc == CSN_E_FORM || rc == CSN_E_SIGNER ||
		    rc == CSN_E_SIGNATURE || rc == CSN_E_ALGORITHM ||
		    rc == CSN_E_POLICY || rc == CSN_E_VERSION ||
		    rc == CSN_E_LIMIT);
		assert_true(scene_check(s, "region weights", NULL) !=
		    CSN_CHECK_PASSED);
		free(copy);
	}
	/* None of them used the nonce up. */
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	csn_free(report);
}

TEST(a_truncated_report_is_refused, struct scene *s)
{
	uint8_t *report, *copy;
	size_t len, i;

	report = scene_report(s, &len);
	for (i = 0; i < len; i++) {
		assert_non_null(copy = malloc(i + 1));
		memcpy(copy, report, i);
		assert_int_equal(scene_verify(s, copy, i, 0), CSN_E_FORM);
		free(copy);
	}
	assert_non_null(copy = malloc(len + 1));
	memcpy(copy, report, len);
	copy[len] = 0;
	assert_int_equal(scene_verify(s, copy, len + 1, 0), CSN_E_FORM);
	free(copy);
	csn_free(report);
}

/*
 * A stranger measures tampered memory and brings a key and hashes of its
 * own: nothing that decides is taken from the report.
 */
TEST(a_strangers_report_over_tampered_memory_is_refused, struct scene *s)
{
	struct csn_attester *a = mallorys(s);
	uint8_t nonce[32], *report;
	size_t len;

	memset(s->weights, 0x66, sizeof(s->weights));
	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	report = scene_report_of(a, nonce, sizeof(nonce), &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_SIGNER);
	/* Trusted for other things, but not for reports: no better. */
	people_trust(s->ctx, s->trust, s->mallory,
	    CSN_PURPOSE_ALL & ~(CSN_PURPOSE_REPORT | CSN_PURPOSE_TENANT));
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_SIGNER);
	csn_free(report);
	csn_attester_free(a);
}

/* Without a policy, no hash in a report counts as expected. */
TEST(an_expected_hash_in_the_report_counts_for_nothing, struct scene *s)
{
	uint8_t *report;
	size_t len;

	scene_policy(s, NULL);
	memset(s->weights, 0x66, sizeof(s->weights));
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	assert_check(s, "policy", CSN_CHECK_SKIPPED);
	assert_check(s, "region weights", CSN_CHECK_SKIPPED);
	assert_check(s, "region code", CSN_CHECK_SKIPPED);
	csn_free(report);
}

/* Freshness is the verifier's nonce, not one that the attester made up. */
TEST(an_attesters_own_nonce_proves_nothing, struct scene *s)
{
	static const uint8_t own[32] = { 1, 2, 3 };
	uint8_t *report;
	size_t len;

	report = scene_report_of(s->attester, own, sizeof(own), &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_REPLAY);
	csn_free(report);
	report = scene_report_of(s->attester, NULL, 0, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_REPLAY);
	assert_check(s, "nonce", CSN_CHECK_FAILED);
	csn_free(report);
}

/* ML-DSA or nothing: the key's algorithm is what the signature is of. */
TEST(a_report_is_signed_with_ml_dsa_of_the_trusted_key, struct scene *s)
{
	static const int algs[] = {
		CSN_SIGN_ML_DSA_44, CSN_SIGN_ML_DSA_65, CSN_SIGN_ML_DSA_87
	};
	struct csn_attester_options o = scene_options(s);
	struct csn_identity *id;
	struct csn_attester *a;
	uint8_t nonce[32], *report;
	char *json, want[48];
	size_t i, len;

	for (i = 0; i < 3; i++) {
		id = people_make(s->ctx, (uint8_t)(10 + i), algs[i],
		    CSN_KEM_ML_KEM_512, "signer");
		people_trust(s->ctx, s->trust, id, CSN_PURPOSE_REPORT);
		o.identity = id;
		a = scene_attester(s, &o);
		assert_int_equal(csn_verifier_challenge(s->verifier, nonce),
		    0);
		report = scene_report_of(a, nonce, sizeof(nonce), &len);
		assert_int_equal(scene_verify(s, report, len, 0), 0);
		assert_int_equal(csn_report_json(s->ctx, report, len, &json),
		    0);
		(void)snprintf(want, sizeof(want), "\"algorithm\":\"%s\"",
		    csn_sign_name(algs[i]));
		assert_non_null(strstr(json, want));
		csn_free(json);
		csn_free(report);
		csn_attester_free(a);
		csn_identity_free(id);
	}
}

TEST(a_signature_for_another_purpose_is_no_report, struct scene *s)
{
	const uint8_t *payload;
	uint8_t *report, *other;
	size_t len, n, other_len;

	report = scene_report(s, &len);
	assert_int_equal(csn_cose_verify(s->ctx,
	    csn_identity_sign_key(s->alice), CSN_REPORT_TYP, report, len,
	    &payload, &n), 0);
	assert_int_equal(csn_cose_sign(s->ctx,
	    csn_identity_sign_key(s->alice), csn_identity_alias(s->alice),
	    "application/caisson-other+cwt", payload, n, &other, &other_len),
	    0);
	assert_int_equal(scene_verify(s, other, other_len, 0), CSN_E_POLICY);
	assert_check(s, "signature", CSN_CHECK_FAILED);
	csn_free(other);
	csn_free(report);
}

TEST(an_expired_report_is_refused, struct scene *s)
{
	uint8_t *report;
	size_t len;

	report = scene_report(s, &len);
	/* The default lifetime of five minutes, and the skew. */
	people_now += 329999;
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    0);
	people_now += 1;
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    CSN_E_EXPIRED);
	assert_check(s, "expiry", CSN_CHECK_FAILED);
	/* As of then it was good: an archive is looked at in its own time. */
	assert_int_equal(csn_verifier_check(s->verifier, SCENE_WORKLOAD,
	    report, len, PEOPLE_START, CSN_VERIFY_ARCHIVED, NULL), 0);
	csn_free(report);
}

TEST(a_report_of_the_future_is_refused, struct scene *s)
{
	uint8_t *report;
	size_t len;

	people_now += 60000;
	report = scene_report_of(s->attester, NULL, 0, &len);
	assert_int_equal(csn_verifier_check(s->verifier, SCENE_WORKLOAD,
	    report, len, PEOPLE_START + 30000, CSN_VERIFY_ARCHIVED, NULL), 0);
	assert_int_equal(csn_verifier_check(s->verifier, SCENE_WORKLOAD,
	    report, len, PEOPLE_START + 29999, CSN_VERIFY_ARCHIVED, NULL),
	    CSN_E_POLICY);
	csn_free(report);
}

TEST(another_workloads_report_is_refused, struct scene *s)
{
	struct csn_attester_options o = scene_options(s);
	struct csn_attester *a;
	uint8_t nonce[32], *report;
	size_t len;

	o.workload = "model-serving-2";
	a = scene_attester(s, &o);
	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	report = scene_report_of(a, nonce, sizeof(nonce), &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_POLICY);
	assert_check(s, "signature", CSN_CHECK_PASSED);
	assert_check(s, "workload", CSN_CHECK_FAILED);
	/* Asked for that one, this verifier's policy is not for it. */
	csn_result_free(s->result);
	assert_int_equal(csn_result_new(s->ctx, &s->result), 0);
	assert_int_equal(csn_verifier_check(s->verifier, "model-serving-2",
	    report, len, 0, CSN_VERIFY_ARCHIVED, s->result), CSN_E_POLICY);
	assert_check(s, "workload", CSN_CHECK_PASSED);
	assert_check(s, "policy", CSN_CHECK_FAILED);
	csn_free(report);
	csn_attester_free(a);
}

TEST(a_region_left_out_is_detected, struct scene *s)
{
	uint8_t *report;
	size_t len;

	assert_int_equal(csn_regions_remove_buffer(s->regions, "weights"), 0);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_DRIFT);
	assert_check(s, "region weights", CSN_CHECK_FAILED);
	assert_check(s, "region code", CSN_CHECK_PASSED);
	/* No lenience about what is not there. */
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED |
	    CSN_VERIFY_LENIENT), CSN_E_DRIFT);
	csn_free(report);
}

/* The right bytes under the wrong name do not help either. */
TEST(regions_that_change_names_are_detected, struct scene *s)
{
	uint8_t *report;
	size_t len;

	assert_int_equal(csn_regions_remove_buffer(s->regions, "weights"), 0);
	assert_int_equal(csn_regions_remove_buffer(s->regions, "code"), 0);
	assert_int_equal(scene_add(s, "weights", 0x100000, s->code,
	    sizeof(s->code), CSN_PROT_RO), 0);
	assert_int_equal(scene_add(s, "code", 0x10000, s->weights,
	    sizeof(s->weights), CSN_PROT_RX), 0);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_DRIFT);
	assert_check(s, "region weights", CSN_CHECK_FAILED);
	assert_check(s, "region code", CSN_CHECK_FAILED);
	csn_free(report);
}

TEST(a_region_made_writable_is_detected, struct scene *s)
{
	uint8_t *report;
	size_t len;

	assert_int_equal(csn_regions_remove_buffer(s->regions, "weights"), 0);
	assert_int_equal(scene_add(s, "weights", 0x10000, s->weights,
	    sizeof(s->weights), CSN_PROT_RW), 0);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_DRIFT);
	assert_check(s, "region weights", CSN_CHECK_FAILED);
	csn_free(report);
}
