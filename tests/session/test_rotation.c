/* SPDX-License-Identifier: Apache-2.0 */
/* test_rotation.c - when keys move on, and what stays readable. */
#include "kv/place.h"
#include "lib/test.h"
#include "session/internal.h"
#include "session/pair.h"

static struct csn_ctx *ctx;

TEST(the_triggers_have_names)
{
	assert_string_equal(csn_rotate_trigger_name(CSN_ROTATE_NONE), "NONE");
	assert_string_equal(csn_rotate_trigger_name(
	    CSN_ROTATE_ENTRY_COUNT), "ENTRY_COUNT");
	assert_string_equal(csn_rotate_trigger_name(
	    CSN_ROTATE_TIME_ELAPSED), "TIME_ELAPSED");
	assert_string_equal(csn_rotate_trigger_name(
	    CSN_ROTATE_BYTE_COUNT), "BYTE_COUNT");
	assert_string_equal(csn_rotate_trigger_name(CSN_ROTATE_MANUAL),
	    "MANUAL");
	assert_null(csn_rotate_trigger_name(-1));
	assert_null(csn_rotate_trigger_name(5));
}

TEST(entries_rotate_in_mid_stream)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .max_entries = 5 };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	struct text t[23];
	char word[8];
	uint64_t i;

	for (i = 0; i < 23; i++) {
		snprintf(word, sizeof(word), "%u", (unsigned)i);
		assert_int_equal(text_seal(s, i, word, &t[i]), 0);
		assert_int_equal(text_epoch(&t[i]), i / 5);
		assert_int_equal(t[i].sequence, i % 5);
		assert_int_equal(csn_session_should_rotate(s), i % 5 == 4 ?
		    CSN_ROTATE_ENTRY_COUNT : CSN_ROTATE_NONE);
	}
	assert_int_equal(pair_info(s).rotations, 4);
	assert_int_equal(pair_info(s).entries_sealed, 3);
	assert_int_equal(pair_info(s).total_entries, 23);
	for (i = 0; i < 23; i++) {
		snprintf(word, sizeof(word), "%u", (unsigned)i);
		assert_int_equal(text_open(s, &t[i], word), 0);
	}
	csn_session_free(s);
}

TEST(a_batch_is_parted_where_the_policy_draws_the_line)
{
	struct csn_session_options o = { .size = sizeof(o),
	    .max_entries = 5 };
	uint8_t sealed[12][CSN_SEAL_OVERHEAD + 1], zero[CSN_SEAL_OVERHEAD + 1];
	struct csn_header h = { .size = sizeof(h) };
	struct csn_kv_item items[12];
	struct csn_session *s;
	uint8_t byte = 7;
	int i, mode, rc;

	memset(zero, 0, sizeof(zero));
	for (mode = 0; mode < 2; mode++) {
		o.rotate = (uint32_t)mode;
		s = pair_local(ctx, "acme", &o);
		memset(items, 0, sizeof(items));
		for (i = 0; i < 12; i++) {
			items[i].size = sizeof(items[i]);
			items[i].session = s;
			items[i].slot.kind = CSN_KIND_KV_ENTRY;
			items[i].slot.role = CSN_KV_VALUE;
			items[i].slot.count = 1;
			items[i].slot.position = (uint64_t)i;
			items[i].value = &byte;
			items[i].value_len = 1;
			items[i].sealed = sealed[i];
			items[i].sealed_len = sizeof(sealed[i]);
			memset(sealed[i], 1, sizeof(sealed[i]));
		}
		rc = csn_kv_seal_batch(ctx, NULL, items, 12);
		assert_int_equal(rc, mode == 0 ? 0 : CSN_E_ROTATE);
		for (i = 0; i < 12; i++) {
			if (mode == 1 && i >= 5) {
				assert_int_equal(items[i].rc, CSN_E_ROTATE);
				assert_memory_equal(sealed[i], zero,
				    sizeof(zero));
				continue;
			}
			assert_int_equal(items[i].rc, 0);
			assert_int_equal(csn_header_read(ctx, sealed[i],
			    sizeof(sealed[i]), &h), 0);
			assert_int_equal(h.epoch, i / 5);
			assert_int_equal(h.sequence, i % 5);
		}
		/* Two are in the third epoch: three more are, and no fourth. */
		if (mode == 0) {
			assert_int_equal(csn_kv_seal_batch(ctx, NULL, items,
			    4), 0);
			for (i = 0; i < 4; i++) {
				assert_int_equal(csn_header_read(ctx,
				    sealed[i], sizeof(sealed[i]), &h), 0);
				assert_int_equal(h.epoch, i < 3 ? 2 : 3);
			}
		}
		csn_session_free(s);
	}
}

/*
 * Age counts from the last rotation, not from the session's start, where it
 * would be due at every check once the first was.
 */
TEST(age_counts_from_the_last_rotation)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .max_age_ms = 1000, .ttl_ms = CSN_NEVER };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	struct text t;
	int i;

	assert_int_equal(text_seal(s, 0, "x", &t), 0);
	pair_boot += 999;
	assert_int_equal(csn_session_should_rotate(s), CSN_ROTATE_NONE);
	for (i = 1; i < 20; i++) {
		pair_boot += 1;
		assert_int_equal(csn_session_should_rotate(s),
		    CSN_ROTATE_TIME_ELAPSED);
		assert_int_equal(text_seal(s, 0, "x", &t), 0);
		assert_int_equal(text_epoch(&t), i);
		/* Just rotated: neither due now nor for its whole age. */
		assert_int_equal(csn_session_should_rotate(s),
		    CSN_ROTATE_NONE);
		assert_int_equal(text_seal(s, 0, "x", &t), 0);
		assert_int_equal(text_epoch(&t), i);
		pair_boot += 999;
		assert_int_equal(text_seal(s, 0, "x", &t), 0);
		assert_int_equal(text_epoch(&t), i);
		assert_int_equal(csn_session_should_rotate(s),
		    CSN_ROTATE_NONE);
	}
	assert_int_equal(pair_info(s).rotations, 19);
	/* By hand starts the age anew too. */
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(text_seal(s, 0, "x", &t), 0);
	pair_boot += 999;
	assert_int_equal(csn_session_should_rotate(s), CSN_ROTATE_NONE);
	csn_session_free(s);
}

TEST(an_epoch_that_sealed_nothing_does_not_age)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);

	pair_boot += 600000;
	assert_int_equal(csn_session_should_rotate(s), CSN_ROTATE_NONE);
	csn_session_free(s);
}

TEST(bytes_rotate)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .max_bytes = 10 };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	struct text t;

	assert_int_equal(text_seal(s, 0, "12345", &t), 0);
	assert_int_equal(text_seal(s, 1, "1234", &t), 0);
	assert_int_equal(text_epoch(&t), 0);
	assert_int_equal(csn_session_should_rotate(s), CSN_ROTATE_NONE);
	/* Two more would be eleven. */
	assert_int_equal(text_seal(s, 2, "12", &t), 0);
	assert_int_equal(text_epoch(&t), 1);
	assert_int_equal(text_seal(s, 3, "12345678", &t), 0);
	assert_int_equal(text_epoch(&t), 1);
	assert_int_equal(csn_session_should_rotate(s),
	    CSN_ROTATE_BYTE_COUNT);
	/* What alone is past the limit has an epoch of its own. */
	assert_int_equal(text_seal(s, 4, "12345678901234567890", &t), 0);
	assert_int_equal(text_epoch(&t), 2);
	assert_int_equal(text_seal(s, 5, "1", &t), 0);
	assert_int_equal(text_epoch(&t), 3);
	assert_int_equal(pair_info(s).bytes_sealed, 1);
	csn_session_free(s);
}

TEST(by_hand_it_rotates_at_once)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct text t, u;

	assert_int_equal(text_seal(s, 0, "old", &t), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(csn_session_rotate(s, CSN_ROTATE_TIME_ELAPSED), 0);
	assert_int_equal(csn_session_rotate(s, 5), CSN_E_ARG);
	assert_int_equal(csn_session_rotate(s, -1), CSN_E_ARG);
	assert_int_equal(text_seal(s, 1, "new", &u), 0);
	assert_int_equal(text_epoch(&u), 2);
	assert_int_equal(pair_info(s).rotations, 2);
	assert_int_equal(text_open(s, &t, "old"), 0);
	assert_int_equal(text_open(s, &u, "new"), 0);
	csn_session_free(s);
}

TEST(in_reported_mode_sealing_asks_for_it)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .rotate = CSN_ROTATE_REPORTED, .max_entries = 2,
	    .max_age_ms = 1000, .max_bytes = 100 };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	uint8_t zero[CSN_SEAL_OVERHEAD + 1];
	struct text t;

	memset(zero, 0, sizeof(zero));
	assert_int_equal(text_seal(s, 0, "x", &t), 0);
	assert_int_equal(text_seal(s, 1, "x", &t), 0);
	assert_int_equal(text_seal(s, 2, "x", &t), CSN_E_ROTATE);
	assert_memory_equal(t.sealed, zero, sizeof(zero));
	assert_non_null(strstr(csn_message(), "ENTRY_COUNT"));
	assert_int_equal(text_seal(s, 2, "x", &t), CSN_E_ROTATE);
	assert_int_equal(pair_info(s).rotations, 0);
	assert_int_equal(csn_session_rotate(s,
	    csn_session_should_rotate(s)), 0);
	assert_int_equal(text_seal(s, 2, "x", &t), 0);
	assert_int_equal(text_epoch(&t), 1);
	pair_boot += 1000;
	assert_int_equal(text_seal(s, 3, "x", &t), CSN_E_ROTATE);
	assert_non_null(strstr(csn_message(), "TIME_ELAPSED"));
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(text_seal(s, 3, "123456789012345678901234567890"
	    "12345678901234567890", &t), 0);
	assert_int_equal(text_seal(s, 3, "123456789012345678901234567890"
	    "123456789012345678901", &t), CSN_E_ROTATE);
	assert_non_null(strstr(csn_message(), "BYTE_COUNT"));
	csn_session_free(s);
}

/* A store's entries, sealed over forty epochs, read long after. */
TEST(nothing_sealed_before_a_rotation_is_lost_while_live)
{
	enum { N = 200 };
	const struct csn_session_options o = { .size = sizeof(o),
	    .max_entries = 5, .ttl_ms = CSN_NEVER };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	struct text t[N], newer;
	uint64_t i;

	for (i = 0; i < N; i++) {
		assert_int_equal(text_seal(s, i, "kept", &t[i]), 0);
		pair_boot += 10000;
	}
	assert_int_equal(pair_info(s).live_epochs, N / 5);
	for (i = 0; i < N; i++)
		assert_int_equal(text_open(s, &t[i], "kept"), 0);
	/* Each epoch goes once the last of its slots is superseded. */
	for (i = 0; i < N - 5; i++) {
		assert_int_equal(text_seal(s, i, "newer", &newer), 0);
		pair_boot += 10000;
		assert_int_equal(text_open(s, &t[i], "kept"), CSN_E_REPLAY);
	}
	pair_boot += 40000;
	/* The last of the first round, and all of the second. */
	assert_int_equal(pair_info(s).live_epochs, 40);
	for (i = 0; i < N; i++)
		assert_int_equal(text_open(s, &t[i], "kept"),
		    i < N - 5 ? CSN_E_EPOCH : 0);
	csn_session_free(s);
}

/* Past the bound of slots one is forgotten, and needs its epoch no more. */
TEST(a_slot_that_had_to_go_keeps_no_epoch)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .max_slots = 8, .ttl_ms = CSN_NEVER };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	struct text t;
	uint64_t i;

	for (i = 0; i < 8; i++)
		assert_int_equal(text_seal(s, i, "old", &t), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	for (; i < 40; i++) {
		pair_wall++;
		assert_int_equal(text_seal(s, i, "new", &t), 0);
	}
	assert_int_equal(pair_info(s).live_slots, 8);
	pair_boot += 40000;
	assert_int_equal(pair_info(s).live_epochs, 1);
	csn_session_free(s);
}

/* What gave an epoch is gone once the epoch is there. */
TEST(no_key_of_the_chain_outlives_its_step)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	const struct csn_key *next = s->next[s->own_direction];
	struct text t;
	int i;

	assert_int_equal(text_seal(s, 0, "x", &t), 0);
	for (i = 0; i < 5; i++) {
		assert_int_equal((next[0].id != 0) + (next[1].id != 0), 1);
		assert_int_equal(csn_session_rotate(s, 0), 0);
	}
	csn_session_free(s);
}

TEST(a_channels_old_epoch_goes_after_its_grace)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL, .grace_ms = 5000 };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	struct text t[3];

	assert_int_equal(text_seal(s, 0, "in time", &t[0]), 0);
	assert_int_equal(text_seal(s, 0, "too late", &t[1]), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	pair_boot += 4000;
	assert_int_equal(text_open(s, &t[0], "in time"), 0);
	assert_int_equal(pair_info(s).live_epochs, 2);
	pair_boot += 2001;
	assert_int_equal(text_seal(s, 0, "newest", &t[2]), 0);
	assert_int_equal(pair_info(s).live_epochs, 1);
	assert_int_equal(text_open(s, &t[1], "too late"), CSN_E_EPOCH);
	assert_non_null(strstr(csn_message(), "gone"));
	assert_int_equal(text_open(s, &t[2], "newest"), 0);
	csn_session_free(s);
}

/* Until its last message has been dealt with, whatever its grace is. */
TEST(an_epoch_in_use_stays)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL, .grace_ms = 1 };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	struct csn_head h;
	struct csn_open_run opening;
	struct csn_seal_run sealing;
	struct csn_lane *lane;
	struct text t;
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(text_seal(s, 0, "x", &t), 0);
		assert_int_equal(csn_head_decode(ctx, &csn_kv_kind, t.sealed,
		    t.len, &h), 0);
		assert_int_equal(i == 0 ? csn_session_open_begin(s, &h,
		    &opening) : csn_session_seal_begin(s, 1, 1, 1, 0,
		    &sealing), 0);
		assert_int_equal(csn_session_rotate(s, 0), 0);
		pair_boot += 60000;
		assert_int_equal(pair_info(s).live_epochs, 2);
		assert_int_equal(csn_lane_acquire(ctx, i == 0 ? &opening.key :
		    &sealing.key, &lane), 0);
		csn_lane_release(lane);
		if (i == 0)
			csn_session_open_end(s, &opening, NULL, 0);
		else
			assert_int_equal(csn_session_seal_end(s, &sealing,
			    NULL, 0), 0);
		pair_boot += 60000;
		assert_int_equal(pair_info(s).live_epochs, 1);
		assert_int_equal(text_open(s, &t, "x"), CSN_E_EPOCH);
	}
	csn_session_free(s);
}

TEST(a_forged_message_moves_no_ratchet_and_joins_no_writer)
{
	struct csn_session_options o = { .size = sizeof(o) };
	struct csn_session_info before, after;
	struct csn_session *s, *twin;
	struct text now, next, bad;
	uint32_t mode;
	int i;

	for (mode = CSN_REPLAY_STORE; mode <= CSN_REPLAY_OFF; mode++) {
		o.replay = mode;
		s = pair_local(ctx, "acme", &o);
		assert_int_equal(text_seal(s, 0, "x", &now), 0);
		twin = pair_twin(s, &o);
		assert_int_equal(csn_session_rotate(twin, 0), 0);
		assert_int_equal(text_seal(twin, 1, "x", &next), 0);
		/* What the first makes it look ahead to is kept. */
		bad = next;
		bad.sealed[128] ^= 1;
		assert_int_equal(text_open(s, &bad, "x"), CSN_E_TAG);
		before = pair_info(s);
		for (i = 0; i < 1000; i++) {
			/* Of the next epoch, and of this one's strangers. */
			bad = i % 2 == 0 ? next : now;
			bad.sealed[32 + i % 16] ^= (uint8_t)(1 + i / 16);
			assert_int_equal(text_open(s, &bad, "x"), CSN_E_TAG);
			bad = i % 2 == 0 ? next : now;
			bad.sealed[128 + i % 17] ^= (uint8_t)(1 + i / 32);
			assert_int_equal(text_open(s, &bad, "x"), CSN_E_TAG);
		}
		after = pair_info(s);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_int_equal(text_open(s, &now, "x"), 0);
		assert_int_equal(pair_info(s).epoch, 0);
		assert_int_equal(text_open(s, &next, "x"), 0);
		assert_int_equal(pair_info(s).epoch, 1);
		/* And this side seals in the epoch that the other began. */
		assert_int_equal(text_seal(s, 2, "y", &now), 0);
		assert_int_equal(text_epoch(&now), 1);
		csn_session_free(s);
		csn_session_free(twin);
	}
}

TEST(a_channel_has_room_for_64_writers_an_epoch)
{
	struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL };
	struct csn_session *s, *twin;
	struct text t[70], u;
	int i, rc;

	s = pair_local(ctx, "acme", &o);
	for (i = 0; i < 70; i++) {
		twin = pair_twin(s, &o);
		assert_int_equal(text_seal(twin, 0, "x", &t[i]), 0);
		csn_session_free(twin);
	}
	for (i = 0; i < 70; i++) {
		rc = text_open(s, &t[i], "x");
		assert_int_equal(rc, i < 64 ? 0 : CSN_E_LIMIT);
	}
	/* Those that are known go on, replays of them too. */
	for (i = 0; i < 64; i++)
		assert_int_equal(text_open(s, &t[i], "x"), CSN_E_REPLAY);
	/* The next epoch has room again. */
	assert_int_equal(csn_session_rotate(s, 0), 0);
	twin = pair_twin(s, &o);
	assert_int_equal(text_seal(twin, 0, "y", &u), 0);
	assert_int_equal(text_open(s, &u, "y"), 0);
	csn_session_free(twin);
	csn_session_free(s);
	/* A store needs to remember none. */
	o.replay = CSN_REPLAY_STORE;
	s = pair_local(ctx, "acme", &o);
	for (i = 0; i < 70; i++) {
		twin = pair_twin(s, &o);
		assert_int_equal(text_seal(twin, (uint64_t)i, "x", &t[i]), 0);
		csn_session_free(twin);
	}
	for (i = 0; i < 70; i++)
		assert_int_equal(text_open(s, &t[i], "x"), 0);
	csn_session_free(s);
}

BEFORE_EACH { ctx = pair_ctx(); }
AFTER_EACH { csn_ctx_free(ctx); }
