/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/ecdsa.c - ECDSA and SHA-2 as vendors' evidence has them. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "base/fail.h"
#include "crypto/x509_internal.h"

struct curve {
	const char *group;
	const char *digest;
	size_t field;		/* bytes of a coordinate, of r and of s */
};

static const struct curve curves[] = {
	{ "P-256", "SHA2-256", 32 },
	{ "P-384", "SHA2-384", 48 },
};

#define MAX_FIELD 48

static int
digest(struct csn_ctx *ctx, const char *name, const void *data, size_t len,
    uint8_t *out, size_t out_len)
{
	size_t n = 0;

	if (EVP_Q_digest(ctx->crypto->lib, name, NULL, data, len, out,
	    &n) != 1 || n != out_len) {
		memset(out, 0, out_len);
		return csn_ossl_fail(ctx, name);
	}
	return 0;
}

int
csn_sha256(struct csn_ctx *ctx, const void *data, size_t len,
    uint8_t out[CSN_SHA256_SIZE])
{
	return digest(ctx, "SHA2-256", data, len, out, CSN_SHA256_SIZE);
}

int
csn_sha384(struct csn_ctx *ctx, const void *data, size_t len,
    uint8_t out[CSN_SHA384_SIZE])
{
	return digest(ctx, "SHA2-384", data, len, out, CSN_SHA384_SIZE);
}

int
csn_ecdsa_der(struct csn_ctx *ctx, const uint8_t *r_bytes, size_t r_len,
    const uint8_t *s_bytes, size_t s_len, uint8_t **der, int *der_len)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(r_bytes, (int)r_len, NULL);
	BIGNUM *s = BN_bin2bn(s_bytes, (int)s_len, NULL);
	int rc = 0;

	if (sig == NULL || r == NULL || s == NULL ||
	    ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		rc = csn_ossl_fail_as(ctx, CSN_E_NOMEM, "an ECDSA signature");
	} else if ((*der_len = i2d_ECDSA_SIG(sig, der)) <= 0) {
		rc = csn_ossl_fail(ctx, "an ECDSA signature");
	}
	ECDSA_SIG_free(sig);
	return rc;
}

int
csn_ecdsa_verify_with(struct csn_ctx *ctx, int curve, EVP_PKEY *key,
    const void *msg, size_t len, const uint8_t *rs)
{
	const struct curve *c = &curves[curve - 1];
	EVP_MD_CTX *md = NULL;
	uint8_t *der = NULL;
	int der_len = 0, rc;

	if ((rc = csn_ecdsa_der(ctx, rs, c->field, rs + c->field, c->field,
	    &der, &der_len)) != 0)
		return rc;
	if ((md = EVP_MD_CTX_new()) == NULL) {
		rc = csn_ossl_fail_as(ctx, CSN_E_NOMEM, "verifying ECDSA");
	} else if (EVP_DigestVerifyInit_ex(md, NULL, c->digest,
	    ctx->crypto->lib, NULL, key, NULL) != 1) {
		rc = csn_ossl_fail(ctx, "verifying ECDSA");
	} else if (EVP_DigestVerify(md, der, (size_t)der_len, msg,
	    len) != 1) {
		ERR_clear_error();
		rc = csn_fail(ctx, CSN_E_SIGNATURE, "crypto",
		    "the ECDSA %s signature does not verify", c->group);
	}
	EVP_MD_CTX_free(md);
	OPENSSL_free(der);
	return rc;
}

int
csn_ecdsa_verify(struct csn_ctx *ctx, int curve, const uint8_t *xy,
    const void *msg, size_t len, const uint8_t *rs)
{
	const struct curve *c = &curves[curve - 1];
	uint8_t point[1 + 2 * MAX_FIELD];
	OSSL_PARAM params[3];
	EVP_PKEY_CTX *pctx;
	EVP_PKEY *key = NULL;
	int rc;

	point[0] = 0x04;	/* uncompressed, SEC 1 2.3.3 */
	memcpy(point + 1, xy, 2 * c->field);
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)c->group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * c->field);
	params[2] = OSSL_PARAM_construct_end();
	pctx = EVP_PKEY_CTX_new_from_name(ctx->crypto->lib, "EC", NULL);
	if (pctx == NULL || EVP_PKEY_fromdata_init(pctx) != 1) {
		rc = csn_ossl_fail(ctx, "reading an EC key");
	} else if (EVP_PKEY_fromdata(pctx, &key, EVP_PKEY_PUBLIC_KEY,
	    params) != 1) {
		rc = csn_ossl_fail_as(ctx, CSN_E_SIGNATURE,
		    "the signing key is no point of the curve");
	} else {
		rc = csn_ecdsa_verify_with(ctx, curve, key, msg, len, rs);
	}
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(pctx);
	return rc;
}

int
csn_cert_ecdsa_verify(struct csn_ctx *ctx, const struct csn_cert *cert,
    int curve, const void *msg, size_t len, const uint8_t *rs)
{
	EVP_PKEY *key = X509_get0_pubkey(cert->x);

	if (key == NULL || !EVP_PKEY_is_a(key, "EC") ||
	    (size_t)EVP_PKEY_get_bits(key) != 8 * curves[curve - 1].field) {
		ERR_clear_error();
		return csn_fail(ctx, CSN_E_SIGNER, "crypto",
		    "the key of the certificate '%s' is not an EC key on %s",
		    cert->name, curves[curve - 1].group);
	}
	return csn_ecdsa_verify_with(ctx, curve, key, msg, len, rs);
}
