/* SPDX-License-Identifier: Apache-2.0 */
/* tests/identity/test_trust_file.c - the trust store's JSON, read strictly. */
#include <sys/stat.h>

#include "base/text.h"
#include "evidence/armor.h"
#include "identity/people.h"
#include "identity/trust.h"
#include "lib/test.h"

struct fixture {
	struct csn_ctx *ctx;
	struct csn_identity *alice;
	char *folder;
	char *path;
};

static void
setup(struct fixture *f)
{
	f->ctx = people_ctx();
	f->alice = people_quick(f->ctx, 1, "alice");
	f->folder = folder_new();
	f->path = path_in(f->folder, "trust.json");
}

static void
teardown(struct fixture *f)
{
	csn_identity_free(f->alice);
	folder_remove(f->folder);
	free(f->path);
	csn_ctx_free(f->ctx);
}

SHARED_FIXTURE(struct fixture, setup, teardown);

TEST(a_missing_file_is_an_empty_store, struct fixture *f)
{
	struct csn_trust *trust;

	assert_int_equal(csn_trust_load(f->ctx, "/nonexistent/trust.json",
	    &trust), 0);
	assert_int_equal(csn_trust_count(trust), 0);
	csn_trust_free(trust);
}

TEST(what_was_saved_is_loaded, struct fixture *f)
{
	struct csn_trust_entry e = {
		.size = sizeof(e), .label = "Al\xc3\xafs \"the\" one",
		.purposes = CSN_PURPOSE_TENANT | CSN_PURPOSE_RECIPIENT,
		.tenant_id = "al/1", .expires_ms = PEOPLE_START + 86400000,
	};
	struct csn_identity *bob = people_quick(f->ctx, 2, "bob");
	const struct csn_trust_entry *back;
	struct csn_trust *trust, *again;
	struct stat st;

	e.document = csn_identity_document(f->alice, &e.document_len);
	assert_int_equal(csn_trust_new(f->ctx, &trust), 0);
	assert_int_equal(csn_trust_add(f->ctx, trust, &e), 0);
	people_trust(f->ctx, trust, bob, CSN_PURPOSE_ALL &
	    ~CSN_PURPOSE_TENANT);
	assert_int_equal(csn_trust_save(f->ctx, trust, f->path), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(csn_trust_load(f->ctx, f->path, &again), 0);
	assert_int_equal(csn_trust_count(again), 2);
	assert_int_equal(csn_trust_find(f->ctx, again,
	    csn_identity_alias(f->alice), CSN_ALIAS_SIZE - 1, e.purposes,
	    &back), 0);
	assert_string_equal(back->label, e.label);
	assert_string_equal(back->tenant_id, "al/1");
	assert_int_equal(back->purposes, e.purposes);
	assert_int_equal(back->expires_ms, e.expires_ms);
	assert_int_equal(back->document_len, e.document_len);
	assert_memory_equal(back->document, e.document, e.document_len);
	assert_non_null(back->kem);
	csn_trust_release(again, back);
	assert_int_equal(csn_trust_find(f->ctx, again, csn_identity_did(bob),
	    strlen(csn_identity_did(bob)), CSN_PURPOSE_AUDIT, &back), 0);
	assert_null(back->tenant_id);
	assert_null(back->document);
	assert_int_equal(back->expires_ms, 0);
	csn_trust_release(again, back);
	csn_identity_free(bob);
	csn_trust_free(again);
	csn_trust_free(trust);
}

TEST(an_expired_document_does_not_make_the_file_unreadable, struct fixture *f)
{
	struct csn_ctx *ctx = people_ctx();
	struct csn_trust_entry e = {
		.size = sizeof(e), .purposes = CSN_PURPOSE_RECIPIENT,
	};
	const struct csn_trust_entry *found;
	struct csn_trust *trust;

	e.document = csn_identity_document(f->alice, &e.document_len);
	assert_int_equal(csn_trust_new(ctx, &trust), 0);
	assert_int_equal(csn_trust_add(ctx, trust, &e), 0);
	assert_int_equal(csn_trust_save(ctx, trust, f->path), 0);
	csn_trust_free(trust);
	people_now += 401ull * 86400000;
	assert_int_equal(csn_trust_load(ctx, f->path, &trust), 0);
	assert_int_equal(csn_trust_find(ctx, trust,
	    csn_identity_alias(f->alice), CSN_ALIAS_SIZE - 1, e.purposes,
	    &found), CSN_E_SIGNER);
	csn_trust_free(trust);
	csn_ctx_free(ctx);
}

static int
parse(struct fixture *f, const char *text)
{
	struct csn_trust *trust;
	int rc;

	if ((rc = csn_trust_parse(f->ctx, text, strlen(text), &trust)) == 0)
		csn_trust_free(trust);
	return rc;
}

/* One entry with these members in it. */
static int
parse_entry(struct fixture *f, const char *members)
{
	char *text;
	int rc;

	assert_true(asprintf(&text, "{\"version\":1,\"entries\":[{%s}]}",
	    members) > 0);
	rc = parse(f, text);
	free(text);
	return rc;
}

TEST(keys_are_read_as_hex_or_base64_raw_or_spki, struct fixture *f)
{
	uint8_t pk[CSN_SIGN_MAX_PUBLIC], *spki;
	char hex[2 * 1334 + 1], *b64, *text, *pem;
	const char *alias = csn_identity_alias(f->alice);
	size_t len;

	assert_int_equal(csn_sign_public(f->ctx,
	    csn_identity_sign_key(f->alice), pk, sizeof(pk)), 0);
	assert_int_equal(csn_sign_public_pem(f->ctx,
	    csn_identity_sign_key(f->alice), &pem), 0);
	assert_int_equal(csn_dearmor(f->ctx, "PUBLIC KEY", pem, strlen(pem),
	    &spki, &len), 0);
	assert_int_equal(len, 1334);

	csn_hex_encode(pk, 1312, hex);
	assert_true(asprintf(&text, "\"did\":\"%s\",\"purposes\":[\"audit\"],"
	    "\"key\":\"%s\"", alias, hex) > 0);
	assert_int_equal(parse_entry(f, text), 0);
	free(text);
	csn_hex_encode(spki, len, hex);
	assert_true(asprintf(&text, "\"did\":\"%s\",\"purposes\":[\"audit\"],"
	    "\"key\":\"%s\"", alias, hex) > 0);
	assert_int_equal(parse_entry(f, text), 0);
	free(text);
	b64 = csn_base64_encode(pk, 1312);
	assert_true(asprintf(&text, "\"key\":\"%s\",\"did\":\"%s\","
	    "\"purposes\":[\"audit\"]", b64, alias) > 0);
	assert_int_equal(parse_entry(f, text), 0);
	free(b64);
	free(text);
	b64 = csn_base64_encode(spki, len);
	assert_true(asprintf(&text, "\"key\":\"%s\",\"did\":\"%s\","
	    "\"purposes\":[\"audit\"]", b64, csn_identity_did(f->alice)) > 0);
	assert_int_equal(parse_entry(f, text), 0);
	free(b64);
	free(text);
	/* A key whose DID is another's. */
	pk[0] ^= 1;
	b64 = csn_base64_encode(pk, 1312);
	assert_true(asprintf(&text, "\"key\":\"%s\",\"did\":\"%s\","
	    "\"purposes\":[\"audit\"]", b64, alias) > 0);
	assert_int_equal(parse_entry(f, text), CSN_E_SIGNER);
	free(b64);
	free(text);
	csn_free(spki);
	csn_free(pem);
}

TEST(what_is_not_exactly_a_trust_store_is_refused, struct fixture *f)
{
	static const char *const bad[] = {
		"", "[]", "{}", "null", "{\"version\":1}",
		"{\"entries\":[]}", "{\"version\":\"1\",\"entries\":[]}",
		"{\"version\":1,\"entries\":{}}",
		"{\"version\":1,\"entries\":[],\"more\":1}",
		"{\"version\":1,\"version\":1,\"entries\":[]}",
		"{\"version\":1,\"entries\":[]}x",
		"{\"version\":1,\"entries\":[1]}",
		"{\"version\":1.0,\"entries\":[]}",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(f, bad[i]), CSN_E_FORM);
	assert_int_equal(parse(f, "{\"version\":2,\"entries\":[]}"),
	    CSN_E_VERSION);
	assert_int_equal(parse(f, " {\"entries\":[],\"version\":1}\n"), 0);
}

TEST(a_bad_entry_is_named, struct fixture *f)
{
	/* %s is alice's did:key. */
	static const struct {
		const char *members;
		const char *says;
		int code;
	} cases[] = {
		{ "\"purposes\":[\"audit\"]", "needs a did", CSN_E_FORM },
		{ "\"did\":\"%s\"", "needs a did and its purposes",
		    CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[]", "its purposes",
		    CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":\"audit\"", "not an array",
		    CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"audit\",\"king\"]",
		    "item 2", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"audit\",\"audit\"]",
		    "twice", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[3]", "item 1", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"audit\"],\"labl\":\"x\"",
		    "no member \"labl\"", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"audit\"],\"label\":5",
		    "label is not a text", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"audit\"],"
		    "\"label\":\"a\\u0007\"", "label is", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"audit\"],"
		    "\"expires\":\"tomorrow\"", "expires", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"audit\"],"
		    "\"expires\":1767225600", "expires", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"audit\"],\"key\":\"AAAA\"",
		    "key is no", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"audit\"],\"key\":\"!\"",
		    "neither hex nor base64", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"audit\"],"
		    "\"document\":\"!\"", "document", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"audit\"],"
		    "\"document\":\"AAAA\"", "Entry 2", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"tenant\"]",
		    "needs a tenant id", CSN_E_FORM },
		{ "\"did\":\"%s\",\"purposes\":[\"audit\"],"
		    "\"tenant_id\":\"t\"", "purpose tenant", CSN_E_FORM },
		{ "\"did\":\"did:web:x\",\"purposes\":[\"audit\"]",
		    "did:key", CSN_E_FORM },
	};
	char *members, *text;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* A good one of another key comes first. */
		struct csn_identity *bob = people_quick(f->ctx, 2, "bob");
		const char *at = strstr(cases[i].members, "%s");

		assert_true(asprintf(&members, "%.*s%s%s", at != NULL ?
		    (int)(at - cases[i].members) : 0, cases[i].members,
		    at != NULL ? csn_identity_did(f->alice) : "",
		    at != NULL ? at + 2 : cases[i].members) > 0);
		assert_true(asprintf(&text, "{\"version\":1,\"entries\":["
		    "{\"did\":\"%s\",\"purposes\":[\"audit\"]},{%s}]}",
		    csn_identity_did(bob), members) > 0);
		assert_int_equal(parse(f, text), cases[i].code);
		assert_non_null(strstr(csn_message(), "Entry 2"));
		if (strstr(csn_message(), cases[i].says) == NULL)
			fail_msg("%s", csn_message());
		free(members);
		free(text);
		csn_identity_free(bob);
	}
}

TEST(the_same_did_twice_is_refused, struct fixture *f)
{
	const char *did = csn_identity_did(f->alice);
	char *text;

	assert_true(asprintf(&text, "{\"version\":1,\"entries\":["
	    "{\"did\":\"%s\",\"purposes\":[\"audit\"]},"
	    "{\"label\":\"second\",\"did\":\"%s\","
	    "\"purposes\":[\"action\"]}]}", did, did) > 0);
	assert_int_equal(parse(f, text), CSN_E_EXISTS);
	assert_non_null(strstr(csn_message(),
	    "Entry 2 (\"second\")"));
	free(text);
}

TEST(the_path_is_in_the_sentence, struct fixture *f)
{
	struct csn_trust *trust;

	file_write(f->path, "{", 1);
	assert_int_equal(csn_trust_load(f->ctx, f->path, &trust),
	    CSN_E_FORM);
	assert_non_null(strstr(csn_message(), f->path));
	assert_non_null(strstr(csn_message(), "line 1"));
}

TEST(a_store_that_others_may_write_is_not_believed, struct fixture *f)
{
	struct csn_trust *trust;

	assert_int_equal(csn_trust_new(f->ctx, &trust), 0);
	assert_int_equal(csn_trust_save(f->ctx, trust, f->path), 0);
	csn_trust_free(trust);
	assert_int_equal(chmod(f->path, 0666), 0);
	assert_int_equal(csn_trust_load(f->ctx, f->path, &trust),
	    CSN_E_POLICY);
	assert_non_null(strstr(csn_message(), "chmod go-w"));
	assert_int_equal(chmod(f->path, 0600), 0);
	assert_int_equal(chmod(f->folder, 0777), 0);
	assert_int_equal(csn_trust_load(f->ctx, f->path, &trust),
	    CSN_E_POLICY);
	assert_int_equal(chmod(f->folder, 0700), 0);
	assert_int_equal(csn_trust_load(f->ctx, f->path, &trust), 0);
	csn_trust_free(trust);
}
