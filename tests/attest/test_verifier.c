/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges, drift and its ranges, lenience, and what a policy asks for. */
#include <caisson/advanced.h>

#include "attest/scene.h"
#include "lib/test.h"

FIXTURE(struct scene, scene_start, scene_end);

TEST(a_nonce_is_used_once, struct scene *s)
{
	uint8_t nonce[32], *first, *second;
	size_t len, second_len;

	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	first = scene_report_of(s->attester, nonce, 32, &len);
	people_now += 1000;
	second = scene_report_of(s->attester, nonce, 32, &second_len);
	assert_int_equal(scene_verify(s, first, len, 0), 0);
	assert_int_equal(scene_verify(s, second, second_len, 0),
	    CSN_E_REPLAY);
	assert_non_null(strstr(csn_message(), "before"));
	csn_free(first);
	csn_free(second);
}

TEST(a_nonce_has_an_end, struct scene *s)
{
	uint8_t *report;
	size_t len;

	report = scene_report(s, &len);
	people_now += 60000;
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_REPLAY);
	assert_check(s, "expiry", CSN_CHECK_PASSED);
	csn_free(report);
	report = scene_report(s, &len);
	people_now += 59999;
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	csn_free(report);
}

TEST(a_verifier_knows_only_its_own_nonces, struct scene *s)
{
	struct csn_verifier_options o = {
		.size = sizeof(o), .trust = s->trust, .policy = s->policy,
	};
	struct csn_verifier *other;
	uint8_t *report;
	size_t len;

	assert_int_equal(csn_verifier_new(s->ctx, &o, &other), 0);
	report = scene_report(s, &len);
	assert_int_equal(csn_verifier_check(other, SCENE_WORKLOAD, report,
	    len, 0, 0, NULL), CSN_E_REPLAY);
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	csn_verifier_free(other);
	csn_free(report);
}

/* Of each length, once, and for no longer than a challenge lives. */
TEST(a_nonce_that_the_caller_kept_is_taken_once, struct scene *s)
{
	static const size_t lengths[] = { 16, 32, 64 };
	uint8_t nonce[65], *report;
	size_t len, i;

	for (i = 0; i < 3; i++) {
		memset(nonce, (int)(0x40 + i), sizeof(nonce));
		report = scene_report_of(s->attester, nonce, lengths[i],
		    &len);
		assert_int_equal(scene_verify(s, report, len, 0),
		    CSN_E_REPLAY);
		assert_int_equal(csn_verifier_expect(s->verifier, nonce,
		    lengths[i]), 0);
		assert_int_equal(csn_verifier_expect(s->verifier, nonce,
		    lengths[i]), CSN_E_EXISTS);
		assert_int_equal(scene_verify(s, report, len, 0), 0);
		assert_int_equal(scene_verify(s, report, len, 0),
		    CSN_E_REPLAY);
		assert_int_equal(csn_verifier_expect(s->verifier, nonce,
		    lengths[i]), CSN_E_EXISTS);
		csn_free(report);
	}
	assert_int_equal(csn_verifier_expect(s->verifier, nonce, 15),
	    CSN_E_ARG);
	assert_int_equal(csn_verifier_expect(s->verifier, nonce, 65),
	    CSN_E_ARG);
}

TEST(memory_for_challenges_is_bounded, struct scene *s)
{
	struct csn_verifier_options o = {
		.size = sizeof(o), .trust = s->trust, .max_challenges = 3,
		.challenge_ms = 1000,
	};
	struct csn_verifier *v;
	uint8_t nonce[4][32], *report;
	size_t len;
	int i, k;

	assert_int_equal(csn_verifier_new(s->ctx, &o, &v), 0);
	for (k = 0; k < 50; k++) {
		for (i = 0; i < 3; i++)
			assert_int_equal(csn_verifier_challenge(v, nonce[i]),
			    0);
		assert_int_equal(csn_verifier_challenge(v, nonce[3]),
		    CSN_E_RATE);
		report = scene_report_of(s->attester, nonce[k % 3], 32, &len);
		assert_int_equal(csn_verifier_check(v, SCENE_WORKLOAD, report,
		    len, 0, 0, NULL), 0);
		assert_int_equal(csn_verifier_check(v, SCENE_WORKLOAD, report,
		    len, 0, 0, NULL), CSN_E_REPLAY);
		csn_free(report);
		people_now += 1000;
	}
	csn_verifier_free(v);
	o.max_challenges = 1u << 30;
	assert_int_equal(csn_verifier_new(s->ctx, &o, &v), CSN_E_LIMIT);
	o.max_challenges = 0;
	o.trust = NULL;
	assert_int_equal(csn_verifier_new(s->ctx, &o, &v), CSN_E_ARG);
}

/* The memory as the policy has it, with leaf hashes in a file. */
static void
policy_with_leaves(struct scene *s, const char *extra)
{
	char *folder = folder_new(), *path, *json;
	struct csn_verifier_options o = {
		.size = sizeof(o), .trust = s->trust,
	};
	struct csn_policy *p;
	const uint8_t *leaves;
	size_t n;

	assert_int_equal(csn_attester_measure(s->attester, 0), 0);
	leaves = csn_attester_leaves(s->attester, 0, &n);
	path = path_in(folder, "weights.leaves");
	file_write(path, leaves, n * CSN_HASH_SIZE);
	assert_true(asprintf(&json, "{\"version\":1,\"workload\":\"%s\",%s"
	    "\"regions\":[{\"id\":\"weights\",\"leaves\":\"weights.leaves\","
	    "\"leaf\":%u,\"size\":%u}]}", SCENE_WORKLOAD, extra, SCENE_LEAF,
	    SCENE_WEIGHTS) > 0);
	assert_int_equal(csn_policy_parse(s->ctx, json, strlen(json), folder,
	    &p), 0);
	csn_verifier_free(s->verifier);
	csn_policy_free(s->policy);
	s->policy = p;
	o.policy = p;
	assert_int_equal(csn_verifier_new(s->ctx, &o, &s->verifier), 0);
	free(json);
	free(path);
	folder_remove(folder);
}

TEST(drift_names_the_bytes_that_differ, struct scene *s)
{
	const char *detail;
	uint8_t *report;
	size_t len, i;

	policy_with_leaves(s, "");
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	csn_free(report);

	s->weights[7 * SCENE_LEAF + 1] ^= 1;
	s->weights[10 * SCENE_LEAF] ^= 1;
	s->weights[11 * SCENE_LEAF] ^= 1;
	s->weights[SCENE_WEIGHTS - 1] ^= 1;
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_DRIFT);
	assert_int_equal(scene_check(s, "region weights", &detail),
	    CSN_CHECK_FAILED);
	assert_non_null(strstr(detail, "0x7000-0x7fff (leaf 7)"));
	assert_non_null(strstr(detail, "0xa000-0xbfff (leaves 10-11)"));
	assert_non_null(strstr(detail, "0x14000-0x14063 (leaf 20)"));
	assert_non_null(strstr(detail, "4 of 21 leaves"));
	csn_free(report);

	/* More than a sentence holds: counted. */
	for (i = 0; i < 21; i += 2)
		s->weights[i * SCENE_LEAF + 5] ^= 0x55;
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_DRIFT);
	assert_int_equal(scene_check(s, "region weights", &detail),
	    CSN_CHECK_FAILED);
	assert_non_null(strstr(detail, "more ranges"));
	csn_free(report);
}

/* Without leaf hashes on both sides, drift is found and not located. */
TEST(drift_is_found_without_leaf_hashes_too, struct scene *s)
{
	struct csn_attester_options o = scene_options(s);
	struct csn_attester *a;
	const char *detail;
	uint8_t nonce[32], *report;
	size_t len;

	policy_with_leaves(s, "");
	o.leaves = 0;
	a = scene_attester(s, &o);
	s->weights[0] ^= 1;
	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	report = scene_report_of(a, nonce, 32, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_DRIFT);
	assert_int_equal(scene_check(s, "region weights", &detail),
	    CSN_CHECK_FAILED);
	assert_null(strstr(detail, "leaf"));
	csn_free(report);
	csn_attester_free(a);
}

TEST(a_measure_that_the_policy_has_not_does_not_pass, struct scene *s)
{
	struct csn_attester_options o = scene_options(s);
	struct csn_attester *a;
	uint8_t nonce[32], *report;
	size_t len;

	/* The policy has trees; this attester reports flat hashes. */
	o.measure = CSN_MEASURE_FLAT;
	o.leaves = 0;
	a = scene_attester(s, &o);
	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	report = scene_report_of(a, nonce, 32, &len);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_LENIENT),
	    CSN_E_DRIFT);
	csn_free(report);
	csn_attester_free(a);
	/* Trees of another leaf size have other roots. */
	o = scene_options(s);
	o.leaf = 2 * SCENE_LEAF;
	a = scene_attester(s, &o);
	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	report = scene_report_of(a, nonce, 32, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_DRIFT);
	csn_free(report);
	csn_attester_free(a);
}

TEST(strict_fails_on_drift_and_lenient_reports_it, struct scene *s)
{
	const char *detail;
	char *json;
	uint8_t *report;
	size_t len;

	json = scene_policy_now(s, "\"drift\":\"lenient\",");
	s->weights[0] ^= 1;
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    CSN_E_DRIFT);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED |
	    CSN_VERIFY_LENIENT), 0);
	assert_int_equal(scene_check(s, "region weights", &detail),
	    CSN_CHECK_SKIPPED);
	assert_non_null(strstr(detail, "drift"));
	assert_check(s, "region code", CSN_CHECK_PASSED);
	/* The same said by the policy. */
	scene_policy(s, json);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    0);
	assert_check(s, "region weights", CSN_CHECK_SKIPPED);
	csn_free(report);
	free(json);
}

TEST(lenience_is_about_drift_alone, struct scene *s)
{
	uint8_t *report;
	size_t len;

	report = scene_report(s, &len);
	people_now += 330000;
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_LENIENT),
	    CSN_E_REPLAY);
	assert_check(s, "expiry", CSN_CHECK_FAILED);
	csn_free(report);
}

TEST(regions_that_the_policy_does_not_know, struct scene *s)
{
	uint8_t *report, extra[64] = { 0 };
	char *complete;
	size_t len;

	complete = scene_policy_now(s, "\"complete\":true,");
	assert_int_equal(scene_add(s, "heap", 0x800000, extra, sizeof(extra),
	    CSN_PROT_RW), 0);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    0);
	assert_check(s, "region heap", CSN_CHECK_SKIPPED);
	scene_policy(s, complete);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    CSN_E_POLICY);
	assert_check(s, "region heap", CSN_CHECK_FAILED);
	csn_free(report);
	free(complete);
}

/* Which of two mappings of one name is in use is the workload's to choose. */
TEST(every_mapping_of_a_name_is_held_to_its_entry, struct scene *s)
{
	uint8_t *other = malloc(SCENE_WEIGHTS);
	char *now, *complete;
	uint8_t *report;
	size_t len;

	assert_non_null(other);
	now = scene_policy_now(s, "");
	complete = scene_policy_now(s, "\"complete\":true,");
	memcpy(other, s->weights, SCENE_WEIGHTS);
	assert_int_equal(scene_add(s, "weights#2", 0x800000, other,
	    SCENE_WEIGHTS, CSN_PROT_RO), 0);
	scene_policy(s, now);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    0);
	assert_check(s, "region weights#2", CSN_CHECK_PASSED);
	csn_free(report);
	other[5000] ^= 1;
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    CSN_E_DRIFT);
	assert_check(s, "region weights", CSN_CHECK_PASSED);
	assert_check(s, "region weights#2", CSN_CHECK_FAILED);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED |
	    CSN_VERIFY_LENIENT), 0);
	assert_check(s, "region weights#2", CSN_CHECK_SKIPPED);
	/* Where no other region may be, a good one may not either. */
	scene_policy(s, complete);
	csn_free(report);
	other[5000] ^= 1;
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    CSN_E_POLICY);
	csn_free(report);
	free(complete);
	free(now);
	free(other);
}

TEST(a_policy_may_ask_for_a_full_and_recent_measurement, struct scene *s)
{
	uint8_t nonce[32], *report;
	size_t len;
	char *json;

	json = scene_policy_now(s, "\"full\":true,\"max_age\":60,");
	scene_policy(s, json);
	free(json);
	assert_int_equal(csn_regions_touch_buffer(s->regions, "weights", 0,
	    0), 0);
	report = scene_report(s, &len);		/* full */
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	csn_free(report);
	assert_int_equal(csn_attester_measure(s->attester, 1), 0);
	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	assert_int_equal(csn_attester_report(s->attester, nonce, 32, &report,
	    &len), 0);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_POLICY);
	assert_check(s, "measured", CSN_CHECK_FAILED);
	csn_free(report);
	/* Measured long before it was reported. */
	assert_int_equal(csn_attester_measure(s->attester, 0), 0);
	people_now += 90001;
	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	assert_int_equal(csn_attester_report(s->attester, nonce, 32, &report,
	    &len), 0);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_POLICY);
	assert_check(s, "measured", CSN_CHECK_FAILED);
	assert_check(s, "expiry", CSN_CHECK_PASSED);
	csn_free(report);
}

static int
made_up(void *arg, const uint8_t data[64], uint8_t **out, size_t *len,
    uint8_t **certs, size_t *certs_len)
{
	(void)arg;
	(void)certs;
	(void)certs_len;
	*len = 64;
	*out = malloc(64);
	memcpy(*out, data, 64);
	return 0;
}

TEST(a_policy_may_ask_for_a_platform, struct scene *s)
{
	uint8_t *report;
	size_t len;
	char *json;

	json = scene_policy_now(s,
	    "\"platform\":{\"sev-snp\":{\"max_vmpl\":0}},");
	scene_policy(s, json);
	free(json);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_POLICY);
	assert_check(s, "platform sev-snp", CSN_CHECK_FAILED);
	csn_free(report);
	/* Another platform's evidence is not what was asked for. */
	assert_int_equal(csn_attester_add_evidence(s->attester, "abacus",
	    made_up, NULL), 0);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_POLICY);
	assert_check(s, "platform sev-snp", CSN_CHECK_FAILED);
	csn_free(report);
	/* Nor is something that only bears the name. */
	assert_int_equal(csn_attester_add_evidence(s->attester, "sev-snp",
	    made_up, NULL), 0);
	report = scene_report(s, &len);
	assert_int_equal(scene_verify(s, report, len, 0), CSN_E_POLICY);
	assert_int_equal(scene_check(s, "platform sev-snp", NULL), -1);
	assert_check(s, "platform sev-snp form", CSN_CHECK_FAILED);
	csn_free(report);
}

TEST(a_signer_whose_trust_has_ended_is_refused, struct scene *s)
{
	struct csn_trust_entry e = {
		.size = sizeof(e), .purposes = CSN_PURPOSE_REPORT,
		.key = csn_identity_sign_key(s->mallory),
		.expires_ms = PEOPLE_START + 5000,
	};
	struct csn_attester_options o = scene_options(s);
	struct csn_attester *a;
	uint8_t *report;
	size_t len;

	assert_int_equal(csn_trust_add(s->ctx, s->trust, &e), 0);
	o.identity = s->mallory;
	a = scene_attester(s, &o);
	report = scene_report_of(a, NULL, 0, &len);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    0);
	people_now += 5000;
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    CSN_E_SIGNER);
	/* As of the report's own time it was trusted. */
	assert_int_equal(csn_verifier_check(s->verifier, SCENE_WORKLOAD,
	    report, len, PEOPLE_START, CSN_VERIFY_ARCHIVED, NULL), 0);
	csn_free(report);
	csn_attester_free(a);
}

TEST(wrong_arguments_are_refused, struct scene *s)
{
	uint8_t byte = 0;

	assert_int_equal(csn_verifier_check(s->verifier, NULL, &byte, 1, 0, 0,
	    NULL), CSN_E_ARG);
	assert_int_equal(csn_verifier_check(s->verifier, "w", NULL, 1, 0, 0,
	    NULL), CSN_E_ARG);
	assert_int_equal(csn_verifier_check(s->verifier, "w", &byte, 1, 0, 16,
	    NULL), CSN_E_ARG);
	assert_int_equal(csn_verifier_check(s->verifier, "w", NULL, 0, 0, 0,
	    NULL), CSN_E_FORM);
	csn_verifier_free(NULL);
	csn_policy_free(NULL);
	csn_attester_free(NULL);
	csn_regions_close(NULL);
}
