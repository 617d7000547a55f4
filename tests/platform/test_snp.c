/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/test_snp.c - AMD SEV-SNP reports, made up and real. */
#include <jansson.h>

#include "lib/test.h"
#include "platform/evidence.h"
#include "platform/trial_snp.h"

TEST(verifies_each_product_and_version)
{
	static const struct {
		struct fake_snp_options o;
		uint32_t version;
	} cases[] = {
		{ { .product = FAKE_MILAN }, 2 },
		{ { .product = FAKE_MILAN, .rsa = 1 }, 3 },
		{ { .product = FAKE_MILAN, .vlek = 1 }, 3 },
		{ { .product = FAKE_GENOA }, 2 },
		{ { .product = FAKE_GENOA }, 3 },
		{ { .product = FAKE_GENOA, .vlek = 1 }, 4 },
		{ { .product = FAKE_TURIN }, 3 },
		{ { .product = FAKE_TURIN }, 5 },
		{ { .product = FAKE_TURIN, .vlek = 1 }, 5 },
	};
	struct fake_snp *s;
	struct trial t;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s = begin_snp(&t, &cases[i].o, cases[i].version);
		trial_good(&t);
		trial_expect(&t, "form", "passed");
		trial_expect(&t, "chain", "passed");
		trial_expect(&t, "signature", "passed");
		trial_expect(&t, "product", "passed");
		trial_expect(&t, "tcb", "passed");
		trial_expect(&t, "debug", "passed");
		trial_expect(&t, "chip", cases[i].o.vlek ? "skipped" :
		    "passed");
		trial_expect(&t, "nonce", "skipped");
		trial_expect(&t, "revocation", "skipped");
		trial_expect(&t, "policy", "skipped");
		trial_expect(&t, "certificates", "absent");
		end_snp(&t, s);
	}
}

/* Whatever chip the report names: its key is the provider's. */
TEST(compares_no_chip_with_a_vlek)
{
	const struct fake_snp_options vlek = { .vlek = 1 };
	struct fake_snp *s;
	struct trial t;

	s = begin_snp(&t, &vlek, 3);
	memset(t.evidence.p + 0x1a0, 0xc1, 64);
	fake_snp_sign(s, t.evidence.p);
	trial_good(&t);
	trial_expect(&t, "chip", "skipped");
	assert_non_null(strstr(trial_detail(&t, "chip"),
	    "a VLEK is a provider's key, not a chip's; the provider is "
	    "CN=example"));
	end_snp(&t, s);
}

TEST(takes_the_hosts_table_beside_and_behind_the_report)
{
	struct fake_bytes table;
	struct fake_snp *s;
	struct trial t;

	s = begin_snp(&t, NULL, 3);
	trial_set(&t.certs[0], fake_snp_table(s));
	trial_good(&t);
	/* As auxblob holds it, behind the report in one file. */
	table = t.certs[0];
	t.certs[0] = (struct fake_bytes){ NULL, 0 };
	fake_put(&t.evidence, table.p, table.len);
	trial_good(&t);
	/* A table whose entry points outside. */
	fake_le(t.evidence.p + FAKE_SNP_REPORT + 16, table.len, 4);
	trial_refused(&t, CSN_E_FORM, "certificates");
	t.evidence.len = FAKE_SNP_REPORT + 30;
	trial_refused(&t, CSN_E_FORM, "certificates");
	free(table.p);
	end_snp(&t, s);
}

TEST(refuses_each_for_its_own_reason)
{
	struct fake_snp *s, *other;
	uint8_t *r;
	struct trial t;

	s = begin_snp(&t, NULL, 3);
	r = t.evidence.p;

	t.evidence.len = FAKE_SNP_REPORT - 1;
	trial_refused(&t, CSN_E_FORM, "form");
	t.evidence.len = FAKE_SNP_REPORT;
	r[0] = 6;
	trial_refused(&t, CSN_E_VERSION, "form");
	r[0] = 1;
	trial_refused(&t, CSN_E_VERSION, "form");
	r[0] = 3;

	/* One bit anywhere in what is signed, and in the signature. */
	r[0x90] ^= 1;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	r[0x90] ^= 1;
	r[0x29f] ^= 0x80;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	r[0x29f] ^= 0x80;
	r[0x2a0 + 47] ^= 1;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	r[0x2a0 + 47] ^= 1;
	/* A number that is longer than the curve's. */
	r[0x2a0 + 60] = 1;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	r[0x2a0 + 60] = 0;
	r[0x34] = 2;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	r[0x34] = 1;
	memset(r + 0x2a0, 0, 144);
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	fake_snp_sign(s, r);
	trial_good(&t);

	/* Signed, but the host hides its key. */
	r[0x48] = 7 << 2;
	fake_snp_sign(s, r);
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	/* Says that a VLEK signed, and there is none. */
	r[0x48] = 1 << 2;
	fake_snp_sign(s, r);
	trial_refused(&t, CSN_E_SIGNER, "chain");
	r[0x48] = 0;

	r[0x0a] &= (uint8_t)~2u;	/* bit 17 */
	fake_snp_sign(s, r);
	trial_refused(&t, CSN_E_FORM, "guest_policy");
	r[0x0a] |= 2;
	r[0x0a] |= 8;			/* bit 19: debug */
	fake_snp_sign(s, r);
	trial_refused(&t, CSN_E_POLICY, "debug");
	t.policy = "{\"platform\":{\"sev-snp\":{\"allow_debug\":true}}}";
	trial_good(&t);
	t.policy = NULL;
	r[0x0a] &= (uint8_t)~8u;

	r[0x1a0] ^= 1;
	fake_snp_sign(s, r);
	trial_refused(&t, CSN_E_SIGNER, "chip");
	memset(r + 0x1a0, 0, 64);	/* the host hides the id */
	fake_snp_sign(s, r);
	trial_good(&t);
	trial_expect(&t, "chip", "skipped");

	r[0x180] += 1;
	fake_snp_sign(s, r);
	trial_refused(&t, CSN_E_SIGNER, "tcb");
	r[0x180] -= 1;
	/* Genoa's certificate, a Turin's report: another TCB layout. */
	r[0x188] = 0x1a;
	fake_snp_sign(s, r);
	trial_refused(&t, CSN_E_SIGNER, "product");
	r[0x188] = 0x19;
	fake_snp_sign(s, r);
	trial_good(&t);

	/* Another processor's certificates, and another root. */
	other = fake_snp_new(NULL);
	trial_set(&t.root, fake_snp_root(other));
	trial_refused(&t, CSN_E_SIGNER, "chain");
	trial_set(&t.certs[0], fake_snp_certs(other));
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	/* Without a root of ours only AMD's own keys count. */
	trial_set(&t.root, (struct fake_bytes){ NULL, 0 });
	trial_refused(&t, CSN_E_SIGNER, "chain");
	assert_non_null(strstr(trial_detail(&t, "chain"), "pinned"));
	trial_set(&t.certs[0], (struct fake_bytes){ NULL, 0 });
	trial_refused(&t, CSN_E_SIGNER, "chain");
	fake_snp_free(other);
	end_snp(&t, s);
}

TEST(finds_the_chips_certificate_among_others)
{
	struct fake_snp *s, *other;
	struct trial t;

	s = begin_snp(&t, NULL, 3);
	other = fake_snp_new(NULL);
	t.certs[1] = t.certs[0];
	t.certs[0] = fake_snp_certs(other);
	trial_good(&t);
	fake_snp_free(other);
	end_snp(&t, s);
}

/* A key that was certified again: the certificate of this time counts. */
TEST(takes_the_certificate_of_this_time_of_several)
{
	const struct fake_snp_options late = {
		.leaf_until = "20251231000000Z"
	};
	struct fake_snp *s;
	struct trial t;

	s = begin_snp(&t, &late, 3);
	trial_refused(&t, CSN_E_EXPIRED, "chain");
	/* Behind the old one, and before it. */
	t.certs[1] = fake_snp_renewed(s, "20251201000000Z", NULL);
	trial_good(&t);
	t.certs[2] = t.certs[0];
	t.certs[0] = (struct fake_bytes){ NULL, 0 };
	trial_good(&t);
	/* Where none is, its own reason is told. */
	t.certs[0] = t.certs[2];
	t.certs[2] = (struct fake_bytes){ NULL, 0 };
	trial_set(&t.certs[1], fake_snp_renewed(s, "20260201000000Z", NULL));
	trial_refused_for(&t, "none", CSN_E_EXPIRED, "chain",
	    "expired on 2025-12-31");
	end_snp(&t, s);
}

TEST(refuses_what_is_past_its_time)
{
	const struct fake_snp_options late = {
		.vlek = 1, .leaf_until = "20251231235959Z"
	}, early = {
		.leaf_from = "20260102000000Z"
	};
	struct fake_snp *s;
	struct trial t;

	s = begin_snp(&t, &late, 3);
	trial_refused(&t, CSN_E_EXPIRED, "chain");
	assert_non_null(strstr(trial_detail(&t, "chain"), "SEV-VLEK"));
	assert_non_null(strstr(trial_detail(&t, "chain"), "2025-12-31"));
	t.at_ms = trial_time("2025-12-31T23:59:58Z");
	trial_good(&t);
	t.at_ms = trial_time("2019-06-01T00:00:00Z");
	trial_refused(&t, CSN_E_EXPIRED, "chain");
	end_snp(&t, s);
	s = begin_snp(&t, &early, 3);
	trial_refused(&t, CSN_E_EXPIRED, "chain");
	t.at_ms = trial_time("2026-01-02T00:00:01Z");
	trial_good(&t);
	end_snp(&t, s);
}

TEST(refuses_what_was_revoked)
{
	struct fake_snp *s;
	struct trial t;

	s = begin_snp(&t, NULL, 3);
	t.collateral[0] = fake_snp_crl(s, 0, NULL, NULL);
	t.require = CSN_REQUIRE_COLLATERAL;
	trial_good(&t);
	trial_expect(&t, "revocation", "passed");
	trial_set(&t.collateral[0], fake_snp_crl(s, 1, NULL, NULL));
	trial_refused(&t, CSN_E_SIGNER, "revocation");
	assert_non_null(strstr(trial_detail(&t, "revocation"),
	    "SEV-Genoa"));
	trial_set(&t.collateral[0], fake_snp_crl(s, 0, NULL,
	    "20251201000000Z"));
	trial_refused(&t, CSN_E_EXPIRED, "revocation");
	trial_set(&t.collateral[0], fake_snp_crl(s, 0, "20260201000000Z",
	    NULL));
	trial_refused(&t, CSN_E_EXPIRED, "revocation");
	/* A bit of its signature. */
	trial_set(&t.collateral[0], fake_snp_crl(s, 0, NULL, NULL));
	t.collateral[0].p[t.collateral[0].len - 1] ^= 1;
	trial_refused(&t, CSN_E_SIGNER, "revocation");
	trial_set(&t.collateral[0], (struct fake_bytes){ NULL, 0 });
	trial_refused(&t, CSN_E_POLICY, "revocation");
	end_snp(&t, s);
}

TEST(compares_the_nonce_and_asks_for_what_is_required)
{
	uint8_t data[64] = { 1, 2, 3, 4 };
	struct fake_snp *s;
	struct trial t;

	s = begin_snp(&t, NULL, 3);
	t.require = CSN_REQUIRE_NONCE;
	trial_refused(&t, CSN_E_POLICY, "nonce");
	fake_snp_report(s, 3, data, t.evidence.p);
	t.nonce = data;
	t.nonce_len = 64;
	trial_good(&t);
	trial_expect(&t, "nonce", "passed");
	/* A shorter nonce stands for itself and zeros. */
	t.nonce_len = 4;
	trial_good(&t);
	t.nonce_len = 3;
	trial_refused(&t, CSN_E_REPLAY, "nonce");
	t.nonce_len = 64;
	data[63] = 1;
	trial_refused(&t, CSN_E_REPLAY, "nonce");
	data[63] = 0;
	t.require = CSN_REQUIRE_POLICY;
	trial_refused(&t, CSN_E_POLICY, "policy");
	t.policy = "{\"platform\":{\"tdx\":{\"allow_debug\":false}}}";
	trial_refused(&t, CSN_E_POLICY, "policy");
	t.nonce_len = 65;
	assert_int_equal(trial_run(&t), CSN_E_ARG);
	t.nonce_len = 0;
	assert_int_equal(trial_run(&t), CSN_E_ARG);
	end_snp(&t, s);
}

/* The policy with one member, and what becomes of the check. */
static void
with_policy(struct trial *t, const char *member, int code, const char *check)
{
	char *policy;

	assert_true(asprintf(&policy, "{\"platform\":{\"sev-snp\":{%s}}}",
	    member) > 0);
	t->policy = policy;
	if (code == 0) {
		trial_good(t);
		trial_expect(t, check, "passed");
	} else {
		trial_refused(t, code, check);
	}
	t->policy = NULL;
	free(policy);
}

TEST(compares_what_the_policy_names)
{
	const struct fake_snp_options turin = { .product = FAKE_TURIN };
	char good[128], bad[128], text[512];
	struct fake_snp *s;
	struct trial t;
	int i;

	s = begin_snp(&t, &turin, 5);
	for (i = 0; i < 48; i++) {
		snprintf(good + 2 * i, 3, "4d");
		snprintf(bad + 2 * i, 3, "4e");
	}
	snprintf(text, sizeof(text), "\"measurement\":\"%s\"", good);
	with_policy(&t, text, 0, "measurement");
	snprintf(text, sizeof(text), "\"measurement\":\"%s\"", bad);
	with_policy(&t, text, CSN_E_POLICY, "measurement");
	snprintf(text, sizeof(text), "\"measurement\":[\"%s\",\"%s\"]", bad,
	    good);
	with_policy(&t, text, 0, "measurement");
	with_policy(&t, "\"host_data\":\"48484848484848484848484848484848"
	    "48484848484848484848484848484848\"", 0, "host_data");
	with_policy(&t, "\"host_data\":\"48484848484848484848484848484848"
	    "48484848484848484848484848484849\"", CSN_E_POLICY, "host_data");
	with_policy(&t, "\"min_tcb\":{\"fmc\":3,\"bootloader\":4,\"snp\":6,"
	    "\"microcode\":7}", 0, "min_tcb");
	with_policy(&t, "\"min_tcb\":{\"fmc\":4}", CSN_E_POLICY, "min_tcb");
	with_policy(&t, "\"min_tcb\":{\"microcode\":8}", CSN_E_POLICY,
	    "min_tcb");
	with_policy(&t, "\"max_vmpl\":0", 0, "max_vmpl");
	with_policy(&t, "\"min_guest_svn\":2", 0, "min_guest_svn");
	with_policy(&t, "\"min_guest_svn\":3", CSN_E_POLICY,
	    "min_guest_svn");
	with_policy(&t, "\"product\":[\"Genoa\",\"Turin\"]", 0, "product");
	with_policy(&t, "\"product\":\"Genoa\"", CSN_E_POLICY, "product");
	with_policy(&t, "\"signer\":\"vcek\"", 0, "signer");
	with_policy(&t, "\"signer\":\"vlek\"", CSN_E_POLICY, "signer");
	with_policy(&t, "\"mitigations\":3", 0, "mitigations");
	with_policy(&t, "\"mitigations\":4", CSN_E_POLICY, "mitigations");
	with_policy(&t, "\"allow_smt\":false", CSN_E_POLICY, "guest_policy");
	with_policy(&t, "\"allow_migration\":false", 0, "guest_policy");
	/* VMPL 1 where the policy wants the guest's most privileged. */
	t.evidence.p[0x30] = 1;
	fake_snp_sign(s, t.evidence.p);
	with_policy(&t, "\"max_vmpl\":0", CSN_E_POLICY, "max_vmpl");
	end_snp(&t, s);
}

TEST(takes_no_policy_that_it_does_not_understand)
{
	static const char *const bad[] = {
		"", "{", "[]", "7", "{\"platform\":7}",
		"{\"platform\":{\"sev\":{}}}",
		"{\"platform\":{\"sev-snp\":[]}}",
		"{\"platform\":{\"sev-snp\":{\"measurment\":\"00\"}}}",
		"{\"platform\":{\"sev-snp\":{\"measurement\":\"00\"}}}",
		"{\"platform\":{\"sev-snp\":{\"measurement\":[]}}}",
		"{\"platform\":{\"sev-snp\":{\"min_tcb\":{}}}}",
		"{\"platform\":{\"sev-snp\":{\"min_tcb\":{\"snp\":256}}}}",
		"{\"platform\":{\"sev-snp\":{\"min_tcb\":{\"sn\":1}}}}",
		"{\"platform\":{\"sev-snp\":{\"max_vmpl\":4}}}",
		"{\"platform\":{\"sev-snp\":{\"max_vmpl\":-1}}}",
		"{\"platform\":{\"sev-snp\":{\"allow_debug\":1}}}",
		"{\"platform\":{\"sev-snp\":{\"product\":\"Rome\"}}}",
		"{\"platform\":{\"tdx\":{\"tcb_status\":\"Revoked\"}}}",
		"{\"platform\":{\"nvidia\":{\"measurements\":{\"1\":0}}}}",
		"{\"platform\":{\"sev-snp\":{\"max_vmpl\":1,\"max_vmpl\":2}}}",
	};
	struct fake_snp *s;
	struct trial t;
	size_t i;

	s = begin_snp(&t, NULL, 3);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		t.policy = bad[i];
		if (trial_run(&t) != CSN_E_ARG)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(csn_result_count(t.result), 0);
	}
	end_snp(&t, s);
}

TEST(takes_no_root_or_certificate_that_is_none)
{
	struct fake_snp *s;
	struct trial t;

	s = begin_snp(&t, NULL, 3);
	t.root.len--;			/* the END line is cut */
	t.root.len -= 20;
	assert_int_equal(trial_run(&t), CSN_E_ARG);
	t.root.len += 21;
	/* A bundle whose first is no root. */
	trial_set(&t.root, fake_snp_certs(s));
	assert_int_equal(trial_run(&t), CSN_E_ARG);
	trial_set(&t.root, fake_snp_root(s));
	t.certs[0].len -= 30;
	trial_refused(&t, CSN_E_FORM, "certificates");
	t.certs[0].len += 30;
	t.certs[1].p = NULL;
	fake_put_text(&t.certs[1], "not a certificate");
	trial_refused(&t, CSN_E_FORM, "certificates");
	end_snp(&t, s);
}

TEST(takes_a_root_from_the_policy)
{
	struct fake_bytes policy = { NULL, 0 };
	struct fake_snp *s, *other;
	struct trial t;
	size_t i;

	s = begin_snp(&t, NULL, 3);
	other = fake_snp_new(NULL);
	fake_put_text(&policy, "{\"platform\":{\"sev-snp\":{\"root\":\"");
	for (i = 0; i < t.root.len; i++)
		fake_put_text(&policy, t.root.p[i] == '\n' ? "\\n" : "%c",
		    t.root.p[i]);
	fake_put_text(&policy, "\"}}}");
	t.policy = (const char *)policy.p;
	/* The options' own goes first. */
	trial_set(&t.root, fake_snp_root(other));
	trial_refused(&t, CSN_E_SIGNER, "chain");
	trial_set(&t.root, (struct fake_bytes){ NULL, 0 });
	trial_good(&t);
	t.policy = "{\"platform\":{\"sev-snp\":{\"root\":\"none\"}}}";
	assert_int_equal(trial_run(&t), CSN_E_ARG);
	t.policy = NULL;
	trial_refused(&t, CSN_E_SIGNER, "chain");
	free(policy.p);
	fake_snp_free(other);
	end_snp(&t, s);
}

TEST(shows_a_report_to_people)
{
	const struct fake_snp_options turin = { .product = FAKE_TURIN };
	struct fake_snp *s;
	struct trial t;
	json_t *o, *names;
	char *json;

	s = begin_snp(&t, &turin, 5);
	t.evidence.p[0x40] = 0xa5;
	assert_int_equal(csn_platform_json(t.ctx, t.platform, t.evidence.p,
	    t.evidence.len, &json), 0);
	assert_non_null(o = json_loads(json, 0, NULL));
	assert_string_equal(json_string_value(json_object_get(o,
	    "product")), "Turin");
	assert_int_equal(json_integer_value(json_object_get(
	    json_object_get(o, "reported_tcb"), "fmc")), 3);
	assert_string_equal(json_string_value(json_object_get(o,
	    "platform_info")), "0xa5");
	names = json_object_get(o, "platform_info_bits");
	assert_int_equal(json_array_size(names), 4);
	assert_string_equal(json_string_value(json_array_get(names, 0)),
	    "smt");
	assert_string_equal(json_string_value(json_array_get(names, 2)),
	    "alias_check");
	assert_string_equal(json_string_value(json_object_get(o, "signer")),
	    "vcek");
	assert_string_equal(json_string_value(json_object_get(o,
	    "current_mitigations")), "0x3");
	assert_int_equal(json_string_length(json_object_get(o,
	    "measurement")), 96);
	json_decref(o);
	csn_free(json);
	/* Turin alone has that part. */
	fake_snp_report(s, 5, NULL, t.evidence.p);
	t.evidence.p[0x188] = 0x19;
	assert_int_equal(csn_platform_json(t.ctx, t.platform, t.evidence.p,
	    t.evidence.len, &json), 0);
	assert_null(strstr(json, "fmc"));
	csn_free(json);
	assert_int_equal(csn_platform_json(t.ctx, t.platform, t.evidence.p,
	    10, &json), CSN_E_FORM);
	assert_int_equal(csn_platform_json(t.ctx, 5, t.evidence.p, 10,
	    &json), CSN_E_ARG);
	assert_int_equal(csn_platform_parse("tdx"), CSN_PLATFORM_TDX);
	assert_int_equal(csn_platform_parse("tpm2"), CSN_PLATFORM_TPM2);
	assert_int_equal(csn_platform_parse("sgx"), 0);
	assert_null(csn_platform_name(0));
	end_snp(&t, s);
}

/* --- real evidence ---------------------------------------------------- */

TEST(verifies_a_real_milan_report)
{
	uint8_t nonce[] = { 1, 2, 3, 4, 5 };
	struct trial t;

	trial_start(&t, CSN_PLATFORM_SEV_SNP);
	t.evidence = trial_vector("snp/milan-v2-report.bin");
	t.certs[0] = trial_vector("snp/milan-v2-vcek.der");
	t.certs[1] = trial_vector("snp/milan-v2-ask-ark.pem");
	t.at_ms = trial_time("2024-01-01T00:00:00Z");
	t.nonce = nonce;
	t.nonce_len = sizeof(nonce);
	/* This guest was launched with debugging on. */
	trial_refused(&t, CSN_E_POLICY, "debug");
	t.policy = "{\"platform\":{\"sev-snp\":{\"allow_debug\":true,"
	    "\"product\":\"Milan\"}}}";
	trial_good(&t);
	assert_non_null(strstr(trial_detail(&t, "chain"), "ARK-Milan"));
	t.evidence.p[0x100] ^= 1;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	t.evidence.p[0x100] ^= 1;
	trial_set(&t.certs[0], trial_vector(
	    "snp/test-vcek-invalid-legacy.der"));
	trial_refused(&t, CSN_E_SIGNER, "chain");
	trial_set(&t.certs[0], trial_vector(
	    "snp/test-vcek-invalid-new.der"));
	trial_refused(&t, CSN_E_SIGNER, "chain");
	trial_end(&t);
}

TEST(verifies_a_real_genoa_report)
{
	struct fake_snp *s;
	struct trial t;

	trial_start(&t, CSN_PLATFORM_SEV_SNP);
	t.evidence = trial_vector("snp/genoa-v3-report.bin");
	t.certs[0] = trial_vector("snp/genoa-v3-vcek.pem");
	t.certs[1] = trial_vector("snp/genoa-v3-ask.pem");
	t.certs[2] = trial_vector("snp/genoa-ark.pem");
	t.at_ms = trial_time("2026-06-01T00:00:00Z");
	trial_good(&t);
	trial_expect(&t, "chip", "passed");
	trial_expect(&t, "tcb", "passed");
	/* The vendor's root serves as a given one, another does not. */
	trial_set(&t.root, trial_vector("snp/genoa-ark.pem"));
	trial_good(&t);
	s = fake_snp_new(NULL);
	trial_set(&t.root, fake_snp_root(s));
	fake_snp_free(s);
	trial_refused(&t, CSN_E_SIGNER, "chain");
	trial_set(&t.root, (struct fake_bytes){ NULL, 0 });
	t.at_ms = trial_time("2026-01-01T00:00:00Z");
	trial_refused(&t, CSN_E_EXPIRED, "chain");
	/* Without the root's certificate its pin finds nothing. */
	t.at_ms = trial_time("2026-06-01T00:00:00Z");
	trial_set(&t.certs[2], (struct fake_bytes){ NULL, 0 });
	trial_refused(&t, CSN_E_SIGNER, "chain");
	trial_end(&t);
}

TEST(refuses_a_real_vlek_that_expired)
{
	struct trial t;

	trial_start(&t, CSN_PLATFORM_SEV_SNP);
	t.evidence = trial_vector("snp/milan-vlek-report.bin");
	t.certs[0] = trial_vector("snp/milan-vlek-expired-2025-12-10.der");
	t.certs[1] = trial_vector("snp/milan-vlek-asvk-ark.pem");
	t.at_ms = trial_time("2025-06-01T00:00:00Z");
	trial_good(&t);
	trial_expect(&t, "chip", "skipped");
	t.at_ms = trial_time("2026-06-01T00:00:00Z");
	trial_refused(&t, CSN_E_EXPIRED, "chain");
	trial_end(&t);
}
