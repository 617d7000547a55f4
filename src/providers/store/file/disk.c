/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file/disk.c - folders, locks and temporary files.
 *
 * Who changes a fan's folder holds flock(2) on it, so conditional changes
 * are atomic between threads and processes alike; a lock ends with its
 * holder. A writer holds one on its temporary file too: that is how what a
 * killed one left is told from what is being written.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <caisson/crypto.h>

#include "base/clock.h"
#include "base/crc32.h"
#include "base/file.h"
#include "net/net.h"
#include "providers/store/file/file.h"

#define TRIES 64

int
csn_file_fail(struct csn_file_store *s, int errnum, const char *path,
    const char *what)
{
	int code = CSN_E_IO;

	if (errnum == ENOSPC || errnum == EDQUOT)
		return csn_fail_errno(s->ctx, CSN_E_QUOTA, "store", errnum,
		    "no room in the file store: %s/%s cannot be %s", s->path,
		    path, what);
	if (errnum == ELOOP)
		return csn_fail(s->ctx, CSN_E_IO, "store", "the file store: "
		    "%s/%s cannot be %s: a symbolic link is in the way, and "
		    "the store follows none; remove it", s->path, path, what);
	if (errnum == ENOMEM)
		code = CSN_E_NOMEM;
	return csn_fail_errno(s->ctx, code, "store", errnum,
	    "the file store: %s/%s cannot be %s", s->path, path, what);
}

/* One part of a path, and no link: ELOOP where it is one. */
static int
open_part(int at, const char *name, int flags, mode_t mode)
{
	struct stat st;
	int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);

	/* What Linux says of a link where a folder is asked for. */
	if (fd < 0 && errno == ENOTDIR)
		errno = fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
	return fd;
}

/* Without openat2(2): a folder at a time. */
static int
open_parts(int at, const char *path, int flags, mode_t mode)
{
	char part[CSN_FILE_LEAF_NAME + CSN_FILE_SPACE_NAME];
	const char *slash;
	int dir = at, next, fd = -1, error;

	while ((slash = strchr(path, '/')) != NULL) {
		(void)snprintf(part, sizeof(part), "%.*s",
		    (int)(slash - path), path);
		next = open_part(dir, part, O_PATH | O_DIRECTORY, 0);
		error = errno;
		if (dir != at)
			(void)close(dir);
		errno = error;
		if ((dir = next) < 0)
			return -1;
		path = slash + 1;
	}
	fd = open_part(dir, path, flags, mode);
	error = errno;
	if (dir != at)
		(void)close(dir);
	errno = error;
	return fd;
}

int
csn_file_open(int at, const char *path, int flags, mode_t mode)
{
	static atomic_int absent;
	struct open_how how = { .flags = (uint64_t)(unsigned)(flags |
	    O_CLOEXEC), .mode = mode, .resolve = RESOLVE_BENEATH |
	    RESOLVE_NO_SYMLINKS };
	long fd;

	if (!atomic_load_explicit(&absent, memory_order_relaxed)) {
		fd = syscall(SYS_openat2, at, path, &how, sizeof(how));
		/* EPERM: a filter of system calls that does not know it. */
		if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
			return (int)fd;
		if (errno == ENOSYS)
			atomic_store_explicit(&absent, 1,
			    memory_order_relaxed);
	}
	return open_parts(at, path, flags, mode);
}

static int
make_folders(struct csn_file_store *s, const struct csn_file_name *name)
{
	int space, error;

	if (mkdirat(s->root, name->space, 0700) != 0 && errno != EEXIST)
		return csn_file_fail(s, errno, name->space, "made");
	space = csn_file_open(s->root, name->space, O_RDONLY | O_DIRECTORY,
	    0);
	if (space < 0 && errno != ENOENT)
		return csn_file_fail(s, errno, name->space, "opened");
	if (space >= 0) {
		error = mkdirat(space, name->fan + strlen(name->space) + 1,
		    0700) != 0 && errno != EEXIST && errno != ENOENT ?
		    errno : 0;
		/* Also where another made it: who knows what that syncs. */
		if (error == 0 && s->sync == CSN_FILE_SYNC_FULL &&
		    fsync(space) != 0)
			error = errno;
		(void)close(space);
		if (error != 0)
			return csn_file_fail(s, error, name->fan, "made");
	}
	if (s->sync == CSN_FILE_SYNC_FULL && fsync(s->root) != 0)
		return csn_file_fail(s, errno, name->space, "made durable");
	return 0;
}

int
csn_file_fan_lock(struct csn_file_store *s, const struct csn_file_name *name,
    int make, int *fan)
{
	uint64_t deadline = csn_net_deadline(s->timeout_ms);
	struct stat st;
	unsigned round, again;
	int fd, rc;

	for (again = 0; again < TRIES; again++) {
		fd = csn_file_open(s->root, name->fan,
		    O_RDONLY | O_DIRECTORY, 0);
		if (fd < 0 && errno == ENOENT) {
			if (!make)
				return CSN_E_NOT_FOUND;
			if ((rc = make_folders(s, name)) != 0)
				return rc;
			continue;
		}
		if (fd < 0)
			return csn_file_fail(s, errno, name->fan, "opened");
		for (round = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; round++) {
			rc = errno;
			if ((rc == EWOULDBLOCK || rc == EINTR) &&
			    csn_net_deadline(0) < deadline) {
				csn_sleep_us(round < 10 ? 50 : 500);
				continue;
			}
			(void)close(fd);
			if (rc != EWOULDBLOCK)
				return csn_file_fail(s, rc, name->fan,
				    "locked");
			return csn_fail(s->ctx, CSN_E_BUSY, "store", "the "
			    "file store: another process has locked %s/%s "
			    "for more than %llu ms; see which with fuser",
			    s->path, name->fan,
			    (unsigned long long)s->timeout_ms);
		}
		/* A drop may have taken it away meanwhile. */
		if (fstat(fd, &st) == 0 && st.st_nlink > 0) {
			*fan = fd;
			return 0;
		}
		(void)close(fd);
	}
	return csn_fail(s->ctx, CSN_E_BUSY, "store", "the file store: %s/%s "
	    "is dropped again and again", s->path, name->space);
}

int
csn_file_fan_try(int parent, const char *path)
{
	int fd = csn_file_open(parent, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

void
csn_file_fan_unlock(int fan)
{
	/* A forked child may still have the description: say it aloud. */
	(void)flock(fan, LOCK_UN);
	(void)close(fan);
}

/* A fresh file that is ours: locked before anyone could clean it away. */
static int
temp_open(struct csn_file_store *s, struct csn_file_temp *t)
{
	uint8_t id[12];
	char hex[2 * sizeof(id) + 1];
	struct stat st;
	unsigned tries;
	int rc;

	for (tries = 0; tries < TRIES; tries++) {
		if ((rc = csn_random(s->ctx, id, sizeof(id))) != 0)
			return rc;
		csn_hex_encode(id, sizeof(id), hex);
		(void)snprintf(t->name, sizeof(t->name), "%s/%s",
		    CSN_FILE_TEMP, hex);
		t->fd = csn_file_open(s->root, t->name,
		    O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (t->fd < 0 && errno == ENOENT &&
		    mkdirat(s->root, CSN_FILE_TEMP, 0700) == 0)
			continue;
		if (t->fd < 0 && errno == EEXIST)
			continue;
		if (t->fd < 0)
			return csn_file_fail(s, errno, t->name, "made");
		if (flock(t->fd, LOCK_EX | LOCK_NB) == 0 &&
		    fstat(t->fd, &st) == 0 && st.st_nlink == 1)
			return 0;
		(void)close(t->fd);
	}
	return csn_fail(s->ctx, CSN_E_BUSY, "store", "the file store: no "
	    "temporary file can be made in %s/%s", s->path, CSN_FILE_TEMP);
}

static int
write_both(int fd, const uint8_t *head, size_t head_len,
    const uint8_t *value, size_t len)
{
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)head, head_len },
		{ (void *)(uintptr_t)value, len },
	};
	ssize_t n = writev(fd, iov, len > 0 ? 2 : 1);

	if (n < 0 && errno != EINTR)
		return -1;
	if (n < 0)
		n = 0;
	if ((size_t)n < head_len) {
		if (csn_write_all(fd, head + n, head_len - (size_t)n) != 0)
			return -1;
		n = (ssize_t)head_len;
	}
	n -= (ssize_t)head_len;
	return csn_write_all(fd, value + n, len - (size_t)n);
}

int
csn_file_temp_write(struct csn_file_store *s, struct csn_file_head *h,
    const uint8_t *value, struct csn_file_temp *out)
{
	uint8_t head[CSN_FILE_MOST_HEAD];
	uint32_t crc;
	size_t size;
	int rc;

	if (value == NULL)
		value = head;	/* no bytes of it, but not NULL */
	size = csn_file_head_write(h, head, &crc);
	csn_file_head_seal(head, csn_crc32(crc, value, h->len));
	if ((rc = temp_open(s, out)) != 0)
		return rc;
	if (write_both(out->fd, head, size, value, h->len) != 0 ||
	    (s->sync != CSN_FILE_SYNC_NONE && fsync(out->fd) != 0)) {
		rc = csn_file_fail(s, errno, out->name, "written");
		csn_file_temp_drop(s, out);
		return rc;
	}
	return 0;
}

int
csn_file_temp_publish(struct csn_file_store *s, struct csn_file_temp *t,
    int fan, const char *leaf)
{
	int rc = 0;

	if (renameat(s->root, t->name, fan, leaf) != 0)
		return errno;
	if (s->sync == CSN_FILE_SYNC_FULL && fsync(fan) != 0)
		rc = errno;
	(void)close(t->fd);
	t->fd = -1;
	return rc;
}

void
csn_file_temp_drop(struct csn_file_store *s, struct csn_file_temp *t)
{
	if (t->fd < 0)
		return;
	(void)unlinkat(s->root, t->name, 0);
	(void)close(t->fd);
	t->fd = -1;
}

/* A folder and everything below it, depth folders deep at most. */
static int
remove_tree(int parent, const char *name, int depth)
{
	struct dirent *d;
	DIR *dir;
	int fd;

	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NOFOLLOW);
	if (fd < 0)
		return unlinkat(parent, name, 0);
	if ((dir = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return -1;
	}
	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0)
			continue;
		if (depth == 0 || d->d_type == DT_REG)
			(void)unlinkat(fd, d->d_name, 0);
		else
			(void)remove_tree(fd, d->d_name, depth - 1);
	}
	(void)closedir(dir);
	return unlinkat(parent, name, AT_REMOVEDIR);
}

int
csn_file_drop(struct csn_file_store *s, const char *space_name)
{
	char to[26], hex[25];
	uint8_t id[12];
	int rc, tries, temp;

	if ((rc = csn_random(s->ctx, id, sizeof(id))) != 0)
		return rc;
	csn_hex_encode(id, sizeof(id), hex);
	(void)snprintf(to, sizeof(to), "d%s", hex);
	temp = csn_file_open(s->root, CSN_FILE_TEMP, O_RDONLY | O_DIRECTORY,
	    0);
	/* Who writes values makes it first. */
	if (temp < 0)
		return errno == ENOENT ? 0 :
		    csn_file_fail(s, errno, CSN_FILE_TEMP, "opened");
	/* Out of sight at once; a writer in it came just before. */
	if (renameat(s->root, space_name, temp, to) != 0) {
		if (errno != ENOENT)
			rc = csn_file_fail(s, errno, space_name, "dropped");
		goto out;
	}
	for (tries = 0; tries < TRIES; tries++) {
		if (remove_tree(temp, to, 2) == 0 || errno == ENOENT)
			break;
		if (errno != ENOTEMPTY && errno != EEXIST) {
			rc = csn_file_fail(s, errno, space_name, "removed");
			goto out;
		}
	}
	if (s->sync == CSN_FILE_SYNC_FULL && fsync(s->root) != 0)
		rc = csn_file_fail(s, errno, space_name, "made durable");

out:
	(void)close(temp);
	return rc;
}

void
csn_file_clean(struct csn_file_store *s)
{
	struct dirent *d;
	DIR *dir;
	int fd, temp;

	fd = openat(s->root, CSN_FILE_TEMP, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if ((dir = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		if (d->d_name[0] == 'd' && strlen(d->d_name) == 25) {
			(void)remove_tree(fd, d->d_name, 2);
			continue;
		}
		temp = openat(fd, d->d_name, O_RDONLY | O_CLOEXEC |
		    O_NOFOLLOW | O_NONBLOCK);
		if (temp < 0)
			continue;
		if (flock(temp, LOCK_EX | LOCK_NB) == 0)
			(void)unlinkat(fd, d->d_name, 0);
		(void)close(temp);
	}
	(void)closedir(dir);
}
