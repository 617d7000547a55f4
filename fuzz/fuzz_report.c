/*
 * fuzz_report.c - reports: what verifies was signed by the corpus's key and
 * is about its workload; everything else fails a check by name. The claims
 * alone are tried too, so that a signature does not shut the fuzzer out.
 */
#include "identity.h"

#include <caisson/attest.h>

#include "attest/report.h"

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

/* A report must hold what its parser promises to those who use it. */
static void
look(struct csn_ctx *ctx, const uint8_t *report, size_t len)
{
	uint8_t body[CSN_HASH_SIZE];
	struct csn_policy *made;
	struct csn_report r;
	size_t i;
	char *json;

	if (csn_report_parse(ctx, report, len, &r) != 0) {
		check(csn_report_json(ctx, report, len, &json) != 0);
		return;
	}
	check(r.nregions <= CSN_REGIONS_MAX && r.expires_ms > r.issued_ms);
	for (i = 0; i < r.nregions; i++) {
		check(r.regions[i].size > 0 && r.regions[i].id.len > 0);
		check(r.regions[i].tree != NULL || r.regions[i].flat != NULL);
		check(r.regions[i].leaves == NULL ||
		    r.regions[i].nleaves == (r.regions[i].size - 1) /
		    r.regions[i].leaf + 1);
	}
	check(csn_report_body_hash(ctx, &r, body) == 0);
	check(csn_report_json(ctx, report, len, &json) == 0);
	csn_free(json);
	/* What a report says makes a policy that can be read. */
	check(csn_policy_from_report(ctx, report, len, NULL, &json) == 0);
	check(csn_policy_parse(ctx, json, strlen(json), NULL, &made) == 0);
	csn_policy_free(made);
	csn_free(json);
	csn_report_free(&r);
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
	look(ctx, data, len);
	(void)verify(ctx, data, len);
	/* The input as the claims of a report that is signed. */
	if (len == 0 || len > 65536)
		return 0;
	check(csn_cose_sign(ctx, key, "did:pqaid:someone", CSN_REPORT_TYP,
	    data, len, &report, &n) == 0);
	look(ctx, report, n);
	check(verify(ctx, report, n) != 0);
	csn_free(report);
	return 0;
}
