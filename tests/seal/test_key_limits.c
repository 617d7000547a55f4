/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_key_limits.c - the key of a stream or a sealed file ends at 2^32
 * messages or 2^36 blocks (SP 800-38D), a file at 2^20 segments: both sides
 * stop there.
 */
#include "identity/people.h"
#include "lib/test.h"
#include "seal/files.h"
#include "seal/reach.h"
#include "seal/body.h"
#include "seal/streams.h"

#define SEGMENTS ((uint64_t)1 << 32)
#define BLOCKS ((uint64_t)1 << 36)

static struct csn_ctx *ctx;
static uint8_t *data;

static const uint8_t zero[STREAMS_SEGMENT + CSN_STREAM_TAG];

static int
push(struct csn_stream *s, uint8_t *out)
{
	return csn_stream_push(s, data, STREAMS_SEGMENT, 0, out);
}

TEST(a_stream_ends_at_its_keys_limit)
{
	static uint8_t out[STREAMS_SEGMENT + CSN_STREAM_TAG];
	static uint8_t back[STREAMS_SEGMENT];
	struct csn_session *session = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	uint8_t header[CSN_SEAL_HEADER];
	struct csn_stream *s, *o;

	assert_int_equal(csn_stream_sealer_new(session, STREAMS_SEGMENT, NULL,
	    header, &s), 0);
	assert_int_equal(csn_stream_opener_new(session, header, NULL, &o), 0);
	/* The last segment that there may be goes through both. */
	reach_stream(s, SEGMENTS - 1, 5);
	reach_stream(o, SEGMENTS - 1, 5);
	assert_int_equal(push(s, out), 0);
	assert_int_equal(csn_stream_pull(o, out, sizeof(out), 0, back), 0);
	assert_memory_equal(back, data, sizeof(back));
	assert_int_equal(push(s, out), CSN_E_LIMIT);
	assert_memory_equal(out, zero, sizeof(out));
	assert_int_equal(push(s, out), CSN_E_LIMIT);
	assert_int_equal(csn_stream_pull(o, data, sizeof(out), 0, back),
	    CSN_E_LIMIT);
	assert_memory_equal(back, zero, sizeof(back));
	csn_stream_free(s);
	csn_stream_free(o);

	assert_int_equal(csn_stream_sealer_new(session, STREAMS_SEGMENT, NULL,
	    header, &s), 0);
	/* Its data are 256 blocks, and there is more than data. */
	reach_stream(s, 1, BLOCKS - STREAMS_SEGMENT / 16);
	assert_int_equal(push(s, out), CSN_E_LIMIT);
	csn_stream_free(s);
	csn_session_free(session);
}

struct sink {
	size_t len;
};

static int
count(void *arg, const uint8_t *p, size_t len)
{
	struct sink *sink = arg;

	(void)p;
	sink->len += len;
	return 0;
}

TEST(a_sealed_file_ends_at_its_keys_limit)
{
	struct csn_identity *id = people_quick(ctx, 1, "both");
	struct csn_document *document = files_document(ctx, id);
	const struct csn_document *to[] = { document };
	const struct csn_sealer_options options = { .size = sizeof(options),
	    .segment = FILES_SEGMENT, .signer = id, .recipients = to,
	    .nrecipients = 1 };
	struct sink sink = { 0 };
	struct csn_sealer *s;
	size_t first;
	int i;

	for (i = 0; i < 2; i++) {
		sink.len = 0;
		assert_int_equal(csn_sealer_new(ctx, &options, &s), 0);
		assert_int_equal(csn_sealer_update(s, data,
		    2 * FILES_SEGMENT, count, &sink), 0);
		first = sink.len;
		assert_true(first > FILES_SEGMENT);
		if (i == 0)
			reach_sealer(s, CSN_BODY_SEGMENTS, 5);
		else
			reach_sealer(s, 1, BLOCKS - FILES_SEGMENT / 16);
		/* Nothing more comes out. */
		assert_int_equal(csn_sealer_update(s, data,
		    2 * FILES_SEGMENT, count, &sink), CSN_E_LIMIT);
		assert_int_equal(csn_sealer_final(s, count, &sink),
		    CSN_E_LIMIT);
		assert_int_equal(sink.len, first);
		csn_sealer_free(s);
	}
	csn_document_free(document);
	csn_identity_free(id);
}

/* What each segment takes of the key adds up. */
TEST(two_segments_pass_the_limit_that_one_does_not)
{
	struct csn_identity *id = people_quick(ctx, 1, "both");
	struct csn_document *document = files_document(ctx, id);
	const struct csn_document *to[] = { document };
	const struct csn_sealer_options options = { .size = sizeof(options),
	    .segment = FILES_SEGMENT, .signer = id, .recipients = to,
	    .nrecipients = 1 };
	/* Of one: its data, AAD, the length block, the tag's mask. */
	const uint64_t each = FILES_SEGMENT / 16 + CSN_BODY_AAD / 16 + 4;
	struct sink sink = { 0 };
	struct csn_sealer *s;
	size_t first;

	assert_int_equal(csn_sealer_new(ctx, &options, &s), 0);
	assert_int_equal(csn_sealer_update(s, data, 1, count, &sink), 0);
	reach_sealer(s, 1, BLOCKS - 2 * each + 1);
	first = sink.len;
	/* A segment goes out once there is more behind it. */
	assert_int_equal(csn_sealer_update(s, data, FILES_SEGMENT, count,
	    &sink), 0);
	assert_true(sink.len >= first + FILES_SEGMENT);
	first = sink.len;
	assert_int_equal(csn_sealer_update(s, data, FILES_SEGMENT, count,
	    &sink), CSN_E_LIMIT);
	assert_int_equal(sink.len, first);
	csn_sealer_free(s);
	csn_document_free(document);
	csn_identity_free(id);
}

TEST(nor_do_two_of_a_stream_or_of_what_is_opened)
{
	static uint8_t out[STREAMS_SEGMENT + CSN_STREAM_TAG];
	struct csn_session *session = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	struct csn_identity *id = people_quick(ctx, 1, "both");
	const struct csn_identity *to[] = { id };
	/* The tail: u16 length, "acme", u64 index, u8 final. */
	const uint64_t each = STREAMS_SEGMENT / 16 +
	    (CSN_SEAL_HEADER + 15) / 16 + 4;
	const uint64_t opened = FILES_SEGMENT / 16 + CSN_BODY_AAD / 16 + 4;
	uint8_t header[CSN_SEAL_HEADER];
	struct sink sink = { 0 };
	struct files_sealed f;
	struct csn_stream *s;
	struct csn_opener *o;
	struct csn_trust *trust;

	assert_int_equal(csn_stream_sealer_new(session, STREAMS_SEGMENT, NULL,
	    header, &s), 0);
	reach_stream(s, 1, BLOCKS - 2 * each + 1);
	assert_int_equal(push(s, out), 0);
	assert_int_equal(push(s, out), CSN_E_LIMIT);
	csn_stream_free(s);
	csn_session_free(session);

	assert_int_equal(csn_trust_new(ctx, &trust), 0);
	people_trust(ctx, trust, id, CSN_PURPOSE_SEALER);
	files_seal(ctx, id, to, 1, NULL, data, 4 * FILES_SEGMENT,
	    4 * FILES_SEGMENT, &f);
	assert_int_equal(csn_opener_new(ctx, id, trust, NULL, &o), 0);
	assert_int_equal(csn_opener_update(o, f.p, f.at[1], count, &sink), 0);
	assert_int_equal(sink.len, FILES_SEGMENT);
	reach_opener(o, 1, BLOCKS - 2 * opened + 1);
	assert_int_equal(csn_opener_update(o, f.p + f.at[1], f.len - f.at[1],
	    count, &sink), CSN_E_LIMIT);
	assert_int_equal(sink.len, 2 * FILES_SEGMENT);
	csn_opener_free(o);
	files_free(&f);
	csn_trust_free(trust);
	csn_identity_free(id);
}

TEST(an_opener_goes_no_further_either)
{
	struct csn_identity *id = people_quick(ctx, 1, "both");
	const struct csn_identity *to[] = { id };
	struct sink sink = { 0 };
	struct files_sealed f;
	struct csn_opener *o;
	struct csn_trust *trust;

	assert_int_equal(csn_trust_new(ctx, &trust), 0);
	people_trust(ctx, trust, id, CSN_PURPOSE_SEALER);
	files_seal(ctx, id, to, 1, NULL, data, 3 * FILES_SEGMENT,
	    3 * FILES_SEGMENT, &f);
	assert_int_equal(csn_opener_new(ctx, id, trust, NULL, &o), 0);
	assert_int_equal(csn_opener_update(o, f.p, f.at[1], count, &sink), 0);
	assert_int_equal(sink.len, FILES_SEGMENT);
	reach_opener(o, CSN_BODY_SEGMENTS, 5);
	assert_int_equal(csn_opener_update(o, f.p + f.at[1], f.len - f.at[1],
	    count, &sink), CSN_E_LIMIT);
	assert_int_equal(csn_opener_final(o, count, &sink), CSN_E_LIMIT);
	assert_int_equal(sink.len, FILES_SEGMENT);
	csn_opener_free(o);
	files_free(&f);
	csn_trust_free(trust);
	csn_identity_free(id);
}

BEFORE_ALL
{
	ctx = people_ctx();
	data = streams_data(4 * FILES_SEGMENT);
}

AFTER_ALL
{
	free(data);
	csn_ctx_free(ctx);
}
