/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pem_read.c - key files, read alone: nothing is written again, so that
 * many inputs a second are tried.
 */
#include "crypto/crypto.h"
#include "identity.h"

static void
refused(int rc)
{
	check(rc == CSN_E_FORM || rc == CSN_E_PASSPHRASE ||
	    rc == CSN_E_ALGORITHM || rc == CSN_E_LIMIT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	const char *pem = (const char *)data;
	struct csn_sign_key *sign = NULL;
	struct csn_kem_key *kem = NULL;
	int rc;

	if ((rc = csn_sign_from_pem(ctx, pem, len, NULL, 0, &sign)) != 0)
		refused(rc);
	if ((rc = csn_kem_from_pem(ctx, pem, len, NULL, 0, &kem)) != 0)
		refused(rc);
	check(sign == NULL || kem == NULL);
	csn_sign_free(sign);
	csn_kem_free(kem);
	return 0;
}
