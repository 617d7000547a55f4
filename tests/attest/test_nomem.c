/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_nomem.c - each allocation of an attestation fails once: the right
 * code, nothing leaks, and tampered memory passes never.
 */
#include "attest/scene.h"
#include "lib/test.h"

#include "lib/failmalloc.h"

static const char policy_text[] = "{\"version\":1,\"workload\":\""
    SCENE_WORKLOAD "\",\"regions\":[{\"id\":\"code\",\"any\":[{\"tree\":"
    "\"0011223344556677001122334455667700112233445566770011223344556677\"}"
    "]}],\"platform\":{\"tdx\":{}}}";

/* Measure twice and report; *report is the caller's where it is 0. */
static int
attest(struct scene *s, const uint8_t nonce[32], uint8_t **report,
    size_t *len)
{
	struct csn_attester_options o = scene_options(s);
	struct csn_attester *a = NULL;
	int rc;

	o.measure = CSN_MEASURE_BOTH;
	if ((rc = csn_attester_new(s->ctx, s->regions, &o, &a)) == 0 &&
	    (rc = csn_attester_measure(a, 1)) == 0 &&
	    (rc = csn_attester_measure(a, 1)) == 0)
		rc = csn_attester_report(a, nonce, 32, report, len);
	csn_attester_free(a);
	return rc;
}

/* A code that running out of memory may give. */
static int
fits(int rc)
{
	return rc == CSN_E_NOMEM || rc == CSN_E_CRYPTO;
}

FIXTURE(struct scene, scene_start, scene_end);

TEST(an_attester_without_memory_says_so, struct scene *s)
{
	uint8_t nonce[32] = { 1 }, *report;
	int rc, done, refused = 0;
	size_t len;
	long n;

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	for (n = 0, done = 1; done; n++) {
		failmalloc_at(n);
		rc = attest(s, nonce, &report, &len);
		done = failmalloc_done();
		if (rc == 0)
			csn_free(report);
		else if (!fits(rc))
			fail_msg("allocation %ld gave %s", n,
			    csn_error_name(rc));
		refused += rc != 0;
	}
	assert_int_equal(rc, 0);
	assert_true(refused > 20);
}

TEST(a_policy_without_memory_is_no_policy, struct scene *s)
{
	struct csn_policy *p;
	int rc, done, refused = 0;
	long n;

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	for (n = 0, done = 1; done; n++) {
		failmalloc_at(n);
		rc = csn_policy_parse(s->ctx, policy_text,
		    sizeof(policy_text) - 1, NULL, &p);
		done = failmalloc_done();
		if (rc == 0) {
			csn_policy_free(p);
			continue;
		}
		refused++;
		/* Reading JSON has one answer for all that goes wrong. */
		assert_true(rc == CSN_E_NOMEM || rc == CSN_E_FORM);
	}
	assert_int_equal(rc, 0);
	assert_true(refused > 5);
}

/* What the report says, as a policy. */
TEST(a_policy_of_a_report_without_memory_is_none, struct scene *s)
{
	uint8_t nonce[32] = { 1 }, *report;
	int rc, done, refused = 0;
	size_t len;
	char *json;
	long n;

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	assert_int_equal(attest(s, nonce, &report, &len), 0);
	for (n = 0, done = 1; done; n++) {
		failmalloc_at(n);
		rc = csn_policy_from_report(s->ctx, report, len, NULL, &json);
		done = failmalloc_done();
		if (rc == 0)
			csn_free(json);
		else
			assert_true(fits(rc));
		refused += rc != 0;
	}
	assert_int_equal(rc, 0);
	assert_true(refused > 10);
	csn_free(report);
}

/* The report is over tampered memory: no lack of memory lets it pass. */
TEST(a_verifier_without_memory_lets_nothing_pass, struct scene *s)
{
	struct csn_verifier_options o = {
		.size = sizeof(o), .trust = s->trust, .policy = s->policy,
		.max_challenges = 4,
	};
	struct csn_result *result;
	struct csn_verifier *v;
	uint8_t nonce[32], *report;
	size_t len;
	int rc, done;
	long n;

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	s->weights[3] ^= 1;
	for (n = 0, done = 1; done; n++) {
		v = NULL;
		result = NULL;
		failmalloc_at(n);
		rc = csn_verifier_new(s->ctx, &o, &v);
		done = failmalloc_done();
		csn_verifier_free(v);
		assert_true(rc == 0 || fits(rc));
	}
	assert_int_equal(csn_verifier_new(s->ctx, &o, &v), 0);
	for (n = 0, done = 1; done; n++) {
		assert_int_equal(csn_verifier_challenge(v, nonce), 0);
		assert_int_equal(attest(s, nonce, &report, &len), 0);
		failmalloc_at(n);
		rc = csn_result_new(s->ctx, &result);
		if (rc == 0)
			rc = csn_verifier_check(v, SCENE_WORKLOAD, report,
			    len, 0, 0, result);
		done = failmalloc_done();
		csn_result_free(result);
		result = NULL;
		csn_free(report);
		/* A cryptographic failure is one of the checks. */
		assert_true(rc == CSN_E_DRIFT || fits(rc) ||
		    rc == CSN_E_SIGNATURE);
		people_now += 60000;
	}
	assert_int_equal(rc, CSN_E_DRIFT);
	csn_verifier_free(v);
}
