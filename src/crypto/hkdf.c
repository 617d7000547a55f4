/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/hkdf.c - HKDF (RFC 5869). */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <caisson/advanced.h>

#include "base/fail.h"
#include "crypto/internal.h"

#define MAX_OUT (255 * (size_t)CSN_HASH_SIZE)	/* RFC 5869, 2.3 */
#define MAX_INFO ((size_t)32 * 1024)		/* OpenSSL's own limit */

/* OpenSSL takes bytes to read through pointers that are not const. */
static OSSL_PARAM
octets(const char *name, const void *p, size_t len)
{
	static uint8_t empty[1];

	return OSSL_PARAM_construct_octet_string(name,
	    len != 0 ? (void *)(uintptr_t)p : empty, len);
}

/*
 * Run a copy of the template, or (NULL) a new context that the params
 * describe in full. Freeing it wipes what it held.
 */
static int
derive(struct csn_ctx *ctx, const EVP_KDF_CTX *template,
    const OSSL_PARAM *params, uint8_t *out, size_t out_len)
{
	EVP_KDF_CTX *kdf;
	int rc = 0;

	kdf = template != NULL ? EVP_KDF_CTX_dup(template) :
	    EVP_KDF_CTX_new(ctx->crypto->hkdf);
	if (kdf == NULL) {
		rc = csn_ossl_fail_as(ctx, CSN_E_NOMEM, "preparing HKDF");
		goto err;
	}
	if (EVP_KDF_derive(kdf, out, out_len, params) != 1) {
		rc = csn_ossl_fail(ctx, "HKDF");
		goto err;
	}
	EVP_KDF_CTX_free(kdf);
	return 0;

err:
	EVP_KDF_CTX_free(kdf);
	csn_wipe(out, out_len);
	return rc;
}

static int
check_lengths(struct csn_ctx *ctx, size_t info_len, uint8_t *out,
    size_t out_len)
{
	if (out_len == 0)
		return csn_fail(ctx, CSN_E_ARG, "crypto",
		    "HKDF was asked for no bytes");
	if (out_len > MAX_OUT) {
		memset(out, 0, out_len);
		return csn_fail(ctx, CSN_E_LIMIT, "crypto",
		    "HKDF gives at most %zu bytes, not %zu", MAX_OUT,
		    out_len);
	}
	if (info_len > MAX_INFO) {
		memset(out, 0, out_len);
		return csn_fail(ctx, CSN_E_LIMIT, "crypto",
		    "HKDF takes at most %zu bytes of info, not %zu",
		    MAX_INFO, info_len);
	}
	return 0;
}

int
csn_hkdf(struct csn_ctx *ctx, int hash, const uint8_t *salt, size_t salt_len,
    const uint8_t *key, size_t key_len, const uint8_t *info, size_t info_len,
    uint8_t *out, size_t out_len)
{
	char sha3[] = "SHA3-256", sha2[] = "SHA2-256";
	OSSL_PARAM params[5], *p = params;
	int rc;

	if ((rc = check_lengths(ctx, info_len, out, out_len)) != 0)
		return rc;
	if (hash != CSN_HKDF_SHA3_256 && hash != CSN_HKDF_SHA256) {
		memset(out, 0, out_len);
		return csn_fail(ctx, CSN_E_ARG, "crypto",
		    "HKDF has no hash %d", hash);
	}
	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
	    hash == CSN_HKDF_SHA3_256 ? sha3 : sha2, 0);
	*p++ = octets(OSSL_KDF_PARAM_KEY, key, key_len);
	if (salt_len != 0)
		*p++ = octets(OSSL_KDF_PARAM_SALT, salt, salt_len);
	if (info_len != 0)
		*p++ = octets(OSSL_KDF_PARAM_INFO, info, info_len);
	*p = OSSL_PARAM_construct_end();
	return derive(ctx, NULL, params, out, out_len);
}

int
csn_hkdf_extract(struct csn_ctx *ctx, const uint8_t *salt, size_t salt_len,
    const uint8_t *key, size_t key_len, uint8_t prk[CSN_HASH_SIZE])
{
	const struct csn_piece piece = { key, key_len };

	/*
	 * RFC 5869, 2.2: this step is HMAC(salt, key). No salt stands for 32
	 * zero bytes, which is what HMAC makes of no key. OpenSSL's HKDF
	 * would name the digest again, for a quarter more time.
	 */
	return csn_hmac(ctx, salt, salt_len, &piece, 1, prk);
}

int
csn_hkdf_expand(struct csn_ctx *ctx, const uint8_t prk[CSN_HASH_SIZE],
    const void *info, size_t info_len, uint8_t *out, size_t out_len)
{
	OSSL_PARAM params[3], *p = params;
	int rc;

	if ((rc = check_lengths(ctx, info_len, out, out_len)) != 0)
		return rc;
	*p++ = octets(OSSL_KDF_PARAM_KEY, prk, CSN_HASH_SIZE);
	if (info_len != 0)
		*p++ = octets(OSSL_KDF_PARAM_INFO, info, info_len);
	*p = OSSL_PARAM_construct_end();
	return derive(ctx, ctx->crypto->expand_sha3, params, out, out_len);
}
