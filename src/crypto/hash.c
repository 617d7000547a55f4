/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/hash.c - SHA3-256 (FIPS 202), at once and piece by piece; SHA-256. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "crypto/internal.h"

struct csn_hash {
	struct csn_ctx *ctx;
	EVP_MD_CTX *md;
};

int
csn_sha3_256(struct csn_ctx *ctx, const void *data, size_t len,
    uint8_t out[CSN_HASH_SIZE])
{
	if (EVP_Digest(data, len, out, NULL, ctx->crypto->sha3_256,
	    NULL) != 1) {
		memset(out, 0, CSN_HASH_SIZE);
		return csn_ossl_fail(ctx, "SHA3-256");
	}
	return 0;
}

int
csn_hash_new(struct csn_ctx *ctx, struct csn_hash **out)
{
	struct csn_hash *h;

	if ((h = csn_calloc(1, sizeof(*h))) == NULL)
		return csn_nomem(ctx, "crypto", "a hash");
	h->ctx = ctx;
	if ((h->md = EVP_MD_CTX_new()) == NULL) {
		free(h);
		return csn_ossl_fail_as(ctx, CSN_E_NOMEM, "making a hash");
	}
	*out = h;
	return 0;
}

int
csn_hash_start(struct csn_hash *h)
{
	if (EVP_DigestInit_ex2(h->md, h->ctx->crypto->sha3_256, NULL) != 1)
		return csn_ossl_fail(h->ctx, "starting SHA3-256");
	return 0;
}

int
csn_hash_start_sha256(struct csn_hash *h)
{
	if (EVP_DigestInit_ex2(h->md, h->ctx->crypto->sha2_256, NULL) != 1)
		return csn_ossl_fail(h->ctx, "starting SHA-256");
	return 0;
}

int
csn_hash_update(struct csn_hash *h, const void *p, size_t len)
{
	if (len == 0)
		return 0;
	if (EVP_DigestUpdate(h->md, p, len) != 1)
		return csn_ossl_fail(h->ctx, "SHA3-256");
	return 0;
}

int
csn_hash_final(struct csn_hash *h, uint8_t out[CSN_HASH_SIZE])
{
	if (EVP_DigestFinal_ex(h->md, out, NULL) != 1) {
		memset(out, 0, CSN_HASH_SIZE);
		return csn_ossl_fail(h->ctx, "finishing SHA3-256");
	}
	return 0;
}

void
csn_hash_free(struct csn_hash *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->md);
	free(h);
}
