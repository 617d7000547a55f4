/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cache/open.c - caisson cache: the store, the keys, the cache. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"

#define MAX_KEYS 16384

static const char *const formats[] = { "msgpack", "json", "arrow", "bytes",
    NULL };
static const char *const forms[] = { "auto", "interop", NULL };

const char *
cache_format_name(uint32_t format)
{
	return formats[format];
}

static int
one_of(struct cli *cli, const char *name, const char *const *words,
    uint32_t *out)
{
	struct cli_guess g = { .word = cli_opt(cli, name) };
	uint32_t i;

	if (g.word == NULL)
		return 0;
	for (i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], g.word) == 0) {
			*out = i;
			return 0;
		}
		cli_guess(&g, words[i]);
	}
	return cli_error(cli, CLI_USAGE, "See: caisson cache get --help",
	    "--%s is '%s'%s%s", name, g.word, g.best != NULL ?
	    ", did you mean " : ", there is no such one", g.best !=
	    NULL ? g.best : "");
}

/* Hex keys, one a line, as a key file has them. */
static int
keys_from_fd(struct cli *cli, int fd, struct csn_cachekit_ring **out)
{
	char *text = calloc(1, MAX_KEYS + 1), *line, *save = NULL;
	char *current = NULL, *former = calloc(1, MAX_KEYS + 1);
	size_t got = 0;
	int rc;

	if (text == NULL || former == NULL) {
		rc = cli_error(cli, CLI_FAILED, NULL, "out of memory");
		goto out;
	}
	if ((rc = cli_in_read(cli, fd, "--key-fd", text, MAX_KEYS,
	    &got)) != 0)
		goto out;
	if (got == MAX_KEYS) {
		rc = cli_error(cli, CLI_USAGE, NULL, "what --key-fd gives is "
		    "longer than any ring of keys");
		goto out;
	}
	for (line = strtok_r(text, "\r\n", &save); line != NULL;
	    line = strtok_r(NULL, "\r\n", &save)) {
		if (line[0] == '#')
			continue;
		if (current == NULL) {
			current = line;
			continue;
		}
		if (former[0] != '\0')
			strncat(former, ",", 2);
		strncat(former, line, MAX_KEYS);
	}
	rc = csn_cachekit_ring_hex(cli->ctx, "--key-fd", current != NULL ?
	    current : "", former, 0, out);
	if (rc != 0)
		rc = cli_error_given(cli, rc, "cannot take the master keys");

out:
	if (text != NULL)
		csn_wipe(text, MAX_KEYS);
	if (former != NULL)
		csn_wipe(former, MAX_KEYS);
	free(text);
	free(former);
	return rc;
}

static int
find_keys(struct cli *cli, int optional, struct csn_cachekit_ring **out)
{
	const char *path = cli_opt(cli, "key-file");
	uint64_t fd = UINT64_MAX;
	int rc;

	if (cli_opt(cli, "keystore") != NULL ||
	    cli_opt(cli, "new-key") != NULL)
		return cache_keys_keystore(cli, out);
	if ((rc = cli_opt_u64(cli, "key-fd", 0, 1 << 20, &fd)) != 0)
		return rc;
	if (fd != UINT64_MAX)
		return keys_from_fd(cli, (int)fd, out);
	if (path != NULL)
		rc = csn_cachekit_ring_file(cli->ctx, path, 0, out);
	else if ((rc = csn_cachekit_ring_env(cli->ctx, 0, out)) ==
	    CSN_E_NOT_FOUND && optional)
		return 0;
	if (rc == 0)
		return 0;
	if (rc == CSN_E_NOT_FOUND && path == NULL)
		return cli_error(cli, CLI_USAGE, "Set CACHEKIT_MASTER_KEY, or "
		    "say --key-file or --key-fd; for entries that are not "
		    "sealed, --plain.", "no master key is given");
	return cli_error_given(cli, rc, "cannot take the master keys");
}

int
cache_store_open(struct cli *cli, int make, struct csn_store **out)
{
	const char *url = cli_arg(cli, 0), *options = strchr(url, '?');
	char *there = NULL;
	int rc;

	/* Who only looks makes nothing. */
	if (!make && (strncmp(url, "file:", 5) == 0 ||
	    strncmp(url, "lmdb:", 5) == 0) &&
	    (options == NULL || strstr(options, "create=") == NULL)) {
		if (asprintf(&there, "%s%ccreate=0", url,
		    options != NULL ? '&' : '?') < 0)
			return cli_error(cli, CLI_FAILED, NULL,
			    "out of memory");
		url = there;
	}
	rc = csn_store_open(cli->ctx, url, out);
	free(there);
	/* Exit code 4 is for an entry: what it would lie in is needed. */
	if (rc == CSN_E_NOT_FOUND)
		return cli_error_as(cli, CLI_FAILED, rc, "Is the URL right? "
		    "caisson cache set makes the store.",
		    "there is no store");
	return rc == 0 ? 0 : cli_error_lib(cli, rc, NULL,
	    "cannot open the store");
}

struct csn_cache *
cache_of(struct cache_run *run, uint32_t form, uint32_t format)
{
	struct cli *cli = run->cli;
	const char *space = cli_opt(cli, "space");
	struct csn_cache_options c = { .size = sizeof(c), .form = form,
	    .format = format, .store = run->store, .keys = run->keys,
	    .flags = CSN_CACHE_NO_L1, .tenant = cli_opt(cli, "tenant") };
	struct csn_cache *cache = NULL;
	int rc;

	c.native = run->native;
	if (run->native != NULL)
		c.mode = CSN_CACHE_NATIVE;
	else if (run->keys == NULL)
		c.mode = CSN_CACHE_PLAIN;
	if (cli_opt(cli, "scoped") != NULL)
		c.flags |= CSN_CACHE_SCOPED;
	if (cli_opt(cli, "no-integrity") != NULL)
		c.flags |= CSN_CACHE_NO_INTEGRITY;
	if (space != NULL) {
		c.space = (const uint8_t *)space;
		c.space_len = strlen(space);
	}
	if ((rc = csn_cache_new(cli->ctx, &c, &cache)) != 0)
		cli_error_lib(cli, rc, NULL, "cannot read entries so");
	return cache;
}

int
cache_begin(struct cli *cli, struct cache_run *run, int optional)
{
	int plain = cli_opt(cli, "plain") != NULL;
	int native = cli_opt(cli, "native") != NULL, given, rc;
	uint32_t format = CSN_CACHE_MSGPACK;

	memset(run, 0, sizeof(*run));
	run->cli = cli;
	run->url = cli_arg(cli, 0);
	run->key = cli_arg(cli, 1);
	if (run->key != NULL && run->key[0] == '\0')
		return cli_error(cli, CLI_USAGE, strcmp(cli->verb->name,
		    "reseal") == 0 ? NULL : "caisson cache key builds the "
		    "key of a call.", "the %s is empty", strcmp(
		    cli->verb->name, "reseal") == 0 ? "namespace" : "key");
	/* What the key itself says is right where nothing else is said. */
	run->form = run->key == NULL || strncmp(run->key, "ns:", 3) == 0 ||
	    strchr(run->key, ':') == NULL ? CSN_CACHE_AUTO :
	    CSN_CACHE_INTEROP;
	run->how.size = sizeof(run->how);
	run->how.flags = CSN_CACHE_STRICT | CSN_CACHE_FORMAT;
	if ((rc = one_of(cli, "form", forms, &run->form)) != 0 ||
	    (rc = one_of(cli, "format", formats, &format)) != 0)
		return rc;
	run->how.format = format;
	given = cli_opt(cli, "key-file") != NULL ||
	    cli_opt(cli, "key-fd") != NULL ||
	    cli_opt(cli, "keystore") != NULL;
	if (native && (plain || given))
		return cli_error(cli, CLI_USAGE, NULL, "--native is for "
		    "Caisson's own entries: say either that or what opens "
		    "CacheKit's");
	if (!native && (cli_opt(cli, "identity") != NULL ||
	    cli_opt(cli, "trust") != NULL))
		return cli_error(cli, CLI_USAGE, NULL, "--identity and "
		    "--trust are for --native: nothing else asks who reads");
	if (plain && given)
		return cli_error(cli, CLI_USAGE, NULL, "--plain needs no key: "
		    "say either what opens the entries or that nothing does");
	if (native && (rc = cache_keys_native(cli, &run->native)) != 0)
		return rc;
	if (!native && !plain &&
	    (rc = find_keys(cli, optional, &run->keys)) != 0)
		return rc;
	if ((rc = cache_store_open(cli, strcmp(cli->verb->name, "set") == 0,
	    &run->store)) != 0)
		return rc;
	if (run->keys == NULL && !native && !plain)
		return 0;
	run->cache = cache_of(run, run->form, format);
	return run->cache != NULL ? 0 : CLI_USAGE;
}

void
cache_end(struct cache_run *run)
{
	csn_cache_free(run->cache);
	csn_store_close(run->store);
	csn_cachekit_ring_free(run->keys);
	csn_cache_native_free(run->native);
}
