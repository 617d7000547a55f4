/* SPDX-License-Identifier: Apache-2.0 */
/* cli/main.c - finds the noun and the verb, and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cli.h"

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
	return cli_interrupted();
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
	cli_watch_signals();
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
