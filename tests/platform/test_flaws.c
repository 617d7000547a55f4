/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/attest/test_flaws.c - SEV-SNP reports and certificates, GPUs'
 * measurements and TPMs' quotes, each with one flaw and refused for it.
 */
#include <jansson.h>

#include "lib/test.h"
#include "platform/evidence.h"
#include "platform/fake_tpm.h"
#include "platform/snp.h"
#include "platform/spdm.h"
#include "platform/trial_nvidia.h"
#include "platform/trial_snp.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define AMD "1.3.6.1.4.1.3704.1"

/* --- SEV-SNP ----------------------------------------------------------- */

TEST(a_report_with_one_flaw_is_refused_for_it)
{
	static const struct {
		const char *what;
		size_t at;
		uint8_t value;
		int unsigned_;		/* changed behind the signature */
		int code;
		const char *check, *says;
	} rows[] = {
		{ "debugging on", 0x0a, 0x0b, 0, CSN_E_POLICY, "debug",
		    "on: the host can read" },
		{ "bit 17 not set", 0x0a, 0x01, 0, CSN_E_FORM,
		    "guest_policy", "bit 17 of the guest's policy" },
		{ "the host's report", 0x30, 0xff, 0, CSN_E_FORM, "vmpl",
		    "there is no VMPL 0xff" },
		{ "VMPL 4", 0x30, 4, 0, CSN_E_FORM, "vmpl",
		    "there is no VMPL 0x4" },
		{ "another algorithm", 0x34, 2, 0, CSN_E_SIGNATURE,
		    "signature", "algorithm 2, not with ECDSA P-384" },
		{ "the host masks its key", 0x48, 7 << 2, 0,
		    CSN_E_SIGNATURE, "signature", "the host masks the key" },
		{ "a key of a third kind", 0x48, 2 << 2, 0, CSN_E_SIGNATURE,
		    "signature", "the report is not signed" },
		{ "the bootloader", 0x180, 5, 0, CSN_E_SIGNER, "tcb",
		    "bootloader 5, tee 5, snp 6, microcode 7, the "
		    "certificate is for another TCB: bootloader 4" },
		{ "the tee", 0x181, 4, 0, CSN_E_SIGNER, "tcb", "tee 4" },
		{ "the snp", 0x186, 7, 0, CSN_E_SIGNER, "tcb", "snp 7" },
		{ "the microcode", 0x187, 6, 0, CSN_E_SIGNER, "tcb",
		    "microcode 6" },
		{ "a Milan's report", 0x189, 0x01, 0, CSN_E_SIGNER,
		    "product", "certificate is for Genoa, the report for "
		    "Milan" },
		{ "a Turin's", 0x188, 0x1a, 0, CSN_E_SIGNER, "product",
		    "the report for Turin" },
		{ "another chip", 0x1a0, 0, 0, CSN_E_SIGNER, "chip",
		    "that of another chip" },
		{ "its id's last byte", 0x1df, 0, 0, CSN_E_SIGNER, "chip",
		    "that of another chip" },
		{ "a longer r", 0x2a0 + 48, 1, 1, CSN_E_SIGNATURE,
		    "signature", "no pair of P-384 numbers" },
		{ "its last byte", 0x2a0 + 71, 1, 1, CSN_E_SIGNATURE,
		    "signature", "no pair of P-384 numbers" },
		{ "a longer s", 0x2e8 + 48, 1, 1, CSN_E_SIGNATURE,
		    "signature", "no pair of P-384 numbers" },
		{ "the first byte behind the signature", 0x330, 1, 1,
		    CSN_E_FORM, "form", "no signature covers are not zero" },
		{ "the last one", 0x49f, 1, 1, CSN_E_FORM, "form",
		    "no signature covers are not zero" },
		{ "version 1", 0, 1, 0, CSN_E_VERSION, "form",
		    "version 1, versions 2 to 5" },
		{ "version 6", 0, 6, 0, CSN_E_VERSION, "form",
		    "version 6, versions 2 to 5" },
	};
	struct fake_snp *s;
	struct trial t;
	size_t i;

	s = begin_snp(&t, NULL, 3);
	for (i = 0; i < COUNT(rows); i++) {
		fake_snp_report(s, 3, NULL, t.evidence.p);
		t.evidence.p[rows[i].at] = rows[i].value;
		if (!rows[i].unsigned_)
			fake_snp_sign(s, t.evidence.p);
		trial_refused_for(&t, rows[i].what, rows[i].code,
		    rows[i].check, rows[i].says);
	}
	end_snp(&t, s);
}

TEST(a_report_that_the_host_asked_for_needs_the_policys_word)
{
	struct fake_snp *s;
	struct trial t;

	s = begin_snp(&t, NULL, 3);
	trial_good(&t);
	trial_expect(&t, "vmpl", "passed");
	memset(t.evidence.p + 0x30, 0xff, 4);
	fake_snp_sign(s, t.evidence.p);
	trial_refused_for(&t, "no policy", CSN_E_POLICY, "vmpl",
	    "the host asked for this report (VMPL 0xffffffff)");
	t.policy = "{\"platform\":{\"sev-snp\":{\"allow_host_report\":false}}}";
	trial_refused(&t, CSN_E_POLICY, "vmpl");
	t.policy = "{\"platform\":{\"sev-snp\":{\"allow_host_report\":true}}}";
	trial_good(&t);
	assert_non_null(strstr(trial_detail(&t, "vmpl"), "the host asked"));
	t.policy = "{\"platform\":{\"sev-snp\":{\"allow_host_report\":true,"
	    "\"max_vmpl\":3}}}";
	trial_refused(&t, CSN_E_POLICY, "max_vmpl");
	end_snp(&t, s);
}

/* On Turin eight bytes are the chip's id, and zeros follow. */
TEST(the_rest_of_a_turins_chip_id_is_zero)
{
	const struct fake_snp_options turin = { .product = FAKE_TURIN };
	struct fake_snp *s;
	struct trial t;
	size_t at;

	s = begin_snp(&t, &turin, 5);
	trial_good(&t);
	for (at = 0x1a7; at < 0x1e0; at += 8) {
		t.evidence.p[at] ^= 1;
		fake_snp_sign(s, t.evidence.p);
		trial_refused_for(&t, "a byte more", CSN_E_SIGNER, "chip",
		    "that of another chip");
		t.evidence.p[at] ^= 1;
	}
	t.evidence.p[0x183]++;		/* Turin has another layout */
	fake_snp_sign(s, t.evidence.p);
	trial_refused_for(&t, "snp", CSN_E_SIGNER, "tcb", "fmc 3, "
	    "bootloader 4, tee 5, snp 7, microcode 7");
	end_snp(&t, s);
}

TEST(a_chips_certificate_with_one_flaw_is_refused_for_it)
{
	static const uint8_t number[] = { 2, 1, 4 }, wide[] = { 2, 2, 1, 4 };
	static const uint8_t behind[] = { 2, 1, 4, 0 }, text[] = { 4, 1, 4 };
	static const uint8_t chip[66] = { 4, 64, 0xc0 }, name[] = {
		0x16, 5, 'M', 'i', 'l', 'a', 'n' };
	static const uint8_t no_text[] = { 0x0c, 5, 'G', 'e', 'n', 'o', 'a' };
	static const uint8_t control[] = { 0x16, 6, 'G', 'e', 'n', 'o', 'a',
	    0x1b };
	static const uint8_t odd[] = { 0x16, 4, 'R', 'o', 'm', 'e' };
	static const struct {
		const char *what;
		struct fake_extension swap;
		int code;
		const char *check, *says;
	} rows[] = {
		{ "no bootloader", { AMD ".3.1" }, CSN_E_SIGNER, "tcb",
		    "has no extension " AMD ".3.1" },
		{ "no tee", { AMD ".3.2" }, CSN_E_SIGNER, "tcb",
		    "has no extension " AMD ".3.2" },
		{ "no snp", { AMD ".3.3" }, CSN_E_SIGNER, "tcb",
		    "has no extension " AMD ".3.3" },
		{ "no microcode", { AMD ".3.8" }, CSN_E_SIGNER, "tcb",
		    "has no extension " AMD ".3.8" },
		{ "a number of two bytes", { AMD ".3.1", wide, sizeof(wide) },
		    CSN_E_SIGNER, "tcb", "the bootloader version in the "
		    "certificate 'SEV-VCEK' is malformed" },
		{ "a byte behind it", { AMD ".3.1", behind, sizeof(behind) },
		    CSN_E_SIGNER, "tcb", "the bootloader version" },
		{ "no number", { AMD ".3.2", text, sizeof(text) },
		    CSN_E_SIGNER, "tcb", "the tee version" },
		{ "Turin's part, and not zero", { AMD ".3.9", number,
		    sizeof(number) }, CSN_E_SIGNER, "tcb",
		    "the certificate is for another TCB" },
		{ "no chip", { AMD ".4" }, CSN_E_SIGNER, "tcb",
		    "does not name a chip" },
		{ "a chip's id of 63 bytes", { AMD ".4", chip, 63 },
		    CSN_E_SIGNER, "tcb", "does not name a chip" },
		{ "another chip, as OCTET STRING", { AMD ".4", chip,
		    sizeof(chip) }, CSN_E_SIGNER, "chip",
		    "that of another chip" },
		{ "a Milan's", { AMD ".2", name, sizeof(name) },
		    CSN_E_SIGNER, "product", "the certificate is for Milan" },
		{ "a name that is no IA5String", { AMD ".2", no_text,
		    sizeof(no_text) }, CSN_E_SIGNER, "tcb",
		    "extension " AMD ".2 of the certificate 'SEV-VCEK' is "
		    "malformed" },
		{ "a name with a control", { AMD ".2", control,
		    sizeof(control) }, CSN_E_SIGNER, "tcb", "is malformed" },
	};
	struct fake_snp_options o = { .product = FAKE_GENOA };
	struct fake_extension swap = { AMD ".2", odd, sizeof(odd) };
	struct fake_snp *s;
	struct trial t;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		o.swap = &rows[i].swap;
		s = begin_snp(&t, &o, 3);
		trial_refused_for(&t, rows[i].what, rows[i].code,
		    rows[i].check, rows[i].says);
		end_snp(&t, s);
	}
	/* Neither the report of version 2 nor the certificate says. */
	o.swap = &swap;
	s = begin_snp(&t, &o, 2);
	trial_refused_for(&t, "nobody says", CSN_E_SIGNER, "product",
	    "neither certificate nor report says");
	end_snp(&t, s);
	s = begin_snp(&t, &o, 3);
	trial_good(&t);
	end_snp(&t, s);
}

/* Each value of bytes, its last digit right and wrong. */
TEST(the_policys_values_are_compared_whole)
{
	static const struct {
		const char *member;
		size_t at, len;
	} rows[] = {
		{ "family_id", 0x10, 16 }, { "image_id", 0x20, 16 },
		{ "measurement", 0x90, 48 }, { "host_data", 0xc0, 32 },
		{ "id_key_digest", 0xe0, 48 },
		{ "author_key_digest", 0x110, 48 }, { "chip_id", 0x1a0, 64 },
	};
	char policy[256];
	struct fake_snp *s;
	struct trial t;
	size_t i, k, n;
	int good;

	s = begin_snp(&t, NULL, 3);
	for (i = 0; i < COUNT(rows); i++)
		for (good = 0; good < 2; good++) {
			n = (size_t)snprintf(policy, sizeof(policy),
			    "{\"platform\":{\"sev-snp\":{\"%s\":\"",
			    rows[i].member);
			for (k = 0; k < rows[i].len; k++)
				n += (size_t)snprintf(policy + n,
				    sizeof(policy) - n, "%02x",
				    t.evidence.p[rows[i].at + k] ^ (!good &&
				    k + 1 == rows[i].len ? 1 : 0));
			(void)snprintf(policy + n, sizeof(policy) - n,
			    "\"}}}");
			t.policy = policy;
			if (!good) {
				trial_refused_for(&t, rows[i].member,
				    CSN_E_POLICY, rows[i].member,
				    "which the policy does not list");
				continue;
			}
			trial_good(&t);
			trial_expect(&t, rows[i].member, "passed");
			trial_expect(&t, "policy", "absent");
		}
	end_snp(&t, s);
}

/* The four TCBs, PLATFORM_INFO and its alias check. */
TEST(the_policy_names_each_tcb_and_the_platforms_bits)
{
	static const struct {
		const char *member;
		size_t at;		/* the TCB's bootloader */
	} tcbs[] = {
		{ "min_tcb", 0x180 }, { "min_current_tcb", 0x38 },
		{ "min_committed_tcb", 0x1e0 }, { "min_launch_tcb", 0x1f0 },
	};
	static const struct {
		const char *value;
		int good;
	} bits[] = {
		{ "32", 1 }, { "36", 1 }, { "33", 0 }, { "0", 1 },
		{ "\"alias_check\"", 1 }, { "\"ecc\"", 1 },
		{ "[\"ecc\",\"alias_check\"]", 1 },
		{ "[\"alias_check\",\"tsme\"]", 0 }, { "\"smt\"", 0 },
		{ "\"tio\"", 0 },
	};
	static const char *const bad[] = {
		"\"\"", "[]", "\"alias\"", "-1", "[32]", "true", "{}",
	};
	char policy[128];
	struct fake_snp *s;
	struct trial t;
	size_t i;
	int least;

	s = begin_snp(&t, NULL, 3);
	t.policy = policy;
	for (i = 0; i < COUNT(tcbs); i++)
		for (least = 9; least <= 10; least++) {
			fake_snp_report(s, 3, NULL, t.evidence.p);
			/* The reported one is the certificate's: 4. */
			if (i > 0)
				t.evidence.p[tcbs[i].at] = 9;
			fake_snp_sign(s, t.evidence.p);
			(void)snprintf(policy, sizeof(policy), "{\"platform\""
			    ":{\"sev-snp\":{\"%s\":{\"bootloader\":%d}}}}",
			    tcbs[i].member, i > 0 ? least : least - 5);
			if (least == 9) {
				trial_good(&t);
				trial_expect(&t, tcbs[i].member, "passed");
				continue;
			}
			trial_refused_for(&t, tcbs[i].member, CSN_E_POLICY,
			    tcbs[i].member, i > 0 ? "bootloader 9, and the "
			    "policy asks for 10" : "bootloader 4, and the "
			    "policy asks for 5");
		}
	t.evidence.p[0x40] = 0x24;	/* ecc and alias_check */
	fake_snp_sign(s, t.evidence.p);
	for (i = 0; i < COUNT(bits); i++) {
		(void)snprintf(policy, sizeof(policy), "{\"platform\":"
		    "{\"sev-snp\":{\"platform_info\":%s}}}", bits[i].value);
		if (bits[i].good) {
			trial_good(&t);
			trial_expect(&t, "platform_info", "passed");
		} else {
			trial_refused_for(&t, bits[i].value, CSN_E_POLICY,
			    "platform_info", "0x24");
		}
	}
	for (i = 0; i < COUNT(bad); i++) {
		(void)snprintf(policy, sizeof(policy), "{\"platform\":"
		    "{\"sev-snp\":{\"platform_info\":%s}}}", bad[i]);
		assert_int_equal(trial_run(&t), CSN_E_ARG);
	}
	/* Collateral is the ARK's CRL here: for who asks. */
	t.policy = "{\"platform\":{\"sev-snp\":{\"collateral\":\"required\"}}}";
	trial_refused_for(&t, "no CRL", CSN_E_POLICY, "revocation",
	    "no CRL given");
	t.policy = NULL;
	t.require = CSN_REQUIRE_CRL;
	trial_refused(&t, CSN_E_POLICY, "revocation");
	end_snp(&t, s);
}

/* --- NVIDIA ------------------------------------------------------------ */

TEST(firmware_is_held_to_a_blackwells_certificate)
{
	const struct fake_spdm_options wrong = { .wrong_firmware = 1 };
	struct fake_bytes none = { NULL, 0 };
	struct fake_spdm *s;
	struct trial t;

	s = begin_nvidia(&t, FAKE_BLACKWELL, NULL, NULL);
	trial_good(&t);
	trial_expect(&t, "firmware", "passed");
	trial_set(&t.evidence, fake_spdm_evidence(s, NULL, &wrong));
	trial_refused_for(&t, "another", CSN_E_SIGNER, "firmware",
	    "issued for another firmware");
	end_nvidia(&t, s);
	/* An extension that is there and says nothing is not passed over. */
	fake_put(&none, "\x30\x03\x83\x01\x07", 5);
	s = begin_nvidia(&t, FAKE_BLACKWELL, &none, NULL);
	trial_refused_for(&t, "no digest", CSN_E_SIGNER, "firmware",
	    "what the certificate says of its firmware is malformed");
	end_nvidia(&t, s);
	none.p[1] = 9;
	s = begin_nvidia(&t, FAKE_BLACKWELL, &none, NULL);
	trial_refused(&t, CSN_E_SIGNER, "firmware");
	end_nvidia(&t, s);
	s = begin_nvidia(&t, FAKE_HOPPER, &none, NULL);
	trial_refused(&t, CSN_E_SIGNER, "firmware");
	end_nvidia(&t, s);
	free(none.p);
}

TEST(a_switch_is_no_gpu)
{
	static const char gpu[] = "{\"platform\":{\"nvidia\":{\"device\":"
	    "\"gpu\"}}}";
	static const char switches[] = "{\"platform\":{\"nvidia\":{"
	    "\"device\":\"switch\"}}}";
	static const char both[] = "{\"platform\":{\"nvidia\":{\"device\":"
	    "[\"gpu\",\"switch\"]}}}";
	static const struct {
		const char *what;
		enum fake_spdm_kind kind;
		struct fake_spdm_options o;
		int is_switch;		/* 0: a GPU; -1: nobody says */
	} rows[] = {
		{ "a Hopper", FAKE_HOPPER, { .blocks = 1 }, 0 },
		{ "a Blackwell", FAKE_BLACKWELL, { .blocks = 1 }, 0 },
		{ "a switch by its certificates", FAKE_SWITCH,
		    { .blocks = 1 }, 1 },
		{ "a switch by all", FAKE_SWITCH, { .is_switch = 1 }, 1 },
		{ "a switch by its fields", FAKE_NAMELESS,
		    { .is_switch = 1 }, 1 },
		{ "a switch by its fields behind a head", FAKE_NAMELESS,
		    { .is_switch = 1, .head = 1 }, 1 },
		{ "a switch by its position", FAKE_NAMELESS, { .field = 24 },
		    1 },
		{ "a switch by its ports", FAKE_NAMELESS, { .field = 27 },
		    1 },
		{ "nobody says: switches around a GPU", FAKE_NAMELESS,
		    { .field = 22 }, -1 },
		{ "a GPU by its driver", FAKE_NAMELESS, { .blocks = 1 }, 0 },
		{ "nobody says", FAKE_NAMELESS, { .no_fields = 1 }, -1 },
	};
	struct fake_spdm *s;
	struct trial t;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		s = begin_nvidia(&t, rows[i].kind, NULL, &rows[i].o);
		if (rows[i].is_switch == 0)
			trial_good(&t);
		else
			trial_refused_for(&t, rows[i].what, CSN_E_POLICY,
			    "device", rows[i].is_switch < 0 ? "neither "
			    "certificate nor report says" : "a switch, '");
		t.policy = gpu;
		if (rows[i].is_switch == 0)
			trial_good(&t);
		else
			trial_refused(&t, CSN_E_POLICY, "device");
		t.policy = switches;
		if (rows[i].is_switch == 1)
			trial_good(&t);
		else
			trial_refused(&t, CSN_E_POLICY, "device");
		t.policy = both;
		if (rows[i].is_switch >= 0)
			trial_good(&t);
		else
			trial_refused(&t, CSN_E_POLICY, "device");
		t.policy = "{\"platform\":{\"nvidia\":{\"device\":\"dpu\"}}}";
		assert_int_equal(trial_run(&t), CSN_E_ARG);
		end_nvidia(&t, s);
	}
}

TEST(zeros_behind_the_message_are_no_harm_and_other_bytes_are)
{
	static const uint8_t zeros[100];
	struct fake_spdm *s;
	struct trial t;

	s = begin_nvidia(&t, FAKE_HOPPER, NULL, NULL);
	fake_put(&t.evidence, zeros, sizeof(zeros));
	trial_good(&t);
	t.evidence.p[t.evidence.len - 1] = 1;
	trial_refused_for(&t, "a last byte", CSN_E_FORM, "form",
	    "is not as long as it says");
	t.evidence.p[t.evidence.len - 1] = 0;
	t.evidence.p[t.evidence.len - 100] = 1;
	trial_refused(&t, CSN_E_FORM, "form");
	end_nvidia(&t, s);
}

/* Of several devices' certificates the one that signed is meant. */
TEST(a_device_is_found_among_others)
{
	struct fake_spdm *s, *other = fake_spdm_new(NULL);
	struct trial t;

	s = begin_nvidia(&t, FAKE_BLACKWELL, NULL, NULL);
	t.certs[1] = t.certs[0];
	t.certs[0] = fake_spdm_chain(other);
	trial_good(&t);
	assert_non_null(strstr(trial_detail(&t, "signature"), "GB100 A01 FMC"));
	fake_spdm_free(other);
	end_nvidia(&t, s);
}

/* Drivers from CUDA 13.5 on. */
TEST(opaque_data_behind_a_head_is_read)
{
	static const struct {
		const char *what;
		struct fake_spdm_options o;
		int code;
		const char *says;
	} bad[] = {
		{ "another profile", { .head = 1, .profile = 1 },
		    CSN_E_VERSION, "profile 1, version 2" },
		{ "version 3", { .head = 1, .major = 3 }, CSN_E_VERSION,
		    "profile 0, version 3; profile 0 up to version 2" },
		{ "a field cut off", { .head = 1, .cut = 1 }, CSN_E_FORM,
		    "a field that is cut off" },
		{ "a field's head cut off", { .head = 1, .cut = 50 },
		    CSN_E_FORM, "a field that is cut off" },
		{ "the old layout cut off", { .cut = 1 }, CSN_E_FORM,
		    "a field that is cut off" },
	};
	const struct fake_spdm_options good = {
		.head = 1, .driver = "620.12", .unknown = 1
	}, wrong = { .head = 1, .wrong_firmware = 1 }, old = { .head = 1,
	    .major = 1 };
	struct fake_spdm *s;
	struct trial t;
	json_t *o, *fields;
	char *json;
	size_t i;

	s = begin_nvidia(&t, FAKE_BLACKWELL, NULL, &good);
	t.policy = "{\"platform\":{\"nvidia\":{\"driver_version\":\"620.12\","
	    "\"vbios_version\":\"96.00.5E.00.01\"}}}";
	trial_good(&t);
	trial_expect(&t, "driver_version", "passed");
	trial_expect(&t, "vbios_version", "passed");
	trial_expect(&t, "firmware", "passed");
	assert_int_equal(csn_platform_json(t.ctx, t.platform, t.evidence.p,
	    t.evidence.len, &json), 0);
	assert_non_null(o = json_loads(json, 0, NULL));
	csn_free(json);
	assert_string_equal(json_string_value(json_object_get(o,
	    "driver_version")), "620.12");
	fields = json_object_get(o, "opaque");
	assert_int_equal(json_object_size(fields), 4);
	assert_string_equal(json_string_value(json_object_get(fields,
	    "999")), "005e009601000000");
	json_decref(o);
	t.policy = NULL;
	trial_set(&t.evidence, fake_spdm_evidence(s, NULL, &old));
	trial_good(&t);
	trial_set(&t.evidence, fake_spdm_evidence(s, NULL, &wrong));
	trial_refused(&t, CSN_E_SIGNER, "firmware");
	for (i = 0; i < COUNT(bad); i++) {
		trial_set(&t.evidence, fake_spdm_evidence(s, NULL,
		    &bad[i].o));
		trial_refused_for(&t, bad[i].what, bad[i].code, "form",
		    bad[i].says);
	}
	end_nvidia(&t, s);
}

/* --- TPM 2.0 ----------------------------------------------------------- */

TEST(a_quote_of_a_tpm_with_one_flaw_is_refused_for_it)
{
	static const uint8_t nonce[32] = { 0xaa, 0xbb };
	static const struct {
		const char *what;
		struct fake_tpm_quote q;
		int code;
		const char *check, *says;
	} rows[] = {
		{ "not made by a TPM", { .magic = 0xff544346 }, CSN_E_FORM,
		    "form", "no TPM made it" },
		{ "something else attested", { .type = 0x8017 }, CSN_E_FORM,
		    "form", "of type 0x8017, which is no quote" },
		{ "a bank selected twice", { .bank_twice = 1 }, CSN_E_FORM,
		    "form", "selects a bank of PCRs twice" },
		{ "a bank of SHA-1", { .bank = FAKE_TPM_SHA1 },
		    CSN_E_ALGORITHM, "algorithms",
		    "has PCRs of the hash 0x0004, which is not taken" },
		{ "SHA-1 in the signature", { .hash = FAKE_TPM_SHA1 },
		    CSN_E_ALGORITHM, "algorithms",
		    "a signature with the hash 0x0004" },
		{ "another scheme", { .scheme = 0x001a }, CSN_E_ALGORITHM,
		    "algorithms", "a signature of the kind 0x001a" },
		{ "other values", { .other_pcr = 1 }, CSN_E_SIGNATURE,
		    "pcr_digest", "not those that the TPM signed" },
	};
	struct fake_tpm *tpm = fake_tpm_new(FAKE_P256, 1);
	struct fake_bytes policy = fake_tpm_policy("key", fake_tpm_key(tpm),
	    "");
	struct fake_tpm_quote q;
	struct trial t;
	size_t i;

	trial_start(&t, CSN_PLATFORM_TPM2);
	t.policy = (const char *)policy.p;
	t.nonce = nonce;
	t.nonce_len = sizeof(nonce);
	for (i = 0; i < COUNT(rows); i++) {
		fake_tpm_defaults(tpm, &q, nonce, sizeof(nonce));
		q.magic = rows[i].q.magic != 0 ? rows[i].q.magic : q.magic;
		q.type = rows[i].q.type != 0 ? rows[i].q.type : q.type;
		q.bank = rows[i].q.bank != 0 ? rows[i].q.bank : q.bank;
		q.hash = rows[i].q.hash != 0 ? rows[i].q.hash : q.hash;
		q.scheme = rows[i].q.scheme != 0 ? rows[i].q.scheme :
		    q.scheme;
		q.bank_twice = rows[i].q.bank_twice;
		q.other_pcr = rows[i].q.other_pcr;
		trial_set(&t.evidence, fake_tpm_evidence(tpm, &q));
		trial_refused_for(&t, rows[i].what, rows[i].code,
		    rows[i].check, rows[i].says);
	}
	fake_tpm_defaults(tpm, &q, nonce, sizeof(nonce));
	trial_set(&t.evidence, fake_tpm_evidence(tpm, &q));
	trial_good(&t);
	free(policy.p);
	fake_tpm_free(tpm);
	trial_end(&t);
}
