/* SPDX-License-Identifier: Apache-2.0 */
/* platform/tpm.c - verifying a TPM 2.0 quote. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/fail.h"
#include "platform/der.h"
#include "platform/policy.h"
#include "platform/tpm.h"
#include "platform/vendor.h"

#define ROOM "platform"
#define EXT_KEY_USAGE "2.5.29.37"

/* 2.23.133.8.3, tcg-kp-AIKCertificate: a key that signs for a TPM alone. */
static const uint8_t ak_usage[] = { 0x67, 0x81, 0x05, 0x08, 0x03 };

static int
pcr_key(const char *key, size_t *min, size_t *max)
{
	*min = *max = csn_tpm_pcr_size(key);
	return *min != 0;
}

static const struct csn_rule rules[] = {
	{ "key", CSN_FORM_KEYS },
	{ "pcrs", CSN_FORM_KEYED, .key = pcr_key, .breach = "does not give "
	    "hex of the bank's size for PCRs, which are called like "
	    "sha256:7" },
	{ "firmware_version", CSN_FORM_HEX, 8 },
	{ "allow_unsafe_clock", CSN_FORM_SWITCH },
	CSN_RULE_COLLATERAL,
	CSN_RULE_ROOT,
	{ NULL }
};

/* Whose quotes are good? One answer, lest the weaker of two be the one. */
static int
check_signer(struct csn_ctx *ctx, const json_t *part)
{
	int key = json_object_get(part, "key") != NULL;
	int root = json_object_get(part, "root") != NULL;

	if (key + root == 1)
		return 0;
	return csn_fail(ctx, CSN_E_FORM, ROOM, "platform.tpm2 of the policy "
	    "has %s key %s root: the signer is known by one of them",
	    key ? "both" : "neither", key ? "and" : "nor");
}

/* --- the signer, which only the verifier can name ---------------------- */

static int
certified_for_quotes(struct csn_appraisal *a, const struct csn_cert *cert)
{
	struct csn_reader r, list;
	const uint8_t *p;
	size_t n;

	if (csn_cert_extension(a->ctx, cert, EXT_KEY_USAGE, &p, &n) != 0)
		return 0;
	csn_reader_init(&r, p, n);
	if (csn_der_next(&r, &list) != CSN_DER_SEQUENCE)
		return 0;
	while (list.left > 0) {
		p = csn_der_value(&list, CSN_DER_OID, &n);
		if (p == NULL)
			return 0;
		if (n == sizeof(ak_usage) && csn_equal(p, ak_usage, n))
			return 1;
	}
	return 0;
}

/* Of several keys' certificates the one that signed, else the first. */
static const struct csn_cert *
find_leaf(struct csn_appraisal *a, const struct csn_tpm_quote *q)
{
	const struct csn_cert *cert, *first = NULL;
	size_t i;

	for (i = 0; (cert = csn_pki_cert(a->pki, i)) != NULL; i++) {
		if (csn_cert_is_ca(cert) || !certified_for_quotes(a, cert))
			continue;
		if (csn_cert_verify(a->ctx, cert, &q->signature, q->attest,
		    q->attest_len) == 0)
			return cert;
		if (first == NULL)
			first = cert;
	}
	return first;
}

static void
appraise_certified(struct csn_appraisal *a, const struct csn_tpm_quote *q)
{
	const struct csn_cert *leaf;

	if (csn_appraise_read_given(a) != 0)
		return;
	if ((leaf = find_leaf(a, q)) == NULL) {
		csn_appraise_fail(a, "chain", CSN_E_SIGNER, "no certificate "
		    "of an attestation key (extended key usage 2.23.133.8.3) "
		    "is given");
		return;
	}
	(void)csn_appraise_chain(a, leaf, 1);
	(void)csn_appraise_rc(a, "signature", csn_cert_verify(a->ctx, leaf,
	    &q->signature, q->attest, q->attest_len), "by '%s'",
	    csn_cert_name(leaf));
}

/* By any of the policy's keys; which one it was goes into the sentence. */
static void
appraise_key(struct csn_appraisal *a, const struct csn_tpm_quote *q,
    const json_t *pem)
{
	struct csn_pubkeys *keys;
	size_t i, n;
	int rc;

	rc = csn_pubkeys_read(a->ctx, json_string_value(pem),
	    json_string_length(pem), &keys);
	if (rc != 0) {
		(void)csn_appraise_rc(a, "key", rc, "%s", "");
		return;
	}
	n = csn_pubkeys_count(keys);
	csn_appraise_pass(a, "key", "%zu of the policy's may sign", n);
	for (rc = CSN_E_SIGNATURE, i = 0; i < n && (rc == CSN_E_SIGNATURE ||
	    rc == CSN_E_SIGNER); i++)
		rc = csn_pubkey_verify(a->ctx, keys, i, &q->signature,
		    q->attest, q->attest_len);
	(void)csn_appraise_rc(a, "signature", rc,
	    "by key %zu of the policy's %zu", i, n);
	csn_pubkeys_free(keys);
}

/* TPMs have no root in common: nobody is trusted but whom we were told of. */
static void
appraise_signer(struct csn_appraisal *a, const struct csn_tpm_quote *q)
{
	const json_t *pem = json_object_get(a->policy, "key");

	if (csn_pki_count(a->roots) > 0)
		appraise_certified(a, q);
	else if (pem != NULL)
		appraise_key(a, q, pem);
	else
		csn_appraise_fail(a, "key", CSN_E_SIGNER, "no attestation key "
		    "is trusted: give a policy with platform.tpm2.key, or a "
		    "root for its certificate");
}

/* --- PCRs ---------------------------------------------------------------- */

/* 1 where the values, if any, are those that were signed. */
static int
appraise_digest(struct csn_appraisal *a, const struct csn_tpm_quote *q)
{
	int long_hash = q->signature.hash == CSN_PUBKEY_SHA384, rc;
	size_t n = long_hash ? CSN_SHA384_SIZE : CSN_SHA256_SIZE;
	uint8_t digest[CSN_SHA384_SIZE];

	if (q->values == NULL) {
		csn_appraise_skip(a, "pcr_digest", "not checked: no PCR "
		    "values came with the quote");
		return 1;
	}
	/* Part 3, 18.4: with the hash of the signature's scheme. */
	rc = long_hash ? csn_sha384(a->ctx, q->values, q->values_len,
	    digest) : csn_sha256(a->ctx, q->values, q->values_len, digest);
	if (rc != 0)
		return csn_appraise_rc(a, "pcr_digest", rc, "%s", "") == 0;
	if (q->pcr_digest_len != n || !csn_equal(digest, q->pcr_digest, n)) {
		csn_appraise_fail(a, "pcr_digest", CSN_E_SIGNATURE,
		    "the PCR values are not those that the TPM signed");
		return 0;
	}
	csn_appraise_pass(a, "pcr_digest", "the one of the PCR values");
	return 1;
}

static void
appraise_pcrs(struct csn_appraisal *a, const struct csn_tpm_quote *q)
{
	char name[CSN_TPM_PCR_NAME];
	unsigned pcr, compared = 0;
	uint16_t alg;
	size_t i, size;

	for (i = 0; (alg = csn_tpm_bank(i, &size)) != 0; i++)
		for (pcr = 0; pcr < CSN_TPM_PCRS; pcr++) {
			csn_tpm_pcr_name(alg, pcr, name);
			compared += (unsigned)csn_policy_inside(a, "pcrs",
			    name, csn_tpm_pcr(q, alg, pcr), size);
		}
	if (compared == 0)
		csn_appraise_skip(a, "pcrs",
		    "not checked: no reference value was given");
}

static void
appraise_clock(struct csn_appraisal *a, const struct csn_tpm_quote *q)
{
	char counts[64];

	(void)snprintf(counts, sizeof(counts), "reset count %u, restart "
	    "count %u", q->resets, q->restarts);
	if (q->safe)
		csn_appraise_pass(a, "clock", "safe; %s", counts);
	else if (csn_policy_flag(a, "allow_unsafe_clock", 1))
		csn_appraise_skip(a, "clock", "not safe: the TPM may have "
		    "shown later times before; %s", counts);
	else
		csn_appraise_fail(a, "clock", CSN_E_POLICY, "not safe, which "
		    "the policy does not allow; %s", counts);
}

static void
appraise(struct csn_appraisal *a)
{
	struct csn_tpm_quote q;
	int rc;

	rc = csn_tpm_parse(a->ctx, a->evidence, a->len, &q);
	if (csn_appraise_rc(a, rc == CSN_E_ALGORITHM ? "algorithms" : "form",
	    rc, "a TPM 2.0 quote, %zu bytes signed", q.attest_len) != 0)
		return;
	appraise_signer(a, &q);
	/* Of another length it is another nonce: no zeros are added here. */
	csn_appraise_nonce(a, q.extra,
	    q.extra_len == a->o.nonce_len ? q.extra_len : 0);
	if (appraise_digest(a, &q))
		appraise_pcrs(a, &q);
	appraise_clock(a, &q);
	(void)csn_policy_hex(a, "firmware_version", q.firmware, 8);
}

/* TPMs have no root in common, so there are no pins. */
const struct csn_vendor csn_vendor_tpm = {
	/* Room for a hash in extraData: of a report's data, without zeros. */
	.name = "tpm2", .min_nonce = 1, .max_nonce = 64,
	.report_nonce = CSN_HASH_SIZE, .endorsed = 1 << CSN_ENDORSED_CERTS,
	.rules = rules, .check_rules = check_signer,
	.appraise = appraise, .json = csn_tpm_json
};
