/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/test_sealed.c - files sealed to identities come back. */
#include <jansson.h>
#include <sys/wait.h>
#include <unistd.h>

#include "identity/document.h"
#include "identity/identity.h"
#include "identity/people.h"
#include "lib/test.h"
#include "seal/files.h"
#include "seal/streams.h"

#define SEG FILES_SEGMENT

struct fixture {
	struct csn_ctx *ctx;
	struct csn_identity *alice, *bob;
	struct csn_trust *trust;	/* alice seals */
};

static void
setup(struct fixture *f)
{
	f->ctx = people_ctx();
	f->alice = people_quick(f->ctx, 1, "alice");
	f->bob = people_quick(f->ctx, 2, "bob");
	assert_int_equal(csn_trust_new(f->ctx, &f->trust), 0);
	people_trust(f->ctx, f->trust, f->alice, CSN_PURPOSE_SEALER);
}

static void
teardown(struct fixture *f)
{
	csn_trust_free(f->trust);
	csn_identity_free(f->alice);
	csn_identity_free(f->bob);
	csn_ctx_free(f->ctx);
}

SHARED_FIXTURE(struct fixture, setup, teardown);

TEST(every_size_comes_back, struct fixture *f)
{
	static const size_t sizes[] = { 0, 1, 15, 16, SEG - 1, SEG, SEG + 1,
	    2 * SEG - 1, 2 * SEG, 2 * SEG + 1, 4 * SEG + 5 };
	static const size_t pieces[] = { 1u << 20, SEG, 4099, 700 };
	const struct csn_identity *to[] = { f->bob };
	uint8_t *data = streams_data(5 * SEG);
	struct files_sealed sealed;
	struct files_opened opened;
	size_t i, k;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		k = pieces[i % 4];
		files_seal(f->ctx, f->alice, to, 1, "text/plain", data,
		    sizes[i], k, &sealed);
		assert_int_equal(sealed.n, sizes[i] == 0 ? 1 :
		    (sizes[i] + SEG - 1) / SEG);
		k = pieces[(i + 1) % 4];
		assert_int_equal(files_open(f->ctx, f->bob, f->trust,
		    sealed.p, sealed.len, k, &opened), 0);
		assert_int_equal(opened.len, sizes[i]);
		if (opened.len != 0)
			assert_memory_equal(opened.p, data, opened.len);
		/* The last segment waits for the second signature. */
		assert_int_equal(opened.provisional, (sealed.n - 1) * SEG);
		assert_string_equal(opened.signer,
		    csn_identity_did(f->alice));
		assert_string_equal(opened.type, "text/plain");
		files_wipe(&opened);
		files_free(&sealed);
	}
	free(data);
}

TEST(byte_by_byte_is_the_same, struct fixture *f)
{
	const struct csn_identity *to[] = { f->bob };
	uint8_t *data = streams_data(SEG + 3);
	struct files_sealed sealed;
	struct files_opened opened;

	files_seal(f->ctx, f->alice, to, 1, NULL, data, SEG + 3, 1, &sealed);
	assert_int_equal(files_open(f->ctx, f->bob, f->trust, sealed.p,
	    sealed.len, 1, &opened), 0);
	assert_int_equal(opened.len, SEG + 3);
	assert_memory_equal(opened.p, data, opened.len);
	assert_string_equal(opened.type, "");
	files_wipe(&opened);
	files_free(&sealed);
	free(data);
}

TEST(each_kem_and_signature_serves, struct fixture *f)
{
	static const int kems[] = { CSN_KEM_ML_KEM_512, CSN_KEM_ML_KEM_768,
	    CSN_KEM_ML_KEM_1024, CSN_KEM_X_WING };
	static const int signs[] = { CSN_SIGN_ML_DSA_44, CSN_SIGN_ML_DSA_65,
	    CSN_SIGN_ML_DSA_87, CSN_SIGN_ML_DSA_65 };
	struct csn_identity *people[4];
	struct csn_trust *trust;
	struct files_sealed sealed;
	struct files_opened opened;
	size_t i;

	assert_int_equal(csn_trust_new(f->ctx, &trust), 0);
	for (i = 0; i < 4; i++)
		people[i] = people_make(f->ctx, (uint8_t)(10 + i), signs[i],
		    kems[i], "someone");
	for (i = 0; i < 3; i++)
		people_trust(f->ctx, trust, people[i], CSN_PURPOSE_SEALER);
	/* One file for all four, and each opens it. */
	for (i = 0; i < 3; i++) {
		size_t k;

		files_seal(f->ctx, people[i],
		    (const struct csn_identity *const *)people, 4, NULL,
		    (const uint8_t *)"for four", 8, 8, &sealed);
		for (k = 0; k < 4; k++) {
			assert_int_equal(files_open(f->ctx, people[k], trust,
			    sealed.p, sealed.len, 1u << 20, &opened), 0);
			assert_int_equal(opened.len, 8);
			assert_memory_equal(opened.p, "for four", 8);
			files_wipe(&opened);
		}
		assert_int_equal(files_refused(f->ctx, f->bob, trust,
		    sealed.p, sealed.len, NULL, 0), CSN_E_NOT_FOUND);
		files_free(&sealed);
	}
	for (i = 0; i < 4; i++)
		csn_identity_free(people[i]);
	csn_trust_free(trust);
}

TEST(memory_is_as_good_as_a_file, struct fixture *f)
{
	struct csn_document *doc = files_document(f->ctx, f->alice);
	const struct csn_document *const to[] = { doc };
	uint8_t *sealed, *plain, *data = streams_data(200000);
	size_t len, n;

	assert_int_equal(csn_sealed_make(f->ctx, f->alice, to, 1, "a/b", data,
	    200000, &sealed, &len), 0);
	assert_int_equal(csn_sealed_open(f->ctx, f->alice, f->trust, "a/b",
	    sealed, len, &plain, &n), 0);
	assert_int_equal(n, 200000);
	assert_memory_equal(plain, data, n);
	csn_free(plain);
	assert_int_equal(csn_sealed_open(f->ctx, f->alice, f->trust, NULL,
	    sealed, len, &plain, &n), 0);
	csn_free(plain);
	plain = NULL;
	assert_int_equal(csn_sealed_open(f->ctx, f->alice, f->trust, "a/c",
	    sealed, len, &plain, &n), CSN_E_POLICY);
	assert_int_equal(csn_sealed_open(f->ctx, f->alice, f->trust, "a/b",
	    sealed, len - 1, &plain, &n), CSN_E_FORM);
	assert_null(plain);
	csn_free(sealed);
	/* Nothing at all is something that can be sealed. */
	assert_int_equal(csn_sealed_make(f->ctx, f->alice, to, 1, NULL, NULL, 0,
	    &sealed, &len), 0);
	assert_int_equal(csn_sealed_open(f->ctx, f->alice, f->trust, NULL,
	    sealed, len, &plain, &n), 0);
	assert_non_null(plain);
	assert_int_equal(n, 0);
	csn_free(plain);
	csn_free(sealed);
	csn_document_free(doc);
	free(data);
}

static int
nowhere(void *arg, const uint8_t *p, size_t len)
{
	(void)arg;
	(void)p;
	(void)len;
	return CSN_E_IO;
}

static int
anywhere(void *arg, const uint8_t *p, size_t len)
{
	(void)arg;
	(void)p;
	(void)len;
	return 0;
}

TEST(a_failing_writer_is_heard, struct fixture *f)
{
	const struct csn_identity *to[] = { f->bob };
	struct csn_document *doc = files_document(f->ctx, f->bob);
	struct csn_sealer_options o = { .size = sizeof(o),
	    .signer = f->alice, .nrecipients = 1,
	    .recipients = (const struct csn_document *const *)&doc };
	uint8_t *data = streams_data(2 * SEG);
	struct files_sealed sealed;
	struct csn_sealer *sealer;
	struct csn_opener *opener;

	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), 0);
	assert_int_equal(csn_sealer_update(sealer, data, 1, nowhere, NULL),
	    CSN_E_IO);
	assert_int_equal(csn_sealer_update(sealer, data, 1, anywhere, NULL),
	    CSN_E_IO);
	assert_int_equal(csn_sealer_final(sealer, anywhere, NULL), CSN_E_IO);
	csn_sealer_free(sealer);
	files_seal(f->ctx, f->alice, to, 1, NULL, data, 2 * SEG, SEG,
	    &sealed);
	assert_int_equal(csn_opener_new(f->ctx, f->bob, f->trust, NULL,
	    &opener), 0);
	assert_int_equal(csn_opener_update(opener, sealed.p, sealed.len,
	    nowhere, NULL), CSN_E_IO);
	assert_int_equal(csn_opener_final(opener, anywhere, NULL), CSN_E_IO);
	csn_opener_free(opener);
	csn_opener_free(NULL);
	csn_sealer_free(NULL);
	csn_document_free(doc);
	files_free(&sealed);
	free(data);
}

TEST(sealing_asks_for_what_it_needs, struct fixture *f)
{
	struct csn_document *doc = files_document(f->ctx, f->bob);
	const struct csn_document *twice[] = { doc, doc };
	struct csn_sealer_options o = { .size = sizeof(o),
	    .signer = f->alice, .recipients = twice, .nrecipients = 1 };
	struct csn_sealer *sealer;
	char type[130];

	memset(type, 'x', sizeof(type));
	type[129] = '\0';
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), 0);
	csn_sealer_free(sealer);
	o.nrecipients = 2;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_ARG);
	o.nrecipients = 0;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_ARG);
	o.nrecipients = 65;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_ARG);
	o.nrecipients = 1;
	o.segment = 5000;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_ARG);
	o.segment = 0;
	o.content_type = type;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_ARG);
	o.content_type = "\xff";
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_ARG);
	o.content_type = NULL;
	o.signer = NULL;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_ARG);
	o.signer = f->alice;
	csn_document_free(doc);
}

/* An identity of fixed keys whose document says these purposes. */
static struct csn_identity *
for_purposes(struct csn_ctx *ctx, uint8_t n, uint32_t purposes)
{
	struct csn_document_facts facts = { .name = "limited",
	    .purposes = purposes, .created_ms = people_now,
	    .expires_ms = people_now + 1000000 };
	struct csn_sign_key *sign;
	struct csn_identity *id;
	struct csn_kem_key *kem;
	uint8_t seed[64], *doc;
	size_t len;

	memset(seed, n, sizeof(seed));
	assert_int_equal(csn_sign_from_seed(ctx, CSN_SIGN_ML_DSA_44, seed,
	    32, &sign), 0);
	assert_int_equal(csn_kem_from_seed(ctx, CSN_KEM_ML_KEM_512, seed, 64,
	    &kem), 0);
	assert_int_equal(csn_document_make(ctx, sign, kem, &facts, &doc,
	    &len), 0);
	assert_int_equal(csn_identity_assemble(ctx, sign, kem, doc, len,
	    &id), 0);
	return id;
}

TEST(only_recipients_receive, struct fixture *f)
{
	struct csn_identity *server = for_purposes(f->ctx, 30,
	    CSN_PURPOSE_SERVER);
	struct csn_document *doc = files_document(f->ctx, server);
	struct csn_sealer_options o = { .size = sizeof(o),
	    .signer = f->alice, .nrecipients = 1,
	    .recipients = (const struct csn_document *const *)&doc };
	struct csn_sealer *sealer;

	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_POLICY);
	/* What it keeps for itself is its own affair. */
	o.signer = server;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), 0);
	csn_sealer_free(sealer);
	csn_document_free(doc);
	csn_identity_free(server);
}

TEST(a_forked_child_writes_no_part, struct fixture *f)
{
	struct csn_document *doc = files_document(f->ctx, f->bob);
	struct csn_sealer_options o = { .size = sizeof(o),
	    .signer = f->alice, .nrecipients = 1,
	    .recipients = (const struct csn_document *const *)&doc };
	struct csn_sealer *sealer;
	pid_t pid;
	int status;

	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0)
		_exit(csn_sealer_final(sealer, anywhere, NULL) !=
		    CSN_E_FORK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(csn_sealer_final(sealer, anywhere, NULL), 0);
	csn_sealer_free(sealer);
	csn_document_free(doc);
}

TEST(inspecting_needs_no_key, struct fixture *f)
{
	const struct csn_identity *to[] = { f->bob, f->alice };
	struct files_sealed sealed;
	json_t *j, *one;
	size_t i;
	char *text;

	files_seal(f->ctx, f->alice, to, 2, "x/y", NULL, 0, 1, &sealed);
	assert_int_equal(csn_sealed_inspect(f->ctx, sealed.p, sealed.at[0],
	    &text), 0);
	assert_non_null(j = json_loads(text, 0, NULL));
	assert_true(json_is_false(json_object_get(j, "verified")));
	assert_string_equal(json_string_value(json_object_get(j, "sealer")),
	    csn_identity_alias(f->alice));
	assert_string_equal(json_string_value(json_object_get(j,
	    "content_type")), "x/y");
	assert_string_equal(json_string_value(json_object_get(j,
	    "created_at")), "2026-01-01T00:00:00.000Z");
	assert_int_equal(json_integer_value(json_object_get(j, "segment")),
	    SEG);
	assert_int_equal(json_array_size(json_object_get(j, "recipients")),
	    2);
	one = json_array_get(json_object_get(j, "recipients"), 0);
	assert_string_equal(json_string_value(json_object_get(one, "did")),
	    csn_identity_alias(f->bob));
	assert_string_equal(json_string_value(json_object_get(one, "kem")),
	    "ML-KEM-512");
	json_decref(j);
	csn_free(text);
	for (i = 0; i < sealed.at[0]; i += 11)
		assert_int_equal(csn_sealed_inspect(f->ctx, sealed.p, i,
		    &text), CSN_E_FORM);
	files_free(&sealed);
}

/* The context's clock never runs back: this comes last. */
TEST(a_document_can_run_out_meanwhile, struct fixture *f)
{
	struct csn_document *doc = files_document(f->ctx, f->bob);
	struct csn_sealer_options o = { .size = sizeof(o),
	    .signer = f->alice, .nrecipients = 1,
	    .recipients = (const struct csn_document *const *)&doc };
	struct csn_sealer *sealer;

	people_now += CSN_DOCUMENT_LIFETIME_MS + 1;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_EXPIRED);
	csn_document_free(doc);
}
