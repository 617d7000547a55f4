/* SPDX-License-Identifier: Apache-2.0 */
/* identity/words.h - words with separators between: scopes, capabilities. */
#ifndef CSN_IDENTITY_WORDS_H
#define CSN_IDENTITY_WORDS_H

#include <caisson/context.h>

#define CSN_WORDS_MAX 64	/* words of a list, and bytes of a word */

struct csn_words {
	struct {
		const char *p;
		size_t len;
	} word[CSN_WORDS_MAX];
	size_t n;
};

/* 1 where both are the same bytes. For what is public: it stops early. */
int csn_same(const void *a, size_t a_len, const void *b, size_t b_len);

/*
 * 1 for a word: 1 to 64 letters, digits and "._:/-"; where wild is set also
 * "*" and a word that ends in ":*".
 */
int csn_word_ok(const char *s, size_t len, int wild);

/* 1 where the word (or wildcard) wide covers the word (or wildcard) s. */
int csn_word_covers(const char *wide, size_t wide_len, const char *s,
    size_t len);

/*
 * Take text apart at each separator, into views. A word twice, an empty
 * word and a 65th are refused with code; what names the list in the sentence.
 */
CSN_MUST_CHECK int csn_words_split(struct csn_ctx *ctx, const char *text,
    size_t len, char separator, int wild, int code, const char *what,
    struct csn_words *out);

/* 1 where some word of wide covers s. */
int csn_words_cover(const struct csn_words *wide, const char *s, size_t len);

/* The words with separator between, malloc'ed, or NULL. */
char *csn_words_join(const struct csn_words *words, char separator);

#endif
