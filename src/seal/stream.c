/* SPDX-License-Identifier: Apache-2.0 */
/* seal/stream.c - a stream under a session, segment by segment. */
#include <stdlib.h>
#include <string.h>

#include <caisson/aead.h>
#include <caisson/seal.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "session/keys.h"

#define ROOM "seal"

/* SP 800-38D: one key's messages, and blocks with our own margin. */
#define MAX_SEGMENTS ((uint64_t)1 << 32)
#define MAX_BLOCKS ((uint64_t)1 << 36)

/*
 * Invariants: index is the next segment's and is never used twice, so no
 * nonce is; dead is the failure after which nothing more is done; the key is
 * this stream's alone.
 */
struct csn_stream {
	struct csn_session *session;	/* a reference of its own */
	struct csn_stream_key key;
	struct csn_header header;
	struct csn_slot_name slot;
	int has_slot;		/* store mode, and it has a name */
	int sealing;
	int done;
	int dead;
	uint64_t index;
	uint64_t blocks;
	uint64_t bytes;
	uint8_t aad[CSN_AAD_MAX];
};

static int
named(const uint8_t name[32])
{
	static const uint8_t none[32];

	return memcmp(name, none, 32) != 0;	/* public */
}

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
	st->has_slot = csn_session_has_slots(st->session) &&
	    named(st->header.name);
	st->slot.kind = CSN_KIND_STREAM;
	memcpy(st->slot.name, st->header.name, sizeof(st->slot.name));
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
	if (CSN_NEEDS(session) != 0)
		return CSN_E_ARG;

	struct csn_ctx *ctx = csn_session_ctx(session);
	struct csn_stream *st = NULL;
	struct csn_header *h;
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
	h = &st->header;
	h->kind = CSN_KIND_STREAM;
	h->suite = csn_session_suite(session);
	h->flags = csn_session_direction(session) != 0 ?
	    CSN_HEADER_TENANT_SENT : 0;
	h->replay = csn_session_replay(session);
	h->epoch = st->key.epoch_number;
	h->version = st->key.version;
	h->len = segment;
	memcpy(h->tenant_label, csn_session_label(session), 8);
	memcpy(h->session, csn_session_id(session), 16);
	memcpy(h->writer, st->key.writer, 16);
	if (name != NULL)
		memcpy(h->name, name, sizeof(h->name));
	name_slot(st);
	csn_header_encode(h, st->aad);
	if ((rc = audit(st, CSN_AUDIT_ENCRYPT, 0, "stream begins")) != 0)
		goto err;
	memcpy(header, st->aad, CSN_SEAL_HEADER);
	*out = st;
	return 0;

err:
	csn_stream_free(st);
	return rc;
}

/* What a stream's header says beside what all headers do. */
static int
check_header(const struct csn_ctx *ctx, const struct csn_header *h)
{
	if (h->kind != CSN_KIND_STREAM)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the message is no "
		    "stream but a KV entry or block");
	if (!csn_segment_ok(h->len) || h->count != 0 || h->layer != 0 ||
	    h->position != 0 || h->sequence != 0 ||
	    (h->flags & CSN_HEADER_HAS_TOKEN) != 0 ||
	    (h->version != 0) != (h->replay == CSN_REPLAY_STORE))
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the stream's header "
		    "has a segment size, version or field that no stream has");
	return 0;
}

int
csn_stream_opener_new(struct csn_session *session,
    const uint8_t header[CSN_SEAL_HEADER], const uint8_t *name,
    struct csn_stream **out)
{
	if (CSN_NEEDS(session, out) != 0)
		return CSN_E_ARG;

	struct csn_ctx *ctx = csn_session_ctx(session);
	struct csn_stream *st = NULL;
	int rc;

	if ((rc = stream_new(session, &st)) != 0)
		return rc;
	if ((rc = csn_header_decode(ctx, header, CSN_SEAL_HEADER,
	    &st->header)) != 0 ||
	    (rc = check_header(ctx, &st->header)) != 0 ||
	    (rc = csn_session_stream_join(session, &st->header,
	    &st->key)) != 0)
		goto err;
	if (name != NULL &&
	    memcmp(name, st->header.name, 32) != 0) {	/* public */
		rc = csn_fail(ctx, CSN_E_TAG, ROOM, "the stream has another "
		    "name: it was moved here");
		goto err;
	}
	memcpy(st->aad, header, CSN_SEAL_HEADER);
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
	return stream->header.len;
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
	if (st->header.len < len || (!final && st->header.len != len))
		return csn_fail(ctx, code, ROOM,
		    "segment %llu has %zu bytes: each but the final one has "
		    "%u, and that no more", (unsigned long long)st->index,
		    len, st->header.len);
	return 0;
}

/* AES over one segment; in and out may be the same. */
static int
run_segment(struct csn_stream *st, const uint8_t *in, size_t len, int final,
    uint8_t *out, uint8_t tag[CSN_TAG_SIZE])
{
	struct csn_aead_part part = { .in = in, .out = out, .len = len };
	struct csn_aead_msg msg = { .aad = st->aad, .parts = &part,
	    .nparts = 1, .tag = tag };
	struct csn_lane *lane;
	uint64_t blocks;
	int rc;

	msg.aad_len = CSN_SEAL_HEADER + csn_aad_tail(st->aad +
	    CSN_SEAL_HEADER, csn_session_tenant_id(st->session), st->index,
	    final);
	/* Data, AAD, the length block and the tag's mask. */
	blocks = len / 16 + msg.aad_len / 16 + 4;
	if (st->index >= MAX_SEGMENTS || blocks > MAX_BLOCKS - st->blocks)
		return csn_fail(csn_session_ctx(st->session), CSN_E_LIMIT,
		    ROOM, "the stream's key is used up: begin another stream");
	csn_nonce(msg.nonce, st->index);
	if ((rc = csn_session_stream_use(st->session, &st->key, len,
	    &lane)) != 0)
		return rc;
	rc = st->sealing ? csn_lane_seal(lane, &msg) :
	    csn_lane_open(lane, &msg);
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
	    final && (rc = csn_session_stream_keep(st->session, &st->key,
	    st->has_slot ? &st->slot : NULL)) == 0)
		rc = audit(st, CSN_AUDIT_ENCRYPT, 0, "stream ends");
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

	if ((rc = csn_session_open_begin(st->session, &st->header,
	    &run)) != 0)
		return rc;
	memset(&done, 0, sizeof(done));
	done.version = st->header.version;
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
