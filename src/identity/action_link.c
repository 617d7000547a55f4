/* SPDX-License-Identifier: Apache-2.0 */
/* identity/action_link.c - reading links, and what each may pass on. */
#include <string.h>

#include "base/fail.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "identity/action.h"

#define ROOM "identity"

int
csn_chain_split(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_chain *out)
{
	struct csn_reader r;
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	if (p == NULL || len == 0)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "There is no chain of credentials: it has no bytes.");
	if (len > CSN_ACTION_MAX)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM,
		    "A chain of %zu bytes is too long.", len);
	if ((rc = csn_cbor_check(ctx, p, len)) != 0)
		return rc;
	csn_reader_init(&r, p, len);
	out->n = csn_cbor_get_array(&r);
	if (!csn_reader_ok(&r) || out->n == 0 ||
	    out->n > CSN_ACTION_MAX_LINKS) {
		out->n = 0;
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "A chain is an array of 1 to %d credentials.",
		    CSN_ACTION_MAX_LINKS);
	}
	/* An array of so few has a head of one byte. */
	out->body = p + 1;
	for (i = 0; i < out->n; i++)
		csn_cbor_skip(&r, &out->link[i].p, &out->link[i].len);
	return 0;
}

static void
get_words(struct csn_ctx *ctx, struct csn_reader *r, struct csn_words *words)
{
	const char *text;
	size_t len = 0;

	text = csn_cbor_get_text(r, &len);
	if (text == NULL || csn_words_split(ctx, text, len, ' ', 1,
	    CSN_E_FORM, "scope", words) != 0)
		r->bad = 1;
}

static int
get_claim(struct csn_ctx *ctx, int64_t claim, struct csn_reader *r,
    struct csn_link *l, uint64_t *version)
{
	uint64_t v;

	switch (claim) {
	case CSN_CLAIM_ISS:
		l->iss = csn_claim_text(r, 1, CSN_DID_SIZE);
		break;
	case CSN_CLAIM_SUB:
		l->sub = csn_claim_text(r, 1, CSN_DID_SIZE);
		break;
	case CSN_CLAIM_AUD:
		l->aud = csn_claim_text(r, 1, CSN_AUDIENCE_MAX);
		break;
	case CSN_CLAIM_EXP:
		l->expires_ms = csn_claim_time(r);
		break;
	case CSN_CLAIM_NBF:
		l->begins_ms = csn_claim_time(r);
		break;
	case CSN_CLAIM_IAT:
		l->issued_ms = csn_claim_time(r);
		break;
	case CSN_CLAIM_CTI:
		l->id = csn_claim_bytes(r, CSN_ACTION_ID_SIZE);
		break;
	case CSN_CLAIM_SCOPE:
		get_words(ctx, r, &l->scope);
		break;
	case CSN_CLAIM_VERSION:
		*version = csn_cbor_get_uint(r);
		break;
	case CSN_CLAIM_MAY_DELEGATE:
		v = csn_cbor_get_uint(r);
		if (v == 0 || v >= CSN_ACTION_MAX_LINKS)
			r->bad = 1;
		l->may_delegate = (uint32_t)v;
		break;
	case CSN_CLAIM_PARENT:
		l->parent = csn_claim_bytes(r, CSN_HASH_SIZE);
		break;
	default:
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "The credential has a claim %lld that is not known here.",
		    (long long)claim);
	}
	return 0;
}

int
csn_link_parse(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_link *out)
{
	struct csn_reader r;
	uint64_t version = 0;
	int64_t claim;
	size_t i, n;
	int rc;

	memset(out, 0, sizeof(*out));
	if ((rc = csn_cose_parse(ctx, p, len, &out->cose)) != 0 ||
	    (rc = csn_cbor_check(ctx, out->cose.payload,
	    out->cose.payload_len)) != 0)
		return rc;
	csn_reader_init(&r, out->cose.payload, out->cose.payload_len);
	n = csn_cbor_get_map(&r);
	for (i = 0; i < n && csn_reader_ok(&r); i++) {
		claim = csn_cbor_get_int(&r);
		if (csn_reader_ok(&r) && (rc = get_claim(ctx, claim, &r, out,
		    &version)) != 0)
			return rc;
	}
	if (csn_reader_ok(&r) && version != CSN_CLAIMS_VERSION)
		return csn_fail(ctx, CSN_E_VERSION, ROOM,
		    "The credential is of version %llu; this library reads "
		    "%d.", (unsigned long long)version, CSN_CLAIMS_VERSION);
	if (!csn_reader_done(&r) || out->iss.p == NULL ||
	    out->sub.p == NULL || out->id == NULL || out->scope.n == 0 ||
	    out->issued_ms == 0 || out->expires_ms <= out->begins_ms)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "The credential's claims are incomplete or out of their "
		    "limits.");
	return 0;
}

int
csn_chain_hash(struct csn_ctx *ctx, const struct csn_chain *chain, size_t n,
    uint8_t out[CSN_HASH_SIZE])
{
	struct csn_hash *h = NULL;
	uint8_t head;
	size_t i, len = 0;
	int rc;

	for (i = 0; i < n; i++)
		len += chain->link[i].len;
	/* The head of a CBOR array of n items, n below 24. */
	head = (uint8_t)(0x80 | n);
	if ((rc = csn_hash_new(ctx, &h)) == 0 &&
	    (rc = csn_hash_start(h)) == 0 &&
	    (rc = csn_hash_update(h, &head, 1)) == 0 &&
	    (rc = csn_hash_update(h, chain->body, len)) == 0)
		rc = csn_hash_final(h, out);
	csn_hash_free(h);
	return rc;
}

int
csn_link_scope(struct csn_ctx *ctx, const struct csn_link *parent,
    const struct csn_link *child)
{
	const char *s;
	size_t i, n;

	for (i = 0; i < child->scope.n; i++) {
		s = child->scope.word[i].p;
		n = child->scope.word[i].len;
		if (!csn_words_cover(&parent->scope, s, n))
			return csn_fail(ctx, CSN_E_SCOPE, ROOM,
			    "The scope \"%.*s\" is not within the parent's.",
			    (int)n, s);
	}
	return 0;
}

int
csn_link_time(struct csn_ctx *ctx, const struct csn_link *parent,
    const struct csn_link *child)
{
	char when[CSN_TIME_TEXT_SIZE];

	if (child->expires_ms > parent->expires_ms) {
		csn_time_format(parent->expires_ms, when);
		return csn_fail(ctx, CSN_E_SCOPE, ROOM,
		    "It would outlive its parent, which ends on %s.", when);
	}
	if (child->begins_ms < parent->begins_ms) {
		csn_time_format(parent->begins_ms, when);
		return csn_fail(ctx, CSN_E_SCOPE, ROOM,
		    "It would begin before its parent, which does on %s.",
		    when);
	}
	return 0;
}

int
csn_link_audience(struct csn_ctx *ctx, const struct csn_link *parent,
    const struct csn_link *child)
{
	if (parent->aud.p == NULL || (child->aud.p != NULL &&
	    csn_same(child->aud.p, child->aud.len, parent->aud.p,
	    parent->aud.len)))
		return 0;
	return csn_fail(ctx, CSN_E_SCOPE, ROOM,
	    "The parent is only for \"%.*s\".", (int)parent->aud.len,
	    parent->aud.p);
}

int
csn_link_delegation(struct csn_ctx *ctx, const struct csn_link *parent,
    const struct csn_link *child)
{
	if (child->may_delegate < parent->may_delegate)
		return 0;
	return csn_fail(ctx, CSN_E_SCOPE, ROOM, parent->may_delegate == 0 ?
	    "The parent may not be passed on." :
	    "It could be passed on more often than its parent allows.");
}
