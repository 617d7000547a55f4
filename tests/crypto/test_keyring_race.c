/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_keyring_race.c - another thread's turn between finding a lane and
 * holding it, at the one place where it matters. The ring is compiled in
 * here, with this test at that place.
 */
#include "lib/test.h"

struct csn_keyring;
static void come_between(struct csn_keyring *ring, uint32_t lane);
#define BEFORE_HOLD(ring, i) come_between(ring, i)

#include "crypto/keyring.c"

static const struct csn_key *intruder;

/* What another thread does that misses in this set: it takes the lane. */
static void
come_between(struct csn_keyring *ring, uint32_t lane)
{
	const struct csn_key *key = intruder;

	if (key == NULL)
		return;
	intruder = NULL;
	hold(&ring->lanes[lane].held);
	assert_int_equal(expand(&ring->lanes[lane], key), 0);
	let_go(&ring->lanes[lane].held);
}

static void
seal(struct csn_ctx *ctx, const struct csn_key *key, uint8_t out[32])
{
	static const uint8_t zero[16];
	struct csn_aead_part part = { .in = zero, .out = out, .len = 16 };
	struct csn_aead_msg msg = { .aad = zero, .parts = &part, .nparts = 1,
	    .tag = out + 16 };
	struct csn_lane *lane;

	assert_int_equal(csn_lane_acquire(ctx, key, &lane), 0);
	assert_int_equal(csn_lane_seal(lane, &msg), 0);
	csn_lane_release(lane);
}

TEST(a_lane_that_changed_hands_meanwhile_is_not_taken)
{
	uint8_t plain[2][CSN_KEY_SIZE], before[32], after[32], other[32];
	struct csn_key key[2];
	struct csn_ctx *ctx;

	memset(plain[0], 1, sizeof(plain[0]));
	memset(plain[1], 2, sizeof(plain[1]));
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	assert_int_equal(csn_key_mask(ctx, plain[0], &key[0]), 0);
	assert_int_equal(csn_key_mask(ctx, plain[1], &key[1]), 0);
	seal(ctx, &key[0], before);
	seal(ctx, &key[1], other);
	assert_memory_not_equal(before, other, sizeof(before));
	seal(ctx, &key[0], after);
	assert_memory_equal(before, after, sizeof(before));
	/* Under the other's key a nonce would serve twice. */
	intruder = &key[1];
	seal(ctx, &key[0], after);
	assert_null(intruder);
	assert_memory_equal(before, after, sizeof(before));
	csn_key_wipe(ctx, &key[0]);
	csn_key_wipe(ctx, &key[1]);
	csn_ctx_free(ctx);
}
