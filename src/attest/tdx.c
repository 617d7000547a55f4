/* attest/tdx.c - verifying an Intel TDX quote. */
#include <string.h>

#include <jansson.h>

#include "attest/platform_policy.h"
#include "attest/tdx.h"
#include "base/alloc.h"
#include "base/fail.h"

#define ROOM "attest"
#define QE_DEBUG 0x02		/* of an enclave's attributes */

const struct csn_pin csn_tdx_pin = {
	"Intel SGX Root CA", {
	    0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4,
	    0x13, 0x2f, 0x91, 0x86, 0x06, 0x8a, 0x7f, 0xc1,
	    0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35, 0x77, 0x74,
	    0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e }
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

/* The platform's certificate: the chain's first that is no CA. */
static const struct csn_cert *
find_leaf(const struct csn_appraisal *a)
{
	const struct csn_cert *cert;
	size_t i;

	for (i = 0; (cert = csn_pki_cert(a->pki, i)) != NULL; i++)
		if (!csn_cert_is_ca(cert))
			return cert;
	return NULL;
}

/* The attestation key is the one that the Quoting Enclave reports. */
static int
verify_binding(struct csn_appraisal *a, const struct csn_tdx_quote *q)
{
	static const uint8_t zero[32];
	uint8_t hash[CSN_SHA256_SIZE], *text;
	int rc;

	if ((text = csn_calloc(64 + q->auth_len, 1)) == NULL)
		return csn_fail(a->ctx, CSN_E_NOMEM, ROOM,
		    "no memory to verify a quote");
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
	int rc;

	rc = csn_pck_read(a->ctx, leaf, &pck);
	if (rc != 0) {
		(void)csn_appraise_rc(a, "tcb", rc, "%s", "");
		return;
	}
	(void)csn_policy_hex(a, "fmspc", pck.fmspc, sizeof(pck.fmspc));
	if ((info = csn_tdx_tcb_info(c, pck.fmspc)) == NULL) {
		no_collateral(a, "tcb", "no TCB info given");
	} else if (csn_appraise_rc(a, "tcb_info", csn_tdx_collateral_verify(a,
	    info), "signed by Intel and of this time") == 0) {
		csn_tdx_appraise_tcb(a, q, &pck, info->body);
	}
	if (c->qe_identity.body == NULL) {
		no_collateral(a, "qe_identity", "no QE identity given");
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
	else if (q->td_attributes[0] == 0)
		csn_appraise_pass(a, "debug", "off");
	else if (csn_policy_flag(a, "allow_debug", 0))
		csn_appraise_pass(a, "debug",
		    "on, as the policy allows: the host can read the guest");
	else
		csn_appraise_fail(a, "debug", CSN_E_POLICY,
		    "on: the host can read and change the guest's memory");
}

static void
appraise_policy(struct csn_appraisal *a, const struct csn_tdx_quote *q)
{
	static const char *const rtmr[] = {
		"rtmr0", "rtmr1", "rtmr2", "rtmr3"
	};
	static const uint8_t zero[48];
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

void
csn_appraise_tdx(struct csn_appraisal *a)
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
	if ((leaf = find_leaf(a)) == NULL) {
		csn_appraise_fail(a, "chain", CSN_E_SIGNER,
		    "the quote brings no certificate of its platform");
		goto out;
	}
	(void)csn_appraise_chain(a, leaf, &csn_tdx_pin, 1, 1);
	appraise_signatures(a, &q, leaf);
	appraise_collateral(a, &q, leaf, &c);
	appraise_debug(a, &q);
	csn_appraise_nonce(a, q.report_data, 64);
	appraise_policy(a, &q);
out:
	csn_tdx_collateral_free(&c);
}
