/* SPDX-License-Identifier: Apache-2.0 */
/* cli/help.c - help at each level, from the tables. */
#include <string.h>

#include "lib/cli.h"

/* The letter that stands for an option too, or NULL. */
static const char *
short_form(const struct cli_opt *opt)
{
	return strcmp(opt->name, "out") == 0 ? "o" : NULL;
}

static void
synopsis(const struct cli_noun *noun, const struct cli_verb *verb)
{
	printf("caisson %s%s%s%s%s%s", noun->name,
	    verb->name[0] != '\0' ? " " : "", verb->name,
	    verb->opts != NULL ? " [OPTIONS]" : "",
	    verb->args[0] != '\0' ? " " : "", verb->args);
}

static void
help_verb(const struct cli_noun *noun, const struct cli_verb *verb)
{
	const struct cli_opt *opt;
	char left[64];

	printf("%s.\n\nusage: ", verb->summary);
	synopsis(noun, verb);
	printf("\n");
	if (verb->about != NULL)
		printf("\n%s\n", verb->about);
	printf("\noptions:\n");
	for (opt = verb->opts; opt != NULL && opt->name != NULL; opt++) {
		snprintf(left, sizeof(left), "%s--%s%s%s",
		    short_form(opt) != NULL ? "-o, " : "", opt->name,
		    opt->arg != NULL ? " " : "",
		    opt->arg != NULL ? opt->arg : "");
		printf("  %-24s %s%s\n", left, opt->help,
		    (opt->flags & CLI_REQUIRED) != 0 ? " (needed)" :
		    (opt->flags & CLI_REPEAT) != 0 ? " (may be repeated)" :
		    "");
	}
	for (opt = cli_common; opt->name != NULL; opt++)
		printf("  --%-22s %s\n", opt->name, opt->help);
}

static void
help_noun(const struct cli_noun *noun)
{
	const struct cli_verb *verb;

	printf("%s.\n\nusage: caisson %s VERB [OPTIONS] [ARGS]\n\nverbs:\n",
	    noun->summary, noun->name);
	for (verb = noun->verbs; verb->name != NULL; verb++)
		printf("  %-10s %s\n", verb->name, verb->summary);
	printf("\nMore on one: caisson %s VERB --help\n", noun->name);
}

static void
help_all(void)
{
	const struct cli_noun *const *noun;
	const struct cli_verb *verb;

	printf("caisson seals the state of AI inference with post-quantum "
	    "keys.\n\n"
	    "usage: caisson NOUN [VERB] [OPTIONS] [ARGS]\n\n");
	for (noun = cli_nouns; *noun != NULL; noun++) {
		printf("  %-9s %s\n", (*noun)->name, (*noun)->summary);
		if ((*noun)->verbs[0].name[0] == '\0')
			continue;
		printf("  %-9s   verbs:", "");
		for (verb = (*noun)->verbs; verb->name != NULL; verb++)
			printf(" %s", verb->name);
		printf("\n");
	}
	printf("\nEvery command takes --json (facts as JSON), --quiet and "
	    "--help.\n"
	    "Exit codes: 0 done, 1 the check said no, 2 wrong command or "
	    "configuration,\n3 something needed failed, 4 what was asked for "
	    "is not there.\n\n"
	    "See the main job done in a few seconds: caisson tour\n"
	    "The manual: man caisson\n");
}

void
cli_help(const struct cli *cli, const struct cli_noun *noun,
    const struct cli_verb *verb)
{
	(void)cli;
	if (noun != NULL && noun->verbs[0].name[0] == '\0')
		verb = &noun->verbs[0];
	if (noun == NULL)
		help_all();
	else if (verb == NULL)
		help_noun(noun);
	else
		help_verb(noun, verb);
}

static json_t *
table_opts(const struct cli_opt *opt)
{
	json_t *list = json_array();

	for (; opt != NULL && opt->name != NULL; opt++)
		json_array_append_new(list, json_pack("{s:s, s:s?, s:s?, s:s, "
		    "s:b, s:b}", "name", opt->name, "short", short_form(opt),
		    "arg", opt->arg, "help", opt->help,
		    "repeat", (opt->flags & CLI_REPEAT) != 0,
		    "needed", (opt->flags & CLI_REQUIRED) != 0));
	for (opt = cli_common; opt->name != NULL; opt++)
		json_array_append_new(list, json_pack("{s:s, s:n, s:s, s:b, "
		    "s:b}", "name", opt->name, "arg", "help", opt->help,
		    "repeat", 0, "needed", 0));
	return list;
}

json_t *
cli_table(void)
{
	const struct cli_noun *const *noun;
	const struct cli_verb *verb;
	json_t *nouns = json_array(), *verbs;

	for (noun = cli_nouns; *noun != NULL; noun++) {
		verbs = json_array();
		for (verb = (*noun)->verbs; verb->name != NULL; verb++)
			json_array_append_new(verbs, json_pack(
			    "{s:s, s:s, s:s, s:o}", "name", verb->name,
			    "args", verb->args, "summary", verb->summary,
			    "options", table_opts(verb->opts)));
		json_array_append_new(nouns, json_pack("{s:s, s:s, s:o}",
		    "name", (*noun)->name, "summary", (*noun)->summary,
		    "verbs", verbs));
	}
	return json_pack("{s:o}", "nouns", nouns);
}
