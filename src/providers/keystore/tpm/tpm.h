/* SPDX-License-Identifier: Apache-2.0 */
/* keystore/tpm/tpm.h - a folder's master key, sealed by a TPM 2.0. */
#ifndef CSN_PROVIDERS_KEYSTORE_TPM_TPM_H
#define CSN_PROVIDERS_KEYSTORE_TPM_TPM_H

#include "providers/keystore/folder.h"

/* --- the bytes of the file `keystore` --- */

#define CSN_TPM_AUTH 1u		/* an authorisation value is needed */
#define CSN_TPM_PCR 2u		/* a policy over registers */
#define CSN_TPM_STRONG 4u	/* wrong tries are not counted */

#define CSN_TPM_SALT 16
#define CSN_TPM_NAME 34		/* SHA-256, behind its number */
#define CSN_TPM_SHA1 0x0004
#define CSN_TPM_SHA256 0x000b
#define CSN_TPM_SHA384 0x000c
#define CSN_TPM_SHA512 0x000d
#define CSN_TPM_PRIVATE_MIN 32
#define CSN_TPM_PRIVATE_MAX 512
/* NV indices of owners, in the TCG's registry. */
#define CSN_TPM_NV_FIRST 0x01800000u
#define CSN_TPM_NV_LAST 0x01bfffffu

struct csn_tpm_head {
	uint8_t flags;
	uint16_t pcr_hash;		/* 0: no registers */
	uint8_t pcrs[3];		/* bit n % 8 of byte n / 8 is PCR n */
	uint8_t salt[CSN_TPM_SALT];
	uint32_t counter;		/* the NV index; 0: none yet */
	uint8_t primary[CSN_TPM_NAME];
	uint8_t policy[32];		/* zero without registers */
	uint8_t unique[32];
	size_t private_len;
	uint8_t private[CSN_TPM_PRIVATE_MAX];
	uint8_t check[CSN_HASH_SIZE];	/* commitment to all above */
};

#define CSN_TPM_HEAD_MAX (8 + 1 + 2 + 3 + CSN_TPM_SALT + 4 + CSN_TPM_NAME + \
	32 + 32 + 2 + CSN_TPM_PRIVATE_MAX + CSN_HASH_SIZE)

size_t csn_tpm_head_write(const struct csn_tpm_head *h,
    uint8_t out[CSN_TPM_HEAD_MAX]);
/* 0, CSN_E_FORM or CSN_E_VERSION. */
int csn_tpm_head_read(const uint8_t *p, size_t len, struct csn_tpm_head *h);

/* --- what the URL says --- */

struct csn_tpm_url {
	char *tcti;		/* "" where the URL has none */
	char *folder;		/* NULL where the URL has none */
	uint8_t flags;		/* as a head's */
	uint16_t pcr_hash;
	uint8_t pcrs[3];
};

/* csn_tpm_url_free, whatever is returned. CSN_E_ARG, CSN_E_NOMEM. */
CSN_MUST_CHECK int csn_tpm_url_read(struct csn_ctx *ctx, const char *rest,
    struct csn_tpm_url *out);
void csn_tpm_url_free(struct csn_tpm_url *u);
/* "sha256:0,7": for messages. */
#define CSN_TPM_PCR_TEXT 80
void csn_tpm_pcr_text(uint16_t hash, const uint8_t pcrs[3],
    char out[CSN_TPM_PCR_TEXT]);

/* --- the TPM --- */

#define CSN_TPM_NO_COUNT UINT64_MAX

/*
 * Each of these opens the TPM anew and closes it again, so nothing is held
 * between calls: no failed context, no slot, no session of a forked parent.
 * They try again where slots are taken or registers change meanwhile.
 *
 * seal fills h's primary, policy, unique and private; auth is NULL without
 * CSN_TPM_AUTH. unseal gives the counter's value beside the master key, or
 * CSN_TPM_NO_COUNT where there is none to be had.
 */
CSN_MUST_CHECK int csn_tpm_seal(struct csn_ctx *ctx, const char *tcti,
    struct csn_tpm_head *h, const uint8_t *auth,
    const uint8_t master[CSN_KEY_SIZE]);
CSN_MUST_CHECK int csn_tpm_unseal(struct csn_ctx *ctx, const char *tcti,
    const struct csn_tpm_head *h, const uint8_t *auth,
    uint8_t master[CSN_KEY_SIZE], uint64_t *count);
/* Make a counter at a free index, which h gets; its first value in *count. */
CSN_MUST_CHECK int csn_tpm_counter_make(struct csn_ctx *ctx,
    const char *tcti, struct csn_tpm_head *h, const uint8_t auth[32],
    uint64_t *count);
/*
 * The counter's value; where it is one below advance_to, it is incremented
 * (CSN_TPM_NO_COUNT: never). auth is needed for that alone.
 */
CSN_MUST_CHECK int csn_tpm_counter_use(struct csn_ctx *ctx, const char *tcti,
    const struct csn_tpm_head *h, const uint8_t auth[32],
    uint64_t advance_to, uint64_t *count);
/* Where no resource manager does it: so that no wrong try is counted. */
void csn_tpm_shutdown(struct csn_ctx *ctx, const char *tcti);

#endif
