/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_pubkeys.c - the public keys of TPMs as PEM: what is read is counted,
 * and each key refuses a signature that nobody made.
 */
#include "crypto/pubkey.h"
#include "identity.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t zero[512] = { 1 };
	struct csn_pubkey_signature sig = { .hash = CSN_PUBKEY_SHA256,
	    .r = zero, .s = zero };
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_pubkeys *keys = NULL;
	size_t i;
	int rc, scheme;

	rc = csn_pubkeys_read(ctx, data, len, &keys);
	if (rc != 0) {
		check(rc == CSN_E_FORM || rc == CSN_E_LIMIT);
		check(keys == NULL);
		return 0;
	}
	check(csn_pubkeys_count(keys) > 0);
	check(csn_pubkeys_count(keys) <= CSN_PUBKEYS_MAX);
	for (i = 0; i < csn_pubkeys_count(keys) && i < 1; i++)
		for (scheme = CSN_RSA_PKCS1; scheme <= CSN_ECDSA; scheme++) {
			sig.scheme = scheme;
			sig.r_len = scheme == CSN_ECDSA ? 32 : 256;
			sig.s_len = scheme == CSN_ECDSA ? 32 : 0;
			rc = csn_pubkey_verify(ctx, keys, i, &sig, zero, 1);
			check(rc == CSN_E_SIGNATURE || rc == CSN_E_SIGNER);
		}
	csn_pubkeys_free(keys);
	return 0;
}
