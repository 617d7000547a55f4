/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's own memory as regions, and what no region may be. */
#include <caisson/advanced.h>

#include "attest/scene.h"
#include "lib/test.h"

static struct csn_region
region(const char *id, uint64_t address, uint64_t size)
{
	struct csn_region r = {
		.size_of = sizeof(r), .id = id, .description = "",
		.address = address, .size = size, .protection = CSN_PROT_RW,
	};

	return r;
}

static int
add(struct scene *s, const char *id, uint64_t address, uint64_t size)
{
	struct csn_region r = region(id, address, size);

	return csn_regions_add_buffer(s->regions, &r, s->weights);
}

FIXTURE(struct scene, scene_start, scene_end);

TEST(regions_that_make_no_sense_are_refused, struct scene *s)
{
	char longest[CSN_REGION_ID_MAX + 2];
	struct csn_region r;

	memset(longest, 'x', sizeof(longest));
	longest[CSN_REGION_ID_MAX + 1] = '\0';
	assert_int_equal(add(s, "zero", 0x500000, 0), CSN_E_REGION);
	assert_int_equal(add(s, "over", UINT64_MAX - 9, 11), CSN_E_REGION);
	assert_int_equal(add(s, "over", UINT64_MAX, UINT64_MAX),
	    CSN_E_REGION);
	assert_int_equal(add(s, "weights", 0x500000, 1), CSN_E_REGION);
	assert_int_equal(add(s, "", 0x500000, 1), CSN_E_REGION);
	assert_int_equal(add(s, "a\nb", 0x500000, 1), CSN_E_REGION);
	assert_int_equal(add(s, "\xff", 0x500000, 1), CSN_E_REGION);
	assert_int_equal(add(s, longest, 0x500000, 1), CSN_E_REGION);
	/* before, across and inside of weights, and one byte of it */
	assert_int_equal(add(s, "o", 0xf000, 0x1001), CSN_E_REGION);
	assert_int_equal(add(s, "o", 0, 0x1000000), CSN_E_REGION);
	assert_int_equal(add(s, "o", 0x10010, 1), CSN_E_REGION);
	assert_int_equal(add(s, "o", 0x10000 + SCENE_WEIGHTS - 1, 9),
	    CSN_E_REGION);
	r = region("p", 0x500000, 1);
	r.protection = 0;
	assert_int_equal(csn_regions_add_buffer(s->regions, &r, s->weights),
	    CSN_E_REGION);
	r.protection = 5;
	assert_int_equal(csn_regions_add_buffer(s->regions, &r, s->weights),
	    CSN_E_REGION);
	r = region("p", 0x500000, 1);
	r.size_of = 8;
	assert_int_equal(csn_regions_add_buffer(s->regions, &r, s->weights),
	    CSN_E_ARG);
	r = region("p", 0x500000, 1);
	assert_int_equal(csn_regions_add_buffer(s->regions, &r, NULL),
	    CSN_E_ARG);
	/* next to each other, and to the end of the address space */
	assert_int_equal(add(s, "fits", 0x10000 + SCENE_WEIGHTS, 16), 0);
	assert_int_equal(add(s, "last", UINT64_MAX - 9, 10), 0);
	longest[CSN_REGION_ID_MAX] = '\0';
	assert_int_equal(add(s, longest, 0x500000, 1), 0);
}

TEST(a_region_that_is_not_registered_is_no_region, struct scene *s)
{
	struct csn_region r = region("nobody", 0, 16);
	uint8_t out[16];

	assert_int_equal(csn_regions_remove_buffer(s->regions, "nobody"),
	    CSN_E_REGION);
	assert_int_equal(csn_regions_touch_buffer(s->regions, "nobody", 0, 1),
	    CSN_E_REGION);
	assert_int_equal(csn_regions_read(s->regions, &r, 0, out, 16),
	    CSN_E_REGION);
	assert_null(csn_regions_map(s->regions, &r));
	r = region("weights", 0x10000, 16);
	assert_int_equal(csn_regions_read(s->regions, &r, 0, out, 16),
	    CSN_E_REGION);
	assert_int_equal(csn_regions_touch_buffer(s->regions, "weights",
	    SCENE_WEIGHTS, 1), CSN_E_REGION);
	assert_int_equal(csn_regions_touch_buffer(s->regions, "weights",
	    UINT64_MAX, 2), CSN_E_REGION);
}

TEST(bytes_are_read_within_their_region, struct scene *s)
{
	struct csn_region r = region("weights", 0x10000, SCENE_WEIGHTS);
	uint8_t out[100];

	assert_int_equal(csn_regions_read(s->regions, &r, SCENE_WEIGHTS - 100,
	    out, 100), 0);
	assert_memory_equal(out, s->weights + SCENE_WEIGHTS - 100, 100);
	assert_int_equal(csn_regions_read(s->regions, &r, SCENE_WEIGHTS - 99,
	    out, 100), CSN_E_REGION);
	assert_int_equal(csn_regions_read(s->regions, &r, UINT64_MAX, out, 2),
	    CSN_E_REGION);
	assert_ptr_equal(csn_regions_map(s->regions, &r), s->weights);
}

TEST(touched_ranges_are_told_once, struct scene *s)
{
	struct csn_region r = region("weights", 0x10000, SCENE_WEIGHTS);
	struct csn_range ranges[4];
	size_t n = 9, i;

	assert_int_equal(csn_regions_dirty(s->regions, &r, ranges, 4, &n),
	    CSN_E_BACKEND);
	assert_int_equal(csn_regions_touch_buffer(s->regions, "weights", 0,
	    0), 0);
	assert_int_equal(csn_regions_dirty(s->regions, &r, ranges, 4, &n), 0);
	assert_int_equal(n, 0);
	/* Writing on joins what was written before. */
	for (i = 0; i < 10; i++)
		assert_int_equal(csn_regions_touch_buffer(s->regions,
		    "weights", 100 + i * 8, 8), 0);
	assert_int_equal(csn_regions_touch_buffer(s->regions, "weights", 5,
	    1), 0);
	assert_int_equal(csn_regions_dirty(s->regions, &r, ranges, 4, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(ranges[0].offset, 100);
	assert_int_equal(ranges[0].len, 80);
	assert_int_equal(ranges[1].offset, 5);
	assert_int_equal(csn_regions_dirty(s->regions, &r, ranges, 4, &n), 0);
	assert_int_equal(n, 0);
	/* Too many for the asker, or to be kept: then all of it counts. */
	for (i = 0; i < 5; i++)
		assert_int_equal(csn_regions_touch_buffer(s->regions,
		    "weights", i * 10, 1), 0);
	assert_int_equal(csn_regions_dirty(s->regions, &r, ranges, 4, &n),
	    CSN_E_BUFFER);
	assert_int_equal(csn_regions_dirty(s->regions, &r, ranges, 4, &n), 0);
	assert_int_equal(n, 0);
	for (i = 0; i < 5000; i++)
		assert_int_equal(csn_regions_touch_buffer(s->regions,
		    "weights", i * 2, 1), 0);
	assert_int_equal(csn_regions_dirty(s->regions, &r, ranges, 4, &n),
	    CSN_E_BUFFER);
}

TEST(protections_have_names)
{
	assert_string_equal(csn_protection_name(CSN_PROT_RX), "RX");
	assert_null(csn_protection_name(0));
	assert_null(csn_protection_name(5));
	assert_int_equal(csn_protection_parse("RO"), CSN_PROT_RO);
	assert_int_equal(csn_protection_parse("ro"), 0);
	assert_int_equal(csn_protection_parse(NULL), 0);
}

TEST(an_unknown_provider_is_named_with_those_there_are, struct scene *s)
{
	struct csn_regions *r;

	assert_int_equal(csn_regions_open(s->ctx, "hyper-v:", &r),
	    CSN_E_UNKNOWN_BACKEND);
	assert_non_null(strstr(csn_message(), "buffer"));
	assert_int_equal(csn_regions_open(s->ctx, "nothing", &r), CSN_E_ARG);
	assert_int_equal(csn_regions_open(s->ctx, "buffer:x", &r), CSN_E_ARG);
}

/* --- a provider of the program's own ------------------------------------ */

static struct csn_region odd[2];
static size_t nodd;

static int
own_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	(void)ctx;
	(void)rest;
	*state = odd;
	return 0;
}

static int
own_list(void *state, int (*visit)(void *arg,
    const struct csn_region *region), void *arg)
{
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < nodd; i++)
		if ((rc = visit(arg, &odd[i])) != 0)
			return rc;
	return 0;
}

static int
own_read(void *state, const struct csn_region *r, uint64_t offset, void *out,
    size_t len)
{
	(void)state;
	(void)r;
	(void)offset;
	(void)out;
	(void)len;
	return CSN_E_IO;
}

static void
own_close(void *state)
{
	(void)state;
}

static const struct csn_region_provider own = {
	.abi = CSN_REGION_ABI, .name = "own_regions", .platform = "own",
	.open = own_open, .list = own_list, .read = own_read,
	.close = own_close,
};

static int
count(void *arg, const struct csn_region *r)
{
	(void)r;
	*(size_t *)arg += 1;
	return 0;
}

TEST(what_a_provider_lists_is_checked_before_it_is_used, struct scene *s)
{
	struct csn_region_provider bad = own;
	struct csn_regions *r;
	struct csn_attester_options o = scene_options(s);
	struct csn_attester *a;
	size_t n = 0;

	bad.abi = 2;
	assert_int_equal(csn_region_register(&bad), CSN_E_ARG);
	bad = own;
	bad.read = NULL;
	assert_int_equal(csn_region_register(&bad), CSN_E_ARG);
	assert_int_equal(csn_region_register(&own), 0);
	assert_int_equal(csn_region_register(&own), CSN_E_EXISTS);
	assert_int_equal(csn_regions_open(s->ctx, "own_regions:", &r), 0);
	odd[0] = region("a", 0, 10);
	odd[1] = region("a", 10, 10);
	nodd = 2;
	assert_int_equal(csn_regions_each(r, count, &n), CSN_E_REGION);
	odd[1] = region("b", 9, 10);
	assert_int_equal(csn_regions_each(r, count, &n), CSN_E_REGION);
	odd[1] = region("b", 10, 0);
	assert_int_equal(csn_regions_each(r, count, &n), CSN_E_REGION);
	assert_int_equal(n, 0);
	odd[1] = region("b", 10, 10);
	assert_int_equal(csn_regions_each(r, count, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(csn_regions_has_evidence(r), 0);
	/* What it fails with is passed on, with a sentence. */
	assert_int_equal(csn_attester_new(s->ctx, r, &o, &a), 0);
	assert_int_equal(csn_attester_measure(a, 0), CSN_E_IO);
	assert_non_null(strstr(csn_message(), "own_regions"));
	assert_int_equal(csn_attester_count(a), 0);
	csn_attester_free(a);
	/* By hand only where they are the caller's buffers. */
	assert_int_equal(csn_regions_add_buffer(r, &odd[0], s->weights),
	    CSN_E_ARG);
	csn_regions_close(r);
}

TEST(no_more_regions_than_a_report_holds, struct scene *s)
{
	struct csn_regions *r;
	struct csn_region one;
	char id[16];
	unsigned i;

	assert_int_equal(csn_regions_open(s->ctx, "buffer:", &r), 0);
	for (i = 0; i < CSN_REGIONS_MAX; i++) {
		(void)snprintf(id, sizeof(id), "r%u", i);
		one = region(id, i * 16, 16);
		assert_int_equal(csn_regions_add_buffer(r, &one, s->code), 0);
	}
	one = region("more", i * 16, 16);
	assert_int_equal(csn_regions_add_buffer(r, &one, s->code),
	    CSN_E_LIMIT);
	csn_regions_close(r);
}
