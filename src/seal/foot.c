/* SPDX-License-Identifier: Apache-2.0 */
/* seal/foot.c - a sealed file's foot, signed over all that its body holds. */
#include <string.h>

#include <caisson/aead.h>

#include "base/cbor.h"
#include "base/fail.h"
#include "base/little.h"
#include "envelope/message.h"
#include "seal/foot.h"
#include "seal/front.h"

#define ROOM "seal"

#define LABEL_FOOT "caisson v2 sealed foot"
#define LENGTH_MAX (CSN_BODY_SEGMENTS << 26)

static int
no_sense(const struct csn_ctx *ctx)
{
	return csn_fail(ctx, CSN_E_FORM, ROOM,
	    "the sealed file's foot makes no sense");
}

/* The key of the last run's foot, which seals one thing. */
static int
foot_key(const struct csn_body *body, struct csn_aead **out)
{
	uint8_t key[CSN_KEY_SIZE];
	int rc;

	if ((rc = csn_body_key(body, LABEL_FOOT, &body->runs[body->nruns - 1],
	    key)) == 0)
		rc = csn_aead_new(body->ctx, key, out);
	csn_wipe(key, sizeof(key));
	return rc;
}

/* Seal or open the content hash in place; the tag is behind it. */
static int
content_hash(const struct csn_body *body, int seal, uint32_t kind,
    uint8_t p[CSN_HASH_SIZE + CSN_TAG_SIZE])
{
	uint8_t aad[CSN_HASH_SIZE + 1];
	struct csn_aead_part part = { .in = p, .out = p,
	    .len = CSN_HASH_SIZE };
	struct csn_aead_msg msg = { .aad = aad, .aad_len = sizeof(aad),
	    .parts = &part, .nparts = 1, .tag = p + CSN_HASH_SIZE };
	struct csn_aead *aead = NULL;
	int rc;

	memcpy(aad, body->head_hash, CSN_HASH_SIZE);
	aad[CSN_HASH_SIZE] = (uint8_t)kind;
	csn_nonce(msg.nonce, 0);
	if ((rc = foot_key(body, &aead)) == 0)
		rc = seal ? csn_aead_seal_msg(aead, &msg) :
		    csn_aead_open_msg(aead, &msg);
	csn_aead_free(aead);
	return rc;
}

static int
put_payload(const struct csn_body *body, const struct csn_foot *foot,
    struct csn_out *w)
{
	uint8_t sealed[CSN_HASH_SIZE + CSN_TAG_SIZE];
	size_t i, sealed_len = 0;
	int rc;

	if (foot->kind != CSN_CONTENT_NONE) {
		memcpy(sealed, foot->content, CSN_HASH_SIZE);
		sealed_len = sizeof(sealed);
		if ((rc = content_hash(body, 1, foot->kind, sealed)) != 0)
			return rc;
	}
	csn_cbor_array(w, 6);
	csn_cbor_bytes(w, body->head_hash, CSN_HASH_SIZE);
	csn_cbor_uint(w, foot->length);
	csn_cbor_bytes(w, foot->root, CSN_HASH_SIZE);
	csn_cbor_array(w, body->nruns - 1);
	for (i = 1; i < body->nruns; i++) {
		csn_cbor_array(w, 2);
		csn_cbor_uint(w, body->runs[i].first);
		csn_cbor_bytes(w, body->runs[i].id, CSN_SEALED_ID);
	}
	csn_cbor_uint(w, foot->kind);
	csn_cbor_bytes(w, sealed, sealed_len);
	return csn_out_ok(w) ? 0 : csn_nomem(body->ctx, ROOM, "a foot");
}

int
csn_foot_make(const struct csn_body *body, const struct csn_identity *signer,
    const struct csn_foot *foot, uint8_t **out, size_t *len)
{
	struct csn_out w;
	uint8_t *cose = NULL;
	size_t n;
	int rc;

	csn_out_init(&w);
	if ((rc = put_payload(body, foot, &w)) == 0)
		rc = csn_cose_sign(body->ctx, csn_identity_sign_key(signer),
		    csn_identity_alias(signer), CSN_SEALED_END_TYP, w.p,
		    w.len, &cose, &n);
	csn_out_wipe(&w);
	if (rc != 0)
		return rc;
	csn_out_init(&w);
	csn_put_u32(&w, (uint32_t)n);
	csn_put_bytes(&w, cose, n);
	csn_put_u32(&w, (uint32_t)n);
	csn_put_bytes(&w, "CSNE", 4);
	csn_free(cose);
	if (!csn_out_ok(&w)) {
		csn_out_wipe(&w);
		return csn_nomem(body->ctx, ROOM, "a foot");
	}
	*out = w.p;
	*len = w.len;
	return 0;
}

int
csn_foot_length(struct csn_ctx *ctx, uint32_t claimed, size_t *len)
{
	if (claimed == 0 || claimed > CSN_FOOT_MAX)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the sealed file's "
		    "foot claims %u bytes; it has at most %u", claimed,
		    CSN_FOOT_MAX);
	*len = claimed;
	return 0;
}

int
csn_foot_tail(struct csn_ctx *ctx, const uint8_t p[CSN_FOOT_TAIL],
    size_t *len)
{
	if (memcmp(p + 4, "CSNE", 4) != 0)	/* public */
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the sealed file was cut short: its end is not there");
	return csn_foot_length(ctx, csn_load32(p), len);
}

int
csn_foot_read(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_foot *out)
{
	const uint8_t *root;
	size_t hash_len, root_len, want;
	struct csn_reader r;
	uint64_t kind;
	int rc;

	memset(out, 0, sizeof(*out));
	if ((rc = csn_cbor_check(ctx, p, len)) != 0)
		return rc;
	csn_reader_init(&r, p, len);
	if (csn_cbor_get_array(&r) != 6)
		r.bad = 1;
	out->head_hash = csn_cbor_get_bytes(&r, &hash_len);
	out->length = csn_cbor_get_uint(&r);
	root = csn_cbor_get_bytes(&r, &root_len);
	csn_cbor_skip(&r, &out->runs, &out->runs_len);
	kind = csn_cbor_get_uint(&r);
	out->sealed = csn_cbor_get_bytes(&r, &out->sealed_len);
	want = kind == CSN_CONTENT_NONE ? 0 : CSN_HASH_SIZE + CSN_TAG_SIZE;
	if (!csn_reader_done(&r) || hash_len != CSN_HASH_SIZE ||
	    root_len != CSN_HASH_SIZE || out->length > LENGTH_MAX ||
	    kind < CSN_CONTENT_TREE || kind > CSN_CONTENT_NONE ||
	    out->sealed_len != want)
		return no_sense(ctx);
	memcpy(out->root, root, CSN_HASH_SIZE);
	out->kind = (uint32_t)kind;
	return 0;
}

/* The runs in their order, each with a segment, none past the last. */
static int
take_runs(struct csn_body *body, const struct csn_foot *foot, int seen)
{
	uint64_t first, least = 1, n = csn_body_count(body, foot->length);
	const uint8_t *id;
	struct csn_reader r;
	size_t i, runs, len;
	int rc;

	csn_reader_init(&r, foot->runs, foot->runs_len);
	runs = csn_cbor_get_array(&r);
	if (!csn_reader_ok(&r) || runs >= CSN_BODY_RUNS ||
	    n > CSN_BODY_SEGMENTS || (seen && runs + 1 != body->nruns))
		return no_sense(body->ctx);
	for (i = 1; i <= runs; i++) {
		if (csn_cbor_get_array(&r) != 2)
			r.bad = 1;
		first = csn_cbor_get_uint(&r);
		id = csn_cbor_get_bytes(&r, &len);
		/* A first run without a segment is one too. */
		if (!csn_reader_ok(&r) || len != CSN_SEALED_ID ||
		    (i > 1 && first < least) || first >= n)
			return no_sense(body->ctx);
		least = first + 1;
		if (!seen && (rc = csn_body_add_run(body, first, id)) != 0)
			return rc;
		if (seen && (first != body->runs[i].first ||
		    !csn_equal(id, body->runs[i].id, CSN_SEALED_ID)))
			return csn_fail(body->ctx, CSN_E_SIGNATURE, ROOM,
			    "the runs of the file are not those that its "
			    "sealer signed");
	}
	return csn_reader_done(&r) ? 0 : no_sense(body->ctx);
}

int
csn_foot_open(struct csn_body *body, const struct csn_sign_key *key,
    const char *alias, const uint8_t *p, size_t len, int seen,
    struct csn_foot *out)
{
	uint8_t content[CSN_HASH_SIZE + CSN_TAG_SIZE];
	struct csn_cose cose;
	int rc;

	if ((rc = csn_cose_parse(body->ctx, p, len, &cose)) != 0)
		return rc;
	if (!csn_front_is(cose.kid, cose.kid_len, alias))
		return csn_fail(body->ctx, CSN_E_SIGNER, ROOM, "the file's "
		    "foot was signed by another than its front");
	if ((rc = csn_cose_check(body->ctx, key, CSN_SEALED_END_TYP,
	    &cose)) != 0 ||
	    (rc = csn_foot_read(body->ctx, cose.payload, cose.payload_len,
	    out)) != 0)
		return rc;
	if (!csn_equal(out->head_hash, body->head_hash, CSN_HASH_SIZE))
		return csn_fail(body->ctx, CSN_E_SIGNATURE, ROOM,
		    "the file's foot is another file's");
	if ((rc = take_runs(body, out, seen)) != 0 ||
	    out->kind == CSN_CONTENT_NONE)
		return rc;
	memcpy(content, out->sealed, sizeof(content));
	if ((rc = content_hash(body, 0, out->kind, content)) == 0)
		memcpy(out->content, content, CSN_HASH_SIZE);
	return rc;
}

void
csn_foot_facts(const struct csn_body *body, const struct csn_foot *foot,
    struct csn_sealed_facts *facts)
{
	facts->length = foot->length;
	facts->content_hash = foot->kind;
	facts->runs = (uint32_t)body->nruns;
	memcpy(facts->root, foot->root, CSN_HASH_SIZE);
	memcpy(facts->content, foot->content, CSN_HASH_SIZE);
}
