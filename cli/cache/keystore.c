/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cache/keystore.c - master keys that rest wrapped under a keystore's. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"

#define MAX_TEXT 16384
#define MAX_RING 4	/* the current key and three former ones */

struct ring {
	uint8_t bytes[MAX_RING][CSN_KEYSTORE_MAX_WRAP];
	struct csn_bytes wrapped[MAX_RING];
	size_t n;
};

/* The file's lines: hex, the current key first, as of keys in the clear. */
static int
read_ring(struct cli *cli, const char *path, struct ring *r)
{
	uint8_t *text = NULL;
	char *copy = NULL, *line, *save = NULL;
	size_t len = 0;
	int rc;

	r->n = 0;
	if ((rc = cli_read_file(cli, path, MAX_TEXT, &text, &len)) != 0)
		return rc;
	if ((copy = strndup((const char *)text, len)) == NULL)
		rc = cli_error(cli, CLI_FAILED, NULL, "out of memory");
	for (line = rc == 0 ? strtok_r(copy, "\r\n", &save) : NULL;
	    rc == 0 && line != NULL; line = strtok_r(NULL, "\r\n", &save)) {
		if (line[0] == '#')
			continue;
		len = strlen(line) / 2;
		if (r->n == MAX_RING || len == 0 ||
		    len > CSN_KEYSTORE_MAX_WRAP ||
		    cli_unhex(line, r->bytes[r->n], len) != 0) {
			rc = cli_error(cli, CLI_USAGE, "With --keystore it "
			    "holds wrapped keys in hex, one a line, the "
			    "current one and up to three former ones: those "
			    "that --new-key makes.",
			    "%s holds no such keys", path);
			break;
		}
		r->wrapped[r->n].p = r->bytes[r->n];
		r->wrapped[r->n++].len = len;
	}
	if (rc == 0 && r->n == 0)
		rc = cli_error(cli, CLI_USAGE, NULL, "%s holds no key", path);
	free(copy);
	free(text);
	return rc;
}

/* Make the keystore's key, where it is missing, and a master key under it. */
static int
make_key(struct cli *cli, struct csn_keystore *ks, const char *name,
    const char *path)
{
	uint8_t wrapped[CSN_KEYSTORE_MAX_WRAP];
	char line[2 * CSN_KEYSTORE_MAX_WRAP + 2];
	size_t len = sizeof(wrapped);
	int rc;

	if ((rc = csn_keystore_create(ks, name)) == CSN_E_EXISTS)
		rc = 0;
	if (rc != 0 || (rc = csn_cachekit_ring_wrap(cli->ctx, ks, name, wrapped,
	    &len)) != 0)
		return cli_error_lib(cli, rc, NULL, "cannot make a master "
		    "key under the keystore's key %s", name);
	cli_hex(wrapped, len, line);
	line[2 * len] = '\n';
	if ((rc = cli_write_file(cli, path, 0600, 0, line,
	    2 * len + 1)) == 0)
		cli_note(cli, "Made a master key under the keystore's key "
		    "%s, in %s.\n", name, path);
	return rc;
}

static int
unwrap(struct cli *cli, const char *url, const char *name, const char *path,
    struct csn_cachekit_ring **out)
{
	const int there = access(path, F_OK) == 0;
	struct csn_keystore *ks = NULL;
	struct ring *ring = NULL;
	int rc;

	/* Opening a keystore that is misspelt would make another. */
	if (!there && cli_opt(cli, "new-key") == NULL)
		return cli_error(cli, CLI_USAGE, "Make one: --new-key",
		    "there is no key file %s", path);
	if ((ring = malloc(sizeof(*ring))) == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	if ((there && (rc = read_ring(cli, path, ring)) != 0) ||
	    (rc = cli_keystore_open(cli, url, &ks)) != 0 ||
	    (!there && ((rc = make_key(cli, ks, name, path)) != 0 ||
	    (rc = read_ring(cli, path, ring)) != 0)))
		goto out;
	if ((rc = csn_cachekit_ring_keystore(cli->ctx, ks, name, ring->wrapped,
	    ring->n, out)) != 0)
		rc = cli_error_given(cli, rc, "cannot unwrap the master "
		    "keys of %s with the keystore's key %s", path, name);
out:
	csn_keystore_close(ks);
	free(ring);
	return rc;
}

int
cache_keys_keystore(struct cli *cli, struct csn_cachekit_ring **out)
{
	const char *what = cli_opt(cli, "keystore");
	const char *path = cli_opt(cli, "key-file");
	const char *hash = what != NULL ? strrchr(what, '#') : NULL;
	char *url;
	int rc;

	if (what == NULL)
		return cli_error(cli, CLI_USAGE, NULL,
		    "--new-key is for --keystore URL#NAME");
	if (hash == NULL || hash == what || hash[1] == '\0')
		return cli_error(cli, CLI_USAGE, NULL, "--keystore is '%s', "
		    "it must be URL#NAME, such as "
		    "file:/etc/caisson/keys#cache", what);
	if (path == NULL || cli_opt(cli, "key-fd") != NULL)
		return cli_error(cli, CLI_USAGE, NULL, "--keystore opens the "
		    "wrapped master keys of --key-file FILE: say which");
	if ((url = strndup(what, (size_t)(hash - what))) == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	rc = unwrap(cli, url, hash + 1, path, out);
	free(url);
	return rc;
}
