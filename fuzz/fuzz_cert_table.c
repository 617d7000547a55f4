/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cert_table.c - the certificate table that a host gives a guest, and
 * what the certificates in it say of their chip.
 */
#include "identity.h"
#include "platform/snp.h"
#include "platform/tdx.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	const struct csn_cert *cert;
	struct csn_snp_cert said;
	struct csn_pck pck;
	struct csn_pki *pki;
	size_t i;
	int rc;

	check(csn_pki_new(ctx, &pki) == 0);
	rc = csn_snp_table_read(ctx, data, len, pki);
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_LIMIT);
	for (i = 0; (cert = csn_pki_cert(pki, i)) != NULL; i++) {
		rc = csn_snp_cert_read(ctx, cert, i % 2 == 0 ? CSN_SNP_VCEK :
		    CSN_SNP_VLEK, &said);
		check(rc == 0 || rc == CSN_E_SIGNER || rc == CSN_E_FORM);
		rc = csn_pck_read(ctx, cert, &pck);
		check(rc == 0 || rc == CSN_E_SIGNER);
	}
	csn_pki_free(pki);
	return 0;
}
