/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "vectors.h"

#include <caisson/crypto.h>

#include "base/text.h"

#define MAX_HELD 64

struct csn_ctx *test_ctx;

static uint8_t *held[MAX_HELD];
static size_t nheld;

void
test_ctx_start(void)
{
	assert_int_equal(csn_ctx_new(NULL, &test_ctx), 0);
}

void
test_ctx_end(void)
{
	csn_ctx_free(test_ctx);
	test_ctx = NULL;
}

json_t *
vectors_load(char *path)
{
	json_error_t error;
	json_t *root;

	assert_non_null(path);
	root = json_load_file(path, 0, &error);
	if (root == NULL)
		fail_msg("%s: %s", path, error.text);
	free(path);
	return root;
}

struct bytes
vectors_hex(const json_t *object, const char *field)
{
	struct bytes b = { NULL, 0 };
	const char *hex = json_string_value(json_object_get(object, field));
	size_t len = hex != NULL ? strlen(hex) : 0;

	assert_true(nheld < MAX_HELD);
	b.len = len / 2;
	b.p = malloc(b.len + 1);
	assert_non_null(b.p);
	held[nheld++] = b.p;
	if (len != 0)
		assert_int_equal(csn_hex_decode(hex, len, b.p, b.len), 0);
	return b;
}

const char *
vectors_text(const json_t *object, const char *field)
{
	const char *s = json_string_value(json_object_get(object, field));

	assert_non_null(s);
	return s;
}

size_t
vectors_number(const json_t *object, const char *field)
{
	const json_t *n = json_object_get(object, field);

	assert_true(json_is_integer(n));
	return (size_t)json_integer_value(n);
}

void
vectors_release(void)
{
	while (nheld > 0)
		free(held[--nheld]);
}

void
vectors_check_sha3(const json_t *object, const char *field, const void *p,
    size_t len)
{
	struct bytes want = vectors_hex(object, field);
	uint8_t got[CSN_HASH_SIZE];

	assert_int_equal(want.len, sizeof(got));
	assert_int_equal(csn_sha3_256(test_ctx, p, len, got), 0);
	assert_memory_equal(got, want.p, sizeof(got));
}
