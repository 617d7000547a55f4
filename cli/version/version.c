/* SPDX-License-Identifier: Apache-2.0 */
/* cli/version/version.c - caisson version: what this build is made of. */
#include <string.h>

#include "../lib/cli.h"

/* "OpenSSL 3.5.1", "aes, vaes": whatever a member holds, as text. */
static void
show(struct cli *cli, const char *name, const json_t *value)
{
	const json_t *item;
	const char *key;
	size_t i;

	cli_say(cli, "  %-12s", name);
	if (json_is_object(value))
		json_object_foreach((json_t *)value, key, item) {
			if (json_is_boolean(item))
				cli_say(cli, " %s%s", json_is_true(item) ?
				    "" : "not-", key);
			else if (json_is_string(item))
				cli_say(cli, " %s %s", key,
				    json_string_value(item));
			else if (json_is_integer(item))
				cli_say(cli, " %s %lld", key,
				    (long long)json_integer_value(item));
		}
	else if (json_is_array(value))
		json_array_foreach(value, i, item)
			cli_say(cli, " %s", json_is_string(item) ?
			    json_string_value(item) : "");
	else if (json_is_string(value))
		cli_say(cli, " %s", json_string_value(value));
	else if (json_is_integer(value))
		cli_say(cli, " %lld", (long long)json_integer_value(value));
	else
		cli_say(cli, " %s", json_is_true(value) ? "yes" : "no");
	cli_say(cli, "\n");
}

static int
version(struct cli *cli)
{
	json_t *facts, *value;
	const char *name;
	char *text;
	int rc;

	if ((rc = csn_describe(cli->ctx, &text)) != 0)
		return cli_error_lib(cli, rc, NULL,
		    "cannot describe this build");
	if (cli->json)
		return cli_json_text(cli, text);
	facts = json_loads(text, 0, NULL);
	csn_free(text);
	cli_say(cli, "caisson %s\n", csn_version());
	json_object_foreach(facts, name, value)
		if (strcmp(name, "version") != 0)
			show(cli, name, value);
	json_decref(facts);
	return CLI_OK;
}

static const struct cli_verb verbs[] = {
	{ "", "", "Show the version, the libraries, and the engine chosen for "
	    "this CPU", version, NULL, 0, 0, NULL },
	{ NULL }
};

const struct cli_noun cli_version = {
	"version", "Show what this build is made of", verbs
};
