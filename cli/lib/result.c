/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/result.c - what was checked, said. */
#include <string.h>

#include "cli.h"

void
cli_say_check(struct cli *cli, const char *name, int status,
    const char *detail)
{
	static const char *const words[] = { "ok", "NO", "--" };
	const int more = detail != NULL && detail[0] != '\0';

	cli_say(cli, more ? "%s  %-16s  %s\n" : "%s  %s%s\n", words[status],
	    name, more ? detail : "");
}

int
cli_say_result(struct cli *cli, const struct csn_result *r)
{
	const char *name, *detail;
	size_t i;
	int status, rc;
	char *json;

	for (i = 0; csn_result_get(r, i, &name, &status, &detail) == 0; i++)
		cli_say_check(cli, name, status, detail);
	if (!cli->json || i == 0)
		return 0;
	if ((rc = csn_result_json(cli->ctx, r, &json)) != 0)
		return cli_error_lib(cli, rc, NULL,
		    "cannot say what was found");
	return cli_json_text(cli, json);
}

static int
comes_first(const char *check)
{
	return strcmp(check, "nonce") == 0;
}

void
cli_say_verdict(struct cli *cli, const char *what,
    const struct csn_result *r)
{
	const char *name, *detail, *between = "; not checked: ";
	size_t i, regions = 0;
	int status, first;

	cli_note(cli, "%s", what);
	/* Those come first that matter whatever was verified. */
	for (first = 1; first >= 0; first--)
		for (i = 0; csn_result_get(r, i, &name, &status,
		    &detail) == 0; i++) {
			if (status != CSN_CHECK_SKIPPED ||
			    comes_first(name) != first)
				continue;
			/* Regions may be thousands. */
			if (strncmp(name, "region ", 7) == 0) {
				regions++;
				continue;
			}
			cli_note(cli, "%s%s", between, name);
			between = ", ";
		}
	if (regions > 0)
		cli_note(cli, "%s%zu region%s", between, regions,
		    regions > 1 ? "s" : "");
	cli_note(cli, ".\n");
}
