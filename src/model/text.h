/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model/text.h - JSON read from a window, member by member: a header of
 * 100 MB makes no tree. The window keeps the first error.
 */
#ifndef CSN_MODEL_TEXT_H
#define CSN_MODEL_TEXT_H

#include "model/window.h"

#define CSN_TEXT_DEPTH 32u	/* of values that nobody reads */

struct csn_text {
	struct csn_window w;
	char *p;		/* the last string, with a NUL behind it */
	size_t len, cap;
	uint64_t at;		/* where it stood, behind its quote */
};

void csn_text_free(struct csn_text *t);
/* The next character is c: 0, or an error that says what should stand there. */
int csn_text_expect(struct csn_text *t, int c, const char *what);
/*
 * A string of at most max bytes into p, len, with nul 0 none of them NUL;
 * CSN_E_LIMIT above.
 */
int csn_text_string(struct csn_text *t, size_t max, int nul);
/* A string that is only looked at: its decoded length in *len. */
int csn_text_string_skip(struct csn_text *t, uint64_t *len);
/* The same from behind its opening quote. */
int csn_text_string_rest(struct csn_text *t, size_t max);
/* An integer from 0 to 2^64 - 1. */
int csn_text_u64(struct csn_text *t, const char *what, uint64_t *v);
int csn_text_skip_value(struct csn_text *t);
/* The next character that is no space, which stays; -1 at the end. */
int csn_text_peek(struct csn_text *t);
/*
 * In an object whose brace was read: 1 with the next key in p and its colon
 * read, 0 behind the closing brace, or an error. *n counts the keys.
 */
int csn_text_key(struct csn_text *t, size_t max, uint64_t *n);
/* The same in an array: 1 where a value follows. */
int csn_text_item(struct csn_text *t, uint64_t *n);

#endif
