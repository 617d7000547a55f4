/* SPDX-License-Identifier: Apache-2.0 */
/* tsm_fuse.c - the model as a FUSE file system, served by a thread. */
#include "guest/sim/tsm_front.h"

#ifdef HAVE_FUSE3
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct tsm_mount {
	struct tsm_model *model;
	struct fuse *fuse;
	pthread_t thread;
	char path[64];
};

static struct tsm_model *
model(void)
{
	struct tsm_mount *mount = fuse_get_context()->private_data;

	return mount->model;
}

static void *
fs_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	(void)conn;
	/* Nothing is remembered: each look is a look at the model. */
	cfg->direct_io = 1;
	cfg->entry_timeout = 0;
	cfg->attr_timeout = 0;
	cfg->negative_timeout = 0;
	return fuse_get_context()->private_data;
}

static int
fs_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	memset(st, 0, sizeof(*st));
	st->st_uid = geteuid();
	st->st_gid = getegid();
	st->st_nlink = 1;
	return tsm_model_mode(model(), path, &st->st_mode);
}

static int
fs_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t offset,
    struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	char name[64];
	unsigned i;

	(void)offset;
	(void)fi;
	(void)flags;
	for (i = 0; tsm_model_name(model(), path, i, name) == 0; i++)
		if (fill(buf, name, NULL, 0, (enum fuse_fill_dir_flags)0) != 0)
			return -ENOMEM;
	return 0;
}

static int
fs_mkdir(const char *path, mode_t mode)
{
	(void)mode;
	return tsm_model_mkdir(model(), path);
}

static int
fs_rmdir(const char *path)
{
	return tsm_model_rmdir(model(), path);
}

static int
fs_open(const char *path, struct fuse_file_info *fi)
{
	int handle = tsm_model_open(model(), path, fi->flags);

	if (handle < 0)
		return handle;
	fi->fh = (uint64_t)handle;
	fi->direct_io = 1;
	return 0;
}

static int
fs_read(const char *path, char *p, size_t len, off_t offset,
    struct fuse_file_info *fi)
{
	(void)path;
	return (int)tsm_model_read(model(), (int)fi->fh, p, len,
	    (size_t)offset);
}

static int
fs_write(const char *path, const char *p, size_t len, off_t offset,
    struct fuse_file_info *fi)
{
	(void)path;
	(void)offset;
	return (int)tsm_model_write(model(), (int)fi->fh, p, len);
}

/* Part of close(2), which waits for it, as it does for configfs. */
static int
fs_flush(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	tsm_model_commit(model(), (int)fi->fh);
	return 0;
}

static int
fs_release(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	tsm_model_release(model(), (int)fi->fh);
	return 0;
}

static int
fs_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	(void)path;
	(void)size;
	(void)fi;
	return 0;
}

static const struct fuse_operations operations = {
	.init = fs_init, .getattr = fs_getattr, .readdir = fs_readdir,
	.mkdir = fs_mkdir, .rmdir = fs_rmdir, .open = fs_open,
	.read = fs_read, .write = fs_write, .flush = fs_flush,
	.release = fs_release, .truncate = fs_truncate
};

static void *
serve(void *arg)
{
	struct tsm_mount *mount = arg;

	(void)fuse_loop(mount->fuse);
	return NULL;
}

struct tsm_mount *
tsm_mount_new(struct tsm_model *m, const char **why)
{
	char name[] = "caisson-test", *argv[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct tsm_mount *mount;

	if (access("/dev/fuse", R_OK | W_OK) != 0) {
		*why = "/dev/fuse is not there, or not for this user";
		return NULL;
	}
	if ((mount = calloc(1, sizeof(*mount))) == NULL)
		abort();
	mount->model = m;
	(void)snprintf(mount->path, sizeof(mount->path),
	    "/tmp/csn-tsm-XXXXXX");
	if (mkdtemp(mount->path) == NULL)
		abort();
	mount->fuse = fuse_new(&args, &operations, sizeof(operations), mount);
	fuse_opt_free_args(&args);
	if (mount->fuse == NULL || fuse_mount(mount->fuse, mount->path) != 0) {
		*why = "no FUSE file system can be mounted here (it takes "
		    "fusermount3, or CAP_SYS_ADMIN)";
		goto err;
	}
	if (pthread_create(&mount->thread, NULL, serve, mount) != 0)
		abort();
	return mount;

err:
	if (mount->fuse != NULL)
		fuse_destroy(mount->fuse);
	(void)rmdir(mount->path);
	free(mount);
	return NULL;
}

const char *
tsm_mount_path(const struct tsm_mount *mount)
{
	return mount->path;
}

/* For a signal that does nothing but end the loop's read(2). */
static void
wake(int number)
{
	(void)number;
}

/*
 * The loop looks whether it is over between two requests. A request of ours
 * might come after its last look and stay unanswered for good, so it is woken
 * by signals: one that comes too early is followed by another.
 */
static void
end_loop(struct tsm_mount *mount)
{
	struct sigaction act, before;
	struct timespec until;

	memset(&act, 0, sizeof(act));
	act.sa_handler = wake;
	(void)sigaction(SIGUSR2, &act, &before);
	fuse_exit(mount->fuse);
	do {
		(void)pthread_kill(mount->thread, SIGUSR2);
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 5000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
	} while (pthread_timedjoin_np(mount->thread, NULL, &until) != 0);
	(void)sigaction(SIGUSR2, &before, NULL);
}

void
tsm_mount_free(struct tsm_mount *mount)
{
	if (mount == NULL)
		return;
	end_loop(mount);
	fuse_unmount(mount->fuse);
	fuse_destroy(mount->fuse);
	(void)rmdir(mount->path);
	free(mount);
}

#else

#include <stddef.h>

struct tsm_mount *
tsm_mount_new(struct tsm_model *m, const char **why)
{
	(void)m;
	*why = "the tests were built without libfuse3";
	return NULL;
}

const char *
tsm_mount_path(const struct tsm_mount *mount)
{
	(void)mount;
	return "";
}

void
tsm_mount_free(struct tsm_mount *mount)
{
	(void)mount;
}
#endif
