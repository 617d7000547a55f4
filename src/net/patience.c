/* SPDX-License-Identifier: Apache-2.0 */
/* net/patience.c - waiting that has an end, and can be called off. */
#include <poll.h>

#include "base/clock.h"
#include "base/context.h"
#include "net/endpoint.h"

#define ROOM "net"
#define LOOK_MS 100		/* between two looks whether to go on */

struct csn_patience
csn_patience_of(const struct csn_ctx *ctx, int stop, uint64_t ms)
{
	struct csn_patience p = { ctx, stop, ms != 0 ? csn_now_ms() + ms : 0 };

	return p;
}

uint64_t
csn_patience_left(const struct csn_patience *p)
{
	uint64_t now = csn_now_ms();

	if (p->until_ms == 0)
		return UINT64_MAX;
	return p->until_ms > now ? p->until_ms - now : 0;
}

int
csn_patience_check(const struct csn_patience *p)
{
	struct pollfd stop = { .fd = p->stop, .events = POLLIN };

	if (csn_stop_check(p->ctx, ROOM) != 0 || poll(&stop, 1, 0) > 0)
		return CSN_E_CANCELLED;
	return csn_patience_left(p) == 0 ? CSN_E_BACKEND : 0;
}

int
csn_patience_wait(const struct csn_patience *p, int fd, short events,
    uint64_t ms)
{
	struct pollfd all[2] = { { .fd = fd, .events = events },
	    { .fd = p->stop, .events = POLLIN } };
	uint64_t end = csn_now_ms() + ms, now, left;
	int rc;

	for (;;) {
		if ((rc = csn_patience_check(p)) != 0)
			return rc;
		if ((now = csn_now_ms()) >= end)
			return 0;
		left = end - now < LOOK_MS ? end - now : LOOK_MS;
		if (poll(all, 2, (int)left) > 0 && all[0].revents != 0)
			return 0;
	}
}
