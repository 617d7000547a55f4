/* SPDX-License-Identifier: Apache-2.0 */
/* replay/window.h - the sliding window against replay (RFC 6479 style). */
#ifndef CSN_REPLAY_WINDOW_H
#define CSN_REPLAY_WINDOW_H

#include <stdint.h>

/*
 * Sequences up to CSN_WINDOW_SIZE behind the highest seen are remembered one
 * by one; anything older is refused. Constant memory, constant time.
 */
#define CSN_WINDOW_WORDS 17	/* one word is being cleared */
#define CSN_WINDOW_SIZE ((CSN_WINDOW_WORDS - 1) * 64)

struct csn_window {
	uint64_t next;		/* one past the highest seen */
	uint64_t bits[CSN_WINDOW_WORDS];
};

/* 1 where sequence was not seen yet, which marks it; 0 where it was. */
int csn_window_take(struct csn_window *w, uint64_t sequence);

#endif
