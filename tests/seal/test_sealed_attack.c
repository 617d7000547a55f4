/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/test_sealed_attack.c - files sealed to identities, attacked. */
#include "base/cbor.h"
#include "crypto/crypto.h"
#include "evidence/cose.h"
#include "identity/people.h"
#include "lib/test.h"
#include "seal/files.h"
#include "envelope/message.h"
#include "seal/sealed.h"
#include "seal/streams.h"
#include "session/scan.h"

#define SEG FILES_SEGMENT
#define LEN (2 * SEG + 50)

struct fixture {
	struct csn_ctx *ctx;
	struct csn_identity *alice, *bob, *carol, *mallory;
	struct csn_trust *trust;	/* alice and mallory seal */
	uint8_t *data;
	struct files_sealed a, b;	/* alice to bob, twice */
};

static void
setup(struct fixture *f)
{
	const struct csn_identity *to[1];

	f->ctx = people_ctx();
	f->alice = people_quick(f->ctx, 1, "alice");
	f->bob = people_quick(f->ctx, 2, "bob");
	f->carol = people_quick(f->ctx, 3, "carol");
	f->mallory = people_quick(f->ctx, 4, "mallory");
	assert_int_equal(csn_trust_new(f->ctx, &f->trust), 0);
	people_trust(f->ctx, f->trust, f->alice, CSN_PURPOSE_SEALER);
	people_trust(f->ctx, f->trust, f->mallory, CSN_PURPOSE_SEALER);
	people_trust(f->ctx, f->trust, f->carol, CSN_PURPOSE_SERVER);
	f->data = streams_data(LEN);
	to[0] = f->bob;
	files_seal(f->ctx, f->alice, to, 1, "t", f->data, LEN, LEN, &f->a);
	files_seal(f->ctx, f->alice, to, 1, "t", f->data, LEN, LEN, &f->b);
}

static void
teardown(struct fixture *f)
{
	files_free(&f->a);
	files_free(&f->b);
	free(f->data);
	csn_trust_free(f->trust);
	csn_identity_free(f->alice);
	csn_identity_free(f->bob);
	csn_identity_free(f->carol);
	csn_identity_free(f->mallory);
	csn_ctx_free(f->ctx);
}

SHARED_FIXTURE(struct fixture, setup, teardown);

static int
refused(struct fixture *f, const uint8_t *p, size_t len)
{
	return files_refused(f->ctx, f->bob, f->trust, p, len, f->data, LEN);
}

TEST(every_changed_byte_is_seen, struct fixture *f)
{
	size_t at, i, step;

	for (at = 0; at < f->a.len; at += step) {
		/* Prefix and beginning of the header whole, the rest by
		 * samples; heads and tags follow. */
		step = at < 200 ? 1 : 53;
		f->a.p[at] ^= (uint8_t)(1u << at % 8);
		(void)refused(f, f->a.p, f->a.len);
		f->a.p[at] ^= (uint8_t)(1u << at % 8);
	}
	for (i = 1; i <= f->a.n; i++)
		for (at = f->a.at[i] - 17; at < f->a.at[i] + 40; at++) {
			f->a.p[at] ^= (uint8_t)(1u << at % 8);
			(void)refused(f, f->a.p, f->a.len);
			f->a.p[at] ^= (uint8_t)(1u << at % 8);
		}
}

TEST(a_cut_file_is_refused, struct fixture *f)
{
	size_t i;

	assert_int_equal(refused(f, f->a.p, 0), CSN_E_FORM);
	assert_int_equal(refused(f, f->a.p, 8), CSN_E_FORM);
	assert_int_equal(refused(f, f->a.p, 9), CSN_E_FORM);
	assert_int_equal(refused(f, f->a.p, f->a.at[0] - 1), CSN_E_FORM);
	/* At each boundary and a byte beside it. */
	for (i = 0; i <= f->a.n; i++) {
		assert_int_equal(refused(f, f->a.p, f->a.at[i] - 1),
		    CSN_E_FORM);
		assert_int_equal(refused(f, f->a.p, f->a.at[i]), CSN_E_FORM);
		assert_int_equal(refused(f, f->a.p, f->a.at[i] + 1),
		    CSN_E_FORM);
		assert_int_equal(refused(f, f->a.p, f->a.at[i] + 4),
		    CSN_E_FORM);
	}
	assert_int_equal(refused(f, f->a.p, f->a.len - 1), CSN_E_FORM);
}

TEST(a_longer_file_is_refused, struct fixture *f)
{
	struct files_opened opened;
	uint8_t *p = malloc(f->a.len + 1);

	assert_non_null(p);
	memcpy(p, f->a.p, f->a.len);
	p[f->a.len] = 0;
	assert_int_equal(refused(f, p, f->a.len + 1), CSN_E_FORM);
	assert_int_equal(files_open(f->ctx, f->bob, f->trust, p, f->a.len,
	    77, &opened), 0);
	files_wipe(&opened);
	free(p);
}

/* A file from pieces of a and b: "HA H0 H1 ...". The error of opening it. */
static int
mixed(struct fixture *f, const char *recipe)
{
	struct files_sealed *from;
	size_t begin, end;
	struct csn_out w;
	int rc;

	csn_out_init(&w);
	for (; *recipe != '\0'; recipe += 2) {
		from = recipe[0] == 'a' ? &f->a : &f->b;
		if (recipe[1] == 'h') {
			begin = 0;
			end = from->at[0];
		} else if (recipe[1] == 't') {
			begin = from->at[from->n];
			end = from->len;
		} else {
			begin = from->at[recipe[1] - '0'];
			end = from->at[recipe[1] - '0' + 1];
		}
		csn_put_bytes(&w, from->p + begin, end - begin);
	}
	rc = refused(f, w.p, w.len);
	csn_out_wipe(&w);
	return rc;
}

TEST(parts_of_files_are_no_file, struct fixture *f)
{
	assert_int_equal(f->a.n, 3);
	/* Swapped, twice, left out. */
	assert_int_equal(mixed(f, "aha1a0a2at"), CSN_E_TAG);
	assert_int_equal(mixed(f, "aha0a0a1a2at"), CSN_E_TAG);
	assert_int_equal(mixed(f, "aha0a2at"), CSN_E_TAG);
	assert_int_equal(mixed(f, "aha1a2at"), CSN_E_TAG);
	assert_int_equal(mixed(f, "aha2at"), CSN_E_TAG);
	/* Without an end, or with two. */
	assert_int_equal(mixed(f, "aha0a1at"), CSN_E_FORM);
	assert_int_equal(mixed(f, "aha0a1a2a2at"), CSN_E_FORM);
	assert_int_equal(mixed(f, "ahat"), CSN_E_FORM);
	/* The header of one, the body of another, both by alice for bob. */
	assert_int_equal(mixed(f, "ahb0b1b2at"), CSN_E_TAG);
	assert_int_equal(mixed(f, "aha0b1a2at"), CSN_E_TAG);
	assert_int_equal(mixed(f, "bha0a1a2at"), CSN_E_TAG);
	/* Another file's trailer. */
	assert_int_equal(mixed(f, "aha0a1a2bt"), CSN_E_SIGNATURE);
	assert_int_equal(mixed(f, "aha0a1a2atat"), CSN_E_FORM);
}

TEST(the_final_flag_is_bound, struct fixture *f)
{
	uint8_t *flag = &f->a.p[f->a.at[1] + 3];

	/* A full segment that claims to be the last, and the other way. */
	*flag ^= 0x80;
	assert_int_equal(refused(f, f->a.p, f->a.len), CSN_E_TAG);
	*flag ^= 0x80;
	flag = &f->a.p[f->a.at[2] + 3];
	*flag ^= 0x80;
	assert_int_equal(refused(f, f->a.p, f->a.len), CSN_E_FORM);
	*flag ^= 0x80;
}

TEST(only_recipients_and_trusted_sealers, struct fixture *f)
{
	const struct csn_identity *to[] = { f->bob };
	struct files_sealed by;
	struct csn_trust *none;

	assert_int_equal(files_refused(f->ctx, f->carol, f->trust, f->a.p,
	    f->a.len, f->data, LEN), CSN_E_NOT_FOUND);
	assert_int_equal(csn_trust_new(f->ctx, &none), 0);
	assert_int_equal(files_refused(f->ctx, f->bob, none, f->a.p,
	    f->a.len, f->data, LEN), CSN_E_SIGNER);
	csn_trust_free(none);
	/* Trusted, but not as one who seals. */
	files_seal(f->ctx, f->carol, to, 1, NULL, f->data, LEN, LEN, &by);
	assert_int_equal(refused(f, by.p, by.len), CSN_E_SIGNER);
	files_free(&by);
}

/* The header's payload as it was signed. */
static struct csn_cose
header_of(struct fixture *f, const struct files_sealed *s)
{
	struct csn_cose cose;

	assert_int_equal(csn_cose_parse(f->ctx, s->p + s->header,
	    s->at[0] - s->header, &cose), 0);
	return cose;
}

static int
nothing_yet(void *arg, const uint8_t *p, size_t len)
{
	(void)arg;
	(void)p;
	(void)len;
	fail_msg("plaintext came of a header");
	return CSN_E_ARG;
}

/* What bob's opener says of a header alone, before any segment is there. */
static int
header_alone(struct fixture *f, const uint8_t *p, size_t len)
{
	struct csn_opener *o;
	int rc;

	assert_int_equal(csn_opener_new(f->ctx, f->bob, f->trust, NULL, &o),
	    0);
	rc = csn_opener_update(o, p, len, nothing_yet, NULL);
	csn_opener_free(o);
	return rc;
}

/* Of with_header()'s last file. */
static int header_said;

/* A's file with another header, signed by who. */
static int
with_header(struct fixture *f, const struct csn_identity *who,
    const char *typ, const uint8_t *payload, size_t len)
{
	struct csn_out w;
	uint8_t *cose;
	size_t n;
	int rc;

	assert_int_equal(csn_cose_sign(f->ctx, csn_identity_sign_key(who),
	    csn_identity_alias(who), typ, payload, len, &cose, &n), 0);
	csn_out_init(&w);
	csn_put_bytes(&w, "CSNF\1", 5);
	csn_put_u32(&w, (uint32_t)n);
	csn_put_bytes(&w, cose, n);
	csn_free(cose);
	header_said = header_alone(f, w.p, w.len);
	csn_put_bytes(&w, f->a.p + f->a.at[0], f->a.len - f->a.at[0]);
	rc = refused(f, w.p, w.len);
	csn_out_wipe(&w);
	return rc;
}

TEST(nobody_else_signs_for_the_sealer, struct fixture *f)
{
	struct csn_cose h = header_of(f, &f->a);

	/* Mallory is trusted to seal, and would claim alice's file. */
	assert_int_equal(with_header(f, f->mallory, CSN_SEALED_TYP,
	    h.payload, h.payload_len), CSN_E_SIGNER);
	/* Alice's signature for another purpose is none for this. */
	assert_int_equal(with_header(f, f->alice, CSN_SEALED_END_TYP,
	    h.payload, h.payload_len), CSN_E_POLICY);
	/* Signed again by alice: another header, other keys' AAD. */
	assert_int_equal(with_header(f, f->alice, CSN_SEALED_TYP,
	    h.payload, h.payload_len), CSN_E_TAG);
	assert_int_equal(header_said, 0);
}

/* Write the header's payload again from h, with any commitment. */
static int
rewritten(struct fixture *f, const struct csn_identity *who,
    const struct csn_sealed *h, const struct csn_out *fixed,
    const uint8_t commitment[32])
{
	struct csn_out w;
	size_t i;
	int rc;

	csn_out_init(&w);
	csn_cbor_array(&w, 3);
	csn_cbor_bytes(&w, fixed->p, fixed->len);
	csn_cbor_array(&w, h->n);
	for (i = 0; i < h->n; i++)
		csn_sealed_put_recipient(&w, &h->recipients[i]);
	csn_cbor_bytes(&w, commitment, 32);
	rc = with_header(f, who, CSN_SEALED_TYP, w.p, w.len);
	csn_out_wipe(&w);
	return rc;
}

TEST(each_member_of_the_header_is_bound, struct fixture *f)
{
	struct csn_cose cose = header_of(f, &f->a);
	struct csn_sealed h, c;
	struct csn_out fixed;
	uint8_t commitment[32], wrap[CSN_WRAP_SIZE];
	uint8_t ct[CSN_KEM_MAX_CIPHERTEXT];
	int i;

	assert_int_equal(csn_sealed_read(f->ctx, cose.payload,
	    cose.payload_len, &h), 0);
	memcpy(commitment, h.commitment, 32);
	memcpy(wrap, h.recipients[0].wrap, sizeof(wrap));
	memcpy(ct, h.recipients[0].ct, h.recipients[0].ct_len);
	/* All of it signed by the sealer itself, so the keys must tell. */
	for (i = 0; i < 9; i++) {
		c = h;
		if (i == 0)
			c.id[0] ^= 1;
		if (i == 1)
			c.segment *= 2;
		if (i == 2)
			c.created_s++;
		if (i == 3) {
			c.type = "u";
			c.type_len = 1;
		}
		if (i == 4)
			c.type = NULL;
		if (i == 5) {
			c.recipients[0].wrap = wrap;
			wrap[7] ^= 1;
		}
		if (i == 6) {
			c.recipients[0].ct = ct;
			ct[7] ^= 1;
		}
		/* A second recipient that the commitment does not know. */
		if (i == 7) {
			c.n = 2;
			c.recipients[1] = h.recipients[0];
			c.recipients[1].alias = csn_identity_alias(f->carol);
		}
		if (i == 8)
			commitment[31] ^= 1;
		csn_out_init(&fixed);
		csn_sealed_put_fixed(&fixed, &c);
		assert_int_equal(rewritten(f, f->alice, &c, &fixed,
		    commitment), CSN_E_TAG);
		/* The wrap and the commitment tell, before AES runs. */
		assert_int_equal(header_said, CSN_E_TAG);
		csn_out_wipe(&fixed);
	}
	/* Mallory's own name inside: then the wrap is not for that. */
	commitment[31] ^= 1;
	c = h;
	c.sealer = csn_identity_alias(f->mallory);
	csn_out_init(&fixed);
	csn_sealed_put_fixed(&fixed, &c);
	assert_int_equal(rewritten(f, f->mallory, &c, &fixed, commitment),
	    CSN_E_TAG);
	csn_out_wipe(&fixed);
}

TEST(headers_out_of_their_limits_are_refused, struct fixture *f)
{
	struct csn_cose cose = header_of(f, &f->a);
	struct csn_sealed h, c;
	struct csn_out fixed;
	uint8_t big[CSN_SEALED_PREFIX] = "CSNF\1";
	int i;

	assert_int_equal(csn_sealed_read(f->ctx, cose.payload,
	    cose.payload_len, &h), 0);
	for (i = 0; i < 7; i++) {
		c = h;
		if (i == 0)
			c.segment = 5000;
		if (i == 1)
			c.segment = 1u << 27;
		if (i == 2)
			c.created_s = 0;
		if (i == 3)
			c.created_s = UINT64_MAX;
		if (i == 4)
			c.n = 0;
		if (i == 5)
			c.recipients[0].kem = 5;
		if (i == 6)
			c.recipients[0].ct_len--;
		csn_out_init(&fixed);
		csn_sealed_put_fixed(&fixed, &c);
		assert_int_equal(rewritten(f, f->alice, &c, &fixed,
		    h.commitment), CSN_E_FORM);
		csn_out_wipe(&fixed);
	}
	csn_store32(big + 5, CSN_SEALED_HEADER_MAX + 1);
	assert_int_equal(refused(f, big, sizeof(big)), CSN_E_FORM);
	csn_store32(big + 5, 0);
	assert_int_equal(refused(f, big, sizeof(big)), CSN_E_FORM);
	big[4] = 2;
	assert_int_equal(refused(f, big, sizeof(big)), CSN_E_VERSION);
}

/* As bob: the key of the segments of a's file. */
static void
key_of(struct fixture *f, uint8_t key[CSN_KEY_SIZE])
{
	uint8_t secret[CSN_KEM_SECRET_SIZE], kek[CSN_KEY_SIZE];
	uint8_t data[CSN_KEY_SIZE], commitment[CSN_HASH_SIZE];
	struct csn_cose cose = header_of(f, &f->a);
	struct csn_sealed h;

	assert_int_equal(csn_sealed_read(f->ctx, cose.payload,
	    cose.payload_len, &h), 0);
	assert_int_equal(csn_kem_decapsulate(f->ctx,
	    csn_identity_kem_key(f->bob), h.recipients[0].ct,
	    h.recipients[0].ct_len, secret), 0);
	assert_int_equal(csn_sealed_kek(f->ctx, &h.recipients[0], h.fixed,
	    h.fixed_len, secret, kek), 0);
	assert_int_equal(csn_key_unwrap(f->ctx, kek, h.recipients[0].wrap,
	    data), 0);
	assert_int_equal(csn_sealed_keys(f->ctx, data, h.fixed, h.fixed_len,
	    h.list, h.list_len, key, commitment), 0);
	assert_memory_equal(commitment, h.commitment, 32);
}

TEST(a_recipient_cannot_pass_on_other_bytes, struct fixture *f)
{
	uint8_t key[CSN_KEY_SIZE], aad[CSN_SEALED_AAD], hash[CSN_HASH_SIZE];
	uint8_t nonce[CSN_NONCE_SIZE], text[SEG], was[SEG + 16];
	uint8_t *body = f->a.p + f->a.at[1] + 4;
	struct files_opened opened;

	key_of(f, key);
	assert_int_equal(csn_sha3_256(f->ctx, f->a.p, f->a.at[0], hash), 0);
	csn_sealed_aad(aad, hash, 1, 0);
	csn_nonce(nonce, 1);
	memcpy(was, body, sizeof(was));
	memset(text, 'X', sizeof(text));
	/* A segment that opens, because bob has the key... */
	assert_int_equal(csn_aead_seal(f->ctx, key, nonce, aad, sizeof(aad),
	    text, SEG, body, body + SEG), 0);
	assert_int_equal(files_open(f->ctx, f->bob, f->trust, f->a.p,
	    f->a.len, 4096, &opened), CSN_E_SIGNATURE);
	/* ...and is provisional for ever: alice never signed it. */
	assert_int_equal(opened.len, 2 * SEG);
	assert_memory_equal(opened.p + SEG, text, SEG);
	files_wipe(&opened);
	memcpy(body, was, sizeof(was));
	assert_int_equal(files_open(f->ctx, f->bob, f->trust, f->a.p,
	    f->a.len, 4096, &opened), 0);
	files_wipe(&opened);
}

/* A's file with another trailer. */
static int
with_trailer(struct fixture *f, const struct csn_identity *who,
    const char *typ, uint64_t segments, uint64_t total)
{
	size_t end = f->a.at[f->a.n], n;
	uint8_t hash[CSN_HASH_SIZE], *cose;
	struct csn_out w, payload;
	int rc;

	assert_int_equal(csn_sha3_256(f->ctx, f->a.p, end, hash), 0);
	csn_out_init(&payload);
	csn_cbor_array(&payload, 3);
	csn_cbor_bytes(&payload, hash, sizeof(hash));
	csn_cbor_uint(&payload, segments);
	csn_cbor_uint(&payload, total);
	assert_int_equal(csn_cose_sign(f->ctx, csn_identity_sign_key(who),
	    csn_identity_alias(who), typ, payload.p, payload.len, &cose, &n),
	    0);
	csn_out_init(&w);
	csn_put_bytes(&w, f->a.p, end);
	csn_put_u32(&w, (uint32_t)n);
	csn_put_bytes(&w, cose, n);
	rc = files_refused(f->ctx, f->bob, f->trust, w.p, w.len, f->data,
	    LEN);
	csn_free(cose);
	csn_out_wipe(&w);
	csn_out_wipe(&payload);
	return rc;
}

TEST(the_trailer_is_the_sealers, struct fixture *f)
{
	assert_int_equal(with_trailer(f, f->mallory, CSN_SEALED_END_TYP, 3,
	    LEN), CSN_E_SIGNER);
	assert_int_equal(with_trailer(f, f->alice, CSN_SEALED_TYP, 3, LEN),
	    CSN_E_POLICY);
	assert_int_equal(with_trailer(f, f->alice, CSN_SEALED_END_TYP, 2,
	    LEN), CSN_E_SIGNATURE);
	assert_int_equal(with_trailer(f, f->alice, CSN_SEALED_END_TYP, 3,
	    LEN + 1), CSN_E_SIGNATURE);
}

static int
drop(void *arg, const uint8_t *p, size_t len)
{
	(void)arg;
	(void)p;
	(void)len;
	return 0;
}

/* It waits, opened, for the sealer's signature, which does not hold. */
TEST(the_last_segment_of_a_refused_file_is_wiped, struct fixture *f)
{
	const struct csn_identity *to[1] = { f->bob };
	uint8_t *secret;
	struct csn_opener *opener;
	struct files_sealed sealed;
	struct needle n;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	secret = streams_data(LEN);
	assert_int_equal(csn_random(f->ctx, secret + LEN - 40, 40), 0);
	files_seal(f->ctx, f->alice, to, 1, "t", secret, LEN, LEN, &sealed);
	needle_set(&n, secret + LEN - 40, 32);
	csn_wipe(secret, LEN);
	free(secret);
	assert_int_equal(needle_count(&n), 0);
	sealed.p[sealed.len - 9] ^= 1;
	assert_int_equal(csn_opener_new(f->ctx, f->bob, f->trust, NULL,
	    &opener), 0);
	assert_int_not_equal(csn_opener_update(opener, sealed.p, sealed.len,
	    drop, NULL), 0);
	assert_int_equal(needle_count(&n), 0);
	csn_opener_free(opener);
	assert_int_equal(needle_count(&n), 0);
	files_free(&sealed);
}
