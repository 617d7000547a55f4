/* SPDX-License-Identifier: Apache-2.0 */
/* identity/words.c - lists of words, and which word covers which. */
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "identity/words.h"

#define ROOM "identity"

int
csn_same(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return a_len == b_len && /* public */ memcmp(a, b, a_len) == 0;
}

static int
letter_ok(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || (c != '\0' && strchr("._:/-", c) != NULL);
}

int
csn_word_ok(const char *s, size_t len, int wild)
{
	size_t i;

	if (len == 0 || len > CSN_WORDS_MAX)
		return 0;
	if (wild && s[len - 1] == '*') {
		if (len == 1)
			return 1;
		if (len == 2 || s[len - 2] != ':')
			return 0;
		len--;
	}
	for (i = 0; i < len; i++) {
		if (!letter_ok(s[i]))
			return 0;
	}
	return 1;
}

int
csn_word_covers(const char *wide, size_t wide_len, const char *s, size_t len)
{
	if (wide_len == 1 && wide[0] == '*')
		return 1;
	if (wide_len > 2 && wide[wide_len - 1] == '*')
		/* "kv:*" needs something behind the colon. */
		return len >= wide_len &&
		    csn_same(wide, wide_len - 1, s, wide_len - 1);
	return csn_same(wide, wide_len, s, len);
}

int
csn_words_cover(const struct csn_words *wide, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < wide->n; i++) {
		if (csn_word_covers(wide->word[i].p, wide->word[i].len, s,
		    len))
			return 1;
	}
	return 0;
}

static int
already(const struct csn_words *words, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < words->n; i++) {
		if (csn_same(words->word[i].p, words->word[i].len, s, len))
			return 1;
	}
	return 0;
}

int
csn_words_split(struct csn_ctx *ctx, const char *text, size_t len,
    char separator, int wild, int code, const char *what,
    struct csn_words *out)
{
	const char *end;
	size_t n;

	out->n = 0;
	for (;;) {
		end = memchr(text, separator, len);
		n = end != NULL ? (size_t)(end - text) : len;
		if (!csn_word_ok(text, n, wild))
			return csn_fail(ctx, code, ROOM,
			    "Word %zu of the %s is none: a word is 1 to %d "
			    "letters, digits and \"._:/-\".", out->n + 1,
			    what, CSN_WORDS_MAX);
		if (already(out, text, n))
			return csn_fail(ctx, code, ROOM,
			    "The %s names \"%.*s\" twice.", what, (int)n,
			    text);
		if (out->n == CSN_WORDS_MAX)
			return csn_fail(ctx, code, ROOM,
			    "The %s has more than %d words.", what,
			    CSN_WORDS_MAX);
		out->word[out->n].p = text;
		out->word[out->n].len = n;
		out->n++;
		if (end == NULL)
			return 0;
		text += n + 1;
		len -= n + 1;
	}
}

char *
csn_words_join(const struct csn_words *words, char separator)
{
	size_t i, len = 1;
	char *text, *at;

	for (i = 0; i < words->n; i++)
		len += words->word[i].len + 1;
	if ((text = csn_calloc(len, 1)) == NULL)
		return NULL;
	at = text;
	for (i = 0; i < words->n; i++) {
		if (i > 0)
			*at++ = separator;
		memcpy(at, words->word[i].p, words->word[i].len);
		at += words->word[i].len;
	}
	return text;
}
