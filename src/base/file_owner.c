/* SPDX-License-Identifier: Apache-2.0 */
/* base/file_owner.c - who could have written what is about to be believed. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/file_owner.h"

#define PASSWD "/etc/passwd"
#define MAX_ACCOUNTS (1u << 20)	/* bytes of a group with all its members */

static int
is_ours(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static int
name_is_ours(const char *name)
{
	struct passwd pw, *found;
	char buf[4096];

	return getpwnam_r(name, &pw, buf, sizeof(buf), &found) == 0 &&
	    found != NULL && is_ours(found->pw_uid);
}

/* Whose first group it is: a group does not list those among its members. 1
 * also where that cannot be known. */
static int
is_first_group_of_another(gid_t gid)
{
	char *line = NULL, *p;
	unsigned long uid, first;
	size_t cap = 0;
	int found = 0;
	FILE *f;

	if ((f = fopen(PASSWD, "re")) == NULL)
		return 1;
	while (!found && getline(&line, &cap, f) > 0) {
		/* name:password:uid:gid:… */
		if ((p = strchr(line, ':')) == NULL ||
		    (p = strchr(p + 1, ':')) == NULL ||
		    sscanf(p, ":%lu:%lu:", &uid, &first) != 2)
			continue;
		found = first == gid && !is_ours((uid_t)uid);
	}
	free(line);
	(void)fclose(f);
	return found;
}

/* 1 also where that cannot be known. */
static int
has_another_member(gid_t gid)
{
	struct group gr, *found = NULL;
	size_t cap = 1024;
	char *buf = NULL, **m;
	int rc, another = 1;

	do {
		cap *= 2;
		free(buf);
		if ((buf = malloc(cap)) == NULL)
			return 1;
		rc = getgrgid_r(gid, &gr, buf, cap, &found);
	} while ((rc == ERANGE || rc == EINTR) && cap < MAX_ACCOUNTS);
	if (rc == 0 && found != NULL) {
		another = is_first_group_of_another(gid);
		for (m = gr.gr_mem; *m != NULL && !another; m++)
			another = !name_is_ours(*m);
	}
	free(buf);
	return another;
}

/*
 * An access list shows its mask in the place of the group's bits, so a group
 * of one's own may stand for anybody there.
 */
static int
has_access_list(const char *path)
{
	return getxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

/* what is "" or says which folder this is. */
static int
check(struct csn_ctx *ctx, const char *what, const char *path,
    const struct stat *st)
{
	if (!is_ours(st->st_uid))
		return csn_fail(ctx, CSN_E_POLICY, "base", "%s%s belongs to "
		    "user %lu, who is neither you nor root and can change it "
		    "at any time: check it, then run chown %lu %s", what,
		    path, (unsigned long)st->st_uid,
		    (unsigned long)geteuid(), path);
	if (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0)
		return 0;
	if ((st->st_mode & 002) != 0)
		return csn_fail(ctx, CSN_E_POLICY, "base", "everybody can "
		    "write %s%s (mode %04o): check it, then run chmod go-w %s",
		    what, path, (unsigned)(st->st_mode & 07777), path);
	if ((st->st_mode & 020) != 0 && (has_access_list(path) ||
	    has_another_member(st->st_gid)))
		return csn_fail(ctx, CSN_E_POLICY, "base", "others of group "
		    "%lu can write %s%s (mode %04o): check it, then run chmod "
		    "g-w %s", (unsigned long)st->st_gid, what, path,
		    (unsigned)(st->st_mode & 07777), path);
	return 0;
}

static int
check_folder(struct csn_ctx *ctx, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct stat st;
	size_t len;

	len = slash == NULL ? 0 : (size_t)(slash - path);
	if (len >= sizeof(folder))
		return csn_fail_errno(ctx, CSN_E_IO, "base", ENAMETOOLONG,
		    "%s", path);
	memcpy(folder, path, len);
	folder[len] = '\0';
	if (len == 0)
		memcpy(folder, slash == NULL ? "." : "/", 2);
	if (stat(folder, &st) != 0)
		return csn_fail_errno(ctx, CSN_E_IO, "base", errno,
		    "%s cannot be looked at", folder);
	return check(ctx, "the folder ", folder, &st);
}

int
csn_file_check_owner(struct csn_ctx *ctx, const char *path,
    const struct stat *st)
{
	char *real;
	int rc;

	if (!S_ISREG(st->st_mode))
		return 0;
	if ((rc = check(ctx, "", path, st)) != 0 ||
	    (rc = check_folder(ctx, path)) != 0)
		return rc;
	/* Where a symbolic link leads: that folder counts as well. */
	if ((real = realpath(path, NULL)) == NULL)
		return 0;
	if (strcmp(real, path) != 0)
		rc = check_folder(ctx, real);
	free(real);
	return rc;
}

int
csn_file_check(struct csn_ctx *ctx, const char *path)
{
	struct stat st;

	if (path == NULL)
		return csn_fail(ctx, CSN_E_ARG, "base", "no path is given");
	if (stat(path, &st) != 0)
		return csn_fail_errno(ctx, errno == ENOENT ?
		    CSN_E_NOT_FOUND : CSN_E_IO, "base", errno,
		    "%s cannot be looked at", path);
	return csn_file_check_owner(ctx, path, &st);
}
