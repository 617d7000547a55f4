/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/progress.c - one line on a terminal while bytes go by. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define SHOW_EVERY_NS 100000000u	/* ten times a second */
#define SHOW_AFTER_NS 300000000u	/* nothing for what is quick */

uint64_t
cli_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void
cli_progress_start(struct cli *cli, struct cli_progress *p, const char *what,
    uint64_t total)
{
	memset(p, 0, sizeof(*p));
	p->what = what;
	p->total = total;
	p->on = !cli->quiet && isatty(STDERR_FILENO);
	p->start_ns = cli_now_ns();
	p->shown_ns = p->start_ns + SHOW_AFTER_NS - SHOW_EVERY_NS;
}

void
cli_progress_add(struct cli_progress *p, uint64_t bytes)
{
	char done[CLI_TEXT], rate[CLI_TEXT];
	uint64_t now;

	p->done += bytes;
	if (!p->on)
		return;
	now = cli_now_ns();
	if (now < p->shown_ns + SHOW_EVERY_NS)
		return;
	p->shown_ns = now;
	cli_bytes_text((double)p->done, done);
	cli_bytes_text((double)p->done * 1e9 / (double)(now - p->start_ns),
	    rate);
	if (p->total > 0)
		fprintf(stderr, "\r\033[K%s %s, %u %%, %s/s", p->what, done,
		    (unsigned)((double)p->done * 100 / (double)p->total),
		    rate);
	else
		fprintf(stderr, "\r\033[K%s %s, %s/s", p->what, done, rate);
}

void
cli_progress_end(struct cli_progress *p)
{
	if (p->on && p->shown_ns > p->start_ns + SHOW_AFTER_NS)
		fputs("\r\033[K", stderr);
	p->on = 0;
}
