/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/pubkey.c - public keys as PEM, and RSA and ECDSA under them. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "crypto/pubkey.h"
#include "crypto/x509_internal.h"

#define MIN_RSA_BITS 2048
#define MAX_RSA_BITS 16384	/* what OpenSSL verifies with */

struct csn_pubkeys {
	EVP_PKEY *key[CSN_PUBKEYS_MAX];
	size_t n;
};

/* 1 where key is one that signatures of this scheme come from. */
static int
fits(const EVP_PKEY *key, int scheme)
{
	char group[32];
	int bits = EVP_PKEY_get_bits(key);

	if (scheme != CSN_ECDSA)
		return EVP_PKEY_is_a(key, "RSA") && bits >= MIN_RSA_BITS &&
		    bits <= MAX_RSA_BITS;
	/* OpenSSL's names of P-256 and P-384. */
	return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key,
	    group, sizeof(group), NULL) == 1 &&
	    (strcmp(group, "prime256v1") == 0 ||
	    strcmp(group, "secp384r1") == 0);
}

/* --- reading ----------------------------------------------------------- */

static int
add_block(struct csn_ctx *ctx, struct csn_pubkeys *keys, const char *name,
    const uint8_t *der, long len)
{
	const uint8_t *at = der;
	EVP_PKEY *key;

	if (strcmp(name, PEM_STRING_PUBLIC) != 0)
		return csn_fail(ctx, CSN_E_FORM, "crypto",
		    "a PEM block is not a PUBLIC KEY");
	if (keys->n == CSN_PUBKEYS_MAX)
		return csn_fail(ctx, CSN_E_LIMIT, "crypto",
		    "more than %d public keys were given", CSN_PUBKEYS_MAX);
	key = d2i_PUBKEY_ex(NULL, &at, len, csn_crypto_lib(ctx), NULL);
	if (key == NULL || at != der + len) {
		EVP_PKEY_free(key);
		return csn_ossl_fail_as(ctx, CSN_E_FORM,
		    "a public key is malformed");
	}
	if (!fits(key, CSN_RSA_PKCS1) && !fits(key, CSN_ECDSA)) {
		EVP_PKEY_free(key);
		ERR_clear_error();
		return csn_fail(ctx, CSN_E_FORM, "crypto", "a public key is "
		    "neither RSA of at least %d bits nor EC on P-256 or "
		    "P-384", MIN_RSA_BITS);
	}
	keys->key[keys->n++] = key;
	return 0;
}

static int
read_blocks(struct csn_ctx *ctx, struct csn_pubkeys *keys, BIO *bio)
{
	char *name, *header;
	uint8_t *der;
	long len;
	int rc = 0;

	while (rc == 0 && PEM_read_bio(bio, &name, &header, &der,
	    &len) == 1) {
		rc = add_block(ctx, keys, name, der, len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	if (rc != 0)
		return rc;
	/* The end shows as a missing first line; anything else is damage. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return csn_ossl_fail_as(ctx, CSN_E_FORM,
		    "a public key's PEM is malformed");
	ERR_clear_error();
	return keys->n > 0 ? 0 : csn_fail(ctx, CSN_E_FORM, "crypto",
	    "there is no PUBLIC KEY in PEM");
}

int
csn_pubkeys_read(struct csn_ctx *ctx, const void *pem, size_t len,
    struct csn_pubkeys **out)
{
	struct csn_pubkeys *keys = csn_calloc(1, sizeof(*keys));
	BIO *bio = NULL;
	int rc;

	if (keys == NULL)
		return csn_nomem(ctx, "crypto", "public keys");
	if (len > INT_MAX)
		rc = csn_fail(ctx, CSN_E_FORM, "crypto",
		    "the public keys are too long");
	else if ((bio = BIO_new_mem_buf(pem, (int)len)) == NULL)
		rc = csn_ossl_fail_as(ctx, CSN_E_NOMEM, "public keys");
	else
		rc = read_blocks(ctx, keys, bio);
	BIO_free(bio);
	if (rc != 0) {
		csn_pubkeys_free(keys);
		return rc;
	}
	*out = keys;
	return 0;
}

size_t
csn_pubkeys_count(const struct csn_pubkeys *keys)
{
	return keys->n;
}

void
csn_pubkeys_free(struct csn_pubkeys *keys)
{
	size_t i;

	for (i = 0; keys != NULL && i < keys->n; i++)
		EVP_PKEY_free(keys->key[i]);
	free(keys);
}

/* --- verifying --------------------------------------------------------- */

/* A verifier set to the scheme; NULL with OpenSSL's errors queued. */
static EVP_MD_CTX *
prepare(struct csn_ctx *ctx, EVP_PKEY *key,
    const struct csn_pubkey_signature *sig)
{
	const char *hash = sig->hash == CSN_PUBKEY_SHA384 ? "SHA2-384" :
	    "SHA2-256";
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p;
	int ok;

	ok = md != NULL && EVP_DigestVerifyInit_ex(md, &p, hash,
	    csn_crypto_lib(ctx), NULL, key, NULL) == 1;
	if (ok && sig->scheme == CSN_RSA_PKCS1)
		ok = EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PADDING) == 1;
	/* TPMs differ in the salt: the hash's size, or all that fits. */
	if (ok && sig->scheme == CSN_RSA_PSS)
		ok = EVP_PKEY_CTX_set_rsa_padding(p,
		    RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(p,
		    RSA_PSS_SALTLEN_AUTO) == 1;
	if (ok)
		return md;
	EVP_MD_CTX_free(md);
	return NULL;
}

static int
verify(struct csn_ctx *ctx, EVP_PKEY *key,
    const struct csn_pubkey_signature *sig, const void *msg, size_t len)
{
	const uint8_t *bytes = sig->r;
	size_t n = sig->r_len;
	EVP_MD_CTX *md;
	uint8_t *der = NULL;
	int der_len = 0, rc = 0;

	if (sig->scheme == CSN_ECDSA) {
		if ((rc = csn_ecdsa_der(ctx, sig->r, sig->r_len, sig->s,
		    sig->s_len, &der, &der_len)) != 0)
			return rc;
		bytes = der;
		n = (size_t)der_len;
	}
	if ((md = prepare(ctx, key, sig)) == NULL) {
		rc = csn_ossl_fail(ctx, "verifying a signature");
	} else if (EVP_DigestVerify(md, bytes, n, msg, len) != 1) {
		ERR_clear_error();
		rc = csn_fail(ctx, CSN_E_SIGNATURE, "crypto",
		    "the %s signature does not verify",
		    sig->scheme == CSN_ECDSA ? "ECDSA" : "RSA");
	}
	EVP_MD_CTX_free(md);
	OPENSSL_free(der);
	return rc;
}

int
csn_pubkey_verify(struct csn_ctx *ctx, const struct csn_pubkeys *keys,
    size_t i, const struct csn_pubkey_signature *sig, const void *msg,
    size_t len)
{
	if (!fits(keys->key[i], sig->scheme)) {
		ERR_clear_error();
		return csn_fail(ctx, CSN_E_SIGNER, "crypto",
		    "the signature is of another kind than the public key");
	}
	return verify(ctx, keys->key[i], sig, msg, len);
}

int
csn_cert_verify(struct csn_ctx *ctx, const struct csn_cert *cert,
    const struct csn_pubkey_signature *sig, const void *msg, size_t len)
{
	EVP_PKEY *key = X509_get0_pubkey(cert->x);

	if (key == NULL || !fits(key, sig->scheme)) {
		ERR_clear_error();
		return csn_fail(ctx, CSN_E_SIGNER, "crypto", "the signature "
		    "is of another kind than the key of the certificate '%s'",
		    cert->name);
	}
	return verify(ctx, key, sig, msg, len);
}
