/* SPDX-License-Identifier: Apache-2.0 */
/* identity/did.h - DIDs whose length is known, and short views of them. */
#ifndef CSN_IDENTITY_DID_H
#define CSN_IDENTITY_DID_H

#include <caisson/identity.h>

/* As csn_did_to_key(), of len bytes. */
CSN_MUST_CHECK int csn_did_read(struct csn_ctx *ctx, const char *did,
    size_t len, struct csn_sign_key **out);

/* As csn_did_key(), into a malloc'ed string. */
CSN_MUST_CHECK int csn_did_new(struct csn_ctx *ctx,
    const struct csn_sign_key *key, char **out);

/* 1 where both hold the same public key. */
int csn_sign_same(struct csn_ctx *ctx, const struct csn_sign_key *a,
    const struct csn_sign_key *b);
int csn_kem_same(struct csn_ctx *ctx, const struct csn_kem_key *a,
    const struct csn_kem_key *b);

/* The public half of key as an object of its own. */
CSN_MUST_CHECK int csn_sign_copy_public(struct csn_ctx *ctx,
    const struct csn_sign_key *key, struct csn_sign_key **out);

/*
 * A DID short enough for a sentence, from whoever wrote it: cut in the
 * middle of nowhere, and not shown at all where it is not plain ASCII.
 */
#define CSN_DID_BRIEF 80
void csn_did_brief(const char *did, size_t len, char out[CSN_DID_BRIEF]);

#endif
