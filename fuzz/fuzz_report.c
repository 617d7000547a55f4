/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_report.c - reports: what verifies was signed by the corpus's key and
 * is about its workload; everything else fails a check by name. The claims
 * alone are tried too, so that a signature does not shut the fuzzer out.
 */
#include "report.h"

#define NOW 1767225600000u	/* the second the corpus was made in */

static struct csn_trust *trust;
static struct csn_policy *policy;
static struct csn_verifier *verifier;
static struct csn_sign_key *key;

static void
forget(void)
{
	csn_verifier_free(verifier);
	csn_policy_free(policy);
	csn_trust_free(trust);
	csn_sign_free(key);
	verifier = NULL;
}

static void
start(struct csn_ctx *ctx)
{
	static const char json[] = "{\"version\":1,\"workload\":\"w\","
	    "\"complete\":true,\"regions\":[{\"id\":\"a\",\"tree\":"
	    "\"00000000000000000000000000000000"
	    "00000000000000000000000000000000\"}]}";
	struct csn_trust_entry e = {
		.size = sizeof(e), .purposes = CSN_PURPOSE_REPORT,
	};
	struct csn_verifier_options o = { .size = sizeof(o) };

	if (verifier != NULL)
		return;
	key = fuzz_key(ctx, CSN_SIGN_ML_DSA_44, 9);
	e.key = key;
	check(csn_trust_new(ctx, &trust) == 0);
	check(csn_trust_add(ctx, trust, &e) == 0);
	check(csn_policy_parse(ctx, json, sizeof(json) - 1, NULL,
	    &policy) == 0);
	o.trust = trust;
	o.policy = policy;
	o.max_challenges = 16;
	check(csn_verifier_new(ctx, &o, &verifier) == 0);
	check(atexit(forget) == 0);
}

static int
verify(struct csn_ctx *ctx, const uint8_t *report, size_t len)
{
	struct csn_result *result;
	int rc;

	check(csn_result_new(ctx, &result) == 0);
	rc = csn_verifier_check(verifier, "w", report, len, NOW,
	    CSN_VERIFY_ARCHIVED, result);
	check(rc == csn_result_code(result));
	check(csn_result_count(result) >= 10);
	csn_result_free(result);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	uint8_t *report;
	size_t n;

	start(ctx);
	fuzz_report(ctx, data, len);
	(void)verify(ctx, data, len);
	/* The input as the claims of a report that is signed. */
	if (len == 0 || len > 65536)
		return 0;
	check(csn_cose_sign(ctx, key, "did:pqaid:someone", CSN_REPORT_TYP,
	    data, len, &report, &n) == 0);
	fuzz_report(ctx, report, n);
	check(verify(ctx, report, n) != 0);
	csn_free(report);
	return 0;
}
