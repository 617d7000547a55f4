/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/x509.h - X.509 certificates, CRLs and ECDSA, to verify with. */
#ifndef CSN_CRYPTO_X509_H
#define CSN_CRYPTO_X509_H

#include <caisson/crypto.h>

/*
 * What vendors sign their evidence with. Nothing here looks at a file, a
 * default store or a clock: roots, certificates, CRLs and the time are the
 * caller's. Sentences are kept in the context; nothing is secret.
 */

#define CSN_PKI_MAX 64		/* certificates, and CRLs, in one set */
#define CSN_SHA256_SIZE 32
#define CSN_SHA384_SIZE 48

/* FIPS 180-4, for foreign formats only. 0 or CSN_E_CRYPTO. */
CSN_MUST_CHECK int csn_sha256(struct csn_ctx *ctx, const void *data,
    size_t len, uint8_t out[CSN_SHA256_SIZE]);
CSN_MUST_CHECK int csn_sha384(struct csn_ctx *ctx, const void *data,
    size_t len, uint8_t out[CSN_SHA384_SIZE]);

/* ECDSA (FIPS 186-5) with the curve's own hash. */
enum csn_ecdsa {
	CSN_ECDSA_P256 = 1,	/* SHA-256; a key or signature has 64 bytes */
	CSN_ECDSA_P384 = 2	/* SHA-384; 96 bytes */
};

/**
 * Verify rs, r and s as big-endian numbers of the field's size, over msg
 * under the point xy. CSN_E_SIGNATURE, also for a point that is not on the
 * curve; CSN_E_NOMEM or CSN_E_CRYPTO.
 */
CSN_MUST_CHECK int csn_ecdsa_verify(struct csn_ctx *ctx, int curve,
    const uint8_t *xy, const void *msg, size_t len, const uint8_t *rs);

/* One certificate; it belongs to the sets that it is in. */
struct csn_cert;

/** As csn_ecdsa_verify. CSN_E_SIGNER where its key is of another kind. */
CSN_MUST_CHECK int csn_cert_ecdsa_verify(struct csn_ctx *ctx,
    const struct csn_cert *cert, int curve, const void *msg, size_t len,
    const uint8_t *rs);
/** SHA-256 of the DER SubjectPublicKeyInfo: what a pin is compared with. */
CSN_MUST_CHECK int csn_cert_fingerprint(struct csn_ctx *ctx,
    const struct csn_cert *cert, uint8_t out[CSN_SHA256_SIZE]);
/** The certificate itself as DER; csn_free. CSN_E_NOMEM or CSN_E_CRYPTO. */
CSN_MUST_CHECK int csn_cert_der(struct csn_ctx *ctx,
    const struct csn_cert *cert, uint8_t **out, size_t *len);
/** CSN_E_EXPIRED where at_ms is past its time or before it; CSN_E_FORM. */
CSN_MUST_CHECK int csn_cert_check_time(struct csn_ctx *ctx,
    const struct csn_cert *cert, uint64_t at_ms);
/** The subject's common name, printable; "" where it has none. */
const char *csn_cert_name(const struct csn_cert *cert);
/** The same of its issuer. */
const char *csn_cert_issuer(const struct csn_cert *cert);
/** 1 where basicConstraints says that it is a CA. */
int csn_cert_is_ca(const struct csn_cert *cert);
/** 1 where subject and issuer are the same name. */
int csn_cert_is_root(const struct csn_cert *cert);
/**
 * The bytes of the extension called oid ("1.3.6.1..."), what its OCTET STRING
 * holds; *p points into the certificate. CSN_E_NOT_FOUND; CSN_E_FORM where it
 * is there twice.
 */
CSN_MUST_CHECK int csn_cert_extension(struct csn_ctx *ctx,
    const struct csn_cert *cert, const char *oid, const uint8_t **p,
    size_t *len);

/* A set of certificates and CRLs, in the order that they were added. */
struct csn_pki;

CSN_MUST_CHECK int csn_pki_new(struct csn_ctx *ctx, struct csn_pki **out);
/**
 * Add what p holds: PEM blocks (CERTIFICATE, X509 CRL), as many as there are,
 * with a NUL behind them or not; or DER, one after another. CSN_E_FORM (also
 * for nothing at all), CSN_E_LIMIT, CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_pki_read(struct csn_pki *pki, const void *p,
    size_t len);
/** Add a certificate of another set. CSN_E_LIMIT or CSN_E_NOMEM. */
CSN_MUST_CHECK int csn_pki_add(struct csn_pki *pki,
    const struct csn_cert *cert);
/** Add all that another set holds. CSN_E_LIMIT or CSN_E_NOMEM. */
CSN_MUST_CHECK int csn_pki_add_all(struct csn_pki *pki,
    const struct csn_pki *from);
size_t csn_pki_count(const struct csn_pki *pki);	/* certificates */
size_t csn_pki_crls(const struct csn_pki *pki);
/** NULL past the end. Valid while the set is. */
const struct csn_cert *csn_pki_cert(const struct csn_pki *pki, size_t i);
void csn_pki_free(struct csn_pki *pki);

/**
 * Build and verify the chain from leaf over certificates of pki to one of
 * roots at at_ms (RFC 5280: signatures, names, validity, basicConstraints,
 * critical extensions; at least 128-bit keys and hashes). The chain, leaf
 * first and its root last, is added to the empty set chain. CSN_E_SIGNER, or
 * CSN_E_EXPIRED where a certificate is past its time or before it; the
 * sentence names the certificate.
 */
CSN_MUST_CHECK int csn_pki_chain(const struct csn_pki *pki,
    const struct csn_cert *leaf, const struct csn_pki *roots, uint64_t at_ms,
    struct csn_pki *chain);

/**
 * Look each certificate of a verified chain up in the CRLs of pki that its
 * issuer signed. Bit i of *covered is set where there was one for the chain's
 * i-th certificate. CSN_E_SIGNER (revoked, or a CRL whose signature fails),
 * CSN_E_EXPIRED (a CRL past its next update, or not yet of its time),
 * CSN_E_FORM (a CRL with critical extensions).
 */
CSN_MUST_CHECK int csn_pki_revoked(const struct csn_pki *pki,
    const struct csn_pki *chain, uint64_t at_ms, uint64_t *covered);

#endif
