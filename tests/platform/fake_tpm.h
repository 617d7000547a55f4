/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/platform/fake_tpm.h - a made-up TPM 2.0: quotes in the real format,
 * signed by an attestation key with a certificate of its own CA's.
 */
#ifndef CAISSON_TESTS_PLATFORM_FAKE_TPM_H
#define CAISSON_TESTS_PLATFORM_FAKE_TPM_H

#include "platform/fake_pki.h"

/* TPM_ALG_ID */
#define FAKE_TPM_SHA1 0x0004
#define FAKE_TPM_SHA256 0x000b
#define FAKE_TPM_SHA384 0x000c
#define FAKE_TPM_RSASSA 0x0014
#define FAKE_TPM_RSAPSS 0x0016
#define FAKE_TPM_ECDSA 0x0018

struct fake_tpm;

/*
 * usage: the extended key usage of its certificate: 1 for quotes, 0 for a web
 * server, 2 for what quotes' begins with.
 */
struct fake_tpm *fake_tpm_new(enum fake_key key, int usage);
void fake_tpm_free(struct fake_tpm *t);

/* PCR i of a bank holds the byte i all over. */
struct fake_tpm_quote {
	uint32_t magic;
	uint16_t type;
	const uint8_t *nonce;
	size_t nonce_len;
	int unsafe;		/* clockInfo.safe is NO */
	uint16_t bank;
	uint32_t pcrs;		/* bit i for PCR i, up to 23 */
	int bank_twice;
	int wide;		/* more bytes of a selection, beside three */
	int more_banks;		/* of no PCRs and unknown hashes, before it */
	uint16_t scheme;	/* as the signature says; RSAPSS is one */
	uint16_t hash;
	int other_pcr;		/* the values are not those of the digest */
	int no_values;
};

/* A good quote of nonce with SHA-256 over PCRs 0, 7 and 23. */
void fake_tpm_defaults(const struct fake_tpm *t, struct fake_tpm_quote *q,
    const uint8_t *nonce, size_t nonce_len);
struct fake_bytes fake_tpm_evidence(const struct fake_tpm *t,
    const struct fake_tpm_quote *q);
struct fake_bytes fake_tpm_key(const struct fake_tpm *t);	/* PEM */
struct fake_bytes fake_tpm_cert(const struct fake_tpm *t);
struct fake_bytes fake_tpm_root(const struct fake_tpm *t);
struct fake_bytes fake_tpm_crl(const struct fake_tpm *t, int revoked);
/*
 * A policy with the members, each with a comma behind it, and pem as the
 * member kind, "key" or "root"; frees pem.
 */
struct fake_bytes fake_tpm_policy(const char *kind, struct fake_bytes pem,
    const char *members);

#endif
