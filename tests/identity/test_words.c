/* SPDX-License-Identifier: Apache-2.0 */
/* tests/identity/test_words.c - words, what covers what, and purposes. */
#include <caisson/identity.h>

#include "identity/words.h"
#include "lib/test.h"

TEST(a_word_is_letters_digits_and_some_signs)
{
	static const char *const good[] = {
		"a", "kv:open", "A-Z_0.9/x:y", "0", ":", "kv:"
	};
	static const char *const wild[] = { "*", "kv:*", "a:b:*" };
	static const char *const bad[] = {
		"", " ", "a b", "a,b", "\xc3\xa9", "a\n", "kv*", "*kv", "**",
		":*", "kv:*:*", "kv:*x"
	};
	char longest[66];
	size_t i;

	for (i = 0; i < 6; i++)
		assert_true(csn_word_ok(good[i], strlen(good[i]), 0));
	for (i = 0; i < 3; i++) {
		assert_true(csn_word_ok(wild[i], strlen(wild[i]), 1));
		assert_false(csn_word_ok(wild[i], strlen(wild[i]), 0));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(csn_word_ok(bad[i], strlen(bad[i]), 1));
	assert_false(csn_word_ok("a\0b", 3, 0));
	memset(longest, 'a', sizeof(longest));
	assert_true(csn_word_ok(longest, 64, 0));
	assert_false(csn_word_ok(longest, 65, 0));
}

TEST(a_wildcard_covers_its_branch_and_nothing_beside_it)
{
	static const struct {
		const char *wide;
		const char *word;
		int covers;
	} cases[] = {
		{ "*", "kv:open", 1 }, { "*", "*", 1 }, { "*", "kv:*", 1 },
		{ "kv:*", "kv:open", 1 }, { "kv:*", "kv:*", 1 },
		{ "kv:*", "kv:a:b", 1 }, { "kv:*", "kv:a:*", 1 },
		{ "kv:*", "kv:", 0 }, { "kv:*", "kv", 0 },
		{ "kv:*", "kvx:open", 0 }, { "kv:*", "*", 0 },
		{ "kv:a:*", "kv:*", 0 }, { "kv:a:*", "kv:ab", 0 },
		{ "kv:open", "kv:open", 1 }, { "kv:open", "kv:opens", 0 },
		{ "kv:open", "kv:ope", 0 }, { "kv:open", "kv:*", 0 },
		{ "kv:open", "*", 0 }, { "kv:open", "KV:OPEN", 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(csn_word_covers(cases[i].wide,
		    strlen(cases[i].wide), cases[i].word,
		    strlen(cases[i].word)), cases[i].covers);
}

static int
split(const char *text, struct csn_words *words)
{
	return csn_words_split(NULL, text, strlen(text), ',', 1, CSN_E_ARG,
	    "list", words);
}

TEST(a_list_is_words_once_each)
{
	struct csn_words words;
	char big[65 * 3 + 1] = "", *text;
	size_t i;

	assert_int_equal(split("a,kv:*,c", &words), 0);
	assert_int_equal(words.n, 3);
	assert_true(csn_words_cover(&words, "kv:x", 4));
	assert_false(csn_words_cover(&words, "b", 1));
	assert_non_null(text = csn_words_join(&words, ' '));
	assert_string_equal(text, "a kv:* c");
	free(text);
	assert_int_equal(split("", &words), CSN_E_ARG);
	assert_int_equal(split(",a", &words), CSN_E_ARG);
	assert_int_equal(split("a,", &words), CSN_E_ARG);
	assert_int_equal(split("a,,b", &words), CSN_E_ARG);
	assert_int_equal(split("a, b", &words), CSN_E_ARG);
	assert_int_equal(split("a,b,a", &words), CSN_E_ARG);
	for (i = 0; i < 65; i++) {
		big[3 * i] = (char)('a' + i / 26);
		big[3 * i + 1] = (char)('a' + i % 26);
		big[3 * i + 2] = i < 64 ? ',' : '\0';
	}
	assert_int_equal(split(big, &words), CSN_E_ARG);
	big[64 * 3 - 1] = '\0';
	assert_int_equal(split(big, &words), 0);
	assert_int_equal(words.n, 64);
}

TEST(purposes_are_words_and_bits)
{
	uint32_t set = 0;
	char *text;
	int i;

	assert_int_equal(csn_purposes_parse(NULL, "tenant", &set), 0);
	assert_int_equal(set, CSN_PURPOSE_TENANT);
	assert_int_equal(csn_purposes_parse(NULL, "tenant,server,action,"
	    "audit,recipient,sealer,report,module,artifact", &set), 0);
	assert_int_equal(set, CSN_PURPOSE_ALL);
	for (i = 0; i < 9; i++) {
		assert_int_equal(csn_purposes_format(NULL, 1u << i, &text),
		    0);
		assert_int_equal(csn_purposes_parse(NULL, text, &set), 0);
		assert_int_equal(set, 1u << i);
		csn_free(text);
	}
	assert_int_equal(csn_purposes_format(NULL, CSN_PURPOSE_AUDIT |
	    CSN_PURPOSE_TENANT, &text), 0);
	assert_string_equal(text, "tenant,audit");
	csn_free(text);
	assert_int_equal(csn_purposes_format(NULL, CSN_PURPOSE_ALL, &text),
	    0);
	csn_free(text);
	assert_int_equal(csn_purposes_parse(NULL, "", &set), CSN_E_ARG);
	assert_int_equal(csn_purposes_parse(NULL, "tenant,", &set),
	    CSN_E_ARG);
	assert_int_equal(csn_purposes_parse(NULL, "Tenant", &set),
	    CSN_E_ARG);
	assert_int_equal(csn_purposes_parse(NULL, "tenant,king", &set),
	    CSN_E_ARG);
	assert_non_null(strstr(csn_message(), "\"king\""));
	assert_int_equal(csn_purposes_format(NULL, 1u << 9, &text),
	    CSN_E_ARG);
}
