/* SPDX-License-Identifier: Apache-2.0 */
/* tests/evidence/test_armor.c - base64 and armoured text. */
#include "evidence/armor.h"
#include "lib/test.h"

/* RFC 4648, 10. */
static const struct {
	const char *plain;
	const char *text;
} known[] = {
	{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

TEST(base64_is_that_of_rfc_4648)
{
	uint8_t *p;
	size_t i, len;
	char *text;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		text = csn_base64_encode((const uint8_t *)known[i].plain,
		    strlen(known[i].plain));
		assert_string_equal(text, known[i].text);
		assert_int_equal(csn_base64_decode(text, strlen(text), &p,
		    &len), 0);
		assert_int_equal(len, strlen(known[i].plain));
		assert_memory_equal(p, known[i].plain, len);
		free(p);
		free(text);
	}
}

TEST(base64_refuses_what_is_not_canonical)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg=a", "Z===", "====", "Zm9v\n", "Zh==",
		"Zm9=", "Zm9v====", "Zg==Zm9v", "Zm-v", "Zm_v", "Zm 9v",
	};
	uint8_t *p;
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(csn_base64_decode(bad[i], strlen(bad[i]),
		    &p, &len), CSN_E_FORM);
	assert_int_equal(csn_base64_decode("Zm\0v", 4, &p, &len),
	    CSN_E_FORM);
}

TEST(armour_comes_back_whatever_its_length)
{
	uint8_t bytes[200], *p;
	size_t i, len;
	char *text;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (i = 0; i <= sizeof(bytes); i++) {
		assert_int_equal(csn_armor(NULL, CSN_LABEL_ACTION, bytes, i,
		    &text), 0);
		assert_int_equal(csn_dearmor(NULL, CSN_LABEL_ACTION, text,
		    strlen(text), &p, &len), 0);
		assert_int_equal(len, i);
		assert_memory_equal(p, bytes, i);
		csn_free(p);
		csn_free(text);
	}
}

TEST(armour_is_read_with_white_space_around_and_crlf)
{
	static const char text[] = "\r\n  -----BEGIN A B-----\r\n"
	    "Zm9v\r\nYmFy\r\n-----END A B-----\r\n\r\n";
	uint8_t *p;
	size_t len;

	assert_int_equal(csn_dearmor(NULL, "A B", text, strlen(text), &p,
	    &len), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(p, "foobar", 6);
	csn_free(p);
}

TEST(armour_refuses_everything_else)
{
	static const char *const bad[] = {
		"", "-", "-----BEGIN A-----", "-----END A-----",
		"-----BEGIN A----------END A-----",
		"-----BEGIN A-----\nZm9v-----END A-----",
		"-----BEGIN A-----Zm9v\n-----END A-----",
		"-----BEGIN B-----\nZm9v\n-----END B-----",
		"-----BEGIN A-----\nZm9v\n-----END B-----",
		"-----BEGIN A-----\nZm9\n-----END A-----",
		"x-----BEGIN A-----\nZm9v\n-----END A-----",
		"-----BEGIN A-----\nZm9v\n-----END A-----x",
		"-----BEGIN A-----\nProc-Type: 4\n\nZm9v\n-----END A-----",
		("-----BEGIN A-----\nZm9v\n-----END A-----\n"
		"-----BEGIN A-----\nZm9v\n-----END A-----"),
	};
	uint8_t *p;
	size_t i, len;
	char *text;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(csn_dearmor(NULL, "A", bad[i],
		    strlen(bad[i]), &p, &len), CSN_E_FORM);
	assert_int_equal(csn_armor(NULL, "a", (const uint8_t *)"x", 1,
	    &text), CSN_E_ARG);
	assert_int_equal(csn_armor(NULL, "", (const uint8_t *)"x", 1,
	    &text), CSN_E_ARG);
	assert_int_equal(csn_armor(NULL, "A ", (const uint8_t *)"x", 1,
	    &text), CSN_E_ARG);
}
