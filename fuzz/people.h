/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/people.h - one identity of fixed keys, for the targets that need it. */
#ifndef CAISSON_FUZZ_PEOPLE_H
#define CAISSON_FUZZ_PEOPLE_H

#include "identity.h"
#include "identity/document.h"
#include "identity/identity.h"

#define FUZZ_NOW 1767225600000u	/* 2026-01-01T00:00:00Z */

static inline void
must(int rc)
{
	check(rc == 0);
}

static inline struct csn_identity *
fuzz_identity(struct csn_ctx *ctx)
{
	struct csn_document_facts facts = { .name = "fuzz",
	    .purposes = CSN_PURPOSE_ALL, .created_ms = FUZZ_NOW,
	    .expires_ms = FUZZ_NOW + CSN_DOCUMENT_LIFETIME_MS };
	struct csn_sign_key *sign;
	struct csn_identity *id;
	struct csn_kem_key *kem;
	uint8_t keys[64], *doc;
	size_t len;

	memset(keys, 'f', sizeof(keys));
	must(csn_sign_from_seed(ctx, CSN_SIGN_ML_DSA_44, keys,
	    CSN_SIGN_SEED_SIZE, &sign));
	must(csn_kem_from_seed(ctx, CSN_KEM_ML_KEM_512, keys, sizeof(keys),
	    &kem));
	must(csn_document_make(ctx, sign, kem, &facts, &doc, &len));
	must(csn_identity_assemble(ctx, sign, kem, doc, len, &id));
	return id;
}

static inline struct csn_trust *
fuzz_trust(struct csn_ctx *ctx, const struct csn_identity *id)
{
	struct csn_trust_entry e = { .size = sizeof(e),
	    .purposes = CSN_PURPOSE_ALL, .label = "fuzz", .tenant_id = "t",
	    .key = csn_identity_sign_key(id) };
	struct csn_trust *trust;

	must(csn_trust_new(ctx, &trust));
	must(csn_trust_add(ctx, trust, &e));
	return trust;
}

#endif
