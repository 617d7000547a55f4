/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/signal.c - signals that ask the program to clean up and end. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* Lock-free, so a handler may set it (C11, 7.14.1.1); threads read it. */
static atomic_int caught;

/* While something is held (cli_hold_signals()): when the first one came. */
static atomic_int held;
static _Atomic int64_t first_s;

static void on_signal(int number);

#define STUCK_S 2	/* after which another signal ends what is held */

/*
 * A signal may come between a look at caught and a call that waits: so that
 * no such call waits on, another one follows each second.
 */
static atomic_int nudging;

static void
nudge(void)
{
	struct sigaction act;

	memset(&act, 0, sizeof(act));
	act.sa_handler = on_signal;
	(void)sigaction(SIGALRM, &act, NULL);
	nudging = 1;
	(void)alarm(1);
}

static void
on_signal(int number)
{
	static const char words[] = "caisson: ended by a second signal; what "
	    "was held may stay so (kill -CONT, cont)\n";
	struct sigaction act;
	struct timespec now;
	int before = errno;

	if (number == SIGALRM && nudging) {
		nudge();
		errno = before;
		return;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (held && caught && now.tv_sec - first_s >= STUCK_S) {
		if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
			errno = before;
		memset(&act, 0, sizeof(act));
		act.sa_handler = SIG_DFL;
		(void)sigaction(number, &act, NULL);
		(void)raise(number);
	}
	if (!caught)
		first_s = now.tv_sec;
	caught = number;
	if (!held)
		nudge();
	errno = before;
}

int
cli_interrupted(void)
{
	return caught != 0;
}

/* As a shell counts what a signal ended. */
int
cli_final_code(int code)
{
	return caught != 0 && code != CLI_OK ? 128 + caught : code;
}

/*
 * The first signal asks the command to clean up and return (no SA_RESTART: a
 * read that waits comes back); the second ends it the hard way.
 */
static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM };

static void
catch_signals(int flags)
{
	struct sigaction act, old;
	size_t i;

	memset(&act, 0, sizeof(act));
	sigemptyset(&act.sa_mask);
	act.sa_handler = on_signal;
	act.sa_flags = flags;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		/* What the parent ignores (nohup) stays ignored. */
		if (sigaction(numbers[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &act, NULL);
}

static void *
hear(void *arg)
{
	sigset_t set;

	/* No signal is lost on this one, whatever the others wait for. */
	(void)sigemptyset(&set);
	(void)pthread_sigmask(SIG_SETMASK, &set, NULL);
	for (;;)
		(void)pause();
	return arg;
}

/*
 * The first thread may be in the kernel, deaf to what is not SIGKILL: so the
 * signals are another one's meanwhile. It stays, for a program that has ended
 * needs nobody to end it.
 */
void
cli_hold_signals(int hold)
{
	static int hears;
	pthread_t thread;
	sigset_t set;
	size_t i;

	held = hold;
	catch_signals(hold ? 0 : (int)SA_RESETHAND);
	(void)sigemptyset(&set);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)sigaddset(&set, numbers[i]);
	if (hold && !hears && pthread_create(&thread, NULL, hear, NULL) == 0) {
		(void)pthread_detach(thread);
		hears = 1;
	}
	if (hears)
		(void)pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set,
		    NULL);
}

void
cli_watch_signals(void)
{
	struct sigaction act;

	memset(&act, 0, sizeof(act));
	sigemptyset(&act.sa_mask);
	catch_signals((int)SA_RESETHAND);
	/* A reader that went away is an error of write(), with a sentence. */
	act.sa_handler = SIG_IGN;
	act.sa_flags = 0;
	sigaction(SIGPIPE, &act, NULL);
}
