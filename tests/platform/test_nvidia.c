/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/test_nvidia.c - NVIDIA's measurements, made up and real. */
#include <jansson.h>

#include "lib/test.h"
#include "platform/evidence.h"
#include "platform/trial_nvidia.h"

#define BLOCKS 45		/* where the record begins: 37 + 8 */

TEST(verifies_and_says_what_it_does_not_prove)
{
	const struct fake_spdm_options most = { .blocks = 254 };
	const struct fake_spdm_options none = { .no_firmware = 1 };
	struct fake_spdm *s;
	struct trial t;

	s = begin_nvidia(&t, FAKE_HOPPER, NULL, NULL);
	trial_good(&t);
	trial_expect(&t, "form", "passed");
	trial_expect(&t, "chain", "passed");
	trial_expect(&t, "signature", "passed");
	trial_expect(&t, "firmware", "passed");
	trial_expect(&t, "nonce", "skipped");
	trial_expect(&t, "measurements", "skipped");
	trial_expect(&t, "host_driver", "skipped");
	assert_non_null(strstr(trial_detail(&t, "host_driver"),
	    "kernel module"));
	trial_set(&t.evidence, fake_spdm_evidence(s, NULL, &most));
	trial_good(&t);
	trial_set(&t.evidence, fake_spdm_evidence(s, NULL, &none));
	trial_good(&t);
	trial_expect(&t, "firmware", "skipped");
	end_nvidia(&t, s);
}

/* What the certificate or the report does not say is not made up. */
TEST(says_what_evidence_does_not_name)
{
	const struct fake_bytes none = { NULL, 0 };
	const struct fake_spdm_options unnamed = { .driver = "" };
	struct fake_spdm *s = fake_spdm_new_of(FAKE_HOPPER, &none);
	struct trial t;
	char *json;

	trial_start(&t, CSN_PLATFORM_NVIDIA);
	t.evidence = fake_spdm_evidence(s, NULL, &unnamed);
	t.certs[0] = fake_spdm_chain(s);
	t.root = fake_spdm_root(s);
	trial_good(&t);
	trial_expect(&t, "firmware", "skipped");
	assert_non_null(strstr(trial_detail(&t, "firmware"),
	    "the certificate names no firmware"));
	assert_int_equal(csn_platform_json(t.ctx, t.platform, t.evidence.p,
	    t.evidence.len, &json), 0);
	assert_non_null(strstr(json, "\"driver_version\":\"\""));
	csn_free(json);
	end_nvidia(&t, s);
}

TEST(refuses_each_for_its_own_reason)
{
	const struct fake_spdm_options twice = { .block_twice = 1 };
	const struct fake_spdm_options firmware = { .wrong_firmware = 1 };
	const struct fake_spdm_options part = { .part_of_firmware = 16 };
	struct fake_spdm *s, *other;
	struct trial t;
	uint8_t *p;
	size_t len;

	s = begin_nvidia(&t, FAKE_HOPPER, NULL, NULL);
	p = t.evidence.p;
	len = t.evidence.len;

	t.evidence.len = 20;
	trial_refused(&t, CSN_E_FORM, "form");
	t.evidence.len = len - 1;
	trial_refused(&t, CSN_E_FORM, "form");
	t.evidence.len = len;
	p[0] = 0x12;
	trial_refused(&t, CSN_E_VERSION, "form");
	p[0] = 0x11;
	p[1] = 0x60;
	trial_refused(&t, CSN_E_FORM, "form");
	p[1] = 0xe0;
	p[2] = 0;			/* no signature was asked for */
	trial_refused(&t, CSN_E_FORM, "form");
	p[2] = 1;
	p[38] = 0x7f;			/* an SPDM error */
	trial_refused(&t, CSN_E_FORM, "form");
	p[38] = 0x60;
	p[41]++;			/* one block more than there are */
	trial_refused(&t, CSN_E_FORM, "form");
	p[41] -= 2;
	trial_refused(&t, CSN_E_FORM, "form");
	p[41]++;
	p[BLOCKS + 1] = 2;		/* not DMTF's form */
	trial_refused(&t, CSN_E_FORM, "form");
	p[BLOCKS + 1] = 1;
	p[BLOCKS + 5]++;		/* a value longer than its block */
	trial_refused(&t, CSN_E_FORM, "form");
	p[BLOCKS + 5]--;
	trial_good(&t);

	p[BLOCKS + 20] ^= 1;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	p[BLOCKS + 20] ^= 1;
	p[10] ^= 1;			/* the nonce is signed too */
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	p[10] ^= 1;
	p[len - 1] ^= 1;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	trial_set(&t.evidence, fake_spdm_evidence(s, NULL, &twice));
	trial_refused(&t, CSN_E_FORM, "form");
	trial_set(&t.evidence, fake_spdm_evidence(s, NULL, &firmware));
	trial_refused(&t, CSN_E_SIGNER, "firmware");
	trial_set(&t.evidence, fake_spdm_evidence(s, NULL, &part));
	trial_refused(&t, CSN_E_SIGNER, "firmware");

	trial_set(&t.evidence, fake_spdm_evidence(s, NULL, NULL));
	other = fake_spdm_new(NULL);
	trial_set(&t.root, fake_spdm_root(other));
	trial_refused(&t, CSN_E_SIGNER, "chain");
	trial_set(&t.certs[0], fake_spdm_chain(other));
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	trial_set(&t.root, (struct fake_bytes){ NULL, 0 });
	trial_refused(&t, CSN_E_SIGNER, "chain");
	/* Roots alone: nobody signed. */
	trial_set(&t.certs[0], fake_spdm_root(other));
	trial_refused_for(&t, "roots alone", CSN_E_SIGNER, "chain",
	    "no certificate of a device's key is given");
	t.root = fake_spdm_root(other);
	trial_refused_for(&t, "a trusted one", CSN_E_SIGNER, "chain",
	    "no certificate of a device's key is given");
	fake_spdm_free(other);
	end_nvidia(&t, s);
}

TEST(refuses_what_is_past_its_time_or_revoked)
{
	struct fake_spdm *s;
	struct trial t;

	s = begin_nvidia(&t, FAKE_HOPPER, NULL, NULL);
	t.collateral[0] = fake_spdm_crl(s, 1, 0);
	t.collateral[1] = fake_spdm_crl(s, 2, 0);
	trial_good(&t);
	trial_expect(&t, "revocation", "skipped");
	t.collateral[2] = fake_spdm_crl(s, 3, 0);
	t.require = CSN_REQUIRE_COLLATERAL;
	trial_good(&t);
	trial_expect(&t, "revocation", "passed");
	trial_set(&t.collateral[1], fake_spdm_crl(s, 2, 1));
	trial_refused(&t, CSN_E_SIGNER, "revocation");
	end_nvidia(&t, s);

	s = fake_spdm_new("20251201000000Z");
	trial_start(&t, CSN_PLATFORM_NVIDIA);
	t.evidence = fake_spdm_evidence(s, NULL, NULL);
	t.certs[0] = fake_spdm_chain(s);
	t.root = fake_spdm_root(s);
	trial_refused(&t, CSN_E_EXPIRED, "chain");
	t.at_ms = trial_time("2025-11-30T00:00:00Z");
	trial_good(&t);
	end_nvidia(&t, s);
}

TEST(compares_the_nonce_and_the_policy)
{
	uint8_t nonce[FAKE_SPDM_NONCE] = { 5, 6, 7 };
	struct fake_bytes policy = { NULL, 0 };
	struct fake_spdm *s;
	struct trial t;
	int i;

	s = begin_nvidia(&t, FAKE_HOPPER, NULL, NULL);
	trial_set(&t.evidence, fake_spdm_evidence(s, nonce, NULL));
	t.nonce = nonce;
	t.nonce_len = sizeof(nonce);
	trial_good(&t);
	trial_expect(&t, "nonce", "passed");
	nonce[31] = 1;
	trial_refused(&t, CSN_E_REPLAY, "nonce");
	nonce[31] = 0;
	t.nonce_len = 16;
	assert_int_equal(trial_run(&t), CSN_E_ARG);
	t.nonce = NULL;

	fake_put_text(&policy, "{\"platform\":{\"nvidia\":"
	    "{\"measurements\":{\"2\":\"");
	for (i = 0; i < 48; i++)
		fake_put_text(&policy, "02");
	fake_put_text(&policy, "\"},\"driver_version\":[\"550.1\"],"
	    "\"vbios_version\":\"96.00.5E.00.01\"}}}");
	t.policy = (const char *)policy.p;
	trial_good(&t);
	trial_expect(&t, "measurements 2", "passed");
	trial_expect(&t, "measurements", "absent");
	trial_expect(&t, "driver_version", "passed");
	trial_expect(&t, "vbios_version", "passed");
	*strchr((char *)policy.p, '2') = '3';	/* block 3 holds 03 */
	trial_refused(&t, CSN_E_POLICY, "measurements 3");
	*strchr((char *)policy.p, '3') = '9';	/* there is no block 9 */
	trial_refused(&t, CSN_E_POLICY, "measurements 9");
	t.policy = "{\"platform\":{\"nvidia\":{\"driver_version\":\"1\"}}}";
	trial_refused(&t, CSN_E_POLICY, "driver_version");
	free(policy.p);
	end_nvidia(&t, s);
}

TEST(shows_the_blocks_to_people)
{
	struct fake_spdm *s;
	struct trial t;
	json_t *o;
	char *json;

	s = begin_nvidia(&t, FAKE_HOPPER, NULL, NULL);
	assert_int_equal(csn_platform_json(t.ctx, t.platform, t.evidence.p,
	    t.evidence.len, &json), 0);
	assert_non_null(o = json_loads(json, 0, NULL));
	assert_int_equal(json_array_size(json_object_get(o, "blocks")), 4);
	assert_string_equal(json_string_value(json_object_get(o,
	    "vbios_version")), "96.00.5E.00.01");
	json_decref(o);
	csn_free(json);
	end_nvidia(&t, s);
}

/* --- real evidence ---------------------------------------------------- */

TEST(verifies_a_real_hopper)
{
	uint8_t nonce[FAKE_SPDM_NONCE];
	struct trial t;

	trial_start(&t, CSN_PLATFORM_NVIDIA);
	t.evidence = trial_vector_hex("nvidia/hopperAttestationReport.txt");
	t.certs[0] = trial_vector("nvidia/hopperCertChain.txt");
	t.at_ms = trial_time("2024-01-01T00:00:00Z");
	memcpy(nonce, t.evidence.p + 4, sizeof(nonce));
	t.nonce = nonce;
	t.nonce_len = sizeof(nonce);
	trial_good(&t);
	assert_non_null(strstr(trial_detail(&t, "chain"), "pinned"));
	trial_expect(&t, "nonce", "passed");
	nonce[0] ^= 1;
	trial_refused(&t, CSN_E_REPLAY, "nonce");
	nonce[0] ^= 1;
	t.at_ms = trial_time("2020-01-01T00:00:00Z");
	trial_refused(&t, CSN_E_EXPIRED, "chain");
	t.at_ms = trial_time("2024-01-01T00:00:00Z");
	t.nonce = NULL;
	trial_set(&t.evidence, trial_vector_hex(
	    "nvidia/hopperAttestationReportInvalidSignature.txt"));
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	trial_end(&t);
}
