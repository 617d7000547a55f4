/* SPDX-License-Identifier: Apache-2.0 */
/* seal/sealer.c - writing a file sealed to identities. */
#include <stdlib.h>
#include <string.h>

#include <caisson/aead.h>

#include "base/alloc.h"
#include "base/cbor.h"
#include "base/fail.h"
#include "base/sized.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "identity/document.h"
#include "envelope/message.h"
#include "seal/sealed.h"

#define ROOM "seal"

/*
 * Invariants: record has room for a segment's head, plaintext and tag, and
 * `have` plaintext bytes that are not sealed yet; index is the next
 * segment's and is used once; hash has seen every byte that was written.
 */
struct csn_sealer {
	struct csn_ctx *ctx;
	const struct csn_identity *signer;
	uint64_t generation;	/* of the process that began it */
	struct csn_aead *aead;
	struct csn_hash *hash;
	uint8_t *header;	/* with its prefix; NULL once it is out */
	size_t header_len;
	uint8_t header_hash[CSN_HASH_SIZE];
	uint32_t segment;
	uint8_t *record;
	size_t have;
	uint64_t index;
	uint64_t blocks;
	uint64_t total;
	int done;
	int dead;
};

typedef int write_fn(void *arg, const uint8_t *p, size_t len);

static int
no_memory(const struct csn_ctx *ctx)
{
	return csn_nomem(ctx, ROOM, "a sealed file");
}

static int
check_options(struct csn_ctx *ctx, const struct csn_sealer_options *o)
{
	const struct csn_document *doc;
	size_t i, k;
	int rc;

	if (o->signer == NULL || o->recipients == NULL ||
	    o->nrecipients == 0 || o->nrecipients > CSN_SEALED_RECIPIENTS)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a sealed file needs a "
		    "signer and 1 to %d recipients", CSN_SEALED_RECIPIENTS);
	if (o->segment != 0 && !csn_segment_ok(o->segment))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a segment of %u bytes "
		    "is no power of two from 4 KiB to 64 MiB", o->segment);
	if (o->content_type != NULL &&
	    (strlen(o->content_type) > CSN_SEALED_TYPE_MAX ||
	    !csn_utf8_ok(o->content_type, strlen(o->content_type))))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a content type is at "
		    "most %d bytes of UTF-8", CSN_SEALED_TYPE_MAX);
	for (i = 0; i < o->nrecipients; i++) {
		doc = o->recipients[i];
		if ((rc = csn_document_fresh(ctx, doc,
		    csn_ctx_wall_ms(ctx))) != 0)
			return rc;
		/* To oneself needs nobody's leave. */
		if ((csn_document_purposes(doc) & CSN_PURPOSE_RECIPIENT) ==
		    0 && strcmp(csn_document_alias(doc),
		    csn_identity_alias(o->signer)) != 0)
			return csn_fail(ctx, CSN_E_POLICY, ROOM, "%s says of "
			    "itself that it is no recipient of files",
			    csn_document_name(doc));
		for (k = 0; k < i; k++)
			if (strcmp(csn_document_alias(doc),
			    csn_document_alias(o->recipients[k])) == 0)
				return csn_fail(ctx, CSN_E_ARG, ROOM,
				    "%s is a recipient twice",
				    csn_document_name(doc));
	}
	return 0;
}

/* Encapsulate to one recipient and wrap the data key for it. */
static int
put_recipient(struct csn_ctx *ctx, const struct csn_document *doc,
    const struct csn_out *fixed, const uint8_t data[CSN_KEY_SIZE],
    struct csn_out *list)
{
	uint8_t ct[CSN_KEM_MAX_CIPHERTEXT], wrap[CSN_WRAP_SIZE];
	uint8_t secret[CSN_KEM_SECRET_SIZE], kek[CSN_KEY_SIZE];
	const struct csn_kem_key *kem = csn_document_kem_key(doc);
	struct csn_sealed_recipient r = {
		.alias = csn_document_alias(doc),
		.alias_len = strlen(csn_document_alias(doc)),
		.kem = csn_kem_of(kem), .ct = ct,
		.ct_len = csn_kem_ciphertext_size(csn_kem_of(kem)),
		.wrap = wrap
	};
	int rc;

	if ((rc = csn_kem_encapsulate(ctx, kem, ct, sizeof(ct),
	    secret)) == 0 &&
	    (rc = csn_sealed_kek(ctx, &r, fixed->p, fixed->len, secret,
	    kek)) == 0 &&
	    (rc = csn_key_wrap(ctx, kek, data, wrap)) == 0)
		csn_sealed_put_recipient(list, &r);
	csn_wipe(secret, sizeof(secret));
	csn_wipe(kek, sizeof(kek));
	return rc;
}

/* Sign the header's payload and put the prefix before it. */
static int
sign_header(struct csn_sealer *s, const struct csn_out *payload)
{
	uint8_t *cose = NULL;
	struct csn_out w;
	size_t len;
	int rc;

	csn_out_init(&w);
	if ((rc = csn_cose_sign(s->ctx, csn_identity_sign_key(s->signer),
	    csn_identity_alias(s->signer), CSN_SEALED_TYP, payload->p,
	    payload->len, &cose, &len)) != 0)
		return rc;
	csn_put_bytes(&w, "CSNF", 4);
	csn_put_u8(&w, CSN_SEALED_VERSION);
	csn_put_u32(&w, (uint32_t)len);
	csn_put_bytes(&w, cose, len);
	csn_free(cose);
	if (!csn_out_ok(&w)) {
		csn_out_wipe(&w);
		return no_memory(s->ctx);
	}
	s->header = w.p;
	s->header_len = w.len;
	return csn_sha3_256(s->ctx, w.p, w.len, s->header_hash);
}

/* Data key, recipients, commitment: the header, and the segments' key. */
static int
make_header(struct csn_sealer *s, const struct csn_sealer_options *o)
{
	uint8_t data[CSN_KEY_SIZE], key[CSN_KEY_SIZE];
	uint8_t commitment[CSN_HASH_SIZE];
	struct csn_out fixed, list, payload;
	struct csn_sealed h;
	size_t i;
	int rc;

	csn_out_init(&fixed);
	csn_out_init(&list);
	csn_out_init(&payload);
	memset(&h, 0, sizeof(h));
	h.sealer = csn_identity_alias(s->signer);
	h.sealer_len = strlen(h.sealer);
	h.segment = s->segment;
	h.created_s = csn_ctx_wall_ms(s->ctx) / 1000;
	if (o->content_type != NULL && o->content_type[0] != '\0') {
		h.type = o->content_type;
		h.type_len = strlen(h.type);
	}
	if ((rc = csn_random(s->ctx, h.id, sizeof(h.id))) != 0 ||
	    (rc = csn_random(s->ctx, data, sizeof(data))) != 0)
		goto out;
	csn_sealed_put_fixed(&fixed, &h);
	csn_cbor_array(&list, o->nrecipients);
	for (i = 0; i < o->nrecipients; i++)
		if ((rc = put_recipient(s->ctx, o->recipients[i], &fixed,
		    data, &list)) != 0)
			goto out;
	if (!csn_out_ok(&fixed) || !csn_out_ok(&list)) {
		rc = no_memory(s->ctx);
		goto out;
	}
	if ((rc = csn_sealed_keys(s->ctx, data, fixed.p, fixed.len, list.p,
	    list.len, key, commitment)) != 0 ||
	    (rc = csn_aead_new(s->ctx, key, &s->aead)) != 0)
		goto out;
	csn_cbor_array(&payload, 3);
	csn_cbor_bytes(&payload, fixed.p, fixed.len);
	csn_put_bytes(&payload, list.p, list.len);
	csn_cbor_bytes(&payload, commitment, sizeof(commitment));
	rc = csn_out_ok(&payload) ? sign_header(s, &payload) :
	    no_memory(s->ctx);
out:
	csn_wipe(data, sizeof(data));
	csn_wipe(key, sizeof(key));
	csn_out_wipe(&fixed);
	csn_out_wipe(&list);
	csn_out_wipe(&payload);
	return rc;
}

int
csn_sealer_new(struct csn_ctx *ctx, const struct csn_sealer_options *options,
    struct csn_sealer **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_sealer_options o;
	struct csn_sealer *s;
	int rc;

	if ((rc = CSN_TAKE(&o, options, csn_sealer_options,
	    content_type)) != 0 || (rc = check_options(ctx, &o)) != 0)
		return rc;
	if ((s = csn_calloc(1, sizeof(*s))) == NULL)
		return no_memory(ctx);
	s->ctx = ctx;
	s->signer = o.signer;
	s->generation = csn_fork_generation(ctx);
	s->segment = o.segment != 0 ? o.segment : CSN_STREAM_SEGMENT;
	if ((s->record = csn_calloc(1, CSN_SEALED_HEAD + s->segment +
	    CSN_TAG_SIZE)) == NULL) {
		rc = no_memory(ctx);
		goto err;
	}
	if ((rc = csn_hash_new(ctx, &s->hash)) != 0 ||
	    (rc = csn_hash_start(s->hash)) != 0 ||
	    (rc = make_header(s, &o)) != 0)
		goto err;
	*out = s;
	return 0;

err:
	csn_sealer_free(s);
	return rc;
}

static int
emit(struct csn_sealer *s, const uint8_t *p, size_t len, write_fn *write,
    void *arg)
{
	int rc;

	if ((rc = csn_hash_update(s->hash, p, len)) == 0)
		rc = write(arg, p, len);
	return rc;
}

static int
emit_header(struct csn_sealer *s, write_fn *write, void *arg)
{
	int rc;

	if (s->header == NULL)
		return 0;
	rc = emit(s, s->header, s->header_len, write, arg);
	free(s->header);
	s->header = NULL;
	return rc;
}

/* The parent goes on under the same key. */
static int
forked(const struct csn_sealer *s)
{
	return csn_fail(s->ctx, CSN_E_FORK, ROOM, "the sealed file was begun "
	    "before a fork: begin another");
}

/* Seal what is in the record, in place, and write it. */
static int
emit_segment(struct csn_sealer *s, int final, write_fn *write, void *arg)
{
	uint8_t aad[CSN_SEALED_AAD], *text = s->record + CSN_SEALED_HEAD;
	struct csn_aead_part part = { .in = text, .out = text,
	    .len = s->have };
	struct csn_aead_msg msg = { .aad = aad, .aad_len = sizeof(aad),
	    .parts = &part, .nparts = 1, .tag = text + s->have };
	uint64_t blocks = csn_message_blocks(s->have, sizeof(aad));
	int rc;

	if (s->index >= CSN_KEY_MAX_MESSAGES ||
	    blocks > CSN_KEY_MAX_BLOCKS - s->blocks)
		return csn_fail(s->ctx, CSN_E_LIMIT, ROOM, "a sealed file "
		    "ends at 1 TiB: begin another");
	if (csn_fork_check_at(s->ctx, s->generation, s->index, 1) != 0)
		return forked(s);
	csn_sealed_aad(aad, s->header_hash, s->index, final);
	csn_nonce(msg.nonce, s->index);
	csn_store32(s->record, (uint32_t)s->have |
	    (final ? CSN_SEALED_FINAL : 0));
	s->index++;
	s->blocks += blocks;
	s->total += s->have;
	if ((rc = csn_aead_seal_msg(s->aead, &msg)) == 0)
		rc = emit(s, s->record, CSN_SEALED_HEAD + s->have +
		    CSN_TAG_SIZE, write, arg);
	s->have = 0;
	return rc;
}

/* What ends the file: the signature over all that was written. */
static int
emit_trailer(struct csn_sealer *s, write_fn *write, void *arg)
{
	uint8_t hash[CSN_HASH_SIZE], length[4], *cose;
	struct csn_out payload;
	size_t len;
	int rc;

	if ((rc = csn_hash_final(s->hash, hash)) != 0)
		return rc;
	csn_out_init(&payload);
	csn_cbor_array(&payload, 3);
	csn_cbor_bytes(&payload, hash, sizeof(hash));
	csn_cbor_uint(&payload, s->index);
	csn_cbor_uint(&payload, s->total);
	rc = !csn_out_ok(&payload) ? no_memory(s->ctx) :
	    csn_cose_sign(s->ctx, csn_identity_sign_key(s->signer),
	    csn_identity_alias(s->signer), CSN_SEALED_END_TYP, payload.p,
	    payload.len, &cose, &len);
	csn_out_wipe(&payload);
	if (rc != 0)
		return rc;
	csn_store32(length, (uint32_t)len);
	if ((rc = write(arg, length, sizeof(length))) == 0)
		rc = write(arg, cose, len);
	csn_free(cose);
	return rc;
}

static int
usable(const struct csn_sealer *s, const void *write)
{
	if (s->dead != 0)
		return csn_fail(s->ctx, s->dead, ROOM, "the sealed file "
		    "failed before (%s): begin another",
		    csn_error_name(s->dead));
	if (write == NULL || s->done)
		return csn_fail(s->ctx, CSN_E_ARG, ROOM,
		    "the sealed file is whole already, or write is NULL");
	if (csn_fork_check(s->ctx, s->generation) != 0)
		return forked(s);
	return 0;
}

int
csn_sealer_update(struct csn_sealer *sealer, const uint8_t *in, size_t len,
    write_fn *write, void *arg)
{
	if (CSN_NEEDS(sealer) != 0)
		return CSN_E_ARG;

	struct csn_sealer *s = sealer;
	size_t n;
	int rc;

	if ((rc = usable(s, (const void *)(uintptr_t)write)) != 0)
		return rc;
	if (in == NULL && len != 0)
		return csn_fail(s->ctx, CSN_E_ARG, ROOM,
		    "a NULL buffer was given with a length");
	rc = emit_header(s, write, arg);
	while (rc == 0 && len != 0) {
		/* A full segment waits until it is known not to be final. */
		if (s->have == s->segment &&
		    (rc = emit_segment(s, 0, write, arg)) != 0)
			break;
		n = s->segment - s->have < len ? s->segment - s->have : len;
		memcpy(s->record + CSN_SEALED_HEAD + s->have, in, n);
		s->have += n;
		in += n;
		len -= n;
	}
	s->dead = rc;
	return rc;
}

int
csn_sealer_final(struct csn_sealer *sealer, write_fn *write, void *arg)
{
	if (CSN_NEEDS(sealer) != 0)
		return CSN_E_ARG;

	struct csn_sealer *s = sealer;
	int rc;

	if ((rc = usable(s, (const void *)(uintptr_t)write)) != 0)
		return rc;
	if ((rc = emit_header(s, write, arg)) == 0 &&
	    (rc = emit_segment(s, 1, write, arg)) == 0)
		rc = emit_trailer(s, write, arg);
	s->dead = rc;
	s->done = rc == 0;
	return rc;
}

void
csn_sealer_free(struct csn_sealer *sealer)
{
	if (sealer == NULL)
		return;
	csn_aead_free(sealer->aead);
	csn_hash_free(sealer->hash);
	free(sealer->header);
	csn_wipe_free(sealer->record, CSN_SEALED_HEAD + sealer->segment +
	    CSN_TAG_SIZE);
	csn_wipe_free(sealer, sizeof(*sealer));
}
