/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/argon2.c - Argon2id (RFC 9106) of a passphrase. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/fail.h"
#include "crypto/internal.h"

int
csn_argon2id(struct csn_ctx *ctx, const void *pass, size_t pass_len,
    const uint8_t *salt, size_t salt_len, uint32_t memory_kib,
    uint32_t passes, uint32_t lanes, uint8_t out[CSN_KEY_SIZE])
{
	static uint8_t empty[1];
	OSSL_PARAM params[6], *p = params;
	EVP_KDF_CTX *kdf = NULL;
	int rc = 0;

	memset(out, 0, CSN_KEY_SIZE);
	/* RFC 9106, 3.1, and 8 * lanes KiB at least. */
	if (salt_len < 8 || passes < 1 || lanes < 1 || lanes > 0xffffff ||
	    memory_kib / 8 < lanes)
		return csn_fail(ctx, CSN_E_ARG, "crypto",
		    "Argon2id wants 8 bytes of salt, one pass, and 8 KiB a "
		    "lane or more; got %zu, %u, and %u KiB for %u lanes",
		    salt_len, passes, memory_kib, lanes);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
	    pass_len != 0 ? (void *)(uintptr_t)pass : empty, pass_len);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
	    (void *)(uintptr_t)salt, salt_len);
	*p++ = OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ITER, &passes);
	*p++ = OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_LANES,
	    &lanes);
	*p++ = OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_MEMCOST,
	    &memory_kib);
	*p = OSSL_PARAM_construct_end();
	if ((kdf = EVP_KDF_CTX_new(ctx->crypto->argon2id)) == NULL)
		return csn_ossl_fail_as(ctx, CSN_E_NOMEM,
		    "preparing Argon2id");
	if (EVP_KDF_derive(kdf, out, CSN_KEY_SIZE, params) != 1) {
		rc = csn_ossl_fail(ctx, "Argon2id");
		csn_wipe(out, CSN_KEY_SIZE);
	}
	EVP_KDF_CTX_free(kdf);
	return rc;
}
