/* SPDX-License-Identifier: Apache-2.0 */
/* tests/identity/test_action.c - issuing credentials and passing them on. */
#include <jansson.h>

#include "identity/people.h"
#include "lib/test.h"

#define HOUR 3600000ull

struct fixture {
	struct csn_ctx *ctx;
	struct csn_trust *trust;
	struct csn_identity *root;
	struct csn_identity *p[9];	/* those it goes through */
	struct csn_result *result;
};

static void
setup(struct fixture *f)
{
	uint8_t i;

	f->ctx = people_ctx();
	assert_int_equal(csn_trust_new(f->ctx, &f->trust), 0);
	assert_int_equal(csn_result_new(f->ctx, &f->result), 0);
	f->root = people_make(f->ctx, 1, CSN_SIGN_ML_DSA_65,
	    CSN_KEM_ML_KEM_768, "root");
	for (i = 0; i < 9; i++)
		f->p[i] = people_quick(f->ctx, (uint8_t)(10 + i), "person");
	people_trust(f->ctx, f->trust, f->root, CSN_PURPOSE_ACTION);
}

static void
teardown(struct fixture *f)
{
	size_t i;

	csn_result_free(f->result);
	csn_identity_free(f->root);
	for (i = 0; i < 9; i++)
		csn_identity_free(f->p[i]);
	csn_trust_free(f->trust);
	csn_ctx_free(f->ctx);
}

FIXTURE(struct fixture, setup, teardown);

struct bytes {
	uint8_t *p;
	size_t len;
};

static struct csn_action
action(const struct csn_identity *subject, const char *scope,
    uint32_t may_delegate)
{
	return (struct csn_action){
		.size = sizeof(struct csn_action),
		.subject = csn_identity_did(subject), .scope = scope,
		.expires_ms = PEOPLE_START + HOUR,
		.may_delegate = may_delegate,
	};
}

static struct bytes
issue(struct fixture *f, const struct csn_identity *issuer,
    const struct csn_action *a, const struct bytes *parent)
{
	struct bytes out;

	assert_int_equal(csn_action_issue(f->ctx, issuer, a,
	    parent != NULL ? parent->p : NULL,
	    parent != NULL ? parent->len : 0, &out.p, &out.len), 0);
	return out;
}

static int
refused(struct fixture *f, const struct csn_identity *issuer,
    const struct csn_action *a, const struct bytes *parent)
{
	struct bytes out = { NULL, 0 };
	int rc;

	rc = csn_action_issue(f->ctx, issuer, a,
	    parent != NULL ? parent->p : NULL,
	    parent != NULL ? parent->len : 0, &out.p, &out.len);
	assert_null(out.p);
	return rc;
}

static int
verify(struct fixture *f, const struct bytes *chain, const char *scope)
{
	csn_result_free(f->result);
	f->result = NULL;
	assert_int_equal(csn_result_new(f->ctx, &f->result), 0);
	return csn_action_verify(f->ctx, f->trust, chain->p, chain->len,
	    scope, NULL, NULL, 0, f->result);
}

/* The status of a check of the last verify, or -1 where it is not there. */
static int
status_of(struct fixture *f, const char *name)
{
	const char *n;
	size_t i;
	int status;

	for (i = 0; csn_result_get(f->result, i, &n, &status, NULL) == 0;
	    i++) {
		if (strcmp(n, name) == 0)
			return status;
	}
	return -1;
}

TEST(a_root_credential_lists_its_checks, struct fixture *f)
{
	static const char *const names[] = {
		"chain", "link 1 form", "link 1 issuer", "link 1 signature",
		"link 1 parent", "link 1 scope", "link 1 time",
		"link 1 audience", "link 1 delegation", "link 1 subject",
		"scope", "subject", "audience"
	};
	struct csn_action a = action(f->p[0], "kv:open,kv:seal", 0);
	struct bytes chain = issue(f, f->root, &a, NULL);
	const char *name;
	int status;
	size_t i;

	assert_int_equal(verify(f, &chain, "kv:open"), 0);
	assert_int_equal(csn_result_count(f->result), 13);
	for (i = 0; i < 13; i++) {
		assert_int_equal(csn_result_get(f->result, i, &name, &status,
		    NULL), 0);
		assert_string_equal(name, names[i]);
		assert_int_equal(status, i < 11 ? CSN_CHECK_PASSED :
		    CSN_CHECK_SKIPPED);
	}
	assert_int_equal(verify(f, &chain, "kv:seal"), 0);
	assert_int_equal(verify(f, &chain, "kv:delete"), CSN_E_SCOPE);
	assert_int_equal(verify(f, &chain, "kv:*"), CSN_E_SCOPE);
	assert_int_equal(verify(f, &chain, "*"), CSN_E_SCOPE);
	assert_int_equal(verify(f, &chain, ""), CSN_E_ARG);
	assert_int_equal(verify(f, &chain, "kv:open,kv:seal"), CSN_E_ARG);
	/* The result is not needed. */
	assert_int_equal(csn_action_verify(f->ctx, f->trust, chain.p,
	    chain.len, "kv:open", NULL, NULL, 0, NULL), 0);
	assert_int_equal(csn_action_verify(f->ctx, f->trust, chain.p,
	    chain.len, "x", NULL, NULL, 0, NULL), CSN_E_SCOPE);
	csn_free(chain.p);
}

TEST(a_result_that_held_a_failure_is_judged_anew, struct fixture *f)
{
	struct csn_action a = action(f->p[0], "x", 0);
	struct bytes chain = issue(f, f->root, &a, NULL);

	assert_int_equal(csn_result_add(f->result, "before",
	    CSN_CHECK_FAILED, CSN_E_TAG, NULL), 0);
	assert_int_equal(csn_action_verify(f->ctx, f->trust, chain.p,
	    chain.len, "x", NULL, NULL, 0, f->result), 0);
	assert_int_equal(csn_result_code(f->result), CSN_E_TAG);
	csn_free(chain.p);
}

TEST(eight_links_are_passed_on_and_no_ninth, struct fixture *f)
{
	struct csn_action a;
	struct bytes chain[9];
	const char *scopes[] = {
		"*", "kv:*,audit:read", "kv:*", "kv:t:*", "kv:t:a,kv:t:b",
		"kv:t:a,kv:t:b", "kv:t:a", "kv:t:a"
	};
	size_t i;

	a = action(f->p[0], scopes[0], 7);
	chain[0] = issue(f, f->root, &a, NULL);
	for (i = 1; i < 8; i++) {
		a = action(f->p[i], scopes[i], (uint32_t)(7 - i));
		chain[i] = issue(f, f->p[i - 1], &a, &chain[i - 1]);
		assert_int_equal(verify(f, &chain[i], "kv:t:a"), 0);
		assert_int_equal(csn_result_count(f->result),
		    1 + 9 * (i + 1) + 3);
	}
	assert_int_equal(verify(f, &chain[7], "kv:t:b"), CSN_E_SCOPE);
	assert_int_equal(status_of(f, "link 8 scope"), CSN_CHECK_PASSED);
	assert_int_equal(status_of(f, "scope"), CSN_CHECK_FAILED);
	a = action(f->p[8], "kv:t:a", 0);
	assert_int_equal(refused(f, f->p[7], &a, &chain[7]), CSN_E_SCOPE);
	a.may_delegate = 8;
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_ARG);
	for (i = 0; i < 8; i++)
		csn_free(chain[i].p);
}

TEST(nothing_wider_than_the_parent_is_issued, struct fixture *f)
{
	struct csn_action a = action(f->p[0], "kv:open,seal:*", 1), b;
	struct bytes root, none;

	a.audience = "node-1";
	a.not_before_ms = PEOPLE_START + 60000;
	root = issue(f, f->root, &a, NULL);
	a.may_delegate = 0;
	none = issue(f, f->root, &a, NULL);

	b = action(f->p[1], "kv:open", 0);
	b.audience = "node-1";
	assert_int_equal(refused(f, f->p[0], &b, &none), CSN_E_SCOPE);
	b.may_delegate = 1;
	assert_int_equal(refused(f, f->p[0], &b, &root), CSN_E_SCOPE);
	b.may_delegate = 0;
	b.audience = NULL;
	assert_int_equal(refused(f, f->p[0], &b, &root), CSN_E_SCOPE);
	b.audience = "node-2";
	assert_int_equal(refused(f, f->p[0], &b, &root), CSN_E_SCOPE);
	b.audience = "node-1";
	b.expires_ms += 1000;
	assert_int_equal(refused(f, f->p[0], &b, &root), CSN_E_SCOPE);
	b.expires_ms -= 1000;
	b.not_before_ms = PEOPLE_START + 59000;
	assert_int_equal(refused(f, f->p[0], &b, &root), CSN_E_SCOPE);
	b.not_before_ms = 0;	/* the parent's, which is later than now */
	b.scope = "kv:open,kv:seal";
	assert_int_equal(refused(f, f->p[0], &b, &root), CSN_E_SCOPE);
	b.scope = "seal";
	assert_int_equal(refused(f, f->p[0], &b, &root), CSN_E_SCOPE);
	b.scope = "*";
	assert_int_equal(refused(f, f->p[0], &b, &root), CSN_E_SCOPE);
	b.scope = "seal:x:y,kv:open";
	/* Not by anybody but the one it was given to. */
	assert_int_equal(refused(f, f->p[2], &b, &root), CSN_E_SIGNER);
	assert_int_equal(refused(f, f->root, &b, &root), CSN_E_SIGNER);
	csn_free(none.p);
	none = issue(f, f->p[0], &b, &root);
	people_now += 60000;
	assert_int_equal(verify(f, &none, "seal:x:y"), 0);
	csn_free(none.p);
	csn_free(root.p);
}

TEST(a_credential_has_its_time, struct fixture *f)
{
	struct csn_action a = action(f->p[0], "x", 0);
	struct bytes chain;

	a.not_before_ms = PEOPLE_START + 1500;	/* rounds up */
	a.expires_ms = PEOPLE_START + 9999;	/* rounds down */
	chain = issue(f, f->root, &a, NULL);
	assert_int_equal(verify(f, &chain, "x"), CSN_E_POLICY);
	assert_int_equal(status_of(f, "link 1 time"), CSN_CHECK_FAILED);
	people_now = PEOPLE_START + 1999;
	assert_int_equal(verify(f, &chain, "x"), CSN_E_POLICY);
	people_now = PEOPLE_START + 2000;
	assert_int_equal(verify(f, &chain, "x"), 0);
	people_now = PEOPLE_START + 8999;
	assert_int_equal(verify(f, &chain, "x"), 0);
	people_now = PEOPLE_START + 9000;
	assert_int_equal(verify(f, &chain, "x"), CSN_E_EXPIRED);
	/* At another time than now. */
	assert_int_equal(csn_action_verify(f->ctx, f->trust, chain.p,
	    chain.len, "x", NULL, NULL, PEOPLE_START + 5000, NULL), 0);
	csn_free(chain.p);
	a.not_before_ms = 0;
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_EXPIRED);
	a.expires_ms = 0;
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_EXPIRED);
	a.expires_ms = UINT64_MAX;
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_ARG);
	a.expires_ms = PEOPLE_START + HOUR;
	a.not_before_ms = UINT64_MAX;
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_ARG);
}

TEST(the_roots_trust_is_that_of_the_time_asked_about, struct fixture *f)
{
	struct csn_trust_entry e = {
		.size = sizeof(e), .purposes = CSN_PURPOSE_ACTION,
		.key = csn_identity_sign_key(f->root),
		.expires_ms = PEOPLE_START + 1000,
	};
	struct csn_action a = action(f->p[0], "x", 0);
	struct bytes chain = issue(f, f->root, &a, NULL);

	assert_int_equal(csn_trust_remove(f->ctx, f->trust,
	    csn_identity_did(f->root)), 0);
	assert_int_equal(csn_trust_add(f->ctx, f->trust, &e), 0);
	assert_int_equal(verify(f, &chain, "x"), 0);
	assert_int_equal(csn_action_verify(f->ctx, f->trust, chain.p,
	    chain.len, "x", NULL, NULL, PEOPLE_START + 1000, NULL),
	    CSN_E_SIGNER);
	csn_free(chain.p);
}

TEST(subject_and_audience_are_checked_where_asked, struct fixture *f)
{
	struct csn_action a = action(f->p[0], "x", 0);
	struct bytes open = issue(f, f->root, &a, NULL), bound;
	const struct {
		const struct bytes *chain;
		const char *subject;
		const char *audience;
		int code;
	} cases[] = {
		{ &open, csn_identity_did(f->p[0]), NULL, 0 },
		{ &open, csn_identity_alias(f->p[0]), "any", 0 },
		{ &open, csn_identity_did(f->p[1]), NULL, CSN_E_POLICY },
		{ &open, csn_identity_alias(f->p[1]), NULL, CSN_E_POLICY },
		{ &open, "", NULL, CSN_E_POLICY },
		{ &bound, NULL, "node-1", 0 },
		{ &bound, NULL, "node-2", CSN_E_POLICY },
		{ &bound, NULL, "node-", CSN_E_POLICY },
		{ &bound, NULL, "", CSN_E_POLICY },
		{ &bound, NULL, NULL, 0 },
	};
	size_t i;

	a.audience = "node-1";
	bound = issue(f, f->root, &a, NULL);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(csn_action_verify(f->ctx, f->trust,
		    cases[i].chain->p, cases[i].chain->len, "x",
		    cases[i].subject, cases[i].audience, 0, NULL),
		    cases[i].code);
	csn_free(open.p);
	csn_free(bound.p);
}

TEST(what_makes_no_credential_is_refused, struct fixture *f)
{
	struct csn_action good = action(f->p[0], "x", 0), a;
	uint8_t *out = NULL;
	char big[258];
	size_t len;

	a = good;
	a.subject = csn_identity_alias(f->p[0]);	/* holds no key */
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_ARG);
	a.subject = NULL;
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_ARG);
	a = good;
	a.scope = NULL;
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_ARG);
	a.scope = "";
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_ARG);
	a.scope = "a b";
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_ARG);
	a = good;
	a.audience = "";
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_ARG);
	memset(big, 'a', sizeof(big));
	big[257] = '\0';
	a.audience = big;
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_ARG);
	big[256] = '\0';
	a.size = 3;
	assert_int_equal(refused(f, f->root, &a, NULL), CSN_E_ARG);
	assert_int_equal(csn_action_issue(f->ctx, NULL, &good, NULL, 0, &out,
	    &len), CSN_E_ARG);
	assert_int_equal(csn_action_issue(f->ctx, f->root, &good,
	    (const uint8_t *)"\x80", 1, &out, &len), CSN_E_FORM);
	assert_int_equal(csn_action_issue(f->ctx, f->root, &good,
	    (const uint8_t *)"", 0, &out, &len), CSN_E_FORM);
	assert_null(out);
}

TEST(a_chain_has_a_view_for_people, struct fixture *f)
{
	struct csn_action a = action(f->p[0], "kv:*", 1);
	struct bytes one, two;
	json_t *root, *link;
	char *json;

	a.audience = "node-1";
	one = issue(f, f->root, &a, NULL);
	a = action(f->p[1], "kv:open", 0);
	a.audience = "node-1";
	two = issue(f, f->p[0], &a, &one);
	assert_int_equal(csn_action_json(f->ctx, two.p, two.len, &json), 0);
	assert_non_null(root = json_loads(json, 0, NULL));
	assert_true(json_is_false(json_object_get(root, "verified")));
	assert_int_equal(json_array_size(json_object_get(root, "links")), 2);
	link = json_array_get(json_object_get(root, "links"), 1);
	assert_string_equal(json_string_value(json_object_get(link,
	    "issuer")), csn_identity_alias(f->p[0]));
	assert_string_equal(json_string_value(json_object_get(link,
	    "subject")), csn_identity_did(f->p[1]));
	assert_string_equal(json_string_value(json_object_get(link,
	    "audience")), "node-1");
	assert_string_equal(json_string_value(json_object_get(link,
	    "expires")), "2026-01-01T01:00:00.000Z");
	assert_string_equal(json_string_value(json_array_get(
	    json_object_get(link, "scope"), 0)), "kv:open");
	json_decref(root);
	csn_free(json);
	assert_int_equal(csn_action_json(f->ctx, two.p, two.len - 1, &json),
	    CSN_E_FORM);
	csn_free(one.p);
	csn_free(two.p);
}
