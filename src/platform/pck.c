/* SPDX-License-Identifier: Apache-2.0 */
/* platform/pck.c - what a PCK certificate says of the platform. */
#include <string.h>

#include "base/fail.h"
#include "platform/der.h"
#include "platform/tdx.h"

/* Intel SGX PCK Certificate and CRL Profile Specification, 1.3.5. */
#define SGX "1.2.840.113741.1.13.1"

/* The same as DER has it; what follows it numbers the parts. */
static const uint8_t prefix[] = {
	0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01
};
#define TCB 2			/* of the extension */
#define PCE_ID 3
#define FMSPC 4
#define PCE_SVN 17		/* of the TCB, after 16 components */

#define SEEN_TCB 1u
#define SEEN_PCE_ID 2u
#define SEEN_FMSPC 4u
#define SEEN_ALL 7u

/*
 * The next pair of an OID and a value: the number behind the prefix and the
 * depth's earlier ones, and r at the value. 0 at the end, or r is bad.
 */
static int
next_pair(struct csn_reader *list, const uint8_t *before, size_t nbefore,
    struct csn_reader *pair)
{
	const size_t n = sizeof(prefix);
	const uint8_t *oid;
	size_t len;

	if (list->left == 0 || csn_der_next(list, pair) != CSN_DER_SEQUENCE)
		return 0;
	oid = csn_der_value(pair, CSN_DER_OID, &len);
	if (oid == NULL || len != n + nbefore + 1 ||
	    memcmp(oid, prefix, n) != 0 ||			/* public */
	    memcmp(oid + n, before, nbefore) != 0) {		/* public */
		list->bad = 1;
		return 0;
	}
	return oid[len - 1];
}

static int
read_tcb(struct csn_reader *r, struct csn_pck *out)
{
	static const uint8_t before[] = { TCB };
	struct csn_reader list, pair;
	uint32_t seen = 0, v;
	int n;

	if (csn_der_next(r, &list) != CSN_DER_SEQUENCE)
		return 0;
	while ((n = next_pair(&list, before, 1, &pair)) != 0) {
		if (n > PCE_SVN)	/* the CPUSVN as a whole: the same */
			continue;
		v = csn_der_uint(&pair);
		if (!csn_reader_done(&pair) ||
		    v > (n == PCE_SVN ? UINT16_MAX : UINT8_MAX) ||
		    (seen & 1u << n) != 0)
			return 0;
		seen |= 1u << n;
		if (n == PCE_SVN)
			out->pce_svn = (uint16_t)v;
		else
			out->cpu_svn[n - 1] = (uint8_t)v;
	}
	return csn_reader_done(&list) && seen == 0x3fffe;
}

static int
read_octets(struct csn_reader *r, uint8_t *out, size_t want)
{
	const uint8_t *p;
	size_t len = 0;

	p = csn_der_value(r, CSN_DER_OCTETS, &len);
	if (p == NULL || len != want)
		return 0;
	memcpy(out, p, want);
	return 1;
}

static int
read_all(struct csn_reader *r, struct csn_pck *out)
{
	struct csn_reader list, pair;
	uint32_t seen = 0, bit;
	int n, ok;

	if (csn_der_next(r, &list) != CSN_DER_SEQUENCE ||
	    !csn_reader_done(r))
		return 0;
	while ((n = next_pair(&list, prefix, 0, &pair)) != 0) {
		bit = n == TCB ? SEEN_TCB : n == PCE_ID ? SEEN_PCE_ID :
		    n == FMSPC ? SEEN_FMSPC : 0;
		if (bit == 0)
			continue;
		ok = n == TCB ? read_tcb(&pair, out) :
		    n == PCE_ID ? read_octets(&pair, out->pce_id, 2) :
		    read_octets(&pair, out->fmspc, 6);
		if (!ok || (seen & bit) != 0)
			return 0;
		seen |= bit;
	}
	return csn_reader_done(&list) && seen == SEEN_ALL;
}

const struct csn_cert *
csn_tdx_leaf(const struct csn_pki *pki)
{
	const struct csn_cert *cert;
	size_t i;

	for (i = 0; (cert = csn_pki_cert(pki, i)) != NULL; i++)
		if (!csn_cert_is_ca(cert))
			return cert;
	return NULL;
}

int
csn_pck_read(struct csn_ctx *ctx, const struct csn_cert *cert,
    struct csn_pck *out)
{
	struct csn_reader r;
	const uint8_t *p;
	size_t len;

	memset(out, 0, sizeof(*out));
	if (csn_cert_extension(ctx, cert, SGX, &p, &len) == 0) {
		csn_reader_init(&r, p, len);
		if (read_all(&r, out))
			return 0;
	}
	return csn_fail(ctx, CSN_E_SIGNER, "platform",
	    "the certificate '%s' does not describe a platform",
	    csn_cert_name(cert));
}
