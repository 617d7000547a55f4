/* SPDX-License-Identifier: Apache-2.0 */
/* seal/resume.c - a file's own sealer goes on with it, or readdresses it. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/little.h"
#include "evidence/cose.h"
#include "identity/document.h"
#include "seal/front.h"
#include "seal/sealer.h"
#include "seal/turn.h"

#define ROOM "seal"

/* A front that the signer made, and the data key behind it. */
struct own {
	struct csn_front f;
	uint8_t head_hash[CSN_HASH_SIZE];
	uint8_t data[CSN_KEY_SIZE];
	uint8_t prk[CSN_HASH_SIZE];
};

static int
open_own(struct csn_ctx *ctx, const struct csn_identity *signer,
    const uint8_t *data_key, const uint8_t *front, size_t len,
    struct own *own)
{
	uint8_t commitment[CSN_HASH_SIZE];
	struct csn_front *f = &own->f;
	struct csn_cose cose;
	int rc;

	if ((rc = csn_cose_parse(ctx, front + CSN_SEALED_PREFIX,
	    len - CSN_SEALED_PREFIX, &cose)) != 0 ||
	    (rc = csn_front_read(ctx, cose.payload, cose.payload_len,
	    f)) != 0)
		return rc;
	if (!csn_front_is(cose.kid, cose.kid_len,
	    csn_identity_alias(signer)) || !csn_front_is(f->sealer,
	    f->sealer_len, csn_identity_alias(signer)))
		return csn_fail(ctx, CSN_E_SIGNER, ROOM, "the file was sealed "
		    "by another than %s", csn_identity_name(signer));
	if ((rc = csn_cose_check(ctx, csn_identity_sign_key(signer),
	    CSN_SEALED_TYP, &cose)) != 0 ||
	    (rc = csn_sha3_256(ctx, f->head, f->head_len,
	    own->head_hash)) != 0 ||
	    (rc = csn_front_data_key(ctx, f, signer, data_key,
	    own->head_hash, own->data)) != 0 ||
	    (rc = csn_front_keys(ctx, own->data, f->fixed, f->fixed_len,
	    own->prk, commitment)) != 0)
		return rc;
	return csn_equal(commitment, f->commitment, sizeof(commitment)) ? 0 :
	    csn_fail(ctx, CSN_E_TAG, ROOM, "the key is not the one that the "
	    "file's head commits to");
}

/* --- going on ---------------------------------------------------------- */

/* 1 where the partial file has len bytes at offset. */
static int
has(const struct csn_sealed_io *io, uint64_t offset, size_t len)
{
	return offset <= io->length && len <= io->length - offset;
}

/* A mark behind what was found so far: another run of it, or its end. */
static int
find_mark(struct csn_sealer *s, uint64_t at, int *found)
{
	uint8_t mark[CSN_BODY_MARK_SIZE];
	int rc;

	*found = 0;
	if (!has(s->partial, at, sizeof(mark)))
		return 0;
	if ((rc = csn_io_read(s->ctx, s->partial, at, mark, sizeof(mark),
	    "the sealed file")) != 0 || csn_load32(mark) != CSN_BODY_MARK)
		return rc;
	*found = 1;
	return csn_body_add_run(&s->body, s->kept, mark + CSN_BODY_HEAD);
}

/*
 * Count the segments that are whole. Writing stopped anywhere, and not only
 * at one place: what does not open is the end, whatever lies behind it.
 */
static int
count_kept(struct csn_sealer *s, struct csn_worker *w)
{
	const size_t len = s->body.segment;
	int rc, found;
	uint64_t at;

	for (; s->kept < CSN_BODY_SEGMENTS; s->kept++) {
		at = csn_body_offset(&s->body, s->kept);
		if ((rc = find_mark(s, at, &found)) != 0)
			return rc;
		if (found)
			at += CSN_BODY_MARK_SIZE;
		if (!has(s->partial, at, len + CSN_BODY_RECORD))
			return 0;
		if ((rc = csn_io_read(s->ctx, s->partial, at, w->record,
		    len + CSN_BODY_RECORD, "the sealed file")) != 0)
			return rc;
		if (csn_worker_head(w, s->kept, len, 0) != 0)
			return 0;
		rc = csn_worker_open(w, s->kept, len, 0, NULL, NULL, NULL);
		if (rc == CSN_E_TAG)
			return 0;
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
begin_run(struct csn_sealer *s)
{
	uint8_t id[CSN_SEALED_ID];
	struct csn_worker w;
	int rc;

	if ((rc = csn_worker_init(&w, &s->body)) != 0)
		return rc;
	rc = count_kept(s, &w);
	csn_worker_clear(&w);
	if (rc != 0)
		return rc;
	csn_body_cut_runs(&s->body, s->kept);
	if ((rc = csn_random(s->ctx, id, sizeof(id))) != 0)
		return rc;
	return csn_body_add_run(&s->body, s->kept, id);
}

static int
read_front(struct csn_ctx *ctx, const struct csn_sealed_io *io,
    uint8_t **out, size_t *len)
{
	uint8_t prefix[CSN_SEALED_PREFIX], *front;
	int rc;

	if (!has(io, 0, sizeof(prefix)))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the file has no front yet: begin anew");
	if ((rc = csn_io_read(ctx, io, 0, prefix, sizeof(prefix),
	    "the sealed file")) != 0 ||
	    (rc = csn_front_prefix(ctx, prefix, len)) != 0)
		return rc;
	*len += sizeof(prefix);
	if (!has(io, 0, *len))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the file's front is not whole: begin anew");
	if ((front = csn_calloc(1, *len)) == NULL)
		return csn_nomem(ctx, ROOM, "a sealed file");
	if ((rc = csn_io_read(ctx, io, 0, front, *len,
	    "the sealed file")) != 0) {
		free(front);
		return rc;
	}
	*out = front;
	return 0;
}

static int
go_on(struct csn_sealer *s, const struct csn_sealer_options *o)
{
	struct own own;
	int rc;

	memset(&own, 0, sizeof(own));
	if ((rc = read_front(s->ctx, s->partial, &s->front,
	    &s->front_len)) == 0 &&
	    (rc = open_own(s->ctx, s->signer, o->data_key, s->front,
	    s->front_len, &own)) == 0 &&
	    (rc = csn_body_init(s->ctx, &s->body, own.f.segment,
	    own.f.integrity, own.head_hash, own.f.id, own.prk)) == 0) {
		s->body.at = s->front_len;
		s->created_ms = own.f.created_s * 1000;
		s->nslots = (uint32_t)own.f.n;
		rc = begin_run(s);
	}
	csn_wipe(&own, sizeof(own));
	return rc;
}

int
csn_sealer_resume(struct csn_ctx *ctx,
    const struct csn_sealer_options *options,
    const struct csn_sealed_io *partial, struct csn_sealer **out)
{
	CSN_UNCANCELLED;

	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_sealer_options o;
	struct csn_sealed_io io;
	struct csn_sealer *s;
	int rc;

	if ((rc = csn_sealer_options_take(ctx, options, &o)) != 0 ||
	    (rc = csn_io_take(ctx, partial, 1, &io)) != 0)
		return rc;
	if ((io.flags & CSN_IO_ANYWHERE) == 0)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a file that goes on is read with CSN_IO_ANYWHERE");
	if ((rc = csn_sealer_make(ctx, &o, &s)) != 0)
		return rc;
	s->partial_io = io;
	s->partial = &s->partial_io;
	if ((rc = go_on(s, &o)) != 0) {
		csn_sealer_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

/* --- other recipients -------------------------------------------------- */

struct change {
	struct csn_ctx *ctx;
	const struct csn_identity *signer;
	const struct csn_document *const *add;
	size_t nadd;
	const char *const *gone;
	size_t ngone;
};

static int
is_gone(const struct change *c, const struct csn_key_slot *slot)
{
	size_t i;

	for (i = 0; i < c->ngone; i++)
		if (csn_front_is(slot->alias, slot->alias_len, c->gone[i]))
			return 1;
	return 0;
}

static int
check_change(const struct change *c, const struct csn_front *f)
{
	size_t i, k, is;
	int rc;

	for (i = 0; i < c->ngone; i++) {
		if (c->gone[i] == NULL)
			return csn_fail(c->ctx, CSN_E_ARG, ROOM,
			    "a recipient who goes is NULL");
		for (is = 0, k = 0; k < f->n; k++)
			is += csn_front_is(f->slots[k].alias,
			    f->slots[k].alias_len, c->gone[i]) != 0;
		if (is == 0)
			return csn_fail(c->ctx, CSN_E_NOT_FOUND, ROOM,
			    "the file is not sealed to %s", c->gone[i]);
	}
	for (i = 0; i < c->nadd; i++) {
		if ((rc = csn_sealer_check_document(c->ctx, c->signer,
		    c->add[i])) != 0)
			return rc;
		if (f->integrity == CSN_SEALED_TAGS &&
		    strcmp(csn_document_alias(c->add[i]),
		    csn_identity_alias(c->signer)) != 0)
			return csn_fail(c->ctx, CSN_E_POLICY, ROOM, "the file "
			    "is signed over its tags alone, which is for its "
			    "sealer alone: seal it anew");
	}
	return 0;
}

static int
is_there(const struct change *c, const struct csn_front *f, size_t i)
{
	const char *alias = csn_document_alias(c->add[i]);
	size_t k;

	for (k = 0; k < f->n; k++)
		if (!is_gone(c, &f->slots[k]) && csn_front_is(
		    f->slots[k].alias, f->slots[k].alias_len, alias))
			return 1;
	for (k = 0; k < i; k++)
		if (strcmp(csn_document_alias(c->add[k]), alias) == 0)
			return 1;
	return 0;
}

/* The slots that stay as they are, then the new ones; how many. */
static int
put_slots(const struct change *c, const struct own *own, struct csn_out *w,
    size_t *n)
{
	size_t i;
	int rc;

	for (*n = 0, i = 0; i < own->f.n; i++)
		if (!is_gone(c, &own->f.slots[i])) {
			csn_front_put_slot(w, &own->f.slots[i]);
			++*n;
		}
	for (i = 0; i < c->nadd; i++, ++*n) {
		if (is_there(c, &own->f, i))
			return csn_fail(c->ctx, CSN_E_EXISTS, ROOM, "%s is a "
			    "recipient already",
			    csn_document_name(c->add[i]));
		if ((rc = csn_slot_put(c->ctx, csn_document_kem_key(c->add[i]),
		    csn_document_alias(c->add[i]), own->head_hash, own->data,
		    w)) != 0)
			return rc;
	}
	if (*n == 0 || *n > CSN_SEALED_SLOTS)
		return csn_fail(c->ctx, CSN_E_ARG, ROOM, "a sealed file has 1 "
		    "to %d recipients, and this would have %zu",
		    CSN_SEALED_SLOTS, *n);
	return csn_out_ok(w) ? 0 : csn_nomem(c->ctx, ROOM, "a front");
}

int
csn_sealed_readdress(struct csn_ctx *ctx, const struct csn_identity *signer,
    const uint8_t *data_key, const uint8_t *front, size_t len,
    const struct csn_document *const *add, size_t nadd,
    const char *const *gone, size_t ngone, uint8_t **out, size_t *out_len,
    size_t *old_len)
{
	if (CSN_NEEDS(signer, front, out, out_len, old_len) != 0)
		return CSN_E_ARG;

	const struct change c = { .ctx = ctx, .signer = signer, .add = add,
	    .nadd = nadd, .gone = gone, .ngone = ngone };
	struct csn_out slots;
	struct own own;
	size_t n, whole;
	uint64_t now;
	int rc;

	if (len < CSN_SEALED_PREFIX || (add == NULL && nadd != 0) ||
	    (gone == NULL && ngone != 0) || nadd > CSN_SEALED_SLOTS)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "another front needs "
		    "the old one, and who comes and goes");
	if ((rc = csn_front_prefix(ctx, front, &whole)) != 0)
		return rc;
	if ((whole += CSN_SEALED_PREFIX) > len)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the sealed file's "
		    "front has %zu bytes, of which %zu are here", whole, len);
	memset(&own, 0, sizeof(own));
	csn_out_init(&slots);
	now = csn_ctx_wall_ms(ctx) / 1000;
	if ((rc = open_own(ctx, signer, data_key, front, whole, &own)) == 0 &&
	    (rc = check_change(&c, &own.f)) == 0 &&
	    (rc = put_slots(&c, &own, &slots, &n)) == 0)
		rc = csn_front_sign(ctx, signer, own.f.head, own.f.head_len,
		    slots.p, slots.len, n, now > own.f.created_s ? now :
		    own.f.created_s, out, out_len);
	if (rc == 0)
		*old_len = whole;
	csn_out_wipe(&slots);
	csn_wipe(&own, sizeof(own));
	return rc;
}
