/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/test_tdx.c - Intel TDX quotes, made up and real. */
#include <jansson.h>

#include "lib/test.h"
#include "platform/evidence.h"
#include "platform/fake_tdx.h"
#include "platform/json_span.h"

static struct fake_tdx *
begin(struct trial *t, int version)
{
	struct fake_tdx *s = fake_tdx_new();
	struct fake_tdx_quote q;

	trial_start(t, CSN_PLATFORM_TDX);
	fake_tdx_defaults(&q, version, NULL);
	t->evidence = fake_tdx_quote(s, &q);
	t->root = fake_tdx_root(s);
	t->collateral[0] = fake_tdx_bundle(s, NULL);
	return s;
}

static void
end(struct trial *t, struct fake_tdx *s)
{
	fake_tdx_free(s);
	trial_end(t);
}

/* The same platform's quote of another making. */
static void
quote(struct trial *t, const struct fake_tdx *s,
    const struct fake_tdx_quote *q)
{
	trial_set(&t->evidence, fake_tdx_quote(s, q));
}

TEST(verifies_both_versions_with_collateral)
{
	static const char *const checks[] = {
		"form", "chain", "revocation", "qe_signature", "qe_binding",
		"signature", "tcb_info", "tcb", "tdx_module",
		"qe_identity_info", "qe_identity", "debug"
	};
	struct fake_tdx_quote q;
	struct fake_tdx *s;
	struct trial t;
	size_t i;
	int version;

	for (version = 4; version <= 5; version++) {
		s = begin(&t, version);
		t.require = CSN_REQUIRE_COLLATERAL;
		trial_good(&t);
		for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
			trial_expect(&t, checks[i], "passed");
		trial_expect(&t, "nonce", "skipped");
		trial_expect(&t, "mr_td", "skipped");
		trial_expect(&t, "policy", "skipped");
		end(&t, s);
	}
	/* Version 5 with the body of TDX 1.0. */
	s = begin(&t, 5);
	fake_tdx_defaults(&q, 5, NULL);
	q.td15 = 0;
	quote(&t, s, &q);
	trial_good(&t);
	end(&t, s);
}

TEST(takes_collateral_in_pieces_or_not_at_all)
{
	struct fake_tdx *s;
	struct trial t;

	s = begin(&t, 4);
	trial_set(&t.collateral[0], fake_tdx_tcb_info(s, NULL));
	t.collateral[1] = fake_tdx_qe_identity(s, NULL);
	t.collateral[2] = fake_tdx_pck_crl(s, NULL);
	t.collateral[3] = fake_tdx_root_crl(s, NULL);
	trial_refused(&t, CSN_E_SIGNER, "tcb_info");
	t.collateral[4] = fake_tdx_signers(s);
	t.require = CSN_REQUIRE_COLLATERAL;
	trial_good(&t);
	/* Without the root's CRL the platform CA was not looked up. */
	trial_set(&t.collateral[3], (struct fake_bytes){ NULL, 0 });
	trial_refused(&t, CSN_E_POLICY, "revocation");
	t.require = 0;
	trial_good(&t);
	trial_expect(&t, "revocation", "skipped");
	trial_set(&t.collateral[0], (struct fake_bytes){ NULL, 0 });
	trial_set(&t.collateral[1], (struct fake_bytes){ NULL, 0 });
	trial_good(&t);
	trial_expect(&t, "tcb", "skipped");
	trial_expect(&t, "qe_identity", "skipped");
	t.require = CSN_REQUIRE_COLLATERAL;
	trial_refused(&t, CSN_E_POLICY, "revocation");
	trial_expect(&t, "tcb", "failed");
	end(&t, s);
}

TEST(refuses_each_for_its_own_reason)
{
	struct fake_tdx *s, *other;
	struct fake_tdx_quote q;
	struct trial t;
	size_t len;

	s = begin(&t, 4);
	len = t.evidence.len;

	t.evidence.len = 40;
	trial_refused(&t, CSN_E_FORM, "form");
	t.evidence.len = 0x27a;
	trial_refused(&t, CSN_E_FORM, "form");
	t.evidence.len = len - 1;
	trial_refused(&t, CSN_E_FORM, "form");
	t.evidence.len = len;
	t.evidence.p[0] = 3;
	trial_refused(&t, CSN_E_VERSION, "form");
	t.evidence.p[0] = 5;		/* has no type of body then */
	trial_refused(&t, CSN_E_FORM, "form");
	t.evidence.p[0] = 4;
	t.evidence.p[4] = 0;		/* SGX */
	trial_refused(&t, CSN_E_FORM, "form");
	t.evidence.p[4] = 0x81;
	t.evidence.p[2] = 3;
	trial_refused(&t, CSN_E_FORM, "form");
	t.evidence.p[2] = 2;
	/* What a file has behind the quote is none of it. */
	fake_put_text(&t.evidence, "more bytes");
	trial_good(&t);
	t.evidence.len = len;

	t.evidence.p[48 + FAKE_TDX_MR_TD] ^= 1;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	t.evidence.p[48 + FAKE_TDX_MR_TD] ^= 1;
	t.evidence.p[0x27c] ^= 1;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	t.evidence.p[0x27c] ^= 1;
	/* Another attestation key is not the one that the QE reports. */
	t.evidence.p[0x27c + 64] ^= 1;
	trial_refused(&t, CSN_E_SIGNATURE, "qe_binding");
	t.evidence.p[0x27c + 64] ^= 1;
	t.evidence.p[0x27c + 134] ^= 1;	/* the QE's report */
	trial_refused(&t, CSN_E_SIGNATURE, "qe_signature");
	t.evidence.p[0x27c + 134] ^= 1;
	trial_good(&t);

	fake_tdx_defaults(&q, 4, NULL);
	q.wrong_binding = 1;
	quote(&t, s, &q);
	trial_refused(&t, CSN_E_SIGNATURE, "qe_binding");
	fake_tdx_defaults(&q, 4, NULL);
	q.body[FAKE_TDX_ATTRIBUTES] = 1;
	quote(&t, s, &q);
	trial_refused(&t, CSN_E_POLICY, "debug");
	t.policy = "{\"platform\":{\"tdx\":{\"allow_debug\":true}}}";
	trial_good(&t);
	t.policy = NULL;
	fake_tdx_defaults(&q, 4, NULL);
	q.qe[48] = 0x13;		/* a debug enclave */
	quote(&t, s, &q);
	trial_set(&t.collateral[0], (struct fake_bytes){ NULL, 0 });
	trial_refused(&t, CSN_E_POLICY, "debug");
	trial_set(&t.collateral[0], fake_tdx_bundle(s, NULL));
	trial_refused(&t, CSN_E_POLICY, "qe_identity");

	fake_tdx_defaults(&q, 4, NULL);
	quote(&t, s, &q);
	trial_good(&t);
	other = fake_tdx_new();
	trial_set(&t.root, fake_tdx_root(other));
	trial_refused(&t, CSN_E_SIGNER, "chain");
	trial_set(&t.root, (struct fake_bytes){ NULL, 0 });
	trial_refused(&t, CSN_E_SIGNER, "chain");
	fake_tdx_free(other);
	end(&t, s);
}

/* Collateral that says this, and what becomes of the check. */
static void
with(struct trial *t, const struct fake_tdx *s,
    const struct fake_tdx_collateral *c, int code, const char *check)
{
	trial_set(&t->collateral[0], fake_tdx_bundle(s, c));
	if (code == 0)
		trial_good(t);
	else
		trial_refused(t, code, check);
}

TEST(judges_the_platform_by_its_collateral)
{
	struct fake_tdx_collateral c;
	struct fake_tdx_quote q;
	struct fake_tdx *s;
	struct trial t;

	s = begin(&t, 4);
#define SAYS(...) (c = (struct fake_tdx_collateral){ __VA_ARGS__ }, &c)
	with(&t, s, SAYS(.wrong_signature = 1), CSN_E_SIGNATURE, "tcb_info");
	with(&t, s, SAYS(.wrong_signature = 2), CSN_E_SIGNATURE,
	    "qe_identity_info");
	with(&t, s, SAYS(.next = "2025-12-31T00:00:00Z"), CSN_E_EXPIRED,
	    "tcb_info");
	with(&t, s, SAYS(.issued = "2026-01-02T00:00:00Z"), CSN_E_EXPIRED,
	    "tcb_info");
	with(&t, s, SAYS(.issued = "yesterday"), CSN_E_FORM, "tcb_info");
	with(&t, s, SAYS(.fmspc = "00906ed50001"), CSN_E_FORM, "tcb");
	with(&t, s, SAYS(.revoke_leaf = 1), CSN_E_SIGNER, "revocation");
	with(&t, s, SAYS(.revoke_ca = 1), CSN_E_SIGNER, "revocation");
	with(&t, s, SAYS(.crl_until = "20251231000000Z"), CSN_E_EXPIRED,
	    "revocation");
	/* A newer level than the platform has reached: the next one. */
	with(&t, s, SAYS(.level = 6), CSN_E_POLICY, "tcb");
	assert_non_null(strstr(trial_detail(&t, "tcb"), "OutOfDate"));
	with(&t, s, SAYS(.module = 7), CSN_E_POLICY, "tdx_module");
	assert_non_null(strstr(trial_detail(&t, "tdx_module"),
	    "INTEL-SA-00001"));
	with(&t, s, SAYS(.qe_level = 5), CSN_E_POLICY, "qe_identity");
	with(&t, s, SAYS(.qe_signer = "00000000000000000000000000000000"
	    "00000000000000000000000000000000"), CSN_E_POLICY,
	    "qe_identity");
	with(&t, s, SAYS(.status = "Revoked"), CSN_E_POLICY, "tcb");
	with(&t, s, SAYS(.status = "SWHardeningNeeded"), CSN_E_POLICY,
	    "tcb");
	t.policy = "{\"platform\":{\"tdx\":{\"tcb_status\":"
	    "[\"UpToDate\",\"SWHardeningNeeded\"]}}}";
	with(&t, s, SAYS(.status = "SWHardeningNeeded"), 0, NULL);
	with(&t, s, SAYS(.status = "OutOfDate"), CSN_E_POLICY, "tcb");
	with(&t, s, SAYS(.status = "Revoked"), CSN_E_POLICY, "tcb");
	t.policy = "{\"platform\":{\"tdx\":{\"min_tcb_evaluation\":18}}}";
	with(&t, s, NULL, CSN_E_POLICY, "min_tcb_evaluation");
	t.policy = NULL;

	/* Below every level: the oldest wants 2 of each. */
	fake_tdx_defaults(&q, 4, NULL);
	q.body[FAKE_TDX_TEE_TCB_SVN + 2] = 1;
	quote(&t, s, &q);
	with(&t, s, NULL, CSN_E_POLICY, "tcb");
	/* A module that is not Intel's, or of an unknown version. */
	fake_tdx_defaults(&q, 4, NULL);
	q.body[FAKE_TDX_SEAM_SIGNER] = 1;
	quote(&t, s, &q);
	with(&t, s, NULL, CSN_E_POLICY, "seam");
	trial_expect(&t, "tdx_module", "failed");
	fake_tdx_defaults(&q, 4, NULL);
	q.body[FAKE_TDX_SEAM_ATTRIBUTES] = 1;
	quote(&t, s, &q);
	with(&t, s, NULL, CSN_E_POLICY, "seam");
	trial_expect(&t, "tdx_module", "failed");
	fake_tdx_defaults(&q, 4, NULL);
	q.body[FAKE_TDX_TEE_TCB_SVN + 1] = 9;
	quote(&t, s, &q);
	with(&t, s, NULL, CSN_E_POLICY, "tdx_module");
	/* A module without a version is judged with the platform. */
	q.body[FAKE_TDX_TEE_TCB_SVN + 1] = 0;
	quote(&t, s, &q);
	with(&t, s, NULL, CSN_E_POLICY, "tcb");
	trial_expect(&t, "tdx_module", "passed");
#undef SAYS
	end(&t, s);
}

TEST(takes_no_malformed_collateral)
{
	static const char *const bad[] = {
		"{", "{\"tcbInfo\":{}}", "{\"tcbInfo\":[],\"signature\":7}",
		"{\"tcb_info\":7}", "{\"pck_crl\":\"00\"}",
		"{\"pck_crl\":7}", "{\"tcb_info\":\"{}\"}", "junk",
	};
	struct fake_tdx *s;
	struct trial t;
	uint8_t *p;
	size_t i;

	s = begin(&t, 4);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		trial_set(&t.collateral[0], (struct fake_bytes){ NULL, 0 });
		fake_put_text(&t.collateral[0], "%s", bad[i]);
		trial_refused(&t, CSN_E_FORM, "collateral");
	}
	/* Nor a certificate that is none, beside the quote or in it. */
	trial_set(&t.collateral[0], (struct fake_bytes){ NULL, 0 });
	fake_put_text(&t.certs[0], "junk");
	trial_refused(&t, CSN_E_FORM, "certificates");
	trial_set(&t.certs[0], (struct fake_bytes){ NULL, 0 });
	p = memmem(t.evidence.p, t.evidence.len, "-----END", 8);
	assert_non_null(p);
	*p = 'X';
	trial_refused(&t, CSN_E_FORM, "certificates");
	*p = '-';
	/* Two of a kind: which one counts? */
	trial_set(&t.collateral[0], fake_tdx_bundle(s, NULL));
	t.collateral[1] = fake_tdx_tcb_info(s, NULL);
	trial_refused(&t, CSN_E_FORM, "collateral");
	end(&t, s);
}

TEST(compares_what_the_policy_names)
{
	static const struct {
		const char *member, *check;
		char digits[3];
	} cases[] = {
		{ "mr_td", "mr_td", "4d" }, { "rtmr0", "rtmr0", "60" },
		{ "rtmr1", "rtmr1", "61" }, { "rtmr2", "rtmr2", "62" },
		{ "rtmr3", "rtmr3", "63" }, { "mr_seam", "mr_seam", "5e" },
		{ "mr_owner", "mr_owner", "00" },
		{ "mr_service_td", "mr_service_td", "00" },
	};
	struct fake_bytes policy = { NULL, 0 };
	uint8_t data[64] = { 9, 8, 7 };
	struct fake_tdx_quote q;
	struct fake_tdx *s;
	struct trial t;
	size_t i;
	int k, good;

	s = begin(&t, 5);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (good = 0; good < 2; good++) {
			trial_set(&policy, (struct fake_bytes){ NULL, 0 });
			fake_put_text(&policy, "{\"platform\":{\"tdx\":"
			    "{\"%s\":\"", cases[i].member);
			for (k = 0; k < 48; k++)
				fake_put_text(&policy, "%s",
				    good || k < 47 ? cases[i].digits : "77");
			fake_put_text(&policy, "\"}}}");
			t.policy = (const char *)policy.p;
			if (good) {
				trial_good(&t);
				trial_expect(&t, "rtmr", strncmp(
				    cases[i].member, "rtmr", 4) == 0 ?
				    "absent" : "skipped");
				trial_expect(&t, cases[i].check, "passed");
			} else {
				trial_refused(&t, CSN_E_POLICY,
				    cases[i].check);
			}
		}
	}
	t.policy = "{\"platform\":{\"tdx\":{\"td_attributes\":"
	    "\"0000001000000000\",\"xfam\":\"e700000000000000\","
	    "\"fmspc\":\"00906ED50000\"}}}";
	trial_good(&t);
	t.policy = "{\"platform\":{\"tdx\":{\"fmspc\":\"00906ed50001\"}}}";
	trial_refused(&t, CSN_E_POLICY, "fmspc");
	t.policy = NULL;

	fake_tdx_defaults(&q, 5, data);
	quote(&t, s, &q);
	t.nonce = data;
	t.nonce_len = 64;
	trial_good(&t);
	trial_expect(&t, "nonce", "passed");
	data[0]++;
	trial_refused(&t, CSN_E_REPLAY, "nonce");
	free(policy.p);
	end(&t, s);
}

TEST(finds_a_members_bytes)
{
	static const char text[] = " { \"a\" : \"x}\\\"{\" ,\n\"b\":"
	    "[1,{\"c\":2}] , \"c\" : {\"d\":\"]\"}, \"e\":-1.5e3,\"f\":true }";
	static const struct {
		const char *name, *value;
	} cases[] = {
		{ "a", "\"x}\\\"{\"" }, { "b", "[1,{\"c\":2}]" },
		{ "c", "{\"d\":\"]\"}" }, { "e", "-1.5e3" },
		{ "f", "true " },
	};
	const char *p;
	json_t *o;
	size_t i, n;

	assert_non_null(o = json_loads(text, 0, NULL));
	json_decref(o);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		p = csn_json_span(text, sizeof(text) - 1, cases[i].name, &n);
		assert_non_null(p);
		assert_int_equal(n, strlen(cases[i].value));
		assert_memory_equal(p, cases[i].value, n);
	}
	assert_null(csn_json_span(text, sizeof(text) - 1, "d", &n));
	assert_null(csn_json_span("[]", 2, "d", &n));
	assert_null(csn_json_span("", 0, "d", &n));
}

/* Nothing is guessed of a text that no parser would have accepted. */
TEST(finds_nothing_in_what_is_no_json)
{
	static const char *const bad[] = {
		"{,\"d\":1}", "{\"a\":1,,\"d\":1}", "{\"a\":1 \"d\":1}",
		"{\"d\"::1}", "{\"d\" 1}", "{\"d\",1}", "{\"d\":,1}",
		"{\"d\":}", "{\"d\":", "{\"d\"", "{\"d", ":{\"d\":1}",
		",{\"d\":1}", "{:\"d\":1}", "{\"a\":1:\"d\":1}", "{\"d\\",
	};
	size_t i, n;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (csn_json_span(bad[i], strlen(bad[i]), "d", &n) != NULL)
			fail_msg("found in %s", bad[i]);
	}
}

/* A mebibyte is more than any platform's evidence has. */
TEST(evidence_has_a_greatest_length)
{
	struct trial t;
	char *json;

	trial_start(&t, CSN_PLATFORM_TDX);
	t.evidence.len = CSN_PLATFORM_MAX_EVIDENCE + 1;
	t.evidence.p = calloc(t.evidence.len, 1);
	assert_non_null(t.evidence.p);
	trial_refused_for(&t, "too long", CSN_E_FORM, "form",
	    "evidence of 1048577 bytes is more than any platform's");
	assert_int_equal(csn_platform_json(t.ctx, t.platform, t.evidence.p,
	    t.evidence.len, &json), CSN_E_FORM);
	assert_non_null(strstr(csn_message(), "1048577"));
	t.evidence.len--;
	assert_int_equal(trial_run(&t), CSN_E_VERSION);
	assert_int_equal(csn_platform_json(t.ctx, t.platform, t.evidence.p,
	    t.evidence.len, &json), CSN_E_VERSION);
	assert_int_equal(csn_platform_json(t.ctx, t.platform, NULL, 0,
	    &json), CSN_E_ARG);
	trial_end(&t);
}

/* As many files as there may be, and nonces of each platform's length. */
TEST(options_have_their_bounds)
{
	static const struct {
		int platform;
		size_t nonce_len;
		int code;
	} rows[] = {
		{ CSN_PLATFORM_SEV_SNP, 0, CSN_E_ARG },
		{ CSN_PLATFORM_SEV_SNP, 1, CSN_E_FORM },
		{ CSN_PLATFORM_SEV_SNP, 64, CSN_E_FORM },
		{ CSN_PLATFORM_SEV_SNP, 65, CSN_E_ARG },
		{ CSN_PLATFORM_TDX, 0, CSN_E_ARG },
		{ CSN_PLATFORM_TDX, 64, CSN_E_FORM },
		{ CSN_PLATFORM_TDX, 65, CSN_E_ARG },
		{ CSN_PLATFORM_NVIDIA, 31, CSN_E_ARG },
		{ CSN_PLATFORM_NVIDIA, 32, CSN_E_FORM },
		{ CSN_PLATFORM_NVIDIA, 33, CSN_E_ARG },
		{ CSN_PLATFORM_TPM2, 0, CSN_E_ARG },
		{ CSN_PLATFORM_TPM2, 64, CSN_E_FORM },
		{ CSN_PLATFORM_TPM2, 65, CSN_E_ARG },
	};
	struct csn_bytes blobs[CSN_PLATFORM_MAX_BLOBS + 1];
	struct csn_platform_options o = {
		.size = sizeof(o), .certs = blobs, .collateral = blobs
	};
	uint8_t nonce[65] = { 0 };
	struct fake_tdx *s;
	struct trial t;
	size_t i;

	s = begin(&t, 4);
	assert_int_equal(csn_result_new(t.ctx, &t.result), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		o.nonce = nonce;
		o.nonce_len = rows[i].nonce_len;
		assert_int_equal(csn_platform_verify(t.ctx, rows[i].platform,
		    nonce, 8, &o, t.result), rows[i].code);
	}
	o.nonce = NULL;
	for (i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++)
		blobs[i] = (struct csn_bytes){ (const uint8_t *)"x", 1 };
	for (i = 0; i < 2; i++) {
		o.ncerts = i == 0 ? CSN_PLATFORM_MAX_BLOBS + 1 : 0;
		o.ncollateral = i == 1 ? CSN_PLATFORM_MAX_BLOBS + 1 : 0;
		assert_int_equal(csn_platform_verify(t.ctx, t.platform,
		    t.evidence.p, t.evidence.len, &o, t.result), CSN_E_ARG);
		assert_non_null(strstr(csn_message(), "too many"));
		o.ncerts -= i == 0;
		o.ncollateral -= i == 1;
		assert_int_equal(csn_platform_verify(t.ctx, t.platform,
		    t.evidence.p, t.evidence.len, &o, t.result), CSN_E_FORM);
	}
	assert_int_equal(csn_platform_verify(t.ctx, 0, nonce, 8, NULL,
	    t.result), CSN_E_ARG);
	assert_int_equal(csn_platform_verify(t.ctx, 5, nonce, 8, NULL,
	    t.result), CSN_E_ARG);
	assert_int_equal(csn_platform_verify(t.ctx, t.platform, nonce, 8,
	    NULL, NULL), CSN_E_ARG);
	assert_int_equal(csn_platform_verify(t.ctx, t.platform, NULL, 0,
	    NULL, t.result), CSN_E_ARG);
	end(&t, s);
}

TEST(tells_a_text_from_a_quote)
{
	struct trial t;

	trial_start(&t, CSN_PLATFORM_TDX);
	fake_put_text(&t.evidence, "no quote");
	trial_refused(&t, CSN_E_FORM, "form");
	assert_non_null(strstr(trial_detail(&t, "form"), "no TDX quote"));
	trial_end(&t);
}

TEST(shows_a_quote_to_people)
{
	struct fake_tdx *s;
	struct trial t;
	json_t *o, *qe;
	char *json;

	s = begin(&t, 5);
	assert_int_equal(csn_platform_json(t.ctx, t.platform, t.evidence.p,
	    t.evidence.len, &json), 0);
	assert_non_null(o = json_loads(json, 0, NULL));
	assert_int_equal(json_integer_value(json_object_get(o, "version")),
	    5);
	assert_int_equal(json_string_length(json_object_get(o, "rtmr3")),
	    96);
	assert_non_null(json_object_get(o, "mr_service_td"));
	/* What to ask Intel for. */
	assert_string_equal(json_string_value(json_object_get(o, "fmspc")),
	    "00906ed50000");
	assert_string_equal(json_string_value(json_object_get(o, "pce_id")),
	    "0000");
	assert_int_equal(json_integer_value(json_object_get(o, "pce_svn")),
	    5);
	qe = json_object_get(o, "qe");
	assert_int_equal(json_integer_value(json_object_get(qe,
	    "isvprodid")), 2);
	assert_int_equal(json_integer_value(json_object_get(qe, "isvsvn")),
	    4);
	assert_memory_equal(json_string_value(json_object_get(qe,
	    "mrsigner")), "dc9e2a7c", 8);
	assert_string_equal(json_string_value(json_object_get(qe,
	    "attributes")), "11000000000000000000000000000000");
	json_decref(o);
	/* A chain that does not read is no reason to show nothing. */
	*strstr((char *)memmem(t.evidence.p, t.evidence.len, "-----BEGIN",
	    10), "CERTIFICATE") = 'X';
	csn_free(json);
	assert_int_equal(csn_platform_json(t.ctx, t.platform, t.evidence.p,
	    t.evidence.len, &json), 0);
	assert_non_null(strstr(json, "\"fmspc\":null,\"pce_id\":null"));
	csn_free(json);
	end(&t, s);
}

/* --- real evidence ---------------------------------------------------- */

TEST(verifies_a_real_quote_with_its_collateral)
{
	struct trial t;

	trial_start(&t, CSN_PLATFORM_TDX);
	t.evidence = trial_vector("tdx/phala-quote.dat");
	t.collateral[0] = trial_vector("tdx/phala-collateral.json");
	t.at_ms = trial_time("2025-07-01T00:00:00Z");
	t.require = CSN_REQUIRE_COLLATERAL;
	trial_good(&t);
	trial_expect(&t, "tcb", "passed");
	trial_expect(&t, "tdx_module", "passed");
	trial_expect(&t, "qe_identity", "passed");
	trial_expect(&t, "revocation", "passed");
	assert_non_null(strstr(trial_detail(&t, "tcb"), "UpToDate"));
	t.at_ms = trial_time("2025-08-01T00:00:00Z");
	trial_refused(&t, CSN_E_EXPIRED, "revocation");
	trial_expect(&t, "tcb_info", "failed");
	t.at_ms = trial_time("2033-01-01T00:00:00Z");
	trial_refused(&t, CSN_E_EXPIRED, "chain");
	t.at_ms = trial_time("2025-07-01T00:00:00Z");
	t.evidence.p[200] ^= 1;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	trial_end(&t);
}

TEST(verifies_a_real_quote_with_other_answers)
{
	struct trial t;

	trial_start(&t, CSN_PLATFORM_TDX);
	t.evidence = trial_vector("tdx/quote-v4-spr.dat");
	t.collateral[0] = trial_vector("tdx/pckcrl");
	t.collateral[1] = trial_vector("tdx/rootcrl.der");
	t.at_ms = trial_time("2023-06-20T00:00:00Z");
	trial_good(&t);
	trial_expect(&t, "revocation", "passed");
	trial_expect(&t, "tcb", "skipped");
	/* Answers whose signer's certificate did not come with them. */
	t.collateral[2] = trial_vector("tdx/sample_tcbInfo_response");
	t.collateral[3] = trial_vector("tdx/sample_qeIdentity_response");
	trial_refused(&t, CSN_E_SIGNER, "tcb_info");
	trial_expect(&t, "qe_identity_info", "failed");
	trial_end(&t);
}
