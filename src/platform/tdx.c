/* SPDX-License-Identifier: Apache-2.0 */
/* platform/tdx.c - verifying an Intel TDX quote. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "platform/policy.h"
#include "platform/tdx.h"
#include "platform/vendor.h"

#define ROOM "platform"
#define QE_DEBUG 0x02		/* of an enclave's attributes */

/*
 * What Intel's own are, whatever collateral there is: the constants of its
 * Quoting Enclave for TDX (as its QE identity states them; DEBUG is checked
 * by itself) and of its TDX module.
 */
#define QE_PRODUCT 2
static const uint8_t qe_vendor[16] = {
	0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
	0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07
};
static const uint8_t qe_signer[32] = {
	0xdc, 0x9e, 0x2a, 0x7c, 0x6f, 0x94, 0x8f, 0x17,
	0x47, 0x4e, 0x34, 0xa7, 0xfc, 0x43, 0xed, 0x03,
	0x0f, 0x7c, 0x15, 0x63, 0xf1, 0xba, 0xbd, 0xdf,
	0x63, 0x40, 0xc8, 0x2e, 0x0e, 0x54, 0xa8, 0xc5
};
static const uint8_t qe_attributes[16] = { 0x11 };
static const uint8_t qe_attributes_mask[16] = {
	0xf9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
};
static const uint8_t zero[48];

static const struct csn_pin roots[] = {
	{ "Intel SGX Root CA", {
	    0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4,
	    0x13, 0x2f, 0x91, 0x86, 0x06, 0x8a, 0x7f, 0xc1,
	    0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35, 0x77, 0x74,
	    0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e } },
};

/* Not "Revoked": nobody means to trust that. */
static const char *const statuses[] = {
	"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
	"ConfigurationAndSWHardeningNeeded", "OutOfDate",
	"OutOfDateConfigurationNeeded", NULL
};

static const struct csn_rule rules[] = {
	{ "mr_td", CSN_FORM_HEX, 48 },
	{ "rtmr0", CSN_FORM_HEX, 48 },
	{ "rtmr1", CSN_FORM_HEX, 48 },
	{ "rtmr2", CSN_FORM_HEX, 48 },
	{ "rtmr3", CSN_FORM_HEX, 48 },
	{ "mr_config_id", CSN_FORM_HEX, 48 },
	{ "mr_owner", CSN_FORM_HEX, 48 },
	{ "mr_owner_config", CSN_FORM_HEX, 48 },
	{ "mr_seam", CSN_FORM_HEX, 48 },
	{ "mr_service_td", CSN_FORM_HEX, 48 },
	{ "td_attributes", CSN_FORM_HEX, 8 },
	{ "xfam", CSN_FORM_HEX, 8 },
	{ "fmspc", CSN_FORM_HEX, 6 },
	{ "tcb_status", CSN_FORM_WORDS, 0, statuses },
	{ "min_tcb_evaluation", CSN_FORM_NUMBER, UINT32_MAX },
	{ "allow_debug", CSN_FORM_SWITCH },
	CSN_RULE_COLLATERAL,
	CSN_RULE_ROOT,
	{ NULL }
};

static int
read_certs(struct csn_appraisal *a, const struct csn_tdx_quote *q,
    struct csn_tdx_collateral *c)
{
	size_t i;
	int rc;

	rc = csn_pki_read(a->pki, q->chain, q->chain_len);
	for (i = 0; rc == 0 && i < a->o.ncerts; i++)
		rc = csn_pki_read(a->pki, a->o.certs[i].p, a->o.certs[i].len);
	if (rc == 0)
		rc = csn_pki_add_all(a->pki, a->roots);
	if (rc != 0)
		return csn_appraise_rc(a, "certificates", rc, "%s", "");
	if ((rc = csn_tdx_collateral_read(a, c)) != 0)
		return csn_appraise_rc(a, "collateral", rc, "%s", "");
	return 0;
}

/* The attestation key is the one that the Quoting Enclave reports. */
static int
verify_binding(struct csn_appraisal *a, const struct csn_tdx_quote *q)
{
	uint8_t hash[CSN_SHA256_SIZE], *text;
	int rc;

	if ((text = csn_calloc(64 + q->auth_len, 1)) == NULL)
		return csn_nomem(a->ctx, ROOM, "verifying a quote");
	memcpy(text, q->key, 64);
	memcpy(text + 64, q->auth, q->auth_len);
	rc = csn_sha256(a->ctx, text, 64 + q->auth_len, hash);
	csn_wipe_free(text, 64 + q->auth_len);
	if (rc != 0)
		return rc;
	if (!csn_equal(hash, q->qe.report_data, 32) ||
	    !csn_equal(zero, q->qe.report_data + 32, 32))
		return csn_fail(a->ctx, CSN_E_SIGNATURE, ROOM,
		    "the Quoting Enclave reports another attestation key");
	return 0;
}

static void
appraise_signatures(struct csn_appraisal *a, const struct csn_tdx_quote *q,
    const struct csn_cert *leaf)
{
	int rc;

	rc = csn_cert_ecdsa_verify(a->ctx, leaf, CSN_ECDSA_P256, q->qe.bytes,
	    CSN_TDX_QE_REPORT, q->qe_signature);
	(void)csn_appraise_rc(a, "qe_signature", rc,
	    "the Quoting Enclave's report is signed by the platform");
	(void)csn_appraise_rc(a, "qe_binding", verify_binding(a, q),
	    "the Quoting Enclave reports the attestation key");
	rc = csn_ecdsa_verify(a->ctx, CSN_ECDSA_P256, q->key, q->bytes,
	    q->signed_len, q->signature);
	(void)csn_appraise_rc(a, "signature", rc, "by the attestation key");
}

/* "the Quoting Enclave has MRSIGNER 00…, not Intel's" */
static void
not_intels(struct csn_appraisal *a, const char *name, const char *what,
    const uint8_t *p, size_t len)
{
	char hex[2 * sizeof(zero) + 1];

	csn_hex_encode(p, len, hex);
	csn_appraise_fail(a, name, CSN_E_POLICY, "%s %s, which is not "
	    "Intel's", what, hex);
}

/* An enclave of anybody's can report a key: it has to be Intel's. */
static void
appraise_enclave(struct csn_appraisal *a, const struct csn_tdx_quote *q)
{
	static const char name[] = "quoting_enclave";
	const struct csn_qe_report *qe = &q->qe;
	uint8_t attributes[sizeof(qe_attributes)];
	size_t i;

	for (i = 0; i < sizeof(attributes); i++)
		attributes[i] = qe->attributes[i] & qe_attributes_mask[i];
	if (!csn_equal(q->qe_vendor, qe_vendor, sizeof(qe_vendor)))
		not_intels(a, name, "the quote names a Quoting Enclave of the "
		    "vendor", q->qe_vendor, sizeof(qe_vendor));
	else if (!csn_equal(qe->mr_signer, qe_signer, sizeof(qe_signer)))
		not_intels(a, name, "the Quoting Enclave has the signer "
		    "(MRSIGNER)", qe->mr_signer, sizeof(qe_signer));
	else if (qe->product != QE_PRODUCT)
		csn_appraise_fail(a, name, CSN_E_POLICY, "the enclave is "
		    "Intel's product %u, its Quoting Enclave for TDX is %u",
		    qe->product, QE_PRODUCT);
	else if (!csn_equal(attributes, qe_attributes, sizeof(attributes)))
		not_intels(a, name, "the Quoting Enclave has the attributes",
		    qe->attributes, sizeof(attributes));
	else if (!csn_equal(qe->misc_select, zero, 4))
		not_intels(a, name, "the Quoting Enclave has the MISCSELECT",
		    qe->misc_select, 4);
	else
		csn_appraise_pass(a, name, "Intel's, by signer, product and "
		    "vendor; ISVSVN %u", qe->svn);
}

static void
appraise_seam(struct csn_appraisal *a, const struct csn_tdx_quote *q)
{
	static const char name[] = "seam";

	if (!csn_equal(q->mr_signer_seam, zero, 48))
		not_intels(a, name, "the TDX module has the signer "
		    "(MRSIGNERSEAM)", q->mr_signer_seam, 48);
	else if (!csn_equal(q->seam_attributes, zero, 8))
		not_intels(a, name, "the TDX module has the attributes",
		    q->seam_attributes, 8);
	else
		csn_appraise_pass(a, name, "Intel's TDX module, by signer and "
		    "attributes");
}

/* A policy on the TCB without a TCB must not pass. */
static void
no_collateral(struct csn_appraisal *a, const char *name, const char *what)
{
	if (json_object_get(a->policy, "tcb_status") != NULL ||
	    json_object_get(a->policy, "min_tcb_evaluation") != NULL)
		csn_appraise_fail(a, name, CSN_E_POLICY,
		    "the policy asks for a level of the TCB: %s", what);
	else
		csn_appraise_missing(a, name, CSN_REQUIRE_COLLATERAL, what);
}

static void
appraise_collateral(struct csn_appraisal *a, const struct csn_tdx_quote *q,
    const struct csn_cert *leaf, const struct csn_tdx_collateral *c)
{
	const struct csn_signed_json *info;
	struct csn_pck pck;
	char fmspc[2 * sizeof(pck.fmspc) + 1];
	char pce_id[2 * sizeof(pck.pce_id) + 1];
	char signer[2 * sizeof(qe_signer) + 1], what[160];
	int rc;

	rc = csn_pck_read(a->ctx, leaf, &pck);
	if (rc != 0) {
		(void)csn_appraise_rc(a, "tcb", rc, "%s", "");
		return;
	}
	csn_hex_encode(pck.fmspc, sizeof(pck.fmspc), fmspc);
	csn_hex_encode(pck.pce_id, sizeof(pck.pce_id), pce_id);
	csn_appraise_pass(a, "pck", "a platform of FMSPC %s, PCE id %s, with "
	    "PCE SVN %u", fmspc, pce_id, pck.pce_svn);
	(void)csn_policy_hex(a, "fmspc", pck.fmspc, sizeof(pck.fmspc));
	if ((info = csn_tdx_tcb_info(c, pck.fmspc)) == NULL) {
		(void)snprintf(what, sizeof(what), "no TCB info given for the "
		    "platform's FMSPC %s, PCE id %s", fmspc, pce_id);
		no_collateral(a, "tcb", what);
	} else if (csn_appraise_rc(a, "tcb_info", csn_tdx_collateral_verify(a,
	    info), "signed by Intel and of this time") == 0) {
		csn_tdx_appraise_tcb(a, q, &pck, info->body);
	}
	if (c->qe_identity.body == NULL) {
		csn_hex_encode(q->qe.mr_signer, sizeof(qe_signer), signer);
		(void)snprintf(what, sizeof(what), "no QE identity given for "
		    "the enclave of MRSIGNER %s, product %u, ISVSVN %u",
		    signer, q->qe.product, q->qe.svn);
		no_collateral(a, "qe_identity", what);
	} else if (csn_appraise_rc(a, "qe_identity_info",
	    csn_tdx_collateral_verify(a, &c->qe_identity),
	    "signed by Intel and of this time") == 0) {
		csn_tdx_appraise_qe(a, q, c->qe_identity.body);
	}
}

static void
appraise_debug(struct csn_appraisal *a, const struct csn_tdx_quote *q)
{
	/* Bit 0 is DEBUG; the rest of its byte (TUD) has to be zero too. */
	if ((q->qe.attributes[0] & QE_DEBUG) != 0)
		csn_appraise_fail(a, "debug", CSN_E_POLICY,
		    "the Quoting Enclave runs in debug mode");
	else
		csn_policy_debug(a, q->td_attributes[0] != 0);
}

static void
appraise_policy(struct csn_appraisal *a, const struct csn_tdx_quote *q)
{
	static const char *const rtmr[] = {
		"rtmr0", "rtmr1", "rtmr2", "rtmr3"
	};
	int i, any = 0;

	if (!csn_policy_hex(a, "mr_td", q->mr_td, 48))
		csn_appraise_skip(a, "mr_td",
		    "not checked: no reference value given");
	for (i = 0; i < 4; i++)
		any |= csn_policy_hex(a, rtmr[i], q->rtmr[i], 48);
	if (!any)
		csn_appraise_skip(a, "rtmr",
		    "not checked: no reference value given");
	(void)csn_policy_hex(a, "mr_config_id", q->mr_config_id, 48);
	(void)csn_policy_hex(a, "mr_owner", q->mr_owner, 48);
	(void)csn_policy_hex(a, "mr_owner_config", q->mr_owner_config, 48);
	(void)csn_policy_hex(a, "mr_seam", q->mr_seam, 48);
	(void)csn_policy_hex(a, "mr_service_td",
	    q->mr_service_td != NULL ? q->mr_service_td : zero, 48);
	(void)csn_policy_hex(a, "td_attributes", q->td_attributes, 8);
	(void)csn_policy_hex(a, "xfam", q->xfam, 8);
}

static void
appraise(struct csn_appraisal *a)
{
	struct csn_tdx_collateral c;
	const struct csn_cert *leaf;
	struct csn_tdx_quote q;
	int rc;

	memset(&c, 0, sizeof(c));
	rc = csn_tdx_parse(a->ctx, a->evidence, a->len, &q);
	if (csn_appraise_rc(a, "form", rc, "TDX quote, version %u",
	    q.version) != 0 || read_certs(a, &q, &c) != 0)
		goto out;
	if ((leaf = csn_tdx_leaf(a->pki)) == NULL) {
		csn_appraise_fail(a, "chain", CSN_E_SIGNER,
		    "the quote brings no certificate of its platform");
		goto out;
	}
	(void)csn_appraise_chain(a, leaf, 1);
	appraise_signatures(a, &q, leaf);
	appraise_enclave(a, &q);
	appraise_seam(a, &q);
	appraise_collateral(a, &q, leaf, &c);
	appraise_debug(a, &q);
	csn_appraise_nonce(a, q.report_data, 64);
	appraise_policy(a, &q);
out:
	csn_tdx_collateral_free(&c);
}

const struct csn_vendor csn_vendor_tdx = {
	.name = "tdx", .min_nonce = 1, .max_nonce = 64, .report_nonce = 64,
	.endorsed = 1 << CSN_ENDORSED_CERTS | 1 << CSN_ENDORSED_JSON,
	/* What a quote is worth, its collateral says. */
	.needs_collateral = 1, .rules = rules,
	.pins = roots, .npins = sizeof(roots) / sizeof(roots[0]),
	.appraise = appraise, .json = csn_tdx_json
};
