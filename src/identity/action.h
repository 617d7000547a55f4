/* SPDX-License-Identifier: Apache-2.0 */
/* identity/action.h - action credentials taken apart. */
#ifndef CSN_IDENTITY_ACTION_H
#define CSN_IDENTITY_ACTION_H

#include <caisson/identity.h>

#include "evidence/cose.h"
#include "identity/claims.h"
#include "identity/words.h"

#define CSN_ACTION_TYP "application/caisson-action+cwt"
#define CSN_ACTION_MAX (256u << 10)	/* bytes of a chain */
#define CSN_ACTION_ID_SIZE 16
#define CSN_AUDIENCE_MAX 256

/* One credential. Views into the chain; nothing in it is verified. */
struct csn_link {
	struct csn_cose cose;
	struct csn_view iss;		/* alias of who signed */
	struct csn_view sub;		/* did:key of who may act */
	struct csn_view aud;		/* p NULL: for anybody */
	struct csn_words scope;
	uint64_t begins_ms;
	uint64_t expires_ms;
	uint64_t issued_ms;
	uint32_t may_delegate;
	const uint8_t *id;		/* CSN_ACTION_ID_SIZE bytes */
	const uint8_t *parent;		/* CSN_HASH_SIZE bytes, or NULL */
};

/* The credentials of a chain as bytes, in order, from the root's. */
struct csn_chain {
	struct {
		const uint8_t *p;
		size_t len;
	} link[CSN_ACTION_MAX_LINKS];
	size_t n;
	const uint8_t *body;	/* behind the array's head: all the links */
};

/* CSN_E_FORM or CSN_E_LIMIT. */
CSN_MUST_CHECK int csn_chain_split(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct csn_chain *out);

/* CSN_E_FORM, CSN_E_ALGORITHM or CSN_E_VERSION. */
CSN_MUST_CHECK int csn_link_parse(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct csn_link *out);

/*
 * The hash by which a link names its parent chain: SHA3-256 of the first n
 * links as a chain of their own.
 */
CSN_MUST_CHECK int csn_chain_hash(struct csn_ctx *ctx,
    const struct csn_chain *chain, size_t n, uint8_t out[32]);

/* Each: 0, or CSN_E_SCOPE where child is wider than parent in that way. */
CSN_MUST_CHECK int csn_link_scope(struct csn_ctx *ctx,
    const struct csn_link *parent, const struct csn_link *child);
CSN_MUST_CHECK int csn_link_time(struct csn_ctx *ctx,
    const struct csn_link *parent, const struct csn_link *child);
CSN_MUST_CHECK int csn_link_audience(struct csn_ctx *ctx,
    const struct csn_link *parent, const struct csn_link *child);
CSN_MUST_CHECK int csn_link_delegation(struct csn_ctx *ctx,
    const struct csn_link *parent, const struct csn_link *child);

#endif
