/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look/still.c - a process that was stopped: did it stay so?
 *
 * SIGCONT starts it again, and anybody of its own user may send that: a
 * workload's accomplice could have bytes moved out of the way of the reader.
 * A thread that ran has been switched away from since, so the kernel's counts
 * of switches tell; one that still runs is not stopped.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "providers/region/look/look.h"

#define ROOM "region"
#define LOOKS 50		/* for the counts to rest after a stop */

/* The number behind "\nNAME:\t" of a status file (proc_pid_status(5)). */
static uint64_t
number_of(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return p == NULL ? 0 : strtoull(p + strlen(name), NULL, 10);
}

/*
 * A part of a sum that nobody can steer who does not know the key: threads
 * that end must not make up for others that ran.
 */
static uint64_t
mix(const struct csn_look *l, uint64_t tid, uint64_t switches)
{
	uint64_t w = ((tid << 40) ^ switches ^ l->key[0]) * (l->key[1] | 1);

	w = (w ^ w >> 29) * (l->key[0] | 1);
	return w ^ w >> 32;
}

/*
 * Add one thread, by its number and its switches. 0 where it is not stopped;
 * one that is gone or dead runs no more.
 */
static int
add_thread(const struct csn_look *l, int tasks, const char *tid,
    uint64_t *sum)
{
	char name[64], text[7936];
	const char *state;
	uint64_t switches;
	ssize_t n;
	int fd;

	(void)snprintf(name, sizeof(name), "%.20s/status", tid);
	if ((fd = openat(tasks, name, O_RDONLY | O_CLOEXEC)) < 0)
		return 1;
	do
		n = read(fd, text, sizeof(text) - 1);
	while (n < 0 && errno == EINTR);
	(void)close(fd);
	if (n <= 0)
		return 1;
	text[n] = '\0';
	if ((state = strstr(text, "\nState:\t")) == NULL)
		return 0;
	state += sizeof("\nState:\t") - 1;
	if (strchr("ZX", *state) != NULL)
		return 1;
	if (strchr("Tt", *state) == NULL)
		return 0;
	switches = number_of(text, "\nvoluntary_ctxt_switches:\t") +
	    number_of(text, "\nnonvoluntary_ctxt_switches:\t");
	*sum += mix(l, strtoull(tid, NULL, 10), switches);
	return 1;
}

/* *sum changes where a thread ran. 1 where all stand still, 0 or -1. */
static int
look(const struct csn_look *l, uint64_t *sum)
{
	struct dirent *e;
	int fd, still = 1;
	DIR *dir;

	*sum = 0;
	fd = openat(l->target.dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (dir = fdopendir(fd)) == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	while (still && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] != '.')
			still = add_thread(l, fd, e->d_name, sum);
	}
	(void)closedir(dir);
	return still;
}

int
csn_still_begin(struct csn_look *l)
{
	uint64_t before = 0;
	int i, now, was = 0;

	if (getrandom(l->key, sizeof(l->key), 0) != (ssize_t)sizeof(l->key))
		return csn_fail(l->ctx, CSN_E_RANDOM, ROOM,
		    "the system gave no randomness");
	/* A thread is called stopped just before it is switched away from. */
	for (i = 0; i < LOOKS; i++) {
		if ((now = look(l, &l->switches)) < 0)
			return csn_target_fail(&l->target, errno,
			    "looking at its threads");
		if (now == 1 && was == 1 && l->switches == before)
			return 0;
		was = now;
		before = l->switches;
		csn_sleep_us(200);
	}
	return csn_fail(l->ctx, CSN_E_BUSY, ROOM, "process %ld does not stay "
	    "stopped: somebody sends it SIGCONT, which freeze=ptrace and "
	    "cgroup do not heed", (long)l->target.pid);
}

int
csn_still_end(struct csn_look *l)
{
	uint64_t now;

	if (look(l, &now) == 1 && now == l->switches)
		return 0;
	return csn_fail(l->ctx, CSN_E_BUSY, ROOM, "process %ld ran on while "
	    "it was to be stopped, by somebody's SIGCONT: what was read is "
	    "no one moment; freeze=ptrace and cgroup do not heed that signal",
	    (long)l->target.pid);
}
