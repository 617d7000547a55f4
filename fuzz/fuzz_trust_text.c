/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_trust_text.c - the trust store's file, its text alone: an input is too
 * short for a key, so no key is made and no signature looked at. What it is
 * refused for says which entry.
 */
#include "identity.h"
#include "identity/trust.h"

#define MOST 1200	/* the shortest did:key has 1,804 characters */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_trust *trust = NULL;
	int rc;

	if (len > MOST)
		return 0;
	rc = csn_trust_parse(ctx, (const char *)data, len, &trust);
	if (rc == 0) {
		check(csn_trust_count(trust) == 0);
		csn_trust_free(trust);
		return 0;
	}
	check(trust == NULL);
	check(rc == CSN_E_FORM || rc == CSN_E_VERSION ||
	    rc == CSN_E_ALGORITHM || rc == CSN_E_LIMIT ||
	    rc == CSN_E_SIGNER || rc == CSN_E_POLICY);
	check(strstr(csn_message(), "trust store") != NULL);
	return 0;
}
