/* SPDX-License-Identifier: Apache-2.0 */
/* tests/vectors/test_report.c - reports made once verify for ever. */
#include <jansson.h>

#include <caisson/attest.h>

#include "base/text.h"
#include "lib/test.h"

static struct csn_ctx *ctx;
static json_t *vectors;

BEFORE_ALL
{
	char *path = test_source_path("tests/vectors/report.json");
	json_error_t err;

	assert_non_null(path);
	if ((vectors = json_load_file(path, 0, &err)) == NULL)
		fail_msg("report.json: %s", err.text);
	free(path);
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
}

AFTER_ALL
{
	json_decref(vectors);
	csn_ctx_free(ctx);
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	assert_non_null(s);
	return s;
}

static uint8_t *
unhex(const char *hex, size_t *len)
{
	uint8_t *p;

	*len = strlen(hex) / 2;
	assert_non_null(p = malloc(*len + 1));
	assert_int_equal(csn_hex_decode(hex, *len * 2, p, *len), 0);
	return p;
}

TEST(trees_have_the_roots_that_they_had)
{
	uint8_t root[CSN_HASH_SIZE], *data, *want;
	struct csn_tree *tree;
	size_t i, k, len, n;
	json_t *o;

	json_array_foreach(json_object_get(vectors, "trees"), i, o) {
		len = (size_t)json_integer_value(json_object_get(o,
		    "length"));
		assert_non_null(data = malloc(len));
		for (k = 0; k < len; k++)
			data[k] = (uint8_t)(k * 7 % 251);
		assert_int_equal(csn_tree_new(ctx, len,
		    (uint32_t)json_integer_value(json_object_get(o, "leaf")),
		    &tree), 0);
		assert_int_equal(csn_tree_set(tree, NULL, 0, data, len), 0);
		assert_int_equal(csn_tree_root(tree, root), 0);
		want = unhex(text(o, "tree"), &n);
		assert_int_equal(n, sizeof(root));
		assert_memory_equal(root, want, sizeof(root));
		free(want);
		assert_int_equal(csn_sha3_256(ctx, data, len, root), 0);
		want = unhex(text(o, "flat"), &n);
		assert_memory_equal(root, want, sizeof(root));
		free(want);
		csn_tree_free(tree);
		free(data);
	}
	assert_true(i >= 9);
}

/* When it was issued, as the report's own view says it. */
static uint64_t
issued(const uint8_t *report, size_t len)
{
	const char *when;
	uint64_t ms;
	char *json;
	json_t *o;

	assert_int_equal(csn_report_json(ctx, report, len, &json), 0);
	assert_non_null(o = json_loads(json, 0, NULL));
	csn_free(json);
	when = text(o, "issued");
	assert_int_equal(csn_time_parse(when, strlen(when), &ms), 0);
	json_decref(o);
	return ms;
}

TEST(reports_verify_as_of_their_time)
{
	struct csn_trust_entry e = { .size = sizeof(e),
	    .purposes = CSN_PURPOSE_REPORT, .label = "" };
	struct csn_verifier_options vo = { .size = sizeof(vo) };
	struct csn_verifier *v;
	uint8_t *report;
	uint64_t at;
	size_t i, len;
	json_t *o;

	json_array_foreach(json_object_get(vectors, "reports"), i, o) {
		report = unhex(text(o, "report"), &len);
		at = issued(report, len);
		assert_int_equal(csn_trust_new(ctx, &vo.trust), 0);
		assert_int_equal(csn_verifier_new(ctx, &vo, &v), 0);
		assert_int_equal(csn_verifier_check(v, "vectors", report, len,
		    at, CSN_VERIFY_ARCHIVED, NULL), CSN_E_SIGNER);
		e.did = text(o, "did");
		assert_int_equal(csn_trust_add(ctx, vo.trust, &e), 0);
		assert_int_equal(csn_verifier_check(v, "vectors", report, len,
		    at, CSN_VERIFY_ARCHIVED, NULL), 0);
		report[len - 1] ^= 1;
		assert_int_equal(csn_verifier_check(v, "vectors", report, len,
		    at, CSN_VERIFY_ARCHIVED, NULL), CSN_E_SIGNATURE);
		csn_verifier_free(v);
		csn_trust_free(vo.trust);
		free(report);
	}
	assert_int_equal(i, 4);
}
