/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/home.c - where the program keeps its own files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

static int
join(struct cli *cli, const char *a, const char *b, const char *c, char **out)
{
	size_t n = strlen(a) + strlen(b) + strlen(c) + 1;

	if ((*out = malloc(n)) == NULL)
		return cli_error(cli, CLI_FAILED, NULL, "out of memory");
	snprintf(*out, n, "%s%s%s", a, b, c);
	return 0;
}

static int
folder(struct cli *cli, char **out)
{
	const char *dir = getenv("CAISSON_HOME");

	if (dir != NULL && dir[0] != '\0')
		return join(cli, dir, "", "", out);
	/* The XDG Base Directory Specification: relative paths are ignored. */
	dir = getenv("XDG_DATA_HOME");
	if (dir != NULL && dir[0] == '/')
		return join(cli, dir, "/caisson", "", out);
	dir = getenv("HOME");
	if (dir != NULL && dir[0] != '\0')
		return join(cli, dir, "/.local/share/caisson", "", out);
	return cli_error(cli, CLI_USAGE,
	    "Set CAISSON_HOME to a folder of your own.",
	    "there is no home folder, HOME is not set");
}

static int
make_folder(struct cli *cli, char *path)
{
	char *slash = path;
	struct stat st;
	int made;

	do {
		if ((slash = strchr(slash + 1, '/')) != NULL)
			*slash = '\0';
		made = mkdir(path, 0700) == 0 || errno == EEXIST;
		if (!made)
			(void)cli_error_sys(cli, errno,
			    "cannot make the folder %s", path);
		if (slash != NULL)
			*slash = '/';
		if (!made)
			return CLI_FAILED;
	} while (slash != NULL);
	if (stat(path, &st) == 0 && (st.st_mode & 022) != 0)
		cli_note(cli, "caisson: others may write to %s; "
		    "chmod 700 keeps your trust store yours\n", path);
	return 0;
}

int
cli_home(struct cli *cli, const char *rest, int make, char **out)
{
	char *dir;
	int rc;

	if ((rc = folder(cli, &dir)) != 0)
		return rc;
	if (make && (rc = make_folder(cli, dir)) != 0)
		goto out;
	rc = join(cli, dir, rest != NULL ? "/" : "", rest != NULL ? rest : "",
	    out);
out:
	free(dir);
	return rc;
}

int
cli_there(struct cli *cli, const char *path, int *there)
{
	struct stat st;

	*there = stat(path, &st) == 0;
	if (*there || errno == ENOENT)
		return 0;
	return cli_error_sys(cli, errno, "cannot look at %s", path);
}

int
cli_check_name(struct cli *cli, const char *what, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@";
	size_t len = strlen(name);

	if (len >= 1 && len <= 64 && name[0] != '.' && name[0] != '-' &&
	    strspn(name, allowed) == len)
		return 0;
	return cli_error(cli, CLI_USAGE, NULL,
	    "'%s' is no name for %s: letters, digits and ._-@, 1 to 64 of "
	    "them, beginning with a letter or a digit", name, what);
}
