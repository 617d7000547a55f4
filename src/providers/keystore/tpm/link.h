/* SPDX-License-Identifier: Apache-2.0 */
/* keystore/tpm/link.h - one conversation with a TPM. */
#ifndef CSN_PROVIDERS_KEYSTORE_TPM_LINK_H
#define CSN_PROVIDERS_KEYSTORE_TPM_LINK_H

#include "providers/keystore/tpm/load.h"
#include "providers/keystore/tpm/tpm.h"

struct csn_tpm_link {
	struct csn_ctx *ctx;
	const struct csn_tss *tss;
	const char *tcti;
	int managed;		/* a resource manager flushes what is left */
	int dead;		/* the TCTI failed: nothing more is asked */
	TSS2_TCTI_CONTEXT *wire;
	ESYS_CONTEXT *esys;
	/* ESYS_TR_NONE where there is none; closing flushes them. */
	ESYS_TR primary, session, trial, object;
};

/* Where in a conversation something failed: it decides what a code means. */
enum csn_tpm_at { CSN_TPM_AT_PRIMARY, CSN_TPM_AT_SEAL, CSN_TPM_AT_OPEN,
    CSN_TPM_AT_COUNTER };

/*
 * Open a link, run op and close it; anew, after a while, as long as op gives
 * CSN_E_BUSY.
 */
CSN_MUST_CHECK int csn_tpm_talk(struct csn_ctx *ctx, const char *tcti,
    int (*op)(struct csn_tpm_link *l, void *arg), void *arg);

/* A code of tpm2-tss as one of ours, with a sentence; 0 for 0. */
int csn_tpm_fail(struct csn_tpm_link *l, TSS2_RC rc, enum csn_tpm_at at);
/* The TPM's own code without what it was about; 0 for another layer's. */
uint32_t csn_tpm_code(TSS2_RC rc);

/*
 * The storage primary. Its Name must be expected's, where that is not NULL:
 * CSN_E_TAG. Only then is a session salted to it.
 */
CSN_MUST_CHECK int csn_tpm_primary(struct csn_tpm_link *l,
    const uint8_t *expected, uint8_t name[CSN_TPM_NAME]);
/* A session salted to the primary, AES-128-CFB; attributes follow. */
CSN_MUST_CHECK int csn_tpm_session(struct csn_tpm_link *l, TPM2_SE type,
    ESYS_TR *out);
int csn_tpm_attributes(struct csn_tpm_link *l, TPMA_SESSION attributes);
void csn_tpm_flush(struct csn_tpm_link *l, ESYS_TR *handle);
/*
 * An authorisation value for a handle, and out of ESYS's memory again, which
 * keeps it and does not wipe it.
 */
int csn_tpm_set_auth(struct csn_tpm_link *l, ESYS_TR handle,
    const uint8_t auth[32]);
void csn_tpm_drop_auth(struct csn_tpm_link *l, ESYS_TR handle);

/* The counter by the link's session, which ends with it. */
TSS2_RC csn_tpm_counter_read(struct csn_tpm_link *l, ESYS_TR nv,
    uint64_t *count);
/* CSN_E_DRIFT where it is gone or another one. */
CSN_MUST_CHECK int csn_tpm_counter_find(struct csn_tpm_link *l,
    uint32_t index, ESYS_TR *nv);

#endif
