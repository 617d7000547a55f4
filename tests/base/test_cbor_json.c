/* SPDX-License-Identifier: Apache-2.0 */
/* test_cbor_json.c - CBOR as people see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cbor.h"
#include "base/text.h"

/* That the CBOR in hex looks like the JSON text. */
static void
looks_like(const char *hex, const char *text)
{
	uint8_t bytes[256];
	size_t len = strlen(hex) / 2;
	json_t *json;
	char *got;

	assert_int_equal(csn_hex_decode(hex, 2 * len, bytes, len), 0);
	assert_non_null(json = csn_cbor_to_json(bytes, len));
	assert_non_null(got = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY));
	assert_string_equal(got, text);
	free(got);
	json_decref(json);
}

static void
items_as_json(void **state)
{
	(void)state;
	looks_like("00", "0");
	looks_like("1903e8", "1000");
	looks_like("20", "-1");
	looks_like("1b7fffffffffffffff", "9223372036854775807");
	looks_like("3b7fffffffffffffff", "-9223372036854775808");
	/* Past what JSON's readers hold. */
	looks_like("1b8000000000000000", "\"9223372036854775808\"");
	looks_like("1bffffffffffffffff", "\"18446744073709551615\"");
	looks_like("3b8000000000000000", "\"-9223372036854775809\"");
	looks_like("3bffffffffffffffff", "\"-18446744073709551616\"");
	looks_like("f4", "false");
	looks_like("f5", "true");
	looks_like("f6", "null");
	looks_like("40", "\"\"");
	looks_like("4301ab0f", "\"01ab0f\"");
	looks_like("62225c", "\"\\\"\\\\\"");
	looks_like("63e6b0b4", "\"\xe6\xb0\xb4\"");
	looks_like("8301820203820405", "[1,[2,3],[4,5]]");
	looks_like("d28100", "{\"tag\":18,\"value\":[0]}");
	looks_like("dbffffffffffffffff00",
	    "{\"tag\":\"18446744073709551615\",\"value\":0}");
}

static void
maps_as_json(void **state)
{
	(void)state;
	looks_like("a0", "{}");
	looks_like("a301012041ff61616162",
	    "{\"1\":1,\"-1\":\"ff\",\"a\":\"b\"}");
	looks_like("a141ab01", "{\"ab\":1}");
}

static void
keys_that_look_alike_all_stay(void **state)
{
	(void)state;
	/* 10, h'10', "10" and "\"10\"" */
	looks_like("a40a0041100162313002642231302203",
	    "{\"10\":0,\"\\\"10\\\"\":1,\"\\\"\\\"10\\\"\\\"\":2,"
	    "\"\\\"\\\"\\\"10\\\"\\\"\\\"\":3}");
}

static void
what_is_refused_has_no_view(void **state)
{
	(void)state;
	assert_null(csn_cbor_to_json((const uint8_t *)"\x18\x01", 2));
	assert_null(csn_cbor_to_json((const uint8_t *)"", 0));
	assert_null(csn_cbor_to_json(NULL, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_as_json),
		cmocka_unit_test(maps_as_json),
		cmocka_unit_test(keys_that_look_alike_all_stay),
		cmocka_unit_test(what_is_refused_has_no_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
