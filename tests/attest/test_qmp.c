/* SPDX-License-Identifier: Apache-2.0 */
/* test_qmp.c - QEMU's protocol, spoken with one who lies. */
#include <time.h>
#include <unistd.h>

#include "attest/fake_qmp.h"
#include "attest/look.h"
#include "lib/test.h"
#include "providers/region/qemu/layout.h"
#include "providers/region/qemu/qmp.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define HELLO GREETING, "<", "@ID{\"return\": {}}"

/* What the monitor writes, as JSON. */
#define VIEW "FlatView #0\\r\\n AS \\\"I/O\\\", root: io\\r\\n" \
    " Root memory region: io\\r\\n" \
    "  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan\\r\\n" \
    "\\r\\nFlatView #1\\r\\n AS \\\"memory\\\", root: system\\r\\n" \
    " AS \\\"cpu-memory-0\\\", root: system\\r\\n" \
    " Root memory region: system\\r\\n" \
    "  0000000000000000-00000000000bffff (prio 0, ram): ram\\r\\n" \
    "  00000000000c0000-00000000000dffff (prio 1, rom): pc.rom\\r\\n" \
    "  0000000000100000-0000000000ffffff (prio 0, ram): ram " \
    "@0000000000100000\\r\\n" \
    "  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic\\r\\n\\r\\n"
#define LAYOUT "<", "@ID{\"return\": \"" VIEW "\"}"

static struct csn_ctx *ctx;
static struct fake_qmp fake;
static struct csn_qmp *q;

BEFORE_ALL { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }
AFTER_ALL { csn_ctx_free(ctx); }

/*
 * Open against a script. Patience is short where it will run out, and long
 * where only a slow machine would need it.
 */
static int
open_against(const char *const *script, int expect)
{
	int rc;

	fake_qmp_start(&fake, script);
	q = NULL;
	rc = csn_qmp_open(ctx, fake.path,
	    expect == CSN_E_BACKEND ? 300 : 30000, &q);
	if (rc != 0)
		fake_qmp_stop(&fake);
	return rc;
}

static void
leave(void)
{
	csn_qmp_close(q);
	q = NULL;
	fake_qmp_stop(&fake);
}

static void
says(const char *words)
{
	if (strstr(csn_message(), words) == NULL)
		fail_msg("not said: %s\nbut: %s", words,
		    csn_message());
}

TEST(a_command_gets_its_own_answer)
{
	static const char *const script[] = { HELLO, "<", "@EVENT 3",
	    "@ID{\"return\": {\"running\": true}}", "<",
	    "@ID{\"error\": {\"class\": \"GenericError\", "
	    "\"desc\": \"not today\"}}", "<", "@ID{\"return\": {}}", NULL };
	json_t *value = NULL;

	assert_int_equal(open_against(script, 0), 0);
	assert_int_equal(csn_qmp_uid(q), getuid());
	assert_int_equal(csn_qmp_call(q, "query-status", NULL, &value), 0);
	assert_true(json_is_true(json_object_get(value, "running")));
	json_decref(value);
	/* A refusal is told in QEMU's words, and is not the end. */
	assert_int_equal(csn_qmp_call(q, "stop", NULL, NULL), CSN_E_BACKEND);
	says("refused stop: not today");
	assert_true(csn_qmp_alive(q));
	assert_int_equal(csn_qmp_call(q, "cont", json_pack("{si}", "n", 1),
	    NULL), 0);
	assert_non_null(strstr(fake.seen[3], "\"arguments\":{\"n\":1}"));
	leave();
}

TEST(who_does_not_greet_as_qemu_does_is_left)
{
	static const struct {
		const char *script[4];
		int code;
	} cases[] = {
		{ { "220 mail.example ESMTP\r\n" }, CSN_E_FORM },
		{ { "{}\r\n" }, CSN_E_FORM },
		{ { "[]\r\n" }, CSN_E_FORM },
		{ { "{\"QMP\": 1}\r\n" }, CSN_E_FORM },
		{ { "{\"QMP\": {}, \"more\": 1}\r\n" }, CSN_E_FORM },
		{ { "{\"return\": {}}\r\n" }, CSN_E_FORM },
		{ { "{\"QMP\": {}", "@CLOSE" }, CSN_E_BACKEND },
		{ { "@CLOSE" }, CSN_E_BACKEND },
		{ { "@WAIT" }, CSN_E_BACKEND },
		{ { GREETING, "<", "{\"return\": {}, \"id\": 77}\r\n" },
		    CSN_E_FORM },
		{ { GREETING, "<", "{\"return\": {}}\r\n" }, CSN_E_FORM },
		{ { GREETING, "<", GREETING }, CSN_E_FORM },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (open_against(cases[i].script, cases[i].code) !=
		    cases[i].code)
			fail_msg("case %zu: %s", i, csn_message());
		assert_null(q);
	}
	assert_int_equal(csn_qmp_open(ctx, "/nonexistent/qmp", 100, &q),
	    CSN_E_BACKEND);
	says("/nonexistent/qmp");
}

TEST(an_answer_that_makes_no_sense_ends_the_connection)
{
	static const struct {
		const char *script[8];
		int code;
	} cases[] = {
		{ { HELLO, "<", "nonsense\r\n" }, CSN_E_FORM },
		{ { HELLO, "<", "@ID{\"return\": {}, \"return\": 1}" },
		    CSN_E_FORM },
		{ { HELLO, "<", "@ID{\"return\": {}, \"error\": {}}" },
		    CSN_E_FORM },
		{ { HELLO, "<", "@ID{\"error\": \"no\"}" }, CSN_E_FORM },
		{ { HELLO, "<", "@ID{\"error\": {\"desc\": \"\\u0007\"}}" },
		    CSN_E_FORM },
		{ { HELLO, "<", "{\"return\": {}, \"id\": 1}\r\n" },
		    CSN_E_FORM },
		{ { HELLO, "<", "{\"return\": {}, \"id\": \"2\"}\r\n" },
		    CSN_E_FORM },
		{ { HELLO, "<", "{\"return\": {}, \"id\": -2}\r\n" },
		    CSN_E_FORM },
		/* Half an answer, then silence, then the end. */
		{ { HELLO, "<", "{\"return\": {}, \"i", "@WAIT" },
		    CSN_E_BACKEND },
		{ { HELLO, "<", "{\"return\": {}, \"i", "@CLOSE" },
		    CSN_E_BACKEND },
		{ { HELLO, "<", "@WAIT" }, CSN_E_BACKEND },
		{ { HELLO, "<", "@LONG 5000000", "@WAIT" }, CSN_E_FORM },
		{ { HELLO, "<", "@EVENT 10001", "@WAIT" }, CSN_E_FORM },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(open_against(cases[i].script,
		    cases[i].code), 0);
		if (csn_qmp_call(q, "stop", NULL, NULL) != cases[i].code)
			fail_msg("case %zu: %s", i, csn_message());
		assert_false(csn_qmp_alive(q));
		assert_int_equal(csn_qmp_call(q, "cont", NULL, NULL),
		    CSN_E_BACKEND);
		says("lost before");
		leave();
	}
}

TEST(events_do_not_put_off_the_timeout)
{
	static const char *const script[] = { HELLO, "<",
	    "{\"event\": \"STOP\", \"data\": {}}\r\n", "@WAIT", NULL };
	struct timespec a, b;

	assert_int_equal(open_against(script, CSN_E_BACKEND), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(csn_qmp_call(q, "stop", NULL, NULL), CSN_E_BACKEND);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	says("did not answer within 300 ms");
	assert_in_range(b.tv_sec - a.tv_sec, 0, 5);
	leave();
}

TEST(the_list_of_memory_is_read_strictly)
{
	static const char head[] = "FlatView #0\r\n AS \"memory\", root: s\r\n"
	    " Root memory region: s\r\n";
	static const char *const bad[] = {
		"", "  0000000000000000-000000000000ffff (prio 0, ram): \r\n",
		"  0000000000001000-000000000000ffff (prio 0, ram): a\r\n",
		"  0000000000000000-ffffffffffffffff (prio 0, ram): a\r\n",
		"  0000000000002000-0000000000001fff (prio 0, ram): a\r\n",
		" 0000000000000000-000000000000ffff (prio 0, ram): a\r\n",
		"  000000000000000-000000000000ffff (prio 0, ram): a\r\n",
		"  0000000000000000-000000000000ffff (prio 0, i/o): a\r\n",
		/* Overlapping, and out of order. */
		"  0000000000000000-000000000000ffff (prio 0, ram): a\r\n"
		"  000000000000f000-000000000001ffff (prio 0, ram): a\r\n",
		"  0000000000000000-000000000000ffff (prio 0, ram): a "
		    "@ffffffffffffffff\r\n",
	};
	static const char good[] =
	    "  0000000000000000-000000000000ffff (prio 0, ram): a\r\n"
	    "  0000000000010000-000000000001ffff (prio 0, rom): b\r\n"
	    "  0000000000020000-000000000002ffff (prio 0, ram): a "
	    "@0000000000020000\r\n"
	    "  0000000000030000-000000000003ffff (prio 0, ram): a "
	    "@0000000000030000\r\n"
	    "  0000000100000000-000000010000ffff (prio 0, ram): a "
	    "@0000000000040000\r\n\r\n"
	    "FlatView #1\r\n AS \"memory\", root: s\r\n nonsense\r\n";
	struct csn_guest_layout l;
	char text[1024];
	size_t i;

	(void)snprintf(text, sizeof(text), "%s%s", head, good);
	assert_int_equal(csn_guest_layout_parse(ctx, text, strlen(text), &l),
	    0);
	assert_int_equal(l.n, 4);
	assert_int_equal(l.v[1].main, 0);
	/* Two that follow each other in the block are one. */
	assert_int_equal(l.v[2].size, 0x20000);
	assert_true(l.v[3].address == 0x100000000);
	assert_int_equal(l.v[3].offset, 0x40000);
	assert_ptr_equal(csn_guest_layout_find(&l, 0x2f000, 0x2000), &l.v[2]);
	assert_null(csn_guest_layout_find(&l, 0xf000, 0x2000));
	assert_null(csn_guest_layout_find(&l, UINT64_MAX, 2));
	csn_guest_layout_free(&l);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s%s", head, bad[i]);
		assert_int_equal(csn_guest_layout_parse(ctx, text,
		    strlen(text), &l), CSN_E_FORM);
		assert_int_equal(l.n, 0);
	}
	assert_int_equal(csn_guest_layout_parse(ctx, good, strlen(good), &l),
	    CSN_E_FORM);
}

static struct csn_regions *
open_patient(const char *const *script, int timeout)
{
	struct csn_regions *regions = NULL;
	char url[256];

	fake_qmp_start(&fake, script);
	(void)snprintf(url, sizeof(url), "qemu:%s?timeout=%d", fake.path,
	    timeout);
	if (csn_regions_open(ctx, url, &regions) != 0)
		fail_msg("%s", csn_message());
	return regions;
}

static struct csn_regions *
open_guest(const char *const *script)
{
	return open_patient(script, 30000);
}

TEST(a_guest_that_ran_runs_again_and_its_bytes_are_read)
{
	static const char *const script[] = { HELLO, LAYOUT, LAYOUT,
	    "<", "@ID{\"return\": {\"running\": true, \"status\": "
	    "\"running\"}}",			/* query-status */
	    "<", "@ID{\"return\": {}}",		/* stop */
	    "<", "@SAVE 786432", "@ID{\"return\": {}}",
	    "<", "@ID{\"return\": {}}",		/* cont */
	    "@WAIT", NULL };
	struct csn_regions *r = open_guest(script);
	uint8_t out[16];
	struct look l;

	assert_string_equal(csn_regions_platform(r), "qemu-guest");
	assert_int_equal(look_for(r, "ram@0x0", &l), 0);
	assert_int_equal(l.region.size, 0xc0000);
	assert_int_equal(csn_regions_begin(r), 0);
	assert_int_equal(csn_regions_read(r, &l.region, 0xbfff0, out, 16),
	    CSN_E_BACKEND);
	says("saved 16 bytes, but the file has 786432");
	csn_regions_close(r);
	/* Even so it was set going again. */
	fake_qmp_stop(&fake);
	assert_non_null(strstr(fake.seen[4], "\"stop\""));
	assert_non_null(strstr(fake.seen[5], "\"pmemsave\""));
	assert_non_null(strstr(fake.seen[6], "\"cont\""));
}

TEST(what_was_saved_serves_until_the_end)
{
	static const char *const script[] = { HELLO, LAYOUT, LAYOUT,
	    "<", "@ID{\"return\": {\"running\": false}}",
	    "<", "@SAVE 786432", "@ID{\"return\": {}}",
	    "<", "@ID{\"return\": {\"running\": false}}",
	    "<", "@SAVE 16", "@ID{\"return\": {}}", "@WAIT", NULL };
	struct csn_regions *r = open_guest(script);
	uint8_t out[16];
	struct look l;
	int i;

	assert_int_equal(look_for(r, "ram@0x0", &l), 0);
	assert_int_equal(csn_regions_begin(r), 0);
	for (i = 0; i < 8; i++) {
		assert_int_equal(csn_regions_read(r, &l.region,
		    (uint64_t)i * 0x10000, out, 16), 0);
		assert_int_equal(out[15], 0xa5);
	}
	assert_int_equal(csn_regions_end(r), 0);
	/* It was not running, so nobody set it going. */
	assert_int_equal(fake.commands, 6);
	assert_int_equal(csn_regions_read(r, &l.region, 0, out, 16), 0);
	assert_int_equal(fake.commands, 7);
	csn_regions_close(r);
	fake_qmp_stop(&fake);
}

#define RESUMED "@EVENT 1"
#define RUNS(word) "<", "@ID{\"return\": {\"running\": " word "}}"
#define DONE "<", "@ID{\"return\": {}}"

/* Late, wrong, or lost with the connection: a stop that was sent counts. */
TEST(a_guest_goes_on_whatever_the_answer_to_stop_was)
{
#define STOPS HELLO, LAYOUT, RUNS("true"), "<"
	static const struct {
		const char *script[24];
		int code;
		int timeout;
	} cases[] = {
		{ { STOPS, DONE, "@WAIT" }, CSN_E_BACKEND, 100 },
		{ { STOPS, "nonsense\r\n", DONE, "@WAIT" }, CSN_E_FORM,
		    30000 },
		{ { STOPS, "{\"return\": {}, \"id\": 1}\r\n", DONE,
		    "@WAIT" }, CSN_E_FORM, 30000 },
		{ { STOPS, "{\"return\": {}}\r\n", DONE, "@WAIT" },
		    CSN_E_FORM, 30000 },
		{ { STOPS, "@EVENT 10001", DONE, "@WAIT" }, CSN_E_FORM,
		    30000 },
		{ { STOPS, "@ID{\"error\": {\"desc\": \"no\"}}", DONE,
		    "@WAIT" }, CSN_E_BACKEND, 30000 },
		{ { STOPS, "{\"return\": {}, \"i", "@AGAIN", HELLO, DONE,
		    "@WAIT" }, CSN_E_BACKEND, 30000 },
		{ { STOPS, "@AGAIN", HELLO, DONE, "@WAIT" }, CSN_E_BACKEND,
		    30000 },
	};
	struct csn_regions *r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		r = open_patient(cases[i].script, cases[i].timeout);
		if (csn_regions_begin(r) != cases[i].code)
			fail_msg("case %zu: %s", i, csn_message());
		csn_regions_close(r);
		fake_qmp_stop(&fake);
		/* The last that was asked for, and only once. */
		if (strstr(fake.seen[fake.commands - 1], "\"cont\"") ==
		    NULL || strstr(fake.seen[fake.commands - 2],
		    "\"cont\"") != NULL)
			fail_msg("case %zu ends with %s", i,
			    fake.seen[fake.commands - 1]);
	}
}

TEST(after_a_lost_connection_the_next_look_makes_another)
{
	static const char *const script[] = { STOPS, DONE, "@AGAIN",
	    HELLO, LAYOUT, RUNS("true"), DONE, RUNS("false"), DONE,
	    "@WAIT", NULL };
	struct csn_regions *r = open_patient(script, 100);

	assert_int_equal(csn_regions_begin(r), CSN_E_BACKEND);
	says("did not answer within 100 ms");
	if (csn_regions_begin(r) != 0 || csn_regions_end(r) != 0)
		fail_msg("%s", csn_message());
	csn_regions_close(r);
	fake_qmp_stop(&fake);
}

TEST(who_cannot_set_the_guest_going_says_so_and_tries_again)
{
	static const char no[] =
	    "@ID{\"error\": {\"desc\": \"a reset is needed\"}}";
	static const char *const script[] = { HELLO, LAYOUT, RUNS("true"),
	    DONE, RUNS("false"), "<", no, DONE, "@WAIT", NULL };
	struct csn_regions *r = open_guest(script);

	assert_int_equal(csn_regions_begin(r), 0);
	assert_int_equal(csn_regions_end(r), CSN_E_BACKEND);
	says("may stay paused");
	says("a reset is needed");
	csn_regions_close(r);
	fake_qmp_stop(&fake);
	assert_non_null(strstr(fake.seen[fake.commands - 1], "\"cont\""));
}

TEST(a_ram_file_that_qemu_does_not_vouch_for_is_refused)
{
#define MEMDEV(text) HELLO, LAYOUT, "<", "@ID{\"return\": [" text "]}"
	static const struct {
		const char *script[16];
		const char *said;
	} cases[] = {
		{ { MEMDEV("{\"id\": \"ram\", \"share\": false}"),
		    "@WAIT" }, "not shared" },
		{ { MEMDEV("{\"id\": \"ram\"}"), "@WAIT" },
		    "not shared" },
		{ { MEMDEV("{\"share\": true}"), "@WAIT" },
		    "no memory-backend-file" },
		{ { MEMDEV("{\"id\": \"other\", \"share\": true}"),
		    "@WAIT" }, "no memory-backend-file" },
		{ { MEMDEV("{\"id\": \"ram\", \"share\": true}"), "<",
		    "@ID{\"return\": \"/dev/null\"}", "@WAIT" },
		    "but in /dev/null" },
		{ { MEMDEV("{\"id\": \"ram\", \"share\": true}"), "<",
		    "@ID{\"return\": 7}", "@WAIT" }, "but in no file" },
		{ { MEMDEV("{\"id\": \"ram\", \"share\": true}"), "<",
		    "@ID{\"error\": {\"desc\": \"no property\"}}",
		    "@WAIT" }, "no property" },
	};
	char path[] = "/tmp/csn-ram-XXXXXX", url[256];
	struct csn_regions *r;
	int fd = mkstemp(path);
	size_t i;

	assert_true(fd >= 0);
	(void)close(fd);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_qmp_start(&fake, cases[i].script);
		(void)snprintf(url, sizeof(url), "qemu:%s?ram=%s", fake.path,
		    path);
		assert_int_equal(csn_regions_open(ctx, url, &r),
		    CSN_E_BACKEND);
		says(cases[i].said);
		fake_qmp_stop(&fake);
	}
	(void)unlink(path);
}

/* Found running, or stopped once more by then. */
TEST(a_guest_set_going_by_others_is_no_one_moment)
{
	static const char *const script[] = { HELLO, LAYOUT,
	    RUNS("true"), DONE, RUNS("true"), DONE,
	    RUNS("true"), RESUMED, DONE, "<", RESUMED,
	    "@ID{\"return\": {\"running\": false}}", DONE,
	    /* Who set it going before it was stopped does no harm. */
	    RUNS("true"), "<", RESUMED, "@ID{\"return\": {}}",
	    RUNS("false"), DONE, "@WAIT", NULL };
	struct csn_regions *r = open_guest(script);
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(csn_regions_begin(r), 0);
		assert_int_equal(csn_regions_end(r), CSN_E_BUSY);
		says("somebody set the guest going");
	}
	assert_int_equal(csn_regions_begin(r), 0);
	assert_int_equal(csn_regions_end(r), 0);
	csn_regions_close(r);
	fake_qmp_stop(&fake);
	/* It was set going again each time, whatever came of it. */
	assert_int_equal(fake.commands, 14);
	assert_non_null(strstr(fake.seen[5], "\"cont\""));
}

TEST(a_file_that_was_never_written_is_no_memory)
{
	static const char *const script[] = { HELLO, LAYOUT, LAYOUT,
	    "<", "@ID{\"return\": {}}", "@WAIT", NULL };
	struct csn_regions *r = open_guest(script);
	uint8_t out[16];
	struct look l;

	assert_int_equal(look_for(r, "ram@0x0", &l), 0);
	assert_int_equal(csn_regions_read(r, &l.region, 0, out, 16),
	    CSN_E_BACKEND);
	says("but the file has 0");
	csn_regions_close(r);
	fake_qmp_stop(&fake);
}

TEST(a_status_that_says_nothing_is_refused)
{
	static const char *const script[] = { HELLO, LAYOUT,
	    "<", "@ID{\"return\": {\"running\": \"yes\"}}", "@WAIT", NULL };
	struct csn_regions *r = open_guest(script);

	assert_int_equal(csn_regions_begin(r), CSN_E_FORM);
	says("whether the guest runs");
	csn_regions_close(r);
	fake_qmp_stop(&fake);
}

TEST(urls_are_checked)
{
	static const char *const bad[] = {
		"qemu:", "qemu:vm.qmp", "qemu:/x?ram=here", "qemu:/x?ram",
		"qemu:/x?timeout=0", "qemu:/x?colour=red",
		"qemu:/x?manifest=", "qemu:/x?tmp=t",
	};
	struct csn_regions *r;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (csn_regions_open(ctx, bad[i], &r) != CSN_E_ARG)
			fail_msg("%s: %s", bad[i], csn_message());
	}
	assert_int_equal(csn_regions_open(ctx, "qemu:/nonexistent/qmp", &r),
	    CSN_E_BACKEND);
	assert_int_equal(csn_regions_open(ctx,
	    "qemu:/nonexistent/qmp?ram=/nonexistent/ram", &r),
	    CSN_E_BACKEND);
	says("memory-backend-file");
	assert_int_equal(csn_regions_open(ctx,
	    "qemu:/nonexistent/qmp?ram=/dev/null", &r), CSN_E_BACKEND);
	says("no regular file");
}
