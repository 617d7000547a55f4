/* SPDX-License-Identifier: Apache-2.0 */
/* disk.c - the calls that change files, recorded and failed. */

/* Both names of each call are meant here: open and open64. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "lib/disk.h"
#include "lib/disk_model.h"

#define REAL(type, name, ...)						\
	static type (*real)(__VA_ARGS__);				\
	if (real == NULL)						\
		*(void **)&real = dlsym(RTLD_NEXT, name)

static struct {
	pthread_mutex_t lock;
	int on;
	unsigned counts[DISK_OPS];
	long fail_at;
	int fail_error, fail_kind, failed;
	int write_error;	/* the rest of a write that was cut short */
	void (*hook)(void *arg, enum disk_op op);
	void *hook_arg;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER, .fail_at = -1,
    .fail_kind = DISK_OPS };

/* The folder that a path lies in, if it is watched; its last name. */
static struct disk_node *
parent_of(int at, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char *folder;
	struct stat st;
	int rc;

	*name = slash == NULL ? path : slash + 1;
	if (slash == NULL)
		folder = strdup(".");
	else if (slash == path)
		folder = strdup("/");
	else
		folder = strndup(path, (size_t)(slash - path));
	rc = folder == NULL ? -1 : fstatat(at, folder, &st, 0);
	free(folder);
	return rc != 0 ? NULL : disk_node_of(&st);
}

static struct disk_node *
node_at(int at, const char *path, int flags)
{
	struct stat st;

	return fstatat(at, path, &st, flags) != 0 ? NULL : disk_node_of(&st);
}

static struct disk_node *
node_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) != 0 ? NULL : disk_node_of(&st);
}

/*
 * Begin a call that changes what is watched: -1 with errno where it is to
 * fail. The lock is held afterwards, so that the order is the disk's.
 */
static int
begin(enum disk_op op)
{
	if (disk.hook != NULL)
		disk.hook(disk.hook_arg, op);
	(void)pthread_mutex_lock(&disk.lock);
	disk.counts[op]++;
	if (disk.fail_at < 0 || (disk.fail_kind != DISK_OPS &&
	    disk.fail_kind != (int)op))
		return 0;
	if (disk.fail_at-- > 0)
		return 0;
	disk.failed = 1;
	errno = disk.fail_error;
	return -1;
}

static void
end(void)
{
	int saved = errno;

	(void)pthread_mutex_unlock(&disk.lock);
	errno = saved;
}

/* --- open --------------------------------------------------------------- */

static int
real_openat(int at, const char *path, int flags, mode_t mode)
{
	REAL(int, "openat", int, const char *, int, ...);
	return real(at, path, flags, mode);
}

static int
opened(int at, const char *path, int flags, mode_t mode,
    const struct open_how *how)
{
	REAL(long, "syscall", long, ...);
	struct disk_node *dir, *node;
	const char *name = NULL;
	struct stat st;
	int fd, makes, temp = (flags & O_TMPFILE) == O_TMPFILE;

	dir = !disk.on || !(flags & (O_CREAT | O_TRUNC | O_TMPFILE)) ? NULL :
	    temp ? node_at(at, path, 0) : parent_of(at, path, &name);
	makes = temp || fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) != 0;
	if (dir != NULL && begin(makes ? DISK_MAKE : DISK_CUT) != 0) {
		end();
		return -1;
	}
	fd = how != NULL ? (int)real(SYS_openat2, at, path, how,
	    sizeof(*how)) : real_openat(at, path, flags, mode);
	if (dir == NULL)
		return fd;
	if (fd >= 0 && makes && fstat(fd, &st) == 0) {
		node = disk_node_new(&st);
		if (!temp)
			disk_record_name(DISK_MAKE, NULL, NULL, dir, name,
			    node);
	} else if (fd >= 0 && (flags & O_TRUNC) && node_of(fd) != NULL) {
		disk_record_cut(node_of(fd), 0);
	}
	end();
	return fd;
}

#define OPEN_MODE(mode, flags)						\
	do {								\
		va_list ap;						\
		va_start(ap, flags);					\
		mode = (flags) & (O_CREAT | O_TMPFILE) ?		\
		    va_arg(ap, mode_t) : 0;				\
		va_end(ap);						\
	} while (0)

int
open(const char *path, int flags, ...)
{
	mode_t mode;

	OPEN_MODE(mode, flags);
	return opened(AT_FDCWD, path, flags, mode, NULL);
}

int
open64(const char *path, int flags, ...)
{
	mode_t mode;

	OPEN_MODE(mode, flags);
	return opened(AT_FDCWD, path, flags, mode, NULL);
}

int
openat(int at, const char *path, int flags, ...)
{
	mode_t mode;

	OPEN_MODE(mode, flags);
	return opened(at, path, flags, mode, NULL);
}

int
openat64(int at, const char *path, int flags, ...)
{
	mode_t mode;

	OPEN_MODE(mode, flags);
	return opened(at, path, flags, mode, NULL);
}

/* --- bytes -------------------------------------------------------------- */

/* What a call wrote, at offset, or (below 0) before where fd stands now. */
static void
wrote(int fd, const struct iovec *iov, int n, off_t offset, ssize_t len)
{
	struct disk_node *node = node_of(fd);
	size_t part;
	int i, saved = errno;

	if (offset < 0)
		offset = lseek(fd, 0, SEEK_CUR) - len;
	for (i = 0; i < n && len > 0; i++) {
		part = iov[i].iov_len < (size_t)len ? iov[i].iov_len :
		    (size_t)len;
		disk_record_write(node, offset, iov[i].iov_base, part);
		offset += (off_t)part;
		len -= (ssize_t)part;
	}
	errno = saved;
}

static ssize_t
written(int fd, const struct iovec *iov, int n, off_t offset)
{
	REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t);
	static ssize_t (*plain)(int, const struct iovec *, int);
	struct iovec half = iov[0];
	ssize_t done;

	if (plain == NULL)
		*(void **)&plain = dlsym(RTLD_NEXT, "writev");
	if (!disk.on || node_of(fd) == NULL)
		return offset < 0 ? plain(fd, iov, n) :
		    real(fd, iov, n, offset);
	if (begin(DISK_WRITE) != 0) {
		if (half.iov_len < 2) {
			end();
			return -1;
		}
		disk.write_error = disk.fail_error;
		half.iov_len /= 2;
		iov = &half;
		n = 1;
	} else if (disk.write_error != 0) {
		errno = disk.write_error;
		disk.write_error = 0;
		end();
		return -1;
	}
	done = offset < 0 ? plain(fd, iov, n) : real(fd, iov, n, offset);
	if (done > 0)
		wrote(fd, iov, n, offset, done);
	end();
	return done;
}

ssize_t
write(int fd, const void *p, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)p, len };

	return written(fd, &iov, 1, -1);
}

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	return written(fd, iov, n, -1);
}

ssize_t
pwrite(int fd, const void *p, size_t len, off_t offset)
{
	struct iovec iov = { (void *)(uintptr_t)p, len };

	return written(fd, &iov, 1, offset);
}

ssize_t
pwrite64(int fd, const void *p, size_t len, off64_t offset)
{
	struct iovec iov = { (void *)(uintptr_t)p, len };

	return written(fd, &iov, 1, (off_t)offset);
}

int
ftruncate(int fd, off_t len)
{
	REAL(int, "ftruncate", int, off_t);
	int rc;

	if (!disk.on || node_of(fd) == NULL)
		return real(fd, len);
	if ((rc = begin(DISK_CUT)) == 0 && (rc = real(fd, len)) == 0)
		disk_record_cut(node_of(fd), len);
	end();
	return rc;
}

int
ftruncate64(int fd, off64_t len)
{
	return ftruncate(fd, (off_t)len);
}

static int
synced(int fd)
{
	struct disk_node *node = disk.on ? node_of(fd) : NULL;
	REAL(int, "fsync", int);
	int rc;

	if (node == NULL)
		return real(fd);
	/* Nothing of this is on a disk: recording it is enough. */
	if ((rc = begin(disk_is_folder(node) ? DISK_SYNC_FOLDER :
	    DISK_SYNC)) == 0)
		disk_record_sync(node);
	end();
	return rc;
}

int
fsync(int fd)
{
	return synced(fd);
}

int
fdatasync(int fd)
{
	return synced(fd);
}

int
fchmod(int fd, mode_t mode)
{
	REAL(int, "fchmod", int, mode_t);
	int rc = real(fd, mode);

	if (rc == 0 && disk.on && node_of(fd) != NULL)
		disk_record_mode(node_of(fd), mode);
	return rc;
}

/* --- names -------------------------------------------------------------- */

static int
renamed(int from_at, const char *from, int to_at, const char *to,
    unsigned flags)
{
	REAL(int, "renameat2", int, const char *, int, const char *,
	    unsigned);
	struct disk_node *from_dir, *to_dir, *node;
	const char *from_name, *to_name;
	int rc;

	if (!disk.on ||
	    (to_dir = parent_of(to_at, to, &to_name)) == NULL)
		return real(from_at, from, to_at, to, flags);
	from_dir = parent_of(from_at, from, &from_name);
	node = node_at(from_at, from, AT_SYMLINK_NOFOLLOW);
	if ((rc = begin(DISK_RENAME)) == 0 &&
	    (rc = real(from_at, from, to_at, to, flags)) == 0)
		disk_record_name(DISK_RENAME, from_dir, from_name, to_dir,
		    to_name, node);
	end();
	return rc;
}

int
rename(const char *from, const char *to)
{
	return renamed(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
renameat(int from_at, const char *from, int to_at, const char *to)
{
	return renamed(from_at, from, to_at, to, 0);
}

int
renameat2(int from_at, const char *from, int to_at, const char *to,
    unsigned flags)
{
	return renamed(from_at, from, to_at, to, flags);
}

int
linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
	REAL(int, "linkat", int, const char *, int, const char *, int);
	struct disk_node *dir, *node;
	const char *name;
	int rc;

	if (!disk.on || (dir = parent_of(to_at, to, &name)) == NULL)
		return real(from_at, from, to_at, to, flags);
	node = node_at(from_at, from, flags & AT_SYMLINK_FOLLOW ? 0 :
	    AT_SYMLINK_NOFOLLOW);
	if ((rc = begin(DISK_LINK)) == 0 &&
	    (rc = real(from_at, from, to_at, to, flags)) == 0)
		disk_record_name(DISK_LINK, NULL, NULL, dir, name, node);
	end();
	return rc;
}

int
link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int
unlinkat(int at, const char *path, int flags)
{
	REAL(int, "unlinkat", int, const char *, int);
	struct disk_node *dir;
	const char *name;
	int rc;

	if (!disk.on || (dir = parent_of(at, path, &name)) == NULL)
		return real(at, path, flags);
	if ((rc = begin(DISK_UNLINK)) == 0 &&
	    (rc = real(at, path, flags)) == 0)
		disk_record_name(DISK_UNLINK, dir, name, NULL, NULL, NULL);
	end();
	return rc;
}

int
unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int
rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int
mkdirat(int at, const char *path, mode_t mode)
{
	REAL(int, "mkdirat", int, const char *, mode_t);
	struct disk_node *dir;
	const char *name;
	struct stat st;
	int rc;

	if (!disk.on || (dir = parent_of(at, path, &name)) == NULL ||
	    fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return real(at, path, mode);
	if ((rc = begin(DISK_MKDIR)) == 0 &&
	    (rc = real(at, path, mode)) == 0 &&
	    fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		disk_record_name(DISK_MKDIR, NULL, NULL, dir, name,
		    disk_node_new(&st));
	end();
	return rc;
}

int
mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

long
syscall(long number, ...)
{
	REAL(long, "syscall", long, ...);
	const struct open_how *how;
	long a[6];
	va_list ap;
	size_t i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (disk.on && number == SYS_openat2) {
		how = (const struct open_how *)a[2];
		return opened((int)a[0], (const char *)a[1], (int)how->flags,
		    (mode_t)how->mode, how);
	}
	if (disk.on && number == SYS_renameat2)
		return renamed((int)a[0], (const char *)a[1], (int)a[2],
		    (const char *)a[3], (unsigned)a[4]);
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- for the tests ------------------------------------------------------ */

void
disk_watch(const char *folder)
{
	disk.on = 0;
	disk_model_start(folder);
	memset(disk.counts, 0, sizeof(disk.counts));
	disk.write_error = 0;
	disk.on = 1;
}

void
disk_unwatch(void)
{
	disk.on = 0;
	disk.hook = NULL;
	disk.fail_at = -1;
	disk.write_error = 0;
}

void
disk_promise(int n)
{
	(void)pthread_mutex_lock(&disk.lock);
	disk_record_promise(n);
	(void)pthread_mutex_unlock(&disk.lock);
}

unsigned
disk_count(enum disk_op op)
{
	unsigned count;

	(void)pthread_mutex_lock(&disk.lock);
	count = disk.counts[op];
	(void)pthread_mutex_unlock(&disk.lock);
	return count;
}

unsigned
disk_total(void)
{
	unsigned all = 0;
	size_t i;

	for (i = 0; i < DISK_OPS; i++)
		all += disk.counts[i];
	return all;
}

void
disk_fail_at(long n, int error)
{
	disk.failed = 0;
	disk.fail_error = error;
	disk.fail_kind = DISK_OPS;
	disk.fail_at = n;
}

void
disk_fail_kind(enum disk_op op)
{
	disk.fail_kind = (int)op;
}

int
disk_failed(void)
{
	int failed = disk.failed;

	disk.failed = 0;
	disk.fail_at = -1;
	disk.write_error = 0;
	return failed;
}

void
disk_before(void (*hook)(void *arg, enum disk_op op), void *arg)
{
	disk.hook_arg = arg;
	disk.hook = hook;
}
