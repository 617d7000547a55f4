/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/test_tpm.c - quotes of a TPM that is made up. */
#include <jansson.h>

#include "lib/test.h"
#include "platform/evidence.h"
#include "platform/fake_tpm.h"

static const uint8_t nonce[32] = { 0xaa, 0xbb };

#define SEVEN "0707070707070707070707070707070707070707070707070707070707070707"
#define EIGHT "0808080808080808080808080808080808080808080808080808080808080808"
#define TWENTY_THREE "171717171717171717171717171717171717171717171717" \
    "171717171717171717171717171717171717171717171717"

struct stage {
	struct fake_tpm *tpm;
	struct fake_tpm_quote q;
	struct fake_bytes policy;
	struct trial t;
};

/* A policy that knows the key, with these members before it. */
static void
ask(struct stage *s, const char *members)
{
	free(s->policy.p);
	s->policy = fake_tpm_policy("key", fake_tpm_key(s->tpm), members);
	s->t.policy = (const char *)s->policy.p;
}

/* The quote anew, after s->q was changed; q is the good one again. */
static void
quote(struct stage *s)
{
	trial_set(&s->t.evidence, fake_tpm_evidence(s->tpm, &s->q));
	fake_tpm_defaults(s->tpm, &s->q, nonce, sizeof(nonce));
}

static void
begin(struct stage *s, enum fake_key key)
{
	memset(s, 0, sizeof(*s));
	s->tpm = fake_tpm_new(key, 1);
	trial_start(&s->t, CSN_PLATFORM_TPM2);
	s->t.nonce = nonce;
	s->t.nonce_len = sizeof(nonce);
	fake_tpm_defaults(s->tpm, &s->q, nonce, sizeof(nonce));
	quote(s);
	ask(s, "");
}

static void
end(struct stage *s)
{
	fake_tpm_free(s->tpm);
	free(s->policy.p);
	trial_end(&s->t);
}

TEST(verifies_every_signature_that_it_takes)
{
	static const struct {
		enum fake_key key;
		uint16_t scheme;
		uint16_t hash;
	} kinds[] = {
		{ FAKE_RSA, FAKE_TPM_RSASSA, FAKE_TPM_SHA256 },
		{ FAKE_RSA, FAKE_TPM_RSASSA, FAKE_TPM_SHA384 },
		{ FAKE_RSA, FAKE_TPM_RSAPSS, FAKE_TPM_SHA256 },
		{ FAKE_RSA, FAKE_TPM_RSAPSS, FAKE_TPM_SHA384 },
		{ FAKE_P256, FAKE_TPM_ECDSA, FAKE_TPM_SHA256 },
		{ FAKE_P384, FAKE_TPM_ECDSA, FAKE_TPM_SHA384 },
		{ FAKE_P384, FAKE_TPM_ECDSA, FAKE_TPM_SHA256 },
	};
	struct stage s;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		begin(&s, kinds[i].key);
		s.q.scheme = kinds[i].scheme;
		s.q.hash = kinds[i].hash;
		quote(&s);
		s.t.require = CSN_REQUIRE_NONCE | CSN_REQUIRE_POLICY;
		trial_good(&s.t);
		trial_expect(&s.t, "form", "passed");
		trial_expect(&s.t, "key", "passed");
		trial_expect(&s.t, "signature", "passed");
		trial_expect(&s.t, "nonce", "passed");
		trial_expect(&s.t, "pcr_digest", "passed");
		trial_expect(&s.t, "pcrs", "skipped");
		trial_expect(&s.t, "clock", "passed");
		assert_non_null(strstr(trial_detail(&s.t, "clock"),
		    "reset count 12, restart count 3"));
		s.t.evidence.p[60] ^= 1;
		trial_refused(&s.t, CSN_E_SIGNATURE, "signature");
		end(&s);
	}
}

TEST(refuses_what_is_no_quote)
{
	struct stage s;
	size_t len, i;

	begin(&s, FAKE_P256);
	s.q.magic = 0xff544348;
	quote(&s);
	trial_refused(&s.t, CSN_E_FORM, "form");
	assert_non_null(strstr(trial_detail(&s.t, "form"), "no TPM made it"));
	s.q.type = 0x8017;		/* TPM_ST_ATTEST_CERTIFY */
	quote(&s);
	trial_refused(&s.t, CSN_E_FORM, "form");
	assert_non_null(strstr(trial_detail(&s.t, "form"), "0x8017"));
	s.q.bank_twice = 1;
	quote(&s);
	trial_refused(&s.t, CSN_E_FORM, "form");
	quote(&s);
	len = s.t.evidence.len;
	for (i = 0; i < len; i++) {
		s.t.evidence.len = i;
		/* The two first pieces alone are whole. */
		if (i == len - 2 - 3 * 32)
			continue;
		trial_refused(&s.t, CSN_E_FORM, "form");
	}
	s.t.evidence.len = len;
	fake_put(&s.t.evidence, "", 1);
	trial_refused(&s.t, CSN_E_FORM, "form");
	end(&s);
}

TEST(refuses_algorithms_that_it_does_not_take)
{
	struct stage s;

	begin(&s, FAKE_P256);
	s.q.scheme = 0x001a;		/* TPM_ALG_ECDAA */
	quote(&s);
	trial_refused(&s.t, CSN_E_ALGORITHM, "algorithms");
	assert_non_null(strstr(trial_detail(&s.t, "algorithms"), "0x001a"));
	s.q.hash = FAKE_TPM_SHA1;
	quote(&s);
	trial_refused(&s.t, CSN_E_ALGORITHM, "algorithms");
	s.q.bank = FAKE_TPM_SHA1;
	quote(&s);
	trial_refused(&s.t, CSN_E_ALGORITHM, "algorithms");
	assert_non_null(strstr(trial_detail(&s.t, "algorithms"), "PCRs"));
	/* A bank that is listed and of which nothing is selected. */
	s.q.bank = FAKE_TPM_SHA1;
	s.q.pcrs = 0;
	quote(&s);
	trial_good(&s.t);
	end(&s);
}

TEST(trusts_nobody_whom_the_verifier_does_not_name)
{
	struct fake_tpm *other = fake_tpm_new(FAKE_P256, 1);
	struct fake_tpm *rsa = fake_tpm_new(FAKE_RSA, 1);
	struct fake_bytes both = fake_tpm_key(other), mine;
	struct stage s;

	begin(&s, FAKE_P256);
	s.t.policy = NULL;
	trial_refused(&s.t, CSN_E_SIGNER, "key");
	/* Not even with its certificate beside the quote. */
	s.t.certs[0] = fake_tpm_cert(s.tpm);
	s.t.certs[1] = fake_tpm_root(s.tpm);
	trial_refused(&s.t, CSN_E_SIGNER, "key");
	free(s.policy.p);
	s.policy = fake_tpm_policy("key", fake_tpm_key(other), "");
	s.t.policy = (const char *)s.policy.p;
	trial_refused(&s.t, CSN_E_SIGNATURE, "signature");
	free(s.policy.p);
	s.policy = fake_tpm_policy("key", fake_tpm_key(rsa), "");
	s.t.policy = (const char *)s.policy.p;
	trial_refused(&s.t, CSN_E_SIGNER, "signature");
	/* Of several machines' keys it is the second's. */
	mine = fake_tpm_key(s.tpm);
	fake_put(&both, mine.p, mine.len);
	free(mine.p);
	free(s.policy.p);
	s.policy = fake_tpm_policy("key", both, "");
	s.t.policy = (const char *)s.policy.p;
	trial_good(&s.t);
	assert_non_null(strstr(trial_detail(&s.t, "signature"), "key 2"));
	fake_tpm_free(other);
	fake_tpm_free(rsa);
	end(&s);
}

TEST(follows_a_certificate_to_the_policys_root)
{
	struct fake_tpm *other = fake_tpm_new(FAKE_P256, 1);
	struct fake_tpm_quote q;
	struct fake_tpm *web;
	struct stage s;
	int i;

	begin(&s, FAKE_P256);
	free(s.policy.p);
	s.policy = fake_tpm_policy("root", fake_tpm_root(s.tpm), "");
	s.t.policy = (const char *)s.policy.p;
	trial_refused(&s.t, CSN_E_SIGNER, "chain");
	s.t.certs[0] = fake_tpm_cert(other);
	s.t.certs[1] = fake_tpm_cert(s.tpm);
	trial_good(&s.t);
	trial_expect(&s.t, "chain", "passed");
	trial_expect(&s.t, "revocation", "skipped");
	trial_expect(&s.t, "signature", "passed");
	s.t.collateral[0] = fake_tpm_crl(s.tpm, 0);
	trial_good(&s.t);
	trial_expect(&s.t, "revocation", "passed");
	trial_set(&s.t.collateral[0], fake_tpm_crl(s.tpm, 1));
	trial_refused(&s.t, CSN_E_SIGNER, "revocation");
	trial_set(&s.t.collateral[0], (struct fake_bytes){ NULL, 0 });
	s.t.at_ms = trial_time("2050-01-01T00:00:00Z");
	trial_refused(&s.t, CSN_E_EXPIRED, "chain");
	s.t.at_ms = FAKE_NOW_MS;
	/* The quote of a TPM whose maker nobody trusts. */
	fake_tpm_defaults(other, &q, nonce, sizeof(nonce));
	trial_set(&s.t.evidence, fake_tpm_evidence(other, &q));
	trial_refused(&s.t, CSN_E_SIGNER, "chain");
	/* A root as an option stands for that of the policy. */
	s.t.root = fake_tpm_root(other);
	trial_good(&s.t);
	/* A CA's certificate for another purpose, and for one of its kind. */
	trial_set(&s.t.certs[1], (struct fake_bytes){ NULL, 0 });
	for (i = 0; i < 2; i++) {
		web = fake_tpm_new(FAKE_P256, i == 0 ? 0 : 2);
		trial_set(&s.t.evidence, fake_tpm_evidence(web, &q));
		trial_set(&s.t.certs[0], fake_tpm_cert(web));
		trial_set(&s.t.root, fake_tpm_root(web));
		trial_refused_for(&s.t, "usage", CSN_E_SIGNER, "chain",
		    "2.23.133.8.3");
		fake_tpm_free(web);
	}
	fake_tpm_free(other);
	end(&s);
}

/* As many banks as a TPM may have, and not one more. */
TEST(takes_sixteen_banks)
{
	struct stage s;

	begin(&s, FAKE_P256);
	s.q.more_banks = 15;
	quote(&s);
	ask(&s, "\"pcrs\":{\"sha256:7\":\"" SEVEN "\"},");
	trial_good(&s.t);
	trial_expect(&s.t, "pcrs sha256:7", "passed");
	s.q.more_banks = 16;
	quote(&s);
	trial_refused_for(&s.t, "seventeen", CSN_E_FORM, "form",
	    "has no list of selected PCRs");
	/* And as many PCRs. */
	s.q.more_banks = 0;
	s.q.wide = 1;
	quote(&s);
	trial_good(&s.t);
	s.q.wide = 2;
	quote(&s);
	trial_refused_for(&s.t, "40 PCRs", CSN_E_FORM, "form",
	    "selects PCRs past the 31st");
	end(&s);
}

TEST(binds_it_to_its_nonce)
{
	uint8_t longer[33] = { 0xaa, 0xbb };
	struct stage s;

	begin(&s, FAKE_P256);
	s.t.nonce = longer;
	s.t.nonce_len = 32;
	trial_good(&s.t);
	longer[31] = 1;
	trial_refused(&s.t, CSN_E_REPLAY, "nonce");
	longer[31] = 0;
	/* Zeros are not made up, on either side. */
	s.t.nonce_len = 33;
	trial_refused(&s.t, CSN_E_REPLAY, "nonce");
	s.t.nonce_len = 31;
	trial_refused(&s.t, CSN_E_REPLAY, "nonce");
	s.q.nonce_len = 0;
	quote(&s);
	trial_refused(&s.t, CSN_E_REPLAY, "nonce");
	s.t.nonce = NULL;
	trial_good(&s.t);
	trial_expect(&s.t, "nonce", "skipped");
	end(&s);
}

TEST(compares_pcrs_with_the_policy)
{
	struct stage s;

	begin(&s, FAKE_P256);
	ask(&s, "\"pcrs\":{\"sha256:7\":[\"" EIGHT "\",\"" SEVEN "\"]},");
	trial_good(&s.t);
	trial_expect(&s.t, "pcrs sha256:7", "passed");
	trial_expect(&s.t, "pcrs", "absent");
	ask(&s, "\"pcrs\":{\"sha256:7\":\"" EIGHT "\"},");
	trial_refused(&s.t, CSN_E_POLICY, "pcrs sha256:7");
	/* One that was not quoted. */
	ask(&s, "\"pcrs\":{\"sha256:8\":\"" EIGHT "\"},");
	trial_refused(&s.t, CSN_E_POLICY, "pcrs sha256:8");
	/* Values that are not what was signed are compared with nothing. */
	ask(&s, "\"pcrs\":{\"sha256:7\":\"" SEVEN "\"},");
	s.q.other_pcr = 1;
	quote(&s);
	trial_refused(&s.t, CSN_E_SIGNATURE, "pcr_digest");
	trial_expect(&s.t, "signature", "passed");
	trial_expect(&s.t, "pcrs sha256:7", "absent");
	s.q.no_values = 1;
	quote(&s);
	trial_refused(&s.t, CSN_E_POLICY, "pcrs sha256:7");
	trial_expect(&s.t, "pcr_digest", "skipped");
	ask(&s, "");
	trial_good(&s.t);
	s.q.bank = FAKE_TPM_SHA384;
	quote(&s);
	ask(&s, "\"pcrs\":{\"sha384:23\":\"" TWENTY_THREE "\"},");
	trial_good(&s.t);
	trial_expect(&s.t, "pcrs sha384:23", "passed");
	end(&s);
}

TEST(reports_what_the_clock_is_worth)
{
	struct stage s;

	begin(&s, FAKE_P256);
	s.q.unsafe = 1;
	quote(&s);
	trial_good(&s.t);
	trial_expect(&s.t, "clock", "skipped");
	ask(&s, "\"allow_unsafe_clock\":false,");
	trial_refused(&s.t, CSN_E_POLICY, "clock");
	quote(&s);
	trial_good(&s.t);
	ask(&s, "\"firmware_version\":\"0007000200030004\",");
	trial_good(&s.t);
	trial_expect(&s.t, "firmware_version", "passed");
	ask(&s, "\"firmware_version\":\"0007000200030005\",");
	trial_refused(&s.t, CSN_E_POLICY, "firmware_version");
	end(&s);
}

/* The policy is no good, and the sentence says where. */
static void
unread(struct stage *s, const char *policy, const char *says)
{
	s->t.policy = policy;
	assert_int_equal(trial_run(&s->t), CSN_E_ARG);
	assert_non_null(strstr(csn_message(), says));
}

TEST(finds_a_bad_policy_when_it_is_read)
{
	struct stage s;

	begin(&s, FAKE_P256);
	unread(&s, "{\"platform\":{\"tpm2\":{}}}", "neither key nor root");
	unread(&s, "{\"platform\":{\"tpm2\":{\"key\":\"\"}}}", "tpm2.key");
	unread(&s, "{\"platform\":{\"tpm2\":{\"key\":7}}}", "tpm2.key");
	unread(&s, "{\"platform\":{\"tpm2\":{\"key\":\"none\"}}}",
	    "no PUBLIC KEY");
	unread(&s, "{\"platform\":{\"tpm2\":{\"key\":\"-----BEGIN PUBLIC "
	    "KEY-----\\nAAAA\\n-----END PUBLIC KEY-----\\n\"}}}",
	    "malformed");
	unread(&s, "{\"platform\":{\"tpm2\":{\"root\":\"none\"}}}",
	    "tpm2.root");
	unread(&s, "{\"platform\":{\"tpm2\":{\"pcr\":1}}}", "'pcr'");
	ask(&s, "\"root\":\"\",");
	unread(&s, s.t.policy, "tpm2.root");
	ask(&s, "\"pcrs\":{\"sha1:7\":\"00\"},");
	unread(&s, s.t.policy, "tpm2.pcrs");
	ask(&s, "\"pcrs\":{\"sha256:07\":\"" SEVEN "\"},");
	unread(&s, s.t.policy, "tpm2.pcrs");
	ask(&s, "\"pcrs\":{\"sha384:7\":\"" SEVEN "\"},");
	unread(&s, s.t.policy, "tpm2.pcrs");
	ask(&s, "\"pcrs\":{},");
	unread(&s, s.t.policy, "tpm2.pcrs");
	ask(&s, "\"allow_unsafe_clock\":1,");
	unread(&s, s.t.policy, "allow_unsafe_clock");
	end(&s);
}

/* A certificate where a key should be, and both. */
TEST(wants_one_signer_and_of_its_kind)
{
	struct fake_bytes b = { NULL, 0 };
	struct fake_bytes root;
	struct stage s;
	size_t i;

	begin(&s, FAKE_P256);
	free(s.policy.p);
	s.policy = fake_tpm_policy("key", fake_tpm_cert(s.tpm), "");
	unread(&s, (const char *)s.policy.p, "not a PUBLIC KEY");
	root = fake_tpm_root(s.tpm);
	fake_put_text(&b, "\"root\":\"");
	for (i = 0; i < root.len; i++)
		fake_put_text(&b, root.p[i] == '\n' ? "\\n" : "%c",
		    root.p[i]);
	fake_put_text(&b, "\",");
	ask(&s, (const char *)b.p);
	unread(&s, s.t.policy, "both key and root");
	free(root.p);
	free(b.p);
	end(&s);
}

TEST(shows_the_quote_to_people)
{
	struct stage s;
	json_t *o, *pcrs;
	char *json;

	begin(&s, FAKE_P256);
	assert_int_equal(csn_platform_json(s.t.ctx, s.t.platform,
	    s.t.evidence.p, s.t.evidence.len, &json), 0);
	assert_non_null(o = json_loads(json, 0, NULL));
	pcrs = json_object_get(o, "pcrs");
	assert_int_equal(json_object_size(pcrs), 3);
	assert_string_equal(json_string_value(json_object_get(pcrs,
	    "sha256:7")), SEVEN);
	assert_memory_equal(json_string_value(json_object_get(pcrs,
	    "sha256:0")), "00000000000000000000000000000000", 32);
	assert_int_equal(json_integer_value(json_object_get(o,
	    "reset_count")), 12);
	assert_true(json_is_true(json_object_get(o, "clock_safe")));
	assert_string_equal(json_string_value(json_object_get(o,
	    "signature")), "ecdsa");
	json_decref(o);
	csn_free(json);
	end(&s);
}
