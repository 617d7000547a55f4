/* SPDX-License-Identifier: Apache-2.0 */
/* seal/sealer.c - writing a sealed file. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cbor.h"
#include "base/fail.h"
#include "base/sized.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "envelope/message.h"
#include "identity/document.h"
#include "seal/front.h"
#include "seal/sealer.h"

#define ROOM "seal"

typedef int write_fn(void *arg, const uint8_t *p, size_t len);

static int
no_memory(const struct csn_ctx *ctx)
{
	return csn_nomem(ctx, ROOM, "a sealed file");
}

/* --- options ----------------------------------------------------------- */

int
csn_sealer_check_document(struct csn_ctx *ctx,
    const struct csn_identity *signer, const struct csn_document *doc)
{
	int rc;

	if (doc == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a recipient is NULL");
	if ((rc = csn_document_fresh(ctx, doc, csn_ctx_wall_ms(ctx))) != 0)
		return rc;
	/* To oneself needs nobody's leave. */
	if ((csn_document_purposes(doc) & CSN_PURPOSE_RECIPIENT) == 0 &&
	    strcmp(csn_document_alias(doc), csn_identity_alias(signer)) != 0)
		return csn_fail(ctx, CSN_E_POLICY, ROOM, "%s says of itself "
		    "that it is no recipient of files",
		    csn_document_name(doc));
	return 0;
}

static int
check_recipients(struct csn_ctx *ctx, const struct csn_sealer_options *o)
{
	const struct csn_document *doc;
	size_t i, k;
	int rc;

	if (o->nrecipients > CSN_SEALED_SLOTS ||
	    (o->nrecipients == 0) == (o->data_key == NULL) ||
	    (o->nrecipients != 0 && o->recipients == NULL))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a sealed file needs 1 "
		    "to %d recipients, or a data key and none",
		    CSN_SEALED_SLOTS);
	for (i = 0; i < o->nrecipients; i++) {
		doc = o->recipients[i];
		if ((rc = csn_sealer_check_document(ctx, o->signer,
		    doc)) != 0)
			return rc;
		if (o->integrity == CSN_SEALED_TAGS &&
		    strcmp(csn_document_alias(doc),
		    csn_identity_alias(o->signer)) != 0)
			return csn_fail(ctx, CSN_E_POLICY, ROOM, "a file that "
			    "%s can read is signed over its bytes, not over "
			    "its tags alone", csn_document_name(doc));
		for (k = 0; k < i; k++)
			if (strcmp(csn_document_alias(doc),
			    csn_document_alias(o->recipients[k])) == 0)
				return csn_fail(ctx, CSN_E_ARG, ROOM,
				    "%s is a recipient twice",
				    csn_document_name(doc));
	}
	return 0;
}

int
csn_sealer_options_take(struct csn_ctx *ctx,
    const struct csn_sealer_options *options, struct csn_sealer_options *o)
{
	int rc;

	if ((rc = CSN_TAKE(o, options, csn_sealer_options,
	    content_type)) != 0)
		return rc;
	if (o->signer == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a sealed file needs a signer");
	if (o->segment != 0 && !csn_segment_ok(o->segment))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a segment of %u bytes "
		    "is no power of two from 4 KiB to 64 MiB", o->segment);
	if (o->content_type != NULL &&
	    (strlen(o->content_type) > CSN_SEALED_TYPE_MAX ||
	    !csn_utf8_ok(o->content_type, strlen(o->content_type))))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a content type is at "
		    "most %d bytes of UTF-8", CSN_SEALED_TYPE_MAX);
	if (o->integrity > CSN_SEALED_TAGS ||
	    o->content_hash > CSN_CONTENT_NONE)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "there is no such root, or no such content hash");
	if (o->segment == 0)
		o->segment = CSN_STREAM_SEGMENT;
	if (o->integrity == 0)
		o->integrity = CSN_SEALED_LEAVES;
	if (o->content_hash == 0)
		o->content_hash = CSN_CONTENT_TREE;
	return 0;
}

/* --- the front --------------------------------------------------------- */

static int
put_slots(struct csn_sealer *s, const struct csn_sealer_options *o,
    const uint8_t head_hash[CSN_HASH_SIZE], const uint8_t data[CSN_KEY_SIZE],
    struct csn_out *slots)
{
	size_t i;
	int rc;

	for (i = 0; i < o->nrecipients; i++)
		if ((rc = csn_slot_put(s->ctx,
		    csn_document_kem_key(o->recipients[i]),
		    csn_document_alias(o->recipients[i]), head_hash, data,
		    slots)) != 0)
			return rc;
	return csn_out_ok(slots) ? 0 : no_memory(s->ctx);
}

static void
fixed_of(struct csn_sealer *s, const struct csn_sealer_options *o,
    struct csn_front *f)
{
	f->sealer = csn_identity_alias(s->signer);
	f->sealer_len = strlen(f->sealer);
	f->segment = o->segment;
	f->integrity = o->integrity;
	f->created_s = csn_ctx_wall_ms(s->ctx) / 1000;
	s->created_ms = f->created_s * 1000;
	if (o->content_type != NULL && o->content_type[0] != '\0') {
		f->type = o->content_type;
		f->type_len = strlen(f->type);
	}
}

/* Data key, commitment, slots: the front, and the body's keys. */
static int
make_front(struct csn_sealer *s, const struct csn_sealer_options *o)
{
	uint8_t data[CSN_KEY_SIZE], prk[CSN_HASH_SIZE];
	uint8_t commitment[CSN_HASH_SIZE], head_hash[CSN_HASH_SIZE];
	struct csn_out fixed, head, slots;
	struct csn_front f;
	int rc;

	csn_out_init(&fixed);
	csn_out_init(&head);
	csn_out_init(&slots);
	memset(&f, 0, sizeof(f));
	fixed_of(s, o, &f);
	if ((rc = csn_random(s->ctx, f.id, sizeof(f.id))) != 0)
		goto out;
	if (o->data_key != NULL)
		memcpy(data, o->data_key, sizeof(data));
	else if ((rc = csn_random(s->ctx, data, sizeof(data))) != 0)
		goto out;
	csn_front_put_fixed(&fixed, &f);
	if (!csn_out_ok(&fixed)) {
		rc = no_memory(s->ctx);
		goto out;
	}
	if ((rc = csn_front_keys(s->ctx, data, fixed.p, fixed.len, prk,
	    commitment)) != 0)
		goto out;
	csn_front_put_head(&head, fixed.p, fixed.len, commitment);
	if (!csn_out_ok(&head)) {
		rc = no_memory(s->ctx);
		goto out;
	}
	if ((rc = csn_sha3_256(s->ctx, head.p, head.len, head_hash)) != 0 ||
	    (rc = put_slots(s, o, head_hash, data, &slots)) != 0 ||
	    (rc = csn_front_sign(s->ctx, s->signer, head.p, head.len,
	    slots.p, slots.len, o->nrecipients, f.created_s, &s->front,
	    &s->front_len)) != 0 ||
	    (rc = csn_body_init(s->ctx, &s->body, o->segment, o->integrity,
	    head_hash, f.id, prk)) != 0)
		goto out;
	s->body.at = s->front_len;
	s->nslots = (uint32_t)o->nrecipients;
out:
	csn_wipe(data, sizeof(data));
	csn_wipe(prk, sizeof(prk));
	csn_out_wipe(&fixed);
	csn_out_wipe(&head);
	csn_out_wipe(&slots);
	return rc;
}

int
csn_sealer_make(struct csn_ctx *ctx, const struct csn_sealer_options *o,
    struct csn_sealer **out)
{
	struct csn_sealer *s;
	int rc = 0;

	if ((s = csn_calloc(1, sizeof(*s))) == NULL)
		return no_memory(ctx);
	s->ctx = ctx;
	s->signer = o->signer;
	s->generation = csn_fork_generation(ctx);
	s->pool = o->pool;
	s->kind = o->content_hash;
	if (s->kind == CSN_CONTENT_SHA3_256 || s->kind == CSN_CONTENT_SHA256)
		if ((rc = csn_hash_new(ctx, &s->flat)) == 0)
			rc = s->kind == CSN_CONTENT_SHA256 ?
			    csn_hash_start_sha256(s->flat) :
			    csn_hash_start(s->flat);
	if (rc != 0) {
		csn_sealer_free(s);
		return rc;
	}
	*out = s;
	return 0;
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

	if ((rc = csn_sealer_options_take(ctx, options, &o)) != 0 ||
	    (rc = check_recipients(ctx, &o)) != 0 ||
	    (rc = csn_sealer_make(ctx, &o, &s)) != 0)
		return rc;
	if ((rc = make_front(s, &o)) != 0) {
		csn_sealer_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

/* --- what update, final and run share ---------------------------------- */

/* The parent goes on under the same key. */
int
csn_sealer_forked(const struct csn_sealer *s)
{
	return csn_fail(s->ctx, CSN_E_FORK, ROOM, "the sealed file was begun "
	    "before a fork: begin another");
}

int
csn_sealer_usable(const struct csn_sealer *s)
{
	if (s->dead != 0)
		return csn_fail(s->ctx, s->dead, ROOM, "the sealed file "
		    "failed before (%s): begin another",
		    csn_error_name(s->dead));
	if (s->done)
		return csn_fail(s->ctx, CSN_E_ARG, ROOM,
		    "the sealed file is whole already");
	return csn_fork_check(s->ctx, s->generation) != 0 ?
	    csn_sealer_forked(s) : 0;
}

static int
more_room(struct csn_sealer *s)
{
	size_t room = s->room * 2 + 16;
	uint8_t *grown;

	if ((grown = csn_realloc(s->roots, room, CSN_HASH_SIZE)) == NULL)
		return no_memory(s->ctx);
	s->roots = grown;
	if ((grown = csn_realloc(s->contents, room, CSN_HASH_SIZE)) == NULL)
		return no_memory(s->ctx);
	s->contents = grown;
	s->room = room;
	return 0;
}

int
csn_sealer_take(struct csn_sealer *s, size_t len, uint64_t *index)
{
	uint64_t blocks = csn_message_blocks(len, CSN_BODY_AAD);
	int rc;

	if (s->index >= CSN_BODY_SEGMENTS ||
	    blocks > CSN_KEY_MAX_BLOCKS - s->blocks)
		return csn_fail(s->ctx, CSN_E_LIMIT, ROOM, "a sealed file "
		    "ends at 1 TiB or at %llu segments of %u bytes: begin "
		    "another", (unsigned long long)CSN_BODY_SEGMENTS,
		    s->body.segment);
	if (csn_fork_check_at(s->ctx, s->generation, s->index, 1) != 0)
		return csn_sealer_forked(s);
	if (s->index >= s->room && (rc = more_room(s)) != 0)
		return rc;
	*index = s->index++;
	s->blocks += blocks;
	s->total += len;
	return 0;
}

void
csn_sealer_keep(struct csn_sealer *s, uint64_t i,
    const uint8_t root[CSN_HASH_SIZE], const uint8_t content[CSN_HASH_SIZE])
{
	memcpy(s->roots + i * CSN_HASH_SIZE, root, CSN_HASH_SIZE);
	if (s->kind == CSN_CONTENT_TREE)
		memcpy(s->contents + i * CSN_HASH_SIZE, content,
		    CSN_HASH_SIZE);
}

static int
content_of(struct csn_sealer *s)
{
	uint8_t top[CSN_HASH_SIZE];
	int rc;

	s->foot.kind = s->kind;
	if (s->flat != NULL)
		return csn_hash_final(s->flat, s->foot.content);
	if (s->kind == CSN_CONTENT_NONE)
		return 0;
	if ((rc = csn_tops_fold(s->ctx, s->contents, s->index, top)) == 0)
		rc = csn_tree_root_of(s->ctx, s->total, s->body.leaf, top,
		    s->foot.content);
	return rc;
}

int
csn_sealer_end(struct csn_sealer *s, uint8_t **out, size_t *len)
{
	uint8_t top[CSN_HASH_SIZE], *foot;
	struct csn_out w;
	size_t foot_len;
	int rc;

	s->foot.length = s->total;
	if ((rc = csn_tops_fold(s->ctx, s->roots, s->index, top)) != 0 ||
	    (rc = csn_body_root(&s->body, s->total, top, s->foot.root)) != 0 ||
	    (rc = content_of(s)) != 0 ||
	    (rc = csn_foot_make(&s->body, s->signer, &s->foot, &foot,
	    &foot_len)) != 0)
		return rc;
	csn_out_init(&w);
	if (s->body.integrity == CSN_SEALED_LEAVES)
		csn_put_bytes(&w, s->roots, (size_t)s->index * CSN_HASH_SIZE);
	csn_put_bytes(&w, foot, foot_len);
	csn_free(foot);
	if (!csn_out_ok(&w)) {
		csn_out_wipe(&w);
		return no_memory(s->ctx);
	}
	*out = w.p;
	*len = w.len;
	s->sealed_length = csn_body_offset(&s->body, s->index - 1) +
	    CSN_BODY_RECORD + csn_body_plain(&s->body, s->total,
	    s->index - 1) + w.len;
	return 0;
}

/* --- piece by piece ---------------------------------------------------- */

static int
emit_front(struct csn_sealer *s, write_fn *write, void *arg)
{
	int rc;

	if (s->started)
		return 0;
	s->started = 1;
	if ((rc = csn_worker_init(&s->worker, &s->body)) != 0)
		return rc;
	return write(arg, s->front, s->front_len);
}

/* Seal what is in the worker's text, in place, and write it. */
static int
emit_segment(struct csn_sealer *s, int final, write_fn *write, void *arg)
{
	uint8_t root[CSN_HASH_SIZE], content[CSN_HASH_SIZE];
	uint64_t i;
	int rc;

	if ((rc = csn_sealer_take(s, s->have, &i)) != 0 ||
	    (s->flat != NULL && (rc = csn_hash_update(s->flat,
	    s->worker.text, s->have)) != 0) ||
	    (rc = csn_worker_seal(&s->worker, i, s->have, final, root,
	    csn_sealer_content(s, content))) != 0)
		return rc;
	csn_sealer_keep(s, i, root, content);
	rc = write(arg, s->worker.record, CSN_BODY_RECORD + s->have);
	s->have = 0;
	return rc;
}

static int
usable(const struct csn_sealer *s, const void *write)
{
	int rc;

	if ((rc = csn_sealer_usable(s)) != 0)
		return rc;
	if (write == NULL || s->partial != NULL)
		return csn_fail(s->ctx, CSN_E_ARG, ROOM, "write is NULL, or "
		    "the file goes on, which csn_sealer_run() does");
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
	rc = emit_front(s, write, arg);
	while (rc == 0 && len != 0) {
		/* A full segment waits until it is known not to be final. */
		if (s->have == s->body.segment &&
		    (rc = emit_segment(s, 0, write, arg)) != 0)
			break;
		n = s->body.segment - s->have < len ?
		    s->body.segment - s->have : len;
		memcpy(s->worker.text + s->have, in, n);
		s->have += n;
		csn_worker_used(&s->worker, s->have);
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
	uint8_t *end = NULL;
	size_t len;
	int rc;

	if ((rc = usable(s, (const void *)(uintptr_t)write)) != 0)
		return rc;
	if ((rc = emit_front(s, write, arg)) == 0 &&
	    (rc = emit_segment(s, 1, write, arg)) == 0 &&
	    (rc = csn_sealer_end(s, &end, &len)) == 0)
		rc = write(arg, end, len);
	csn_free(end);
	s->dead = rc;
	s->done = rc == 0;
	return rc;
}

int
csn_sealer_facts(const struct csn_sealer *sealer,
    struct csn_sealed_facts *facts)
{
	if (CSN_NEEDS(sealer) != 0)
		return CSN_E_ARG;

	const struct csn_sealer *s = sealer;
	struct csn_sealed_facts f = { .size = sizeof(f) };
	int rc;

	if ((rc = CSN_GIVE_CHECK(facts, csn_sealed_facts, content)) != 0)
		return rc;
	if (!s->done)
		return csn_fail(s->ctx, CSN_E_ARG, ROOM,
		    "the sealed file is not whole yet");
	f.segment = s->body.segment;
	f.length = s->total;
	f.sealed_length = s->sealed_length;
	f.created_ms = s->created_ms;
	f.integrity = s->body.integrity;
	f.content_hash = s->kind;
	f.recipients = s->nslots;
	f.runs = (uint32_t)s->body.nruns;
	memcpy(f.id, s->body.runs[0].id, sizeof(f.id));
	memcpy(f.head_hash, s->body.head_hash, sizeof(f.head_hash));
	memcpy(f.root, s->foot.root, sizeof(f.root));
	memcpy(f.content, s->foot.content, sizeof(f.content));
	CSN_GIVE(facts, &f, csn_sealed_facts);
	return 0;
}

void
csn_sealer_free(struct csn_sealer *sealer)
{
	if (sealer == NULL)
		return;
	if (sealer->worker.body != NULL)
		csn_worker_clear(&sealer->worker);
	csn_hash_free(sealer->flat);
	csn_body_clear(&sealer->body);
	free(sealer->front);
	free(sealer->roots);
	free(sealer->contents);
	csn_wipe_free(sealer, sizeof(*sealer));
}
