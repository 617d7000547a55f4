/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/fail.c - what OpenSSL refused, as a sentence; a key from its bytes. */
#include <openssl/err.h>
#include <openssl/params.h>

#include "base/fail.h"
#include "crypto/internal.h"

int
csn_ossl_fail_as(const struct csn_ctx *ctx, int code, const char *what)
{
	const char *reason = NULL;
	unsigned long e;

	/* The last entry is the outermost; a failed malloc is the first. */
	while ((e = ERR_get_error()) != 0) {
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			code = CSN_E_NOMEM;
		reason = ERR_reason_error_string(e);
	}
	if (code == CSN_E_NOMEM)
		return csn_fail(ctx, code, "crypto", "%s: out of memory",
		    what);
	if (reason == NULL)
		return csn_fail(ctx, code, "crypto", "%s", what);
	return csn_fail(ctx, code, "crypto", "%s: %s", what, reason);
}

int
csn_ossl_fail(const struct csn_ctx *ctx, const char *what)
{
	return csn_ossl_fail_as(ctx, CSN_E_CRYPTO, what);
}

EVP_PKEY *
csn_pkey_from(struct csn_ctx *ctx, const char *name, int selection,
    const char *param, const uint8_t *p, size_t len)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(param,
		    (void *)(uintptr_t)p, len),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *c;
	EVP_PKEY *key = NULL;

	c = EVP_PKEY_CTX_new_from_name(ctx->crypto->lib, name, NULL);
	if (c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &key, selection, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(c);
	return key;
}
