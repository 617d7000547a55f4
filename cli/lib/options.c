/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/options.c - reads long options by a verb's table. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cli.h"

#define MAX_WORD 64

static size_t
min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits between two words, two letters swapped counting as one. */
static size_t
distance(const char *a, const char *b)
{
	size_t rows[3][MAX_WORD + 1];
	size_t *older = rows[0], *last = rows[1], *row = rows[2], *turn;
	size_t n = strlen(a), m = strlen(b), i, j, cost;

	if (n > MAX_WORD || m > MAX_WORD)
		return MAX_WORD;
	for (j = 0; j <= m; j++)
		last[j] = j;
	memcpy(older, last, sizeof(rows[0]));
	for (i = 1; i <= n; i++) {
		row[0] = i;
		for (j = 1; j <= m; j++) {
			cost = a[i - 1] == b[j - 1] ? 0 : 1;
			row[j] = min_of(min_of(last[j], row[j - 1]) + 1,
			    last[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = min_of(row[j], older[j - 2] + 1);
		}
		turn = older;
		older = last;
		last = row;
		row = turn;
	}
	return last[m];
}

void
cli_guess(struct cli_guess *g, const char *name)
{
	size_t d = distance(g->word, name), len = strlen(g->word);

	/* What was cut short: "--pass" for "--passphrase-file". */
	if (d > 2 && len >= 2 && strncmp(g->word, name, len) == 0)
		d = 2;
	if (d > 2 || d >= strlen(name) ||
	    (g->best != NULL && d >= g->distance))
		return;
	g->best = name;
	g->distance = d;
}

const struct cli_opt cli_common[] = {
	{ "json", NULL, "print facts as JSON", 0 },
	{ "quiet", NULL, "say only what went wrong", 0 },
	{ "help", NULL, "show help", 0 },
	{ NULL, NULL, NULL, 0 }
};

static const struct cli_opt *
find_in(const struct cli_opt *opts, const char *name, size_t len)
{
	for (; opts != NULL && opts->name != NULL; opts++)
		if (strlen(opts->name) == len &&
		    memcmp(opts->name, name, len) == 0)
			return opts;
	return NULL;
}

/* "caisson file seal --help", for the line that says what to do. */
static void
help_command(const struct cli *cli, char *out, size_t cap)
{
	snprintf(out, cap, "See: caisson %s%s%s --help", cli->noun->name,
	    cli->verb->name[0] != '\0' ? " " : "", cli->verb->name);
}

static int
unknown(struct cli *cli, const char *name, size_t len)
{
	char word[MAX_WORD], help[128];
	struct cli_guess g = { .word = word };
	const struct cli_opt *opt;

	snprintf(word, sizeof(word), "%.*s", (int)len, name);
	help_command(cli, help, sizeof(help));
	for (opt = cli->verb->opts; opt != NULL && opt->name != NULL; opt++)
		cli_guess(&g, opt->name);
	for (opt = cli_common; opt->name != NULL; opt++)
		cli_guess(&g, opt->name);
	if (g.best != NULL)
		return cli_error(cli, CLI_USAGE, help,
		    "there is no option --%s here, did you mean --%s?", word,
		    g.best);
	return cli_error(cli, CLI_USAGE, help,
	    "there is no option --%s here", word);
}

static int
keep(struct cli *cli, const struct cli_opt *opt, const char *value)
{
	struct cli_value *grown;
	char help[128];

	if ((opt->flags & CLI_REPEAT) == 0 && opt->arg != NULL &&
	    cli_opt(cli, opt->name) != NULL) {
		help_command(cli, help, sizeof(help));
		return cli_error(cli, CLI_USAGE, help,
		    "option --%s is given twice, once is enough", opt->name);
	}
	grown = realloc(cli->values, (cli->nvalues + 1) * sizeof(*grown));
	if (grown == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	cli->values = grown;
	grown[cli->nvalues].opt = opt;
	grown[cli->nvalues++].value = value;
	return 0;
}

/* One word that begins with --; *used is 1 where it took the next one. */
static int
option(struct cli *cli, const char *word, const char *next, int *used)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct cli_opt *opt;
	char help[128];

	*used = 0;
	help_command(cli, help, sizeof(help));
	if ((opt = find_in(cli->verb->opts, name, len)) == NULL &&
	    (opt = find_in(cli_common, name, len)) == NULL)
		return unknown(cli, name, len);
	if (opt->arg == NULL) {
		if (equals != NULL)
			return cli_error(cli, CLI_USAGE, help,
			    "option --%s takes no value", opt->name);
		if (opt == &cli_common[0])
			cli->json = 1;
		else if (opt == &cli_common[1])
			cli->quiet = 1;
		return keep(cli, opt, "");
	}
	if (equals != NULL)
		return keep(cli, opt, equals + 1);
	if (next == NULL)
		return cli_error(cli, CLI_USAGE, help,
		    "option --%s needs a value: --%s %s", opt->name,
		    opt->name, opt->arg);
	*used = 1;
	return keep(cli, opt, next);
}

/* -o FILE or -oFILE, the short form of --out; there is no other. */
static int
short_option(struct cli *cli, const char *word, const char *next, int *used)
{
	const struct cli_opt *opt = find_in(cli->verb->opts, "out", 3);

	*used = 0;
	if (word[1] != 'o' || opt == NULL)
		return cli_error(cli, CLI_USAGE,
		    "Options are long here, such as --json.",
		    "there is no option %s", word);
	if (word[2] != '\0')
		return keep(cli, opt, word + 2);
	if (next == NULL)
		return cli_error(cli, CLI_USAGE, NULL,
		    "option -o needs a value: -o %s", opt->arg);
	*used = 1;
	return keep(cli, opt, next);
}

static int
check(struct cli *cli)
{
	const struct cli_verb *verb = cli->verb;
	const struct cli_opt *opt;
	char help[128];
	uint64_t value;
	int rc;

	help_command(cli, help, sizeof(help));
	for (opt = verb->opts; opt != NULL && opt->name != NULL; opt++) {
		if ((opt->flags & CLI_REQUIRED) != 0 &&
		    cli_opt(cli, opt->name) == NULL)
			return cli_error(cli, CLI_USAGE, help,
			    "option --%s is missing: --%s %s", opt->name,
			    opt->name, opt->arg);
		/* What is no time is told before anything is done. */
		rc = opt->arg == NULL ? 0 : strcmp(opt->arg, "SPAN") == 0 ?
		    cli_opt_span(cli, opt->name, &value) :
		    strcmp(opt->arg, "DATE") == 0 ?
		    cli_opt_date(cli, opt->name, &value) : 0;
		if (rc != 0)
			return rc;
	}
	if (cli->argc < verb->min_args)
		return cli_error(cli, CLI_USAGE, help,
		    "an argument is missing: caisson %s%s%s %s",
		    cli->noun->name, verb->name[0] != '\0' ? " " : "",
		    verb->name, verb->args);
	if (verb->max_args >= 0 && cli->argc > verb->max_args)
		return cli_error(cli, CLI_USAGE, help,
		    "'%s' is one argument too many",
		    cli->argv[verb->max_args]);
	return 0;
}

int
cli_parse(struct cli *cli, int argc, char **argv)
{
	int i, rc, used, plain = 0;
	const char *next;

	/* Arguments move to the front of argv as they are met. */
	cli->argv = argv;
	cli->argc = 0;
	for (i = 0; i < argc; i++) {
		if (plain || argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[cli->argc++] = argv[i];
		} else if (strcmp(argv[i], "--") == 0) {
			plain = 1;
		} else if (strcmp(argv[i], "-h") == 0) {
			if ((rc = keep(cli, &cli_common[2], "")) != 0)
				return rc;
		} else {
			next = i + 1 < argc ? argv[i + 1] : NULL;
			rc = argv[i][1] == '-' ?
			    option(cli, argv[i], next, &used) :
			    short_option(cli, argv[i], next, &used);
			if (rc != 0)
				return rc;
			i += used;
		}
	}
	if (cli_opt(cli, "help") != NULL)
		return 0;
	return check(cli);
}

const char *
cli_opt_at(const struct cli *cli, const char *name, size_t i)
{
	size_t n;

	for (n = 0; n < cli->nvalues; n++)
		if (strcmp(cli->values[n].opt->name, name) == 0 && i-- == 0)
			return cli->values[n].value;
	return NULL;
}

const char *
cli_opt(const struct cli *cli, const char *name)
{
	return cli_opt_at(cli, name, 0);
}

int
cli_force(const struct cli *cli)
{
	return cli_opt(cli, "force") != NULL;
}

int
cli_check_json(struct cli *cli)
{
	const char *out = cli_opt(cli, "out");

	if (!cli->json || (out != NULL && strcmp(out, "-") != 0))
		return 0;
	return cli_error(cli, CLI_USAGE, "Say --out FILE.",
	    "--json needs --out, standard output carries the bytes");
}

const char *
cli_arg(const struct cli *cli, int i)
{
	return i < cli->argc ? cli->argv[i] : NULL;
}

/* Digits at the start of text; *end is what follows them. -1 where none. */
static int
number(const char *text, uint64_t *out, char **end)
{
	if (text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	*out = strtoull(text, end, 10);
	return errno == 0 ? 0 : -1;
}

int
cli_opt_u64(struct cli *cli, const char *name, uint64_t min, uint64_t max,
    uint64_t *out)
{
	const char *text = cli_opt(cli, name);
	uint64_t value;
	char *end;

	if (text == NULL)
		return 0;
	if (number(text, &value, &end) != 0 || *end != '\0' || value < min ||
	    value > max)
		return cli_error(cli, CLI_USAGE, NULL,
		    "--%s is '%s', it must be a number from %llu to %llu",
		    name, text, (unsigned long long)min,
		    (unsigned long long)max);
	*out = value;
	return 0;
}

int
cli_opt_span(struct cli *cli, const char *name, uint64_t *out)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {
		{ "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 }
	};
	const char *text = cli_opt(cli, name);
	uint64_t value;
	char *end;
	size_t i;

	if (text == NULL)
		return 0;
	if (number(text, &value, &end) == 0 && value > 0)
		for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (strcmp(end, units[i].unit) == 0 &&
			    value <= UINT64_MAX / units[i].ms / 4) {
				*out = value * units[i].ms;
				return 0;
			}
	return cli_error(cli, CLI_USAGE, NULL,
	    "--%s is '%s', it must be a span of time such as 90s, 15m, 24h "
	    "or 400d, 1ms at least", name, text);
}

int
cli_opt_date(struct cli *cli, const char *option, uint64_t *out)
{
	static const char *const forms[] = {
		"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d", "%s"
	};
	const char *text = cli_opt(cli, option), *end;
	struct tm tm;
	time_t t;
	size_t i;

	if (text == NULL)
		return 0;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(text, forms[i], &tm);
		if (end == NULL || *end != '\0')
			continue;
		/* %s is the local time's; a date here is UTC's. */
		t = i == 2 ? (time_t)strtoll(text, NULL, 10) : timegm(&tm);
		if (t > 0) {
			*out = (uint64_t)t * 1000;
			return 0;
		}
	}
	return cli_error(cli, CLI_USAGE, NULL, "--%s is '%s', it must be a "
	    "time such as 2026-01-31T12:00:00Z, 2026-01-31 or seconds since "
	    "1970", option, text);
}

int
cli_opt_algorithm(struct cli *cli, const char *option,
    const char *(*name)(int), int max, uint32_t *out)
{
	const char *word = cli_opt(cli, option);
	char all[256] = "";
	size_t at = 0;
	int i;

	if (word == NULL)
		return 0;
	for (i = 1; i <= max; i++) {
		if (strcasecmp(word, name(i)) == 0) {
			*out = (uint32_t)i;
			return 0;
		}
		at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s",
		    i == 1 ? "" : i < max ? ", " : " and ", name(i));
	}
	for (at = 0; all[at] != '\0'; at++)
		all[at] = (char)tolower(all[at]);
	return cli_error(cli, CLI_USAGE, NULL, "--%s is '%s', there are %s",
	    option, word, all);
}

/* "a, b and c", cut where it does not fit. */
static void
list_words(const struct cli_word *words, size_t n, char text[256])
{
	size_t i, at = 0;

	for (i = 0; i < n && at < 256; i++)
		at += (size_t)snprintf(text + at, 256 - at, "%s%s",
		    i == 0 ? "" : i + 1 < n ? ", " : " and ", words[i].word);
}

int
cli_opt_words(struct cli *cli, const char *name,
    const struct cli_word *words, size_t n, uint32_t *out)
{
	const char *p = cli_opt(cli, name), *end;
	char all[256] = "";
	size_t i, len;

	for (; p != NULL; p = *end != '\0' ? end + 1 : NULL) {
		end = strchrnul(p, ',');
		len = (size_t)(end - p);
		for (i = 0; i < n; i++)
			if (strlen(words[i].word) == len &&
			    strncmp(words[i].word, p, len) == 0)
				break;
		if (i == n) {
			list_words(words, n, all);
			return cli_error(cli, CLI_USAGE, NULL,
			    "--%s has '%.*s', there are %s", name, (int)len,
			    p, all);
		}
		*out |= words[i].bit;
	}
	return 0;
}
