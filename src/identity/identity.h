/* SPDX-License-Identifier: Apache-2.0 */
/* identity/identity.h - what an identity holds. */
#ifndef CSN_IDENTITY_IDENTITY_H
#define CSN_IDENTITY_IDENTITY_H

#include <caisson/identity.h>

struct csn_identity {
	struct csn_sign_key *sign;	/* the pairs, private halves too */
	struct csn_kem_key *kem;
	struct csn_document *doc;	/* the reading of bytes */
	uint8_t *bytes;
	size_t len;
};

/*
 * Put an identity together from its pairs and its document (malloc'ed),
 * which it takes in any case: on error they are freed. CSN_E_SIGNER where
 * they do not belong together, and the errors of csn_document_inspect().
 */
CSN_MUST_CHECK int csn_identity_assemble(struct csn_ctx *ctx,
    struct csn_sign_key *sign, struct csn_kem_key *kem, uint8_t *bytes,
    size_t len, struct csn_identity **out);

#endif
