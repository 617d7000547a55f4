/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_nomem.c - each allocation of identities, documents, trust stores and
 * credentials fails once: told, and nothing lost.
 */
#include "identity/people.h"
#include "lib/failmalloc.h"
#include "lib/nomem.h"
#include "lib/test.h"

#define HOUR 3600000ull

static struct csn_ctx *ctx;
static struct csn_identity *root, *agent;
static struct csn_trust *trust;
static char *folder, *home, *store;

static int
make(void)
{
	const struct csn_identity_options o = { .size = sizeof(o),
	    .name = "agent", .capabilities = "attest,kv:seal",
	    .sign = CSN_SIGN_ML_DSA_44, .kem = CSN_KEM_ML_KEM_512 };
	struct csn_identity *id = NULL;
	char *json = NULL;
	int rc;

	if ((rc = csn_identity_new(ctx, &o, &id)) == 0)
		rc = csn_identity_json(ctx, id, &json);
	csn_free(json);
	csn_identity_free(id);
	return rc;
}

static int
document(void)
{
	struct csn_document *d = NULL;
	char *json = NULL;
	const uint8_t *p;
	size_t len;
	int rc;

	p = csn_identity_document(agent, &len);
	if ((rc = csn_document_verify(ctx, p, len, &d)) == 0)
		rc = csn_document_json(ctx, d, &json);
	csn_free(json);
	csn_document_free(d);
	return rc;
}

/* What is on the disk is whole, whatever failed. */
static int
keep(void)
{
	struct csn_identity *id = NULL;
	int rc;

	rc = csn_identity_save(ctx, agent, home, NULL, 0);
	(void)failmalloc_done();
	if (rc != 0)
		assert_int_equal(csn_identity_save(ctx, agent, home, NULL, 0),
		    0);
	assert_int_equal(csn_identity_load(ctx, home, NULL, 0, &id), 0);
	assert_string_equal(csn_identity_did(id), csn_identity_did(agent));
	csn_identity_free(id);
	folder_remove(strdup(home));
	return rc;
}

static int
load(void)
{
	struct csn_identity *id = NULL;
	int rc;

	rc = csn_identity_load(ctx, home, NULL, 0, &id);
	csn_identity_free(id);
	return rc;
}

static int
names(void)
{
	struct csn_sign_key *key = NULL;
	char *pem = NULL, *text = NULL;
	int rc;

	rc = csn_did_to_key(ctx, csn_identity_did(agent), &key);
	if (rc == 0)
		rc = csn_sign_public_pem(ctx, key, &pem);
	csn_sign_free(key);
	key = NULL;
	if (rc == 0)
		rc = csn_sign_from_public_pem(ctx, pem, strlen(pem), &key);
	if (rc == 0)
		rc = csn_purposes_format(ctx, CSN_PURPOSE_ALL, &text);
	csn_sign_free(key);
	csn_free(pem);
	csn_free(text);
	return rc;
}

static int
trusting(void)
{
	struct csn_trust_entry e = { .size = sizeof(e), .label = "an agent",
	    .purposes = CSN_PURPOSE_SEALER };
	const struct csn_trust_entry *found;
	struct csn_trust *t = NULL;
	int rc;

	e.document = csn_identity_document(agent, &e.document_len);
	rc = csn_trust_new(ctx, &t);
	if (rc == 0)
		rc = csn_trust_add(ctx, t, &e);
	if (rc == 0 && (rc = csn_trust_find(ctx, t, csn_identity_did(agent),
	    strlen(csn_identity_did(agent)), CSN_PURPOSE_SEALER,
	    &found)) == 0)
		csn_trust_release(t, found);
	csn_trust_free(t);
	return rc;
}

static int
trust_file(void)
{
	struct csn_trust *t = NULL;
	int rc;

	if ((rc = csn_trust_save(ctx, trust, store)) == 0)
		rc = csn_trust_load(ctx, store, &t);
	if (rc == 0 && csn_trust_count(t) != csn_trust_count(trust))
		rc = CSN_E_ARG;
	csn_trust_free(t);
	return rc;
}

static int
acting(void)
{
	struct csn_action a = { .size = sizeof(a),
	    .subject = csn_identity_did(agent), .scope = "kv:open,kv:seal",
	    .audience = "a server", .expires_ms = people_now + HOUR };
	struct csn_result *r = NULL;
	uint8_t *chain = NULL;
	char *json = NULL;
	size_t len;
	int rc;

	rc = csn_action_issue(ctx, root, &a, NULL, 0, &chain, &len);
	if (rc == 0)
		rc = csn_result_new(ctx, &r);
	if (rc == 0)
		rc = csn_action_verify(ctx, trust, chain, len, "kv:open",
		    csn_identity_did(agent), "a server", 0, r);
	if (rc == 0)
		rc = csn_action_json(ctx, chain, len, &json);
	csn_result_free(r);
	csn_free(chain);
	csn_free(json);
	return rc;
}

TEST(each_allocation_fails_once)
{
	if (!failmalloc_works())
		test_skip("a sanitizer has the allocator here");
	nomem_each("an identity", make, 0);
	nomem_each("its document", document, 0);
	nomem_each("its folder", keep, 0);
	assert_int_equal(csn_identity_save(ctx, agent, home, NULL, 0), 0);
	/* OpenSSL calls a key malformed that it has no memory to read. */
	nomem_each("its folder, read", load, CSN_E_FORM);
	nomem_each("its names", names, CSN_E_FORM);
	nomem_each("a trust store", trusting, 0);
	/* jansson may find an error where it has no memory for a word. */
	nomem_each("its file", trust_file, CSN_E_FORM);
	/* A DID that there is no memory to compare counts as another's. */
	nomem_each("a credential", acting, CSN_E_POLICY);
}

BEFORE_ALL
{
	ctx = people_ctx();
	root = people_make(ctx, 1, CSN_SIGN_ML_DSA_44, CSN_KEM_ML_KEM_512,
	    "root");
	agent = people_quick(ctx, 2, "agent");
	folder = folder_in_memory();
	home = path_in(folder, "agent");
	store = path_in(folder, "trust.json");
	assert_int_equal(csn_trust_new(ctx, &trust), 0);
	people_trust(ctx, trust, root, CSN_PURPOSE_ACTION);
}

AFTER_ALL
{
	csn_trust_free(trust);
	csn_identity_free(agent);
	csn_identity_free(root);
	csn_ctx_free(ctx);
	free(home);
	free(store);
	folder_remove(folder);
}
