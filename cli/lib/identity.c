/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/identity.c - the identity and the trust store that a command uses. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

int
cli_identity_path(struct cli *cli, const char *name, char **out)
{
	char rest[80];
	int rc;

	if (strchr(name, '/') != NULL) {
		if ((*out = strdup(name)) == NULL)
			return cli_error(cli, CLI_FAILED, NULL,
			    "out of memory");
		return 0;
	}
	if ((rc = cli_check_name(cli, "an identity", name)) != 0)
		return rc;
	snprintf(rest, sizeof(rest), "identities/%s", name);
	return cli_home(cli, rest, 0, out);
}

/* The only identity in the home folder; free(). */
static int
only_one(struct cli *cli, char **out)
{
	struct dirent *entry;
	char *path;
	DIR *dir;
	int rc, n = 0;

	*out = NULL;
	if ((rc = cli_home(cli, "identities", 0, &path)) != 0)
		return rc;
	dir = opendir(path);
	if (dir == NULL && errno != ENOENT) {
		rc = cli_error_sys(cli, errno, "cannot look into %s", path);
		goto out;
	}
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (n++ == 0)
			*out = strdup(entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	if (n == 1 && *out != NULL)
		rc = 0;
	else if (n > 1)
		rc = cli_error(cli, CLI_USAGE, "See them: caisson id list",
		    "there are %d identities in %s, say which one", n, path);
	else
		rc = cli_error(cli, CLI_FAILED,
		    "Make one: caisson id new NAME",
		    "there is no identity in %s", path);
out:
	if (rc != 0) {
		free(*out);
		*out = NULL;
	}
	free(path);
	return rc;
}

int
cli_identity_open(struct cli *cli, const char *name, const char *path,
    struct csn_identity **out)
{
	struct cli_secret secret;
	int rc, there;

	if ((rc = cli_there(cli, path, &there)) != 0)
		return rc;
	if (!there)
		return cli_error(cli, CLI_FAILED,
		    "See them: caisson id list. Make one: caisson id new NAME",
		    "there is no identity '%s' at %s", name, path);
	if ((rc = cli_passphrase_given(cli, &secret)) != 0)
		goto out;
	rc = csn_identity_load(cli->ctx, path,
	    secret.given ? secret.text : NULL, secret.len, out);
	if (rc == CSN_E_PASSPHRASE && !secret.given) {
		cli_secret_wipe(&secret);
		if ((rc = cli_passphrase_ask(cli, name, 0, &secret)) != 0)
			goto out;
		rc = csn_identity_load(cli->ctx, path, secret.text,
		    secret.len, out);
	}
	if (rc != 0)
		rc = cli_error_given(cli, rc,
		    "cannot load the identity '%s'", name);
out:
	cli_secret_wipe(&secret);
	return rc;
}

int
cli_identity_load(struct cli *cli, const char *option,
    struct csn_identity **out)
{
	const char *name = cli_opt(cli, option);
	char *found = NULL, *path = NULL;
	int rc;

	if (name == NULL)
		name = getenv("CAISSON_IDENTITY");
	if (name == NULL || name[0] == '\0') {
		if ((rc = only_one(cli, &found)) != 0)
			return rc;
		name = found;
	}
	if ((rc = cli_identity_path(cli, name, &path)) == 0)
		rc = cli_identity_open(cli, name, path, out);
	free(path);
	free(found);
	return rc;
}

int
cli_trust_path(struct cli *cli, char **out)
{
	const char *path = cli_opt(cli, "trust");

	if (path == NULL)
		return cli_home(cli, "trust.json", 0, out);
	if ((*out = strdup(path)) == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	return 0;
}

int
cli_trust_load(struct cli *cli, struct csn_trust **out)
{
	int rc, there;
	char *path;

	if ((rc = cli_trust_path(cli, &path)) != 0)
		return rc;
	rc = cli_there(cli, path, &there);
	if (rc == 0 && !there && cli_opt(cli, "trust") != NULL)
		rc = cli_error(cli, CLI_FAILED, NULL,
		    "there is no trust store %s", path);
	else if (rc == 0 &&
	    (rc = csn_trust_load(cli->ctx, path, out)) != 0)
		rc = cli_error_given(cli, rc, "cannot use the trust store %s",
		    path);
	free(path);
	return rc;
}
