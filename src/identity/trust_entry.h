/* SPDX-License-Identifier: Apache-2.0 */
/* identity/trust_entry.h - one trusted key, shared by reference count. */
#ifndef CSN_IDENTITY_TRUST_ENTRY_H
#define CSN_IDENTITY_TRUST_ENTRY_H

#include <stdatomic.h>

#include <caisson/identity.h>

/* Nothing but the count and the two links changes once it is made. */
struct csn_trusted {
	struct csn_trust_entry pub;	/* first: users hold its address */
	atomic_uint refs;
	struct csn_sign_key *sign;	/* what pub points to */
	struct csn_document *doc;	/* the document's reading, or NULL */
	char *did;
	char *label;
	char *tenant_id;
	uint8_t *document;
	char alias[CSN_ALIAS_SIZE];
	struct csn_trusted *next_did;	/* chains of the store's index */
	struct csn_trusted *next_alias;
};

/* A checked copy of entry with one reference. The errors of csn_trust_add. */
CSN_MUST_CHECK int csn_trusted_new(struct csn_ctx *ctx,
    const struct csn_trust_entry *entry, struct csn_trusted **out);

/* CSN_E_SIGNER, with the reason, unless good for all purposes at at_ms. */
CSN_MUST_CHECK int csn_trusted_check(struct csn_ctx *ctx,
    const struct csn_trusted *t, uint32_t purposes, uint64_t at_ms);

void csn_trusted_hold(struct csn_trusted *t);
void csn_trusted_drop(struct csn_trusted *t);	/* NULL is fine */

#endif
