/* SPDX-License-Identifier: Apache-2.0 */
/* tests/platform/test_claim.c - platform evidence within a report. */
#include <jansson.h>

#include "lib/test.h"
#include "platform/claim.h"
#include "platform/evidence.h"
#include "platform/fake_snp.h"
#include "platform/fake_spdm.h"
#include "platform/fake_tdx.h"
#include "platform/fake_tpm.h"
#include "platform/policy.h"

static json_t *
rules_of(const char *text)
{
	json_t *rules = json_loads(text, 0, NULL);

	assert_non_null(rules);
	return rules;
}

/* A policy's "platform" that trusts this root, and one more member. */
static json_t *
policy_with(const char *platform, struct fake_bytes root, const char *member)
{
	struct fake_bytes b = { NULL, 0 };
	json_t *rules;
	size_t i;

	fake_put_text(&b, "{\"%s\":{%s\"root\":\"", platform, member);
	for (i = 0; i < root.len; i++)
		fake_put_text(&b, root.p[i] == '\n' ? "\\n" : "%c",
		    root.p[i]);
	fake_put_text(&b, "\"}}");
	free(root.p);
	rules = rules_of((const char *)b.p);
	free(b.p);
	return rules;
}

/* The verdict on a claim; its checks stay in t->result. */
static int
run(struct trial *t, const struct csn_platform_claim *claim)
{
	csn_result_free(t->result);
	t->result = NULL;
	assert_int_equal(csn_result_new(t->ctx, &t->result), 0);
	assert_int_equal(csn_platform_check(t->ctx, claim, t->result), 0);
	return csn_result_code(t->result);
}

TEST(binds_a_report_to_its_platform)
{
	static const char unknown[] =
	    "{\"platform\":{\"sev-snp\":{\"debug\":false}}}";
	uint8_t data[64] = { 1, 2, 3 }, report[FAKE_SNP_REPORT];
	struct csn_platform_claim claim = { .platform = "sev-snp" };
	struct fake_snp *s = fake_snp_new(NULL);
	struct fake_bytes table = fake_snp_table(s);
	json_t *policy, *strict, *other;
	struct trial t;

	trial_start(&t, CSN_PLATFORM_SEV_SNP);
	fake_snp_report(s, 3, data, report);
	policy = policy_with("sev-snp", fake_snp_root(s), "");
	strict = policy_with("sev-snp", fake_snp_root(s),
	    "\"min_guest_svn\":3,");
	claim.evidence = report;
	claim.len = sizeof(report);
	claim.certs = table.p;
	claim.certs_len = table.len;
	claim.report_data = data;
	claim.at_ms = FAKE_NOW_MS;
	claim.rules = policy;
	assert_int_equal(run(&t, &claim), 0);
	trial_expect(&t, "platform sev-snp chain", "passed");
	trial_expect(&t, "platform sev-snp nonce", "passed");
	/* Evidence of another report's. */
	data[0]++;
	assert_int_equal(run(&t, &claim), CSN_E_REPLAY);
	trial_expect(&t, "platform sev-snp nonce", "failed");
	data[0]--;
	claim.rules = strict;
	assert_int_equal(run(&t, &claim), CSN_E_POLICY);
	trial_expect(&t, "platform sev-snp min_guest_svn", "failed");
	/* Without a policy only AMD's roots count. */
	claim.rules = NULL;
	assert_int_equal(run(&t, &claim), CSN_E_SIGNER);
	json_decref(policy);
	/* Rules for another platform, and rules that nobody understands. */
	claim.rules = other = rules_of("{\"tdx\":{\"allow_debug\":false}}");
	assert_int_equal(run(&t, &claim), CSN_E_SIGNER);
	trial_expect(&t, "platform sev-snp policy", "failed");
	assert_int_equal(csn_platform_policy_parse(t.ctx, unknown,
	    strlen(unknown), &policy), CSN_E_ARG);
	fake_snp_free(s);
	free(table.p);
	json_decref(strict);
	json_decref(other);
	trial_end(&t);
}

TEST(binds_a_gpu_by_its_nonce)
{
	uint8_t data[64] = { 7, 7, 7 };
	struct csn_platform_claim claim = { .platform = "nvidia" };
	struct fake_spdm *s = fake_spdm_new(NULL);
	struct fake_bytes evidence = fake_spdm_evidence(s, data, NULL);
	struct fake_bytes chain = fake_spdm_chain(s);
	json_t *policy;
	struct trial t;

	trial_start(&t, CSN_PLATFORM_NVIDIA);
	policy = policy_with("nvidia", fake_spdm_root(s), "");
	claim.evidence = evidence.p;
	claim.len = evidence.len;
	claim.certs = chain.p;
	claim.certs_len = chain.len;
	claim.report_data = data;
	claim.at_ms = FAKE_NOW_MS;
	claim.rules = policy;
	assert_int_equal(run(&t, &claim), 0);
	trial_expect(&t, "platform nvidia nonce", "passed");
	data[31]++;
	assert_int_equal(run(&t, &claim), CSN_E_REPLAY);
	fake_spdm_free(s);
	free(evidence.p);
	free(chain.p);
	json_decref(policy);
	trial_end(&t);
}

TEST(binds_a_tpm_by_its_nonce)
{
	uint8_t data[64] = { 9, 9, 9 };
	struct csn_platform_claim claim = { .platform = "tpm2" };
	struct fake_tpm *s = fake_tpm_new(FAKE_P256, 1);
	struct fake_bytes cert = fake_tpm_cert(s), evidence;
	json_t *policy;
	struct fake_tpm_quote q;
	struct trial t;

	trial_start(&t, CSN_PLATFORM_TPM2);
	fake_tpm_defaults(s, &q, data, 32);
	evidence = fake_tpm_evidence(s, &q);
	policy = policy_with("tpm2", fake_tpm_root(s), "");
	claim.evidence = evidence.p;
	claim.len = evidence.len;
	claim.certs = cert.p;
	claim.certs_len = cert.len;
	claim.report_data = data;
	claim.at_ms = FAKE_NOW_MS;
	claim.rules = policy;
	assert_int_equal(run(&t, &claim), 0);
	trial_expect(&t, "platform tpm2 nonce", "passed");
	trial_expect(&t, "platform tpm2 chain", "passed");
	data[31]++;
	assert_int_equal(run(&t, &claim), CSN_E_REPLAY);
	data[31]--;
	/* Whose TPM it is, a report cannot say. */
	claim.rules = NULL;
	assert_int_equal(run(&t, &claim), CSN_E_SIGNER);
	trial_expect(&t, "platform tpm2 key", "failed");
	fake_tpm_free(s);
	free(evidence.p);
	free(cert.p);
	json_decref(policy);
	trial_end(&t);
}

TEST(says_what_it_cannot_verify)
{
	struct csn_platform_claim claim = {
		.platform = "abacus", .evidence = (const uint8_t *)"beads",
		.len = 5
	};
	json_t *none;
	struct trial t;

	trial_start(&t, 0);
	assert_int_equal(run(&t, &claim), 0);
	trial_expect(&t, "platform abacus", "skipped");
	/* A policy that asks for what cannot be verified must not pass. */
	claim.rules = none = json_object();
	assert_int_equal(run(&t, &claim), CSN_E_POLICY);
	trial_expect(&t, "platform abacus", "failed");
	json_decref(none);
	trial_end(&t);
}

/* Whoever brings a report chose its collateral among what is of this time. */
TEST(the_verifiers_own_collateral_counts_alone)
{
	struct fake_tdx_collateral says = { .status = "Revoked" };
	uint8_t data[64] = { 5, 5, 5 };
	struct csn_platform_claim claim = { .platform = "tdx" };
	struct csn_endorsements own = { .n = { [CSN_ENDORSED_JSON] = 1 } };
	struct fake_tdx *s = fake_tdx_new();
	struct fake_bytes evidence, good, revoked;
	struct fake_tdx_quote q;
	json_t *policy;
	struct trial t;

	trial_start(&t, CSN_PLATFORM_TDX);
	fake_tdx_defaults(&q, 4, data);
	evidence = fake_tdx_quote(s, &q);
	good = fake_tdx_bundle(s, NULL);
	revoked = fake_tdx_bundle(s, &says);
	policy = policy_with("tdx", fake_tdx_root(s), "");
	claim.evidence = evidence.p;
	claim.len = evidence.len;
	claim.report_data = data;
	claim.at_ms = FAKE_NOW_MS;
	claim.rules = policy;
	claim.certs = good.p;
	claim.certs_len = good.len;
	assert_int_equal(run(&t, &claim), 0);
	trial_expect(&t, "platform tdx tcb", "passed");
	claim.own = &own;
	own.blobs[CSN_ENDORSED_JSON][0] = (struct csn_bytes){ revoked.p,
	    revoked.len };
	assert_int_equal(run(&t, &claim), CSN_E_POLICY);
	trial_expect(&t, "platform tdx tcb", "failed");
	/* The other way round what was brought is not even looked at. */
	claim.certs = revoked.p;
	claim.certs_len = revoked.len;
	own.blobs[CSN_ENDORSED_JSON][0] = (struct csn_bytes){ good.p,
	    good.len };
	assert_int_equal(run(&t, &claim), 0);
	fake_tdx_free(s);
	free(evidence.p);
	free(good.p);
	free(revoked.p);
	json_decref(policy);
	trial_end(&t);
}
