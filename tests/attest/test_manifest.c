/* SPDX-License-Identifier: Apache-2.0 */
/* test_manifest.c - workload manifests: what is taken, what is refused. */
#include <caisson/region.h>

#include "lib/test.h"
#include "providers/region/manifest.h"

static struct csn_ctx *ctx;
static struct csn_manifest m;

BEFORE_ALL { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }
AFTER_ALL { csn_ctx_free(ctx); }

static int
parse(const char *text)
{
	return csn_manifest_parse(ctx, text, strlen(text), &m);
}

/* A manifest of these regions. */
static int
parse_regions(const char *regions)
{
	char *text;
	int rc;

	assert_true(asprintf(&text, "{\"version\":1,\"workload\":\"w\","
	    "\"regions\":[%s]}", regions) > 0);
	rc = parse(text);
	free(text);
	return rc;
}

static void
refused(int rc, int code, const char *word)
{
	assert_int_equal(rc, code);
	assert_int_equal(csn_message_code(), code);
	if (strstr(csn_message(), word) == NULL)
		fail_msg("no \"%s\" in: %s", word, csn_message());
	assert_null(m.regions);
	assert_null(m.json);
}

TEST(every_kind_of_region)
{
	assert_int_equal(parse_regions(
	    "{\"id\":\"a\",\"protection\":\"RW\",\"pid\":42,"
	    "\"address\":\"0x7F00\",\"size\":\"4096\"},"
	    "{\"id\":\"b\",\"protection\":\"RO\",\"description\":\"B\","
	    "\"file\":\"/x\"},"
	    "{\"id\":\"c\",\"protection\":\"RX\",\"physical\":\"0x100000\","
	    "\"size\":16},"
	    "{\"id\":\"d\",\"protection\":\"R\",\"pid_file\":\"/p\","
	    "\"address\":1,\"size\":2},"
	    "{\"id\":\"e\",\"protection\":\"RO\",\"file\":\"/y\","
	    "\"offset\":3,\"size\":4},"
	    "{\"id\":\"f\",\"protection\":\"RW\",\"pid\":42,\"address\":0,"
	    "\"size\":1},"
	    "{\"id\":\"g\",\"protection\":\"RW\",\"physical\":5,\"size\":6,"
	    "\"mem\":\"/dev/other\"}"), 0);
	assert_string_equal(m.workload, "w");
	assert_int_equal(m.nregions, 7);
	assert_int_equal(m.nsources, 6);

	assert_int_equal(m.sources[0].kind, CSN_SOURCE_PROCESS);
	assert_int_equal(m.sources[0].pid, 42);
	assert_null(m.sources[0].path);
	assert_int_equal(m.sources[0].base, 0);
	assert_int_equal(m.regions[0].address, 0x7f00);
	assert_int_equal(m.regions[0].size, 4096);
	assert_int_equal(m.regions[0].protection, CSN_PROT_RW);
	assert_string_equal(m.regions[0].description, "");
	/* The same process, found again. */
	assert_int_equal(m.regions[5].source, 0);

	assert_int_equal(m.sources[1].kind, CSN_SOURCE_FILE);
	assert_string_equal(m.sources[1].path, "/x");
	assert_true(m.sources[1].base == (uint64_t)1 << 63);
	assert_int_equal(m.regions[1].size, 0);
	assert_string_equal(m.regions[1].description, "B");
	assert_int_equal(m.sources[2].kind, CSN_SOURCE_PHYSICAL);
	assert_string_equal(m.sources[2].path, "/dev/mem");
	assert_true(m.sources[2].base == (uint64_t)1 << 56);
	assert_int_equal(m.regions[2].address, 0x100000);
	assert_string_equal(m.sources[3].path, "/p");
	assert_int_equal(m.sources[3].pid, 0);
	assert_true(m.sources[3].base == (uint64_t)2 << 56);
	assert_true(m.sources[4].base ==
	    ((uint64_t)1 << 63) + ((uint64_t)1 << 48));
	assert_int_equal(m.regions[4].address, 3);
	assert_string_equal(m.sources[5].path, "/dev/other");
	csn_manifest_free(&m);
	assert_null(m.regions);
}

TEST(not_a_manifest)
{
	refused(parse(""), CSN_E_FORM, "no JSON");
	refused(parse("[]"), CSN_E_FORM, "JSON object");
	refused(parse("{}"), CSN_E_FORM, "version");
	refused(parse("{\"version\":2}"), CSN_E_VERSION, "version 2");
	refused(parse("{\"version\":1,\"workload\":\"w\",\"regions\":[]}"),
	    CSN_E_FORM, "at least one");
	refused(parse("{\"version\":1,\"workload\":\"\",\"regions\":[{}]}"),
	    CSN_E_FORM, "workload");
	refused(parse("{\"version\":1,\"workload\":\"a\\nb\","
	    "\"regions\":[{}]}"), CSN_E_FORM, "control");
	refused(parse("{\"version\":1,\"workload\":\"w\",\"x\":1,"
	    "\"regions\":[{}]}"), CSN_E_FORM, "no member x");
	refused(parse("{\"version\":1,\"version\":1}"), CSN_E_FORM,
	    "no JSON");
	refused(parse_regions("1"), CSN_E_FORM, "region 1 of");
}

TEST(members_that_do_not_go_together)
{
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\"}"),
	    CSN_E_FORM, "one of pid, pid_file, file and physical");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"pid\":1,\"file\":\"/x\"}"), CSN_E_FORM,
	    "pid and file do not go together");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"file\":\"/x\",\"address\":1}"), CSN_E_FORM,
	    "address does not go with file");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"pid\":1,\"address\":1,\"size\":1,\"mem\":\"/m\"}"),
	    CSN_E_FORM, "mem does not go with pid");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"pid\":1,\"size\":1}"), CSN_E_FORM, "address is missing");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"physical\":1}"), CSN_E_FORM, "size is missing");
	refused(parse_regions("{\"protection\":\"R\",\"file\":\"/x\"}"),
	    CSN_E_FORM, "id is missing");
	refused(parse_regions("{\"id\":\"a\",\"file\":\"/x\"}"),
	    CSN_E_FORM, "region 1 (a) of the manifest: protection is "
	    "missing");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"file\":\"/x\",\"colour\":\"red\"}"), CSN_E_FORM,
	    "no member colour");
}

TEST(values_that_make_no_sense)
{
	static const char *const numbers[] = { "-1", "1.5", "\"\"", "\"0x\"",
	    "\"12a\"", "\" 1\"", "\"-1\"", "\"0xg\"", "true", "null",
	    "\"18446744073709551616\"", "\"0x10000000000000000\"" };
	char text[256];
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)snprintf(text, sizeof(text), "{\"id\":\"a\","
		    "\"protection\":\"R\",\"file\":\"/x\",\"offset\":%s}",
		    numbers[i]);
		refused(parse_regions(text), CSN_E_FORM, "offset is a number");
	}
	refused(parse_regions("{\"id\":1,\"protection\":\"R\","
	    "\"file\":\"/x\"}"), CSN_E_FORM, "id is text");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"file\":\"x\"}"), CSN_E_FORM, "begins with a slash");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"pid\":0,\"address\":1,\"size\":1}"), CSN_E_FORM,
	    "no process of the number 0");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"RWX\","
	    "\"file\":\"/x\"}"), CSN_E_REGION, "protection");
	refused(parse_regions("{\"id\":\"\",\"protection\":\"R\","
	    "\"file\":\"/x\"}"), CSN_E_REGION, "id");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"file\":\"/x\",\"size\":0}"), CSN_E_REGION, "size of zero");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"pid\":1,\"address\":\"0xffffffffffffffff\",\"size\":2}"),
	    CSN_E_REGION, "ends past");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"pid\":1,\"address\":\"0xffffffffffffff\",\"size\":2}"),
	    CSN_E_REGION, "ends past 0x100000000000000");
	refused(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"file\":\"/x\",\"offset\":\"0x1000000000000\"}"),
	    CSN_E_REGION, "ends past 0x1000000000000");
	assert_int_equal(parse_regions("{\"id\":\"a\",\"protection\":\"R\","
	    "\"file\":\"/x\",\"offset\":\"0xffffffffffff\",\"size\":1}"), 0);
	csn_manifest_free(&m);
}

/* n regions, each of another process. */
static int
parse_many(size_t n, int processes)
{
	char *text, *at;
	size_t i;
	int rc;

	assert_non_null(text = malloc(n * 96 + 1));
	at = text;
	for (i = 0; i < n; i++)
		at += snprintf(at, 96, processes ? "%s{\"id\":\"%zu\","
		    "\"protection\":\"R\",\"address\":1,\"size\":1,"
		    "\"pid\":%zu}" : "%s{\"id\":\"%zu\",\"protection\":\"R\","
		    "\"file\":\"/%zu\"}", i > 0 ? "," : "", i, i + 1);
	rc = parse_regions(text);
	free(text);
	return rc;
}

TEST(limits)
{
	char *text;

	assert_int_equal(parse_many(128, 1), 0);
	assert_int_equal(m.nsources, 128);
	assert_true(m.sources[127].base == (uint64_t)127 << 56);
	csn_manifest_free(&m);
	refused(parse_many(129, 1), CSN_E_LIMIT, "128 processes");
	assert_int_equal(parse_many(CSN_REGIONS_MAX, 0), 0);
	csn_manifest_free(&m);
	refused(parse_many(CSN_REGIONS_MAX + 1, 0), CSN_E_LIMIT,
	    "more than 4096");
	assert_non_null(text = calloc(1, CSN_MANIFEST_BYTES + 2));
	memset(text, ' ', CSN_MANIFEST_BYTES + 1);
	refused(parse(text), CSN_E_LIMIT, "more than");
	free(text);
	refused(csn_manifest_load(ctx, "/nowhere/manifest.json", &m),
	    CSN_E_NOT_FOUND, "/nowhere/manifest.json");
}
