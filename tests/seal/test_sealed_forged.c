/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/seal/test_sealed_forged.c - what who has a file's key makes of it, and
 * what its sealer itself may not sign.
 */
#include <openssl/evp.h>

#include "base/cbor.h"
#include "crypto/crypto.h"
#include "evidence/cose.h"
#include "lib/test.h"
#include "seal/accept.h"
#include "seal/attack.h"
#include "seal/foot.h"

SHARED_FIXTURE(struct fixture, attack_setup, attack_teardown);

static int
refused(struct fixture *f, const uint8_t *p, size_t len)
{
	return files_refused(f->ctx, f->bob, f->trust, p, len, f->data, LEN);
}

/* As bob: what opens and seals the segments of a's file. */
static void
as_bob(struct fixture *f, struct csn_accepted *a)
{
	const struct csn_judge judge = { .ctx = f->ctx, .identity = f->bob,
	    .trust = f->trust };

	memset(a, 0, sizeof(*a));
	assert_int_equal(csn_accept(&judge, f->a.p, f->a.at[0], a), 0);
}

static int
gather(void *arg, const uint8_t *p, size_t len)
{
	csn_put_bytes(arg, p, len);
	return 0;
}

struct at_hand {
	struct csn_reader bytes;
	struct csn_sealed_io source;
	struct csn_sealed *sealed;
};

static int
read_bytes(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	const struct csn_reader *r = arg;

	assert_true(offset <= r->left && len <= r->left - offset);
	memcpy(p, r->p + offset, len);
	*got = len;
	return 0;
}

static void
take_in_hand(struct fixture *f, struct at_hand *h)
{
	h->bytes = (struct csn_reader){ .p = f->a.p, .left = f->a.len };
	h->source = (struct csn_sealed_io){ .size = sizeof(h->source),
	    .flags = CSN_IO_ANYWHERE, .arg = &h->bytes, .read = read_bytes,
	    .length = f->a.len };
	assert_int_equal(csn_sealed_new(f->ctx, f->bob, f->trust, NULL,
	    &h->source, &h->sealed), 0);
}

/* A range of the file, at hand: 100 bytes of segment 0, and of segment 1. */
static void
ranges_tell(struct fixture *f, int first, int second)
{
	uint8_t out[100], zero[100] = { 0 };
	struct at_hand h;
	size_t got;

	take_in_hand(f, &h);
	assert_int_equal(csn_sealed_read(h.sealed, 5, out, sizeof(out), &got),
	    first);
	if (first == 0)
		assert_memory_equal(out, f->data + 5, sizeof(out));
	assert_int_equal(csn_sealed_read(h.sealed, SEG + 5, out, sizeof(out),
	    &got), second);
	if (second != 0)
		assert_memory_equal(out, zero, sizeof(out));
	/* Over the border of both. */
	assert_int_equal(csn_sealed_read(h.sealed, SEG - 50, out,
	    sizeof(out), &got), first != 0 ? first : second);
	csn_sealed_free(h.sealed);
}

TEST(a_recipient_cannot_pass_on_other_bytes, struct fixture *f)
{
	uint8_t was[SEG + CSN_BODY_RECORD], root[32];
	uint8_t *record = f->a.p + f->a.at[1];
	struct csn_accepted a;
	struct csn_worker w;
	struct files_opened opened;

	as_bob(f, &a);
	assert_int_equal(csn_worker_init(&w, &a.body), 0);
	memcpy(was, record, sizeof(was));
	memset(w.text, 'X', SEG);
	/* A segment that opens, because bob has the key... */
	assert_int_equal(csn_worker_seal(&w, 1, SEG, 0, root, NULL), 0);
	memcpy(record, w.record, sizeof(was));
	assert_int_equal(files_open(f->ctx, f->bob, f->trust, f->a.p,
	    f->a.len, 4096, &opened), CSN_E_SIGNATURE);
	/* ...and is provisional for ever: alice never signed it. */
	assert_int_equal(opened.len, 2 * SEG);
	memset(was, 'X', SEG);
	assert_memory_equal(opened.p + SEG, was, SEG);
	files_wipe(&opened);
	ranges_tell(f, 0, CSN_E_SIGNATURE);
	/* Not with a table that fits either, whose root alice signed. */
	memcpy(f->a.p + f->a.at[f->a.n] + 32, root, 32);
	assert_int_equal(files_open(f->ctx, f->bob, f->trust, f->a.p,
	    f->a.len, 4096, &opened), CSN_E_SIGNATURE);
	files_wipe(&opened);
	csn_worker_clear(&w);
	csn_accepted_clear(&a);
	attack_again(f);
}

/* --- other bytes under the very same tag ------------------------------- */

struct block {
	uint64_t high, low;
};

static struct block
block_of(const uint8_t p[16])
{
	struct block b = { 0, 0 };
	size_t i;

	for (i = 0; i < 8; i++) {
		b.high = b.high << 8 | p[i];
		b.low = b.low << 8 | p[8 + i];
	}
	return b;
}

/* In GF(2^128) as SP 800-38D has it. */
static struct block
times(struct block x, struct block y)
{
	struct block z = { 0, 0 };
	uint64_t carry;
	int i;

	for (i = 0; i < 128; i++) {
		if (((i < 64 ? x.high >> (63 - i) : x.low >> (127 - i)) &
		    1) != 0) {
			z.high ^= y.high;
			z.low ^= y.low;
		}
		carry = y.low & 1;
		y.low = y.low >> 1 | y.high << 63;
		y.high = y.high >> 1 ^ (carry != 0 ?
		    UINT64_C(0xe1) << 56 : 0);
	}
	return z;
}

static void
add_to(uint8_t p[16], struct block b)
{
	size_t i;

	for (i = 0; i < 8; i++) {
		p[i] ^= (uint8_t)(b.high >> (56 - 8 * i));
		p[8 + i] ^= (uint8_t)(b.low >> (56 - 8 * i));
	}
}

/* GHASH's key of the file's first run: AES of zero. */
static struct block
hash_key(const struct csn_body *body)
{
	EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
	uint8_t key[CSN_KEY_SIZE], zero[16] = { 0 }, h[32];
	int n;

	assert_int_equal(csn_body_key(body, "caisson v2 sealed run",
	    &body->runs[0], key), 0);
	assert_non_null(aes);
	assert_int_equal(EVP_EncryptInit_ex(aes, EVP_aes_256_ecb(), NULL, key,
	    NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(aes, h, &n, zero, 16), 1);
	EVP_CIPHER_CTX_free(aes);
	return block_of(h);
}

/*
 * Who has the key writes what it likes into the first block of a segment and
 * mends the last one, so that the tag stays as it is.
 */
static void
forge(const struct csn_body *body, uint8_t *record, const uint8_t *was,
    const char want[17])
{
	uint8_t *ct = record + CSN_BODY_HEAD, change[16];
	struct block h = hash_key(body), weight = { UINT64_C(1) << 63, 0 };
	size_t i;

	for (i = 0; i < 16; i++)
		change[i] = (uint8_t)(was[i] ^ want[i]);
	for (i = 1; i < SEG / 16; i++)
		weight = times(weight, h);
	add_to(ct, block_of(change));
	add_to(ct + SEG - 16, times(block_of(change), weight));
}

TEST(other_bytes_under_the_same_tag_are_refused, struct fixture *f)
{
	const char want[17] = "PAY MALLORY 1000";
	uint8_t *record = f->a.p + f->a.at[1], tag[16];
	struct files_opened opened;
	struct csn_accepted a;

	as_bob(f, &a);
	memcpy(tag, record + CSN_BODY_HEAD + SEG, 16);
	forge(&a.body, record, f->data + SEG, want);
	/* The tag holds, and a root over tags would hold too. */
	assert_memory_equal(tag, record + CSN_BODY_HEAD + SEG, 16);
	assert_int_equal(files_open(f->ctx, f->bob, f->trust, f->a.p,
	    f->a.len, LEN, &opened), CSN_E_SIGNATURE);
	assert_memory_equal(opened.p + SEG, want, 16);
	files_wipe(&opened);
	ranges_tell(f, 0, CSN_E_SIGNATURE);
	csn_accepted_clear(&a);
	attack_again(f);
}

/* Which is why such a file has no reader but its sealer. */
TEST(a_root_over_tags_does_not_see_them, struct fixture *f)
{
	const char want[17] = "PAY MALLORY 1000";
	struct csn_document *self = files_document(f->ctx, f->alice);
	const struct csn_document *to[] = { self };
	struct csn_sealer_options o = { .size = sizeof(o), .segment = SEG,
	    .signer = f->alice, .recipients = to, .nrecipients = 1,
	    .integrity = CSN_SEALED_TAGS, .content_hash = CSN_CONTENT_NONE };
	struct csn_judge judge = { .ctx = f->ctx, .identity = f->alice,
	    .trust = f->trust };
	struct files_opened opened;
	struct csn_sealer *sealer;
	struct csn_accepted a;
	struct csn_out w;
	size_t front;

	csn_out_init(&w);
	assert_int_equal(csn_sealer_new(f->ctx, &o, &sealer), 0);
	assert_int_equal(csn_sealer_update(sealer, f->data, 2 * SEG, gather,
	    &w), 0);
	assert_int_equal(csn_sealer_final(sealer, gather, &w), 0);
	csn_sealer_free(sealer);
	front = CSN_SEALED_PREFIX + csn_load32(w.p + 5);
	memset(&a, 0, sizeof(a));
	assert_int_equal(csn_accept(&judge, w.p, front, &a), 0);
	forge(&a.body, w.p + front, f->data, want);
	assert_int_equal(files_open(f->ctx, f->alice, f->trust, w.p, w.len,
	    999, &opened), 0);
	assert_memory_equal(opened.p, want, 16);
	files_wipe(&opened);
	csn_accepted_clear(&a);
	csn_out_wipe(&w);
	csn_document_free(self);
}

/* A's file with another foot. */
static int
with_foot(struct fixture *f, const struct csn_identity *who, const char *typ,
    uint64_t total, int flip)
{
	uint8_t root[CSN_HASH_SIZE], sealed[48] = { 0 }, *cose;
	struct csn_accepted a;
	struct csn_foot foot;
	struct csn_out w, payload;
	size_t n;
	int rc;

	as_bob(f, &a);
	n = csn_load32(f->a.p + f->a.foot);
	assert_int_equal(csn_foot_open(&a.body, a.key, a.alias, f->a.p +
	    f->a.foot + 4, n, 1, &foot), 0);
	memcpy(root, foot.root, sizeof(root));
	memcpy(sealed, foot.sealed, foot.sealed_len);
	root[0] ^= flip == 1;
	sealed[0] ^= flip == 2;
	a.body.head_hash[0] ^= flip == 3;
	csn_out_init(&payload);
	csn_cbor_array(&payload, 6);
	csn_cbor_bytes(&payload, a.body.head_hash, CSN_HASH_SIZE);
	csn_cbor_uint(&payload, total);
	csn_cbor_bytes(&payload, root, sizeof(root));
	csn_cbor_array(&payload, flip == 4);
	if (flip == 4) {
		csn_cbor_array(&payload, 2);
		csn_cbor_uint(&payload, 1);
		csn_cbor_bytes(&payload, "0123456789abcdef", 16);
	}
	csn_cbor_uint(&payload, flip == 5 ? 2 : 1);
	csn_cbor_bytes(&payload, sealed, sizeof(sealed));
	assert_int_equal(csn_cose_sign(f->ctx, csn_identity_sign_key(who),
	    csn_identity_alias(who), typ, payload.p, payload.len, &cose, &n),
	    0);
	csn_out_init(&w);
	csn_put_bytes(&w, f->a.p, f->a.foot);
	csn_put_u32(&w, (uint32_t)n);
	csn_put_bytes(&w, cose, n);
	csn_put_u32(&w, (uint32_t)n);
	csn_put_bytes(&w, "CSNE", 4);
	rc = refused(f, w.p, w.len);
	csn_free(cose);
	csn_out_wipe(&w);
	csn_out_wipe(&payload);
	csn_accepted_clear(&a);
	return rc;
}

TEST(the_foot_is_the_sealers, struct fixture *f)
{
	assert_int_equal(with_foot(f, f->mallory, CSN_SEALED_END_TYP, LEN,
	    0), CSN_E_SIGNER);
	assert_int_equal(with_foot(f, f->alice, CSN_SEALED_TYP, LEN, 0),
	    CSN_E_POLICY);
	/* Signed by alice, and lying: a length, the root, the content hash
	 * under another key or kind, another file's head, a run. */
	assert_int_equal(with_foot(f, f->alice, CSN_SEALED_END_TYP, LEN - 1,
	    0), CSN_E_SIGNATURE);
	assert_int_equal(with_foot(f, f->alice, CSN_SEALED_END_TYP, LEN + 1,
	    0), CSN_E_SIGNATURE);
	assert_int_equal(with_foot(f, f->alice, CSN_SEALED_END_TYP,
	    UINT64_MAX, 0), CSN_E_FORM);
	assert_int_equal(with_foot(f, f->alice, CSN_SEALED_END_TYP, LEN, 1),
	    CSN_E_SIGNATURE);
	assert_int_equal(with_foot(f, f->alice, CSN_SEALED_END_TYP, LEN, 2),
	    CSN_E_TAG);
	assert_int_equal(with_foot(f, f->alice, CSN_SEALED_END_TYP, LEN, 3),
	    CSN_E_SIGNATURE);
	assert_int_equal(with_foot(f, f->alice, CSN_SEALED_END_TYP, LEN, 4),
	    CSN_E_FORM);
	assert_int_equal(with_foot(f, f->alice, CSN_SEALED_END_TYP, LEN, 5),
	    CSN_E_TAG);
}
