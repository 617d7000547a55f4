/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory.c - what is held of measured memory: 32 bytes a leaf. */
#include <malloc.h>
#include <sys/mman.h>

#include <caisson/advanced.h>
#include <caisson/attest.h>

#include "lib/test.h"

#define LEAVES ((size_t)65536)
#define LEAF 4096u
#define SIZE (LEAVES * LEAF)
/* The provider's answer, 1 MiB of ranges at most; nodes of one chunk. */
#define CONSTANT (((size_t)1 << 20) + ((size_t)64 << 10))

static struct csn_ctx *ctx;
static struct csn_regions *regions;
static uint8_t *memory;

BEFORE_EACH
{
	/* Of zeros that nobody has written: no page of it is there. */
	memory = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	    0);
	assert_false(memory == MAP_FAILED || csn_ctx_new(NULL, &ctx) != 0);
	assert_int_equal(csn_regions_open(ctx, "buffer:", &regions), 0);
}

AFTER_EACH
{
	csn_regions_close(regions);
	csn_ctx_free(ctx);
	assert_int_equal(munmap(memory, SIZE), 0);
}

/* Bytes that are allocated now. */
static size_t
allocated(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* What an attester of so many leaves holds, once it has measured. */
static size_t
held(size_t leaves)
{
	struct csn_region r = { .size_of = sizeof(r), .id = "memory",
	    .description = "zeros", .address = 0, .size = leaves * LEAF,
	    .protection = CSN_PROT_R };
	struct csn_attester_options o = { .size = sizeof(o), .leaf = LEAF,
	    .measure = CSN_MEASURE_TREE, .workload = "memory" };
	struct csn_attester *a;
	size_t before, after;

	assert_int_equal(csn_regions_add_buffer(regions, &r, memory), 0);
	before = allocated();
	assert_int_equal(csn_attester_new(ctx, regions, &o, &a), 0);
	assert_int_equal(csn_attester_measure(a, 0), 0);
	/* And again, with the list of what to look at once more. */
	assert_int_equal(csn_regions_touch_buffer(regions, "memory", 0,
	    1), 0);
	assert_int_equal(csn_attester_measure(a, 1), 0);
	assert_int_equal(csn_attester_count(a), 1);
	after = allocated();
	csn_attester_free(a);
	assert_int_equal(csn_regions_remove_buffer(regions, "memory"), 0);
	assert_true(after > before);
	return after - before;
}

TEST(an_attester_holds_32_bytes_a_leaf_and_a_constant)
{
	const char *sanitize = getenv("CAISSON_SANITIZE");
	size_t few, many, leaf;

	if (sanitize != NULL && strcmp(sanitize, "0") != 0)
		test_skip("a sanitizer's allocations are not counted");
	/* What is made once is made now. */
	(void)held(1);
	few = held(1);
	assert_true(few <= CONSTANT);
	many = held(LEAVES);
	assert_true(many <= 32 * LEAVES + CONSTANT);
	/* Each leaf more: its hash, and less than a hundredth above it. */
	leaf = (many - held(LEAVES / 2)) / (LEAVES / 2);
	assert_int_equal(leaf, 32);
}
