/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/hmac.c - HMAC-SHA3-256 (FIPS 198-1). */
#include <string.h>

#include "base/fail.h"
#include "crypto/internal.h"

int
csn_hmac(struct csn_ctx *ctx, const uint8_t *key, size_t key_len,
    const struct csn_piece *pieces, size_t n, uint8_t out[CSN_HASH_SIZE])
{
	static const uint8_t empty[1];
	EVP_MAC_CTX *mac;
	size_t i, len;
	int rc = 0;

	memset(out, 0, CSN_HASH_SIZE);
	/*
	 * A copy per call, freed (and so wiped by OpenSSL) at its end: a
	 * context kept for the next call would keep this call's key with it.
	 */
	if ((mac = EVP_MAC_CTX_dup(ctx->crypto->hmac_sha3)) == NULL)
		return csn_ossl_fail_as(ctx, CSN_E_NOMEM, "preparing HMAC");
	/* A NULL key would mean 'the one before', so no key is not NULL. */
	if (EVP_MAC_init(mac, key_len != 0 ? key : empty, key_len,
	    NULL) != 1)
		goto err;
	for (i = 0; i < n; i++) {
		if (pieces[i].len != 0 && EVP_MAC_update(mac, pieces[i].p,
		    pieces[i].len) != 1)
			goto err;
	}
	if (EVP_MAC_final(mac, out, &len, CSN_HASH_SIZE) != 1)
		goto err;
	goto out;

err:
	rc = csn_ossl_fail(ctx, "HMAC-SHA3-256");
	csn_wipe(out, CSN_HASH_SIZE);
out:
	EVP_MAC_CTX_free(mac);
	return rc;
}
