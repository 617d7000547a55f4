/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/platform/fake_pki.h - keys, certificates and CRLs that tests make up,
 * in the form that the vendors' have. What fails here ends the test.
 */
#ifndef CAISSON_TESTS_PLATFORM_FAKE_PKI_H
#define CAISSON_TESTS_PLATFORM_FAKE_PKI_H

#include <stddef.h>
#include <stdint.h>

/* Within the life of all that is made here without other dates. */
#define FAKE_NOW_MS 1767225600000u	/* 2026-01-01T00:00:00Z */
#define FAKE_FROM "20200101000000Z"
#define FAKE_UNTIL "20490101000000Z"

struct fake_bytes {
	uint8_t *p;		/* a NUL stands behind them; free() */
	size_t len;
};
/* Append; b begins as zeros. */
void fake_put(struct fake_bytes *b, const void *p, size_t len);
void fake_put_text(struct fake_bytes *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void fake_put_hex(struct fake_bytes *b, const uint8_t *p, size_t len);
/* Little-endian numbers into p. */
void fake_le(uint8_t *p, uint64_t v, size_t bytes);

enum fake_key {
	FAKE_P256,
	FAKE_P384,
	FAKE_RSA,		/* 3072 bits; signs with PSS and SHA-384 */
	FAKE_RSA_WEAK		/* the same of 1024 bits */
};

struct fake_extension {
	const char *oid;
	const uint8_t *p;	/* what the OCTET STRING holds */
	size_t len;
};

struct fake_cert;		/* a certificate and its private key */

struct fake_cert_options {
	const char *name;	/* the common name */
	enum fake_key key;
	const struct fake_cert *issuer;	/* NULL: itself */
	const struct fake_cert *same_key; /* whose key it has, not a new one */
	int ca;
	const char *from;	/* NULL for FAKE_FROM and FAKE_UNTIL */
	const char *until;
	const struct fake_extension *extensions;
	size_t nextensions;
	/* What a certificate that is not good may have. */
	int no_constraints;	/* it does not say whether it is a CA's */
	uint8_t usage;		/* bits of keyUsage; 0: a CA signs both */
	int sha1;		/* its issuer signs with SHA-1 */
	int path;		/* CA: so many more below, plus 1; 0: any */
	const struct fake_extension *critical;	/* one more, or NULL */
};
#define FAKE_SIGNS_CERTS 0x04	/* keyUsage */
#define FAKE_SIGNS_CRLS 0x02

struct fake_cert *fake_cert_new(const struct fake_cert_options *o);
void fake_cert_free(struct fake_cert *cert);
/* PEM of that name, whatever the bytes are. */
void fake_put_block(struct fake_bytes *b, const char *name,
    const uint8_t *der, size_t len);
void fake_put_pem(struct fake_bytes *b, const struct fake_cert *cert);
void fake_put_der(struct fake_bytes *b, const struct fake_cert *cert);

struct fake_crl_options {
	const struct fake_cert *issuer;		/* whose name it bears */
	const struct fake_cert *signer;		/* NULL: issuer */
	const struct fake_cert *revoked;	/* on it, or NULL */
	int taken_back;		/* the entry says removeFromCRL */
	const char *from;	/* NULL for FAKE_FROM and FAKE_UNTIL */
	const char *until;
	int no_until;		/* it does not say when the next one comes */
	const struct fake_extension *critical;	/* one, or NULL */
};

/* DER. */
void fake_put_crl_of(struct fake_bytes *b, const struct fake_crl_options *o);
/* A CRL of issuer, with revoked on it where that is not NULL; DER. */
void fake_put_crl(struct fake_bytes *b, const struct fake_cert *issuer,
    const struct fake_cert *revoked, const char *from, const char *until);

/* r and s, big-endian, by the certificate's EC key and the curve's hash. */
void fake_ecdsa(const struct fake_cert *cert, const void *msg, size_t len,
    uint8_t *rs);
/*
 * Its key's signature with "SHA256" or "SHA384": RSA's bytes, PKCS #1 v1.5
 * or PSS, or ECDSA's r and s as long as the field each.
 */
void fake_sign(struct fake_bytes *b, const struct fake_cert *cert,
    const char *hash, int pss, const void *msg, size_t len);
/* Its public key in PEM. */
void fake_put_public(struct fake_bytes *b, const struct fake_cert *cert);
/* x and y of its point. */
void fake_point(const struct fake_cert *cert, uint8_t *xy);
/* hash as OpenSSL calls it. */
void fake_hash(const char *hash, const void *msg, size_t len, uint8_t *out);
void fake_sha256(const void *msg, size_t len, uint8_t out[32]);

#endif
