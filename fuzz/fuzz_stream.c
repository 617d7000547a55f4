/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_stream.c - a sealed stream: an input as its bytes, or as edits of one
 * that was sealed just now. What was pulled is what was pushed, there or when
 * the corpus was made, from its beginning on.
 */
#include <caisson/seal.h>

#include "edit.h"
#include "session.h"

#define SEGMENT 4096u
#define SEGMENTS 3
#define RECORD (SEGMENT + CSN_STREAM_TAG)
#define ROOM (CSN_SEAL_HEADER + SEGMENTS * RECORD + 256)

static struct csn_session *session;
static uint8_t plain[SEGMENTS * SEGMENT];

static void
finish(void)
{
	csn_session_free(session);
	session = NULL;
}

static void
start(struct csn_ctx *ctx)
{
	if (session != NULL)
		return;
	fuzz_plain(plain, sizeof(plain));
	session = fuzz_session(ctx, 0, FUZZ_SEEDS);
	check(atexit(finish) == 0);
}

static size_t
make(uint8_t *out, size_t len)
{
	struct csn_stream *s;
	size_t at = 0, n, to = CSN_SEAL_HEADER;
	int final = 0;

	check(csn_stream_sealer_new(session, SEGMENT, NULL, out, &s) == 0);
	while (!final) {
		n = len - at < SEGMENT ? len - at : SEGMENT;
		final = n < SEGMENT || at + n == sizeof(plain);
		check(csn_stream_push(s, plain + at, n, final, out + to) == 0);
		at += n;
		to += n + CSN_STREAM_TAG;
	}
	csn_stream_free(s);
	return to;
}

/* The plaintext bytes that came, and whether the end did. */
static size_t
pull(const uint8_t *p, size_t len, int *done)
{
	uint8_t out[SEGMENT];
	struct csn_stream *s = NULL;
	size_t got = 0, n, room;
	int rc = 0;

	*done = 0;
	if (len < CSN_SEAL_HEADER ||
	    csn_stream_opener_new(session, p, NULL, &s) != 0) {
		check(s == NULL);
		return 0;
	}
	room = csn_stream_segment(s);
	check(room >= 4096);
	p += CSN_SEAL_HEADER;
	len -= CSN_SEAL_HEADER;
	while (rc == 0 && !csn_stream_done(s)) {
		n = len < room + CSN_STREAM_TAG ? len : room + CSN_STREAM_TAG;
		if (n > sizeof(out) + CSN_STREAM_TAG)
			break;
		rc = csn_stream_pull(s, p, n, n == len, out);
		if (rc == 0) {
			n -= CSN_STREAM_TAG;
			check(got + n <= sizeof(plain) &&
			    memcmp(out, plain + got, n) == 0);
			got += n;
			p += n + CSN_STREAM_TAG;
			len -= n + CSN_STREAM_TAG;
		}
	}
	*done = csn_stream_done(s);
	if (rc != 0)
		check(csn_stream_pull(s, p, 0, 1, out) == rc);
	csn_stream_free(s);
	return got;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t sealed[ROOM];
	struct csn_reader r;
	size_t n, want;
	int done;

	start(fuzz_ctx());
	csn_reader_init(&r, data, len);
	want = csn_read_u16(&r);
	if (!csn_reader_ok(&r))
		return 0;
	if (want & 0x8000u) {
		/* One of the corpus may come to its end; pull() compares. */
		(void)pull(r.p, r.left, &done);
		return 0;
	}
	want %= sizeof(plain) + 1;
	n = make(sealed, want);
	if (fuzz_edit(&r, sealed, &n, sizeof(sealed)) == 0) {
		check(pull(sealed, n, &done) == want && done);
	} else {
		check(pull(sealed, n, &done) <= want);
		check(!done);
	}
	return 0;
}
