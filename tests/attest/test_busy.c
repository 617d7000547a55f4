/* SPDX-License-Identifier: Apache-2.0 */
/* test_busy.c - a workload that changes while, and when, it should not. */
#include <caisson/attest.h>

#include "lib/test.h"

#define SIZE ((size_t)3 * CSN_TREE_LEAF)

static struct csn_ctx *ctx;
static struct csn_identity *id;
static uint8_t bytes[SIZE];
static int busy;		/* how many more looks are not one moment */
static int looks;
static uint32_t immutable;

static int
fidget_open(struct csn_ctx *c, const char *rest, void **state)
{
	(void)c;
	(void)rest;
	*state = bytes;
	return 0;
}

static int
fidget_list(void *state, int (*visit)(void *arg,
    const struct csn_region *region), void *arg)
{
	struct csn_region r = {
		.size_of = sizeof(r), .protection = CSN_PROT_RW, .id = "kv",
		.description = "", .address = 4096, .size = SIZE,
		.immutable = immutable
	};

	(void)state;
	return visit(arg, &r);
}

static int
fidget_begin(void *state)
{
	(void)state;
	looks++;
	return 0;
}

/* It was written behind the reader's back, as one can see. */
static int
fidget_end(void *state)
{
	(void)state;
	if (busy == 0)
		return 0;
	busy--;
	bytes[0]++;
	return CSN_E_BUSY;
}

static int
fidget_read(void *state, const struct csn_region *region, uint64_t offset,
    void *out, size_t len)
{
	(void)region;
	memcpy(out, (uint8_t *)state + offset, len);
	return 0;
}

static void
fidget_close(void *state)
{
	(void)state;
}

static const struct csn_region_provider fidget = {
	.abi = CSN_REGION_ABI, .name = "fidget", .platform = "test",
	.open = fidget_open, .list = fidget_list, .begin = fidget_begin,
	.end = fidget_end, .read = fidget_read, .close = fidget_close
};

BEFORE_ALL
{
	const struct csn_identity_options o = {
		.size = sizeof(o), .name = "attester",
		.purposes = CSN_PURPOSE_REPORT
	};

	assert_false(csn_ctx_new(NULL, &ctx) != 0 || csn_identity_new(ctx, &o,
	    &id) != 0 || csn_region_register(&fidget) != 0);
}

AFTER_ALL
{
	csn_identity_free(id);
	csn_ctx_free(ctx);
}

TEST(a_look_that_was_two_moments_is_taken_again)
{
	const struct csn_attester_options o = {
		.size = sizeof(o), .workload = "w", .identity = id,
		.measure = CSN_MEASURE_BOTH
	};
	struct csn_snapshot s = { .size_of = sizeof(s) };
	uint8_t flat[CSN_HASH_SIZE];
	struct csn_regions *regions;
	struct csn_attester *a;

	assert_int_equal(csn_regions_open(ctx, "fidget:", &regions), 0);
	assert_int_equal(csn_attester_new(ctx, regions, &o, &a), 0);
	assert_int_equal(csn_attester_measure(a, 0), 0);
	assert_int_equal(looks, 1);
	/* Twice it moved, then it held still: that is what is measured. */
	busy = 2;
	assert_int_equal(csn_attester_measure(a, 0), 0);
	assert_int_equal(looks, 4);
	assert_int_equal(csn_attester_snapshot(a, 0, &s), 0);
	assert_int_equal(csn_sha3_256(ctx, bytes, SIZE, flat), 0);
	assert_memory_equal(s.flat, flat, CSN_HASH_SIZE);
	assert_int_equal(s.changed, 1);
	assert_int_equal(csn_attester_measure(a, 0), 0);
	assert_int_equal(csn_attester_snapshot(a, 0, &s), 0);
	assert_int_equal(s.changed, 0);
	/* One that never holds still is not measured at all. */
	busy = 1000;
	looks = 0;
	assert_int_equal(csn_attester_measure(a, 0), CSN_E_BUSY);
	assert_in_range(looks, 2, 10);
	assert_int_equal(csn_attester_count(a), 0);
	busy = 0;
	csn_attester_free(a);
	csn_regions_close(regions);
}

TEST(something_else_that_cannot_change_is_hashed_anew)
{
	const struct csn_attester_options o = {
		.size = sizeof(o), .workload = "w", .identity = id
	};
	struct csn_snapshot s = { .size_of = sizeof(s) };
	struct csn_regions *regions;
	struct csn_attester *a;
	uint64_t hashed, total;

	immutable = 1;
	assert_int_equal(csn_regions_open(ctx, "fidget:", &regions), 0);
	assert_int_equal(csn_attester_new(ctx, regions, &o, &a), 0);
	assert_int_equal(csn_attester_measure(a, 0), 0);
	assert_int_equal(csn_attester_measure(a, 1), 0);
	csn_attester_work(a, &hashed, &total);
	assert_int_equal(hashed, 0);
	assert_int_equal(total, SIZE);
	/* Another sealed memfd was mapped in its place. */
	immutable = 2;
	bytes[1] ^= 1;
	assert_int_equal(csn_attester_measure(a, 1), 0);
	csn_attester_work(a, &hashed, &total);
	assert_int_equal(hashed, SIZE);
	assert_int_equal(csn_attester_snapshot(a, 0, &s), 0);
	assert_int_equal(s.changed, 1);
	assert_int_equal(s.immutable, 1);
	immutable = 0;
	csn_attester_free(a);
	csn_regions_close(regions);
}
