/* SPDX-License-Identifier: Apache-2.0 */
/* cli/id/keep.c - caisson id passphrase and remove: an identity's folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/fs.h>

#include "id.h"

#define HIDDEN ".caisson-"

/*
 * An identity's folder and the one that it is in, which is locked: what
 * HIDDEN folders a crash left there are nobody's then.
 */
struct place {
	struct cli *cli;
	char *path;		/* resolved */
	char *name;		/* in parent */
	char *hidden;		/* in parent too; a name that is free */
	int parent;
};

static const char *const files[] = {
	"sign.pem", "kem.pem", "identity.cose", ".caisson-unfinished"
};

static int
is_ours(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(files[i], name) == 0)
			return 1;
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Nothing but an identity is replaced or removed: 0, or an exit code. */
static int
check_folder(struct cli *cli, const char *path)
{
	struct dirent *e;
	int rc = 0, keys = 0;
	DIR *dir;

	if ((dir = opendir(path)) == NULL)
		return cli_error_sys(cli, errno, "cannot look into %s", path);
	while (rc == 0 && (e = readdir(dir)) != NULL) {
		keys += strcmp(e->d_name, files[0]) == 0;
		if (!is_ours(e->d_name))
			rc = cli_error(cli, CLI_USAGE, "Move it elsewhere.",
			    "%s holds %s, which is no part of an identity",
			    path, e->d_name);
	}
	closedir(dir);
	if (rc == 0 && keys == 0)
		rc = cli_error(cli, CLI_USAGE, "See them: caisson id list",
		    "%s holds no identity", path);
	return rc;
}

/* An identity's files in a folder of parent's, and the folder. */
static int
discard(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	size_t i;

	if (fd < 0)
		return -1;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlinkat(fd, files[i], 0);
	close(fd);
	return unlinkat(parent, name, AT_REMOVEDIR);
}

static void
discard_left(int parent)
{
	int copy = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (strncmp(e->d_name, HIDDEN, strlen(HIDDEN)) == 0 &&
		    strlen(e->d_name) == strlen(HIDDEN) + 16)
			(void)discard(parent, e->d_name);
	if (dir != NULL)
		closedir(dir);
	else if (copy >= 0)
		close(copy);
}

static int
lock_parent(struct place *at)
{
	char *slash = strrchr(at->path, '/'), hex[17];
	uint8_t random[8];

	at->name = slash + 1;
	*slash = '\0';
	at->parent = open(slash == at->path ? "/" : at->path, O_RDONLY |
	    O_DIRECTORY | O_CLOEXEC);
	while (at->parent >= 0 && flock(at->parent, LOCK_EX) != 0)
		if (errno != EINTR || cli_interrupted())
			return -1;
	if (at->parent < 0 || getrandom(random, sizeof(random), 0) !=
	    (ssize_t)sizeof(random))
		return -1;
	discard_left(at->parent);
	cli_hex(random, sizeof(random), hex);
	if (asprintf(&at->hidden, "%s/" HIDDEN "%s", at->path, hex) < 0)
		at->hidden = NULL;
	*slash = '/';
	return at->hidden == NULL ? -1 : 0;
}

/* 0 or an exit code after saying why; leave() in any case. */
static int
enter(struct cli *cli, const char *name, struct place *at)
{
	char *path;
	int rc, there;

	memset(at, 0, sizeof(*at));
	at->cli = cli;
	at->parent = -1;
	if ((rc = cli_identity_path(cli, name, &path)) != 0)
		return rc;
	if ((rc = cli_there(cli, path, &there)) == 0 && !there)
		rc = cli_error(cli, CLI_FAILED, "See them: caisson id list",
		    "there is no identity '%s' at %s", name, path);
	else if (rc == 0 && (at->path = realpath(path, NULL)) == NULL)
		rc = cli_error_sys(cli, errno, "cannot use %s", path);
	else if (rc == 0 && (rc = check_folder(cli, at->path)) == 0 &&
	    lock_parent(at) != 0)
		rc = cli_error_sys(cli, errno, "cannot lock the folder of %s",
		    at->path);
	free(path);
	return rc;
}

static void
leave(struct place *at)
{
	if (at->parent >= 0)
		close(at->parent);
	free(at->hidden);
	free(at->path);
}

static const char *
hidden_name(const struct place *at)
{
	return strrchr(at->hidden, '/') + 1;
}

/* What was hidden goes; what stands under the name is on the disk first. */
static int
drop_hidden(struct place *at)
{
	if (fsync(at->parent) != 0 && errno != EINVAL)
		return cli_error_sys(at->cli, errno, "cannot write the "
		    "folder of %s", at->path);
	if (discard(at->parent, hidden_name(at)) != 0)
		return cli_error_sys(at->cli, errno, "cannot remove %s, which "
		    "holds the former keys", at->hidden);
	(void)fsync(at->parent);
	return 0;
}

/*
 * Both key files change at once or not at all: a new folder is made beside
 * the old one, and the two are exchanged.
 */
static int
rewrite(struct place *at, const struct csn_identity *id,
    const struct cli_secret *secret)
{
	struct cli *cli = at->cli;
	int rc;

	if ((rc = csn_identity_save(cli->ctx, id, at->hidden,
	    secret->given ? secret->text : NULL, secret->len)) != 0)
		rc = cli_error_lib(cli, rc, NULL, "cannot write the keys anew");
	else if (syscall(SYS_renameat2, at->parent, hidden_name(at),
	    at->parent, at->name, RENAME_EXCHANGE) != 0)
		rc = cli_error_sys(cli, errno, "the file system cannot "
		    "exchange two folders, and %s was left as it is",
		    at->path);
	else
		return drop_hidden(at);
	(void)discard(at->parent, hidden_name(at));
	return rc;
}

int
id_passphrase(struct cli *cli)
{
	const int none = cli_opt(cli, "remove") != NULL;
	const char *name = cli_arg(cli, 0);
	struct csn_identity *id = NULL;
	struct cli_secret secret;
	struct place at;
	int rc;

	if ((rc = cli_passphrase_new(cli, &secret)) != 0)
		goto wipe;
	if (none && secret.given) {
		rc = cli_error(cli, CLI_USAGE, NULL, "--remove and a new "
		    "passphrase exclude each other");
		goto wipe;
	}
	if ((rc = enter(cli, name, &at)) != 0 ||
	    (rc = cli_identity_open(cli, name, at.path, &id)) != 0)
		goto out;
	if (!none && !secret.given && (rc = cli_passphrase_ask(cli,
	    "the identity from now on", 1, &secret)) != 0)
		goto out;
	if ((rc = rewrite(&at, id, &secret)) != 0)
		goto out;
	if (cli->json)
		rc = cli_json(cli, json_pack("{s:s, s:b}", "name",
		    csn_identity_name(id), "encrypted", !none));
	else
		cli_note(cli, none ? "The keys are not encrypted any more: "
		    "whoever reads the files has them.\n" : "The keys are "
		    "encrypted under the new passphrase.\n");
out:
	leave(&at);
	csn_identity_free(id);
wipe:
	cli_secret_wipe(&secret);
	return rc;
}

int
id_remove(struct cli *cli)
{
	const char *name = cli_arg(cli, 0);
	struct place at;
	char *todo = NULL;
	int rc;

	if ((rc = enter(cli, name, &at)) != 0)
		goto out;
	if (!cli_force(cli)) {
		if (asprintf(&todo, "Be sure, then: caisson id remove %s "
		    "--force", name) < 0)
			todo = NULL;
		rc = cli_error(cli, CLI_USAGE, todo, "what was sealed to '%s' "
		    "opens never again once its keys are gone", name);
	} else if (renameat(at.parent, at.name, at.parent,
	    hidden_name(&at)) != 0) {
		rc = cli_error_sys(cli, errno, "cannot remove %s", at.path);
	} else if ((rc = drop_hidden(&at)) == 0 && cli->json) {
		rc = cli_json(cli, json_pack("{s:o}", "removed",
		    cli_name(name)));
	} else if (rc == 0) {
		cli_note(cli, "Removed.\n");
	}
out:
	free(todo);
	leave(&at);
	return rc;
}
