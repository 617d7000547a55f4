/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/streams.c - whole streams at once, for the tests. */
#include "lib/test.h"
#include "seal/streams.h"

struct csn_ctx *
streams_ctx(void)
{
	struct csn_ctx *ctx;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	return ctx;
}

struct csn_session *
streams_session(struct csn_ctx *ctx, const char *id, uint32_t replay)
{
	struct csn_tenant tenant = { .size = sizeof(tenant), .id = id };
	struct csn_session_options o = { .size = sizeof(o),
	    .replay = replay };
	struct csn_session *s;

	assert_int_equal(csn_session_local(ctx, &tenant, &o, &s), 0);
	return s;
}

struct csn_session *
streams_again(struct csn_ctx *ctx, struct csn_session *s, uint32_t replay)
{
	struct csn_session_options o = { .size = sizeof(o),
	    .replay = replay };
	struct csn_session *again;
	uint8_t *p;
	size_t len;

	assert_int_equal(csn_session_export(s, &p, &len), 0);
	assert_int_equal(csn_session_import(ctx, p, len, &o, &again), 0);
	csn_wipe(p, len);
	csn_free(p);
	return again;
}

uint8_t *
streams_data(size_t len)
{
	uint8_t *p;
	uint32_t x = 1;
	size_t i;

	assert_non_null(p = malloc(len + 1));
	for (i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		p[i] = (uint8_t)(x >> 24);
	}
	return p;
}

void
streams_seal(struct csn_session *s, const uint8_t *name, const uint8_t *data,
    size_t len, struct streams_sealed *out)
{
	size_t at = 0, n, room;
	struct csn_stream *st;
	int final;

	memset(out, 0, sizeof(*out));
	room = CSN_SEAL_HEADER + len + (len / STREAMS_SEGMENT + 1) *
	    CSN_STREAM_TAG;
	assert_non_null(out->p = malloc(room));
	assert_int_equal(csn_stream_sealer_new(s, STREAMS_SEGMENT, name, out->p,
	    &st), 0);
	assert_int_equal(csn_stream_segment(st), STREAMS_SEGMENT);
	out->len = CSN_SEAL_HEADER;
	do {
		n = len - at < STREAMS_SEGMENT ? len - at : STREAMS_SEGMENT;
		/* A stream that ends on a boundary ends in an empty one. */
		final = n < STREAMS_SEGMENT;
		assert_false(csn_stream_done(st));
		out->at[out->n++] = out->len;
		assert_int_equal(csn_stream_push(st, data + at, n, final,
		    out->p + out->len), 0);
		out->len += n + CSN_STREAM_TAG;
		at += n;
	} while (!final);
	out->at[out->n] = out->len;
	assert_int_equal(out->len, room);
	assert_true(csn_stream_done(st));
	csn_stream_free(st);
}

void
streams_free(struct streams_sealed *sealed)
{
	free(sealed->p);
}

static int
pull_all(struct csn_stream *st, const struct streams_sealed *sealed,
    const uint8_t *data, size_t len)
{
	static const uint8_t zero[STREAMS_SEGMENT * 2];
	uint8_t *out;
	size_t i, n, at = 0;
	int rc = 0;

	for (i = 0; i < sealed->n && rc == 0; i++) {
		n = sealed->at[i + 1] - sealed->at[i];
		assert_non_null(out = malloc(n));
		memset(out, 0xee, n);
		rc = csn_stream_pull(st, sealed->p + sealed->at[i], n,
		    i + 1 == sealed->n, out);
		if (n >= CSN_STREAM_TAG) {
			n -= CSN_STREAM_TAG;
			if (rc != 0)
				assert_memory_equal(out, zero, n);
			else {
				assert_true(at + n <= len);
				assert_memory_equal(out, data + at, n);
			}
			at += n;
		}
		free(out);
	}
	if (rc == 0) {
		assert_int_equal(at, len);
		assert_true(csn_stream_done(st));
	} else {
		/* Dead: the same again, whatever comes. */
		uint8_t one[CSN_STREAM_TAG + 1] = { 0 }, got = 1;

		assert_false(csn_stream_done(st));
		assert_int_equal(csn_stream_pull(st, one, sizeof(one), 1,
		    &got), rc);
		assert_int_equal(got, 0);
	}
	return rc;
}

int
streams_open(struct csn_session *s, const uint8_t *name,
    const struct streams_sealed *sealed, const uint8_t *data, size_t len)
{
	struct csn_stream *st;
	int rc;

	if ((rc = csn_stream_opener_new(s, sealed->p, name, &st)) != 0)
		return rc;
	rc = pull_all(st, sealed, data, len);
	csn_stream_free(st);
	return rc;
}
