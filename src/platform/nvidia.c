/* SPDX-License-Identifier: Apache-2.0 */
/* platform/nvidia.c - verifying an NVIDIA GPU's measurements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/der.h"
#include "platform/policy.h"
#include "platform/spdm.h"
#include "platform/vendor.h"

/* TCG DICE: what firmware the key is for, on Hopper and on Blackwell. */
#define DICE "2.23.133.5.4.1"
#define DICE_TCB "2.23.133.5.4.1.1"
#define DEPTH 3			/* within the latter's value */

static const struct csn_pin roots[] = {
	{ "NVIDIA Device Identity CA", {
	    0xa9, 0x0c, 0x4e, 0xb5, 0xac, 0xfd, 0x3e, 0x3d,
	    0x03, 0xa2, 0x5d, 0xb6, 0xa2, 0x6b, 0x84, 0xf7,
	    0x20, 0xad, 0x05, 0x03, 0x19, 0x6c, 0x62, 0x7c,
	    0x21, 0xdd, 0xd4, 0x8d, 0xd8, 0x5b, 0x06, 0xa4 } },
};

/* A block's number, which a measurement of 32 to 64 bytes has. */
static int
block_key(const char *key, size_t *min, size_t *max)
{
	long n = strtol(key, NULL, 10);
	char text[8];

	*min = 32;
	*max = CSN_POLICY_VALUE;
	(void)snprintf(text, sizeof(text), "%ld", n % 1000);
	return n >= 1 && n <= CSN_SPDM_MAX_BLOCKS && strcmp(text, key) == 0;
}

static const char *const devices[] = { "gpu", "switch", NULL };
static const struct csn_rule rules[] = {
	{ "device", CSN_FORM_WORDS, 0, devices },
	{ "measurements", CSN_FORM_KEYED, .key = block_key, .breach =
	    "does not give hex for block numbers of 1 to 254" },
	{ "driver_version", CSN_FORM_WORDS },
	{ "vbios_version", CSN_FORM_WORDS },
	CSN_RULE_COLLATERAL,
	CSN_RULE_ROOT,
	{ NULL }
};

static int
verify_signature(struct csn_appraisal *a, const struct csn_spdm *m,
    const struct csn_cert *leaf)
{
	return csn_cert_ecdsa_verify(a->ctx, leaf, CSN_ECDSA_P384, m->bytes,
	    m->signed_len, m->signature);
}

/* Of several GPUs' certificates the one that signed, else the first. */
static const struct csn_cert *
find_leaf(struct csn_appraisal *a, const struct csn_spdm *m)
{
	const struct csn_cert *cert, *first = NULL;
	size_t i;

	for (i = 0; (cert = csn_pki_cert(a->pki, i)) != NULL; i++) {
		if (csn_cert_is_ca(cert))
			continue;
		if (verify_signature(a, m, cert) == 0)
			return cert;
		if (first == NULL)
			first = cert;
	}
	return first;
}

/* SEQUENCE { OID of a hash, OCTET STRING }: the digest, or NULL. */
static const uint8_t *
digest_of(struct csn_reader item, size_t *len)
{
	const uint8_t *p;
	size_t n;

	(void)csn_der_value(&item, CSN_DER_OID, &n);
	p = csn_der_value(&item, CSN_DER_OCTETS, len);
	return csn_reader_done(&item) ? p : NULL;
}

/*
 * Hopper's extension is a SEQUENCE that ends with the firmware's digest: the
 * last of those in it.
 */
static const uint8_t *
last_digest(struct csn_reader r, size_t *len)
{
	const uint8_t *p, *found = NULL;
	struct csn_reader list, item;
	size_t n;

	if (csn_der_next(&r, &list) != CSN_DER_SEQUENCE)
		return NULL;
	while (list.left > 0) {
		if (csn_der_next(&list, &item) == CSN_DER_SEQUENCE &&
		    (p = digest_of(item, &n)) != NULL) {
			found = p;
			*len = n;
		}
	}
	return csn_reader_ok(&list) ? found : NULL;
}

/* Blackwell's is a DiceTcbInfo, whose member fwids lists them: the first. */
static const uint8_t *
first_digest(struct csn_reader r, int depth, size_t *len)
{
	struct csn_reader in;
	const uint8_t *p;
	uint8_t tag;

	while (r.left > 0) {
		tag = csn_der_next(&r, &in);
		if (!csn_reader_ok(&r))
			return NULL;
		if (tag == CSN_DER_SEQUENCE && (p = digest_of(in, len)) !=
		    NULL)
			return p;
		if ((tag & CSN_DER_CONSTRUCTED) != 0 && depth > 0 &&
		    (p = first_digest(in, depth - 1, len)) != NULL)
			return p;
	}
	return NULL;
}

/*
 * The firmware's digest that the certificate was issued for. *there says
 * whether it has an extension for it.
 */
static const uint8_t *
firmware_of(struct csn_appraisal *a, const struct csn_cert *leaf,
    size_t *len, int *there)
{
	struct csn_reader r;
	const uint8_t *p;
	size_t n;
	int rc, newer = 1;

	rc = csn_cert_extension(a->ctx, leaf, DICE_TCB, &p, &n);
	if (rc == CSN_E_NOT_FOUND) {
		newer = 0;
		rc = csn_cert_extension(a->ctx, leaf, DICE, &p, &n);
	}
	*there = rc != CSN_E_NOT_FOUND;
	if (rc != 0)
		return NULL;
	csn_reader_init(&r, p, n);
	return newer ? first_digest(r, DEPTH, len) : last_digest(r, len);
}

static void
appraise_firmware(struct csn_appraisal *a, const struct csn_spdm *m,
    const struct csn_cert *leaf)
{
	const uint8_t *said, *issued;
	size_t said_len, issued_len = 0;
	int there;

	said = csn_nvidia_field(m, CSN_NV_FWID, &said_len);
	issued = firmware_of(a, leaf, &issued_len, &there);
	if (there && issued == NULL)
		csn_appraise_fail(a, "firmware", CSN_E_SIGNER,
		    "what the certificate says of its firmware is malformed");
	else if (said == NULL || issued == NULL)
		csn_appraise_skip(a, "firmware",
		    "not checked: the %s names no firmware",
		    said == NULL ? "report" : "certificate");
	else if (said_len == issued_len &&
	    csn_equal(said, issued, said_len))
		csn_appraise_pass(a, "firmware",
		    "the one that the certificate was issued for");
	else
		csn_appraise_fail(a, "firmware", CSN_E_SIGNER,
		    "the certificate was issued for another firmware");
}

/* --- GPU or switch ----------------------------------------------------- */

/* A word of the name is one of these letters' chips: "GH100", "LS_10". */
static int
names_chip(const char *name, const char *const *letters)
{
	const char *p, *q;
	size_t i, n;

	for (p = name; *p != '\0'; p++) {
		if (p > name && p[-1] != ' ')
			continue;
		for (i = 0; letters[i] != NULL; i++) {
			n = strlen(letters[i]);
			if (strncmp(p, letters[i], n) != 0)
				continue;
			q = p + n;
			q += *q == '_';
			if (*q >= '0' && *q <= '9')
				return 1;
		}
	}
	return 0;
}

/*
 * Both kinds have keys under one root. NVIDIA's certificates name the chip;
 * where they do not, a switch reports its ports and a GPU its driver.
 */
static const char *
device_of(const struct csn_appraisal *a, const struct csn_spdm *m,
    const struct csn_cert *leaf)
{
	static const char *const gpus[] = { "GB", "GH", "GR", NULL };
	static const char *const switches[] = { "LS", NULL };
	const struct csn_cert *cert = leaf;
	unsigned type;
	size_t i = 0, len;

	while (cert != NULL) {
		if (names_chip(csn_cert_name(cert), switches))
			return "switch";
		if (names_chip(csn_cert_name(cert), gpus))
			return "gpu";
		cert = a->chain != NULL ? csn_pki_cert(a->chain, ++i) : NULL;
	}
	for (type = CSN_NV_SWITCH_FIRST; type <= CSN_NV_SWITCH_LAST; type++)
		if (csn_nvidia_field(m, type, &len) != NULL)
			return "switch";
	return csn_nvidia_field(m, CSN_NV_DRIVER_VERSION, &len) != NULL ?
	    "gpu" : NULL;
}

/* Whoever asks for a GPU's evidence gets no switch's instead. */
static void
appraise_device(struct csn_appraisal *a, const struct csn_spdm *m,
    const struct csn_cert *leaf)
{
	const char *device = device_of(a, m, leaf);

	if (device == NULL)
		csn_appraise_fail(a, "device", CSN_E_POLICY, "neither "
		    "certificate nor report says whether this is a GPU");
	else if (csn_policy_lists(a, "device", device, "gpu"))
		csn_appraise_pass(a, "device", "a %s, '%s'", device,
		    csn_cert_name(leaf));
	else
		csn_appraise_fail(a, "device", CSN_E_POLICY, "a %s, '%s', "
		    "which is not what the policy asks for: a GPU where it "
		    "says nothing of \"device\"", device,
		    csn_cert_name(leaf));
}

static void
appraise_policy(struct csn_appraisal *a, const struct csn_spdm *m)
{
	const struct csn_spdm_block *b;
	char text[32], vbios[16];
	unsigned i, compared = 0;

	for (i = 1; i <= CSN_SPDM_MAX_BLOCKS; i++) {
		(void)snprintf(text, sizeof(text), "%u", i);
		b = csn_spdm_block(m, i);
		compared += (unsigned)csn_policy_inside(a, "measurements",
		    text, b != NULL ? b->value : NULL, b != NULL ? b->len : 0);
	}
	if (compared == 0)
		csn_appraise_skip(a, "measurements", "not checked: %zu blocks "
		    "are signed, no reference value was given", m->nblocks);
	csn_nvidia_driver(m, text);
	(void)csn_policy_word(a, "driver_version", text);
	csn_nvidia_vbios(m, vbios);
	(void)csn_policy_word(a, "vbios_version", vbios);
	csn_appraise_skip(a, "host_driver", "not checked: this proves the GPU "
	    "and its firmware, not the kernel module that the host loaded");
}

static void
appraise(struct csn_appraisal *a)
{
	const struct csn_cert *leaf;
	struct csn_spdm m;
	int rc;

	rc = csn_spdm_parse(a->ctx, a->evidence, a->len, &m);
	if (csn_appraise_rc(a, "form", rc, "SPDM 1.1 measurements, %zu blocks",
	    m.nblocks) != 0 || csn_appraise_read_given(a) != 0)
		return;
	if ((leaf = find_leaf(a, &m)) == NULL) {
		csn_appraise_fail(a, "chain", CSN_E_SIGNER,
		    "no certificate of a device's key is given");
		return;
	}
	(void)csn_appraise_chain(a, leaf, 0);
	(void)csn_appraise_rc(a, "signature", verify_signature(a, &m, leaf),
	    "by '%s'", csn_cert_name(leaf));
	appraise_device(a, &m, leaf);
	appraise_firmware(a, &m, leaf);
	csn_appraise_nonce(a, m.nonce, CSN_SPDM_NONCE);
	appraise_policy(a, &m);
}

const struct csn_vendor csn_vendor_nvidia = {
	/* A GPU takes 32 bytes: of a report's data the hash, not the zeros. */
	.name = "nvidia", .min_nonce = 32, .max_nonce = 32,
	.report_nonce = CSN_HASH_SIZE, .endorsed = 1 << CSN_ENDORSED_CERTS,
	.rules = rules,
	.pins = roots, .npins = sizeof(roots) / sizeof(roots[0]),
	.appraise = appraise, .json = csn_nvidia_json
};
