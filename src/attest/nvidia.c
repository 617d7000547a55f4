/* attest/nvidia.c - verifying an NVIDIA GPU's measurements. */
#include <stdio.h>
#include <string.h>

#include "attest/der.h"
#include "attest/platform_policy.h"
#include "attest/spdm.h"

#define DICE "2.23.133.5.4.1"	/* TCG DICE: what firmware the key is for */

static const struct csn_pin pin = {
	"NVIDIA Device Identity CA", {
	    0xa9, 0x0c, 0x4e, 0xb5, 0xac, 0xfd, 0x3e, 0x3d,
	    0x03, 0xa2, 0x5d, 0xb6, 0xa2, 0x6b, 0x84, 0xf7,
	    0x20, 0xad, 0x05, 0x03, 0x19, 0x6c, 0x62, 0x7c,
	    0x21, 0xdd, 0xd4, 0x8d, 0xd8, 0x5b, 0x06, 0xa4 }
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

/*
 * The firmware's digest that the certificate was issued for: the OCTET STRING
 * of the last SEQUENCE { OID, OCTET STRING } of the extension. NULL without.
 */
static const uint8_t *
firmware_of(struct csn_appraisal *a, const struct csn_cert *leaf,
    size_t *len)
{
	struct csn_reader r, list, item;
	const uint8_t *p, *found = NULL;
	size_t n;

	if (csn_cert_extension(a->ctx, leaf, DICE, &p, &n) != 0)
		return NULL;
	csn_reader_init(&r, p, n);
	if (csn_der_next(&r, &list) != CSN_DER_SEQUENCE)
		return NULL;
	while (list.left > 0) {
		if (csn_der_next(&list, &item) != CSN_DER_SEQUENCE)
			continue;
		(void)csn_der_value(&item, CSN_DER_OID, &n);
		p = csn_der_value(&item, CSN_DER_OCTETS, &n);
		if (csn_reader_done(&item)) {
			found = p;
			*len = n;
		}
	}
	return csn_reader_ok(&list) ? found : NULL;
}

static void
appraise_firmware(struct csn_appraisal *a, const struct csn_spdm *m,
    const struct csn_cert *leaf)
{
	const uint8_t *said, *issued;
	size_t said_len, issued_len = 0;

	said = csn_nvidia_field(m, CSN_NV_FWID, &said_len);
	issued = firmware_of(a, leaf, &issued_len);
	if (said == NULL || issued == NULL)
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

void
csn_appraise_nvidia(struct csn_appraisal *a)
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
		    "no certificate of a GPU is given");
		return;
	}
	(void)csn_appraise_chain(a, leaf, &pin, 1, 0);
	(void)csn_appraise_rc(a, "signature", verify_signature(a, &m, leaf),
	    "by '%s'", csn_cert_name(leaf));
	appraise_firmware(a, &m, leaf);
	csn_appraise_nonce(a, m.nonce, CSN_SPDM_NONCE);
	appraise_policy(a, &m);
}
