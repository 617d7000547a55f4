/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/identity/test_vectors.c - what another program wrote from
 * docs/wire/identity.md is read here, and what we write has its bytes.
 */
#include <jansson.h>

#include "base/text.h"
#include "evidence/cose.h"
#include "identity/did.h"
#include "identity/document.h"
#include "identity/people.h"
#include "lib/test.h"

static json_t *
load(const char *name)
{
	json_error_t error;
	json_t *root;
	char *path;

	assert_non_null(path = test_source_path(name));
	root = json_load_file(path, 0, &error);
	if (root == NULL)
		fail_msg("%s: %s", path, error.text);
	free(path);
	return root;
}

static const char *
text(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	assert_non_null(s);
	return s;
}

static uint8_t *
bytes(const json_t *v, const char *key, size_t *len)
{
	const char *hex = text(v, key);
	uint8_t *p;

	*len = strlen(hex) / 2;
	assert_non_null(p = malloc(*len + 1));
	assert_int_equal(csn_hex_decode(hex, strlen(hex), p, *len), 0);
	return p;
}

static void
same_bytes(const json_t *v, const char *key, const uint8_t *p, size_t len)
{
	uint8_t *want;
	size_t n;

	want = bytes(v, key, &n);
	assert_int_equal(len, n);
	assert_memory_equal(p, want, n);
	free(want);
}

static struct csn_sign_key *
key_of(struct csn_ctx *ctx, const json_t *v)
{
	struct csn_sign_key *key;
	uint8_t *seed;
	size_t len;
	int alg;

	for (alg = 1; strcmp(csn_sign_name(alg), text(v, "alg")) != 0;)
		alg++;
	seed = bytes(v, "seed", &len);
	assert_int_equal(csn_sign_from_seed(ctx, alg, seed, len, &key), 0);
	free(seed);
	return key;
}

TEST(cose_messages_of_another_program_verify)
{
	json_t *root = load("tests/vectors/cose.json"), *v;
	struct csn_ctx *ctx = people_ctx();
	const uint8_t *payload;
	struct csn_sign_key *key;
	struct csn_cose ours, theirs;
	uint8_t *msg, *mine;
	size_t i, len, n, mine_len;
	int rc;

	assert_int_equal(json_array_size(json_object_get(root, "good")), 3);
	json_array_foreach(json_object_get(root, "good"), i, v) {
		key = key_of(ctx, v);
		msg = bytes(v, "message", &len);
		assert_int_equal(csn_cose_verify(ctx, key, text(v, "typ"),
		    msg, len, &payload, &n), 0);
		same_bytes(v, "payload", payload, n);
		/* Ours has the same bytes up to the signature. */
		assert_int_equal(csn_cose_sign(ctx, key, text(v, "kid"),
		    text(v, "typ"), payload, n, &mine, &mine_len), 0);
		assert_int_equal(mine_len, len);
		assert_int_equal(csn_cose_parse(ctx, msg, len, &theirs), 0);
		assert_int_equal(csn_cose_parse(ctx, mine, mine_len, &ours),
		    0);
		same_bytes(v, "protected", ours.header, ours.header_len);
		assert_memory_equal(mine, msg, len - ours.sig_len);
		csn_free(mine);
		free(msg);
		csn_sign_free(key);
	}
	json_array_foreach(json_object_get(root, "refused"), i, v) {
		key = key_of(ctx, v);
		msg = bytes(v, "message", &len);
		rc = csn_cose_verify(ctx, key, text(v, "typ"), msg, len,
		    &payload, &n);
		if (strcmp(csn_error_name(rc), text(v, "error")) != 0)
			fail_msg("%s: %s", text(v, "what"),
			    csn_error_name(rc));
		free(msg);
		csn_sign_free(key);
	}
	json_decref(root);
	csn_ctx_free(ctx);
}

/* The document that we make of the same facts has the same payload. */
static void
same_payload(struct csn_ctx *ctx, const json_t *v,
    const struct csn_sign_key *key, const uint8_t *doc, size_t len)
{
	struct csn_document_facts facts = {
		.name = text(v, "name"),
		.capabilities = text(v, "capabilities"),
	};
	struct csn_cose ours, theirs;
	struct csn_kem_key *kem;
	uint8_t *seed, *mine;
	size_t n, mine_len;
	int alg;

	facts.purposes = (uint32_t)json_integer_value(json_object_get(v,
	    "purposes"));
	facts.created_ms = (uint64_t)json_integer_value(json_object_get(v,
	    "created")) * 1000;
	facts.expires_ms = (uint64_t)json_integer_value(json_object_get(v,
	    "expires")) * 1000;
	for (alg = 1; strcmp(csn_kem_name(alg), text(v, "kem")) != 0;)
		alg++;
	seed = bytes(v, "kem_seed", &n);
	assert_int_equal(csn_kem_from_seed(ctx, alg, seed, n, &kem), 0);
	free(seed);
	assert_int_equal(csn_document_make(ctx, key, kem, &facts, &mine,
	    &mine_len), 0);
	assert_int_equal(csn_cose_parse(ctx, mine, mine_len, &ours), 0);
	assert_int_equal(csn_cose_parse(ctx, doc, len, &theirs), 0);
	assert_int_equal(ours.payload_len, theirs.payload_len);
	assert_memory_equal(ours.payload, theirs.payload, ours.payload_len);
	csn_kem_free(kem);
	csn_free(mine);
}

TEST(documents_of_another_program_verify)
{
	json_t *root = load("tests/vectors/identity.json"), *v;
	struct csn_ctx *ctx = people_ctx();
	struct csn_document *doc;
	char did[CSN_DID_SIZE];
	struct csn_sign_key *key;
	uint8_t *p;
	size_t i, len;
	int rc;

	assert_int_equal(json_array_size(json_object_get(root, "good")), 3);
	json_array_foreach(json_object_get(root, "good"), i, v) {
		key = key_of(ctx, v);
		assert_int_equal(csn_did_key(ctx, key, did, sizeof(did)), 0);
		assert_string_equal(did, text(v, "did"));
		assert_int_equal(csn_did_alias(ctx, key, did, sizeof(did)),
		    0);
		assert_string_equal(did, text(v, "alias"));
		p = bytes(v, "document", &len);
		assert_int_equal(csn_document_verify(ctx, p, len, &doc), 0);
		assert_string_equal(csn_document_did(doc), text(v, "did"));
		assert_string_equal(csn_document_name(doc), text(v, "name"));
		assert_string_equal(csn_document_capabilities(doc),
		    text(v, "capabilities"));
		same_payload(ctx, v, key, p, len);
		csn_document_free(doc);
		free(p);
		csn_sign_free(key);
	}
	json_array_foreach(json_object_get(root, "refused"), i, v) {
		p = bytes(v, "document", &len);
		rc = csn_document_verify(ctx, p, len, &doc);
		if (strcmp(csn_error_name(rc), text(v, "error")) != 0)
			fail_msg("%s: %s", text(v, "what"),
			    csn_error_name(rc));
		free(p);
	}
	json_decref(root);
	csn_ctx_free(ctx);
}

/* The case's links one behind the other, as a chain. */
static uint8_t *
chain_of(struct csn_ctx *ctx, const json_t *links, const json_t *v,
    size_t *len)
{
	const json_t *names = json_object_get(v, "links"), *name;
	uint8_t *chain, *link, hash[CSN_HASH_SIZE];
	size_t i, n;

	assert_non_null(chain = malloc(1));
	chain[0] = (uint8_t)(0x80 | json_array_size(names));
	*len = 1;
	json_array_foreach(names, i, name) {
		link = bytes(links, json_string_value(name), &n);
		assert_non_null(chain = realloc(chain, *len + n));
		memcpy(chain + *len, link, n);
		*len += n;
		free(link);
	}
	assert_int_equal(csn_sha3_256(ctx, chain, *len, hash), 0);
	same_bytes(v, "chain_sha3", hash, sizeof(hash));
	return chain;
}

TEST(chains_of_another_program_verify)
{
	json_t *root = load("tests/vectors/action.json"), *v;
	struct csn_ctx *ctx = people_ctx();
	struct csn_trust_entry e = {
		.size = sizeof(e), .purposes = CSN_PURPOSE_ACTION,
		.did = text(root, "trusted"),
	};
	struct csn_trust *trust;
	uint8_t *chain;
	size_t i, len, passed = 0;
	uint64_t at;
	int rc;

	assert_int_equal(csn_trust_new(ctx, &trust), 0);
	assert_int_equal(csn_trust_add(ctx, trust, &e), 0);
	json_array_foreach(json_object_get(root, "cases"), i, v) {
		chain = chain_of(ctx, json_object_get(root, "links"), v,
		    &len);
		at = (uint64_t)json_integer_value(json_object_get(v, "at"));
		rc = csn_action_verify(ctx, trust, chain, len,
		    text(v, "scope"), NULL, "node-1", at * 1000, NULL);
		if (rc == 0)
			passed++;
		if (strcmp(rc == 0 ? "" : csn_error_name(rc),
		    text(v, "error")) != 0)
			fail_msg("%s: %s", text(v, "what"),
			    csn_message());
		free(chain);
	}
	assert_int_equal(passed, 3);
	json_decref(root);
	csn_trust_free(trust);
	csn_ctx_free(ctx);
}
