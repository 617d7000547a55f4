/* SPDX-License-Identifier: Apache-2.0 */
/* identity/action.c - issuing action credentials, and showing them. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/json.h"
#include "base/sized.h"
#include "base/text.h"
#include "identity/action.h"
#include "identity/did.h"

#define ROOM "identity"

/* What is to be issued, in the units of the claims. */
struct draft {
	struct csn_link link;	/* its views point to the caller's texts */
	uint8_t id[CSN_ACTION_ID_SIZE];
	uint8_t parent[CSN_HASH_SIZE];
};

static int
draft_texts(struct csn_ctx *ctx, const struct csn_action *a, struct draft *d)
{
	struct csn_sign_key *subject;
	int rc;

	if (a->subject == NULL || a->scope == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A credential needs a subject and a scope.");
	/* The next link's key is taken from here, so it has to be in it. */
	if ((rc = csn_did_to_key(ctx, a->subject, &subject)) != 0)
		return csn_fail(ctx, rc == CSN_E_FORM ? CSN_E_ARG : rc, ROOM,
		    "The subject is no did:key: %s", csn_message());
	csn_sign_free(subject);
	d->link.sub.p = a->subject;
	d->link.sub.len = strlen(a->subject);
	if (a->audience != NULL) {
		d->link.aud.p = a->audience;
		d->link.aud.len = strlen(a->audience);
		if (d->link.aud.len == 0 ||
		    d->link.aud.len > CSN_AUDIENCE_MAX ||
		    !csn_utf8_ok(a->audience, d->link.aud.len))
			return csn_fail(ctx, CSN_E_ARG, ROOM,
			    "An audience is 1 to %d bytes of UTF-8 without "
			    "control characters.", CSN_AUDIENCE_MAX);
	}
	if (a->may_delegate >= CSN_ACTION_MAX_LINKS)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A credential can be passed on %d times at most.",
		    CSN_ACTION_MAX_LINKS - 1);
	d->link.may_delegate = a->may_delegate;
	return csn_words_split(ctx, a->scope, strlen(a->scope), ',', 1,
	    CSN_E_ARG, "scope", &d->link.scope);
}

/* Whole seconds, rounded so that the time is never longer than asked for. */
static int
draft_times(struct csn_ctx *ctx, const struct csn_action *a,
    const struct csn_link *parent, struct draft *d)
{
	uint64_t now;

	now = csn_ctx_wall_ms(ctx) / 1000 * 1000;
	d->link.issued_ms = now;
	d->link.expires_ms = a->expires_ms / 1000 * 1000;
	if (a->expires_ms / 1000 > CSN_CLAIM_LAST_TIME ||
	    a->not_before_ms / 1000 >= CSN_CLAIM_LAST_TIME)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A credential's times lie before the year 10000.");
	if (a->not_before_ms != 0)
		d->link.begins_ms = (a->not_before_ms + 999) / 1000 * 1000;
	else if (parent != NULL && parent->begins_ms > now)
		d->link.begins_ms = parent->begins_ms;
	else
		d->link.begins_ms = now;
	if (d->link.expires_ms <= d->link.begins_ms ||
	    d->link.expires_ms <= now)
		return csn_fail(ctx, CSN_E_EXPIRED, ROOM,
		    "A credential has to end after it begins, and not have "
		    "ended already.");
	return 0;
}

/* What the issuer holds as the parent's last subject, and passes on. */
static int
draft_parent(struct csn_ctx *ctx, const struct csn_identity *issuer,
    const struct csn_chain *chain, const struct csn_link *last,
    struct draft *d)
{
	struct csn_sign_key *subject;
	int rc, same;

	if (chain->n == CSN_ACTION_MAX_LINKS)
		return csn_fail(ctx, CSN_E_SCOPE, ROOM,
		    "A chain has %d links at most.", CSN_ACTION_MAX_LINKS);
	if ((rc = csn_did_read(ctx, last->sub.p, last->sub.len,
	    &subject)) != 0)
		return rc;
	same = csn_sign_same(ctx, subject, csn_identity_sign_key(issuer));
	csn_sign_free(subject);
	if (!same)
		return csn_fail(ctx, CSN_E_SIGNER, ROOM,
		    "The parent was issued to someone else than \"%s\".",
		    csn_identity_name(issuer));
	if ((rc = csn_link_scope(ctx, last, &d->link)) != 0 ||
	    (rc = csn_link_time(ctx, last, &d->link)) != 0 ||
	    (rc = csn_link_audience(ctx, last, &d->link)) != 0 ||
	    (rc = csn_link_delegation(ctx, last, &d->link)) != 0 ||
	    (rc = csn_chain_hash(ctx, chain, chain->n, d->parent)) != 0)
		return rc;
	d->link.parent = d->parent;
	return 0;
}

static int
put_claims(struct csn_ctx *ctx, const struct csn_identity *issuer,
    const struct draft *d, struct csn_out *w)
{
	const struct csn_link *l = &d->link;
	struct csn_cbor_map m;
	char *scope;

	if ((scope = csn_words_join(&l->scope, ' ')) == NULL)
		goto nomem;
	csn_cbor_map_begin(w, &m);
	csn_cbor_key_int(&m, CSN_CLAIM_ISS);
	csn_cbor_text(w, csn_identity_alias(issuer));
	csn_cbor_key_int(&m, CSN_CLAIM_SUB);
	csn_cbor_textn(w, l->sub.p, l->sub.len);
	if (l->aud.p != NULL) {
		csn_cbor_key_int(&m, CSN_CLAIM_AUD);
		csn_cbor_textn(w, l->aud.p, l->aud.len);
	}
	csn_cbor_key_int(&m, CSN_CLAIM_EXP);
	csn_cbor_uint(w, l->expires_ms / 1000);
	csn_cbor_key_int(&m, CSN_CLAIM_NBF);
	csn_cbor_uint(w, l->begins_ms / 1000);
	csn_cbor_key_int(&m, CSN_CLAIM_IAT);
	csn_cbor_uint(w, l->issued_ms / 1000);
	csn_cbor_key_int(&m, CSN_CLAIM_CTI);
	csn_cbor_bytes(w, d->id, sizeof(d->id));
	csn_cbor_key_int(&m, CSN_CLAIM_SCOPE);
	csn_cbor_text(w, scope);
	csn_cbor_key_int(&m, CSN_CLAIM_VERSION);
	csn_cbor_uint(w, CSN_CLAIMS_VERSION);
	if (l->may_delegate != 0) {
		csn_cbor_key_int(&m, CSN_CLAIM_MAY_DELEGATE);
		csn_cbor_uint(w, l->may_delegate);
	}
	if (l->parent != NULL) {
		csn_cbor_key_int(&m, CSN_CLAIM_PARENT);
		csn_cbor_bytes(w, l->parent, CSN_HASH_SIZE);
	}
	csn_cbor_map_end(&m);
	free(scope);
	if (csn_out_ok(w))
		return 0;
nomem:
	return csn_nomem(ctx, ROOM, "a credential");
}

static int
take_action(struct csn_ctx *ctx, const struct csn_identity *issuer,
    const struct csn_action *from, struct csn_action *a, const void *out,
    const void *out_len)
{
	if (issuer == NULL || from == NULL || out == NULL || out_len == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Issuing needs an issuer, an action and a place for the "
		    "chain.");
	return CSN_TAKE(a, from, csn_action, reserved);
}

int
csn_action_issue(struct csn_ctx *ctx, const struct csn_identity *issuer,
    const struct csn_action *action, const uint8_t *parent,
    size_t parent_len, uint8_t **out, size_t *out_len)
{
	struct csn_out claims = { 0 }, w = { 0 };
	struct csn_chain chain = { 0 };
	struct csn_link last;
	struct csn_action a;
	struct draft d;
	uint8_t *msg = NULL;
	size_t i, len;
	int rc;

	memset(&d, 0, sizeof(d));
	if ((rc = take_action(ctx, issuer, action, &a, out, out_len)) != 0)
		goto out;
	if (parent != NULL &&
	    ((rc = csn_chain_split(ctx, parent, parent_len, &chain)) != 0 ||
	    (rc = csn_link_parse(ctx, chain.link[chain.n - 1].p,
	    chain.link[chain.n - 1].len, &last)) != 0))
		goto out;
	if ((rc = draft_texts(ctx, &a, &d)) != 0 ||
	    (rc = draft_times(ctx, &a, parent != NULL ? &last : NULL,
	    &d)) != 0)
		goto out;
	if (parent != NULL &&
	    (rc = draft_parent(ctx, issuer, &chain, &last, &d)) != 0)
		goto out;
	csn_out_init(&claims);
	if ((rc = csn_random(ctx, d.id, sizeof(d.id))) != 0 ||
	    (rc = put_claims(ctx, issuer, &d, &claims)) != 0 ||
	    (rc = csn_cose_sign(ctx, csn_identity_sign_key(issuer),
	    csn_identity_alias(issuer), CSN_ACTION_TYP, claims.p, claims.len,
	    &msg, &len)) != 0)
		goto out;
	csn_out_init(&w);
	csn_cbor_array(&w, chain.n + 1);
	for (i = 0; i < chain.n; i++)
		csn_put_bytes(&w, chain.link[i].p, chain.link[i].len);
	csn_put_bytes(&w, msg, len);
	if (!csn_out_ok(&w)) {
		rc = csn_nomem(ctx, ROOM, "a chain of credentials");
		goto out;
	}
	/* The buffer changes hands. */
	*out = w.p;
	*out_len = w.len;
	memset(&w, 0, sizeof(w));
out:
	csn_out_wipe(&claims);
	csn_out_wipe(&w);
	free(msg);
	return rc;
}

static json_t *
link_json(const struct csn_link *l)
{
	char begins[CSN_TIME_TEXT_SIZE], expires[CSN_TIME_TEXT_SIZE];
	char issued[CSN_TIME_TEXT_SIZE], id[2 * CSN_ACTION_ID_SIZE + 1];
	json_t *words, *o;
	size_t i;

	if ((words = json_array()) == NULL)
		return NULL;
	for (i = 0; i < l->scope.n; i++) {
		if (json_array_append_new(words, json_stringn(
		    l->scope.word[i].p, l->scope.word[i].len)) != 0) {
			json_decref(words);
			return NULL;
		}
	}
	csn_time_format(l->begins_ms, begins);
	csn_time_format(l->expires_ms, expires);
	csn_time_format(l->issued_ms, issued);
	csn_hex_encode(l->id, CSN_ACTION_ID_SIZE, id);
	o = json_pack("{s:s, s:s%, s:s%, s:o, s:s, s:s, s:s, s:i}",
	    "id", id,
	    "issuer", l->iss.p, l->iss.len,
	    "subject", l->sub.p, l->sub.len,
	    "scope", words,
	    "issued", issued,
	    "not_before", begins,
	    "expires", expires,
	    "may_delegate", (int)l->may_delegate);
	if (o != NULL && l->aud.p != NULL && json_object_set_new(o,
	    "audience", json_stringn(l->aud.p, l->aud.len)) != 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

int
csn_action_json(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    char **json)
{
	json_t *root = NULL, *list;
	struct csn_chain chain;
	struct csn_link l;
	char *text = NULL;
	size_t i;
	int rc;

	if (json == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "The text of a chain needs a place to go.");
	if ((rc = csn_chain_split(ctx, p, len, &chain)) != 0)
		return rc;
	rc = CSN_E_NOMEM;
	if ((list = json_array()) == NULL ||
	    (root = json_pack("{s:b, s:o}", "verified", 0, "links",
	    list)) == NULL)
		goto out;
	for (i = 0; i < chain.n; i++) {
		if ((rc = csn_link_parse(ctx, chain.link[i].p,
		    chain.link[i].len, &l)) != 0)
			goto out;
		rc = CSN_E_NOMEM;
		if (json_array_append_new(list, link_json(&l)) != 0)
			goto out;
	}
	if ((text = csn_json_text(root, JSON_COMPACT)) != NULL)
		rc = 0;
out:
	json_decref(root);
	if (rc == CSN_E_NOMEM)
		return csn_fail(ctx, rc, ROOM,
		    "No memory to write a chain as JSON.");
	if (rc == 0)
		*json = text;
	return rc;
}
