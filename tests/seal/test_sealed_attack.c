/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/test_sealed_attack.c - files sealed to identities, attacked. */
#include "base/cbor.h"
#include "crypto/crypto.h"
#include "evidence/cose.h"
#include "identity/people.h"
#include "lib/test.h"
#include "seal/attack.h"
#include "envelope/message.h"
#include "seal/foot.h"
#include "seal/front.h"
#include "seal/streams.h"
#include "session/scan.h"

SHARED_FIXTURE(struct fixture, attack_setup, attack_teardown);

static int
refused(struct fixture *f, const uint8_t *p, size_t len)
{
	return files_refused(f->ctx, f->bob, f->trust, p, len, f->data, LEN);
}

TEST(every_changed_byte_is_seen, struct fixture *f)
{
	size_t at, step, i, front = f->a.at[0], body = f->a.at[f->a.n];

	for (at = 0; at < f->a.len; at += step) {
		/* All of the prefix, the front's payload, the table, the
		 * foot's payload and the tail; signatures and segments by
		 * samples, with what is around each segment. */
		step = at < 300 || (at >= body && at < f->a.foot + 340) ||
		    at >= f->a.len - 9 ? 1 : at < front || at > body ? 23 :
		    311;
		for (i = 0; i <= f->a.n; i++)
			if (at + 20 >= f->a.at[i] && at < f->a.at[i] + 8)
				step = 1;
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
	/* In the table, before and in the foot, in the tail. */
	for (i = f->a.at[f->a.n]; i < f->a.len; i += i < f->a.foot + 8 ||
	    i > f->a.len - 12 ? 1 : 97)
		assert_int_equal(refused(f, f->a.p, i), CSN_E_FORM);
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

/* The front's payload as it was signed. */
static struct csn_cose
front_of(struct fixture *f, const struct files_sealed *s)
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
	fail_msg("plaintext came of a front");
	return CSN_E_ARG;
}

/* What bob's opener says of a front alone, before any segment is there. */
static int
front_alone(struct fixture *f, const uint8_t *p, size_t len)
{
	struct csn_opener *o;
	int rc;

	assert_int_equal(csn_opener_new(f->ctx, f->bob, f->trust, NULL, &o),
	    0);
	rc = csn_opener_update(o, p, len, nothing_yet, NULL);
	csn_opener_free(o);
	return rc;
}

/* Of with_front()'s last file. */
static int front_said;

/* A's file with another front, signed by who; free. */
static uint8_t *
with_front(struct fixture *f, const struct csn_identity *who,
    const char *typ, const uint8_t *payload, size_t len, size_t *out_len)
{
	struct csn_out w;
	uint8_t *cose;
	size_t n;

	assert_int_equal(csn_cose_sign(f->ctx, csn_identity_sign_key(who),
	    csn_identity_alias(who), typ, payload, len, &cose, &n), 0);
	csn_out_init(&w);
	csn_put_bytes(&w, "CSNF\2", 5);
	csn_put_u32(&w, (uint32_t)n);
	csn_put_bytes(&w, cose, n);
	csn_free(cose);
	front_said = front_alone(f, w.p, w.len);
	csn_put_bytes(&w, f->a.p + f->a.at[0], f->a.len - f->a.at[0]);
	assert_true(csn_out_ok(&w));
	*out_len = w.len;
	return w.p;
}

static int
refused_front(struct fixture *f, const struct csn_identity *who,
    const char *typ, const uint8_t *payload, size_t len)
{
	uint8_t *p;
	size_t n;
	int rc;

	p = with_front(f, who, typ, payload, len, &n);
	rc = refused(f, p, n);
	free(p);
	return rc;
}

TEST(nobody_else_signs_for_the_sealer, struct fixture *f)
{
	struct csn_cose h = front_of(f, &f->a);
	struct files_opened opened;
	uint8_t *p;
	size_t n;

	/* Mallory is trusted to seal, and would claim alice's file. */
	assert_int_equal(refused_front(f, f->mallory, CSN_SEALED_TYP,
	    h.payload, h.payload_len), CSN_E_SIGNER);
	/* Alice's signature for another purpose is none for this. */
	assert_int_equal(refused_front(f, f->alice, CSN_SEALED_END_TYP,
	    h.payload, h.payload_len), CSN_E_POLICY);
	/* Signed again by alice it is the same front. */
	p = with_front(f, f->alice, CSN_SEALED_TYP, h.payload, h.payload_len,
	    &n);
	assert_int_equal(files_open(f->ctx, f->bob, f->trust, p, n, 999,
	    &opened), 0);
	files_wipe(&opened);
	free(p);
}

/* Write the front's payload again from h, with any commitment. */
static int
rewritten(struct fixture *f, const struct csn_identity *who,
    const struct csn_front *h, const uint8_t commitment[32])
{
	struct csn_out w, head, fixed;
	size_t i;
	int rc;

	csn_out_init(&w);
	csn_out_init(&head);
	csn_out_init(&fixed);
	csn_front_put_fixed(&fixed, h);
	csn_front_put_head(&head, fixed.p, fixed.len, commitment);
	csn_cbor_array(&w, 3);
	csn_cbor_bytes(&w, head.p, head.len);
	csn_cbor_array(&w, h->n);
	for (i = 0; i < h->n; i++)
		csn_front_put_slot(&w, &h->slots[i % 64]);
	csn_cbor_uint(&w, h->wrapped_s);
	rc = refused_front(f, who, CSN_SEALED_TYP, w.p, w.len);
	csn_out_wipe(&w);
	csn_out_wipe(&head);
	csn_out_wipe(&fixed);
	return rc;
}

static void
read_front(struct fixture *f, struct csn_front *h)
{
	struct csn_cose cose = front_of(f, &f->a);

	assert_int_equal(csn_front_read(f->ctx, cose.payload,
	    cose.payload_len, h), 0);
}

TEST(each_member_of_the_head_is_bound, struct fixture *f)
{
	uint8_t commitment[32], wrap[CSN_WRAP_SIZE];
	uint8_t ct[CSN_KEM_MAX_CIPHERTEXT];
	struct csn_front h, c;
	int i;

	read_front(f, &h);
	memcpy(commitment, h.commitment, 32);
	memcpy(wrap, h.slots[0].wrap, sizeof(wrap));
	memcpy(ct, h.slots[0].ct, h.slots[0].ct_len);
	/* All of it signed by the sealer itself, so the keys must tell. */
	for (i = 0; i < 8; i++) {
		c = h;
		if (i == 0)
			c.id[0] ^= 1;
		if (i == 1)
			c.segment *= 2;
		if (i == 2)
			c.wrapped_s = ++c.created_s;
		if (i == 3) {
			c.type = "u";
			c.type_len = 1;
		}
		if (i == 4)
			c.type = NULL;
		if (i == 5) {
			c.slots[0].wrap = wrap;
			wrap[7] ^= 1;
		}
		if (i == 6) {
			c.slots[0].ct = ct;
			ct[7] ^= 1;
		}
		if (i == 7)
			commitment[31] ^= 1;
		assert_int_equal(rewritten(f, f->alice, &c, commitment),
		    CSN_E_TAG);
		/* The wrap and the commitment tell, before AES runs. */
		assert_int_equal(front_said, CSN_E_TAG);
	}
	commitment[31] ^= 1;
	/* Over tags, with another who has the key: not even asked for. */
	c = h;
	c.integrity = CSN_SEALED_TAGS;
	assert_int_equal(rewritten(f, f->alice, &c, commitment),
	    CSN_E_POLICY);
	/* Mallory's own name inside: then the wrap is not for that. */
	c = h;
	c.sealer = csn_identity_alias(f->mallory);
	assert_int_equal(rewritten(f, f->mallory, &c, commitment), CSN_E_TAG);
}

/* A slot of another file of the same two, signed by the sealer. */
TEST(a_slot_opens_its_own_file_alone, struct fixture *f)
{
	struct csn_cose cose = front_of(f, &f->b);
	struct csn_front h, other;

	read_front(f, &h);
	assert_int_equal(csn_front_read(f->ctx, cose.payload,
	    cose.payload_len, &other), 0);
	h.slots[0] = other.slots[0];
	assert_int_equal(rewritten(f, f->alice, &h, h.commitment), CSN_E_TAG);
}

TEST(fronts_out_of_their_limits_are_refused, struct fixture *f)
{
	uint8_t big[CSN_SEALED_PREFIX] = "CSNF\2";
	struct csn_front h, c;
	int i;

	read_front(f, &h);
	for (i = 0; i < 8; i++) {
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
			c.integrity = 3;
		if (i == 5)
			c.slots[0].kem = 5;
		if (i == 6)
			c.slots[0].ct_len--;
		if (i == 7)
			c.wrapped_s--;
		assert_int_equal(rewritten(f, f->alice, &c, h.commitment),
		    CSN_E_FORM);
	}
	/* 65 slots; and none, which its key's keeper could open. */
	c = h;
	for (i = 1; i < 64; i++)
		c.slots[i] = h.slots[0];
	c.n = 65;
	assert_int_equal(rewritten(f, f->alice, &c, h.commitment),
	    CSN_E_FORM);
	c.n = 0;
	assert_int_equal(rewritten(f, f->alice, &c, h.commitment),
	    CSN_E_NOT_FOUND);
	csn_store32(big + 5, CSN_SEALED_FRONT_MAX + 1);
	assert_int_equal(refused(f, big, sizeof(big)), CSN_E_FORM);
	csn_store32(big + 5, 0);
	assert_int_equal(refused(f, big, sizeof(big)), CSN_E_FORM);
	big[4] = 1;
	assert_int_equal(refused(f, big, sizeof(big)), CSN_E_VERSION);
	big[4] = 3;
	assert_int_equal(refused(f, big, sizeof(big)), CSN_E_VERSION);
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
