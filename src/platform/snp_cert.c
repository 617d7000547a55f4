/* SPDX-License-Identifier: Apache-2.0 */
/* platform/snp_cert.c - AMD's certificates, and the table a host gives. */
#include <string.h>

#include "base/fail.h"
#include "base/text.h"
#include "platform/der.h"
#include "platform/snp.h"

#define ROOM "platform"
#define CHIP 64			/* bytes of a chip's id */
#define CHIP_TURIN 8
#define AMD "1.3.6.1.4.1.3704.1"	/* KDS specification */

static const char *const part_oids[CSN_SNP_PARTS] = {
	AMD ".3.9", AMD ".3.1", AMD ".3.2", AMD ".3.3", AMD ".3.8"
};

/* An extension that is a printable IA5String; "" where it is not there. */
static int
read_text(struct csn_ctx *ctx, const struct csn_cert *cert, const char *oid,
    char *out, size_t cap)
{
	struct csn_reader r;
	const uint8_t *p;
	size_t len;
	int rc;

	out[0] = '\0';
	rc = csn_cert_extension(ctx, cert, oid, &p, &len);
	if (rc == CSN_E_NOT_FOUND)
		return 0;
	if (rc != 0)
		return rc;
	csn_reader_init(&r, p, len);
	p = csn_der_value(&r, CSN_DER_IA5, &len);
	if (!csn_reader_done(&r) || len >= cap ||
	    !csn_utf8_ok((const char *)p, len))
		return csn_fail(ctx, CSN_E_SIGNER, ROOM,
		    "extension %s of the certificate '%s' is malformed", oid,
		    csn_cert_name(cert));
	memcpy(out, p, len);
	out[len] = '\0';
	return 0;
}

static int
read_part(struct csn_ctx *ctx, const struct csn_cert *cert, int part,
    uint8_t *out)
{
	struct csn_reader r;
	const uint8_t *p;
	size_t len;
	uint32_t v;
	int rc;

	rc = csn_cert_extension(ctx, cert, part_oids[part], &p, &len);
	/* Turin alone has a first mutable part. */
	if (rc == CSN_E_NOT_FOUND && part == CSN_SNP_FMC)
		return 0;
	if (rc != 0)
		return csn_fail(ctx, CSN_E_SIGNER, ROOM, "%s",
		    csn_message());
	csn_reader_init(&r, p, len);
	v = csn_der_uint(&r);
	if (!csn_reader_done(&r) || v > 255)
		return csn_fail(ctx, CSN_E_SIGNER, ROOM,
		    "the %s version in the certificate '%s' is malformed",
		    csn_snp_part_names[part], csn_cert_name(cert));
	*out = (uint8_t)v;
	return 0;
}

/* The bytes themselves in most certificates, an OCTET STRING in some. */
static int
read_chip(struct csn_ctx *ctx, const struct csn_cert *cert,
    struct csn_snp_cert *out)
{
	struct csn_reader r;
	const uint8_t *p;
	size_t len;
	int rc;

	if ((rc = csn_cert_extension(ctx, cert, AMD ".4", &p, &len)) != 0)
		return rc;
	if (len != CHIP && len != CHIP_TURIN) {
		csn_reader_init(&r, p, len);
		p = csn_der_value(&r, CSN_DER_OCTETS, &len);
		if (!csn_reader_done(&r) ||
		    (len != CHIP && len != CHIP_TURIN))
			return CSN_E_SIGNER;
	}
	out->chip_id = p;
	out->chip_id_len = len;
	return 0;
}

int
csn_snp_cert_read(struct csn_ctx *ctx, const struct csn_cert *cert,
    unsigned signer, struct csn_snp_cert *out)
{
	int part, rc, i;

	memset(out, 0, sizeof(*out));
	if ((rc = read_text(ctx, cert, AMD ".2", out->product_name,
	    sizeof(out->product_name))) != 0)
		return rc;
	for (i = CSN_SNP_MILAN; i <= CSN_SNP_TURIN; i++)
		if (strncmp(out->product_name, csn_snp_product_name(i),
		    strlen(csn_snp_product_name(i))) == 0)
			out->product = i;
	for (part = 0; part < CSN_SNP_PARTS; part++)
		if ((rc = read_part(ctx, cert, part,
		    &out->tcb.part[part])) != 0)
			return rc;
	if (signer == CSN_SNP_VLEK)
		return read_text(ctx, cert, AMD ".5", out->csp,
		    sizeof(out->csp));
	if (read_chip(ctx, cert, out) != 0)
		return csn_fail(ctx, CSN_E_SIGNER, ROOM,
		    "the certificate '%s' does not name a chip",
		    csn_cert_name(cert));
	return 0;
}

/* --- the certificate table ------------------------------------------- */

#define GUID 16
#define ENTRY 24		/* guid, offset u32, length u32 */
#define MAX_ENTRIES 32

/*
 * Of what is known: VCEK, VLEK, ASK, ARK, CRL. The specification writes them
 * as text; hosts were seen to store the first three fields in either order.
 */
static const uint8_t known[][GUID] = {
	{ 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
	  0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd },
	{ 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e,
	  0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1 },
	{ 0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4,
	  0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82 },
	{ 0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52,
	  0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae },
	{ 0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d,
	  0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc, 0x67, 0xea },
};

static int
is_known(const uint8_t *guid)
{
	static const uint8_t order[GUID] = {
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
	};
	uint8_t swapped[GUID];
	size_t i;

	for (i = 0; i < GUID; i++)
		swapped[i] = guid[order[i]];
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (csn_equal(known[i], guid, GUID) ||
		    csn_equal(known[i], swapped, GUID))
			return 1;
	return 0;
}

int
csn_snp_is_table(const uint8_t *p, size_t len)
{
	return len >= ENTRY && is_known(p);
}

int
csn_snp_table_read(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_pki *pki)
{
	struct csn_reader r;
	const uint8_t *guid;
	uint32_t offset, n;
	size_t i;
	int rc;

	csn_reader_init(&r, p, len);
	for (i = 0; i <= MAX_ENTRIES; i++) {
		guid = csn_read_view(&r, GUID);
		offset = csn_read_u32(&r);
		n = csn_read_u32(&r);
		if (!csn_reader_ok(&r))
			return csn_fail(ctx, CSN_E_FORM, ROOM,
			    "the certificate table has no end");
		if (csn_snp_is_zero(guid, GUID))
			return 0;
		if (offset > len || n > len - offset)
			return csn_fail(ctx, CSN_E_FORM, ROOM,
			    "entry %zu of the certificate table lies outside "
			    "of it", i);
		/* Others' entries are none of ours; an empty one is no harm. */
		if (!is_known(guid) || n == 0)
			continue;
		if ((rc = csn_pki_read(pki, p + offset, n)) != 0)
			return rc;
	}
	return csn_fail(ctx, CSN_E_FORM, ROOM,
	    "the certificate table has more than %d entries", MAX_ENTRIES);
}
