/* SPDX-License-Identifier: Apache-2.0 */
/* identity/trust.h - the trust store within this room. */
#ifndef CSN_IDENTITY_TRUST_H
#define CSN_IDENTITY_TRUST_H

#include <caisson/identity.h>

#define CSN_LABEL_MAX 128
#define CSN_TENANT_ID_MAX 64

/* As csn_trust_find(), at at_ms. */
CSN_MUST_CHECK int csn_trust_find_at(struct csn_ctx *ctx,
    struct csn_trust *trust, const char *did, size_t did_len,
    uint32_t purposes, uint64_t at_ms, const struct csn_trust_entry **out);

/* CSN_E_SIGNER where the store has an entry of did that was withdrawn. */
CSN_MUST_CHECK int csn_trust_check_withdrawn(struct csn_ctx *ctx,
    struct csn_trust *trust, const char *did, size_t did_len);

/* As csn_trust_add(), but an expired document is no error. */
CSN_MUST_CHECK int csn_trust_put(struct csn_ctx *ctx,
    struct csn_trust *trust, const struct csn_trust_entry *entry);

/* As csn_trust_load(), from the file's text. */
CSN_MUST_CHECK int csn_trust_parse(struct csn_ctx *ctx, const char *text,
    size_t len, struct csn_trust **out);

#endif
