/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cose.c - signed messages: whatever verifies under the corpus's key
 * was signed by it, which means that it is the one message it signed.
 */
#include "identity.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_sign_key *key = fuzz_key(ctx, CSN_SIGN_ML_DSA_44, 7);
	const uint8_t *payload;
	const char *kid;
	size_t n;
	int rc;

	rc = csn_cose_kid(ctx, data, len, &kid, &n);
	if (rc == 0)
		check(n > 0 && (const uint8_t *)kid > data &&
		    (const uint8_t *)kid + n < data + len);
	else
		check(rc == CSN_E_FORM || rc == CSN_E_ALGORITHM ||
		    rc == CSN_E_LIMIT);
	rc = csn_cose_verify(ctx, key, "application/caisson-test", data, len,
	    &payload, &n);
	if (rc == 0)
		check(n == 5 && memcmp(payload, "hello", 5) == 0);
	else
		check(rc == CSN_E_FORM || rc == CSN_E_ALGORITHM ||
		    rc == CSN_E_LIMIT || rc == CSN_E_POLICY ||
		    rc == CSN_E_SIGNATURE);
	csn_sign_free(key);
	return 0;
}
