/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_tdx_region.c - from a guest of TDX to the verdict elsewhere, with
 * collateral that the report brings or that the verifier has.
 */
#include <sys/stat.h>

#include "attest/stage.h"
#include "lib/test.h"

#define P "platform tdx "
#define OPTIONAL ",\"collateral\":\"optional\""

static struct stage s;

/* 1: behind a mount of configfs, not at the seam. */
static int mounted;

BEFORE_EACH { stage_start(&s, 1, mounted); }
AFTER_EACH { stage_end(&s); }

#define NEED_FRONT() do {						\
	if (s.front.why != NULL)					\
		test_skip(s.front.why);					\
} while (0)

#define HEX48(x) x x x x x x x x x x x x
static const char good_rules[] =
    ",\"mr_td\":\"" HEX48("4d4d4d4d") "\",\"rtmr3\":\"" HEX48("63636363")
    "\",\"tcb_status\":[\"UpToDate\"]";

/* "&endorsements=…" of a bundle. */
static char *
bundle_option(const struct fake_tdx_collateral *c)
{
	char *option;

	assert_true(asprintf(&option, "&endorsements=%s", stage_file(&s,
	    "guest.json", fake_tdx_bundle(s.guest.tdx, c))) > 0);
	return option;
}

static void
open_with_bundle(const struct fake_tdx_collateral *c)
{
	char *option = bundle_option(c);

	stage_open(&s, option);
	free(option);
}

static void
assert_passed(const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(stage_status(&s, *names), "passed") != 0)
			fail_msg("%s %s: %s", *names,
			    stage_status(&s, *names),
			    stage_detail(&s, *names));
}

static const char *const all_of_it[] = {
	"signature", "nonce", "region weights", P "form", P "chain",
	P "revocation", P "qe_signature", P "qe_binding", P "signature",
	P "tcb_info", P "tcb", P "qe_identity_info", P "qe_identity",
	P "debug", P "nonce", P "mr_td", P "rtmr3", NULL
};

TEST(a_report_may_bring_its_collateral)
{
	int version;

	NEED_FRONT();
	for (version = 4; version <= 5; version++) {
		s.guest.tdx_version = version;
		open_with_bundle(NULL);
		assert_string_equal(csn_regions_platform(s.regions), "tdx");
		stage_verifier(&s, good_rules, NULL, NULL);
		stage_accepts(&s, stage_report(&s));
		assert_passed(all_of_it);
	}
}

TEST(a_verifier_may_have_the_collateral)
{
	const struct fake_tdx_collateral other = {
		.fmspc = "10A06F000000"
	};
	char folder[300];

	NEED_FRONT();
	stage_open(&s, "");
	stage_verifier(&s, good_rules, stage_file(&s, "bundle.json",
	    fake_tdx_bundle(s.guest.tdx, NULL)), NULL);
	stage_accepts(&s, stage_report(&s));
	assert_passed(all_of_it);

	/* The same as the service gives it, in a folder. */
	(void)snprintf(folder, sizeof(folder), "%s/collateral", s.folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	(void)stage_file(&s, "collateral/tcb.json",
	    fake_tdx_tcb_info(s.guest.tdx, NULL));
	(void)stage_file(&s, "collateral/qe.json",
	    fake_tdx_qe_identity(s.guest.tdx, NULL));
	(void)stage_file(&s, "collateral/signers.pem",
	    fake_tdx_signers(s.guest.tdx));
	(void)stage_file(&s, "collateral/pck.crl",
	    fake_tdx_pck_crl(s.guest.tdx, NULL));
	(void)stage_file(&s, "collateral/root.crl",
	    fake_tdx_root_crl(s.guest.tdx, NULL));
	/* Another kind of platform's, which comes first by its name. */
	(void)stage_file(&s, "collateral/a.json",
	    fake_tdx_tcb_info(s.guest.tdx, &other));
	(void)stage_file(&s, "collateral/.hidden",
	    (struct fake_bytes){ (uint8_t *)strdup("x"), 1 });
	stage_verifier(&s, good_rules, folder, NULL);
	stage_accepts(&s, stage_report(&s));
	assert_passed(all_of_it);
	/* Of one kind there is one; and none for ours is none. */
	(void)stage_file(&s, "collateral/b.json",
	    fake_tdx_tcb_info(s.guest.tdx, &other));
	stage_verifier(&s, good_rules, folder, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_FORM, P "collateral");
	(void)snprintf(folder, sizeof(folder), "%s/collateral/b.json",
	    s.folder);
	assert_int_equal(remove(folder), 0);
	(void)snprintf(folder, sizeof(folder), "%s/collateral/tcb.json",
	    s.folder);
	assert_int_equal(remove(folder), 0);
	(void)snprintf(folder, sizeof(folder), "%s/collateral", s.folder);
	stage_verifier(&s, good_rules, folder, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_FORM, P "tcb");
}

/* The guest picks collateral from before a vulnerability: not here. */
TEST(the_verifiers_collateral_comes_first)
{
	struct fake_tdx_collateral stricter = { .level = 9 };

	NEED_FRONT();
	open_with_bundle(NULL);
	stage_verifier(&s, good_rules, NULL, NULL);
	stage_accepts(&s, stage_report(&s));
	stage_verifier(&s, good_rules, stage_file(&s, "bundle.json",
	    fake_tdx_bundle(s.guest.tdx, &stricter)), NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_POLICY, P "tcb");
}

TEST(a_policy_on_the_tcb_needs_collateral)
{
	NEED_FRONT();
	stage_open(&s, "");
	/* Any that names the platform does, unless it says otherwise. */
	stage_verifier(&s, "", NULL, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_POLICY, P "revocation");
	assert_string_equal(stage_status(&s, P "tcb"), "failed");
	assert_string_equal(stage_status(&s, P "qe_identity"), "failed");
	stage_verifier(&s, OPTIONAL, NULL, NULL);
	stage_accepts(&s, stage_report(&s));
	assert_string_equal(stage_status(&s, P "tcb"), "skipped");
	assert_string_equal(stage_status(&s, P "qe_identity"), "skipped");
	stage_verifier(&s, OPTIONAL ",\"tcb_status\":\"UpToDate\"", NULL,
	    NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_POLICY, P "tcb");
	stage_verifier(&s, OPTIONAL ",\"min_tcb_evaluation\":1", NULL, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_POLICY, P "tcb");
	assert_string_equal(stage_status(&s, P "qe_identity"), "failed");
}

/* Whatever the policy leaves open, who verifies may ask for it. */
TEST(a_verifier_may_require_collateral_and_crls)
{
	static const struct {
		unsigned flags;
		int code;
		const char *says;
	} rows[] = {
		{ 0, 0, "" },
		{ CSN_VERIFY_CRL, CSN_E_POLICY,
		    "\"platform tdx revocation\": required, but not" },
		{ CSN_VERIFY_COLLATERAL, CSN_E_POLICY,
		    "\"platform tdx revocation\": required, but not" },
		{ 16, CSN_E_ARG, "flags that there are" },
	};
	struct fake_bytes report;
	size_t i;
	int rc;

	NEED_FRONT();
	stage_open(&s, "");
	stage_verifier(&s, OPTIONAL, NULL, NULL);
	report = stage_report(&s);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rc = csn_verifier_check(s.verifier, STAGE_WORKLOAD, report.p,
		    report.len, 0, CSN_VERIFY_ARCHIVED | rows[i].flags,
		    NULL);
		assert_int_equal(rc, rows[i].code);
		if (rc != 0)
			assert_non_null(strstr(csn_message(),
			    rows[i].says));
	}
	free(report.p);
}

TEST(bad_collateral_is_refused)
{
	static const struct {
		struct fake_tdx_collateral c;
		int code;
		const char *check;
	} cases[] = {
		{ { .next = "2025-12-31T00:00:00Z" }, CSN_E_EXPIRED,
		  P "tcb_info" },
		{ { .wrong_signature = 1 }, CSN_E_SIGNATURE, P "tcb_info" },
		{ { .wrong_signature = 2 }, CSN_E_SIGNATURE,
		  P "qe_identity_info" },
		{ { .revoke_leaf = 1 }, CSN_E_SIGNER, P "revocation" },
		{ { .revoke_ca = 1 }, CSN_E_SIGNER, P "revocation" },
		{ { .crl_until = "20251231000000Z" }, CSN_E_EXPIRED,
		  P "revocation" },
	};
	size_t i;

	NEED_FRONT();
	stage_verifier(&s, good_rules, NULL, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_with_bundle(&cases[i].c);
		stage_refuses(&s, stage_report(&s), cases[i].code,
		    cases[i].check);
	}
}

TEST(the_policy_is_held_to)
{
	static const struct {
		const char *rules, *check;
	} cases[] = {
		{ ",\"mr_td\":\"" HEX48("4d4d4d4e") "\"", P "mr_td" },
		{ ",\"rtmr0\":\"" HEX48("60606061") "\"", P "rtmr0" },
		{ ",\"fmspc\":\"010203040506\"", P "fmspc" },
		{ ",\"mr_owner\":\"" HEX48("01020304") "\"", P "mr_owner" },
	};
	size_t i;

	NEED_FRONT();
	open_with_bundle(NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stage_verifier(&s, cases[i].rules, NULL, NULL);
		stage_refuses(&s, stage_report(&s), CSN_E_POLICY,
		    cases[i].check);
	}
	s.guest.debug = 1;
	stage_verifier(&s, good_rules, NULL, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_POLICY, P "debug");
}

TEST(evidence_of_another_report_is_refused)
{
	struct fake_bytes quote, none = { NULL, 0 };
	uint8_t data[64] = { 9 };

	NEED_FRONT();
	stage_verifier(&s, OPTIONAL, NULL, NULL);
	quote = stage_evidence(&s, data);
	stage_refuses(&s, stage_report_with(&s, s.alice, quote, none),
	    CSN_E_REPLAY, P "nonce");
	assert_string_equal(stage_status(&s, P "signature"), "passed");
	free(quote.p);
}

TEST(another_root_is_refused)
{
	NEED_FRONT();
	stage_open(&s, "");
	stage_verifier_platform(&s, "{\"tdx\":{\"xfam\":"
	    "\"e700000000000000\"}}", NULL, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
}

TEST(a_machine_without_it_is_told_what_is_missing)
{
	uint8_t *p;
	size_t len;

	NEED_FRONT();
	assert_int_equal(stage_try_open(&s, "&tsm=/nowhere/tsm/report"),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(),
	    "/nowhere/tsm/report is not there"));
	assert_non_null(strstr(csn_message(), "6.7"));
	/* A TDREPORT is no evidence for anybody elsewhere. */
	assert_int_equal(stage_try_open(&s, "&dev=/dev/tdx_guest"),
	    CSN_E_ARG);
	s.guest.other_data = 1;
	stage_open(&s, "");
	assert_int_equal(csn_attester_measure(s.attester, 0), 0);
	assert_int_equal(csn_attester_report(s.attester, NULL, 0, &p, &len),
	    CSN_E_BACKEND);
}

/* What cannot be read is found when the verifier is made, and named. */
TEST(bad_files_of_a_verifier_are_named)
{
	static const char *const texts[] = {
		"{\"tcbInfo\":", "-----BEGIN CERTIFICATE-----\nAAAA\n", "x",
		""
	};
	struct csn_verifier_options o = {
		.size = sizeof(o), .trust = s.trust
	};
	struct fake_bytes b;
	struct csn_verifier *v;
	size_t i;

	NEED_FRONT();
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		b = (struct fake_bytes){ (uint8_t *)strdup(texts[i]),
		    strlen(texts[i]) };
		o.endorsements = stage_file(&s, "bad", b);
		assert_int_equal(csn_verifier_new(s.ctx, &o, &v),
		    CSN_E_FORM);
		assert_non_null(strstr(csn_message(),
		    o.endorsements));
	}
	o.endorsements = "/nowhere/collateral";
	assert_int_equal(csn_verifier_new(s.ctx, &o, &v), CSN_E_NOT_FOUND);
	assert_non_null(strstr(csn_message(),
	    "/nowhere/collateral"));
}

int
test_main(void)
{
	int failed = test_run("seam");

	mounted = 1;
	return failed + test_run("mounted");
}
