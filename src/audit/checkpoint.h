/* SPDX-License-Identifier: Apache-2.0 */
/* audit/checkpoint.h - a head that a key vouches for. */
#ifndef CSN_AUDIT_CHECKPOINT_H
#define CSN_AUDIT_CHECKPOINT_H

#include "audit/line.h"

/* COSE_Sign1 over log id, lines, head and time, as base64. */
CSN_MUST_CHECK int csn_audit_checkpoint_make(struct csn_ctx *ctx,
    const struct csn_identity *signer, const uint8_t log[CSN_AUDIT_LOG_ID],
    uint64_t n, const uint8_t head[CSN_HASH_SIZE], uint64_t unix_ms,
    char **out);

/*
 * Verify one against a trust store and say what it is about. CSN_E_FORM,
 * CSN_E_SIGNER, CSN_E_SIGNATURE, CSN_E_POLICY.
 */
CSN_MUST_CHECK int csn_audit_checkpoint_verify(struct csn_ctx *ctx,
    struct csn_trust *trust, const char *cose, size_t len,
    uint8_t log[CSN_AUDIT_LOG_ID], uint64_t *n, uint8_t head[CSN_HASH_SIZE]);

#endif
