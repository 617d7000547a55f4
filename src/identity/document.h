/* SPDX-License-Identifier: Apache-2.0 */
/* identity/document.h - making and reading identity documents. */
#ifndef CSN_IDENTITY_DOCUMENT_H
#define CSN_IDENTITY_DOCUMENT_H

#include <caisson/identity.h>

#define CSN_DOCUMENT_TYP "application/caisson-identity+cbor"
#define CSN_DOCUMENT_MAX 32768	/* bytes of a document */
#define CSN_NAME_MAX 128
#define CSN_DOCUMENT_LIFETIME_MS (400ull * 86400 * 1000)

struct csn_document_facts {
	const char *name;
	const char *capabilities;	/* with commas; NULL or "" for none */
	uint32_t purposes;
	uint64_t created_ms;		/* rounded down to whole seconds */
	uint64_t expires_ms;		/* likewise */
};

/* Sign a document for the two keys with the first. *out is malloc'ed. */
CSN_MUST_CHECK int csn_document_make(struct csn_ctx *ctx,
    const struct csn_sign_key *sign, const struct csn_kem_key *kem,
    const struct csn_document_facts *facts, uint8_t **out, size_t *out_len);

/* CSN_E_EXPIRED where doc has expired at at_ms. */
CSN_MUST_CHECK int csn_document_fresh(struct csn_ctx *ctx,
    const struct csn_document *doc, uint64_t at_ms);

#endif
