/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/attest/test_pinned.c - evidence under pinned roots, with nothing
 * given but what a host gives: made up, in the forms of the real samples
 * that the other suites take where they are there, and with their flaws.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "lib/test.h"
#include "platform/evidence.h"
#include "platform/fake_pins.h"
#include "platform/fake_spdm.h"
#include "platform/fake_tdx.h"
#include "platform/trial_snp.h"

/* A report whose chain comes with it, its root pinned as that product's. */
static struct fake_snp *
begin_pinned(struct trial *t, const struct fake_snp_options *o,
    enum fake_snp_product pin, uint32_t version)
{
	struct fake_snp *s = begin_snp(t, o, version);

	fake_pins_set(t->ctx, t->platform, (int)pin - 1, &t->root);
	free(t->root.p);
	t->root.p = NULL;
	t->root.len = 0;
	return s;
}

TEST(verifies_a_milan_report_of_version_2)
{
	const struct fake_snp_options milan = {
		.product = FAKE_MILAN, .rsa = 1
	};
	uint8_t nonce[64] = { 1, 2, 3, 4, 5 };
	struct fake_snp *s, *other;
	struct trial t;

	s = begin_pinned(&t, &milan, FAKE_MILAN, 2);
	fake_snp_report(s, 2, nonce, t.evidence.p);
	t.nonce = nonce;
	t.nonce_len = 5;
	trial_good(&t);
	assert_non_null(strstr(trial_detail(&t, "chain"),
	    "; its key is the pinned one of ARK-Milan"));
	trial_expect(&t, "nonce", "passed");
	t.evidence.p[0x0a] |= 8;		/* launched for debugging */
	fake_snp_sign(s, t.evidence.p);
	trial_refused(&t, CSN_E_POLICY, "debug");
	t.policy = "{\"platform\":{\"sev-snp\":{\"allow_debug\":true,"
	    "\"product\":\"Milan\"}}}";
	trial_good(&t);
	t.evidence.p[0x100] ^= 1;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	t.evidence.p[0x100] ^= 1;
	/* A certificate that another ARK of the same name vouches for. */
	other = fake_snp_new(&milan);
	trial_set(&t.certs[0], fake_snp_certs(other));
	trial_refused_for(&t, "another ARK", CSN_E_SIGNER, "chain",
	    "none of the certificates has the key of a pinned root "
	    "(ARK-Milan and others)");
	fake_snp_free(other);
	end_snp(&t, s);
}

TEST(verifies_a_genoa_report_of_version_3)
{
	const struct fake_snp_options genoa = {
		.product = FAKE_GENOA, .leaf_from = "20260101000000Z"
	};
	struct fake_snp *s, *other;
	struct fake_bytes root;
	struct trial t;

	s = begin_pinned(&t, &genoa, FAKE_GENOA, 3);
	trial_good(&t);
	trial_expect(&t, "chip", "passed");
	trial_expect(&t, "tcb", "passed");
	/* The vendor's root serves as a given one, another does not. */
	t.root = fake_snp_root(s);
	trial_good(&t);
	assert_non_null(strstr(trial_detail(&t, "chain"),
	    "as it was given"));
	other = fake_snp_new(NULL);
	trial_set(&t.root, fake_snp_root(other));
	trial_refused(&t, CSN_E_SIGNER, "chain");
	trial_set(&t.root, (struct fake_bytes){ NULL, 0 });
	t.at_ms = trial_time("2025-12-31T23:59:59Z");
	trial_refused(&t, CSN_E_EXPIRED, "chain");
	t.at_ms = FAKE_NOW_MS;
	/* A pinned key whose certificate is not signed by it: any byte. */
	root = fake_snp_root(s);
	fake_pins_set(t.ctx, t.platform, 1, &root);
	free(root.p);
	trial_good(&t);
	/* Without the root's certificate its pin finds nothing. */
	root = fake_snp_certs(other);
	trial_set(&t.certs[0], root);
	trial_refused(&t, CSN_E_SIGNER, "chain");
	fake_snp_free(other);
	end_snp(&t, s);
}

TEST(refuses_a_vlek_that_expired)
{
	const struct fake_snp_options vlek = {
		.product = FAKE_MILAN, .vlek = 1,
		.leaf_until = "20251210000000Z"
	};
	struct fake_snp *s;
	struct trial t;

	s = begin_pinned(&t, &vlek, FAKE_MILAN, 2);
	t.at_ms = trial_time("2025-06-01T00:00:00Z");
	trial_good(&t);
	trial_expect(&t, "chip", "skipped");
	t.at_ms = FAKE_NOW_MS;
	trial_refused_for(&t, "too late", CSN_E_EXPIRED, "chain",
	    "'SEV-VLEK' expired on 2025-12-10");
	end_snp(&t, s);
}

/* A CA signs certificates, whatever it is called. */
TEST(takes_no_report_of_a_ca)
{
	const struct fake_snp_options ca = {
		.product = FAKE_GENOA, .leaf_ca = 1
	};
	struct fake_snp *s;
	struct trial t;

	s = begin_pinned(&t, &ca, FAKE_GENOA, 3);
	trial_refused_for(&t, "a CA", CSN_E_SIGNER, "chain",
	    "no certificate of an SEV-VCEK is given");
	end_snp(&t, s);
}

/* Each root vouches for its own generation. */
TEST(refuses_a_certificate_of_another_generation_than_its_root)
{
	const struct fake_snp_options genoa = { .product = FAKE_GENOA };
	const struct fake_snp_options turin = { .product = FAKE_TURIN };
	struct fake_snp *s;
	struct trial t;

	s = begin_pinned(&t, &genoa, FAKE_MILAN, 3);
	trial_refused_for(&t, "Genoa under Milan", CSN_E_SIGNER, "product",
	    "the certificate is for Genoa, the report for Genoa, the root "
	    "for Milan");
	/* The report of version 2 does not say. */
	fake_snp_report(s, 2, NULL, t.evidence.p);
	trial_refused(&t, CSN_E_SIGNER, "product");
	end_snp(&t, s);
	s = begin_pinned(&t, &turin, FAKE_GENOA, 5);
	trial_refused_for(&t, "Turin under Genoa", CSN_E_SIGNER, "product",
	    "the root for Genoa");
	end_snp(&t, s);
	s = begin_pinned(&t, &turin, FAKE_TURIN, 5);
	trial_good(&t);
	end_snp(&t, s);
}

/* Where certificate and report say nothing, the root's pin does. */
TEST(takes_the_generation_from_the_pinned_root)
{
	static const uint8_t odd[] = { 0x16, 4, 'R', 'o', 'm', 'e' };
	const struct fake_extension swap = {
		"1.3.6.1.4.1.3704.1.2", odd, sizeof(odd)
	};
	const struct fake_snp_options o = {
		.product = FAKE_MILAN, .swap = &swap
	};
	struct fake_snp *s;
	struct trial t;

	s = begin_pinned(&t, &o, FAKE_MILAN, 2);
	trial_good(&t);
	trial_expect(&t, "tcb", "passed");
	t.root = fake_snp_root(s);
	trial_refused(&t, CSN_E_SIGNER, "product");
	end_snp(&t, s);
}

TEST(keeps_certificates_of_pinned_roots_for_evidence_without)
{
	char *folder = folder_new();
	struct fake_snp *s;
	struct trial t;

	s = begin_pinned(&t, NULL, FAKE_GENOA, 3);
	t.cache = folder;
	trial_good(&t);
	trial_set(&t.certs[0], (struct fake_bytes){ NULL, 0 });
	trial_good(&t);
	trial_expect(&t, "cache", "passed");
	assert_non_null(strstr(trial_detail(&t, "chain"), "pinned"));
	/* Another TCB's certificate is not there. */
	t.evidence.p[0x180]++;
	fake_snp_sign(s, t.evidence.p);
	trial_refused(&t, CSN_E_SIGNER, "chain");
	folder_remove(folder);
	end_snp(&t, s);
}

/* --- TDX --------------------------------------------------------------- */

static struct fake_tdx *
begin_tdx(struct trial *t, const struct fake_tdx_collateral *c)
{
	struct fake_tdx *s = fake_tdx_new();
	struct fake_bytes root = fake_tdx_root(s);
	struct fake_tdx_quote q;

	trial_start(t, CSN_PLATFORM_TDX);
	fake_pins_set(t->ctx, t->platform, 0, &root);
	free(root.p);
	fake_tdx_defaults(&q, 4, NULL);
	t->evidence = fake_tdx_quote(s, &q);
	t->collateral[0] = fake_tdx_bundle(s, c);
	return s;
}

TEST(verifies_a_quote_with_its_collateral)
{
	const struct fake_tdx_collateral c = {
		.next = "2026-01-31T00:00:00Z", .crl_until =
		"20260130000000Z"
	};
	struct fake_tdx *s;
	struct trial t;

	s = begin_tdx(&t, &c);
	/* What a file has behind the quote is none of it. */
	fake_put_text(&t.evidence, "more bytes");
	t.require = CSN_REQUIRE_COLLATERAL;
	trial_good(&t);
	trial_expect(&t, "tcb", "passed");
	trial_expect(&t, "tdx_module", "passed");
	trial_expect(&t, "qe_identity", "passed");
	trial_expect(&t, "revocation", "passed");
	assert_non_null(strstr(trial_detail(&t, "chain"),
	    "the pinned one of Intel SGX Root CA"));
	t.at_ms = trial_time("2026-02-01T00:00:00Z");
	trial_refused(&t, CSN_E_EXPIRED, "revocation");
	trial_expect(&t, "tcb_info", "failed");
	t.at_ms = trial_time("2050-01-01T00:00:00Z");
	trial_refused(&t, CSN_E_EXPIRED, "chain");
	t.at_ms = FAKE_NOW_MS;
	t.evidence.p[200] ^= 1;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	fake_tdx_free(s);
	trial_end(&t);
}

TEST(refuses_answers_whose_signer_did_not_come_with_them)
{
	struct fake_tdx *s, *other;
	struct trial t;

	s = begin_tdx(&t, NULL);
	trial_set(&t.collateral[0], fake_tdx_pck_crl(s, NULL));
	t.collateral[1] = fake_tdx_root_crl(s, NULL);
	trial_good(&t);
	trial_expect(&t, "revocation", "passed");
	trial_expect(&t, "tcb", "skipped");
	t.collateral[2] = fake_tdx_tcb_info(s, NULL);
	t.collateral[3] = fake_tdx_qe_identity(s, NULL);
	trial_refused_for(&t, "no signer", CSN_E_SIGNER, "tcb_info",
	    "no certificate 'Intel SGX TCB Signing' is given");
	trial_expect(&t, "qe_identity_info", "failed");
	/* A signer of that name under another root. */
	other = fake_tdx_new();
	t.collateral[4] = fake_tdx_signers(other);
	trial_refused(&t, CSN_E_SIGNER, "tcb_info");
	/* And the right one behind it. */
	t.collateral[5] = fake_tdx_signers(s);
	trial_good(&t);
	trial_expect(&t, "tcb", "passed");
	fake_tdx_free(other);
	fake_tdx_free(s);
	trial_end(&t);
}

/* --- NVIDIA ------------------------------------------------------------ */

TEST(verifies_a_hoppers_measurements)
{
	uint8_t nonce[FAKE_SPDM_NONCE] = { 7, 7, 7 };
	struct fake_spdm *s = fake_spdm_new(NULL), *other;
	struct fake_bytes root = fake_spdm_root(s);
	const struct fake_spdm_options old = { .no_firmware = 1 };
	struct trial t;

	trial_start(&t, CSN_PLATFORM_NVIDIA);
	fake_pins_set(t.ctx, t.platform, 0, &root);
	free(root.p);
	t.evidence = fake_spdm_evidence(s, nonce, &old);
	t.certs[0] = fake_spdm_chain(s);
	t.nonce = nonce;
	t.nonce_len = sizeof(nonce);
	trial_good(&t);
	assert_non_null(strstr(trial_detail(&t, "chain"),
	    "the pinned one of NVIDIA Device Identity CA"));
	trial_expect(&t, "device", "passed");
	trial_expect(&t, "firmware", "skipped");
	nonce[0] ^= 1;
	trial_refused(&t, CSN_E_REPLAY, "nonce");
	nonce[0] ^= 1;
	t.at_ms = trial_time("2019-12-31T00:00:00Z");
	trial_refused(&t, CSN_E_EXPIRED, "chain");
	t.at_ms = FAKE_NOW_MS;
	t.evidence.p[t.evidence.len - 1] ^= 1;
	trial_refused(&t, CSN_E_SIGNATURE, "signature");
	other = fake_spdm_new(NULL);
	trial_set(&t.certs[0], fake_spdm_chain(other));
	trial_refused(&t, CSN_E_SIGNER, "chain");
	fake_spdm_free(other);
	fake_spdm_free(s);
	trial_end(&t);
}
