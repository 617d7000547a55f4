/* SPDX-License-Identifier: Apache-2.0 */
/* replay/window.c - the sliding window against replay (RFC 6479 style). */
#include <string.h>

#include "replay/window.h"

int
csn_window_take(struct csn_window *w, uint64_t sequence)
{
	uint64_t word = sequence / 64, bit = (uint64_t)1 << (sequence % 64);
	uint64_t top, steps;

	if (sequence == UINT64_MAX)
		return 0;	/* no writer gets there */
	if (sequence >= w->next) {
		/* Clear the words between the highest seen and this one. */
		top = w->next == 0 ? 0 : (w->next - 1) / 64;
		steps = word - top;
		if (steps >= CSN_WINDOW_WORDS)
			memset(w->bits, 0, sizeof(w->bits));
		else
			for (; steps > 0; steps--)
				w->bits[(top + steps) % CSN_WINDOW_WORDS] = 0;
		w->next = sequence + 1;
	} else if (w->next - 1 - sequence >= CSN_WINDOW_SIZE)
		return 0;
	if ((w->bits[word % CSN_WINDOW_WORDS] & bit) != 0)
		return 0;
	w->bits[word % CSN_WINDOW_WORDS] |= bit;
	return 1;
}
