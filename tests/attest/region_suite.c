/* SPDX-License-Identifier: Apache-2.0 */
/* region_suite.c - the cases, each over each provider. */
#include "attest/look.h"
#include "attest/region_suite.h"
#include "lib/test.h"

/* Start the world, or skip the case. */
static struct region_world *
enter(void **state)
{
	struct region_world *w = *state;
	const char *missing;

	assert_int_equal(csn_ctx_new(NULL, &w->ctx), 0);
	if ((missing = w->start(w, w->ctx)) != NULL)
		test_skip(missing);
	assert_non_null(w->regions);
	return w;
}

static int
leave(void **state)
{
	struct region_world *w = *state;

	csn_regions_close(w->regions);
	w->regions = NULL;
	w->stop(w);
	csn_ctx_free(w->ctx);
	w->ctx = NULL;
	return 0;
}

static void
find_suite(struct region_world *w, struct look *l)
{
	if (look_for(w->regions, "suite", l) != 0)
		fail_msg("%s", csn_message());
}

static void
lists_its_region(void **state)
{
	struct region_world *w = enter(state);
	struct look l, again;

	find_suite(w, &l);
	assert_string_equal(csn_regions_platform(w->regions), w->platform);
	assert_int_equal(l.region.size_of, sizeof(l.region));
	assert_true(l.region.size == w->size);
	assert_non_null(csn_protection_name((int)l.region.protection));
	/* The same again. */
	find_suite(w, &again);
	assert_true(again.region.address == l.region.address);
	assert_int_equal(csn_regions_has_evidence(w->regions), w->evidence);
}

static int
stop_at_once(void *arg, const struct csn_region *region)
{
	(void)region;
	++*(int *)arg;
	return 4711;
}

static void
a_visit_can_stop_the_list(void **state)
{
	struct region_world *w = enter(state);
	int visits = 0;

	assert_int_equal(csn_regions_each(w->regions, stop_at_once, &visits),
	    4711);
	assert_int_equal(visits, 1);
}

static void
reads_to_the_very_edges(void **state)
{
	struct region_world *w = enter(state);
	struct look l;
	uint8_t *out = malloc((size_t)w->size);
	uint64_t at;

	find_suite(w, &l);
	assert_int_equal(csn_regions_read(w->regions, &l.region, 0, out,
	    (size_t)w->size), 0);
	assert_memory_equal(out, w->bytes, (size_t)w->size);
	for (at = 0; at < w->size; at += at < 3 ? 1 : w->size / 7) {
		assert_int_equal(csn_regions_read(w->regions, &l.region, at,
		    out, 1), 0);
		assert_int_equal(out[0], w->bytes[at]);
	}
	assert_int_equal(csn_regions_read(w->regions, &l.region, w->size - 1,
	    out, 1), 0);
	assert_int_equal(out[0], w->bytes[w->size - 1]);
	/* Across a page's end, at an odd place. */
	assert_int_equal(csn_regions_read(w->regions, &l.region, 4093, out,
	    (size_t)w->size - 4093), 0);
	assert_memory_equal(out, w->bytes + 4093, (size_t)w->size - 4093);
	/* Nothing, anywhere inside or at the end. */
	assert_int_equal(csn_regions_read(w->regions, &l.region, w->size,
	    out, 0), 0);
	free(out);
}

static void
refuses_what_is_out_of_range(void **state)
{
	struct region_world *w = enter(state);
	struct look l;
	uint8_t out[16];

	find_suite(w, &l);
	memset(out, 0x5a, sizeof(out));
	assert_int_equal(csn_regions_read(w->regions, &l.region, w->size, out,
	    1), CSN_E_REGION);
	assert_int_equal(csn_regions_read(w->regions, &l.region, w->size - 1,
	    out, 2), CSN_E_REGION);
	assert_int_equal(csn_regions_read(w->regions, &l.region, UINT64_MAX,
	    out, 1), CSN_E_REGION);
	assert_int_equal(csn_regions_read(w->regions, &l.region,
	    UINT64_MAX - 7, out, 16), CSN_E_REGION);
	assert_int_equal(csn_regions_read(w->regions, &l.region, 0, out,
	    SIZE_MAX), CSN_E_REGION);
	assert_int_equal(out[0], 0x5a);
}

static void
refuses_a_region_that_it_never_listed(void **state)
{
	struct region_world *w = enter(state);
	struct look l;
	struct csn_region r;
	uint8_t out[16];

	find_suite(w, &l);
	r = l.region;
	r.id = "nobody";
	assert_int_equal(csn_regions_read(w->regions, &r, 0, out, 16),
	    CSN_E_REGION);
	/* The right name, with another size. */
	r = l.region;
	r.size += 1;
	assert_int_equal(csn_regions_read(w->regions, &r, w->size, out, 1),
	    CSN_E_REGION);
}

static void
a_change_is_read_and_changed_back(void **state)
{
	struct region_world *w = enter(state);
	struct look l;
	uint8_t out, was = w->bytes[w->changeable];

	find_suite(w, &l);
	w->write(w, w->changeable, (uint8_t)(was ^ 0xff));
	assert_int_equal(csn_regions_read(w->regions, &l.region,
	    w->changeable, &out, 1), 0);
	assert_int_equal(out, was ^ 0xff);
	w->write(w, w->changeable, was);
	assert_int_equal(csn_regions_read(w->regions, &l.region,
	    w->changeable, &out, 1), 0);
	assert_int_equal(out, was);
}

static void
begins_and_ends_again_and_again(void **state)
{
	struct region_world *w = enter(state);
	struct look l, again;
	uint8_t *out = malloc((size_t)w->size);
	int i;

	find_suite(w, &l);
	for (i = 0; i < 3; i++) {
		assert_int_equal(csn_regions_begin(w->regions), 0);
		find_suite(w, &again);
		assert_true(again.region.address == l.region.address);
		assert_int_equal(csn_regions_read(w->regions, &l.region, 0,
		    out, (size_t)w->size), 0);
		assert_memory_equal(out, w->bytes, (size_t)w->size);
		if (csn_regions_end(w->regions) != 0)
			fail_msg("%s", csn_message());
	}
	/* The workload goes on. */
	w->write(w, w->changeable, 1);
	w->write(w, w->changeable, 2);
	assert_int_equal(csn_regions_read(w->regions, &l.region,
	    w->changeable, out, 1), 0);
	assert_int_equal(out[0], 2);
	free(out);
}

static void
dirty_ranges_hold_each_write_or_are_not_known(void **state)
{
	struct region_world *w = enter(state);
	struct look l;
	struct csn_range r[16];
	size_t n = 99;

	find_suite(w, &l);
	if (!w->tracks) {
		assert_int_equal(csn_regions_dirty(w->regions, &l.region, r,
		    16, &n), CSN_E_BACKEND);
		assert_int_equal(n, 99);
		return;
	}
	assert_int_equal(csn_regions_dirty(w->regions, &l.region, r, 16, &n),
	    0);
	assert_int_equal(csn_regions_dirty(w->regions, &l.region, r, 16, &n),
	    0);
	assert_int_equal(n, 0);
	w->write(w, w->changeable, 77);
	assert_int_equal(csn_regions_dirty(w->regions, &l.region, r, 0, &n),
	    CSN_E_BUFFER);
	w->write(w, w->changeable, 78);
	assert_int_equal(csn_regions_dirty(w->regions, &l.region, r, 16, &n),
	    0);
	assert_int_equal(n, 1);
	assert_true(r[0].offset <= w->changeable);
	assert_true(r[0].offset + r[0].len > w->changeable);
	assert_true(r[0].offset + r[0].len <= w->size);
	assert_int_equal(csn_regions_dirty(w->regions, &l.region, r, 16, &n),
	    0);
	assert_int_equal(n, 0);
}

static void
a_direct_view_is_the_same_bytes(void **state)
{
	struct region_world *w = enter(state);
	struct look l;
	const uint8_t *p;

	find_suite(w, &l);
	p = csn_regions_map(w->regions, &l.region);
	if (p != NULL)
		assert_memory_equal(p, w->bytes, (size_t)w->size);
}

int
region_suite(struct region_world *const *worlds, size_t n)
{
	static const struct {
		const char *name;
		CMUnitTestFunction f;
	} cases[] = {
		{ "lists_its_region", lists_its_region },
		{ "a_visit_can_stop_the_list", a_visit_can_stop_the_list },
		{ "reads_to_the_very_edges", reads_to_the_very_edges },
		{ "refuses_what_is_out_of_range",
		    refuses_what_is_out_of_range },
		{ "refuses_a_region_that_it_never_listed",
		    refuses_a_region_that_it_never_listed },
		{ "a_change_is_read_and_changed_back",
		    a_change_is_read_and_changed_back },
		{ "begins_and_ends_again_and_again",
		    begins_and_ends_again_and_again },
		{ "dirty_ranges_hold_each_write_or_are_not_known",
		    dirty_ranges_hold_each_write_or_are_not_known },
		{ "a_direct_view_is_the_same_bytes",
		    a_direct_view_is_the_same_bytes },
	};
	const size_t count = sizeof(cases) / sizeof(cases[0]);
	struct CMUnitTest *tests;
	size_t i, k, at = 0;
	char *name;
	int failed;

	tests = calloc(n * count, sizeof(*tests));
	for (i = 0; i < n; i++) {
		for (k = 0; k < count; k++, at++) {
			if (asprintf(&name, "%s %s", worlds[i]->name,
			    cases[k].name) < 0)
				abort();
			tests[at].name = name;
			tests[at].test_func = cases[k].f;
			tests[at].teardown_func = leave;
			tests[at].initial_state = worlds[i];
		}
	}
	failed = _cmocka_run_group_tests("regions", tests, at, NULL, NULL);
	for (i = 0; i < at; i++)
		free((char *)(uintptr_t)tests[i].name);
	free(tests);
	return failed;
}
