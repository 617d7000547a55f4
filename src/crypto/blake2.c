/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/blake2.c - BLAKE2b (RFC 7693), unkeyed. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/fail.h"
#include "crypto/internal.h"

int
csn_blake2b(struct csn_ctx *ctx, const void *data, size_t len, uint8_t *out,
    size_t out_len)
{
	size_t size = out_len;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_size_t(OSSL_DIGEST_PARAM_SIZE, &size),
		OSSL_PARAM_construct_end(),
	};
	EVP_MD_CTX *c, *none = NULL;
	int rc = 0;

	/* One is kept: making and freeing it costs as much as a hash. */
	c = atomic_exchange(&ctx->crypto->spare_blake2b, NULL);
	if ((c == NULL && (c = EVP_MD_CTX_new()) == NULL) ||
	    EVP_DigestInit_ex2(c, ctx->crypto->blake2b, params) != 1 ||
	    EVP_DigestUpdate(c, data, len) != 1 ||
	    EVP_DigestFinal_ex(c, out, NULL) != 1) {
		memset(out, 0, out_len);
		rc = csn_ossl_fail(ctx, "BLAKE2b");
	}
	/* Final has wiped what it took in; after a failure it may not have. */
	if (rc != 0 || !atomic_compare_exchange_strong(
	    &ctx->crypto->spare_blake2b, &none, c))
		EVP_MD_CTX_free(c);
	return rc;
}
