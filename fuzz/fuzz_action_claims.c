/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_action_claims.c - a chain of two credentials, of which the first byte
 * picks one: its claims are edited before they are signed, and the chain made
 * of both again.
 */
#include "base/cbor.h"
#include "identity/action.h"
#include "people.h"
#include "resign.h"

static struct csn_identity *id;
static struct csn_trust *trust;
static uint8_t *chain;
static size_t chain_len;

static void
finish(void)
{
	csn_free(chain);
	csn_trust_free(trust);
	csn_identity_free(id);
	id = NULL;
}

static void
start(struct csn_ctx *ctx)
{
	struct csn_action a = { .size = sizeof(a), .scope = "kv:*,audit",
	    .audience = "node-1", .expires_ms = FUZZ_NOW + 86400000u,
	    .may_delegate = 3 };
	uint8_t *root;
	size_t len;

	if (id != NULL)
		return;
	id = fuzz_identity(ctx);
	trust = fuzz_trust(ctx, id);
	a.subject = csn_identity_did(id);
	must(csn_action_issue(ctx, id, &a, NULL, 0, &root, &len));
	a.scope = "kv:open";
	a.may_delegate = 1;
	must(csn_action_issue(ctx, id, &a, root, len, &chain, &chain_len));
	csn_free(root);
	check(atexit(finish) == 0);
}

/* What the second link may be at most, looked at by hand. */
static void
narrow(const struct csn_link *l)
{
	size_t i;

	for (i = 0; i < l->scope.n; i++)
		check((l->scope.word[i].len > 3 &&
		    memcmp(l->scope.word[i].p, "kv:", 3) == 0) ||
		    (l->scope.word[i].len == 5 &&
		    memcmp(l->scope.word[i].p, "audit", 5) == 0));
	check(l->expires_ms <= FUZZ_NOW + 86400000u);
	check(l->may_delegate < 3);
	check(l->aud.len == 6 && memcmp(l->aud.p, "node-1", 6) == 0);
}

/* The edited link in its place; whoever follows still names the former. */
static size_t
rebuild(struct csn_ctx *ctx, const struct csn_chain *c, size_t which,
    struct csn_reader *r, int *changed, uint8_t **out)
{
	struct csn_out w;
	uint8_t *link;
	size_t i, n;

	*changed = fuzz_resign(ctx, csn_identity_sign_key(id),
	    c->link[which].p, c->link[which].len, r, &link, &n);
	csn_out_init(&w);
	csn_cbor_array(&w, c->n);
	for (i = 0; i < c->n; i++)
		csn_put_bytes(&w, i == which ? link : c->link[i].p,
		    i == which ? n : c->link[i].len);
	check(csn_out_ok(&w));
	csn_free(link);
	*out = w.p;
	return w.len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_result *result;
	struct csn_reader r;
	struct csn_chain c;
	struct csn_link l;
	uint8_t *made;
	int rc, changed;
	size_t n, which;
	char *json;

	start(ctx);
	csn_reader_init(&r, data, len);
	which = csn_read_u8(&r) % 2;
	must(csn_chain_split(ctx, chain, chain_len, &c));
	n = rebuild(ctx, &c, which, &r, &changed, &made);
	must(csn_result_new(ctx, &result));
	rc = csn_action_verify(ctx, trust, made, n, "kv:open", NULL, "node-1",
	    fuzz_clock(NULL) + 1000, result);
	check(rc == csn_result_code(result));
	/* A signature is hedged: the parent's hash is another each time. */
	check(which == 0 ? rc != 0 : changed || rc == 0);
	if (csn_chain_split(ctx, made, n, &c) == 0 &&
	    csn_link_parse(ctx, c.link[which].p, c.link[which].len,
	    &l) == 0) {
		check(l.scope.n > 0 && l.expires_ms > l.begins_ms);
		check(l.may_delegate < CSN_ACTION_MAX_LINKS);
		if (rc == 0)
			narrow(&l);
	} else {
		check(rc != 0);
	}
	if (csn_action_json(ctx, made, n, &json) == 0)
		csn_free(json);
	csn_result_free(result);
	csn_free(made);
	return 0;
}
