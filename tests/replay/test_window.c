/* SPDX-License-Identifier: Apache-2.0 */
/* test_window.c - the sliding window, against the set of all that was seen. */
#include "lib/test.h"
#include "replay/window.h"

#define SPAN 1000000

static uint64_t rng = 0x9e3779b97f4a7c15ull;

static uint64_t
next_random(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

TEST(each_opens_once_in_order)
{
	struct csn_window w;
	uint64_t i;

	memset(&w, 0, sizeof(w));
	for (i = 0; i < 5000; i++) {
		assert_int_equal(csn_window_take(&w, i), 1);
		assert_int_equal(csn_window_take(&w, i), 0);
		if (i > 0)
			assert_int_equal(csn_window_take(&w, i - 1), 0);
	}
}

TEST(what_is_just_inside_opens_and_just_outside_does_not)
{
	struct csn_window w;
	uint64_t top;

	/* Wherever in its word the highest stands. */
	for (top = CSN_WINDOW_SIZE; top < CSN_WINDOW_SIZE + 200; top++) {
		memset(&w, 0, sizeof(w));
		assert_int_equal(csn_window_take(&w, top), 1);
		assert_int_equal(csn_window_take(&w, top - CSN_WINDOW_SIZE),
		    0);
		assert_int_equal(csn_window_take(&w,
		    top - CSN_WINDOW_SIZE + 1), 1);
		assert_int_equal(csn_window_take(&w,
		    top - CSN_WINDOW_SIZE + 1), 0);
		assert_int_equal(csn_window_take(&w, 0), 0);
	}
}

TEST(a_jump_forgets_nothing_it_should_know)
{
	const uint64_t jumps[] = { 1, 63, 64, 65, 1023, 1024, 1025, 1087,
	    1088, 1089, 1 << 20, (uint64_t)1 << 40, UINT64_MAX - 1 };
	struct csn_window w;
	uint64_t from, to, i;
	size_t j;

	for (j = 0; j < sizeof(jumps) / sizeof(jumps[0]); j++)
		for (from = 0; from < 130 && jumps[j] <= UINT64_MAX - 1 - from;
		    from += 13) {
			memset(&w, 0, sizeof(w));
			for (i = 0; i <= from; i++)
				assert_int_equal(csn_window_take(&w, i), 1);
			to = from + jumps[j];
			assert_int_equal(csn_window_take(&w, to), 1);
			/* All seen before, or too far behind. */
			for (i = 0; i <= from; i++)
				assert_int_equal(csn_window_take(&w, i), 0);
			assert_int_equal(csn_window_take(&w, to), 0);
			/* What the jump passed over is still to come. */
			for (i = to - 1; i > from && to - i < CSN_WINDOW_SIZE;
			    i--)
				assert_int_equal(csn_window_take(&w, i), 1);
		}
}

TEST(the_last_number_of_all_is_refused)
{
	struct csn_window w;

	memset(&w, 0, sizeof(w));
	assert_int_equal(csn_window_take(&w, UINT64_MAX), 0);
	assert_int_equal(csn_window_take(&w, UINT64_MAX - 1), 1);
	assert_int_equal(csn_window_take(&w, UINT64_MAX - 1), 0);
	assert_int_equal(csn_window_take(&w, UINT64_MAX), 0);
	assert_int_equal(csn_window_take(&w, 5), 0);
}

TEST(random_sequences_agree_with_a_naive_set)
{
	uint8_t *seen;
	struct csn_window w;
	uint64_t s, next;
	int round, step, expected;

	assert_non_null(seen = malloc(SPAN));
	for (round = 0; round < 40; round++) {
		memset(seen, 0, SPAN);
		memset(&w, 0, sizeof(w));
		next = 0;
		for (step = 0; step < 20000; step++) {
			switch (next_random() % 8) {
			case 0:		/* anywhere */
				s = next_random() % (next + 1);
				break;
			case 1:		/* a jump ahead */
				s = next + next_random() % 300;
				break;
			case 2:		/* seldom a far one */
				s = next + (next_random() % 16 == 0 ?
				    next_random() % 2500 : 1);
				break;
			case 3:		/* near the window's edge */
				s = next > 1100 ? next - 900 -
				    next_random() % 200 : 0;
				break;
			default:	/* around the highest */
				s = next + 3 > next_random() % 64 ?
				    next + 3 - next_random() % 64 : next;
				break;
			}
			if (s >= SPAN)
				break;
			expected = !seen[s] && (s >= next ||
			    next - 1 - s < CSN_WINDOW_SIZE);
			assert_int_equal(csn_window_take(&w, s), expected);
			if (expected)
				seen[s] = 1;
			if (s >= next)
				next = s + 1;
		}
		assert_int_equal(w.next, next);
	}
	free(seen);
}
