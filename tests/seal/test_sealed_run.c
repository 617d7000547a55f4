/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/seal/test_sealed_run.c - whole files on many threads, parts of them,
 * keys of the caller's own, hashes of the text.
 */
#include "crypto/crypto.h"
#include "identity/people.h"
#include "lib/test.h"
#include "seal/body.h"
#include "seal/files.h"
#include "seal/hands.h"
#include "seal/streams.h"

#define SEG FILES_SEGMENT
#define LEN (9 * SEG + 50)
#define CAP (LEN + 65536)

struct fixture {
	struct csn_ctx *ctx;
	struct csn_identity *alice, *bob;
	struct csn_document *to_alice, *to_bob;
	struct csn_trust *trust;	/* alice seals */
	struct csn_pool *pool;
	uint8_t *data;
};

static void
setup(struct fixture *f)
{
	f->ctx = people_ctx();
	f->alice = people_quick(f->ctx, 1, "alice");
	f->bob = people_quick(f->ctx, 2, "bob");
	f->to_alice = files_document(f->ctx, f->alice);
	f->to_bob = files_document(f->ctx, f->bob);
	assert_int_equal(csn_trust_new(f->ctx, &f->trust), 0);
	people_trust(f->ctx, f->trust, f->alice, CSN_PURPOSE_SEALER);
	assert_int_equal(csn_pool_new(f->ctx, 4, &f->pool), 0);
	f->data = streams_data(LEN);
}

static void
teardown(struct fixture *f)
{
	free(f->data);
	csn_pool_free(f->pool);
	csn_trust_free(f->trust);
	csn_document_free(f->to_alice);
	csn_document_free(f->to_bob);
	csn_identity_free(f->alice);
	csn_identity_free(f->bob);
	csn_ctx_free(f->ctx);
}

SHARED_FIXTURE(struct fixture, setup, teardown);

/* From alice to bob, 4 KiB a segment. */
static struct csn_sealer_options
options(struct fixture *f)
{
	return (struct csn_sealer_options){
	    .size = sizeof(struct csn_sealer_options), .segment = SEG,
	    .signer = f->alice, .nrecipients = 1, .recipients =
	    (const struct csn_document *const *)&f->to_bob,
	    .pool = f->pool };
}

static int
run(struct fixture *f, const struct csn_sealer_options *o,
    struct hands *in, int in_anywhere, struct hands *out, int out_anywhere,
    struct csn_sealed_facts *facts)
{
	struct csn_sealed_io source = hands_io(in, in_anywhere);
	struct csn_sealed_io sink = hands_io(out, out_anywhere);
	struct csn_sealer *sealer;
	int rc;

	assert_int_equal(csn_sealer_new(f->ctx, o, &sealer), 0);
	assert_int_equal(csn_sealer_facts(sealer, facts), CSN_E_ARG);
	rc = csn_sealer_run(sealer, &source, &sink);
	if (rc == 0) {
		assert_int_equal(csn_sealer_facts(sealer, facts), 0);
		assert_int_equal(facts->sealed_length, out->len);
		assert_int_equal(facts->length, in->len);
		assert_int_equal(csn_sealer_run(sealer, &source, &sink),
		    CSN_E_ARG);
	} else
		assert_int_equal(csn_sealer_run(sealer, &source, &sink), rc);
	csn_sealer_free(sealer);
	return rc;
}

TEST(every_size_is_sealed_the_same_in_any_order, struct fixture *f)
{
	static const size_t sizes[] = { 0, 1, SEG - 1, SEG, SEG + 1,
	    8 * SEG, LEN };
	struct csn_sealer_options o = options(f);
	struct csn_sealed_facts facts = { .size = sizeof(facts) };
	struct files_opened opened;
	struct hands in, out;
	size_t i, how;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (how = 0; how < 4; how++) {
			hands_begin(&in, f->data, sizes[i], 0);
			hands_begin(&out, NULL, 0, CAP);
			o.pool = i % 2 == 0 ? f->pool : NULL;
			assert_int_equal(run(f, &o, &in, how & 1, &out,
			    (how & 2) != 0, &facts), 0);
			assert_int_equal(files_open(f->ctx, f->bob, f->trust,
			    out.p, out.len, 5000, &opened), 0);
			assert_int_equal(opened.len, sizes[i]);
			if (opened.len != 0)
				assert_memory_equal(opened.p, f->data,
				    opened.len);
			files_wipe(&opened);
			hands_end(&in);
			hands_end(&out);
		}
}

/* A file of alice's to bob, as it is read at hand. */
struct at_hand {
	struct hands file;
	struct csn_sealed_io source;
	struct csn_sealed *sealed;
	struct csn_sealed_facts facts;
};

static void
seal(struct fixture *f, const struct csn_sealer_options *o, size_t len,
    struct at_hand *h)
{
	struct hands in;

	memset(h, 0, sizeof(*h));
	h->facts.size = sizeof(h->facts);
	hands_begin(&in, f->data, len, 0);
	hands_begin(&h->file, NULL, 0, CAP);
	assert_int_equal(run(f, o, &in, 1, &h->file, 1, &h->facts), 0);
	h->source = hands_io(&h->file, 1);
	hands_end(&in);
}

static int
take(struct fixture *f, const uint8_t *key, struct at_hand *h)
{
	const struct csn_opener_options o = { .size = sizeof(o),
	    .data_key = key };

	return csn_sealed_new(f->ctx, key != NULL ? NULL : f->bob, f->trust,
	    &o, &h->source, &h->sealed);
}

static void
let_go(struct at_hand *h)
{
	csn_sealed_free(h->sealed);
	hands_end(&h->file);
}

TEST(any_part_is_read_alone, struct fixture *f)
{
	static const size_t at[] = { 0, 1, SEG - 1, SEG, 3 * SEG + 7,
	    9 * SEG, LEN - 1, LEN, LEN + 5 };
	static const size_t lens[] = { 0, 1, 100, SEG, 2 * SEG + 1, LEN };
	struct csn_sealer_options o = options(f);
	uint8_t *out = malloc(LEN);
	struct at_hand h;
	size_t i, k, got, want;

	assert_non_null(out);
	seal(f, &o, LEN, &h);
	assert_int_equal(take(f, NULL, &h), 0);
	assert_string_equal(csn_sealed_signer(h.sealed),
	    csn_identity_did(f->alice));
	assert_string_equal(csn_sealed_content_type(h.sealed), "");
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		for (k = 0; k < sizeof(lens) / sizeof(lens[0]); k++) {
			want = at[i] >= LEN ? 0 : LEN - at[i] < lens[k] ?
			    LEN - at[i] : lens[k];
			h.file.calls = 0;
			assert_int_equal(csn_sealed_read(h.sealed, at[i],
			    out, lens[k], &got), 0);
			assert_int_equal(got, want);
			if (got != 0)
				assert_memory_equal(out, f->data + at[i],
				    got);
			/* No more of the file than the segments of it. */
			assert_int_equal(h.file.calls, want == 0 ? 0 :
			    (at[i] + want - 1) / SEG - at[i] / SEG + 1);
		}
	let_go(&h);
	free(out);
}

TEST(each_call_that_fails_is_heard, struct fixture *f)
{
	struct csn_sealer_options o = options(f);
	struct csn_sealed_facts facts = { .size = sizeof(facts) };
	struct hands in, out;
	struct at_hand h;
	struct csn_sealed_io sink;
	long i, n;
	int how;

	for (how = 0; how < 8; how++)
		for (i = 0, n = 1; i < n; i++) {
			hands_begin(&in, f->data, LEN, 0);
			hands_begin(&out, NULL, 0, CAP);
			in.fails_at = how & 4 ? i : -1;
			out.fails_at = how & 4 ? -1 : i;
			assert_int_equal(run(f, &o, &in, how & 1, &out,
			    (how & 2) != 0, &facts), CSN_E_QUOTA);
			n = how & 4 ? 10 : 12;
			hands_end(&in);
			hands_end(&out);
		}
	seal(f, &o, LEN, &h);
	/* Prefix, front, tail, foot, table. */
	for (i = 0; i < 6; i++) {
		h.file.fails_at = i;
		h.file.calls = 0;
		n = take(f, NULL, &h);
		assert_int_equal(n, i < 5 ? CSN_E_QUOTA : 0);
	}
	for (i = 0; i < 10; i++) {
		hands_begin(&out, NULL, 0, CAP);
		sink = hands_io(&out, i % 2 == 0);
		out.fails_at = i;
		assert_int_equal(csn_sealed_run(h.sealed, f->pool, 0, &sink),
		    CSN_E_QUOTA);
		hands_end(&out);
	}
	let_go(&h);
}

TEST(a_source_that_became_shorter_is_an_error, struct fixture *f)
{
	struct csn_sealer_options o = options(f);
	struct csn_sealed_io source, sink;
	struct csn_sealer *sealer;
	struct hands in, out;

	hands_begin(&in, f->data, LEN, 0);
	hands_begin(&out, NULL, 0, CAP);
	source = hands_io(&in, 1);
	sink = hands_io(&out, 1);
	in.len -= SEG;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), 0);
	assert_int_equal(csn_sealer_run(sealer, &source, &sink), CSN_E_IO);
	csn_sealer_free(sealer);
	hands_end(&in);
	hands_end(&out);
}

/* --- the hash of the text ---------------------------------------------- */

TEST(the_hash_is_of_the_text_and_verified, struct fixture *f)
{
	struct csn_sealer_options o = options(f);
	uint8_t want[CSN_HASH_SIZE];
	struct csn_hash *sha256;
	struct csn_tree *tree;
	struct at_hand h;
	uint32_t kind;

	for (kind = 0; kind <= CSN_CONTENT_NONE; kind++) {
		o.content_hash = kind;
		seal(f, &o, LEN, &h);
		assert_int_equal(h.facts.content_hash, kind == 0 ?
		    CSN_CONTENT_TREE : kind);
		memset(want, 0, sizeof(want));
		if (kind <= CSN_CONTENT_TREE) {
			assert_int_equal(csn_tree_new(f->ctx, LEN, SEG,
			    &tree), 0);
			assert_int_equal(csn_tree_set(tree, NULL, 0, f->data,
			    LEN), 0);
			assert_int_equal(csn_tree_root(tree, want), 0);
			csn_tree_free(tree);
		} else if (kind == CSN_CONTENT_SHA3_256) {
			assert_int_equal(csn_sha3_256(f->ctx, f->data, LEN,
			    want), 0);
		} else if (kind == CSN_CONTENT_SHA256) {
			assert_int_equal(csn_hash_new(f->ctx, &sha256), 0);
			assert_int_equal(csn_hash_start_sha256(sha256), 0);
			assert_int_equal(csn_hash_update(sha256, f->data,
			    LEN), 0);
			assert_int_equal(csn_hash_final(sha256, want), 0);
			csn_hash_free(sha256);
		}
		assert_memory_equal(h.facts.content, want, sizeof(want));
		assert_int_equal(take(f, NULL, &h), 0);
		assert_int_equal(csn_sealed_facts(h.sealed, &h.facts), 0);
		assert_memory_equal(h.facts.content, want, sizeof(want));
		assert_int_equal(csn_sealed_verify(h.sealed, f->pool), 0);
		/* A segment that changed since is found, not its hash. */
		h.file.p[h.file.len / 2] ^= 1;
		assert_int_equal(csn_sealed_verify(h.sealed, f->pool),
		    CSN_E_SIGNATURE);
		let_go(&h);
	}
}

/* In segments of many leaves, over which one segment's tree is higher. */
TEST(large_segments_have_the_same_trees, struct fixture *f)
{
	struct csn_sealer_options o = options(f);
	const size_t len = 5 * CSN_BODY_LEAF + 99;
	uint8_t *data = streams_data(len), root[CSN_HASH_SIZE];
	struct csn_sealed_facts facts = { .size = sizeof(facts) };
	struct csn_tree *tree;
	struct hands in, out;
	uint32_t segment;

	assert_int_equal(csn_tree_new(f->ctx, len, 0, &tree), 0);
	assert_int_equal(csn_tree_set(tree, NULL, 0, data, len), 0);
	assert_int_equal(csn_tree_root(tree, root), 0);
	csn_tree_free(tree);
	/* The text's tree does not depend on the size of segments. */
	for (segment = CSN_BODY_LEAF; segment <= 8 * CSN_BODY_LEAF;
	    segment *= 2) {
		o.segment = segment;
		hands_begin(&in, data, len, 0);
		hands_begin(&out, NULL, 0, len + 65536);
		assert_int_equal(run(f, &o, &in, 1, &out, 1, &facts), 0);
		assert_memory_equal(facts.content, root, sizeof(root));
		hands_end(&in);
		hands_end(&out);
	}
	free(data);
}

/* --- keys of the caller's own ------------------------------------------ */

TEST(who_keeps_the_key_opens_without_a_slot, struct fixture *f)
{
	struct csn_sealer_options o = options(f);
	uint8_t key[CSN_KEY_SIZE];
	struct at_hand h;

	assert_int_equal(csn_random(f->ctx, key, sizeof(key)), 0);
	o.data_key = key;
	assert_int_equal(csn_sealer_new(f->ctx, &o,
	    (struct csn_sealer **)&h.sealed), CSN_E_ARG);
	o.nrecipients = 0;
	seal(f, &o, LEN, &h);
	assert_int_equal(h.facts.recipients, 0);
	assert_int_equal(take(f, NULL, &h), CSN_E_NOT_FOUND);
	assert_int_equal(take(f, key, &h), 0);
	assert_int_equal(csn_sealed_verify(h.sealed, NULL), 0);
	let_go(&h);
	/* The commitment tells before AES runs: nothing else is read. */
	seal(f, &o, LEN, &h);
	key[31] ^= 1;
	h.file.calls = 0;
	assert_int_equal(take(f, key, &h), CSN_E_TAG);
	assert_int_equal(h.file.calls, 2);
	h.sealed = NULL;
	let_go(&h);
}

TEST(tags_are_for_the_sealer_alone, struct fixture *f)
{
	struct csn_sealer_options o = options(f);
	const struct csn_document *both[] = { f->to_alice, f->to_bob };
	struct csn_sealer *sealer;
	uint8_t *out = NULL;
	const uint8_t *old;
	struct files_opened opened;
	struct at_hand h;
	size_t n, k;

	o.integrity = CSN_SEALED_TAGS;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_POLICY);
	o.recipients = both;
	o.nrecipients = 2;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_POLICY);
	o.nrecipients = 1;
	seal(f, &o, LEN, &h);
	assert_int_equal(h.facts.integrity, CSN_SEALED_TAGS);
	assert_int_equal(files_open(f->ctx, f->alice, f->trust, h.file.p,
	    h.file.len, 999, &opened), 0);
	assert_int_equal(opened.len, LEN);
	files_wipe(&opened);
	/* Nor does anybody join later. */
	old = h.file.p;
	assert_int_equal(csn_sealed_readdress(f->ctx, f->alice, NULL, old,
	    h.file.len, &both[1], 1, NULL, 0, &out, &n, &k), CSN_E_POLICY);
	assert_null(out);
	let_go(&h);
}

TEST(what_is_asked_for_is_looked_at, struct fixture *f)
{
	struct csn_sealer_options o = options(f);
	struct csn_sealed_io io = { .size = sizeof(io) };
	struct csn_sealer *sealer;
	struct at_hand h;

	o.integrity = 3;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_ARG);
	o.integrity = 0;
	o.content_hash = 5;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), CSN_E_ARG);
	o.content_hash = 0;
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), 0);
	assert_int_equal(csn_sealer_run(sealer, &io, &io), CSN_E_ARG);
	csn_sealer_free(sealer);
	seal(f, &o, LEN, &h);
	h.source.flags = 0;
	assert_int_equal(take(f, NULL, &h), CSN_E_ARG);
	h.source.flags = CSN_IO_ANYWHERE | 2;
	assert_int_equal(take(f, NULL, &h), CSN_E_ARG);
	h.source.flags = CSN_IO_ANYWHERE;
	assert_int_equal(take(f, NULL, &h), 0);
	assert_int_equal(csn_sealed_run(h.sealed, NULL, 11, &h.source),
	    CSN_E_ARG);
	let_go(&h);
}
