/* SPDX-License-Identifier: Apache-2.0 */
/* tsm_seam.c - the library's calls into the model, without a file system. */
#include <errno.h>
#include <unistd.h>

#include "guest/sim/tsm_front.h"
#include "lib/test.h"

#define HANDLES 32

/* How far each handle has been read: the model has no position. */
static size_t positions[HANDLES];

/* What follows the root, or NULL and errno. */
static const char *
below(const char *path)
{
	size_t len = strlen(TSM_SEAM_ROOT);

	if (strncmp(path, TSM_SEAM_ROOT, len) == 0 &&
	    (path[len] == '/' || path[len] == '\0'))
		return path + len;
	errno = ENOENT;
	return NULL;
}

static ssize_t
result(ssize_t rc)
{
	if (rc >= 0)
		return rc;
	errno = (int)-rc;
	return -1;
}

static int
seam_mkdir(void *arg, const char *path)
{
	const char *rest = below(path);

	return rest == NULL ? -1 : (int)result(tsm_model_mkdir(arg, rest));
}

static int
seam_rmdir(void *arg, const char *path)
{
	const char *rest = below(path);

	return rest == NULL ? -1 : (int)result(tsm_model_rmdir(arg, rest));
}

static int
seam_open(void *arg, const char *path, int flags)
{
	const char *rest = below(path);
	int fd;

	if (rest == NULL)
		return -1;
	fd = (int)result(tsm_model_open(arg, rest, flags));
	if (fd >= 0)
		positions[fd] = 0;
	return fd;
}

static ssize_t
seam_read(void *arg, int fd, void *p, size_t len)
{
	ssize_t n = result(tsm_model_read(arg, fd, p, len, positions[fd]));

	if (n > 0)
		positions[fd] += (size_t)n;
	return n;
}

static ssize_t
seam_write(void *arg, int fd, const void *p, size_t len)
{
	return result(tsm_model_write(arg, fd, p, len));
}

static int
seam_close(void *arg, int fd)
{
	tsm_model_commit(arg, fd);
	tsm_model_release(arg, fd);
	return 0;
}

struct csn_tsm_io
tsm_seam(struct tsm_model *m)
{
	struct csn_tsm_io io = {
		.arg = m, .mkdir = seam_mkdir, .rmdir = seam_rmdir,
		.open = seam_open, .read = seam_read, .write = seam_write,
		.close = seam_close
	};

	return io;
}

void
tsm_front_start(struct tsm_front *f, const struct tsm_driver *driver,
    int mounted)
{
	memset(f, 0, sizeof(*f));
	tsm_model_start(&f->model, driver);
	if (mounted) {
		f->io = csn_tsm_system;
		f->mount = tsm_mount_new(&f->model, &f->why);
		f->root = f->mount == NULL ? "" : tsm_mount_path(f->mount);
	} else {
		f->io = tsm_seam(&f->model);
		f->root = TSM_SEAM_ROOT;
	}
}

void
tsm_front_end(struct tsm_front *f)
{
	struct tsm_seen seen = tsm_model_seen(&f->model);
	int tries;

	/* A mount hears of a close a moment after close(2) has returned. */
	for (tries = 0; seen.handles != 0 && tries < 1000; tries++) {
		(void)usleep(1000);
		seen = tsm_model_seen(&f->model);
	}
	tsm_mount_free(f->mount);
	tsm_model_end(&f->model);
	assert_int_equal(seen.folders, 0);
	assert_int_equal(seen.handles, 0);
}
