/* SPDX-License-Identifier: Apache-2.0 */
/* platform/snp.c - verifying an AMD SEV-SNP attestation report. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "platform/policy.h"
#include "platform/snp.h"
#include "platform/snp_cache.h"
#include "platform/vendor.h"

#define ROOM "platform"
#define R_AT 0x2a0
#define S_AT 0x2e8
#define NUMBER 72		/* bytes of r and of s, little-endian */
#define FIELD 48
#define P384_WITH_SHA384 1	/* the report's signature algorithm */
#define CHIP_ID 64

/* One a product, in the order of enum csn_snp_product. */
static const struct csn_pin roots[] = {
	{ "ARK-Milan", {
	    0x9f, 0x05, 0x6b, 0xee, 0x44, 0x37, 0x7e, 0x29,
	    0x30, 0x8c, 0xb5, 0xff, 0xa8, 0x95, 0xbd, 0xfb,
	    0x62, 0xd1, 0x88, 0x81, 0xfa, 0x6b, 0xed, 0x8d,
	    0x6f, 0x07, 0x5b, 0x02, 0x04, 0x08, 0x9c, 0xb9 } },
	{ "ARK-Genoa", {
	    0x42, 0x9a, 0x69, 0xc9, 0x42, 0x2a, 0xa2, 0x58,
	    0xee, 0x4d, 0x8d, 0xb5, 0xfc, 0xda, 0x9c, 0x64,
	    0x70, 0xef, 0x15, 0xf8, 0xcd, 0x5a, 0x9c, 0xeb,
	    0xd6, 0xcb, 0xc7, 0xd9, 0x0b, 0x86, 0x38, 0x31 } },
	{ "ARK-Turin", {
	    0x4f, 0x12, 0x54, 0x10, 0x56, 0x3a, 0x2a, 0xb9,
	    0xa5, 0x03, 0x56, 0xf9, 0x24, 0x3f, 0x6f, 0xe0,
	    0xb6, 0xf7, 0x3d, 0xe9, 0x86, 0x03, 0xf5, 0x3f,
	    0x90, 0x33, 0x9c, 0x70, 0xe9, 0xd7, 0xad, 0x08 } },
};

static const char *const leaf_names[] = { "SEV-VCEK", "SEV-VLEK" };
static const char *const signer_names[] = { "vcek", "vlek", NULL };
static const char *const products[] = { "Milan", "Genoa", "Turin", NULL };
static const char *const tcb_parts[] = {
	"fmc", "bootloader", "tee", "snp", "microcode", NULL
};
static const struct csn_rule rules[] = {
	{ "measurement", CSN_FORM_HEX, 48 },
	{ "host_data", CSN_FORM_HEX, 32 },
	{ "id_key_digest", CSN_FORM_HEX, 48 },
	{ "author_key_digest", CSN_FORM_HEX, 48 },
	{ "family_id", CSN_FORM_HEX, 16 },
	{ "image_id", CSN_FORM_HEX, 16 },
	{ "chip_id", CSN_FORM_HEX, 64 },
	{ "product", CSN_FORM_WORDS, 0, products },
	{ "signer", CSN_FORM_WORDS, 0, signer_names },
	{ "csp", CSN_FORM_WORDS },
	{ "min_guest_svn", CSN_FORM_NUMBER, UINT32_MAX },
	{ "max_vmpl", CSN_FORM_NUMBER, 3 },
	{ "min_tcb", CSN_FORM_TCB, 0, tcb_parts },
	{ "min_current_tcb", CSN_FORM_TCB, 0, tcb_parts },
	{ "min_committed_tcb", CSN_FORM_TCB, 0, tcb_parts },
	{ "min_launch_tcb", CSN_FORM_TCB, 0, tcb_parts },
	{ "platform_info", CSN_FORM_BITS, INT64_MAX, csn_snp_info_names },
	{ "mitigations", CSN_FORM_NUMBER, INT64_MAX },
	{ "allow_host_report", CSN_FORM_SWITCH },
	{ "allow_debug", CSN_FORM_SWITCH },
	{ "allow_migration", CSN_FORM_SWITCH },
	{ "allow_smt", CSN_FORM_SWITCH },
	CSN_RULE_COLLATERAL,
	CSN_RULE_ROOT,
	{ NULL }
};


static int
read_certs(struct csn_appraisal *a)
{
	const struct csn_bytes *b;
	size_t i;
	int rc = 0;

	if (a->len > CSN_SNP_REPORT_SIZE)
		rc = csn_snp_table_read(a->ctx,
		    a->evidence + CSN_SNP_REPORT_SIZE,
		    a->len - CSN_SNP_REPORT_SIZE, a->pki);
	for (i = 0; rc == 0 && i < a->o.ncerts; i++) {
		b = &a->o.certs[i];
		rc = csn_snp_is_table(b->p, b->len) ?
		    csn_snp_table_read(a->ctx, b->p, b->len, a->pki) :
		    csn_pki_read(a->pki, b->p, b->len);
	}
	return csn_appraise_read_rest(a, rc);
}

/* A number of the report, as ECDSA takes it. 0 where it is too big. */
static int
to_big_endian(const uint8_t *p, uint8_t out[FIELD])
{
	uint8_t high = 0;
	size_t i;

	for (i = FIELD; i < NUMBER; i++)
		high |= p[i];
	for (i = 0; i < FIELD; i++)
		out[i] = p[FIELD - 1 - i];
	return high == 0;
}

static int
verify_signature(struct csn_appraisal *a, const struct csn_snp_report *r,
    const struct csn_cert *leaf)
{
	uint8_t rs[2 * FIELD];

	if (r->algorithm != P384_WITH_SHA384)
		return csn_fail(a->ctx, CSN_E_SIGNATURE, ROOM,
		    "the report is signed with algorithm %u, not with ECDSA "
		    "P-384", r->algorithm);
	if (!to_big_endian(r->bytes + R_AT, rs) ||
	    !to_big_endian(r->bytes + S_AT, rs + FIELD))
		return csn_fail(a->ctx, CSN_E_SIGNATURE, ROOM,
		    "the report's signature is no pair of P-384 numbers");
	return csn_cert_ecdsa_verify(a->ctx, leaf, CSN_ECDSA_P384, r->bytes,
	    CSN_SNP_SIGNED_SIZE, rs);
}

/*
 * The certificate of the key that key_info names. Of several the one that
 * signed, rather one of this time; of none that did, the first.
 */
static const struct csn_cert *
find_leaf(struct csn_appraisal *a, const struct csn_snp_report *r,
    unsigned signer)
{
	const struct csn_cert *cert, *first = NULL, *stale = NULL;
	size_t i;

	for (i = 0; (cert = csn_pki_cert(a->pki, i)) != NULL; i++) {
		if (strcmp(csn_cert_name(cert), leaf_names[signer]) != 0 ||
		    csn_cert_is_ca(cert))
			continue;
		if (first == NULL)
			first = cert;
		if (verify_signature(a, r, cert) != 0)
			continue;
		if (csn_cert_check_time(a->ctx, cert, a->at_ms) == 0)
			return cert;
		if (stale == NULL)
			stale = cert;
	}
	return stale != NULL ? stale : first;
}

/* The generation, and that nobody says another one. */
static int
appraise_product(struct csn_appraisal *a, const struct csn_snp_report *r,
    const struct csn_snp_cert *cert)
{
	int product = cert->product, said = csn_snp_report_product(r);
	size_t npins;
	const struct csn_pin *pins = csn_pins(a->vendor, &npins);
	int pinned = a->pin != NULL ? (int)(a->pin - pins) + CSN_SNP_MILAN :
	    CSN_SNP_UNKNOWN;

	if (product == CSN_SNP_UNKNOWN)
		product = said != CSN_SNP_UNKNOWN ? said : pinned;
	if (product == CSN_SNP_UNKNOWN) {
		csn_appraise_fail(a, "product", CSN_E_SIGNER,
		    "neither certificate nor report says which processor "
		    "this is, and so not how its TCB is to be read");
		return CSN_SNP_UNKNOWN;
	}
	if ((said != CSN_SNP_UNKNOWN && said != product) ||
	    (pinned != CSN_SNP_UNKNOWN && pinned != product)) {
		csn_appraise_fail(a, "product", CSN_E_SIGNER,
		    "the certificate is for %s, the report for %s, the root "
		    "for %s", csn_snp_product_name(product),
		    csn_snp_product_name(said), csn_snp_product_name(pinned));
		return CSN_SNP_UNKNOWN;
	}
	if (!csn_policy_word(a, "product", csn_snp_product_name(product)))
		csn_appraise_pass(a, "product", "%s", cert->product_name[0] !=
		    '\0' ? cert->product_name :
		    csn_snp_product_name(product));
	return product;
}

static void
appraise_chip(struct csn_appraisal *a, const struct csn_snp_report *r,
    const struct csn_snp_cert *cert)
{
	size_t n = cert->chip_id_len;

	if (cert->chip_id == NULL)
		csn_appraise_skip(a, "chip", "not checked: a VLEK is a "
		    "provider's key, not a chip's%s%s",
		    cert->csp[0] != '\0' ? "; the provider is " : "",
		    cert->csp);
	else if (csn_snp_is_zero(r->chip_id, CHIP_ID))
		csn_appraise_skip(a, "chip",
		    "not checked: the host masks the chip's id");
	else if (!csn_equal(r->chip_id, cert->chip_id, n) ||
	    !csn_snp_is_zero(r->chip_id + n, CHIP_ID - n))
		csn_appraise_fail(a, "chip", CSN_E_SIGNER,
		    "the certificate is that of another chip");
	else
		csn_appraise_pass(a, "chip", "the certificate's own");
}

static void
tcb_text(const struct csn_snp_tcb *tcb, int product, char *out, size_t cap)
{
	size_t at = 0;
	int i, n;

	out[0] = '\0';
	for (i = product == CSN_SNP_TURIN ? CSN_SNP_FMC : CSN_SNP_BOOTLOADER;
	    i < CSN_SNP_PARTS; i++) {
		n = snprintf(out + at, cap - at, "%s%s %u",
		    at > 0 ? ", " : "", csn_snp_part_names[i], tcb->part[i]);
		if (n < 0 || (size_t)n >= cap - at)
			return;
		at += (size_t)n;
	}
}

/* One of the report's four TCBs against the policy's least. */
static void
appraise_floor(struct csn_appraisal *a, const char *name, const uint8_t *p,
    int product)
{
	struct csn_snp_tcb tcb;
	char text[128];
	int i, floor, asked = 0;

	csn_snp_tcb(p, product, &tcb);
	for (i = 0; i < CSN_SNP_PARTS; i++) {
		floor = csn_policy_number(a, name, csn_snp_part_names[i]);
		asked |= floor >= 0;
		if (tcb.part[i] >= floor)
			continue;
		csn_appraise_fail(a, name, CSN_E_POLICY, "%s %u, and the "
		    "policy asks for %d", csn_snp_part_names[i], tcb.part[i],
		    floor);
		return;
	}
	tcb_text(&tcb, product, text, sizeof(text));
	if (asked)
		csn_appraise_pass(a, name, "%s is enough", text);
}

static void
appraise_tcb(struct csn_appraisal *a, const struct csn_snp_report *r,
    const struct csn_snp_cert *cert, int product)
{
	char text[128], other[128];
	struct csn_snp_tcb tcb;

	csn_snp_tcb(r->reported_tcb, product, &tcb);
	tcb_text(&tcb, product, text, sizeof(text));
	if (memcmp(&tcb, &cert->tcb, sizeof(tcb)) != 0) {	/* public */
		tcb_text(&cert->tcb, product, other, sizeof(other));
		csn_appraise_fail(a, "tcb", CSN_E_SIGNER, "the report says "
		    "%s, the certificate is for another TCB: %s", text,
		    other);
	} else {
		csn_appraise_pass(a, "tcb", "%s, as the certificate says",
		    text);
	}
	appraise_floor(a, "min_tcb", r->reported_tcb, product);
	appraise_floor(a, "min_current_tcb", r->current_tcb, product);
	appraise_floor(a, "min_committed_tcb", r->committed_tcb, product);
	appraise_floor(a, "min_launch_tcb", r->launch_tcb, product);
}

/* Whose report it is: the guest's, at one of its levels, or the host's. */
static void
appraise_vmpl(struct csn_appraisal *a, const struct csn_snp_report *r)
{
	if (r->vmpl <= CSN_SNP_VMPL_MAX)
		csn_appraise_pass(a, "vmpl", "the guest asked, at VMPL %u",
		    r->vmpl);
	else if (r->vmpl != CSN_SNP_VMPL_HOST)
		csn_appraise_fail(a, "vmpl", CSN_E_FORM,
		    "there is no VMPL 0x%x", r->vmpl);
	else if (csn_policy_flag(a, "allow_host_report", 0))
		csn_appraise_pass(a, "vmpl", "the host asked for this report, "
		    "as the policy allows");
	else
		csn_appraise_fail(a, "vmpl", CSN_E_POLICY, "the host asked "
		    "for this report (VMPL 0xffffffff), not the guest: its "
		    "report data is the host's");
}

/* What the guest was launched with. */
static void
appraise_guest(struct csn_appraisal *a, const struct csn_snp_report *r)
{
	if ((r->policy & CSN_SNP_POLICY_ONE) == 0)
		csn_appraise_fail(a, "guest_policy", CSN_E_FORM,
		    "bit 17 of the guest's policy is not set");
	else if ((r->policy & CSN_SNP_POLICY_MIGRATE) != 0 &&
	    !csn_policy_flag(a, "allow_migration", 1))
		csn_appraise_fail(a, "guest_policy", CSN_E_POLICY,
		    "a migration agent may move the guest");
	else if ((r->policy & CSN_SNP_POLICY_SMT) != 0 &&
	    !csn_policy_flag(a, "allow_smt", 1))
		csn_appraise_fail(a, "guest_policy", CSN_E_POLICY,
		    "the guest may run with SMT");
	else
		csn_appraise_pass(a, "guest_policy", "0x%llx",
		    (unsigned long long)r->policy);
	csn_policy_debug(a, (r->policy & CSN_SNP_POLICY_DEBUG) != 0);
}

static void
appraise_policy(struct csn_appraisal *a, const struct csn_snp_report *r,
    const struct csn_snp_cert *cert, unsigned signer)
{
	if (!csn_policy_hex(a, "measurement", r->measurement, 48))
		csn_appraise_skip(a, "measurement",
		    "not checked: no reference value given");
	(void)csn_policy_hex(a, "host_data", r->host_data, 32);
	(void)csn_policy_hex(a, "id_key_digest", r->id_key_digest, 48);
	(void)csn_policy_hex(a, "author_key_digest", r->author_key_digest,
	    48);
	(void)csn_policy_hex(a, "family_id", r->family_id, 16);
	(void)csn_policy_hex(a, "image_id", r->image_id, 16);
	(void)csn_policy_hex(a, "chip_id", r->chip_id, CHIP_ID);
	(void)csn_policy_word(a, "signer", signer_names[signer]);
	(void)csn_policy_word(a, "csp", cert->csp);
	(void)csn_policy_limit(a, "min_guest_svn", CSN_POLICY_MIN,
	    r->guest_svn);
	(void)csn_policy_limit(a, "max_vmpl", CSN_POLICY_MAX, r->vmpl);
	(void)csn_policy_names(a, "platform_info", r->platform_info,
	    csn_snp_info_names);
	(void)csn_policy_limit(a, "mitigations", CSN_POLICY_BITS,
	    r->current_mitigations);
}

static void
appraise(struct csn_appraisal *a)
{
	const struct csn_cert *leaf;
	struct csn_snp_report r;
	struct csn_snp_cert cert;
	unsigned signer;
	int product, rc;

	rc = csn_snp_parse(a->ctx, a->evidence, a->len, &r);
	if (csn_appraise_rc(a, "form", rc, "SEV-SNP report, version %u",
	    r.version) != 0 || read_certs(a) != 0)
		return;
	signer = csn_snp_signer(&r);
	if (signer > CSN_SNP_VLEK) {
		csn_appraise_fail(a, "signature", CSN_E_SIGNATURE,
		    "the report is not signed: the host masks the key");
		return;
	}
	csn_snp_cache_read(a, &r, signer);
	if ((leaf = find_leaf(a, &r, signer)) == NULL) {
		csn_appraise_fail(a, "chain", CSN_E_SIGNER,
		    "no certificate of an %s is given", leaf_names[signer]);
		return;
	}
	(void)csn_appraise_chain(a, leaf, 0);
	(void)csn_appraise_rc(a, "signature", verify_signature(a, &r, leaf),
	    "by the %s", leaf_names[signer]);
	rc = csn_snp_cert_read(a->ctx, leaf, signer, &cert);
	if (rc != 0) {
		(void)csn_appraise_rc(a, "tcb", rc, "%s", "");
		return;
	}
	if ((product = appraise_product(a, &r, &cert)) != CSN_SNP_UNKNOWN) {
		appraise_chip(a, &r, &cert);
		appraise_tcb(a, &r, &cert, product);
		/* So far all is about certificates and who signed. */
		if (a->first == 0 && a->chain != NULL)
			csn_snp_cache_write(a, &r, signer);
	}
	appraise_guest(a, &r);
	appraise_vmpl(a, &r);
	csn_appraise_nonce(a, r.report_data, 64);
	appraise_policy(a, &r, &cert, signer);
}

const struct csn_vendor csn_vendor_snp = {
	.name = "sev-snp", .min_nonce = 1, .max_nonce = 64,
	.report_nonce = 64,
	.endorsed = 1 << CSN_ENDORSED_CERTS | 1 << CSN_ENDORSED_TABLE,
	.rules = rules,
	.pins = roots, .npins = sizeof(roots) / sizeof(roots[0]),
	.appraise = appraise, .json = csn_snp_json
};
