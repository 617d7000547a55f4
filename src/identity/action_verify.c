/* SPDX-License-Identifier: Apache-2.0 */
/* identity/action_verify.c - a chain of credentials, check by check. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/text.h"
#include "evidence/result.h"
#include "identity/action.h"
#include "identity/did.h"
#include "identity/trust.h"

#define ROOM "identity"

/*
 * One run. A check goes into result as it is made; rc is the first failure
 * to put it there (out of memory), which ends the run. Who must have signed
 * the next link is in key: from the trust store for the root, then from the
 * former link's subject, and NULL once that is not known. No key ever comes
 * from the link that it verifies.
 */
struct run {
	struct csn_ctx *ctx;
	struct csn_trust *trust;
	struct csn_result *result;
	size_t first;		/* the result's check that is our first */
	const struct csn_chain *chain;
	uint64_t at_ms;
	const struct csn_sign_key *key;
	const struct csn_trust_entry *root;	/* held */
	struct csn_sign_key *subject;		/* the former link's */
	int rc;
};

/* Note what check `what` of link n gave: its code, and the sentence. */
static void
note(struct run *run, size_t n, const char *what, int code)
{
	if (run->rc == 0)
		run->rc = csn_result_note(run->result, code, code == 0 ? NULL :
		    csn_message(), "link %zu %s", n, what);
}

static void
skip(struct run *run, size_t n, const char *what, const char *why)
{
	char name[48];

	(void)snprintf(name, sizeof(name), "link %zu %s", n, what);
	if (run->rc == 0)
		run->rc = csn_result_add(run->result, name,
		    CSN_CHECK_SKIPPED, 0, why);
}

/* The key that must have signed the root, from the trust store. */
static int
root_issuer(struct run *run, const struct csn_link *l)
{
	int rc;

	if ((rc = csn_trust_find_at(run->ctx, run->trust, l->cose.kid,
	    l->cose.kid_len, CSN_PURPOSE_ACTION, run->at_ms,
	    &run->root)) == 0)
		run->key = run->root->key;
	return rc;
}

/* The names that link l gives its signer are those of the known key. */
static int
issuer_named(struct run *run, const struct csn_link *l)
{
	char alias[CSN_ALIAS_SIZE];
	int rc;

	if ((rc = csn_did_alias(run->ctx, run->key, alias,
	    sizeof(alias))) != 0)
		return rc;
	if (!csn_same(l->iss.p, l->iss.len, alias, strlen(alias)) ||
	    !csn_same(l->cose.kid, l->cose.kid_len, alias, strlen(alias)))
		return csn_fail(run->ctx, CSN_E_SIGNER, ROOM,
		    "The credential names another issuer than %s, whose it "
		    "has to be.", alias);
	return 0;
}

static int
parent_named(struct run *run, const struct csn_link *l, size_t i)
{
	uint8_t hash[CSN_HASH_SIZE];
	int rc;

	if (i == 0)
		return l->parent == NULL ? 0 : csn_fail(run->ctx,
		    CSN_E_SIGNATURE, ROOM,
		    "The first link was issued under a parent that is not "
		    "here.");
	if ((rc = csn_chain_hash(run->ctx, run->chain, i, hash)) != 0)
		return rc;
	if (l->parent == NULL || !csn_equal(hash, l->parent, sizeof(hash)))
		return csn_fail(run->ctx, CSN_E_SIGNATURE, ROOM,
		    "The credential was issued under another parent.");
	return 0;
}

static int
in_time(struct run *run, const struct csn_link *l)
{
	char when[CSN_TIME_TEXT_SIZE];

	if (run->at_ms >= l->expires_ms) {
		csn_time_format(l->expires_ms, when);
		return csn_fail(run->ctx, CSN_E_EXPIRED, ROOM,
		    "The credential expired on %s.", when);
	}
	if (run->at_ms < l->begins_ms) {
		csn_time_format(l->begins_ms, when);
		return csn_fail(run->ctx, CSN_E_POLICY, ROOM,
		    "The credential is not valid before %s.", when);
	}
	return 0;
}

/* What link i must not have more of than the one before it. */
static void
check_narrowing(struct run *run, const struct csn_link *parent,
    const struct csn_link *l, size_t n)
{
	int rc;

	if (parent == NULL && n > 1) {
		skip(run, n, "scope", "the parent could not be read");
		note(run, n, "time", in_time(run, l));
		skip(run, n, "audience", "the parent could not be read");
		skip(run, n, "delegation", "the parent could not be read");
		return;
	}
	note(run, n, "scope", parent == NULL ? 0 :
	    csn_link_scope(run->ctx, parent, l));
	rc = parent == NULL ? 0 : csn_link_time(run->ctx, parent, l);
	note(run, n, "time", rc != 0 ? rc : in_time(run, l));
	note(run, n, "audience", parent == NULL ? 0 :
	    csn_link_audience(run->ctx, parent, l));
	note(run, n, "delegation", parent == NULL ? 0 :
	    csn_link_delegation(run->ctx, parent, l));
}

static void
check_link(struct run *run, const struct csn_link *parent,
    const struct csn_link *l, size_t i)
{
	size_t n = i + 1;
	int rc = 0;

	if (i == 0)
		rc = root_issuer(run, l);
	if (rc == 0 && run->key == NULL)
		skip(run, n, "issuer", "the former link names no subject");
	else
		note(run, n, "issuer", rc != 0 ? rc : issuer_named(run, l));
	if (run->key == NULL)
		skip(run, n, "signature", "the issuer's key is not known");
	else
		note(run, n, "signature", csn_cose_check(run->ctx, run->key,
		    CSN_ACTION_TYP, &l->cose));
	note(run, n, "parent", parent_named(run, l, i));
	check_narrowing(run, parent, l, n);
}

/* The next link's issuer: this one's subject, whose DID holds its key. */
static int
next_key(struct run *run, const struct csn_link *l)
{
	int rc;

	csn_sign_free(run->subject);
	run->subject = NULL;
	rc = csn_did_read(run->ctx, l->sub.p, l->sub.len, &run->subject);
	run->key = run->subject;
	return rc;
}

/* All links; 1 where last is the last one, and 0 where that has no form. */
static int
check_links(struct run *run, struct csn_link *last)
{
	static const char *const others[] = {
		"issuer", "signature", "parent", "scope", "time", "audience",
		"delegation", "subject"
	};
	struct csn_link links[2];
	const struct csn_link *parent = NULL;
	struct csn_link *l = NULL;
	size_t i, k;
	int rc;

	for (i = 0; i < run->chain->n; i++) {
		/* Two places in turn: this link's and its parent's. */
		l = &links[i % 2];
		rc = csn_link_parse(run->ctx, run->chain->link[i].p,
		    run->chain->link[i].len, l);
		note(run, i + 1, "form", rc);
		if (rc == 0) {
			check_link(run, parent, l, i);
			note(run, i + 1, "subject", next_key(run, l));
			parent = l;
			continue;
		}
		for (k = 0; k < sizeof(others) / sizeof(others[0]); k++)
			skip(run, i + 1, others[k], "it could not be read");
		run->key = NULL;
		parent = NULL;
	}
	if (parent == NULL)
		return 0;
	*last = *l;
	return 1;
}

static void
answer(struct run *run, const char *name, int status, int code,
    const char *detail)
{
	if (run->rc == 0)
		run->rc = csn_result_add(run->result, name, status, code,
		    detail);
}

/* What was asked: this word, by this subject, for this audience. */
static void
check_asked(struct run *run, const struct csn_link *last, const char *scope,
    const char *subject, const char *audience)
{
	int ok;

	ok = csn_words_cover(&last->scope, scope, strlen(scope));
	answer(run, "scope", ok ? CSN_CHECK_PASSED : CSN_CHECK_FAILED,
	    ok ? 0 : CSN_E_SCOPE,
	    ok ? NULL : "The credential does not cover what was asked for.");
	if (subject == NULL) {
		answer(run, "subject", CSN_CHECK_SKIPPED, 0,
		    "no subject was asked for");
	} else {
		ok = run->subject != NULL &&
		    csn_did_matches(run->ctx, subject, run->subject);
		answer(run, "subject", ok ? CSN_CHECK_PASSED :
		    CSN_CHECK_FAILED, ok ? 0 : CSN_E_POLICY,
		    ok ? NULL : "The credential was issued to another "
		    "subject.");
	}
	if (audience == NULL) {
		answer(run, "audience", CSN_CHECK_SKIPPED, 0,
		    "no audience was asked for");
		return;
	}
	ok = last->aud.p == NULL || csn_same(last->aud.p, last->aud.len,
	    audience, strlen(audience));
	answer(run, "audience", ok ? CSN_CHECK_PASSED : CSN_CHECK_FAILED,
	    ok ? 0 : CSN_E_POLICY,
	    ok ? NULL : "The credential is for another audience.");
}

static void
nothing_asked(struct run *run)
{
	static const char *const names[] = { "scope", "subject", "audience" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		answer(run, names[i], CSN_CHECK_SKIPPED, 0,
		    "the last link could not be read");
}

int
csn_action_verify(struct csn_ctx *ctx, struct csn_trust *trust,
    const uint8_t *bytes, size_t len, const char *scope, const char *subject,
    const char *audience, uint64_t at_ms, struct csn_result *result)
{
	struct csn_result *own = NULL;
	struct csn_chain chain;
	struct csn_link last;
	struct run run = {
		.ctx = ctx, .trust = trust, .chain = &chain,
	};
	int rc;

	if (trust == NULL || scope == NULL ||
	    !csn_word_ok(scope, strlen(scope), 1))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Verifying needs a trust store and one word of scope.");
	if (result == NULL && (rc = csn_result_new(ctx, &own)) != 0)
		return rc;
	run.result = result != NULL ? result : own;
	run.first = csn_result_count(run.result);
	run.at_ms = at_ms != 0 ? at_ms : csn_ctx_wall_ms(ctx);
	rc = csn_chain_split(ctx, bytes, len, &chain);
	run.rc = csn_result_note(run.result, rc,
	    rc != 0 ? csn_message() : NULL, "chain");
	if (rc == 0 && check_links(&run, &last))
		check_asked(&run, &last, scope, subject, audience);
	else
		nothing_asked(&run);
	rc = run.rc != 0 ? run.rc : csn_result_conclude(ctx, run.result,
	    run.first, ROOM, "The chain");
	csn_trust_release(trust, run.root);
	csn_sign_free(run.subject);
	csn_result_free(own);
	return rc;
}
