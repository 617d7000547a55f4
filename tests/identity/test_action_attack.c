/* SPDX-License-Identifier: Apache-2.0 */
/* tests/identity/test_action_attack.c - chains that somebody tampered with. */
#include "base/cbor.h"
#include "identity/action.h"
#include "identity/people.h"
#include "lib/test.h"

#define HOUR 3600000ull

struct fixture {
	struct csn_ctx *ctx;
	struct csn_trust *trust;
	struct csn_identity *root;
	struct csn_identity *alice;
	struct csn_identity *bob;
	struct csn_identity *mallory;
	struct csn_result *result;
	uint8_t *good;		/* root to alice to bob, for kv:open */
	size_t len;
	uint8_t *first;		/* root to alice, for kv:* */
	size_t first_len;
};

/* A link written claim by claim; a member left 0 or NULL is left out. */
struct claims {
	const struct csn_identity *signer;
	const char *kid;
	const char *iss;
	const char *sub;
	const char *aud;
	const char *scope;
	const char *typ;
	uint64_t exp;
	uint64_t nbf;
	uint64_t iat;
	uint64_t version;
	uint64_t may_delegate;
	const uint8_t *parent;
	size_t id_len;
	int64_t extra;
};

static struct claims
honest(const struct csn_identity *signer, const struct csn_identity *subject)
{
	return (struct claims){
		.signer = signer, .kid = csn_identity_alias(signer),
		.iss = csn_identity_alias(signer),
		.sub = csn_identity_did(subject), .scope = "kv:open",
		.typ = CSN_ACTION_TYP, .exp = PEOPLE_START / 1000 + 60,
		.nbf = PEOPLE_START / 1000, .iat = PEOPLE_START / 1000,
		.version = 1, .id_len = 16,
	};
}

static void
number(struct csn_cbor_map *m, int64_t claim, uint64_t v)
{
	if (v == 0)
		return;
	csn_cbor_key_int(m, claim);
	csn_cbor_uint(m->w, v);
}

static void
text(struct csn_cbor_map *m, int64_t claim, const char *s)
{
	if (s == NULL)
		return;
	csn_cbor_key_int(m, claim);
	csn_cbor_text(m->w, s);
}

/* The link, appended to chain (NULL: alone in a chain of its own). */
static void
forge(struct fixture *f, const struct claims *c, const uint8_t *chain,
    size_t chain_len, uint8_t **out, size_t *out_len)
{
	static const uint8_t id[16] = { 7 };
	struct csn_cbor_map m;
	struct csn_out w;
	uint8_t *msg;
	size_t len;

	csn_out_init(&w);
	csn_cbor_map_begin(&w, &m);
	text(&m, CSN_CLAIM_ISS, c->iss);
	text(&m, CSN_CLAIM_SUB, c->sub);
	text(&m, CSN_CLAIM_AUD, c->aud);
	number(&m, CSN_CLAIM_EXP, c->exp);
	number(&m, CSN_CLAIM_NBF, c->nbf);
	number(&m, CSN_CLAIM_IAT, c->iat);
	if (c->id_len != 0) {
		csn_cbor_key_int(&m, CSN_CLAIM_CTI);
		csn_cbor_bytes(&w, id, c->id_len);
	}
	text(&m, CSN_CLAIM_SCOPE, c->scope);
	number(&m, CSN_CLAIM_VERSION, c->version);
	number(&m, CSN_CLAIM_MAY_DELEGATE, c->may_delegate);
	if (c->parent != NULL) {
		csn_cbor_key_int(&m, CSN_CLAIM_PARENT);
		csn_cbor_bytes(&w, c->parent, CSN_HASH_SIZE);
	}
	number(&m, c->extra, c->extra != 0);
	csn_cbor_map_end(&m);
	assert_true(csn_out_ok(&w));
	assert_int_equal(csn_cose_sign(f->ctx,
	    csn_identity_sign_key(c->signer), c->kid, c->typ, w.p, w.len,
	    &msg, &len), 0);
	csn_out_wipe(&w);
	*out_len = (chain != NULL ? chain_len : 1) + len;
	assert_non_null(*out = malloc(*out_len));
	if (chain != NULL)
		memcpy(*out, chain, chain_len);
	(*out)[0] = chain != NULL ? (uint8_t)(chain[0] + 1) : 0x81;
	memcpy(*out + *out_len - len, msg, len);
	csn_free(msg);
}

static int
verify(struct fixture *f, const uint8_t *p, size_t len)
{
	csn_result_free(f->result);
	f->result = NULL;
	assert_int_equal(csn_result_new(f->ctx, &f->result), 0);
	return csn_action_verify(f->ctx, f->trust, p, len, "kv:open", NULL,
	    NULL, 0, f->result);
}

static int
try(struct fixture *f, const struct claims *c, const uint8_t *chain,
    size_t chain_len)
{
	uint8_t *out;
	size_t len;
	int rc;

	forge(f, c, chain, chain_len, &out, &len);
	rc = verify(f, out, len);
	free(out);
	return rc;
}

/* The first check that failed, or "". */
static const char *
failed(struct fixture *f)
{
	const char *name;
	size_t i;
	int status;

	for (i = 0; csn_result_get(f->result, i, &name, &status, NULL) == 0;
	    i++) {
		if (status == CSN_CHECK_FAILED)
			return name;
	}
	return "";
}

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

static void
setup(struct fixture *f)
{
	struct csn_action a = {
		.size = sizeof(a), .scope = "kv:*", .may_delegate = 2,
		.expires_ms = PEOPLE_START + HOUR,
	};

	f->ctx = people_ctx();
	assert_int_equal(csn_trust_new(f->ctx, &f->trust), 0);
	f->root = people_quick(f->ctx, 1, "root");
	f->alice = people_quick(f->ctx, 2, "alice");
	f->bob = people_quick(f->ctx, 3, "bob");
	f->mallory = people_quick(f->ctx, 4, "mallory");
	people_trust(f->ctx, f->trust, f->root, CSN_PURPOSE_ACTION);
	a.subject = csn_identity_did(f->alice);
	assert_int_equal(csn_action_issue(f->ctx, f->root, &a, NULL, 0,
	    &f->first, &f->first_len), 0);
	a.subject = csn_identity_did(f->bob);
	a.scope = "kv:open";
	a.may_delegate = 1;
	assert_int_equal(csn_action_issue(f->ctx, f->alice, &a, f->first,
	    f->first_len, &f->good, &f->len), 0);
}

static void
teardown(struct fixture *f)
{
	csn_free(f->good);
	csn_free(f->first);
	csn_result_free(f->result);
	csn_identity_free(f->root);
	csn_identity_free(f->alice);
	csn_identity_free(f->bob);
	csn_identity_free(f->mallory);
	csn_trust_free(f->trust);
	csn_ctx_free(f->ctx);
}

SHARED_FIXTURE(struct fixture, setup, teardown);

TEST(each_flipped_byte_is_refused, struct fixture *f)
{
	uint8_t *copy;
	size_t i;

	assert_int_equal(verify(f, f->good, f->len), 0);
	assert_non_null(copy = malloc(f->len));
	for (i = 0; i < f->len; i++) {
		memcpy(copy, f->good, f->len);
		copy[i] ^= (uint8_t)(1 << (i * 5) % 8);
		assert_int_not_equal(verify(f, copy, f->len), 0);
	}
	free(copy);
}

TEST(each_truncation_is_refused, struct fixture *f)
{
	uint8_t *copy;
	size_t i;

	for (i = 0; i < f->len; i += i < 64 ? 1 : 61) {
		assert_non_null(copy = malloc(i > 0 ? i : 1));
		memcpy(copy, f->good, i);
		assert_int_equal(verify(f, copy, i), CSN_E_FORM);
		free(copy);
	}
	assert_non_null(copy = calloc(f->len + 1, 1));
	memcpy(copy, f->good, f->len);
	assert_int_equal(verify(f, copy, f->len + 1), CSN_E_FORM);
	free(copy);
	assert_int_equal(verify(f, NULL, 0), CSN_E_FORM);
	assert_int_equal(status_of(f, "chain"), CSN_CHECK_FAILED);
	assert_int_equal(status_of(f, "scope"), CSN_CHECK_SKIPPED);
}

TEST(a_stranger_who_names_the_root_is_refused, struct fixture *f)
{
	struct claims c = honest(f->root, f->bob);

	assert_int_equal(try(f, &c, NULL, 0), 0);
	/* The root's names, Mallory's signature. */
	c.signer = f->mallory;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_SIGNATURE);
	assert_string_equal(failed(f), "link 1 signature");
	/* Mallory under her own name is not trusted. */
	c = honest(f->mallory, f->bob);
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_SIGNER);
	assert_string_equal(failed(f), "link 1 issuer");
	/* What depends on a known issuer is said not to have been checked. */
	assert_int_equal(status_of(f, "link 1 signature"),
	    CSN_CHECK_SKIPPED);
	/* Her key id with the root's name in the claims, and the reverse. */
	c.iss = csn_identity_alias(f->root);
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_SIGNER);
	c = honest(f->root, f->bob);
	c.iss = csn_identity_alias(f->mallory);
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_SIGNER);
	/* The long form of the right DID is not what the format says. */
	c = honest(f->root, f->bob);
	c.kid = csn_identity_did(f->root);
	c.iss = csn_identity_did(f->root);
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_SIGNER);
}

TEST(a_signer_trusted_for_something_else_is_refused, struct fixture *f)
{
	struct claims c = honest(f->mallory, f->bob);

	people_trust(f->ctx, f->trust, f->mallory, CSN_PURPOSE_ALL &
	    ~CSN_PURPOSE_ACTION);
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_SIGNER);
	assert_int_equal(csn_trust_remove(f->ctx, f->trust,
	    csn_identity_did(f->mallory)), 0);
}

TEST(another_kind_of_message_is_no_credential, struct fixture *f)
{
	struct claims c = honest(f->root, f->bob);
	const uint8_t *doc;
	uint8_t *chain;
	size_t len;

	c.typ = "application/caisson-identity+cbor";
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_POLICY);
	doc = csn_identity_document(f->root, &len);
	assert_non_null(chain = malloc(len + 1));
	chain[0] = 0x81;
	memcpy(chain + 1, doc, len);
	assert_int_equal(verify(f, chain, len + 1), CSN_E_FORM);
	free(chain);
}

TEST(only_the_former_subject_passes_on, struct fixture *f)
{
	struct csn_chain chain;
	uint8_t hash[CSN_HASH_SIZE];
	struct claims c;

	assert_int_equal(csn_chain_split(f->ctx, f->first, f->first_len,
	    &chain), 0);
	assert_int_equal(csn_chain_hash(f->ctx, &chain, 1, hash), 0);
	c = honest(f->alice, f->bob);
	c.parent = hash;
	assert_int_equal(try(f, &c, f->first, f->first_len), 0);
	/* Mallory continues a chain she saw. */
	c = honest(f->mallory, f->mallory);
	c.parent = hash;
	assert_int_equal(try(f, &c, f->first, f->first_len), CSN_E_SIGNER);
	assert_string_equal(failed(f), "link 2 issuer");
	assert_int_equal(status_of(f, "link 2 signature"),
	    CSN_CHECK_FAILED);
	/* Under Alice's name. */
	c.kid = c.iss = csn_identity_alias(f->alice);
	assert_int_equal(try(f, &c, f->first, f->first_len),
	    CSN_E_SIGNATURE);
	assert_string_equal(failed(f), "link 2 signature");
	/* Not even the root may, once it has given it away. */
	c = honest(f->root, f->mallory);
	c.parent = hash;
	assert_int_equal(try(f, &c, f->first, f->first_len), CSN_E_SIGNER);
}

TEST(a_wider_link_is_refused_in_each_way, struct fixture *f)
{
	struct csn_chain chain;
	uint8_t hash[CSN_HASH_SIZE];
	struct claims good, c;

	assert_int_equal(csn_chain_split(f->ctx, f->first, f->first_len,
	    &chain), 0);
	assert_int_equal(csn_chain_hash(f->ctx, &chain, 1, hash), 0);
	good = honest(f->alice, f->bob);
	good.parent = hash;
	good.may_delegate = 1;
	assert_int_equal(try(f, &good, f->first, f->first_len), 0);
	c = good;
	c.scope = "kv:open session:open";
	assert_int_equal(try(f, &c, f->first, f->first_len), CSN_E_SCOPE);
	assert_string_equal(failed(f), "link 2 scope");
	c.scope = "*";
	assert_int_equal(try(f, &c, f->first, f->first_len), CSN_E_SCOPE);
	c = good;
	c.exp = (PEOPLE_START + HOUR) / 1000 + 1;
	assert_int_equal(try(f, &c, f->first, f->first_len), CSN_E_SCOPE);
	assert_string_equal(failed(f), "link 2 time");
	c = good;
	c.nbf = PEOPLE_START / 1000 - 1;
	assert_int_equal(try(f, &c, f->first, f->first_len), CSN_E_SCOPE);
	c = good;
	c.may_delegate = 2;
	assert_int_equal(try(f, &c, f->first, f->first_len), CSN_E_SCOPE);
	assert_string_equal(failed(f), "link 2 delegation");
}

TEST(an_audience_is_not_shaken_off, struct fixture *f)
{
	struct csn_action a = {
		.size = sizeof(a), .scope = "kv:*", .may_delegate = 1,
		.expires_ms = PEOPLE_START + HOUR, .audience = "node-1",
		.subject = csn_identity_did(f->alice),
	};
	struct csn_chain chain;
	uint8_t hash[CSN_HASH_SIZE], *first;
	struct claims c;
	size_t len;

	assert_int_equal(csn_action_issue(f->ctx, f->root, &a, NULL, 0,
	    &first, &len), 0);
	assert_int_equal(csn_chain_split(f->ctx, first, len, &chain), 0);
	assert_int_equal(csn_chain_hash(f->ctx, &chain, 1, hash), 0);
	c = honest(f->alice, f->bob);
	c.parent = hash;
	assert_int_equal(try(f, &c, first, len), CSN_E_SCOPE);
	assert_string_equal(failed(f), "link 2 audience");
	c.aud = "node-2";
	assert_int_equal(try(f, &c, first, len), CSN_E_SCOPE);
	c.aud = "node-1";
	assert_int_equal(try(f, &c, first, len), 0);
	csn_free(first);
}

/* Two links as a chain, the first from a and the second from b. */
static int
combine(struct fixture *f, const uint8_t *a, size_t a_len, size_t a_i,
    const uint8_t *b, size_t b_len, size_t b_i)
{
	struct csn_chain ca, cb;
	uint8_t *p;
	size_t len;
	int rc;

	assert_int_equal(csn_chain_split(f->ctx, a, a_len, &ca), 0);
	assert_int_equal(csn_chain_split(f->ctx, b, b_len, &cb), 0);
	len = 1 + ca.link[a_i].len + cb.link[b_i].len;
	assert_non_null(p = malloc(len));
	p[0] = 0x82;
	memcpy(p + 1, ca.link[a_i].p, ca.link[a_i].len);
	memcpy(p + 1 + ca.link[a_i].len, cb.link[b_i].p, cb.link[b_i].len);
	rc = verify(f, p, len);
	free(p);
	return rc;
}

TEST(links_of_two_chains_do_not_recombine, struct fixture *f)
{
	struct csn_action a = {
		.size = sizeof(a), .scope = "*", .may_delegate = 2,
		.expires_ms = PEOPLE_START + HOUR,
		.subject = csn_identity_did(f->alice),
	};
	uint8_t *wider;
	size_t len;

	/* Alice has a wider one too; Bob wants his link under that. */
	assert_int_equal(csn_action_issue(f->ctx, f->root, &a, NULL, 0,
	    &wider, &len), 0);
	assert_int_equal(combine(f, wider, len, 0, f->good, f->len, 1),
	    CSN_E_SIGNATURE);
	assert_string_equal(failed(f), "link 2 parent");
	/* Everything else about it would have been in order. */
	assert_int_equal(status_of(f, "link 2 signature"),
	    CSN_CHECK_PASSED);
	assert_int_equal(combine(f, f->good, f->len, 0, f->good, f->len, 1),
	    0);
	csn_free(wider);
}

TEST(links_do_not_change_places, struct fixture *f)
{
	struct csn_chain chain;
	uint8_t *p;

	assert_int_equal(combine(f, f->good, f->len, 1, f->good, f->len, 0),
	    CSN_E_SIGNER);
	assert_int_equal(combine(f, f->good, f->len, 0, f->good, f->len, 0),
	    CSN_E_SIGNER);
	/* The second link alone, as if Alice were a root. */
	assert_int_equal(csn_chain_split(f->ctx, f->good, f->len, &chain), 0);
	assert_non_null(p = malloc(1 + chain.link[1].len));
	p[0] = 0x81;
	memcpy(p + 1, chain.link[1].p, chain.link[1].len);
	assert_int_equal(verify(f, p, 1 + chain.link[1].len), CSN_E_SIGNER);
	/* Even where Alice is trusted, a link that has a parent needs it. */
	people_trust(f->ctx, f->trust, f->alice, CSN_PURPOSE_ACTION);
	assert_int_equal(verify(f, p, 1 + chain.link[1].len),
	    CSN_E_SIGNATURE);
	assert_string_equal(failed(f), "link 1 parent");
	assert_int_equal(csn_trust_remove(f->ctx, f->trust,
	    csn_identity_did(f->alice)), 0);
	free(p);
	/* The last link cut off is Alice's own credential, and only that. */
	assert_int_equal(csn_action_verify(f->ctx, f->trust, f->first,
	    f->first_len, "kv:open", csn_identity_did(f->bob), NULL, 0,
	    NULL), CSN_E_POLICY);
}

TEST(a_chain_has_one_to_eight_links, struct fixture *f)
{
	struct csn_chain chain;
	uint8_t *p;
	size_t i, n;

	assert_int_equal(verify(f, (const uint8_t *)"\x80", 1), CSN_E_FORM);
	assert_int_equal(csn_chain_split(f->ctx, f->first, f->first_len,
	    &chain), 0);
	n = chain.link[0].len;
	assert_non_null(p = malloc(1 + 9 * n));
	p[0] = 0x89;
	for (i = 0; i < 9; i++)
		memcpy(p + 1 + i * n, chain.link[0].p, n);
	assert_int_equal(verify(f, p, 1 + 9 * n), CSN_E_FORM);
	free(p);
	/* A bare credential is no chain. */
	assert_int_equal(verify(f, chain.link[0].p, n), CSN_E_FORM);
	assert_non_null(p = calloc(CSN_ACTION_MAX + 1, 1));
	assert_int_equal(verify(f, p, CSN_ACTION_MAX + 1), CSN_E_LIMIT);
	free(p);
}

TEST(a_credential_of_another_shape_is_refused, struct fixture *f)
{
	struct claims good = honest(f->root, f->bob), c;
	static const uint8_t parent[CSN_HASH_SIZE] = { 1 };
	char big[300];

	c = good;
	c.iss = NULL;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c = good;
	c.sub = NULL;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c = good;
	c.scope = NULL;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c.scope = "kv:open,kv:seal";	/* commas are the interface's */
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c.scope = "kv:open  kv:seal";
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c.scope = "kv:open kv:open";
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c.scope = "kv*";
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c = good;
	c.exp = 0;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c.exp = c.nbf;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c.exp = UINT64_MAX / 1000 + 2;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c = good;
	c.iat = 0;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c = good;
	c.version = 0;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_VERSION);
	c.version = 2;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_VERSION);
	c = good;
	c.id_len = 15;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c = good;
	c.may_delegate = 8;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c = good;
	c.extra = 38;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c = good;
	c.parent = parent;	/* a root has none */
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_SIGNATURE);
	c = good;
	memset(big, 'a', sizeof(big));
	big[257] = '\0';
	c.aud = big;
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	c = good;
	c.sub = csn_identity_alias(f->bob);	/* holds no key */
	assert_int_equal(try(f, &c, NULL, 0), CSN_E_FORM);
	assert_string_equal(failed(f), "link 1 subject");
}

TEST(a_link_without_form_leaves_the_rest_unchecked, struct fixture *f)
{
	struct csn_chain chain;
	uint8_t *p;
	size_t n;

	/* The first link's alg, changed to one that is not known. */
	assert_non_null(p = malloc(f->len));
	memcpy(p, f->good, f->len);
	assert_int_equal(csn_chain_split(f->ctx, p, f->len, &chain), 0);
	n = (size_t)(chain.link[0].p - p);
	assert_int_equal(p[n + 7], 0x2f);
	p[n + 7] = 0x40;
	assert_int_equal(verify(f, p, f->len), CSN_E_ALGORITHM);
	assert_string_equal(failed(f), "link 1 form");
	assert_int_equal(status_of(f, "link 1 issuer"), CSN_CHECK_SKIPPED);
	assert_int_equal(status_of(f, "link 2 form"), CSN_CHECK_PASSED);
	assert_int_equal(status_of(f, "link 2 issuer"), CSN_CHECK_SKIPPED);
	assert_int_equal(status_of(f, "link 2 signature"),
	    CSN_CHECK_SKIPPED);
	assert_int_equal(status_of(f, "link 2 scope"), CSN_CHECK_SKIPPED);
	assert_int_equal(status_of(f, "link 2 parent"), CSN_CHECK_FAILED);
	free(p);
}
