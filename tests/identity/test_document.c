/* SPDX-License-Identifier: Apache-2.0 */
/* tests/identity/test_document.c - the signed document, and forged ones. */
#include <jansson.h>

#include "base/cbor.h"
#include "evidence/cose.h"
#include "identity/claims.h"
#include "identity/did.h"
#include "identity/document.h"
#include "identity/people.h"
#include "lib/test.h"

struct fixture {
	struct csn_ctx *ctx;
	struct csn_identity *alice;
	struct csn_identity *mallory;
};

static void
setup(struct fixture *f)
{
	f->ctx = people_ctx();
	f->alice = people_quick(f->ctx, 1, "Alice");
	f->mallory = people_quick(f->ctx, 2, "Mallory");
}

static void
teardown(struct fixture *f)
{
	csn_identity_free(f->alice);
	csn_identity_free(f->mallory);
	csn_ctx_free(f->ctx);
}

SHARED_FIXTURE(struct fixture, setup, teardown);

static int
check(struct fixture *f, const uint8_t *p, size_t len)
{
	struct csn_document *doc;
	int rc;

	if ((rc = csn_document_verify(f->ctx, p, len, &doc)) == 0)
		csn_document_free(doc);
	return rc;
}

TEST(a_document_says_who_it_is_about, struct fixture *f)
{
	struct csn_document *doc;
	const uint8_t *p;
	json_t *root;
	char *json;
	size_t len;

	p = csn_identity_document(f->alice, &len);
	assert_int_equal(csn_document_verify(f->ctx, p, len, &doc), 0);
	assert_string_equal(csn_document_name(doc), "Alice");
	assert_string_equal(csn_document_did(doc),
	    csn_identity_did(f->alice));
	assert_string_equal(csn_document_alias(doc),
	    csn_identity_alias(f->alice));
	assert_string_equal(csn_document_capabilities(doc),
	    "attest,kv:seal");
	assert_int_equal(csn_document_purposes(doc), CSN_PURPOSE_ALL);
	assert_int_equal(csn_document_created_ms(doc), PEOPLE_START);
	assert_int_equal(csn_document_expires_ms(doc), PEOPLE_START +
	    CSN_DOCUMENT_LIFETIME_MS);
	assert_true(csn_sign_same(f->ctx, csn_document_sign_key(doc),
	    csn_identity_sign_key(f->alice)));
	assert_false(csn_sign_is_private(csn_document_sign_key(doc)));
	assert_true(csn_kem_same(f->ctx, csn_document_kem_key(doc),
	    csn_identity_kem_key(f->alice)));

	assert_int_equal(csn_document_json(f->ctx, doc, &json), 0);
	assert_non_null(root = json_loads(json, 0, NULL));
	assert_string_equal(json_string_value(json_object_get(root, "sign")),
	    "ML-DSA-44");
	assert_string_equal(json_string_value(json_object_get(root,
	    "expires")), "2027-02-05T00:00:00.000Z");
	assert_int_equal(json_array_size(json_object_get(root, "purposes")),
	    9);
	assert_int_equal(json_array_size(json_object_get(root,
	    "capabilities")), 2);
	json_decref(root);
	csn_free(json);
	csn_document_free(doc);
	csn_document_free(NULL);
}

TEST(a_document_works_for_each_algorithm, struct fixture *f)
{
	struct csn_identity *id;
	const uint8_t *p;
	size_t len;
	int kem, sign;

	for (kem = CSN_KEM_ML_KEM_512; kem <= CSN_KEM_X_WING; kem++) {
		sign = kem == CSN_KEM_X_WING ? CSN_SIGN_ML_DSA_65 : kem;
		id = people_make(f->ctx, 3, sign, kem, "Each");
		p = csn_identity_document(id, &len);
		assert_true(len < CSN_DOCUMENT_MAX);
		assert_int_equal(check(f, p, len), 0);
		csn_identity_free(id);
	}
}

TEST(a_document_expires, struct fixture *f)
{
	struct csn_identity *old;
	struct csn_ctx *ctx = people_ctx();
	const uint8_t *p;
	size_t len;

	(void)f;
	old = people_quick(ctx, 5, "Old");
	p = csn_identity_document(old, &len);
	people_now = PEOPLE_START + CSN_DOCUMENT_LIFETIME_MS - 1;
	assert_int_equal(csn_ctx_wall_ms(ctx), people_now);
	assert_int_equal(check(&(struct fixture){ .ctx = ctx }, p, len), 0);
	people_now++;
	assert_int_equal(check(&(struct fixture){ .ctx = ctx }, p, len),
	    CSN_E_EXPIRED);
	assert_non_null(strstr(csn_message(), "Old"));
	/* A clock that is set back gives it no second life. */
	people_now = PEOPLE_START;
	assert_int_equal(check(&(struct fixture){ .ctx = ctx }, p, len),
	    CSN_E_EXPIRED);
	csn_identity_free(old);
	csn_ctx_free(ctx);
}

TEST(each_flipped_byte_is_refused, struct fixture *f)
{
	const uint8_t *p;
	uint8_t *copy;
	size_t i, len;

	p = csn_identity_document(f->alice, &len);
	assert_non_null(copy = malloc(len));
	for (i = 0; i < len; i++) {
		memcpy(copy, p, len);
		copy[i] ^= (uint8_t)(0x80 >> i % 8);
		assert_int_not_equal(check(f, copy, len), 0);
	}
	for (i = 0; i < len; i += i < 200 ? 1 : 37) {
		memcpy(copy, p, len);
		assert_int_not_equal(check(f, copy, i), 0);
	}
	free(copy);
}

/* --- documents built claim by claim ------------------------------------- */

struct forge {
	const struct csn_identity *signer;
	const char *kid;
	const char *typ;
	const char *iss;
	const char *sub;
	const struct csn_sign_key *key;		/* in cnf */
	const struct csn_kem_key *kem;
	uint64_t version;
	uint64_t exp;
	int64_t extra;		/* a claim of that number */
	int64_t leave_out;
	uint64_t kty;
	int64_t alg;
	int64_t pub_label;
	size_t cut;		/* bytes off the public key */
	uint64_t kem_id;
	const char *name;
	const char *capabilities;
	uint64_t purposes;
};

static struct forge
honest(const struct csn_identity *id)
{
	return (struct forge){
		.signer = id, .kid = csn_identity_alias(id),
		.typ = CSN_DOCUMENT_TYP, .iss = csn_identity_alias(id),
		.sub = csn_identity_did(id),
		.key = csn_identity_sign_key(id),
		.kem = csn_identity_kem_key(id), .version = 1,
		.exp = PEOPLE_START / 1000 + 86400, .kty = 7, .alg = -48,
		.pub_label = -1, .kem_id = CSN_KEM_ML_KEM_512,
		.name = "Alice", .capabilities = "attest", .purposes = 1,
	};
}

static void
claim_uint(struct csn_cbor_map *m, const struct forge *g, int64_t n,
    uint64_t v)
{
	if (g->leave_out == n)
		return;
	csn_cbor_key_int(m, n);
	csn_cbor_uint(m->w, v);
}

static void
claim_text(struct csn_cbor_map *m, const struct forge *g, int64_t n,
    const char *s)
{
	if (g->leave_out == n || s == NULL)
		return;
	csn_cbor_key_int(m, n);
	csn_cbor_text(m->w, s);
}

static void
claim_keys(struct csn_ctx *ctx, struct csn_cbor_map *m, const struct forge *g)
{
	uint8_t pk[CSN_SIGN_MAX_PUBLIC], ek[CSN_KEM_MAX_PUBLIC];
	struct csn_cbor_map cnf, key;

	assert_int_equal(csn_sign_public(ctx, g->key, pk, sizeof(pk)), 0);
	assert_int_equal(csn_kem_public(ctx, g->kem, ek, sizeof(ek)), 0);
	if (g->leave_out != CSN_CLAIM_CNF) {
		csn_cbor_key_int(m, CSN_CLAIM_CNF);
		csn_cbor_map_begin(m->w, &cnf);
		csn_cbor_key_int(&cnf, 1);
		csn_cbor_map_begin(m->w, &key);
		csn_cbor_key_int(&key, 1);
		csn_cbor_uint(m->w, g->kty);
		csn_cbor_key_int(&key, 3);
		csn_cbor_int(m->w, g->alg);
		csn_cbor_key_int(&key, g->pub_label);
		csn_cbor_bytes(m->w, pk, csn_sign_public_size(
		    csn_sign_of(g->key)) - g->cut);
		csn_cbor_map_end(&key);
		csn_cbor_map_end(&cnf);
	}
	if (g->leave_out != CSN_CLAIM_KEM) {
		csn_cbor_key_int(m, CSN_CLAIM_KEM);
		csn_cbor_array(m->w, 2);
		csn_cbor_uint(m->w, g->kem_id);
		csn_cbor_bytes(m->w, ek, csn_kem_public_size(
		    csn_kem_of(g->kem)));
	}
}

static int
try(struct fixture *f, const struct forge *g)
{
	struct csn_cbor_map m;
	struct csn_out w;
	uint8_t *doc;
	size_t len;
	int rc;

	csn_out_init(&w);
	csn_cbor_map_begin(&w, &m);
	claim_text(&m, g, CSN_CLAIM_ISS, g->iss);
	claim_text(&m, g, CSN_CLAIM_SUB, g->sub);
	claim_uint(&m, g, CSN_CLAIM_EXP, g->exp);
	claim_uint(&m, g, CSN_CLAIM_IAT, PEOPLE_START / 1000);
	claim_uint(&m, g, CSN_CLAIM_VERSION, g->version);
	claim_text(&m, g, CSN_CLAIM_NAME, g->name);
	claim_text(&m, g, CSN_CLAIM_CAPABILITIES, g->capabilities);
	claim_uint(&m, g, CSN_CLAIM_PURPOSES, g->purposes);
	claim_keys(f->ctx, &m, g);
	if (g->extra != 0) {
		csn_cbor_key_int(&m, g->extra);
		csn_cbor_bool(&w, 1);
	}
	csn_cbor_map_end(&m);
	assert_true(csn_out_ok(&w));
	assert_int_equal(csn_cose_sign(f->ctx,
	    csn_identity_sign_key(g->signer), g->kid, g->typ, w.p, w.len,
	    &doc, &len), 0);
	csn_out_wipe(&w);
	rc = check(f, doc, len);
	csn_free(doc);
	return rc;
}

TEST(a_stranger_who_writes_anothers_did_is_refused, struct fixture *f)
{
	struct forge g = honest(f->alice);

	assert_int_equal(try(f, &g), 0);

	/* Alice's document, signed by Mallory. */
	g.signer = f->mallory;
	assert_int_equal(try(f, &g), CSN_E_SIGNATURE);
	/* With Mallory's key in it as well: the DID is not that key's. */
	g.key = csn_identity_sign_key(f->mallory);
	assert_int_equal(try(f, &g), CSN_E_SIGNER);
	/* Mallory's own DID, with one of Alice's names left in. */
	g = honest(f->mallory);
	assert_int_equal(try(f, &g), 0);
	g.sub = csn_identity_did(f->alice);
	assert_int_equal(try(f, &g), CSN_E_SIGNER);
	g = honest(f->mallory);
	g.iss = csn_identity_alias(f->alice);
	assert_int_equal(try(f, &g), CSN_E_SIGNER);
	g.kid = csn_identity_alias(f->alice);
	assert_int_equal(try(f, &g), CSN_E_SIGNER);
	g = honest(f->mallory);
	g.kid = csn_identity_alias(f->alice);
	assert_int_equal(try(f, &g), CSN_E_SIGNER);
}

TEST(the_two_forms_of_a_did_are_not_mixed_up, struct fixture *f)
{
	struct forge g = honest(f->alice);

	g.sub = csn_identity_alias(f->alice);
	assert_int_equal(try(f, &g), CSN_E_SIGNER);
	g = honest(f->alice);
	g.iss = csn_identity_did(f->alice);
	g.kid = csn_identity_did(f->alice);
	assert_int_equal(try(f, &g), CSN_E_SIGNER);
}

TEST(a_swapped_kem_key_is_refused, struct fixture *f)
{
	uint8_t ours[CSN_KEM_MAX_PUBLIC], theirs[CSN_KEM_MAX_PUBLIC], *copy;
	const uint8_t *p;
	size_t len, n;
	uint8_t *at;

	n = csn_kem_public_size(CSN_KEM_ML_KEM_512);
	assert_int_equal(csn_kem_public(f->ctx,
	    csn_identity_kem_key(f->alice), ours, sizeof(ours)), 0);
	assert_int_equal(csn_kem_public(f->ctx,
	    csn_identity_kem_key(f->mallory), theirs, sizeof(theirs)), 0);
	p = csn_identity_document(f->alice, &len);
	assert_non_null(copy = malloc(len));
	memcpy(copy, p, len);
	assert_non_null(at = memmem(copy, len, ours, n));
	memcpy(at, theirs, n);
	assert_int_equal(check(f, copy, len), CSN_E_SIGNATURE);
	free(copy);
}

TEST(another_purpose_or_shape_is_refused, struct fixture *f)
{
	static const int64_t needed[] = {
		CSN_CLAIM_ISS, CSN_CLAIM_SUB, CSN_CLAIM_EXP, CSN_CLAIM_CNF,
		CSN_CLAIM_NAME, CSN_CLAIM_PURPOSES, CSN_CLAIM_KEM
	};
	struct forge g;
	char big[300];
	size_t i;

	g = honest(f->alice);
	g.typ = "application/caisson-action+cwt";
	assert_int_equal(try(f, &g), CSN_E_POLICY);
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		g = honest(f->alice);
		g.leave_out = needed[i];
		assert_int_equal(try(f, &g), CSN_E_FORM);
	}
	g = honest(f->alice);
	g.leave_out = CSN_CLAIM_VERSION;
	assert_int_equal(try(f, &g), CSN_E_VERSION);
	g = honest(f->alice);
	g.version = 2;
	assert_int_equal(try(f, &g), CSN_E_VERSION);
	g = honest(f->alice);
	g.extra = 38;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g = honest(f->alice);
	g.capabilities = NULL;
	assert_int_equal(try(f, &g), 0);
	g.capabilities = "a  b";
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g.capabilities = "a,b";
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g = honest(f->alice);
	memset(big, 'n', sizeof(big));
	big[129] = '\0';
	g.name = big;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g.name = "a\x1b[2J";
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g = honest(f->alice);
	g.purposes = 0;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	/* One that only a later library knows grants nothing here. */
	g.purposes = 1u << 20;
	assert_int_equal(try(f, &g), 0);
	g.purposes = UINT64_MAX;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g = honest(f->alice);
	g.exp = PEOPLE_START / 1000;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g.exp = UINT64_MAX;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g.exp = CSN_CLAIM_LAST_TIME;
	assert_int_equal(try(f, &g), 0);
}

TEST(a_key_of_another_kind_is_refused, struct fixture *f)
{
	struct forge g = honest(f->alice);

	g.kty = 2;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g = honest(f->alice);
	g.alg = -49;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g.alg = -7;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g = honest(f->alice);
	g.pub_label = -2;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g = honest(f->alice);
	g.cut = 1;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g = honest(f->alice);
	g.kem_id = 0;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g.kem_id = CSN_KEM_ML_KEM_768;
	assert_int_equal(try(f, &g), CSN_E_FORM);
	g.kem_id = (uint64_t)1 << 32 | CSN_KEM_ML_KEM_512;
	assert_int_equal(try(f, &g), CSN_E_FORM);
}
