/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.c - whole files, read, and replaced atomically. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/file_owner.h"
#include "base/text.h"

/* ".caisson-" and 16 hexadecimal digits: short, whatever path's name is. */
#define TEMP_PREFIX ".caisson-"
#define TEMP_SIZE (sizeof(TEMP_PREFIX) + 16)

static int
out_of_memory(struct csn_ctx *ctx, const char *path)
{
	return csn_fail(ctx, CSN_E_NOMEM, "base", "%s: out of memory", path);
}

/* Read fd to its end; a secret may be in it, so what is left is wiped. */
static int
read_all(struct csn_ctx *ctx, const char *path, int fd, size_t max,
    size_t expect, uint8_t **out, size_t *len)
{
	uint8_t *buf = NULL, *more;
	size_t cap = 0, used = 0;
	ssize_t n;
	int rc;

	for (;;) {
		/* A byte more than is used: for the next, or for the NUL. */
		if (used == cap) {
			cap = cap == 0 ? expect + 1 : cap * 2;
			if ((more = csn_realloc(NULL, cap, 1)) == NULL) {
				rc = out_of_memory(ctx, path);
				goto err;
			}
			if (used != 0)
				memcpy(more, buf, used);
			csn_wipe_free(buf, used);
			buf = more;
		}
		n = read(fd, buf + used, cap - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = csn_fail_errno(ctx, CSN_E_IO, "base", errno,
			    "%s cannot be read", path);
			goto err;
		}
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > max) {
			rc = csn_fail(ctx, CSN_E_LIMIT, "base",
			    "%s is larger than %zu bytes", path, max);
			goto err;
		}
	}
	buf[used] = 0;
	*out = buf;
	*len = used;
	return 0;

err:
	csn_wipe_free(buf, used);
	return rc;
}

enum { SECRET = 1, KEPT = 2, TRUSTED = 4 };

static int
read_file(struct csn_ctx *ctx, const char *path, size_t max, unsigned how,
    uint8_t **out, size_t *len)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY, fd, rc;
	size_t expect = 4095;
	struct stat st;

	/* A FIFO of that name would be waited for. */
	if (how & KEPT)
		flags |= O_NONBLOCK;
	if ((fd = open(path, flags)) < 0)
		return csn_fail_errno(ctx, errno == ENOENT ?
		    CSN_E_NOT_FOUND : CSN_E_IO, "base", errno,
		    "%s cannot be opened", path);
	if (fstat(fd, &st) != 0) {
		rc = csn_fail_errno(ctx, CSN_E_IO, "base", errno,
		    "%s cannot be looked at", path);
		goto out;
	}
	if ((how & KEPT) && !S_ISREG(st.st_mode)) {
		rc = csn_fail(ctx, CSN_E_IO, "base",
		    "%s is no regular file", path);
		goto out;
	}
	if ((how & SECRET) && (st.st_mode & 077) != 0) {
		rc = csn_fail(ctx, CSN_E_POLICY, "base",
		    "%s holds a secret, and others than its owner have "
		    "access to it (mode %04o): run chmod 600 %s", path,
		    (unsigned)(st.st_mode & 07777), path);
		goto out;
	}
	if ((how & (SECRET | TRUSTED)) &&
	    (rc = csn_file_check_owner(ctx, path, &st)) != 0)
		goto out;
	if (S_ISREG(st.st_mode) && st.st_size > 0) {
		if ((uintmax_t)st.st_size > max) {
			rc = csn_fail(ctx, CSN_E_LIMIT, "base",
			    "%s has %ju bytes, more than %zu", path,
			    (uintmax_t)st.st_size, max);
			goto out;
		}
		expect = (size_t)st.st_size;
	}
	rc = read_all(ctx, path, fd, max, expect, out, len);

out:
	(void)close(fd);
	return rc;
}

int
csn_file_read(struct csn_ctx *ctx, const char *path, size_t max,
    uint8_t **out, size_t *len)
{
	CSN_UNCANCELLED;
	return read_file(ctx, path, max, 0, out, len);
}

int
csn_file_read_secret(struct csn_ctx *ctx, const char *path, size_t max,
    uint8_t **out, size_t *len)
{
	CSN_UNCANCELLED;
	return read_file(ctx, path, max, SECRET, out, len);
}

int
csn_file_read_kept(struct csn_ctx *ctx, const char *path, size_t max,
    uint8_t **out, size_t *len)
{
	CSN_UNCANCELLED;
	return read_file(ctx, path, max, KEPT | SECRET, out, len);
}

int
csn_file_read_trusted(struct csn_ctx *ctx, const char *path, size_t max,
    uint8_t **out, size_t *len)
{
	return read_file(ctx, path, max, TRUSTED, out, len);
}

int
csn_write_all(int fd, const void *p, size_t len)
{
	CSN_UNCANCELLED;
	const uint8_t *from = p;
	ssize_t n;

	while (len > 0) {
		n = write(fd, from, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * Open the folder that holds path; *name, where given, is the rest of path.
 * -1 with errno.
 */
static int
open_parent(const char *path, const char **name)
{
	const char *slash;
	char *folder;
	int fd, saved;

	slash = strrchr(path, '/');
	if (name != NULL)
		*name = slash != NULL ? slash + 1 : path;
	if (slash == NULL)
		folder = csn_strdup(".");
	else if (slash == path)
		folder = csn_strdup("/");
	else
		folder = csn_memdup(path, (size_t)(slash - path));
	if (folder == NULL) {
		errno = ENOMEM;
		return -1;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	saved = errno;
	free(folder);
	errno = saved;
	return fd;
}

/* fsync a folder; some file systems have nothing to do and say EINVAL. */
static int
sync_folder(int fd)
{
	return fsync(fd) == 0 || errno == EINVAL ? 0 : -1;
}

int
csn_fsync_parent(const char *path)
{
	CSN_UNCANCELLED;
	int fd, rc, saved;

	if ((fd = open_parent(path, NULL)) < 0)
		return -1;
	rc = sync_folder(fd);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return rc;
}

int
csn_file_is_temp(const char *name)
{
	return strncmp(name, TEMP_PREFIX, sizeof(TEMP_PREFIX) - 1) == 0 &&
	    strlen(name) == TEMP_SIZE - 1;
}

/* Fill name. -1 with errno. */
static int
temp_name(char name[TEMP_SIZE])
{
	uint8_t random[8];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -1;
	memcpy(name, TEMP_PREFIX, sizeof(TEMP_PREFIX));
	csn_hex_encode(random, sizeof(random),
	    name + sizeof(TEMP_PREFIX) - 1);
	return 0;
}

/*
 * Open a new file in folder: without a name where the file system can, so
 * that a killed process leaves nothing; else name is filled. -1 with errno.
 */
static int
open_temp(int folder, char name[TEMP_SIZE])
{
	int fd;

	if (access("/proc/self/fd", X_OK) == 0 && (fd = openat(folder, ".",
	    O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600)) >= 0)
		return fd;
	do {
		if (temp_name(name) != 0)
			return -1;
		fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL |
		    O_CLOEXEC | O_NOFOLLOW, 0600);
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		name[0] = '\0';
	return fd;
}

/* Give an open file without a name one that is not taken. -1 with errno. */
static int
link_open(int fd, int folder, const char *name)
{
	char from[32];

	(void)snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, from, folder, name, AT_SYMLINK_FOLLOW);
}

#ifndef RENAME_NOREPLACE
/* musl has neither before its version 1.2.6. */
#define RENAME_NOREPLACE 1
#define renameat2(old_dir, old, new_dir, new, flags) \
	syscall(SYS_renameat2, old_dir, old, new_dir, new, flags)
#endif

/* Rename to a name that is not taken. -1 with errno. */
static int
rename_new(int folder, const char *from, const char *to)
{
	if (renameat2(folder, from, folder, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	/* A file system without that flag: a link does not replace either. */
	if (linkat(folder, from, folder, to, 0) != 0)
		return -1;
	(void)unlinkat(folder, from, 0);
	return 0;
}

/*
 * Give the file its name; temp is the one that it has, or becomes that, and
 * is empty once it is in place. -1 with errno.
 */
static int
put_in_place(int fd, int folder, char temp[TEMP_SIZE], const char *name,
    int replace)
{
	int rc;

	if (temp[0] == '\0' && !replace)
		return link_open(fd, folder, name);
	if (temp[0] == '\0') {
		do {
			rc = temp_name(temp) != 0 ? -1 :
			    link_open(fd, folder, temp);
		} while (rc != 0 && errno == EEXIST);
		if (rc != 0) {
			temp[0] = '\0';
			return -1;
		}
	}
	if ((replace ? renameat(folder, temp, folder, name) :
	    rename_new(folder, temp, name)) != 0)
		return -1;
	temp[0] = '\0';
	return 0;
}

static int
put_file(struct csn_ctx *ctx, const char *path, const void *p, size_t len,
    unsigned mode, int replace)
{
	char temp[TEMP_SIZE] = "";
	const char *name;
	int folder, fd = -1, rc;

	if ((folder = open_parent(path, &name)) < 0)
		return csn_fail_errno(ctx, errno == ENOMEM ? CSN_E_NOMEM :
		    CSN_E_IO, "base", errno,
		    "the folder of %s cannot be opened", path);
	if ((fd = open_temp(folder, temp)) < 0) {
		rc = csn_fail_errno(ctx, CSN_E_IO, "base", errno,
		    "no file can be made beside %s", path);
		goto err;
	}
	/* The mode last: until then nobody else may look. */
	if (csn_write_all(fd, p, len) != 0 || fchmod(fd, mode) != 0 ||
	    fsync(fd) != 0) {
		rc = csn_fail_errno(ctx, CSN_E_IO, "base", errno,
		    "%s cannot be written", path);
		goto err;
	}
	if (put_in_place(fd, folder, temp, name, replace) != 0) {
		rc = !replace && errno == EEXIST ?
		    csn_fail(ctx, CSN_E_EXISTS, "base",
		    "%s is there already", path) :
		    csn_fail_errno(ctx, CSN_E_IO, "base", errno,
		    "%s cannot be put in place", path);
		goto err;
	}
	if (sync_folder(folder) != 0) {
		rc = csn_fail_errno(ctx, CSN_E_IO, "base", errno,
		    "%s is in place, but its folder is not on disk yet",
		    path);
		goto err;
	}
	(void)close(fd);
	(void)close(folder);
	return 0;

err:
	if (fd >= 0)
		(void)close(fd);
	if (temp[0] != '\0')
		(void)unlinkat(folder, temp, 0);
	(void)close(folder);
	return rc;
}

int
csn_file_replace(struct csn_ctx *ctx, const char *path, const void *p,
    size_t len, unsigned mode)
{
	CSN_UNCANCELLED;
	return put_file(ctx, path, p, len, mode, 1);
}

int
csn_file_create(struct csn_ctx *ctx, const char *path, const void *p,
    size_t len, unsigned mode)
{
	CSN_UNCANCELLED;
	return put_file(ctx, path, p, len, mode, 0);
}

/* -1 with errno where there is no folder afterwards. */
static int
make_folder(const char *path, mode_t mode)
{
	struct stat st;
	int saved;

	/* Who is told that a file below it lasts needs its name to last. */
	if (mkdir(path, mode) == 0)
		return csn_fsync_parent(path);
	saved = errno;
	/* Not only EEXIST: on a read-only file system it may be there too. */
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	errno = saved == EEXIST ? ENOTDIR : saved;
	return -1;
}

int
csn_mkdirs(struct csn_ctx *ctx, const char *path, unsigned mode)
{
	CSN_UNCANCELLED;
	char *copy, *p, was;
	int rc = 0;

	if ((copy = csn_strdup(path)) == NULL)
		return out_of_memory(ctx, path);
	p = copy;
	do {
		p += strspn(p, "/");
		p += strcspn(p, "/");
		was = *p;
		*p = '\0';
		if (make_folder(copy, (mode_t)mode) != 0) {
			rc = csn_fail_errno(ctx, errno == ENOMEM ?
			    CSN_E_NOMEM : CSN_E_IO, "base", errno,
			    "the folder %s cannot be made", copy);
			break;
		}
		*p = was;
	} while (was != '\0');
	free(copy);
	return rc;
}
