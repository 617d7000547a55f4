/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cache/key.c - caisson cache key: the key that a call has. */
#include <stdlib.h>
#include <string.h>

#include "cache.h"

#define MAX_ARGS ((size_t)16 << 20)

static int give(struct csn_cachekit_key *key, const json_t *value);

static int
give_items(struct csn_cachekit_key *key, const json_t *list)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < json_array_size(list) && rc == 0; i++)
		rc = give(key, json_array_get(list, i));
	return rc;
}

/* {"$set": […]}, {"$bytes": "hex"}, {"$uuid": "hex"}, {"$time": us}. */
static int
give_typed(struct csn_cachekit_key *key, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	uint8_t *bytes;
	int rc;

	if (strcmp(name, "$set") == 0 && json_is_array(value)) {
		if ((rc = csn_cachekit_key_set_begin(key)) != 0 ||
		    (rc = give_items(key, value)) != 0)
			return rc;
		return csn_cachekit_key_set_end(key);
	}
	if (strcmp(name, "$time") == 0 && json_is_integer(value))
		return csn_cachekit_key_time(key,
		    (int64_t)json_integer_value(value), 0);
	if (text == NULL || len % 2 != 0 ||
	    (bytes = malloc(len / 2 + 1)) == NULL)
		return CSN_E_FORM;
	if (cli_unhex(text, bytes, len / 2) != 0)
		rc = CSN_E_FORM;
	else if (strcmp(name, "$bytes") == 0)
		rc = csn_cachekit_key_bytes(key, bytes, len / 2);
	else if (strcmp(name, "$uuid") == 0 && len == 32)
		rc = csn_cachekit_key_uuid(key, bytes);
	else
		rc = CSN_E_FORM;
	free(bytes);
	return rc;
}

static int
give_map(struct csn_cachekit_key *key, const json_t *object)
{
	const char *name;
	json_t *value;
	int rc;

	if ((rc = csn_cachekit_key_map_begin(key)) != 0)
		return rc;
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
		if ((rc = csn_cachekit_key_map_key(key, name,
		    strlen(name))) != 0 || (rc = give(key, value)) != 0)
			return rc;
	return csn_cachekit_key_map_end(key);
}

static int
give(struct csn_cachekit_key *key, const json_t *value)
{
	void *first;
	int rc;

	switch (json_typeof(value)) {
	case JSON_NULL:
		return csn_cachekit_key_null(key);
	case JSON_TRUE:
	case JSON_FALSE:
		return csn_cachekit_key_bool(key, json_is_true(value));
	case JSON_INTEGER:
		return csn_cachekit_key_int(key,
		    (int64_t)json_integer_value(value));
	case JSON_REAL:
		return csn_cachekit_key_float(key, json_real_value(value));
	case JSON_STRING:
		return csn_cachekit_key_str(key, json_string_value(value),
		    json_string_length(value));
	case JSON_ARRAY:
		if ((rc = csn_cachekit_key_list_begin(key)) != 0 ||
		    (rc = give_items(key, value)) != 0)
			return rc;
		return csn_cachekit_key_list_end(key);
	default:
		first = json_object_iter((json_t *)(uintptr_t)value);
		if (json_object_size(value) == 1 &&
		    json_object_iter_key(first)[0] == '$')
			return give_typed(key, json_object_iter_key(first),
			    json_object_iter_value(first));
		return give_map(key, value);
	}
}

/* An array, or {"args": […], "kwargs": {…}} and nothing beside. */
static int
are_arguments(const json_t *arguments)
{
	const json_t *args, *by_name;

	if (!json_is_object(arguments))
		return json_is_array(arguments);
	args = json_object_get(arguments, "args");
	by_name = json_object_get(arguments, "kwargs");
	return (args == NULL || json_is_array(args)) &&
	    (by_name == NULL || json_is_object(by_name)) &&
	    json_object_size(arguments) ==
	    (size_t)(args != NULL) + (size_t)(by_name != NULL);
}

/* The arguments as JSON, from the command line or a file. */
static int
read_arguments(struct cli *cli, json_t **out)
{
	const char *path = cli_opt(cli, "args-file");
	const char *text = cli_opt(cli, "args");
	json_error_t error;
	uint8_t *bytes = NULL;
	size_t len = 0;
	int rc;

	if (path == NULL && text == NULL) {
		*out = json_array();
		return 0;
	}
	if (path != NULL &&
	    (rc = cli_read_file(cli, path, MAX_ARGS, &bytes, &len)) != 0)
		return rc;
	*out = path != NULL ?
	    json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES,
	    &error) : json_loads(text, JSON_REJECT_DUPLICATES, &error);
	free(bytes);
	if (*out != NULL && are_arguments(*out))
		return 0;
	json_decref(*out);
	return cli_error(cli, CLI_USAGE, "An array holds the arguments in "
	    "their order; an object {\"args\": […], \"kwargs\": {…}} also "
	    "those by name.", "the arguments are neither a JSON array nor "
	    "such an object");
}

static int
give_all(struct csn_cachekit_key *key, const json_t *arguments)
{
	const json_t *by_name;
	const char *name;
	json_t *value;
	int rc;

	if (json_is_array(arguments))
		return give_items(key, arguments);
	if ((rc = give_items(key, json_object_get(arguments, "args"))) != 0)
		return rc;
	by_name = json_object_get(arguments, "kwargs");
	json_object_foreach((json_t *)(uintptr_t)by_name, name, value)
		if ((rc = csn_cachekit_key_name(key, name, strlen(name))) != 0
		    || (rc = give(key, value)) != 0)
			return rc;
	return 0;
}

int
cache_key(struct cli *cli)
{
	int automatic = cli->argc == 3, rc;
	const char *serializer = cli_opt(cli, "serializer");
	char out[CSN_CACHEKIT_KEY_SIZE];
	struct csn_cachekit_key *key = NULL;
	json_t *arguments = NULL;

	if ((rc = read_arguments(cli, &arguments)) != 0)
		return rc;
	if ((rc = csn_cachekit_key_new(cli->ctx, automatic ?
	    CSN_CACHEKIT_KEY_AUTO : CSN_CACHEKIT_KEY_INTEROP, &key)) == 0 &&
	    (rc = give_all(key, arguments)) == 0)
		rc = automatic ? csn_cachekit_key_auto(key, cli_arg(cli, 0),
		    cli_arg(cli, 1), cli_arg(cli, 2),
		    cli_opt(cli, "no-integrity") == NULL, serializer != NULL ?
		    serializer : "default", out) :
		    csn_cachekit_key_interop(key, cli_arg(cli, 0),
		    cli_arg(cli, 1), out);
	json_decref(arguments);
	csn_cachekit_key_free(key);
	if (rc != 0)
		return cli_error(cli, rc == CSN_E_NOMEM ? CLI_FAILED :
		    CLI_USAGE, NULL, "cannot build the key: %s",
		    csn_message_code() == rc ?
		    csn_message() : csn_error_text(rc));
	if (cli->json)
		return cli_json(cli, json_pack("{s:s, s:s}", "key", out,
		    "form", automatic ? "auto" : "interop"));
	cli_say(cli, "%s\n", out);
	return CLI_OK;
}
