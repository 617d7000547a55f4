/* SPDX-License-Identifier: Apache-2.0 */
/* test_slots.c - the newest version of each slot, against a naive model. */
#include <caisson/crypto.h>

#include "lib/test.h"
#include "replay/slots.h"

#define NAMES 512

static uint64_t state_of_rng;

static uint64_t
next_random(void)
{
	state_of_rng ^= state_of_rng << 13;
	state_of_rng ^= state_of_rng >> 7;
	state_of_rng ^= state_of_rng << 17;
	return state_of_rng;
}

static struct csn_slot_name
name_of(uint32_t i)
{
	struct csn_slot_name name;

	memset(&name, 0, sizeof(name));
	name.kind = 1;
	name.which = 3;
	name.at[0] = i % 32;
	name.at[1] = i / 32;
	return name;
}

static void
start(struct csn_slots *t, uint32_t max, uint64_t n)
{
	const uint64_t seed[4] = { n * 7919, n ^ 0x5555, n << 40, ~n };

	csn_slots_init(t, max, seed, NULL);
}

TEST(versions_only_grow)
{
	struct csn_slot_name name = name_of(5);
	struct csn_slots t;
	struct csn_slot was, lost;

	start(&t, 100, 1);
	assert_null(csn_slots_find(&t, &name));
	assert_int_equal(csn_slots_set(&t, &name, 7, 2, 1, &was, &lost), 1);
	assert_int_equal(was.version, 0);
	assert_int_equal(lost.version, 0);
	assert_int_equal(t.counter, 7);
	assert_int_equal(csn_slots_find(&t, &name)->version, 7);
	assert_int_equal(csn_slots_find(&t, &name)->epoch, 2);
	assert_int_equal(csn_slot_direction(csn_slots_find(&t, &name)), 1);
	/* An older one comes late: nothing changes. */
	assert_int_equal(csn_slots_set(&t, &name, 6, 9, 0, &was, &lost), 0);
	assert_int_equal(was.version, 0);
	assert_int_equal(csn_slots_find(&t, &name)->version, 7);
	assert_int_equal(csn_slots_find(&t, &name)->epoch, 2);
	assert_int_equal(csn_slots_set(&t, &name, 9, 3, 0, &was, &lost), 1);
	assert_int_equal(was.version, 7);
	assert_int_equal(was.epoch, 2);
	assert_int_equal(csn_slot_direction(&was), 1);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.floor[0], 0);
	csn_slots_free(&t);
	assert_null(csn_slots_find(&t, &name));
}

TEST(each_part_of_a_name_tells_slots_apart)
{
	struct csn_slot_name name = name_of(5), other;
	struct csn_slots t;
	struct csn_slot was, lost;
	size_t i;

	start(&t, 100, 2);
	assert_int_equal(csn_slots_set(&t, &name, 1, 0, 0, &was, &lost), 1);
	for (i = 0; i < sizeof(name) * 8; i++) {
		other = name;
		((uint8_t *)&other)[i / 8] ^= (uint8_t)(1 << (i % 8));
		assert_null(csn_slots_find(&t, &other));
	}
	assert_non_null(csn_slots_find(&t, &name));
	csn_slots_free(&t);
}

TEST(forgetting_raises_the_floor)
{
	struct csn_slot_name a = name_of(1), b = name_of(2);
	struct csn_slots t;
	struct csn_slot was, lost;

	start(&t, 100, 3);
	assert_int_equal(csn_slots_forget(&t, &a, &was), 0);
	assert_int_equal(csn_slots_set(&t, &a, 10, 0, 0, &was, &lost), 1);
	assert_int_equal(csn_slots_set(&t, &b, 20, 0, 0, &was, &lost), 1);
	assert_int_equal(csn_slots_forget(&t, &b, &was), 1);
	assert_int_equal(was.version, 20);
	assert_int_equal(t.floor[0], 20);
	/* The floor is for what is unknown: a keeps its version below it. */
	assert_int_equal(csn_slots_find(&t, &a)->version, 10);
	assert_int_equal(csn_slots_forget(&t, &b, &was), 0);
	assert_int_equal(csn_slots_forget(&t, &a, &was), 1);
	assert_int_equal(t.floor[0], 20);
	assert_int_equal(t.n, 0);
	csn_slots_free(&t);
}

TEST(past_the_bound_an_old_slot_goes_and_raises_the_floor)
{
	struct csn_slot_name name;
	struct csn_slots t;
	struct csn_slot was, lost;
	uint64_t highest = 0, version;
	uint32_t i;

	start(&t, 50, 4);
	for (i = 0; i < 5000; i++) {
		version = i + 1;
		name = name_of(i);
		assert_int_equal(csn_slots_set(&t, &name, version, 0, 0,
		    &was, &lost), 1);
		assert_int_equal(lost.version != 0, i >= 50);
		assert_true(lost.version < version);
		if (lost.version > highest)
			highest = lost.version;
		assert_int_equal(t.floor[0], highest);
		assert_true(t.n <= 50);
		/* What was just set is always there. */
		assert_int_equal(csn_slots_find(&t, &name)->version, version);
	}
	assert_int_equal(t.n, 50);
	assert_int_equal(t.cap, 128);
	csn_slots_free(&t);
	/* Also for the least bound of all. */
	start(&t, 1, 5);
	for (i = 0; i < 100; i++) {
		name = name_of(i);
		assert_int_equal(csn_slots_set(&t, &name, i + 1, 0, 0, &was,
		    &lost), 1);
		assert_int_equal(lost.version, i);
		assert_int_equal(t.n, 1);
	}
	csn_slots_free(&t);
}

TEST(of_a_full_table_the_oldest_slot_goes)
{
	struct csn_slot_name name;
	struct csn_slots t;
	struct csn_slot was, lost;
	uint32_t i, round;

	/* So few that all are looked at, and no order of making them. */
	for (round = 0; round < 8; round++) {
		start(&t, 8, 9 + round);
		for (i = 0; i < 8; i++) {
			name = name_of(i);
			assert_int_equal(csn_slots_set(&t, &name, 100 +
			    (i * 3 + round) % 8, 0, 0, &was, &lost), 1);
		}
		for (i = 0; i < 8; i++) {
			name = name_of(8 + i);
			assert_int_equal(csn_slots_set(&t, &name, 200 + i, 0,
			    0, &was, &lost), 1);
			assert_int_equal(lost.version, 100 + i);
			assert_int_equal(t.floor[0], 100 + i);
		}
		csn_slots_free(&t);
	}
}

/* The other end may have put what nobody here has read yet. */
TEST(each_direction_has_its_own_floor)
{
	struct csn_slot_name ours = name_of(1), theirs = name_of(2);
	struct csn_slots t;
	struct csn_slot was, lost;

	start(&t, 100, 30);
	assert_int_equal(csn_slots_set(&t, &ours, 50, 0, 0, &was, &lost), 1);
	assert_int_equal(csn_slots_forget(&t, &ours, &was), 1);
	assert_int_equal(t.floor[0], 50);
	assert_int_equal(t.floor[1], 0);
	assert_int_equal(csn_slots_judge(&t, NULL, 50, 0, 0), CSN_E_REPLAY);
	assert_int_equal(csn_slots_judge(&t, NULL, 51, 0, 0), 1);
	assert_int_equal(csn_slots_judge(&t, NULL, 1, 0, 1), 1);
	assert_int_equal(csn_slots_set(&t, &theirs, 40, 0, 1, &was, &lost),
	    1);
	assert_int_equal(csn_slots_forget(&t, &theirs, &was), 1);
	assert_int_equal(t.floor[0], 50);
	assert_int_equal(t.floor[1], 40);
	assert_int_equal(csn_slots_judge(&t, NULL, 40, 0, 1), CSN_E_REPLAY);
	csn_slots_free(&t);
}

/* What the one end replaced of the other must not come back either. */
TEST(a_slot_that_both_put_raises_both_floors)
{
	struct csn_slot_name a = name_of(1), b = name_of(2);
	struct csn_slots t;
	struct csn_slot was, lost;
	uint32_t first;

	for (first = 0; first < 2; first++) {
		start(&t, 100, 40 + first);
		assert_int_equal(csn_slots_set(&t, &a, 10, 0, first, &was,
		    &lost), 1);
		assert_int_equal(csn_slots_set(&t, &a, 20, 0, 1 - first,
		    &was, &lost), 1);
		/* Once more by the second: it is still both's. */
		assert_int_equal(csn_slots_set(&t, &a, 30, 0, 1 - first,
		    &was, &lost), 1);
		assert_int_equal(csn_slots_forget(&t, &a, &was), 1);
		assert_int_equal(t.floor[0], 30);
		assert_int_equal(t.floor[1], 30);
		/* One that only one end put does not. */
		assert_int_equal(csn_slots_set(&t, &b, 60, 0, first, &was,
		    &lost), 1);
		assert_int_equal(csn_slots_forget(&t, &b, &was), 1);
		assert_int_equal(t.floor[first], 60);
		assert_int_equal(t.floor[1 - first], 30);
		csn_slots_free(&t);
	}
}

TEST(an_equal_version_is_the_very_same_message_or_none)
{
	uint8_t writer[16] = "a writer's id..", other[16] = "another one's..";
	uint8_t tag[CSN_TAG_SIZE] = "a tag", wrong[CSN_TAG_SIZE] = "its tag";
	const uint32_t who = csn_slot_who(1, writer, tag);
	const uint32_t not[] = { csn_slot_who(0, writer, tag),
	    csn_slot_who(1, other, tag), csn_slot_who(1, writer, wrong),
	    csn_slot_who(1, writer, NULL) };
	struct csn_slot_name name = name_of(3);
	struct csn_slots t;
	struct csn_slot was, lost, *slot;
	size_t i;

	start(&t, 100, 50);
	assert_int_equal(csn_slots_set(&t, &name, 7, 4, who, &was, &lost), 1);
	slot = csn_slots_find(&t, &name);
	assert_int_equal(csn_slots_judge(&t, slot, 7, 4, who), 0);
	assert_int_equal(csn_slots_judge(&t, slot, 7, 5, who), CSN_E_REPLAY);
	assert_int_equal(csn_slots_judge(&t, slot, 6, 4, who), CSN_E_REPLAY);
	assert_int_equal(csn_slots_judge(&t, slot, 8, 9, not[0]), 1);
	for (i = 0; i < 4; i++) {
		assert_int_equal(csn_slots_judge(&t, slot, 7, 4, not[i]),
		    CSN_E_REPLAY);
		/* Nor does it replace the one that came first. */
		assert_int_equal(csn_slots_set(&t, &name, 7, 4, not[i], &was,
		    &lost), 0);
		assert_int_equal(slot->who, who);
	}
	/* That both ends were there does not make it another message. */
	assert_int_equal(csn_slots_set(&t, &name, 8, 4, not[0], &was, &lost),
	    1);
	assert_int_equal(csn_slots_judge(&t, slot, 8, 4, not[0]), 0);
	csn_slots_free(&t);
}

TEST(a_version_is_the_clocks_and_above_all_before)
{
	assert_int_equal(csn_version_after(0, 5), 5 << 20);
	assert_int_equal(csn_version_after((5 << 20) - 1, 5), 5 << 20);
	assert_int_equal(csn_version_after(5 << 20, 5), (5 << 20) + 1);
	assert_int_equal(csn_version_after(9 << 20, 5), (9 << 20) + 1);
}

TEST(growing_loses_nothing)
{
	struct csn_slot_name name;
	struct csn_slots t;
	struct csn_slot was, lost;
	uint32_t i, k;

	start(&t, UINT32_MAX, 6);
	for (i = 0; i < 20000; i++) {
		name = name_of(i);
		assert_int_equal(csn_slots_set(&t, &name, i + 1, i % 7,
		    i % 2, &was, &lost), 1);
		assert_int_equal(lost.version, 0);
		assert_true(t.n * 4 <= t.cap * 3 + 4);
		if ((i & (i + 1)) != 0)
			continue;
		for (k = 0; k <= i; k++) {
			name = name_of(k);
			assert_int_equal(csn_slots_find(&t, &name)->version,
			    k + 1);
		}
	}
	for (k = 0; k < 20000; k++) {
		name = name_of(k);
		assert_int_equal(csn_slots_find(&t, &name)->version, k + 1);
		assert_int_equal(csn_slots_find(&t, &name)->epoch, k % 7);
	}
	assert_int_equal(t.n, 20000);
	csn_slots_free(&t);
}

TEST(a_promise_keeps_room)
{
	struct csn_slot_name name;
	struct csn_slots t;
	struct csn_slot was, lost;
	size_t cap;
	uint32_t i;

	start(&t, UINT32_MAX, 7);
	assert_int_equal(csn_slots_promise(&t, 100), 0);
	assert_int_equal(csn_slots_promise(&t, 200), 0);
	assert_int_equal(t.promised, 300);
	cap = t.cap;
	assert_true(300 * 4 <= cap * 3);
	for (i = 0; i < 300; i++) {
		name = name_of(i);
		assert_int_equal(csn_slots_set(&t, &name, i + 1, 0, 0, &was,
		    &lost), 1);
	}
	assert_int_equal(t.cap, cap);
	csn_slots_free(&t);
	/* No more than the bound will ever be needed. */
	start(&t, 10, 8);
	assert_int_equal(csn_slots_promise(&t, 1000000), 0);
	assert_true(t.cap <= 64);
	csn_slots_free(&t);
}

/* Everything the table says is what the model says. */
static void
agree(struct csn_slots *t, const uint64_t model[NAMES], uint64_t floor)
{
	struct csn_slot_name name;
	struct csn_slot *s;
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < NAMES; i++) {
		name = name_of(i);
		s = csn_slots_find(t, &name);
		if (model[i] == 0) {
			assert_null(s);
			continue;
		}
		assert_non_null(s);
		assert_int_equal(s->version, model[i]);
		assert_int_equal(s->epoch, (uint32_t)(model[i] * 3));
		n++;
	}
	assert_int_equal(t->n, n);
	assert_int_equal(t->floor[0], floor);
}

/*
 * Many set and forgotten at random, in tables whose seeds and so whose runs
 * of neighbours differ: taking one out of the middle of a run must leave the
 * rest of it to be found.
 */
TEST(random_operations_agree_with_a_naive_model)
{
	uint64_t model[NAMES], floor, version, v;
	struct csn_slot_name name;
	struct csn_slots t;
	struct csn_slot was, lost;
	uint32_t round, step, i, names;
	int rc;

	state_of_rng = 88172645463325252ull;
	for (round = 0; round < 60; round++) {
		memset(model, 0, sizeof(model));
		floor = version = 0;
		names = round % 3 == 0 ? 47 : round % 3 == 1 ? 190 : NAMES;
		start(&t, UINT32_MAX, round + 100);
		for (step = 0; step < 4000; step++) {
			i = (uint32_t)(next_random() % names);
			name = name_of(i);
			if (next_random() % 5 < 2) {
				rc = csn_slots_forget(&t, &name, &was);
				assert_int_equal(rc, model[i] != 0);
				if (rc)
					assert_int_equal(was.version,
					    model[i]);
				if (model[i] > floor)
					floor = model[i];
				model[i] = 0;
				continue;
			}
			/* Most are newest, some come late. */
			v = next_random() % 8 == 0 ?
			    1 + next_random() % (version + 1) : ++version;
			if (v > version)
				version = v;
			rc = csn_slots_set(&t, &name, v, (uint32_t)(v * 3),
			    0, &was, &lost);
			assert_int_equal(lost.version, 0);
			assert_int_equal(rc, model[i] <= v);
			if (rc) {
				assert_int_equal(was.version, model[i]);
				model[i] = v;
			}
			if (step % 100 == 0)
				agree(&t, model, floor);
		}
		agree(&t, model, floor);
		assert_int_equal(t.counter, version);
		csn_slots_free(&t);
	}
}
