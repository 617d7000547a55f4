/* SPDX-License-Identifier: Apache-2.0 */
/* platform/tpm.h - a TPM 2.0 quote and the PCR values that it is about. */
#ifndef CSN_PLATFORM_TPM_H
#define CSN_PLATFORM_TPM_H

#include "crypto/pubkey.h"
#include "platform/appraisal.h"

#define CSN_TPM_BANKS 16	/* TCG TPM 2.0 Part 2, HASH_COUNT */
#define CSN_TPM_PCRS 32		/* of a bank, in four bytes of selection */
#define CSN_TPM_PCR_NAME 12	/* "sha256:23", with its NUL */

struct csn_tpm_bank {
	uint16_t alg;			/* TPM_ALG_ID */
	size_t size;			/* of a value */
	uint32_t selected;		/* bit i for PCR i */
	const uint8_t *values;		/* in order, or NULL: not given */
};

/* Views of the evidence; numbers of it are big-endian (Part 2, 10.12). */
struct csn_tpm_quote {
	const uint8_t *attest;		/* TPMS_ATTEST: what is signed */
	size_t attest_len;
	const uint8_t *signer;		/* qualifiedSigner, a TPM2B_NAME */
	size_t signer_len;
	const uint8_t *extra;		/* extraData: the nonce */
	size_t extra_len;
	uint64_t clock;			/* ms */
	uint32_t resets;
	uint32_t restarts;
	int safe;
	const uint8_t *firmware;	/* 8 bytes */
	struct csn_tpm_bank banks[CSN_TPM_BANKS];
	size_t nbanks;
	const uint8_t *pcr_digest;
	size_t pcr_digest_len;
	struct csn_pubkey_signature signature;
	const uint8_t *values;		/* PCR values, or NULL: not given */
	size_t values_len;
};

/**
 * CSN_E_FORM for what is malformed, CSN_E_ALGORITHM for a signature, hash or
 * bank that is not taken.
 */
CSN_MUST_CHECK int csn_tpm_parse(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct csn_tpm_quote *out);
/* The value of a PCR, or NULL where it was not quoted or not given. */
const uint8_t *csn_tpm_pcr(const struct csn_tpm_quote *q, uint16_t alg,
    unsigned pcr);

/* The n-th bank that is known, or 0; *size is that of its values. */
uint16_t csn_tpm_bank(size_t n, size_t *size);
/* "sha256:7" */
void csn_tpm_pcr_name(uint16_t alg, unsigned pcr,
    char out[CSN_TPM_PCR_NAME]);
/* The size of a value of the PCR so called, or 0 where there is none such. */
size_t csn_tpm_pcr_size(const char *name);

/* The unverified view. CSN_E_NOMEM, or as parsing. */
CSN_MUST_CHECK int csn_tpm_json(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct json_t **out);

#endif
