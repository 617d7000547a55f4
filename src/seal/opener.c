/* SPDX-License-Identifier: Apache-2.0 */
/* seal/opener.c - reading a file sealed to identities. */
#include <stdlib.h>
#include <string.h>

#include <caisson/aead.h>

#include "base/alloc.h"
#include "base/cbor.h"
#include "base/fail.h"
#include "base/sized.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "evidence/cose.h"
#include "identity/did.h"
#include "identity/trust.h"
#include "envelope/message.h"
#include "seal/sealed.h"

#define ROOM "seal"

#define AHEAD_MS 86400000u	/* how far clocks may differ */

/* What comes next. Each is gathered whole before it is looked at. */
enum state { PREFIX, HEADER, HEAD, BODY, TRAILER_HEAD, TRAILER, END };

/*
 * Invariants: `to` has room for `need` bytes, of which `have` are there;
 * hash has seen the bytes up to the present thing's beginning; nothing of a
 * segment is written before its tag held, and nothing of the final one
 * before the trailer did.
 */
struct csn_opener {
	struct csn_ctx *ctx;
	const struct csn_identity *identity;
	struct csn_trust *trust;
	struct csn_opener_options options;
	uint64_t created_ms;	/* by the signer's word */
	enum state state;
	uint8_t *to;
	size_t need;
	size_t have;
	uint8_t *text;		/* header, later trailer */
	size_t text_len;
	struct csn_sign_key *key;	/* the signer's, from the trust store */
	char alias[CSN_ALIAS_SIZE];	/* the signer's */
	char *signer;
	char *type;
	struct csn_aead *aead;
	struct csn_hash *hash;
	uint8_t header_hash[CSN_HASH_SIZE];
	uint32_t segment;
	uint8_t *record;	/* head, ciphertext and tag of a segment */
	size_t plain;		/* plaintext bytes of it */
	int final;
	uint64_t index;
	uint64_t blocks;
	uint64_t total;
	int done;
	int dead;
	uint8_t prefix[CSN_SEALED_PREFIX];
};

typedef int write_fn(void *arg, const uint8_t *p, size_t len);

static int
no_memory(const struct csn_ctx *ctx)
{
	return csn_nomem(ctx, ROOM, "a sealed file");
}

static void
expect(struct csn_opener *o, enum state state, uint8_t *to, size_t need)
{
	o->state = state;
	o->to = to;
	o->need = need;
	o->have = 0;
}

int
csn_opener_new(struct csn_ctx *ctx, const struct csn_identity *identity,
    struct csn_trust *trust, const struct csn_opener_options *options,
    struct csn_opener **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_opener_options taken;
	struct csn_opener *o;
	int rc;

	if (identity == NULL || trust == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "opening needs an "
		    "identity and a store that says whose seal is trusted");
	if ((rc = CSN_TAKE(&taken, options, csn_opener_options,
	    max_age_ms)) != 0)
		return rc;
	if ((o = csn_calloc(1, sizeof(*o))) == NULL)
		return no_memory(ctx);
	o->ctx = ctx;
	o->identity = identity;
	o->trust = trust;
	o->options = taken;
	expect(o, PREFIX, o->prefix, sizeof(o->prefix));
	if ((rc = csn_hash_new(ctx, &o->hash)) != 0 ||
	    (rc = csn_hash_start(o->hash)) != 0) {
		csn_opener_free(o);
		return rc;
	}
	*out = o;
	return 0;
}

/* Room for len bytes of header or trailer, behind `before` more. */
static int
make_text(struct csn_opener *o, size_t before, size_t len)
{
	free(o->text);
	o->text_len = before + len;
	if ((o->text = csn_calloc(1, o->text_len)) == NULL)
		return no_memory(o->ctx);
	return 0;
}

static int
take_prefix(struct csn_opener *o)
{
	size_t len;
	int rc;

	if ((rc = csn_sealed_prefix(o->ctx, o->prefix, &len)) != 0 ||
	    (rc = make_text(o, sizeof(o->prefix), len)) != 0)
		return rc;
	memcpy(o->text, o->prefix, sizeof(o->prefix));
	expect(o, HEADER, o->text + sizeof(o->prefix), len);
	return 0;
}

static int
is_text(const char *p, size_t len, const char *s)
{
	return len == strlen(s) && memcmp(p, s, len) == 0;	/* public */
}

/* The time that the header states, against the reader's own bounds. */
static int
check_time(struct csn_opener *o, uint64_t created_s)
{
	uint64_t now = csn_ctx_wall_ms(o->ctx), most = o->options.max_age_ms;
	char when[CSN_TIME_TEXT_SIZE];

	o->created_ms = created_s < UINT64_MAX / 1000 ? created_s * 1000 :
	    UINT64_MAX;
	csn_time_format(o->created_ms, when);
	if (o->created_ms > now && o->created_ms - now > AHEAD_MS)
		return csn_fail(o->ctx, CSN_E_EXPIRED, ROOM, "the file says "
		    "that it was sealed on %s, which is ahead of this "
		    "machine's clock", when);
	if (most != 0 && o->created_ms < now && now - o->created_ms > most)
		return csn_fail(o->ctx, CSN_E_EXPIRED, ROOM, "the file says "
		    "that it was sealed on %s, longer ago than is taken here",
		    when);
	if (o->options.at_ms != 0 && o->created_ms > o->options.at_ms)
		return csn_fail(o->ctx, CSN_E_EXPIRED, ROOM, "the file says "
		    "that it was sealed on %s, after the time at which it is "
		    "to be judged", when);
	return 0;
}

/* The key that kid names signed the header. */
static int
check_header(struct csn_opener *o, const struct csn_cose *cose,
    const struct csn_sign_key *key, const char *did)
{
	int rc;

	if ((rc = csn_cose_check(o->ctx, key, CSN_SEALED_TYP, cose)) == 0 &&
	    (rc = csn_sign_copy_public(o->ctx, key, &o->key)) == 0 &&
	    (rc = csn_did_alias(o->ctx, o->key, o->alias,
	    sizeof(o->alias))) == 0 &&
	    (o->signer = csn_strdup(did)) == NULL)
		rc = no_memory(o->ctx);
	return rc;
}

/* The signer is whom the trust store knows, or the reader itself. */
static int
check_signer(struct csn_opener *o, const struct csn_cose *cose)
{
	const struct csn_trust_entry *e;
	int rc;

	/* One's own key needs no entry; one that says it was stolen counts. */
	if (is_text(cose->kid, cose->kid_len,
	    csn_identity_alias(o->identity))) {
		if ((rc = csn_trust_check_withdrawn(o->ctx, o->trust,
		    cose->kid, cose->kid_len)) != 0)
			return rc;
		return check_header(o, cose,
		    csn_identity_sign_key(o->identity),
		    csn_identity_did(o->identity));
	}
	if ((rc = csn_trust_find_at(o->ctx, o->trust, cose->kid,
	    cose->kid_len, CSN_PURPOSE_SEALER, o->options.at_ms != 0 ?
	    o->options.at_ms : o->created_ms, &e)) != 0)
		return rc;
	rc = check_header(o, cose, e->key, e->did);
	csn_trust_release(o->trust, e);
	return rc;
}

/* Our own entry, its KEM, the wrap and the commitment, in this order. */
static int
take_key(struct csn_opener *o, const struct csn_sealed *h)
{
	uint8_t secret[CSN_KEM_SECRET_SIZE], kek[CSN_KEY_SIZE];
	uint8_t data[CSN_KEY_SIZE], key[CSN_KEY_SIZE];
	uint8_t commitment[CSN_HASH_SIZE];
	const struct csn_kem_key *kem = csn_identity_kem_key(o->identity);
	const struct csn_sealed_recipient *r = NULL;
	size_t i;
	int rc;

	for (i = 0; i < h->n && r == NULL; i++)
		if (is_text(h->recipients[i].alias,
		    h->recipients[i].alias_len,
		    csn_identity_alias(o->identity)))
			r = &h->recipients[i];
	if (r == NULL)
		return csn_fail(o->ctx, CSN_E_NOT_FOUND, ROOM, "the file is "
		    "not sealed to %s, but to %zu others",
		    csn_identity_name(o->identity), h->n);
	if (r->kem != csn_kem_of(kem))
		return csn_fail(o->ctx, CSN_E_ALGORITHM, ROOM, "the file is "
		    "sealed to an %s key of %s, who has one of %s",
		    csn_kem_name(r->kem), csn_identity_name(o->identity),
		    csn_kem_name(csn_kem_of(kem)));
	if ((rc = csn_kem_decapsulate(o->ctx, kem, r->ct, r->ct_len,
	    secret)) != 0 ||
	    (rc = csn_sealed_kek(o->ctx, r, h->fixed, h->fixed_len, secret,
	    kek)) != 0 ||
	    (rc = csn_key_unwrap(o->ctx, kek, r->wrap, data)) != 0 ||
	    (rc = csn_sealed_keys(o->ctx, data, h->fixed, h->fixed_len,
	    h->list, h->list_len, key, commitment)) != 0)
		goto out;
	/* AES-GCM does not commit to its key: this does, before AES runs. */
	if (!csn_equal(commitment, h->commitment, sizeof(commitment)))
		rc = csn_fail(o->ctx, CSN_E_TAG, ROOM, "the key in the file "
		    "is not the one that its header commits to");
	else
		rc = csn_aead_new(o->ctx, key, &o->aead);
out:
	csn_wipe(secret, sizeof(secret));
	csn_wipe(kek, sizeof(kek));
	csn_wipe(data, sizeof(data));
	csn_wipe(key, sizeof(key));
	return rc;
}

static int
take_header(struct csn_opener *o)
{
	struct csn_sealed h;
	struct csn_cose cose;
	int rc;

	if ((rc = csn_cose_parse(o->ctx, o->text + sizeof(o->prefix),
	    o->text_len - sizeof(o->prefix), &cose)) != 0 ||
	    (rc = csn_sealed_read(o->ctx, cose.payload, cose.payload_len,
	    &h)) != 0 ||
	    (rc = check_time(o, h.created_s)) != 0 ||
	    (rc = check_signer(o, &cose)) != 0)
		return rc;
	/* Inside what the wrap and the commitment bind, so that nobody puts
	 * a signature of their own around another's file. */
	if (!is_text(h.sealer, h.sealer_len, o->alias))
		return csn_fail(o->ctx, CSN_E_SIGNER, ROOM, "the file's "
		    "header was signed by another than its sealer");
	if ((rc = take_key(o, &h)) != 0 ||
	    (rc = csn_sha3_256(o->ctx, o->text, o->text_len,
	    o->header_hash)) != 0 ||
	    (rc = csn_hash_update(o->hash, o->text, o->text_len)) != 0)
		return rc;
	o->segment = h.segment;
	o->type = h.type != NULL ? csn_memdup(h.type, h.type_len) :
	    csn_strdup("");
	o->record = csn_calloc(1, CSN_SEALED_HEAD + (size_t)h.segment +
	    CSN_TAG_SIZE);
	if (o->type == NULL || o->record == NULL)
		return no_memory(o->ctx);
	expect(o, HEAD, o->record, CSN_SEALED_HEAD);
	return 0;
}

static int
take_head(struct csn_opener *o)
{
	uint32_t head = csn_load32(o->record);

	o->final = (head & CSN_SEALED_FINAL) != 0;
	o->plain = head & ~CSN_SEALED_FINAL;
	if (o->plain > o->segment || (!o->final && o->plain != o->segment))
		return csn_fail(o->ctx, CSN_E_FORM, ROOM, "segment %llu "
		    "claims %zu bytes where the file's segments have %u",
		    (unsigned long long)o->index, o->plain, o->segment);
	expect(o, BODY, o->record + CSN_SEALED_HEAD, o->plain +
	    CSN_TAG_SIZE);
	return 0;
}

static int
take_body(struct csn_opener *o, write_fn *write, void *arg)
{
	uint8_t aad[CSN_SEALED_AAD], *text = o->record + CSN_SEALED_HEAD;
	struct csn_aead_part part = { .in = text, .out = text,
	    .len = o->plain };
	struct csn_aead_msg msg = { .aad = aad, .aad_len = sizeof(aad),
	    .parts = &part, .nparts = 1, .tag = text + o->plain };
	uint64_t blocks = csn_message_blocks(o->plain, sizeof(aad));
	int rc;

	if (o->index >= CSN_KEY_MAX_MESSAGES ||
	    blocks > CSN_KEY_MAX_BLOCKS - o->blocks)
		return csn_fail(o->ctx, CSN_E_LIMIT, ROOM,
		    "the sealed file goes on past its key's limit");
	csn_sealed_aad(aad, o->header_hash, o->index, o->final);
	csn_nonce(msg.nonce, o->index);
	/* The ciphertext's hash before it is overwritten. */
	if ((rc = csn_hash_update(o->hash, o->record, CSN_SEALED_HEAD +
	    o->plain + CSN_TAG_SIZE)) != 0 ||
	    (rc = csn_aead_open_msg(o->aead, &msg)) != 0)
		return rc;
	o->index++;
	o->blocks += blocks;
	o->total += o->plain;
	if (o->final) {
		expect(o, TRAILER_HEAD, o->prefix, 4);
		return 0;
	}
	rc = write(arg, text, o->plain);
	csn_wipe(text, o->plain);
	expect(o, HEAD, o->record, CSN_SEALED_HEAD);
	return rc;
}

static int
take_trailer_head(struct csn_opener *o)
{
	size_t len = csn_load32(o->prefix);
	int rc;

	if (len == 0 || len > CSN_SEALED_TRAILER_MAX)
		return csn_fail(o->ctx, CSN_E_FORM, ROOM, "the sealed file's "
		    "trailer claims %zu bytes; it has at most %u", len,
		    CSN_SEALED_TRAILER_MAX);
	if ((rc = make_text(o, 0, len)) == 0)
		expect(o, TRAILER, o->text, len);
	return rc;
}

/* The header's signer signed what was read, all of it. */
static int
take_trailer(struct csn_opener *o)
{
	uint8_t hash[CSN_HASH_SIZE];
	const uint8_t *signed_hash;
	uint64_t segments, total;
	struct csn_reader r;
	struct csn_cose cose;
	size_t len;
	int rc;

	if ((rc = csn_cose_parse(o->ctx, o->text, o->text_len, &cose)) != 0)
		return rc;
	if (!is_text(cose.kid, cose.kid_len, o->alias))
		return csn_fail(o->ctx, CSN_E_SIGNER, ROOM, "the file's end "
		    "was signed by another than its header");
	if ((rc = csn_cose_check(o->ctx, o->key, CSN_SEALED_END_TYP,
	    &cose)) != 0 ||
	    (rc = csn_cbor_check(o->ctx, cose.payload,
	    cose.payload_len)) != 0 ||
	    (rc = csn_hash_final(o->hash, hash)) != 0)
		return rc;
	csn_reader_init(&r, cose.payload, cose.payload_len);
	if (csn_cbor_get_array(&r) != 3)
		r.bad = 1;
	signed_hash = csn_cbor_get_bytes(&r, &len);
	segments = csn_cbor_get_uint(&r);
	total = csn_cbor_get_uint(&r);
	if (!csn_reader_done(&r) || len != sizeof(hash))
		return csn_fail(o->ctx, CSN_E_FORM, ROOM,
		    "the sealed file's trailer makes no sense");
	if (!csn_equal(hash, signed_hash, sizeof(hash)) ||
	    segments != o->index || total != o->total)
		return csn_fail(o->ctx, CSN_E_SIGNATURE, ROOM, "the bytes of "
		    "the file are not those that its sealer signed");
	expect(o, END, NULL, 0);
	return 0;
}

static int
take(struct csn_opener *o, write_fn *write, void *arg)
{
	switch (o->state) {
	case PREFIX:
		return take_prefix(o);
	case HEADER:
		return take_header(o);
	case HEAD:
		return take_head(o);
	case BODY:
		return take_body(o, write, arg);
	case TRAILER_HEAD:
		return take_trailer_head(o);
	case TRAILER:
		return take_trailer(o);
	case END:
		break;
	}
	return csn_fail(o->ctx, CSN_E_FORM, ROOM,
	    "there are bytes behind the sealed file's end");
}

static int
usable(const struct csn_opener *o, const void *write)
{
	if (o->dead != 0)
		return csn_fail(o->ctx, o->dead, ROOM, "the sealed file was "
		    "refused before (%s)", csn_error_name(o->dead));
	if (write == NULL || o->done)
		return csn_fail(o->ctx, CSN_E_ARG, ROOM,
		    "the file was opened already, or write is NULL");
	return 0;
}

/* After a failure nothing is left to hand out. */
static int
settle(struct csn_opener *o, int rc)
{
	if (rc == 0)
		return 0;
	o->dead = rc;
	if (o->record != NULL)
		csn_wipe(o->record, CSN_SEALED_HEAD + (size_t)o->segment +
		    CSN_TAG_SIZE);
	csn_aead_free(o->aead);
	o->aead = NULL;
	return rc;
}

int
csn_opener_update(struct csn_opener *opener, const uint8_t *in, size_t len,
    write_fn *write, void *arg)
{
	if (CSN_NEEDS(opener) != 0)
		return CSN_E_ARG;

	struct csn_opener *o = opener;
	size_t n;
	int rc;

	if ((rc = usable(o, (const void *)(uintptr_t)write)) != 0)
		return rc;
	if (in == NULL && len != 0)
		return csn_fail(o->ctx, CSN_E_ARG, ROOM,
		    "a NULL buffer was given with a length");
	while (rc == 0 && len != 0) {
		n = o->need - o->have < len ? o->need - o->have : len;
		if (n != 0)
			memcpy(o->to + o->have, in, n);
		o->have += n;
		in += n;
		len -= n;
		if (o->have == o->need)
			rc = take(o, write, arg);
	}
	return settle(o, rc);
}

int
csn_opener_final(struct csn_opener *opener, write_fn *write, void *arg)
{
	if (CSN_NEEDS(opener) != 0)
		return CSN_E_ARG;

	struct csn_opener *o = opener;
	int rc;

	if ((rc = usable(o, (const void *)(uintptr_t)write)) != 0)
		return rc;
	if (o->state != END)
		rc = csn_fail(o->ctx, CSN_E_FORM, ROOM,
		    "the sealed file was cut short");
	else if (o->plain != 0) {
		rc = write(arg, o->record + CSN_SEALED_HEAD, o->plain);
		csn_wipe(o->record + CSN_SEALED_HEAD, o->plain);
	}
	o->done = rc == 0;
	return settle(o, rc);
}

const char *
csn_opener_signer(const struct csn_opener *opener)
{
	return opener->record != NULL ? opener->signer : NULL;
}

uint64_t
csn_opener_created_ms(const struct csn_opener *opener)
{
	/* Until its signature was checked it is nobody's word. */
	return opener->signer != NULL ? opener->created_ms : 0;
}

const char *
csn_opener_content_type(const struct csn_opener *opener)
{
	return opener->record != NULL ? opener->type : NULL;
}

void
csn_opener_free(struct csn_opener *opener)
{
	if (opener == NULL)
		return;
	csn_aead_free(opener->aead);
	csn_hash_free(opener->hash);
	csn_sign_free(opener->key);
	free(opener->text);
	free(opener->signer);
	free(opener->type);
	csn_wipe_free(opener->record, CSN_SEALED_HEAD +
	    (size_t)opener->segment + CSN_TAG_SIZE);
	csn_wipe_free(opener, sizeof(*opener));
}
