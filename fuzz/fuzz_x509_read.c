/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_x509_read.c - certificates and CRLs, read alone: no signature is
 * looked at. What is read is written as bytes that are read as the same.
 */
#include "identity.h"
#include "platform/snp.h"
#include "platform/tdx.h"

static void
look(struct csn_ctx *ctx, const struct csn_cert *cert)
{
	uint8_t print[CSN_SHA256_SIZE], again[CSN_SHA256_SIZE], *der;
	struct csn_snp_cert said;
	struct csn_pki *one;
	struct csn_pck pck;
	unsigned signer;
	size_t len;
	int rc;

	check(csn_cert_fingerprint(ctx, cert, print) == 0);
	rc = csn_cert_check_time(ctx, cert, fuzz_clock(NULL));
	check(rc == 0 || rc == CSN_E_EXPIRED || rc == CSN_E_FORM);
	for (signer = CSN_SNP_VCEK; signer <= CSN_SNP_VLEK; signer++) {
		rc = csn_snp_cert_read(ctx, cert, signer, &said);
		check(rc == 0 || rc == CSN_E_SIGNER);
	}
	rc = csn_pck_read(ctx, cert, &pck);
	check(rc == 0 || rc == CSN_E_SIGNER);
	check(csn_cert_der(ctx, cert, &der, &len) == 0);
	check(csn_pki_new(ctx, &one) == 0);
	check(csn_pki_read(one, der, len) == 0);
	check(csn_pki_count(one) == 1);
	check(csn_cert_fingerprint(ctx, csn_pki_cert(one, 0), again) == 0);
	check(memcmp(print, again, sizeof(print)) == 0);
	csn_pki_free(one);
	csn_free(der);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_pki *pki;
	size_t i;
	int rc;

	check(csn_pki_new(ctx, &pki) == 0);
	rc = csn_pki_read(pki, data, len);
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_LIMIT);
	for (i = 0; rc == 0 && i < csn_pki_count(pki); i++)
		look(ctx, csn_pki_cert(pki, i));
	csn_pki_free(pki);
	return 0;
}
