/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/test_platform.c - platform evidence within a report. */
#include "lib/test.h"
#include "platform/claim.h"
#include "platform/evidence.h"
#include "platform/fake_snp.h"
#include "platform/fake_spdm.h"
#include "platform/fake_tpm.h"

/* A policy's "platform" that trusts this root, and one more member. */
static struct fake_bytes
policy_with(const char *platform, struct fake_bytes root, const char *member)
{
	struct fake_bytes b = { NULL, 0 };
	size_t i;

	fake_put_text(&b, "{\"%s\":{%s\"root\":\"", platform, member);
	for (i = 0; i < root.len; i++)
		fake_put_text(&b, root.p[i] == '\n' ? "\\n" : "%c",
		    root.p[i]);
	fake_put_text(&b, "\"}}");
	free(root.p);
	return b;
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
	uint8_t data[64] = { 1, 2, 3 }, report[FAKE_SNP_REPORT];
	struct csn_platform_claim claim = { .platform = "sev-snp" };
	struct fake_snp *s = fake_snp_new(NULL);
	struct fake_bytes table = fake_snp_table(s), policy, strict;
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
	claim.policy = (const char *)policy.p;
	assert_int_equal(run(&t, &claim), 0);
	trial_expect(&t, "platform sev-snp chain", "passed");
	trial_expect(&t, "platform sev-snp nonce", "passed");
	/* Evidence of another report's. */
	data[0]++;
	assert_int_equal(run(&t, &claim), CSN_E_REPLAY);
	trial_expect(&t, "platform sev-snp nonce", "failed");
	data[0]--;
	claim.policy = (const char *)strict.p;
	assert_int_equal(run(&t, &claim), CSN_E_POLICY);
	trial_expect(&t, "platform sev-snp min_guest_svn", "failed");
	/* Without a policy only AMD's roots count. */
	claim.policy = NULL;
	assert_int_equal(run(&t, &claim), CSN_E_SIGNER);
	/* Rules for another platform, and rules that nobody understands. */
	claim.policy = "{\"tdx\":{\"allow_debug\":false}}";
	assert_int_equal(run(&t, &claim), CSN_E_SIGNER);
	trial_expect(&t, "platform sev-snp policy", "failed");
	claim.policy = "{\"sev-snp\":{\"debug\":false}}";
	assert_int_equal(run(&t, &claim), CSN_E_POLICY);
	trial_expect(&t, "platform sev-snp", "failed");
	fake_snp_free(s);
	free(table.p);
	free(policy.p);
	free(strict.p);
	trial_end(&t);
}

TEST(binds_a_gpu_by_its_nonce)
{
	uint8_t data[64] = { 7, 7, 7 };
	struct csn_platform_claim claim = { .platform = "nvidia" };
	struct fake_spdm *s = fake_spdm_new(NULL);
	struct fake_bytes evidence = fake_spdm_evidence(s, data, NULL);
	struct fake_bytes chain = fake_spdm_chain(s), policy;
	struct trial t;

	trial_start(&t, CSN_PLATFORM_NVIDIA);
	policy = policy_with("nvidia", fake_spdm_root(s), "");
	claim.evidence = evidence.p;
	claim.len = evidence.len;
	claim.certs = chain.p;
	claim.certs_len = chain.len;
	claim.report_data = data;
	claim.at_ms = FAKE_NOW_MS;
	claim.policy = (const char *)policy.p;
	assert_int_equal(run(&t, &claim), 0);
	trial_expect(&t, "platform nvidia nonce", "passed");
	data[31]++;
	assert_int_equal(run(&t, &claim), CSN_E_REPLAY);
	fake_spdm_free(s);
	free(evidence.p);
	free(chain.p);
	free(policy.p);
	trial_end(&t);
}

TEST(binds_a_tpm_by_its_nonce)
{
	uint8_t data[64] = { 9, 9, 9 };
	struct csn_platform_claim claim = { .platform = "tpm2" };
	struct fake_tpm *s = fake_tpm_new(FAKE_P256, 1);
	struct fake_bytes cert = fake_tpm_cert(s), evidence, policy;
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
	claim.policy = (const char *)policy.p;
	assert_int_equal(run(&t, &claim), 0);
	trial_expect(&t, "platform tpm2 nonce", "passed");
	trial_expect(&t, "platform tpm2 chain", "passed");
	data[31]++;
	assert_int_equal(run(&t, &claim), CSN_E_REPLAY);
	data[31]--;
	/* Whose TPM it is, a report cannot say. */
	claim.policy = NULL;
	assert_int_equal(run(&t, &claim), CSN_E_SIGNER);
	trial_expect(&t, "platform tpm2 key", "failed");
	fake_tpm_free(s);
	free(evidence.p);
	free(cert.p);
	free(policy.p);
	trial_end(&t);
}

TEST(says_what_it_cannot_verify)
{
	struct csn_platform_claim claim = {
		.platform = "abacus", .evidence = (const uint8_t *)"beads",
		.len = 5
	};
	struct trial t;

	trial_start(&t, 0);
	assert_int_equal(run(&t, &claim), 0);
	trial_expect(&t, "platform abacus", "skipped");
	/* A policy that asks for what cannot be verified must not pass. */
	claim.policy = "{}";
	assert_int_equal(run(&t, &claim), CSN_E_POLICY);
	trial_expect(&t, "platform abacus", "failed");
	trial_end(&t);
}
