/* SPDX-License-Identifier: Apache-2.0 */
/* tests/evidence/test_result.c - verification results. */
#include <jansson.h>

#include "evidence/result.h"
#include "lib/test.h"

TEST(lists_each_check_in_order)
{
	const char *name, *detail;
	struct csn_result *r;
	int status;

	assert_int_equal(csn_result_new(NULL, &r), 0);
	assert_int_equal(csn_result_count(r), 0);
	assert_int_equal(csn_result_add(r, "form", CSN_CHECK_PASSED, 0,
	    NULL), 0);
	assert_int_equal(csn_result_add(r, "nonce", CSN_CHECK_SKIPPED, 0,
	    "none was given"), 0);
	assert_int_equal(csn_result_code(r), 0);
	assert_int_equal(csn_result_note(r, CSN_E_EXPIRED, "long ago",
	    "link %d time", 2), 0);
	assert_int_equal(csn_result_add(r, "signer", CSN_CHECK_FAILED,
	    CSN_E_SIGNER, NULL), 0);
	assert_int_equal(csn_result_count(r), 4);
	/* The first failure is the one that counts. */
	assert_int_equal(csn_result_code(r), CSN_E_EXPIRED);
	assert_int_equal(csn_result_get(r, 2, &name, &status, &detail), 0);
	assert_string_equal(name, "link 2 time");
	assert_int_equal(status, CSN_CHECK_FAILED);
	assert_string_equal(detail, "long ago");
	assert_int_equal(csn_result_get(r, 3, &name, NULL, &detail), 0);
	assert_string_equal(name, "signer");
	assert_null(detail);
	assert_int_equal(csn_result_get(r, 4, &name, NULL, NULL),
	    CSN_E_NOT_FOUND);
	csn_result_free(r);
	csn_result_free(NULL);
}

TEST(takes_no_failure_without_a_code)
{
	struct csn_result *r;

	assert_int_equal(csn_result_new(NULL, &r), 0);
	assert_int_equal(csn_result_add(r, "x", CSN_CHECK_FAILED, 0, NULL),
	    CSN_E_ARG);
	assert_int_equal(csn_result_add(r, "x", CSN_CHECK_PASSED,
	    CSN_E_TAG, NULL), CSN_E_ARG);
	assert_int_equal(csn_result_add(r, "x", 3, 0, NULL), CSN_E_ARG);
	assert_int_equal(csn_result_add(r, "x", CSN_CHECK_FAILED, 1, NULL),
	    CSN_E_ARG);
	assert_int_equal(csn_result_add(r, "", CSN_CHECK_PASSED, 0, NULL),
	    CSN_E_ARG);
	assert_int_equal(csn_result_add(r, NULL, CSN_CHECK_PASSED, 0, NULL),
	    CSN_E_ARG);
	assert_int_equal(csn_result_count(r), 0);
	csn_result_free(r);
}

TEST(grows_past_its_first_size)
{
	struct csn_result *r;
	const char *name;
	int i;

	assert_int_equal(csn_result_new(NULL, &r), 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(csn_result_note(r, 0, NULL, "check %d", i),
		    0);
	assert_int_equal(csn_result_get(r, 99, &name, NULL, NULL), 0);
	assert_string_equal(name, "check 99");
	csn_result_free(r);
}

TEST(says_so_as_json)
{
	struct csn_result *r;
	json_t *root, *check;
	char *json;

	assert_int_equal(csn_result_new(NULL, &r), 0);
	/* Nothing checked is nothing valid. */
	assert_int_equal(csn_result_json(NULL, r, &json), 0);
	assert_string_equal(json, "{\"valid\":false,\"checks\":[],"
	    "\"not_checked\":[]}");
	csn_free(json);
	assert_int_equal(csn_result_add(r, "form", CSN_CHECK_PASSED, 0,
	    NULL), 0);
	assert_int_equal(csn_result_json(NULL, r, &json), 0);
	assert_string_equal(json, "{\"valid\":true,\"checks\":["
	    "{\"name\":\"form\",\"status\":\"passed\"}],"
	    "\"not_checked\":[]}");
	csn_free(json);
	assert_int_equal(csn_result_add(r, "nonce", CSN_CHECK_SKIPPED, 0,
	    NULL), 0);
	assert_int_equal(csn_result_add(r, "policy", CSN_CHECK_SKIPPED, 0,
	    "no policy"), 0);
	assert_int_equal(csn_result_json(NULL, r, &json), 0);
	assert_non_null(strstr(json, "\"valid\":true"));
	/* Who wants one thing of a check asks for that alone. */
	assert_int_equal(csn_result_get(r, 1, NULL, NULL, NULL), 0);
	assert_int_equal(csn_result_get(r, 3, NULL, NULL, NULL),
	    CSN_E_NOT_FOUND);
	assert_non_null(strstr(json,
	    ",\"not_checked\":[\"nonce\",\"policy\"]}"));
	csn_free(json);
	assert_int_equal(csn_result_add(r, "signer", CSN_CHECK_FAILED,
	    CSN_E_SIGNER, "\"quoted\""), 0);
	assert_int_equal(csn_result_json(NULL, r, &json), 0);
	assert_non_null(root = json_loads(json, 0, NULL));
	assert_true(json_is_false(json_object_get(root, "valid")));
	check = json_array_get(json_object_get(root, "checks"), 3);
	assert_string_equal(json_string_value(json_object_get(check,
	    "code")), "CSN_E_SIGNER");
	assert_string_equal(json_string_value(json_object_get(check,
	    "detail")), "\"quoted\"");
	json_decref(root);
	csn_free(json);
	csn_result_free(r);
}
