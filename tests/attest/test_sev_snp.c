/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_sev_snp.c - from a guest of SEV-SNP to the verdict elsewhere: what is
 * accepted, and each thing that is refused for its own reason. Over
 * configfs-tsm mounted, and at the seam.
 */
#include <errno.h>
#include <unistd.h>

#include "attest/stage.h"
#include "lib/test.h"

#define P "platform sev-snp "

static struct stage s;

/* 1: behind a mount of configfs, not at the seam. */
static int mounted;

BEFORE_EACH { stage_start(&s, 0, mounted); }
AFTER_EACH { stage_end(&s); }

#define NEED_FRONT() do {						\
	if (s.front.why != NULL)					\
		test_skip(s.front.why);					\
} while (0)

#define MEASUREMENT(x) ",\"measurement\":\"" x x x x x x x x x x x x "\""
#define HOST_DATA(x) ",\"host_data\":\"" x x x x x x x x "\""
static const char good_rules[] = MEASUREMENT("4d4d4d4d")
    HOST_DATA("48484848") ",\"max_vmpl\":0,\"product\":\"Genoa\","
    "\"min_tcb\":{\"bootloader\":4,\"tee\":5,\"snp\":6,\"microcode\":7}";

TEST(a_guest_proves_itself_to_a_verifier)
{
	static const char *const passed[] = {
		"signature", "nonce", "region weights", P "form", P "chain",
		P "signature", P "product", P "chip", P "tcb", P "min_tcb",
		P "debug", P "nonce", P "measurement", P "host_data",
		P "max_vmpl"
	};
	size_t i;

	NEED_FRONT();
	stage_open(&s, "");
	assert_string_equal(csn_regions_platform(s.regions), "sev-snp");
	stage_verifier(&s, good_rules, NULL, NULL);
	stage_accepts(&s, stage_report(&s));
	for (i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (strcmp(stage_status(&s, passed[i]), "passed") != 0)
			fail_msg("%s %s: %s", passed[i],
			    stage_status(&s, passed[i]),
			    stage_detail(&s, passed[i]));
	/* And again: nothing was used up. */
	stage_accepts(&s, stage_report(&s));
}

TEST(memory_that_changed_is_named)
{
	uint8_t byte = 0xff;
	FILE *f;

	NEED_FRONT();
	stage_open(&s, "");
	stage_verifier(&s, good_rules, NULL, NULL);
	assert_non_null(f = fopen(s.weights, "r+b"));
	assert_int_equal(fseek(f, 70000, SEEK_SET), 0);
	assert_int_equal(fwrite(&byte, 1, 1, f), 1);
	assert_int_equal(fclose(f), 0);
	stage_refuses(&s, stage_report(&s), CSN_E_DRIFT, "region weights");
	assert_string_equal(stage_status(&s, P "nonce"), "passed");
}

/* Evidence that a report carries has to be of that report. */
TEST(evidence_of_another_report_is_refused)
{
	struct fake_bytes none = { NULL, 0 }, evidence, certs;
	uint8_t *first, *aux, data[64] = { 1 };
	size_t len, aux_len;

	NEED_FRONT();
	stage_open(&s, "");
	stage_verifier(&s, "", NULL, NULL);
	/* Over another nonce and body: nothing of it fits. */
	evidence = stage_evidence(&s, data);
	certs = fake_snp_table(s.guest.snp);
	stage_refuses(&s, stage_report_with(&s, s.alice, evidence, certs),
	    CSN_E_REPLAY, P "nonce");
	assert_string_equal(stage_status(&s, P "signature"), "passed");
	free(evidence.p);
	/* What the provider gave a moment ago, in another's report. */
	assert_int_equal(csn_regions_evidence(s.regions, data, &first, &len,
	    &aux, &aux_len), 0);
	evidence = (struct fake_bytes){ first, len };
	stage_refuses(&s, stage_report_with(&s, s.bob, evidence, certs),
	    CSN_E_REPLAY, P "nonce");
	csn_free(first);
	csn_free(aux);
	/* Without certificates there is nobody who signed. */
	evidence = stage_evidence(&s, data);
	stage_refuses(&s, stage_report_with(&s, s.alice, evidence, none),
	    CSN_E_SIGNER, P "chain");
	free(evidence.p);
	free(certs.p);
}

/* Report data that is bound to another key, all else being the same. */
TEST(another_key_and_another_nonce_are_refused)
{
	struct csn_attester_options o = {
		.size = sizeof(o), .workload = STAGE_WORKLOAD
	};
	struct csn_attester *a;
	struct fake_bytes report;

	NEED_FRONT();
	stage_open(&s, "");
	stage_verifier(&s, "", NULL, NULL);
	/* A key that nobody trusts. */
	o.identity = s.mallory;
	assert_int_equal(csn_attester_new(s.ctx, s.regions, &o, &a), 0);
	csn_attester_free(s.attester);
	s.attester = a;
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, "signer");
	/* A good report twice, and one for another verifier. */
	o.identity = s.alice;
	csn_attester_free(s.attester);
	assert_int_equal(csn_attester_new(s.ctx, s.regions, &o,
	    &s.attester), 0);
	report = stage_report(&s);
	stage_verifier(&s, "", NULL, NULL);
	stage_refuses(&s, report, CSN_E_REPLAY, "nonce");
}

TEST(debugging_is_refused)
{
	NEED_FRONT();
	s.guest.debug = 1;
	stage_open(&s, "");
	stage_verifier(&s, "", NULL, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_POLICY, P "debug");
	stage_verifier(&s, ",\"allow_debug\":true", NULL, NULL);
	stage_accepts(&s, stage_report(&s));
}

TEST(the_policy_is_held_to)
{
	static const struct {
		const char *rules, *check;
	} cases[] = {
		{ MEASUREMENT("4d4d4d4e"), P "measurement" },
		{ HOST_DATA("48484849"), P "host_data" },
		{ ",\"min_tcb\":{\"snp\":7}", P "min_tcb" },
		{ ",\"min_tcb\":{\"microcode\":8}", P "min_tcb" },
		{ ",\"signer\":\"vlek\"", P "signer" },
		{ ",\"product\":\"Turin\"", P "product" },
		{ ",\"allow_smt\":false", P "guest_policy" },
		{ ",\"min_guest_svn\":3", P "min_guest_svn" },
	};
	size_t i;

	NEED_FRONT();
	stage_open(&s, "");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stage_verifier(&s, cases[i].rules, NULL, NULL);
		stage_refuses(&s, stage_report(&s), CSN_E_POLICY,
		    cases[i].check);
	}
}

TEST(the_privilege_level_is_asked_for)
{
	NEED_FRONT();
	stage_open(&s, "&vmpl=2");
	stage_verifier(&s, ",\"max_vmpl\":0", NULL, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_POLICY, P "max_vmpl");
	stage_verifier(&s, ",\"max_vmpl\":2", NULL, NULL);
	stage_accepts(&s, stage_report(&s));
}

TEST(expired_and_revoked_certificates_are_refused)
{
	struct fake_snp_options old = {
		.leaf_until = "20251231000000Z"
	};
	const char *crl;

	NEED_FRONT();
	stage_open(&s, "");
	crl = stage_file(&s, "root.crl", fake_snp_crl(s.guest.snp, 0,
	    FAKE_FROM, FAKE_UNTIL));
	stage_verifier(&s, "", crl, NULL);
	stage_accepts(&s, stage_report(&s));
	assert_string_equal(stage_status(&s, P "revocation"), "passed");
	crl = stage_file(&s, "root.crl", fake_snp_crl(s.guest.snp, 1,
	    FAKE_FROM, FAKE_UNTIL));
	stage_verifier(&s, "", crl, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "revocation");
	crl = stage_file(&s, "root.crl", fake_snp_crl(s.guest.snp, 0,
	    FAKE_FROM, "20251231000000Z"));
	stage_verifier(&s, "", crl, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_EXPIRED, P "revocation");

	stage_snp(&s, &old);
	stage_verifier(&s, "", NULL, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_EXPIRED, P "chain");
}

TEST(another_root_is_refused)
{
	struct fake_snp_options o = { .product = FAKE_GENOA };
	char *root;

	NEED_FRONT();
	stage_open(&s, "");
	/* No root of the verifier's: AMD's own are pinned. */
	stage_verifier_platform(&s, "{\"sev-snp\":{\"max_vmpl\":0}}", NULL,
	    NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
	/* Another processor's root, of the same name. */
	root = s.root;
	s.root = NULL;
	stage_snp(&s, &o);
	free(s.root);
	s.root = root;
	stage_verifier(&s, "", NULL, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
}

TEST(a_policy_that_names_the_platform_needs_its_evidence)
{
	struct csn_attester_options o = {
		.size = sizeof(o), .workload = STAGE_WORKLOAD
	};
	struct fake_bytes report;

	NEED_FRONT();
	stage_open(&s, "");
	o.identity = s.alice;
	/* A TDX verifier gets an SNP report. */
	stage_verifier_platform(&s, "{\"tdx\":{\"xfam\":"
	    "\"e700000000000000\"}}", NULL, NULL);
	report = stage_report(&s);
	stage_refuses(&s, report, CSN_E_POLICY, "platform tdx");
	/* No policy on platforms: what is there is verified all the same. */
	stage_verifier_platform(&s, "", NULL, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
}

TEST(a_guest_may_bring_certificates_of_its_own)
{
	char option[300];

	NEED_FRONT();
	s.guest.no_certs = 1;
	stage_open(&s, "");
	stage_verifier(&s, "", NULL, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_SIGNER, P "chain");
	(void)snprintf(option, sizeof(option), "&endorsements=%s",
	    stage_file(&s, "chain.pem", fake_snp_certs(s.guest.snp)));
	stage_open(&s, option);
	stage_accepts(&s, stage_report(&s));
	/* Or the verifier has them, as certificates or as a table. */
	stage_open(&s, "");
	stage_verifier(&s, "", stage_file(&s, "chain.pem",
	    fake_snp_certs(s.guest.snp)), NULL);
	stage_accepts(&s, stage_report(&s));
	stage_verifier(&s, "", stage_file(&s, "table",
	    fake_snp_table(s.guest.snp)), NULL);
	stage_accepts(&s, stage_report(&s));
	stage_open(&s, "&endorsements=/nowhere/chain.pem");
	assert_int_equal(csn_attester_measure(s.attester, 0), 0);
	{
		uint8_t *p;
		size_t len;

		assert_int_equal(csn_attester_report(s.attester, NULL, 0, &p,
		    &len), CSN_E_BACKEND);
		assert_non_null(strstr(csn_message(),
		    "/nowhere/chain.pem"));
	}
}

TEST(a_vlek_and_a_masked_chip_are_taken)
{
	struct fake_snp_options o = { .product = FAKE_TURIN, .vlek = 1 };

	NEED_FRONT();
	s.guest.masked = 1;
	stage_open(&s, "");
	stage_verifier(&s, "", NULL, NULL);
	stage_accepts(&s, stage_report(&s));
	assert_string_equal(stage_status(&s, P "chip"), "skipped");
	s.guest.masked = 0;
	stage_snp(&s, &o);
	stage_verifier(&s, ",\"csp\":\"CN=another\"", NULL, NULL);
	stage_refuses(&s, stage_report(&s), CSN_E_POLICY, P "csp");
	stage_verifier(&s, ",\"signer\":\"vlek\",\"csp\":\"CN=example\"",
	    NULL, NULL);
	stage_accepts(&s, stage_report(&s));
	assert_string_equal(stage_status(&s, P "chip"), "skipped");
}

TEST(evidence_over_other_data_never_leaves_the_guest)
{
	uint8_t *p;
	size_t len;

	NEED_FRONT();
	s.guest.other_data = 1;
	stage_open(&s, "");
	assert_int_equal(csn_attester_measure(s.attester, 0), 0);
	assert_int_equal(csn_attester_report(s.attester, NULL, 0, &p, &len),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(),
	    "no evidence over the report data"));
}

TEST(a_machine_without_it_is_told_what_is_missing)
{
	NEED_FRONT();
	/* The last of two options of a name counts. */
	assert_int_equal(stage_try_open(&s, "&tsm=/nowhere/tsm/report"
	    "&dev=/nowhere/sev-guest"), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(),
	    "/nowhere/tsm/report is not there"));
	assert_non_null(strstr(csn_message(),
	    "/nowhere/sev-guest is not there"));
	assert_non_null(strstr(csn_message(), "module sev-guest"));
	assert_int_equal(stage_try_open(&s, "&flavour=1"), CSN_E_ARG);
	assert_non_null(strstr(csn_message(), "flavour"));
	assert_int_equal(stage_try_open(&s, "&vmpl=4"), CSN_E_ARG);
	assert_int_equal(stage_try_open(&s, "&workload=other"),
	    CSN_E_POLICY);
	assert_int_equal(stage_try_open(&s, "&workload=" STAGE_WORKLOAD), 0);
}

/* No device of ours can be put into /dev. */
GROUP("seam");

TEST(the_device_serves_where_configfs_does_not)
{
	tsm_model_load(&s.front.model, NULL);
	stage_open(&s, "&dev=" SIM_DEVICE);
	stage_verifier(&s, good_rules, NULL, NULL);
	stage_accepts(&s, stage_report(&s));
	assert_int_equal(s.device.number, 0xc0205302);
	assert_int_equal(tsm_model_seen(&s.front.model).made, 0);
	/* Where both are there, configfs-tsm is asked. */
	tsm_model_load(&s.front.model, &s.guest.driver);
	s.device.requests = 0;
	stage_open(&s, "&dev=" SIM_DEVICE);
	stage_accepts(&s, stage_report(&s));
	assert_int_equal(s.device.requests, 0);
	/* A device that goes away meanwhile. */
	tsm_model_load(&s.front.model, NULL);
	stage_open(&s, "&dev=" SIM_DEVICE);
	assert_int_equal(csn_attester_measure(s.attester, 0), 0);
	s.device.missing = ENODEV;
	{
		uint8_t *p;
		size_t len;

		assert_int_equal(csn_attester_report(s.attester, NULL, 0, &p,
		    &len), CSN_E_BACKEND);
		assert_non_null(strstr(csn_message(), SIM_DEVICE));
	}
}

int
test_main(void)
{
	int failed = test_run("seam");

	mounted = 1;
	return failed + test_run_group(NULL);
}
