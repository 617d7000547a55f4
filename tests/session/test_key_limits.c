/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_key_limits.c - one key's most messages and blocks (SP 800-38D): the
 * counters are set close to them, since nobody seals 2^32 messages in a test.
 */
#include "lib/test.h"
#include "session/internal.h"
#include "session/pair.h"

static struct csn_ctx *ctx;

/* A session whose own policy never rotates. */
static struct csn_session *
start(uint32_t rotate)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .rotate = rotate, .max_entries = CSN_NEVER,
	    .max_age_ms = CSN_NEVER };

	return pair_local(ctx, "acme", &o);
}

/* As if its writer had sealed that much. */
static void
reach(struct csn_session *s, uint64_t messages, uint64_t blocks)
{
	csn_session_lock(s);
	s->own_sequence = messages;
	s->own_blocks = blocks;
	csn_session_unlock(s);
}

TEST(no_key_seals_more_than_2_32_messages)
{
	struct csn_session *s = start(0);
	struct text t[4];
	uint8_t writer[16];

	assert_int_equal(text_seal(s, 0, "first", &t[0]), 0);
	memcpy(writer, s->own_id, sizeof(writer));
	reach(s, CSN_KEY_MAX_MESSAGES - 2, 100);
	assert_int_equal(csn_session_should_rotate(s), CSN_ROTATE_NONE);
	assert_int_equal(text_seal(s, 1, "last but one", &t[1]), 0);
	assert_int_equal(text_seal(s, 2, "last", &t[2]), 0);
	assert_int_equal(text_epoch(&t[2]), 0);
	assert_int_equal(t[2].sequence, UINT32_MAX);
	assert_int_equal(csn_session_should_rotate(s),
	    CSN_ROTATE_ENTRY_COUNT);
	/* Another key, which counts from its own beginning. */
	assert_int_equal(text_seal(s, 3, "next", &t[3]), 0);
	assert_int_equal(text_epoch(&t[3]), 1);
	assert_int_equal(t[3].sequence, 0);
	assert_int_not_equal(memcmp(writer, s->own_id, sizeof(writer)), 0);
	/* Nothing is lost. */
	assert_int_equal(text_open(s, &t[0], "first"), 0);
	assert_int_equal(text_open(s, &t[1], "last but one"), 0);
	assert_int_equal(text_open(s, &t[2], "last"), 0);
	assert_int_equal(text_open(s, &t[3], "next"), 0);
	csn_session_free(s);
}

TEST(a_batch_ends_at_the_limit)
{
	struct csn_session *s = start(0);
	struct csn_seal_run run;
	struct text t;

	assert_int_equal(text_seal(s, 0, "first", &t), 0);
	reach(s, CSN_KEY_MAX_MESSAGES - 3, 100);
	assert_int_equal(csn_session_seal_begin(s, 10, 10, 100, 0, &run), 0);
	assert_int_equal(run.n, 3);
	assert_int_equal(run.first_sequence, CSN_KEY_MAX_MESSAGES - 3);
	assert_int_equal(run.epoch_number, 0);
	assert_int_equal(csn_session_seal_end(s, &run, NULL, 0), 0);
	assert_int_equal(csn_session_seal_begin(s, 7, 10, 100, 0, &run), 0);
	assert_int_equal(run.n, 7);
	assert_int_equal(run.first_sequence, 0);
	assert_int_equal(run.epoch_number, 1);
	assert_int_equal(csn_session_seal_end(s, &run, NULL, 0), 0);
	csn_session_free(s);
}

TEST(no_key_seals_more_than_2_36_blocks)
{
	struct csn_session *s = start(0);
	struct csn_seal_run run;
	struct text t[3];

	assert_int_equal(text_seal(s, 0, "first", &t[0]), 0);
	reach(s, 1, CSN_KEY_MAX_BLOCKS - 20);
	assert_int_equal(csn_session_seal_begin(s, 1, 1, 20, 0, &run), 0);
	assert_int_equal(run.epoch_number, 0);
	assert_int_equal(csn_session_seal_end(s, &run, NULL, 0), 0);
	assert_int_equal(s->own_blocks, CSN_KEY_MAX_BLOCKS);
	/* One more block is another key's. */
	assert_int_equal(text_seal(s, 1, "next", &t[1]), 0);
	assert_int_equal(text_epoch(&t[1]), 1);
	assert_true(s->own_blocks < 100);
	assert_int_equal(text_open(s, &t[0], "first"), 0);
	assert_int_equal(text_open(s, &t[1], "next"), 0);
	/* What no key could seal alone is refused, and changes nothing. */
	assert_int_equal(csn_session_seal_begin(s, 1, 1,
	    CSN_KEY_MAX_BLOCKS + 1, 0, &run), CSN_E_LIMIT);
	assert_int_equal(csn_session_seal_begin(s, 1, 1, UINT64_MAX, 0,
	    &run), CSN_E_LIMIT);
	assert_int_equal(text_seal(s, 2, "after", &t[2]), 0);
	assert_int_equal(text_epoch(&t[2]), 1);
	csn_session_free(s);
}

TEST(in_reported_mode_the_limit_is_a_wall)
{
	struct csn_session *s = start(CSN_ROTATE_REPORTED);
	struct text t;

	assert_int_equal(text_seal(s, 0, "first", &t), 0);
	reach(s, CSN_KEY_MAX_MESSAGES, 100);
	assert_int_equal(text_seal(s, 1, "x", &t), CSN_E_ROTATE);
	assert_int_equal(text_seal(s, 1, "x", &t), CSN_E_ROTATE);
	assert_int_equal(s->own_sequence, CSN_KEY_MAX_MESSAGES);
	reach(s, 1, CSN_KEY_MAX_BLOCKS);
	assert_int_equal(text_seal(s, 1, "x", &t), CSN_E_ROTATE);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(text_seal(s, 1, "x", &t), 0);
	assert_int_equal(text_epoch(&t), 1);
	csn_session_free(s);
}

BEFORE_ALL { ctx = pair_ctx(); }
AFTER_ALL { csn_ctx_free(ctx); }
