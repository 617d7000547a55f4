/* SPDX-License-Identifier: Apache-2.0 */
/* seal/stream.c - a stream under a session, segment by segment. */
#include <stdlib.h>
#include <string.h>

#include <caisson/seal.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "seal/place.h"
#include "session/keys.h"

#define ROOM "seal"

/*
 * Invariants: index is the next segment's and is never used twice, so no
 * nonce is; dead is the failure after which nothing more is done; the key is
 * this stream's alone.
 */
struct csn_stream {
	struct csn_session *session;	/* a reference of its own */
	struct csn_stream_key key;	/* its aad has the header */
	struct csn_head head;		/* where it opens */
	uint32_t segment;
	struct csn_slot_name slot;
	int has_slot;		/* store mode, and it has a name */
	int sealing;
	int done;
	int dead;
	uint64_t index;
	uint64_t blocks;
	uint64_t bytes;
};

static int
stream_new(struct csn_session *session, struct csn_stream **out)
{
	struct csn_stream *st;

	if ((st = csn_calloc(1, sizeof(*st))) == NULL)
		return csn_nomem(csn_session_ctx(session), ROOM, "a stream");
	st->session = csn_session_ref(session);
	*out = st;
	return 0;
}

static void
name_slot(struct csn_stream *st)
{
	const uint8_t *name = st->key.aad.bytes + CSN_H_STREAM_NAME;

	st->has_slot = st->key.version != 0 &&
	    !csn_head_zero(name, sizeof(st->slot.name));
	st->slot.kind = CSN_KIND_STREAM;
	memcpy(st->slot.name, name, sizeof(st->slot.name));
}

/* One record where the stream begins, and one where it ends. */
static int
audit(const struct csn_stream *st, const char *op, int code,
    const char *detail)
{
	CSN_UNCANCELLED;
	struct csn_audit *log = csn_session_audit_log(st->session);
	struct csn_audit_record r;

	if (log == NULL)
		return 0;
	csn_session_record(st->session, op, code, detail, &r);
	r.bytes = st->bytes;
	return csn_audit_append(log, &r);
}

/* Nothing more is done with the stream; its key goes now. */
static int
die(struct csn_stream *st, const char *op, int code)
{
	st->dead = code;
	csn_session_stream_end(st->session, &st->key);
	/* The refusal stands whether the log takes it or not. */
	CSN_IGNORE(audit(st, op, code, "stream refused"));
	return code;
}

int
csn_stream_sealer_new(struct csn_session *session, uint32_t segment,
    const uint8_t *name, uint8_t header[CSN_SEAL_HEADER],
    struct csn_stream **out)
{
	if (CSN_NEEDS(session, header, out) != 0)
		return CSN_E_ARG;

	struct csn_ctx *ctx = csn_session_ctx(session);
	struct csn_stream *st = NULL;
	uint8_t *head;
	int rc;

	if (segment == 0)
		segment = CSN_STREAM_SEGMENT;
	if (!csn_segment_ok(segment))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a segment of %u bytes "
		    "is no power of two from 4 KiB to 64 MiB", segment);
	if ((rc = stream_new(session, &st)) != 0)
		return rc;
	if ((rc = csn_session_stream_begin(session, &st->key)) != 0)
		goto err;
	st->sealing = 1;
	st->segment = segment;
	head = st->key.aad.bytes;
	csn_head_finish(head, CSN_KIND_STREAM, segment, 0, st->key.version);
	csn_stream_place_write(name, head);
	name_slot(st);
	if ((rc = audit(st, CSN_AUDIT_ENCRYPT, 0, "stream begins")) != 0)
		goto err;
	memcpy(header, head, CSN_SEAL_HEADER);
	*out = st;
	return 0;

err:
	csn_stream_free(st);
	return rc;
}

int
csn_stream_opener_new(struct csn_session *session,
    const uint8_t header[CSN_SEAL_HEADER], const uint8_t *name,
    struct csn_stream **out)
{
	if (CSN_NEEDS(session, header, out) != 0)
		return CSN_E_ARG;

	struct csn_ctx *ctx = csn_session_ctx(session);
	struct csn_stream *st = NULL;
	int rc;

	if ((rc = stream_new(session, &st)) != 0)
		return rc;
	if ((rc = csn_head_decode(ctx, &csn_stream_kind, header,
	    CSN_SEAL_HEADER, &st->head)) != 0 ||
	    (rc = csn_session_stream_join(session, &st->head,
	    &st->key)) != 0)
		goto err;
	if (name != NULL && memcmp(name, header + CSN_H_STREAM_NAME,
	    32) != 0) {	/* public */
		rc = csn_fail(ctx, CSN_E_TAG, ROOM, "the stream has another "
		    "name: it was moved here");
		goto err;
	}
	st->segment = st->head.len;
	memcpy(st->key.aad.bytes, header, CSN_SEAL_HEADER);
	name_slot(st);
	*out = st;
	return 0;

err:
	rc = die(st, CSN_AUDIT_DECRYPT, rc);
	csn_stream_free(st);
	return rc;
}

uint32_t
csn_stream_segment(const struct csn_stream *stream)
{
	return stream->segment;
}

/* What is refused before it costs anything; len is the plaintext's. */
static int
check_step(const struct csn_stream *st, size_t len, int final)
{
	const int code = st->sealing ? CSN_E_ARG : CSN_E_FORM;
	const struct csn_ctx *ctx = csn_session_ctx(st->session);

	if (st->dead != 0)
		return csn_fail(ctx, st->dead, ROOM, "the stream failed "
		    "before (%s): begin another",
		    csn_error_name(st->dead));
	if (st->done)
		return csn_fail(ctx, code, ROOM,
		    "the stream's final segment was there already");
	if (st->segment < len || (!final && st->segment != len))
		return csn_fail(ctx, code, ROOM,
		    "segment %llu has %zu bytes: each but the final one has "
		    "%u, and that no more", (unsigned long long)st->index,
		    len, st->segment);
	return 0;
}

/* AES over one segment; in and out may be the same. */
static int
run_segment(struct csn_stream *st, const uint8_t *in, size_t len, int final,
    uint8_t *out, uint8_t tag[CSN_TAG_SIZE])
{
	struct csn_aead_part part = { .in = in, .out = out, .len = len };
	struct csn_aad *aad = &st->key.aad;
	struct csn_message msg = { .aad = aad->bytes, .aad_len = aad->len,
	    .number = st->index, .parts = &part, .nparts = 1, .tag = tag };
	const uint64_t blocks = csn_message_blocks(len, aad->len);
	struct csn_lane *lane;
	int rc;

	csn_aad_segment(aad, st->index, final);
	if (st->index >= CSN_KEY_MAX_MESSAGES ||
	    blocks > CSN_KEY_MAX_BLOCKS - st->blocks)
		return csn_fail(csn_session_ctx(st->session), CSN_E_LIMIT,
		    ROOM, "the stream's key is used up: begin another stream");
	if ((rc = csn_session_stream_use(st->session, &st->key, len,
	    &lane)) != 0)
		return rc;
	rc = st->sealing ? csn_message_seal(lane, &msg) :
	    csn_message_open(lane, &msg);
	csn_session_stream_used(st->session, lane);
	st->blocks += blocks;
	st->index++;
	st->bytes += len;
	return rc;
}

int
csn_stream_push(struct csn_stream *stream, const uint8_t *in, size_t len,
    int final, uint8_t *out)
{
	if (CSN_NEEDS(stream) != 0)
		return CSN_E_ARG;

	struct csn_stream *st = stream;
	int rc;

	if (out == NULL || (in == NULL && len != 0) || !st->sealing)
		return csn_fail(csn_session_ctx(st->session), CSN_E_ARG, ROOM,
		    "a buffer is NULL, or the stream is one for opening");
	if ((rc = check_step(st, len, final)) != 0)
		return rc;	/* in, which may be out, is as it was */
	if ((rc = run_segment(st, in, len, final, out, out + len)) == 0 &&
	    final && (rc = audit(st, CSN_AUDIT_ENCRYPT, 0,
	    "stream ends")) == 0)
		/* Last: what fails here leaves the name's former stream. */
		rc = csn_session_stream_keep(st->session, &st->key,
		    st->has_slot ? &st->slot : NULL);
	if (rc != 0) {
		csn_wipe(out, len + CSN_STREAM_TAG);
		return die(st, CSN_AUDIT_ENCRYPT, rc);
	}
	st->done = final != 0;
	return 0;
}

/* The first segment's tag held: now the session hears of the stream. */
static int
first_held(struct csn_stream *st)
{
	struct csn_open_done done;
	struct csn_open_run run;
	int rc;

	if ((rc = csn_session_open_begin(st->session, &st->head,
	    &run)) != 0)
		return rc;
	memset(&done, 0, sizeof(done));
	done.version = st->head.version;
	done.name = st->has_slot ? &st->slot : NULL;
	csn_session_open_end(st->session, &run, &done, 1);
	if ((rc = done.rc) != 0)
		return rc;
	/* No plaintext leaves without a record of it. */
	return audit(st, CSN_AUDIT_DECRYPT, 0, "stream begins");
}

int
csn_stream_pull(struct csn_stream *stream, const uint8_t *in, size_t len,
    int final, uint8_t *out)
{
	if (CSN_NEEDS(stream) != 0)
		return CSN_E_ARG;

	const struct csn_ctx *ctx = csn_session_ctx(stream->session);
	struct csn_stream *st = stream;
	uint8_t tag[CSN_TAG_SIZE];
	size_t n = len < CSN_STREAM_TAG ? 0 : len - CSN_STREAM_TAG;
	int rc;

	if (in == NULL || (out == NULL && n != 0) || st->sealing)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a buffer is NULL, or the stream is one for sealing");
	if ((rc = check_step(st, n, final)) == 0 && len < CSN_STREAM_TAG)
		rc = csn_fail(ctx, CSN_E_FORM, ROOM, "a segment of %zu bytes "
		    "has no tag: it was cut", len);
	if (rc == 0) {
		memcpy(tag, in + n, sizeof(tag));
		rc = run_segment(st, in, n, final, out, tag);
		if (rc == 0 && st->index == 1)
			rc = first_held(st);
		if (rc == 0 && final)
			rc = audit(st, CSN_AUDIT_DECRYPT, 0, "stream ends");
	}
	if (rc != 0) {
		if (n != 0)
			csn_wipe(out, n);
		return st->dead != 0 ? rc : die(st, CSN_AUDIT_DECRYPT, rc);
	}
	st->done = final != 0;
	return 0;
}

int
csn_stream_done(const struct csn_stream *stream)
{
	return stream->done;
}

void
csn_stream_forget(struct csn_session *session, const uint8_t name[32])
{
	struct csn_slot_name slot;

	memset(&slot, 0, sizeof(slot));
	slot.kind = CSN_KIND_STREAM;
	memcpy(slot.name, name, sizeof(slot.name));
	csn_session_slot_forget(session, &slot);
}

void
csn_stream_free(struct csn_stream *stream)
{
	if (stream == NULL)
		return;
	csn_session_stream_end(stream->session, &stream->key);
	csn_session_free(stream->session);
	csn_wipe_free(stream, sizeof(*stream));
}
