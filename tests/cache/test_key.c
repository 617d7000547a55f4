/* SPDX-License-Identifier: Apache-2.0 */
/* test_key.c - the builder of cache keys: its rules and refusals. */
#include <math.h>

#include "crypto/vectors.h"
#include "key_args.h"
#include "lib/test.h"

#include "base/text.h"

static struct csn_cachekit_key *
made(int mode)
{
	struct csn_cachekit_key *key;

	assert_int_equal(csn_cachekit_key_new(test_ctx, mode, &key), 0);
	return key;
}

static void
expect(struct csn_cachekit_key *key, const char *hex)
{
	const uint8_t *p;
	char *got;
	size_t len;

	assert_int_equal(csn_cachekit_key_args(key, &p, &len), 0);
	assert_non_null(got = malloc(2 * len + 1));
	csn_hex_encode(p, len, got);
	assert_string_equal(got, hex);
	free(got);
}

TEST(test_mode_must_be_known)
{
	struct csn_cachekit_key *key;

	assert_int_equal(csn_cachekit_key_new(test_ctx, 3, &key), CSN_E_ARG);
	csn_cachekit_key_free(NULL);
}

/* The first failure stays, until reset. */
TEST(test_failure_stays)
{
	struct csn_cachekit_key *key = made(CSN_CACHEKIT_KEY_INTEROP);
	char text[CSN_CACHEKIT_KEY_SIZE];

	assert_int_equal(csn_cachekit_key_int(key, 1), 0);
	assert_int_equal(csn_cachekit_key_float(key, (double)NAN),
	    CSN_E_POLICY);
	assert_int_equal(csn_cachekit_key_int(key, 2), CSN_E_POLICY);
	assert_int_equal(csn_cachekit_key_list_begin(key), CSN_E_POLICY);
	assert_int_equal(csn_cachekit_key_interop(key, "a", "b", text),
	    CSN_E_POLICY);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_int(key, 2), 0);
	expect(key, "9102");
	csn_cachekit_key_free(key);
}

TEST(test_nesting_is_checked)
{
	struct csn_cachekit_key *key = made(CSN_CACHEKIT_KEY_INTEROP);
	const uint8_t *p;
	size_t len;

	assert_int_equal(csn_cachekit_key_list_end(key), CSN_E_ARG);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_list_begin(key), 0);
	assert_int_equal(csn_cachekit_key_map_end(key), CSN_E_ARG);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_list_begin(key), 0);
	assert_int_equal(csn_cachekit_key_args(key, &p, &len), CSN_E_ARG);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_map_key(key, "a", 1), CSN_E_ARG);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_map_begin(key), 0);
	assert_int_equal(csn_cachekit_key_int(key, 1), CSN_E_ARG);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_map_begin(key), 0);
	assert_int_equal(csn_cachekit_key_map_key(key, "a", 1), 0);
	assert_int_equal(csn_cachekit_key_map_key(key, "b", 1), CSN_E_ARG);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_map_begin(key), 0);
	assert_int_equal(csn_cachekit_key_map_key(key, "a", 1), 0);
	assert_int_equal(csn_cachekit_key_map_end(key), CSN_E_ARG);
	csn_cachekit_key_free(key);
}

TEST(test_depth_has_a_limit)
{
	struct csn_cachekit_key *key = made(CSN_CACHEKIT_KEY_INTEROP);
	int i;

	for (i = 0; i < CSN_CACHEKIT_KEY_DEPTH; i++)
		assert_int_equal(csn_cachekit_key_list_begin(key), 0);
	assert_int_equal(csn_cachekit_key_int(key, 1), 0);
	for (i = 0; i < CSN_CACHEKIT_KEY_DEPTH; i++)
		assert_int_equal(csn_cachekit_key_list_end(key), 0);
	csn_cachekit_key_reset(key);
	i = 0;
	while (csn_cachekit_key_set_begin(key) == 0)
		i++;
	assert_in_range(i, CSN_CACHEKIT_KEY_DEPTH, CSN_CACHEKIT_KEY_DEPTH + 1);
	assert_int_equal(csn_cachekit_key_null(key), CSN_E_LIMIT);
	csn_cachekit_key_free(key);
}

TEST(test_equal_keys_are_refused)
{
	struct csn_cachekit_key *key = made(CSN_CACHEKIT_KEY_AUTO);
	char text[CSN_CACHEKIT_KEY_SIZE];

	assert_int_equal(csn_cachekit_key_map_begin(key), 0);
	assert_int_equal(csn_cachekit_key_map_key(key, "k", 1), 0);
	assert_int_equal(csn_cachekit_key_int(key, 1), 0);
	assert_int_equal(csn_cachekit_key_map_key(key, "j", 1), 0);
	assert_int_equal(csn_cachekit_key_int(key, 1), 0);
	assert_int_equal(csn_cachekit_key_map_key(key, "k", 1), 0);
	assert_int_equal(csn_cachekit_key_int(key, 1), 0);
	assert_int_equal(csn_cachekit_key_map_end(key), CSN_E_POLICY);

	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_name(key, "k", 1), 0);
	assert_int_equal(csn_cachekit_key_int(key, 1), 0);
	assert_int_equal(csn_cachekit_key_name(key, "k", 1), 0);
	assert_int_equal(csn_cachekit_key_int(key, 2), 0);
	assert_int_equal(csn_cachekit_key_auto(key, NULL, "m", "f", 1, "std",
	    text), CSN_E_POLICY);
	csn_cachekit_key_free(key);
}

TEST(test_modes_refuse_what_is_not_theirs)
{
	struct csn_cachekit_key *key = made(CSN_CACHEKIT_KEY_AUTO);
	char text[CSN_CACHEKIT_KEY_SIZE];

	assert_int_equal(csn_cachekit_key_set_begin(key), CSN_E_POLICY);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_interop(key, "a", "b", text),
	    CSN_E_ARG);
	/* A name inside a container is a map's business. */
	assert_int_equal(csn_cachekit_key_list_begin(key), 0);
	assert_int_equal(csn_cachekit_key_name(key, "a", 1), CSN_E_ARG);
	csn_cachekit_key_reset(key);
	/* Behind a name, all have one. */
	assert_int_equal(csn_cachekit_key_name(key, "a", 1), 0);
	assert_int_equal(csn_cachekit_key_int(key, 1), 0);
	assert_int_equal(csn_cachekit_key_int(key, 2), CSN_E_ARG);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_auto(key, "n", "", "f", 1, "std",
	    text), CSN_E_ARG);
	assert_int_equal(csn_cachekit_key_auto(key, "n", "m", "f", 1, NULL,
	    text), CSN_E_ARG);
	assert_int_equal(csn_cachekit_key_auto(key, "\xff", "m", "f", 1, "std",
	    text), CSN_E_FORM);
	csn_cachekit_key_free(key);

	key = made(CSN_CACHEKIT_KEY_INTEROP);
	assert_int_equal(csn_cachekit_key_auto(key, "n", "m", "f", 1, "std",
	    text), CSN_E_ARG);
	assert_int_equal(csn_cachekit_key_name(key, "a", 1), CSN_E_POLICY);
	csn_cachekit_key_free(key);
}

struct call {
	const char *name_space, *module, *qualname;
	int integrity;
	const char *serializer;
};

static void
build(struct csn_cachekit_key *key, const struct call *c, int64_t arg,
    char out[CSN_CACHEKIT_KEY_SIZE])
{
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_int(key, arg), 0);
	assert_int_equal(csn_cachekit_key_auto(key, c->name_space, c->module,
	    c->qualname, c->integrity, c->serializer, out), 0);
}

/* A builder goes by the last call's names only where all are the same. */
TEST(test_one_builder_serves_many_functions)
{
	char far[240];
	const struct call calls[] = {
		{ "n", "m", "f", 1, "std" }, { "n", "m", "f", 0, "std" },
		{ "n", "m", "f", 1, "arrow" }, { "n", "m", "fg", 1, "std" },
		{ "n", "mf", "g", 1, "std" }, { NULL, "m", "f", 1, "std" },
		{ "", "m", "f", 1, "std" }, { "a b\nc", "m", "f", 1, "std" },
		{ far, "m", "f", 1, "std" }, { "nm", "f", "g", 1, "other" },
	};
	const size_t n = sizeof(calls) / sizeof(calls[0]);
	struct csn_cachekit_key *one = made(CSN_CACHEKIT_KEY_AUTO), *fresh;
	char text[CSN_CACHEKIT_KEY_SIZE], same[CSN_CACHEKIT_KEY_SIZE];
	size_t i, j;

	memset(far, 'x', sizeof(far) - 1);
	far[sizeof(far) - 1] = '\0';
	for (i = 0; i < 2 * n * n; i++) {
		/* Each behind each, the same one twice. */
		j = i % 2 == 0 ? i / 2 / n : i / 2 % n;
		build(one, &calls[j], (int64_t)i % 3, text);
		build(one, &calls[j], (int64_t)i % 3, same);
		assert_string_equal(same, text);
		fresh = made(CSN_CACHEKIT_KEY_AUTO);
		build(fresh, &calls[j], (int64_t)i % 3, same);
		assert_string_equal(same, text);
		csn_cachekit_key_free(fresh);
	}
	build(one, &calls[7], 1, text);
	assert_memory_equal(text, "ns:a_b_c:func:m.f:args:", 23);
	build(one, &calls[8], 1, text);
	assert_int_equal(strlen(text), 50 + 1 + 32);
	build(one, &calls[8], 2, same);
	assert_string_not_equal(same, text);
	csn_cachekit_key_free(one);
}

/* Up to 250 characters, of however many bytes, a key stays whole. */
TEST(test_a_key_of_250_characters_is_whole)
{
	struct csn_cachekit_key *key = made(CSN_CACHEKIT_KEY_AUTO);
	char name_space[600] = "n", text[CSN_CACHEKIT_KEY_SIZE];
	struct call c = { name_space, "m", "f", 1, "std" };
	size_t others, i, wide;
	char *end;

	build(key, &c, 1, text);
	others = strlen(text) - 1;
	for (wide = 1; wide <= 3; wide += 2) {
		end = name_space;
		for (i = 0; i < 250 - others; i++, end += wide)
			memcpy(end, wide == 1 ? "n" : "\xe2\x82\xac", wide);
		*end = '\0';
		build(key, &c, 1, text);
		assert_int_equal(strlen(text), others + wide *
		    (250 - others));
		memcpy(end, "n", 2);
		build(key, &c, 1, text);
		assert_true(strlen(text) < others + wide * (250 - others));
		assert_int_equal(text[strlen(text) - 33], ':');
	}
	csn_cachekit_key_free(key);
}

TEST(test_text_is_utf8)
{
	struct csn_cachekit_key *key = made(CSN_CACHEKIT_KEY_INTEROP);

	assert_int_equal(csn_cachekit_key_str(key, "\xed\xa0\x80", 3),
	    CSN_E_FORM);		/* a lone surrogate */
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_map_begin(key), 0);
	assert_int_equal(csn_cachekit_key_map_key(key, "\xc0\x80", 2),
	    CSN_E_FORM);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_str(key, "a\0b", 3), 0);
	expect(key, "91a3610062");
	csn_cachekit_key_free(key);
}

/* The widest headers, which no vector of the protocol spells out. */
TEST(test_widest_headers)
{
	struct csn_cachekit_key *key = made(CSN_CACHEKIT_KEY_INTEROP);
	const uint8_t *p;
	char name[8], *big;
	size_t len;
	int i;

	assert_non_null(big = malloc(65536));
	memset(big, 'x', 65536);
	assert_int_equal(csn_cachekit_key_str(key, big, 65536), 0);
	assert_int_equal(csn_cachekit_key_bytes(key, big, 65536), 0);
	assert_int_equal(csn_cachekit_key_list_begin(key), 0);
	for (i = 0; i < 65536; i++)
		assert_int_equal(csn_cachekit_key_null(key), 0);
	assert_int_equal(csn_cachekit_key_list_end(key), 0);
	assert_int_equal(csn_cachekit_key_map_begin(key), 0);
	for (i = 65535; i >= 0; i--) {
		snprintf(name, sizeof(name), "%05d", i);
		assert_int_equal(csn_cachekit_key_map_key(key, name, 5), 0);
		assert_int_equal(csn_cachekit_key_bool(key, i & 1), 0);
	}
	assert_int_equal(csn_cachekit_key_map_end(key), 0);
	assert_int_equal(csn_cachekit_key_args(key, &p, &len), 0);
	assert_int_equal(len, 1 + 5 + 65536 + 5 + 65536 + 5 + 65536 + 5 +
	    7 * 65536);
	assert_memory_equal(p, "\x94\xdb\0\1\0\0x", 7);
	assert_memory_equal(p + 6 + 65536, "\xc6\0\1\0\0x", 6);
	assert_memory_equal(p + 11 + 2 * 65536, "\xdd\0\1\0\0\xc0", 6);
	assert_memory_equal(p + 16 + 3 * 65536,
	    "\xdf\0\1\0\0\xa5" "00000\xc2\xa5" "00001\xc3", 19);
	csn_cachekit_key_free(key);
	free(big);
}

TEST(test_size_has_a_limit)
{
	struct csn_cachekit_key *key = made(CSN_CACHEKIT_KEY_INTEROP);
	uint8_t *big;

	assert_non_null(big = calloc(1, CSN_CACHEKIT_KEY_ARGS_MAX + 1));
	assert_int_equal(csn_cachekit_key_bytes(key, big,
	    CSN_CACHEKIT_KEY_ARGS_MAX + 1), CSN_E_LIMIT);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_bytes(key, big,
	    CSN_CACHEKIT_KEY_ARGS_MAX - 8), 0);
	assert_int_equal(csn_cachekit_key_bytes(key, big, 16), CSN_E_LIMIT);
	csn_cachekit_key_free(key);
	free(big);
}

TEST(test_times_have_bounds)
{
	struct csn_cachekit_key *key = made(CSN_CACHEKIT_KEY_AUTO);

	assert_int_equal(csn_cachekit_key_time(key, -1, 0), 0);
	assert_int_equal(csn_cachekit_key_time(key, 0, 1440), CSN_E_ARG);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_time(key, INT64_MAX, 0),
	    CSN_E_POLICY);
	csn_cachekit_key_reset(key);
	assert_int_equal(csn_cachekit_key_time(key, INT64_MIN, 0),
	    CSN_E_POLICY);
	csn_cachekit_key_free(key);
	key = made(CSN_CACHEKIT_KEY_INTEROP);
	assert_int_equal(csn_cachekit_key_time(key, INT64_MIN, 0), 0);
	assert_int_equal(csn_cachekit_key_time(key, INT64_MAX, 0), 0);
	csn_cachekit_key_free(key);
}

/* Python's msgpack.packb([[-nan, nan, -0.0, inf], {}]), its zero made one. */
TEST(test_auto_floats_are_those_of_the_sdk)
{
	struct csn_cachekit_key *key = made(CSN_CACHEKIT_KEY_AUTO);

	assert_int_equal(csn_cachekit_key_float(key, -(double)NAN), 0);
	assert_int_equal(csn_cachekit_key_float(key, (double)NAN), 0);
	assert_int_equal(csn_cachekit_key_float(key, -0.0), 0);
	assert_int_equal(csn_cachekit_key_float(key, HUGE_VAL), 0);
	expect(key, "9294cbfff8000000000000cb7ff8000000000000"
	    "cb0000000000000000cb7ff000000000000080");
	csn_cachekit_key_free(key);
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
