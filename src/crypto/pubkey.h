/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/pubkey.h - public keys as PEM, and RSA and ECDSA under them. */
#ifndef CSN_CRYPTO_PUBKEY_H
#define CSN_CRYPTO_PUBKEY_H

#include "crypto/x509.h"

/*
 * What foreign hardware signs with: RSA of 2048 bits or more, or ECDSA on
 * P-256 or P-384. For verifying alone; nothing here is secret.
 */

#define CSN_PUBKEYS_MAX 64	/* keys in one set */

enum csn_pubkey_scheme {
	CSN_RSA_PKCS1 = 1,	/* RSASSA-PKCS1-v1_5, RFC 8017 8.2 */
	CSN_RSA_PSS = 2,	/* RSASSA-PSS with MGF1, any salt */
	CSN_ECDSA = 3		/* FIPS 186-5 */
};

enum csn_pubkey_hash {
	CSN_PUBKEY_SHA256 = 1,
	CSN_PUBKEY_SHA384 = 2
};

struct csn_pubkey_signature {
	int scheme;
	int hash;
	const uint8_t *r;	/* RSA: the whole signature */
	size_t r_len;
	const uint8_t *s;	/* ECDSA alone; r and s are big-endian */
	size_t s_len;
};

struct csn_pubkeys;

/**
 * Read PUBLIC KEY blocks (RFC 7468 13), one or more. CSN_E_FORM where there
 * is none, another kind of block, or a key of another kind or too short;
 * CSN_E_LIMIT; CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_pubkeys_read(struct csn_ctx *ctx, const void *pem,
    size_t len, struct csn_pubkeys **out);
size_t csn_pubkeys_count(const struct csn_pubkeys *keys);
void csn_pubkeys_free(struct csn_pubkeys *keys);	/* NULL is fine */

/**
 * Verify a signature over msg under the i-th key, or a certificate's.
 * CSN_E_SIGNATURE; CSN_E_SIGNER where the key is not of the scheme's kind or
 * too short; CSN_E_NOMEM or CSN_E_CRYPTO.
 */
CSN_MUST_CHECK int csn_pubkey_verify(struct csn_ctx *ctx,
    const struct csn_pubkeys *keys, size_t i,
    const struct csn_pubkey_signature *sig, const void *msg, size_t len);
CSN_MUST_CHECK int csn_cert_verify(struct csn_ctx *ctx,
    const struct csn_cert *cert, const struct csn_pubkey_signature *sig,
    const void *msg, size_t len);

#endif
