/* SPDX-License-Identifier: Apache-2.0 */
/* tests/evidence/test_cose.c - COSE_Sign1 with ML-DSA, and forgeries. */
#include "base/cbor.h"
#include "evidence/cose.h"
#include "lib/test.h"

#define TYP "application/caisson-test"
#define KID "did:pqaid:someone"

static const uint8_t payload[] = { 0xa1, 0x01, 0x02 };

struct fixture {
	struct csn_ctx *ctx;
	struct csn_sign_key *key[4];	/* by enum csn_sign */
	struct csn_sign_key *stranger;
	uint8_t *msg;			/* ML-DSA-44's */
	size_t len;
};

static void
setup(struct fixture *f)
{
	uint8_t seed[32];
	int alg;

	memset(seed, 0x5a, sizeof(seed));
	assert_int_equal(csn_ctx_new(NULL, &f->ctx), 0);
	for (alg = CSN_SIGN_ML_DSA_44; alg <= CSN_SIGN_ML_DSA_87; alg++)
		assert_int_equal(csn_sign_from_seed(f->ctx, alg, seed,
		    sizeof(seed), &f->key[alg]), 0);
	seed[0] = 1;
	assert_int_equal(csn_sign_from_seed(f->ctx, CSN_SIGN_ML_DSA_44, seed,
	    sizeof(seed), &f->stranger), 0);
	assert_int_equal(csn_cose_sign(f->ctx, f->key[CSN_SIGN_ML_DSA_44], KID,
	    TYP, payload, sizeof(payload), &f->msg, &f->len), 0);
}

static void
teardown(struct fixture *f)
{
	int alg;

	for (alg = CSN_SIGN_ML_DSA_44; alg <= CSN_SIGN_ML_DSA_87; alg++)
		csn_sign_free(f->key[alg]);
	csn_sign_free(f->stranger);
	csn_free(f->msg);
	csn_ctx_free(f->ctx);
}

SHARED_FIXTURE(struct fixture, setup, teardown);

static int
verify(struct fixture *f, const uint8_t *msg, size_t len)
{
	const uint8_t *p;
	size_t n;

	return csn_cose_verify(f->ctx, f->key[CSN_SIGN_ML_DSA_44], TYP, msg,
	    len, &p, &n);
}

TEST(signs_and_verifies_with_each_parameter_set, struct fixture *f)
{
	const uint8_t *p;
	uint8_t *msg;
	const char *kid;
	size_t len, n;
	int alg, other;

	for (alg = CSN_SIGN_ML_DSA_44; alg <= CSN_SIGN_ML_DSA_87; alg++) {
		assert_int_equal(csn_cose_sign(f->ctx, f->key[alg], KID, TYP,
		    payload, sizeof(payload), &msg, &len), 0);
		assert_int_equal(csn_cose_verify(f->ctx, f->key[alg], TYP,
		    msg, len, &p, &n), 0);
		assert_int_equal(n, sizeof(payload));
		assert_memory_equal(p, payload, n);
		assert_true(p > msg && p + n < msg + len);
		assert_int_equal(csn_cose_kid(f->ctx, msg, len, &kid, &n), 0);
		assert_int_equal(n, strlen(KID));
		assert_memory_equal(kid, KID, n);
		/* The algorithm is the trusted key's. */
		other = alg == CSN_SIGN_ML_DSA_44 ? CSN_SIGN_ML_DSA_87 :
		    CSN_SIGN_ML_DSA_44;
		assert_int_equal(csn_cose_verify(f->ctx, f->key[other], TYP,
		    msg, len, &p, &n), CSN_E_ALGORITHM);
		csn_free(msg);
	}
}

TEST(the_header_is_these_bytes, struct fixture *f)
{
	/* {1: -48, 4: kid, 16: typ}, deterministic. */
	static const uint8_t head[] = {
		0xd2, 0x84, 0x58, 0x32, 0xa3, 0x01, 0x38, 0x2f, 0x04, 0x51
	};

	assert_memory_equal(f->msg, head, sizeof(head));
	assert_memory_equal(f->msg + 10, KID, 17);
	assert_memory_equal(f->msg + 27, "\x10\x78\x18" TYP, 3 + 24);
	/* The unprotected header is empty; the payload follows. */
	assert_memory_equal(f->msg + 54, "\xa0\x43", 2);
	assert_memory_equal(f->msg + 56, payload, sizeof(payload));
}

TEST(another_purpose_is_refused, struct fixture *f)
{
	const uint8_t *p;
	size_t n;

	assert_int_equal(csn_cose_verify(f->ctx, f->key[CSN_SIGN_ML_DSA_44],
	    "application/caisson-tesT", f->msg, f->len, &p, &n),
	    CSN_E_POLICY);
	assert_int_equal(csn_cose_verify(f->ctx, f->key[CSN_SIGN_ML_DSA_44],
	    "application/caisson", f->msg, f->len, &p, &n), CSN_E_POLICY);
}

/* Nor is one whose name the other's begins with, either way. */
TEST(a_purpose_that_is_a_part_of_another_is_refused, struct fixture *f)
{
	const struct csn_sign_key *key = f->key[CSN_SIGN_ML_DSA_44];
	const uint8_t *p;
	uint8_t *msg;
	size_t len, n;

	assert_int_equal(csn_cose_sign(f->ctx, key, KID,
	    "application/caisson-t", payload, sizeof(payload), &msg, &len),
	    0);
	assert_int_equal(csn_cose_verify(f->ctx, key, TYP, msg, len, &p, &n),
	    CSN_E_POLICY);
	assert_int_equal(csn_cose_verify(f->ctx, key, "application/caisson-t",
	    msg, len, &p, &n), 0);
	csn_free(msg);
	assert_int_equal(csn_cose_verify(f->ctx, key,
	    TYP "s", f->msg, f->len, &p, &n), CSN_E_POLICY);
}

TEST(another_key_is_refused, struct fixture *f)
{
	const uint8_t *p;
	size_t n;

	assert_int_equal(csn_cose_verify(f->ctx, f->stranger, TYP, f->msg,
	    f->len, &p, &n), CSN_E_SIGNATURE);
}

TEST(each_flipped_byte_is_refused, struct fixture *f)
{
	uint8_t *copy;
	size_t i;

	assert_int_equal(verify(f, f->msg, f->len), 0);
	/* A block of its own, so that a read past its end is seen. */
	assert_non_null(copy = malloc(f->len));
	for (i = 0; i < f->len; i++) {
		memcpy(copy, f->msg, f->len);
		copy[i] ^= (uint8_t)(1 << i % 8);
		assert_int_not_equal(verify(f, copy, f->len), 0);
	}
	free(copy);
}

TEST(each_truncation_and_extension_is_refused, struct fixture *f)
{
	uint8_t *copy;
	size_t i;

	for (i = 0; i < f->len; i++) {
		assert_non_null(copy = malloc(i > 0 ? i : 1));
		memcpy(copy, f->msg, i);
		assert_int_equal(verify(f, copy, i), CSN_E_FORM);
		free(copy);
	}
	assert_non_null(copy = calloc(f->len + 1, 1));
	memcpy(copy, f->msg, f->len);
	assert_int_equal(verify(f, copy, f->len + 1), CSN_E_FORM);
	free(copy);
}

/* --- messages built by hand, all with a signature that would verify ----- */

struct parts {
	const uint8_t *header;
	size_t header_len;
	const char *aad;
	uint64_t tag;
	size_t fields;
	int detached;
	int unprotected;
	size_t sig_len;		/* 0 for the right one */
};

static void
build(struct fixture *f, const struct parts *parts, struct csn_out *w)
{
	uint8_t sig[CSN_SIGN_MAX_SIGNATURE + 1] = { 0 };
	struct csn_cbor_map m;
	struct csn_out tbs;

	csn_out_init(&tbs);
	csn_cbor_array(&tbs, 4);
	csn_cbor_text(&tbs, "Signature1");
	csn_cbor_bytes(&tbs, parts->header, parts->header_len);
	csn_cbor_bytes(&tbs, parts->aad, strlen(parts->aad));
	csn_cbor_bytes(&tbs, payload, sizeof(payload));
	assert_true(csn_out_ok(&tbs));
	assert_int_equal(csn_sign(f->ctx, f->key[CSN_SIGN_ML_DSA_44], NULL, 0,
	    tbs.p, tbs.len, sig, sizeof(sig)), 0);
	csn_out_wipe(&tbs);

	csn_out_init(w);
	if (parts->tag != 0)
		csn_cbor_tag(w, parts->tag);
	csn_cbor_array(w, parts->fields);
	csn_cbor_bytes(w, parts->header, parts->header_len);
	csn_cbor_map_begin(w, &m);
	if (parts->unprotected) {
		csn_cbor_key_int(&m, 4);
		csn_cbor_bytes(w, "x", 1);
	}
	csn_cbor_map_end(&m);
	if (parts->detached)
		csn_put_u8(w, 0xf6);	/* null */
	else
		csn_cbor_bytes(w, payload, sizeof(payload));
	csn_cbor_bytes(w, sig, parts->sig_len != 0 ? parts->sig_len :
	    csn_sign_signature_size(CSN_SIGN_ML_DSA_44));
	if (parts->fields == 5)
		csn_put_u8(w, 0xf6);	/* null */
	assert_true(csn_out_ok(w));
}

static int
verify_parts(struct fixture *f, const struct parts *parts)
{
	struct csn_out w;
	int rc;

	build(f, parts, &w);
	rc = verify(f, w.p, w.len);
	csn_out_wipe(&w);
	return rc;
}

/* A header with one member more or less than usual. */
static void
header(struct csn_out *w, int64_t alg, int with_kid, int with_typ,
    int64_t extra)
{
	struct csn_cbor_map m;

	csn_out_init(w);
	csn_cbor_map_begin(w, &m);
	if (alg != 0) {
		csn_cbor_key_int(&m, 1);
		csn_cbor_int(w, alg);
	}
	if (with_kid) {
		csn_cbor_key_int(&m, 4);
		csn_cbor_bytes(w, KID, strlen(KID));
	}
	if (with_typ) {
		csn_cbor_key_int(&m, 16);
		csn_cbor_text(w, TYP);
	}
	if (extra == 2) {
		csn_cbor_key_int(&m, 2);
		csn_cbor_array(w, 1);
		csn_cbor_int(w, 16);
	} else if (extra != 0) {
		csn_cbor_key_int(&m, extra);
		csn_cbor_text(w, "x");
	}
	csn_cbor_map_end(&m);
	assert_true(csn_out_ok(w));
}

TEST(messages_of_another_shape_are_refused, struct fixture *f)
{
	struct parts good = { .aad = TYP, .tag = 18, .fields = 4 }, p;
	struct csn_out h;

	header(&h, -48, 1, 1, 0);
	good.header = h.p;
	good.header_len = h.len;
	assert_int_equal(verify_parts(f, &good), 0);

	p = good;
	p.tag = 0;		/* untagged */
	assert_int_equal(verify_parts(f, &p), CSN_E_FORM);
	p.tag = 98;		/* COSE_Sign */
	assert_int_equal(verify_parts(f, &p), CSN_E_FORM);
	p = good;
	p.fields = 5;
	assert_int_equal(verify_parts(f, &p), CSN_E_FORM);
	p = good;
	p.detached = 1;
	assert_int_equal(verify_parts(f, &p), CSN_E_FORM);
	p = good;
	p.unprotected = 1;	/* signed by nobody */
	assert_int_equal(verify_parts(f, &p), CSN_E_FORM);
	p = good;
	p.sig_len = 2419;
	assert_int_equal(verify_parts(f, &p), CSN_E_FORM);
	p.sig_len = 2421;
	assert_int_equal(verify_parts(f, &p), CSN_E_FORM);
	/* The typ in the header, but nothing bound as external data. */
	p = good;
	p.aad = "";
	assert_int_equal(verify_parts(f, &p), CSN_E_SIGNATURE);
	p = good;
	p.header_len = 0;
	assert_int_equal(verify_parts(f, &p), CSN_E_FORM);
	csn_out_wipe(&h);
}

TEST(headers_of_another_shape_are_refused, struct fixture *f)
{
	static const struct {
		int64_t alg;
		int kid;
		int typ;
		int64_t extra;
		int code;
	} cases[] = {
		{ -48, 1, 1, 0, 0 },
		{ -48, 1, 1, 2, CSN_E_FORM },	/* crit */
		{ -48, 1, 1, 3, CSN_E_FORM },	/* content type */
		{ -48, 1, 1, 33, CSN_E_FORM },	/* x5chain */
		{ -48, 1, 1, -70000, CSN_E_FORM },
		{ -48, 0, 1, 0, CSN_E_FORM },
		{ -48, 1, 0, 0, CSN_E_FORM },
		{ 0, 1, 1, 0, CSN_E_FORM },
		{ -49, 1, 1, 0, CSN_E_FORM },	/* its signature is longer */
		{ -7, 1, 1, 0, CSN_E_ALGORITHM }, /* ES256 */
		{ 5, 1, 1, 0, CSN_E_ALGORITHM }, /* HMAC */
	};
	struct parts p = { .aad = TYP, .tag = 18, .fields = 4 };
	struct csn_out h;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		header(&h, cases[i].alg, cases[i].kid, cases[i].typ,
		    cases[i].extra);
		p.header = h.p;
		p.header_len = h.len;
		assert_int_equal(verify_parts(f, &p), cases[i].code);
		csn_out_wipe(&h);
	}
}

TEST(encodings_that_are_not_deterministic_are_refused, struct fixture *f)
{
	/* {4: kid, 1: -48, 16: typ}: unsorted. */
	static const uint8_t unsorted[] = "\xa3\x04\x41x\x01\x38\x2f\x10\x78"
	    "\x18" TYP;
	/* {1: -48 in a longer head than it needs, …}. */
	static const uint8_t longer[] = "\xa3\x01\x39\x00\x2f\x04\x41x\x10"
	    "\x78\x18" TYP;
	/* {1: -48, 1: -48, 4: kid, 16: typ}: alg twice. */
	static const uint8_t twice[] = "\xa4\x01\x38\x2f\x01\x38\x2f\x04\x41x"
	    "\x10\x78\x18" TYP;
	/* A map of indefinite length. */
	static const uint8_t open[] = "\xbf\x01\x38\x2f\x04\x41x\x10\x78\x18"
	    TYP "\xff";
	/* A byte behind the map. */
	static const uint8_t behind[] = "\xa3\x01\x38\x2f\x04\x41x\x10\x78"
	    "\x18" TYP "\x00";
	struct parts p = { .aad = TYP, .tag = 18, .fields = 4 };
	const struct {
		const uint8_t *header;
		size_t len;
	} cases[] = {
		{ unsorted, sizeof(unsorted) - 1 },
		{ longer, sizeof(longer) - 1 },
		{ twice, sizeof(twice) - 1 },
		{ open, sizeof(open) - 1 },
		{ behind, sizeof(behind) - 1 },
	};
	uint8_t *copy;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		p.header = cases[i].header;
		p.header_len = cases[i].len;
		assert_int_equal(verify_parts(f, &p), CSN_E_FORM);
	}
	/* The tag 18 in two bytes: the same message, spelt another way. */
	assert_non_null(copy = malloc(f->len + 1));
	copy[0] = 0xd8;
	copy[1] = 18;
	memcpy(copy + 2, f->msg + 1, f->len - 1);
	assert_int_equal(verify(f, copy, f->len + 1), CSN_E_FORM);
	free(copy);
}

TEST(arguments_and_limits_are_checked, struct fixture *f)
{
	const struct csn_sign_key *key = f->key[CSN_SIGN_ML_DSA_44];
	uint8_t pk[CSN_SIGN_MAX_PUBLIC], *msg = NULL, *big;
	struct csn_sign_key *public;
	char longer[5000];
	size_t len;

	memset(longer, 'a', sizeof(longer));
	longer[256] = '\0';
	assert_int_equal(csn_cose_sign(f->ctx, key, KID, longer, payload, 3,
	    &msg, &len), CSN_E_ARG);
	assert_int_equal(csn_cose_sign(f->ctx, key, KID, "", payload, 3,
	    &msg, &len), CSN_E_ARG);
	longer[256] = 'a';
	longer[4096] = '\0';
	assert_int_equal(csn_cose_sign(f->ctx, key, longer, TYP, payload, 3,
	    &msg, &len), CSN_E_ARG);
	assert_int_equal(csn_cose_sign(f->ctx, key, "", TYP, payload, 3,
	    &msg, &len), CSN_E_ARG);
	assert_int_equal(csn_cose_sign(f->ctx, NULL, KID, TYP, payload, 3,
	    &msg, &len), CSN_E_ARG);
	assert_int_equal(csn_sign_public(f->ctx, key, pk, sizeof(pk)), 0);
	assert_int_equal(csn_sign_from_public(f->ctx, CSN_SIGN_ML_DSA_44, pk,
	    csn_sign_public_size(CSN_SIGN_ML_DSA_44), &public), 0);
	assert_int_equal(csn_cose_sign(f->ctx, public, KID, TYP, payload, 3,
	    &msg, &len), CSN_E_ARG);
	csn_sign_free(public);
	assert_non_null(big = calloc(CSN_COSE_MAX + 1, 1));
	assert_int_equal(csn_cose_sign(f->ctx, key, KID, TYP, big,
	    CSN_COSE_MAX, &msg, &len), CSN_E_LIMIT);
	assert_int_equal(verify(f, big, CSN_COSE_MAX + 1), CSN_E_LIMIT);
	free(big);
	assert_null(msg);
	assert_int_equal(verify(f, NULL, 0), CSN_E_FORM);
}

TEST(an_empty_payload_is_a_payload, struct fixture *f)
{
	uint8_t *msg;
	size_t len;

	assert_int_equal(csn_cose_sign(f->ctx, f->key[CSN_SIGN_ML_DSA_44],
	    KID, TYP, NULL, 0, &msg, &len), 0);
	assert_int_equal(verify(f, msg, len), 0);
	csn_free(msg);
}
