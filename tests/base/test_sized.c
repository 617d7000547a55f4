/* SPDX-License-Identifier: Apache-2.0 */
/* What csn_take() and csn_give() make of structures older and newer. */
#include <caisson/context.h>

#include "base/sized.h"
#include "lib/test.h"

/* A structure as it was released first, as it is here, as it will be. */
struct first {
	uint32_t size;
	uint32_t a;
	uint64_t b;
};

struct here {
	uint32_t size;
	uint32_t a;
	uint64_t b;
	uint64_t added;
};

struct later {
	uint32_t size;
	uint32_t a;
	uint64_t b;
	uint64_t added;
	uint64_t unknown;
};

static int
take(struct here *to, const void *from)
{
	const struct here *h = from;

	memset(to, 0xa5, sizeof(*to));
	return CSN_TAKE(to, h, here, b);
}

TEST(an_older_program_is_served_as_if_the_new_member_were_zero)
{
	struct first f = { sizeof(f), 7, 8 };
	struct here h;

	assert_int_equal(take(&h, &f), 0);
	assert_int_equal(h.size, sizeof(h));
	assert_int_equal(h.a, 7);
	assert_int_equal(h.b, 8);
	assert_int_equal(h.added, 0);
}

TEST(a_program_of_this_release_is_taken_whole)
{
	struct here from = { sizeof(from), 7, 8, 9 }, h;

	assert_int_equal(take(&h, &from), 0);
	assert_memory_equal(&h, &from, sizeof(h));
}

TEST(a_newer_program_is_served_where_it_asks_for_nothing_unknown)
{
	struct later l = { sizeof(l), 7, 8, 9, 0 };
	struct here h;
	size_t i;

	assert_int_equal(take(&h, &l), 0);
	assert_int_equal(h.size, sizeof(h));
	assert_int_equal(h.added, 9);
	for (i = 0; i < sizeof(l.unknown); i++) {
		l.unknown = 0;
		((uint8_t *)&l.unknown)[i] = 1;
		assert_int_equal(take(&h, &l), CSN_E_ARG);
		assert_non_null(strstr(csn_message(), "here of 32"));
	}
}

TEST(a_size_that_was_forgotten_is_refused)
{
	struct here from = { 0, 7, 8, 9 }, h;
	uint32_t size;

	for (size = 0; size < sizeof(struct first); size++) {
		from.size = size;
		assert_int_equal(take(&h, &from), CSN_E_ARG);
		assert_int_equal(h.a, 0);
	}
	from.size = 0;
	assert_int_equal(take(&h, &from), CSN_E_ARG);
	assert_string_equal(csn_message(), "struct here is "
	    "given with a size of 0 and has 16 bytes at least: set its first "
	    "member to sizeof(struct here)");
}

TEST(no_structure_is_one_of_zeros)
{
	struct here h;

	assert_int_equal(take(&h, NULL), 0);
	assert_int_equal(h.size, sizeof(h));
	assert_int_equal(h.a, 0);
	assert_int_equal(h.b, 0);
}

static int
give(void *out, size_t len)
{
	struct here h = { sizeof(h), 7, 8, 9 };
	struct here *o = out;
	int rc;

	if ((rc = CSN_GIVE_CHECK(o, here, b)) != 0)
		return rc;
	/* Not a byte behind what the caller has. */
	((uint8_t *)out)[len] = 0x5a;
	CSN_GIVE(o, &h, here);
	assert_int_equal(((uint8_t *)out)[len], 0x5a);
	return 0;
}

TEST(what_is_filled_is_filled_as_far_as_the_caller_knows_it)
{
	union {
		struct first first;
		struct here here;
		struct later later;
		uint8_t bytes[sizeof(struct later) + 1];
	} u;

	memset(&u, 0, sizeof(u));
	u.first.size = sizeof(u.first);
	assert_int_equal(give(&u, sizeof(u.first)), 0);
	assert_int_equal(u.first.size, sizeof(u.first));
	assert_int_equal(u.first.a, 7);

	memset(&u, 0, sizeof(u));
	u.here.size = sizeof(u.here);
	assert_int_equal(give(&u, sizeof(u.here)), 0);
	assert_int_equal(u.here.added, 9);

	memset(&u, 0, sizeof(u));
	u.later.size = sizeof(u.later);
	assert_int_equal(give(&u, sizeof(u.later)), 0);
	assert_int_equal(u.later.size, sizeof(u.later));
	assert_int_equal(u.later.added, 9);
	assert_int_equal(u.later.unknown, 0);
	u.later.unknown = 1;
	assert_int_equal(give(&u, sizeof(u.later)), CSN_E_ARG);

	u.here.size = sizeof(struct first) - 1;
	assert_int_equal(give(&u, sizeof(u.first)), CSN_E_ARG);
	assert_int_equal(csn_give_check(NULL, 8, 8, "here"), CSN_E_ARG);
}
