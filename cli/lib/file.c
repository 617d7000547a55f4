/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/file.c - inputs, and outputs that appear only when they are whole. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/magic.h>

#include "cli.h"

#define MOST_LINKS 40
#define MOST_PAGE 65536

static int
is_standard(const char *path)
{
	return path == NULL || strcmp(path, "-") == 0;
}

static const char *
in_name(const char *path)
{
	return is_standard(path) ? "standard input" : path;
}

/* An input that is closed is not an empty one. */
static int
standard_in(struct cli *cli)
{
	int flags = fcntl(STDIN_FILENO, F_GETFL);

	if (flags >= 0 && (flags & O_PATH) == 0 &&
	    (flags & O_ACCMODE) != O_WRONLY)
		return STDIN_FILENO;
	(void)cli_error(cli, CLI_FAILED, "Name a file, or give it an input: "
	    "< FILE", "standard input is closed");
	return -1;
}

int
cli_in_open(struct cli *cli, const char *path)
{
	struct stat st;
	int fd;

	if (is_standard(path))
		return standard_in(cli);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
		(void)cli_error_sys(cli, errno, "cannot open %s", path);
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)cli_error_sys(cli, EISDIR, "cannot read %s", path);
		close(fd);
		return -1;
	}
	return fd;
}

/* Wait where a descriptor does not by itself; a signal ends it. */
static void
wait_for(int fd, short events)
{
	struct pollfd p = { fd, events, 0 };

	(void)poll(&p, 1, -1);
}

uint64_t
cli_in_size(int fd)
{
	struct stat st;
	off_t at;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (at = lseek(fd, 0, SEEK_CUR)) < 0 || at >= st.st_size)
		return 0;
	/* What the kernel makes up says a page, and takes no block. */
	if (st.st_blocks == 0 && st.st_size <= MOST_PAGE)
		return 0;
	return (uint64_t)(st.st_size - at);
}

int
cli_in_whole(struct cli *cli, const char *path, uint64_t size, uint64_t got)
{
	if (got >= size)
		return 0;
	return cli_error(cli, CLI_FAILED, "Leave it as it is meanwhile.",
	    "%s was cut while it was read: it had %llu bytes, and %llu could "
	    "be read", in_name(path), (unsigned long long)size,
	    (unsigned long long)got);
}

int
cli_in_read(struct cli *cli, int fd, const char *path, void *buf, size_t cap,
    size_t *got)
{
	uint8_t *p = buf;
	ssize_t n;

	*got = 0;
	while (*got < cap) {
		if (cli_interrupted())
			return cli_error(cli, CLI_FAILED, NULL,
			    "stopped by a signal");
		n = read(fd, p + *got, cap - *got);
		if (n < 0 && errno == EAGAIN)
			wait_for(fd, POLLIN);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return cli_error_sys(cli, errno, "cannot read %s",
			    in_name(path));
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return 0;
}

int
cli_file_check(struct cli *cli, const char *path)
{
	int rc;

	if (is_standard(path) ||
	    (rc = csn_file_check(cli->ctx, path)) == 0 ||
	    rc == CSN_E_NOT_FOUND)
		return 0;
	return cli_error_given(cli, rc, "%s cannot be used", path);
}

int
cli_read_file(struct cli *cli, const char *path, size_t max, uint8_t **out,
    size_t *len)
{
	size_t cap = 65536, n;
	uint8_t *p = NULL, *grown;
	int fd, rc = CLI_FAILED;
	uint64_t size;

	*out = NULL;
	*len = 0;
	if ((fd = cli_in_open(cli, path)) < 0)
		return CLI_FAILED;
	size = cli_in_size(fd);
	for (;;) {
		/* Not realloc: what it leaves behind cannot be wiped. */
		if ((grown = malloc(cap)) == NULL) {
			rc = cli_error(cli, CLI_FAILED, NULL, "out of memory");
			goto err;
		}
		if (*len > 0) {
			memcpy(grown, p, *len);
			csn_wipe(p, *len);
		}
		free(p);
		p = grown;
		if ((rc = cli_in_read(cli, fd, path, p + *len, cap - *len,
		    &n)) != 0)
			goto err;
		*len += n;
		if (*len > max) {
			rc = cli_error(cli, CLI_USAGE, NULL,
			    "%s is larger than %zu bytes, too large for what "
			    "it should be", in_name(path), max);
			goto err;
		}
		if (*len < cap)
			break;
		cap *= 2;
	}
	if ((rc = cli_in_whole(cli, path, size, *len)) != 0)
		goto err;
	if (fd != STDIN_FILENO)
		close(fd);
	*out = p;
	return 0;

err:
	if (p != NULL)
		csn_wipe(p, *len);
	free(p);
	*len = 0;
	if (fd != STDIN_FILENO)
		close(fd);
	return rc;
}

static const char *
out_name(const struct cli_out *out)
{
	return is_standard(out->path) ? "standard output" : out->path;
}

static int
cannot_write(struct cli_out *out, int error)
{
	cli_out_abort(out);
	return cli_error_sys(out->cli, error, "cannot write %s", out->path);
}

/* The last part of path, and in *folder (free) what is before it, resolved. */
static const char *
split(const char *path, char **folder)
{
	const char *slash = strrchr(path, '/');
	char *before;

	before = slash == NULL ? strdup(".") : slash == path ? strdup("/") :
	    strndup(path, (size_t)(slash - path));
	*folder = before == NULL ? NULL : realpath(before, NULL);
	free(before);
	return slash == NULL ? path : slash + 1;
}

/*
 * Where path leads to: links are followed one by one, since one that the
 * proc file system keeps, as /dev/stdout is, stands for a descriptor that is
 * open and for no file that could be replaced. *folder and *name are free's;
 * *proc is 1 in such a folder. -1 with errno.
 */
static int
follow(const char *path, char **folder, char **name, int *proc)
{
	char target[PATH_MAX], *next = strdup(path), *full;
	struct statfs fs;
	ssize_t n;
	int links;

	for (links = 0; next != NULL && links < MOST_LINKS; links++) {
		*name = strdup(split(next, folder));
		free(next);
		next = NULL;
		if (*name == NULL || *folder == NULL)
			break;
		*proc = statfs(*folder, &fs) == 0 &&
		    fs.f_type == PROC_SUPER_MAGIC;
		if (asprintf(&full, "%s/%s", *folder, *name) < 0)
			break;
		n = *proc ? -1 : readlink(full, target, sizeof(target) - 1);
		free(full);
		if (n < 0)
			return 0;
		target[n] = '\0';
		if (target[0] == '/')
			next = strdup(target);
		else if (asprintf(&next, "%s/%s", *folder, target) < 0)
			next = NULL;
		free(*folder);
		free(*name);
		*folder = *name = NULL;
	}
	if (links == MOST_LINKS)
		errno = ELOOP;
	free(next);
	free(*folder);
	free(*name);
	*folder = *name = NULL;
	return -1;
}

/* The number of a descriptor of ours, by its folder and name, or -1. */
static int
own_fd(const char *folder, const char *name)
{
	char own[PATH_MAX], *end;
	long n;

	if (realpath("/proc/self/fd", own) == NULL ||
	    strcmp(folder, own) != 0 || name[0] < '0' || name[0] > '9')
		return -1;
	n = strtol(name, &end, 10);
	return *end == '\0' && n <= INT_MAX ? (int)n : -1;
}

/* A descriptor that is open: written as it comes, where it stands. */
static int
open_in_place(struct cli_out *out, const char *folder, const char *name)
{
	int own = folder == NULL ? -1 : own_fd(folder, name);

	out->in_place = 1;
	/* Anew only where it is not ours: that would begin at its start. */
	out->fd = own < 0 ? open(out->path, O_WRONLY | O_CLOEXEC) :
	    fcntl(own, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return out->fd < 0 ? cannot_write(out, errno) : 0;
}

/* ".caisson-" and 16 digits: short, whatever the output's name is. */
static int
temp_name(char out[CLI_TEMP_SIZE])
{
	uint8_t random[8];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -1;
	memcpy(out, ".caisson-", 9);
	cli_hex(random, sizeof(random), out + 9);
	return 0;
}

/*
 * A file without a name, so that nothing is left where the program is killed;
 * where the file system has no such, one with a temporary name. It is 0600
 * until it is whole.
 */
static int
make_temp(struct cli_out *out)
{
	if (access("/proc/self/fd", X_OK) == 0 && (out->fd = openat(
	    out->folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600)) >= 0)
		return 0;
	do {
		if (temp_name(out->temp) != 0)
			break;
		out->fd = openat(out->folder, out->temp, O_WRONLY | O_CREAT |
		    O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	} while (out->fd < 0 && errno == EEXIST);
	if (out->fd < 0)
		out->temp[0] = '\0';
	return out->fd < 0 ? -1 : 0;
}

int
cli_out_open(struct cli *cli, const char *path, mode_t mode, int replace,
    struct cli_out *out)
{
	char *folder = NULL;
	struct stat st;
	int proc = 0, rc = 0;
	mode_t mask;

	memset(out, 0, sizeof(*out));
	out->cli = cli;
	out->path = path;
	out->replace = replace;
	out->folder = -1;
	if (is_standard(path)) {
		out->fd = STDOUT_FILENO;
		out->in_place = 1;
		return 0;
	}
	out->fd = -1;
	if (follow(path, &folder, &out->name, &proc) != 0)
		return cannot_write(out, errno);
	if (proc || (stat(path, &st) == 0 && !S_ISREG(st.st_mode))) {
		rc = open_in_place(out, proc ? folder : NULL, out->name);
		goto out;
	}
	if (!replace && lstat(path, &st) == 0) {
		rc = cli_error(cli, CLI_USAGE,
		    "Choose another name, or say --force to replace it.",
		    "%s is there already, it was left alone", path);
		goto out;
	}
	mask = umask(0);
	umask(mask);
	out->mode = mode & ~mask;
	/* One that may be written but not listed cannot be synced either. */
	out->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out->folder < 0 && errno == EACCES)
		out->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (out->folder < 0 || make_temp(out) != 0)
		rc = cannot_write(out, errno);
out:
	free(folder);
	if (rc != 0)
		cli_out_abort(out);
	return rc;
}

int
cli_out_write(struct cli_out *out, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	ssize_t n;

	while (len > 0) {
		if (cli_interrupted())
			return cli_error(out->cli, CLI_FAILED, NULL,
			    "stopped by a signal");
		n = write(out->fd, p, len);
		if (n < 0 && errno == EAGAIN)
			wait_for(out->fd, POLLOUT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return cli_error_sys(out->cli, errno,
			    "cannot write %s", out_name(out));
		p += n;
		len -= (size_t)n;
		out->written += (size_t)n;
	}
	return 0;
}

/* A name, if it is free, for what is written. -1 with errno. */
static int
link_as(struct cli_out *out, const char *name)
{
	char from[32];

	if (out->temp[0] != '\0')
		return linkat(out->folder, out->temp, out->folder, name, 0);
	snprintf(from, sizeof(from), "/proc/self/fd/%d", out->fd);
	return linkat(AT_FDCWD, from, out->folder, name, AT_SYMLINK_FOLLOW);
}

/* Replace what is there: that takes a name first. -1 with errno. */
static int
rename_over(struct cli_out *out)
{
	char temp[CLI_TEMP_SIZE];

	while (out->temp[0] == '\0') {
		if (temp_name(temp) != 0)
			return -1;
		if (link_as(out, temp) == 0)
			memcpy(out->temp, temp, sizeof(temp));
		else if (errno != EEXIST)
			return -1;
	}
	return renameat(out->folder, out->temp, out->folder, out->name);
}

static int
give_name(struct cli_out *out)
{
	int rc;

	if (out->replace) {
		rc = rename_over(out);
	} else {
		rc = link_as(out, out->name);
		/* It refuses a name that someone took in the meantime. */
		if (rc == 0 && out->temp[0] != '\0')
			rc = unlinkat(out->folder, out->temp, 0);
		else if (rc != 0 && errno != EEXIST && out->temp[0] != '\0')
			/* A file system without links. */
			rc = (int)syscall(SYS_renameat2, out->folder,
			    out->temp, out->folder, out->name,
			    RENAME_NOREPLACE);
	}
	if (rc == 0)
		out->temp[0] = '\0';
	return rc;
}

int
cli_out_commit(struct cli_out *out)
{
	int rc = 0;

	if (out->in_place) {
		if (out->fd > STDERR_FILENO && close(out->fd) != 0)
			rc = cli_error_sys(out->cli, errno,
			    "cannot write %s", out_name(out));
		out->fd = -1;
		cli_out_abort(out);
		return rc;
	}
	if (out->mode != 0600 && fchmod(out->fd, out->mode) != 0)
		return cannot_write(out, errno);
	if (fsync(out->fd) != 0 || give_name(out) != 0)
		return cannot_write(out, errno);
	/* A name lasts through a power cut once its folder is on the disk. */
	if (fsync(out->folder) != 0 && errno != EINVAL && errno != EBADF)
		rc = cli_error_sys(out->cli, errno, "%s is written, but its "
		    "folder is not on the disk yet", out->path);
	cli_out_abort(out);
	return rc;
}

void
cli_out_abort(struct cli_out *out)
{
	int saved = errno;

	if (out->temp[0] != '\0')
		(void)unlinkat(out->folder, out->temp, 0);
	out->temp[0] = '\0';
	if (out->fd > STDERR_FILENO)
		close(out->fd);
	out->fd = -1;
	if (out->folder > STDERR_FILENO)
		close(out->folder);
	out->folder = -1;
	free(out->name);
	out->name = NULL;
	errno = saved;
}

int
cli_write_file(struct cli *cli, const char *path, mode_t mode, int replace,
    const void *p, size_t len)
{
	struct cli_out out;
	int rc;

	if ((rc = cli_out_open(cli, path, mode, replace, &out)) != 0)
		return rc;
	if ((rc = cli_out_write(&out, p, len)) != 0) {
		cli_out_abort(&out);
		return rc;
	}
	return cli_out_commit(&out);
}
