/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/test_stream.c - streams: whole, in place, and attacked. */
#include "lib/test.h"
#include "seal/streams.h"

#define SEG STREAMS_SEGMENT

static struct csn_ctx *ctx;

BEFORE_ALL { ctx = streams_ctx(); }
AFTER_ALL { csn_ctx_free(ctx); }

TEST(every_size_comes_back)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, SEG - 1, SEG,
	    SEG + 1, 2 * SEG - 1, 2 * SEG, 2 * SEG + 1, 5 * SEG + 77 };
	static const uint32_t modes[] = { CSN_REPLAY_STORE,
	    CSN_REPLAY_CHANNEL, CSN_REPLAY_OFF };
	struct streams_sealed sealed;
	struct csn_session *s;
	uint8_t *data = streams_data(6 * SEG);
	size_t i, m;

	for (m = 0; m < 3; m++) {
		s = streams_session(ctx, "acme", modes[m]);
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			streams_seal(s, NULL, data, sizes[i], &sealed);
			assert_int_equal(streams_open(s, NULL, &sealed, data,
			    sizes[i]), 0);
			streams_free(&sealed);
		}
		csn_session_free(s);
	}
	free(data);
}

TEST(the_last_segment_may_be_full)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	uint8_t header[CSN_SEAL_HEADER], *data = streams_data(SEG);
	uint8_t sealed[SEG + CSN_STREAM_TAG], out[SEG];
	struct csn_stream *st;

	assert_int_equal(csn_stream_sealer_new(s, SEG, NULL, header, &st), 0);
	assert_int_equal(csn_stream_push(st, data, SEG, 1, sealed), 0);
	/* Nothing comes after the final one, and asking harms nothing. */
	assert_int_equal(csn_stream_push(st, data, SEG, 1, sealed),
	    CSN_E_ARG);
	csn_stream_free(st);
	assert_int_equal(csn_stream_opener_new(s, header, NULL, &st), 0);
	assert_int_equal(csn_stream_pull(st, sealed, sizeof(sealed), 1, out),
	    0);
	assert_memory_equal(out, data, SEG);
	assert_int_equal(csn_stream_pull(st, sealed, sizeof(sealed), 1, out),
	    CSN_E_FORM);
	csn_stream_free(st);
	csn_session_free(s);
	free(data);
}

TEST(works_in_place)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_CHANNEL);
	uint8_t header[CSN_SEAL_HEADER], *data = streams_data(SEG);
	uint8_t buf[SEG + CSN_STREAM_TAG];
	struct csn_stream *st;

	memcpy(buf, data, SEG);
	assert_int_equal(csn_stream_sealer_new(s, SEG, NULL, header, &st), 0);
	assert_int_equal(csn_stream_push(st, buf, SEG, 1, buf), 0);
	csn_stream_free(st);
	assert_memory_not_equal(buf, data, SEG);
	assert_int_equal(csn_stream_opener_new(s, header, NULL, &st), 0);
	assert_int_equal(csn_stream_pull(st, buf, sizeof(buf), 1, buf), 0);
	assert_memory_equal(buf, data, SEG);
	csn_stream_free(st);
	csn_session_free(s);
	free(data);
}

TEST(arguments_are_checked)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	uint8_t header[CSN_SEAL_HEADER], buf[SEG + 17] = { 0 };
	struct csn_stream *st;

	assert_int_equal(csn_stream_sealer_new(s, 0, NULL, NULL, &st),
	    CSN_E_ARG);
	assert_int_equal(csn_stream_sealer_new(s, 0, NULL, header, NULL),
	    CSN_E_ARG);
	assert_int_equal(csn_stream_opener_new(s, NULL, NULL, &st), CSN_E_ARG);
	assert_int_equal(csn_stream_sealer_new(s, 4095, NULL, header, &st),
	    CSN_E_ARG);
	assert_int_equal(csn_stream_sealer_new(s, 2048, NULL, header, &st),
	    CSN_E_ARG);
	assert_int_equal(csn_stream_sealer_new(s, 1u << 27, NULL, header, &st),
	    CSN_E_ARG);
	assert_int_equal(csn_stream_sealer_new(s, 0, NULL, header, &st), 0);
	assert_int_equal(csn_stream_segment(st), CSN_STREAM_SEGMENT);
	csn_stream_free(st);
	assert_int_equal(csn_stream_sealer_new(s, SEG, NULL, header, &st), 0);
	/* Only the final segment is short, and none is longer. */
	assert_int_equal(csn_stream_push(st, buf, SEG - 1, 0, buf),
	    CSN_E_ARG);
	assert_int_equal(csn_stream_push(st, buf, SEG + 1, 1, buf),
	    CSN_E_ARG);
	assert_int_equal(csn_stream_push(st, NULL, 1, 1, buf), CSN_E_ARG);
	assert_int_equal(csn_stream_pull(st, buf, 17, 1, buf), CSN_E_ARG);
	assert_int_equal(csn_stream_push(st, buf, SEG, 1, buf), 0);
	csn_stream_free(st);
	assert_int_equal(csn_stream_opener_new(s, header, NULL, &st), 0);
	assert_int_equal(csn_stream_push(st, buf, SEG, 1, buf), CSN_E_ARG);
	csn_stream_free(st);
	csn_stream_free(NULL);
	csn_session_free(s);
}

/* Flip one bit and expect `rc`, or any refusal where rc is 0. */
static void
flip(struct csn_session *s, struct streams_sealed *sealed, size_t at,
    unsigned bit, const uint8_t *data, size_t len)
{
	int rc;

	sealed->p[at] ^= (uint8_t)(1u << bit);
	rc = streams_open(s, NULL, sealed, data, len);
	sealed->p[at] ^= (uint8_t)(1u << bit);
	if (rc == 0)
		fail_msg("byte %zu bit %u was not missed", at, bit);
}

TEST(every_bit_of_the_header_counts)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_CHANNEL);
	uint8_t *data = streams_data(100);
	struct streams_sealed sealed;
	unsigned i;

	streams_seal(s, NULL, data, 100, &sealed);
	for (i = 0; i < CSN_SEAL_HEADER * 8; i++)
		flip(s, &sealed, i / 8, i % 8, data, 100);
	/* None of that spent it. */
	assert_int_equal(streams_open(s, NULL, &sealed, data, 100), 0);
	streams_free(&sealed);
	csn_session_free(s);
	free(data);
}

TEST(every_changed_byte_is_seen)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	const size_t len = 2 * SEG + 100;
	uint8_t *data = streams_data(len);
	struct streams_sealed sealed;
	size_t at, i;

	streams_seal(s, NULL, data, len, &sealed);
	for (at = CSN_SEAL_HEADER; at < sealed.len; at += 37)
		flip(s, &sealed, at, (unsigned)(at % 8), data, len);
	/* Each byte of each tag, and the bytes beside them. */
	for (i = 1; i <= sealed.n; i++)
		for (at = sealed.at[i] - 18; at < sealed.at[i]; at++)
			flip(s, &sealed, at, (unsigned)(at % 8), data, len);
	assert_int_equal(streams_open(s, NULL, &sealed, data, len), 0);
	streams_free(&sealed);
	csn_session_free(s);
	free(data);
}

/* A stream put together from segments of others, by index; -1 ends it. */
static int
mixed(struct csn_session *s, const struct streams_sealed *from,
    const int *order, const uint8_t *data, size_t len)
{
	struct streams_sealed m;
	size_t n, i;
	int rc;

	memset(&m, 0, sizeof(m));
	assert_non_null(m.p = malloc(from->len * 3));
	memcpy(m.p, from->p, CSN_SEAL_HEADER);
	m.len = CSN_SEAL_HEADER;
	for (i = 0; order[i] >= 0; i++) {
		m.at[m.n++] = m.len;
		n = from->at[order[i] + 1] - from->at[order[i]];
		memcpy(m.p + m.len, from->p + from->at[order[i]], n);
		m.len += n;
	}
	m.at[m.n] = m.len;
	rc = streams_open(s, NULL, &m, data, len);
	free(m.p);
	return rc;
}

TEST(segments_stay_where_they_were)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	const size_t len = 3 * SEG + 9;
	uint8_t *data = streams_data(len);
	struct streams_sealed sealed;

	streams_seal(s, NULL, data, len, &sealed);
	assert_int_equal(sealed.n, 4);
	assert_int_equal(mixed(s, &sealed, (int[]){ 0, 1, 2, 3, -1 }, data,
	    len), 0);
	/* Swapped, twice, left out at front, middle and end. */
	assert_int_equal(mixed(s, &sealed, (int[]){ 1, 0, 2, 3, -1 }, data,
	    len), CSN_E_TAG);
	assert_int_equal(mixed(s, &sealed, (int[]){ 0, 2, 1, 3, -1 }, data,
	    len), CSN_E_TAG);
	assert_int_equal(mixed(s, &sealed, (int[]){ 0, 1, 1, 2, 3, -1 }, data,
	    len), CSN_E_TAG);
	assert_int_equal(mixed(s, &sealed, (int[]){ 1, 2, 3, -1 }, data,
	    len), CSN_E_TAG);
	assert_int_equal(mixed(s, &sealed, (int[]){ 0, 2, 3, -1 }, data,
	    len), CSN_E_TAG);
	assert_int_equal(mixed(s, &sealed, (int[]){ 0, 1, 2, -1 }, data,
	    len), CSN_E_TAG);
	assert_int_equal(mixed(s, &sealed, (int[]){ 0, -1 }, data, len),
	    CSN_E_TAG);
	streams_free(&sealed);
	csn_session_free(s);
	free(data);
}

TEST(a_cut_or_longer_stream_is_refused)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	const size_t len = SEG + 40;
	uint8_t *data = streams_data(len), out[SEG];
	struct streams_sealed sealed;
	/* The last segment, and three bytes behind the end. */
	uint8_t longer[40 + CSN_STREAM_TAG + 3] = { 0 };
	struct csn_stream *st;
	size_t n, last;
	int rc;

	streams_seal(s, NULL, data, len, &sealed);
	last = sealed.at[1];
	memcpy(longer, sealed.p + last, sealed.len - last);
	for (n = 0; n <= sizeof(longer); n++) {
		assert_int_equal(csn_stream_opener_new(s, sealed.p, NULL, &st),
		    0);
		assert_int_equal(csn_stream_pull(st, sealed.p + sealed.at[0],
		    last - sealed.at[0], 0, out), 0);
		rc = csn_stream_pull(st, longer, n, 1, out);
		if (n < CSN_STREAM_TAG)
			assert_int_equal(rc, CSN_E_FORM);
		else if (n == sealed.len - last)
			assert_int_equal(rc, 0);
		else
			assert_int_equal(rc, CSN_E_TAG);
		assert_int_equal(csn_stream_done(st), rc == 0);
		csn_stream_free(st);
	}
	streams_free(&sealed);
	csn_session_free(s);
	free(data);
}

TEST(the_final_flag_is_bound)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	uint8_t *data = streams_data(2 * SEG), out[SEG];
	struct streams_sealed sealed;
	struct csn_stream *st;

	streams_seal(s, NULL, data, 2 * SEG, &sealed);
	/* A middle segment passed off as the last. */
	assert_int_equal(csn_stream_opener_new(s, sealed.p, NULL, &st), 0);
	assert_int_equal(csn_stream_pull(st, sealed.p + sealed.at[0],
	    SEG + CSN_STREAM_TAG, 1, out), CSN_E_TAG);
	assert_false(csn_stream_done(st));
	csn_stream_free(st);
	/* A full last segment passed off as a middle one. */
	assert_int_equal(csn_stream_sealer_new(s, SEG, NULL, sealed.p, &st), 0);
	assert_int_equal(csn_stream_push(st, data, SEG, 1, sealed.p +
	    CSN_SEAL_HEADER), 0);
	csn_stream_free(st);
	assert_int_equal(csn_stream_opener_new(s, sealed.p, NULL, &st), 0);
	assert_int_equal(csn_stream_pull(st, sealed.p + CSN_SEAL_HEADER,
	    SEG + CSN_STREAM_TAG, 0, out), CSN_E_TAG);
	csn_stream_free(st);
	streams_free(&sealed);
	csn_session_free(s);
	free(data);
}

TEST(others_cannot_open_it)
{
	struct csn_session *s = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	struct csn_session *same = streams_session(ctx, "acme",
	    CSN_REPLAY_STORE);
	struct csn_session *other = streams_session(ctx, "bolt",
	    CSN_REPLAY_STORE);
	struct csn_session *channel;
	uint8_t name[32] = "weights", moved[32] = "weightz";
	uint8_t *data = streams_data(10);
	struct streams_sealed sealed;
	struct csn_stream *st;

	streams_seal(s, name, data, 10, &sealed);
	assert_int_equal(streams_open(other, NULL, &sealed, data, 10),
	    CSN_E_TENANT);
	assert_int_equal(streams_open(same, NULL, &sealed, data, 10),
	    CSN_E_SESSION);
	assert_int_equal(csn_stream_opener_new(s, sealed.p, moved, &st),
	    CSN_E_TAG);
	assert_int_equal(streams_open(s, name, &sealed, data, 10), 0);
	assert_int_equal(streams_open(s, NULL, &sealed, data, 10), 0);
	channel = streams_again(ctx, s, CSN_REPLAY_CHANNEL);
	assert_int_equal(streams_open(channel, NULL, &sealed, data, 10),
	    CSN_E_FORM);
	sealed.p[48] ^= 65;	/* of a session that is at epoch 0 */
	assert_int_equal(streams_open(s, NULL, &sealed, data, 10),
	    CSN_E_EPOCH);
	sealed.p[48] ^= 1;	/* 64: a key that nobody sealed by */
	assert_int_equal(streams_open(s, NULL, &sealed, data, 10),
	    CSN_E_TAG);
	sealed.p[48] ^= 64;
	assert_int_equal(streams_open(s, NULL, &sealed, data, 10), 0);
	streams_free(&sealed);
	csn_session_free(channel);
	csn_session_free(other);
	csn_session_free(same);
	csn_session_free(s);
	free(data);
}
