/* SPDX-License-Identifier: Apache-2.0 */
/* serve/rate.c - how often, and what may be shown of who asks. */
#include <time.h>

#include "serve.h"

uint64_t
serve_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int
serve_rate_take(struct serve_rate *r, uint64_t now_ns)
{
	uint64_t full = r->rate * 1000, ms, more;

	if (r->at_ns == 0) {
		r->at_ns = now_ns;
		r->level_ms = full;
	}
	/* Of two threads, who looked at the clock first may come second. */
	ms = now_ns > r->at_ns ? (now_ns - r->at_ns) / 1000000 : 0;
	r->at_ns += ms * 1000000;
	more = ms > 1000 ? full : ms * r->rate;
	r->level_ms = r->level_ms + more > full ? full : r->level_ms + more;
	if (r->level_ms < 1000)
		return 0;
	r->level_ms -= 1000;
	return 1;
}

void
serve_clean(const char *text, char *out, size_t size)
{
	size_t i;

	for (i = 0; text[i] != '\0' && i < size - 1; i++)
		out[i] = text[i] > ' ' && text[i] <= '~' ? text[i] : '?';
	out[i] = '\0';
}
