/* SPDX-License-Identifier: Apache-2.0 */
/* cli/main.c - finds the noun and the verb, and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/cli.h"

const struct cli_noun *const cli_nouns[] = {
	&cli_id,
	&cli_session,
	&cli_file,
#ifdef CLI_CACHE
	&cli_cache,
#endif
	&cli_audit,
	&cli_attest,
	&cli_tour,
	&cli_bench,
	&cli_version,
	NULL
};

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

static void
watch_signals(void)
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

/*
 * The first file that is opened would become a standard descriptor that is
 * closed, and be read or written as that. What is there now can be neither.
 */
static void
hold_standard(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)open("/", O_PATH | O_DIRECTORY);
}

/*
 * What is printed waits for its reader. A descriptor that does not wait may
 * be shared with others, so it is not changed: the same pipe or terminal is
 * opened anew. A socket cannot be; what prints little gets by.
 */
static void
wait_in_prints(void)
{
	char path[32];
	int fd, flags, anew;
	struct stat st;

	for (fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		flags = fcntl(fd, F_GETFL);
		if (flags < 0 || (flags & O_NONBLOCK) == 0 ||
		    fstat(fd, &st) != 0 ||
		    (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		anew = open(path, (flags & (O_ACCMODE | O_APPEND)) |
		    O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (anew < 0)
			continue;
		if (fcntl(anew, F_SETFL, flags & ~O_NONBLOCK) == 0)
			(void)dup2(anew, fd);
		(void)close(anew);
	}
}

static int
unknown_noun(struct cli *cli, const char *word)
{
	struct cli_guess g = { .word = word };
	size_t i;

	for (i = 0; cli_nouns[i] != NULL; i++)
		cli_guess(&g, cli_nouns[i]->name);
	if (g.best != NULL)
		return cli_error(cli, CLI_USAGE, "See: caisson --help",
		    "there is no command '%s', did you mean '%s'?", word,
		    g.best);
	return cli_error(cli, CLI_USAGE, "See: caisson --help",
	    "there is no command '%s'", word);
}

static int
unknown_verb(struct cli *cli, const struct cli_noun *noun, const char *word)
{
	struct cli_guess g = { .word = word };
	const struct cli_verb *verb;
	char help[64];

	snprintf(help, sizeof(help), "See: caisson %s --help", noun->name);
	if (word == NULL)
		return cli_error(cli, CLI_USAGE, help,
		    "'caisson %s' needs a verb", noun->name);
	for (verb = noun->verbs; verb->name != NULL; verb++)
		cli_guess(&g, verb->name);
	if (g.best != NULL)
		return cli_error(cli, CLI_USAGE, help,
		    "there is no 'caisson %s %s', did you mean 'caisson %s "
		    "%s'?", noun->name, word, noun->name, g.best);
	return cli_error(cli, CLI_USAGE, help, "there is no 'caisson %s %s'",
	    noun->name, word);
}

static const struct cli_noun *
find_noun(const char *word)
{
	const struct cli_noun *noun;
	size_t i;

	for (i = 0; (noun = cli_nouns[i]) != NULL; i++)
		if (strcmp(noun->name, word) == 0 || (noun->formerly !=
		    NULL && strcmp(noun->formerly, word) == 0))
			return noun;
	return NULL;
}

static const struct cli_verb *
find_verb(const struct cli_noun *noun, const char *word)
{
	const struct cli_verb *verb;

	for (verb = noun->verbs; verb->name != NULL; verb++)
		if (strcmp(verb->name, word) == 0)
			return verb;
	return NULL;
}

static int
is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Where an error comes before --json was read; a value of that name is rare. */
static int
wants_json(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return 1;
	return 0;
}

static int
is_stopped(void *arg)
{
	(void)arg;
	return caught != 0;
}

static int
run(struct cli *cli, int argc, char **argv)
{
	const struct csn_ctx_options options = { .size = sizeof(options),
	    .stopped = is_stopped };
	int rc;

	if ((rc = cli_parse(cli, argc, argv)) != 0)
		return rc;
	cli->json_errors = cli->json;
	if (cli_opt(cli, "help") != NULL) {
		cli_help(cli, cli->noun, cli->verb);
		return CLI_OK;
	}
	if ((rc = csn_ctx_new(&options, &cli->ctx)) != 0)
		return cli_error_lib(cli, rc, NULL, "cannot start");
	rc = cli->verb->run(cli);
	csn_ctx_free(cli->ctx);
	return rc;
}

/* word is what was typed for the noun. */
static int
help(struct cli *cli, const char *word, const struct cli_noun *noun,
    const struct cli_verb *verb)
{
	if (noun != NULL && verb == NULL && strcmp(word, noun->name) != 0)
		printf("'caisson %s' is 'caisson %s' now.\n\n", word,
		    noun->name);
	cli_help(cli, noun, verb);
	return CLI_OK;
}

/* What --help, help and --version ask for in front of a noun. */
static int
in_front(struct cli *cli, int argc, char **argv)
{
	const struct cli_noun *noun = NULL;
	const struct cli_verb *verb = NULL;

	if (argc > 2 && strcmp(argv[2], "--json") == 0)
		return cli_json(cli, cli_table());
	if (argc > 2 && (noun = find_noun(argv[2])) == NULL)
		return unknown_noun(cli, argv[2]);
	if (argc > 3 && (verb = find_verb(noun, argv[3])) == NULL)
		return unknown_verb(cli, noun, argv[3]);
	return help(cli, argc > 2 ? argv[2] : NULL, noun, verb);
}

static int
dispatch(struct cli *cli, int argc, char **argv)
{
	int skip = 2;

	if (argc < 2) {
		cli_help(cli, NULL, NULL);
		return cli_error(cli, CLI_USAGE, NULL,
		    "a command is missing, the list is above");
	}
	if (is_help(argv[1]) || strcmp(argv[1], "help") == 0)
		return in_front(cli, argc, argv);
	if (strcmp(argv[1], "--version") == 0)
		cli->noun = &cli_version;
	else
		cli->noun = find_noun(argv[1]);
	if (cli->noun == NULL)
		return unknown_noun(cli, argv[1]);
	if (cli->noun->verbs[0].name[0] == '\0') {
		cli->verb = &cli->noun->verbs[0];
	} else if (argc < 3) {
		return unknown_verb(cli, cli->noun, NULL);
	} else if (is_help(argv[2])) {
		return help(cli, argv[1], cli->noun, NULL);
	} else {
		if ((cli->verb = find_verb(cli->noun, argv[2])) == NULL)
			return unknown_verb(cli, cli->noun, argv[2]);
		skip = 3;
	}
	return run(cli, argc - skip, argv + skip);
}

int
main(int argc, char **argv)
{
	struct cli cli;
	int rc;

	memset(&cli, 0, sizeof(cli));
	cli.json_errors = wants_json(argc, argv);
	hold_standard();
	watch_signals();
	wait_in_prints();
	rc = dispatch(&cli, argc, argv);
	free(cli.values);
	free(cli.note);
	/* A full disk or a closed pipe shows up here at the latest. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && !cli.stdout_broken &&
	    rc == CLI_OK)
		rc = cli_error_sys(&cli, errno,
		    "cannot write standard output");
	return cli_final_code(rc);
}
