/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/x509_internal.h - what the files about X.509 share. */
#ifndef CSN_CRYPTO_X509_INTERNAL_H
#define CSN_CRYPTO_X509_INTERNAL_H

#include <openssl/x509.h>

#include "crypto/internal.h"
#include "crypto/x509.h"

#define CSN_CERT_NAME_SIZE 96

struct csn_cert {
	X509 *x;
	char name[CSN_CERT_NAME_SIZE];
	char issuer[CSN_CERT_NAME_SIZE];
};

struct csn_pki {
	struct csn_ctx *ctx;
	struct csn_cert **certs;	/* so that a view survives growth */
	size_t ncerts;
	X509_CRL **crls;
	size_t ncrls;
};

/* A common name that may go into a sentence; "" where there is none. */
void csn_common_name(const X509_NAME *name, char out[CSN_CERT_NAME_SIZE]);

/* Adds a reference of its own. CSN_E_LIMIT or CSN_E_NOMEM. */
CSN_MUST_CHECK int csn_pki_add_cert(struct csn_pki *pki, X509 *x);
CSN_MUST_CHECK int csn_pki_add_crl(struct csn_pki *pki, X509_CRL *crl);

/* Unix time in ms; CSN_E_FORM where it is none. What is before 1970 is 0. */
CSN_MUST_CHECK int csn_asn1_time(const struct csn_ctx *ctx,
    const ASN1_TIME *t, uint64_t *unix_ms);

/*
 * r and s, big-endian, as the DER sequence that OpenSSL verifies;
 * OPENSSL_free. CSN_E_NOMEM or CSN_E_CRYPTO.
 */
CSN_MUST_CHECK int csn_ecdsa_der(struct csn_ctx *ctx, const uint8_t *r,
    size_t r_len, const uint8_t *s, size_t s_len, uint8_t **der,
    int *der_len);

/* rs as csn_ecdsa_verify has it, under key. */
CSN_MUST_CHECK int csn_ecdsa_verify_with(struct csn_ctx *ctx, int curve,
    EVP_PKEY *key, const void *msg, size_t len, const uint8_t *rs);

#endif
