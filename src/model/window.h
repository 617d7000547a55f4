/* SPDX-License-Identifier: Apache-2.0 */
/* model/window.h - a header read front to back through a small buffer. */
#ifndef CSN_MODEL_WINDOW_H
#define CSN_MODEL_WINDOW_H

#include "model/model.h"

#define CSN_WINDOW 65536u

/* Every call returns 0, or the first error for ever. */
struct csn_window {
	struct csn_model *m;
	const struct csn_part *part;
	uint64_t at;		/* of the next byte, in the file */
	uint64_t end;		/* nothing is read behind it */
	uint64_t base;		/* of buf */
	size_t have;
	int rc;
	uint8_t *buf;		/* CSN_WINDOW bytes */
};

int csn_window_init(struct csn_window *w, struct csn_model *m,
    const struct csn_part *part, uint64_t at, uint64_t end);
void csn_window_free(struct csn_window *w);
static inline uint64_t
csn_window_left(const struct csn_window *w)
{
	return w->end - w->at;
}
/* CSN_E_FORM where fewer are left; what says within what they end. */
int csn_window_bytes(struct csn_window *w, void *p, size_t len,
    const char *what);
int csn_window_skip(struct csn_window *w, uint64_t len, const char *what);
/* The next byte, which stays; -1 at the end or after an error. */
int csn_window_peek(struct csn_window *w);
/* The same, and go on. */
int csn_window_next(struct csn_window *w);
/* Go on over len bytes that have to be UTF-8. */
int csn_window_utf8(struct csn_window *w, uint64_t len, const char *what);
/* Say what is wrong at byte at of the file. */
int csn_window_bad(struct csn_window *w, int code, uint64_t at,
    const char *fmt, ...) CSN_PRINTF(4, 5);

/* A UTF-8 decoder's state: 0 between characters. */
struct csn_utf8 {
	uint8_t more;		/* bytes that are still to come */
	uint8_t low, high;	/* what the next may be */
};
/* 0, or -1 where byte may not stand here. */
int csn_utf8_byte(struct csn_utf8 *u, uint8_t byte);

#endif
