/* SPDX-License-Identifier: Apache-2.0 */
/* file/walk.c - all values of a space or of the store, and the sweep. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/context.h"
#include "providers/store/file/file.h"

#define SWEEP_STEPS 4

static DIR *
open_folder(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NOFOLLOW);
	DIR *dir;

	if (fd < 0)
		return NULL;
	if ((dir = fdopendir(fd)) == NULL)
		(void)close(fd);
	return dir;
}

/* The next name that may be ours: its first letter is one of these. */
static const char *
next_name(DIR *dir, const char *first)
{
	struct dirent *d;

	while ((d = readdir(dir)) != NULL) {
		if (strchr(first, d->d_name[0]) != NULL &&
		    strlen(d->d_name) < CSN_FILE_LEAF_NAME)
			return d->d_name;
	}
	return NULL;
}

#define SPACE_FIRST "so"
#define FAN_FIRST "0123456789abcdef"
#define LEAF_FIRST "kh"

static int
walk_file(struct csn_file_store *s, const char *fan, int fan_fd,
    const char *leaf, csn_file_visit visit, void *arg)
{
	struct csn_file_value v;
	struct stat st;
	int rc;

	if ((rc = csn_stop_check(s->ctx, "store")) != 0)
		return rc;
	/* Gone meanwhile, or damaged: a get says so. */
	if (csn_file_value_open(s, fan_fd, leaf, NULL, 0, NULL, 0, &v) != 0)
		return 0;
	if (csn_file_has_ended(s, &v.head)) {
		csn_file_value_close(&v);
		csn_file_reclaim(s, fan, leaf);
		return 0;
	}
	if (fstat(v.fd, &st) != 0)
		st.st_blocks = 0;
	csn_file_value_close(&v);
	rc = visit(arg, &v.head, (uint64_t)st.st_blocks);
	return rc;
}

static int
walk_space(struct csn_file_store *s, const char *space, csn_file_visit visit,
    void *arg)
{
	char fan[CSN_FILE_SPACE_NAME + CSN_FILE_LEAF_NAME + 1];
	DIR *fans, *files;
	const char *name;
	int rc = 0;

	if ((fans = open_folder(s->root, space)) == NULL)
		return errno == ENOENT ? 0 :
		    csn_file_fail(s, errno, space, "listed");
	while (rc == 0 && (name = next_name(fans, FAN_FIRST)) != NULL) {
		(void)snprintf(fan, sizeof(fan), "%s/%s", space, name);
		files = open_folder(dirfd(fans), name);
		if (files == NULL && errno != ENOENT)
			rc = csn_file_fail(s, errno, fan, "listed");
		if (files == NULL)
			continue;
		while (rc == 0 &&
		    (name = next_name(files, LEAF_FIRST)) != NULL)
			rc = walk_file(s, fan, dirfd(files), name, visit,
			    arg);
		(void)closedir(files);
	}
	(void)closedir(fans);
	return rc;
}

int
csn_file_walk(struct csn_file_store *s, const char *space_name,
    csn_file_visit visit, void *arg)
{
	DIR *spaces;
	const char *name;
	int rc = 0;

	if (space_name != NULL)
		return walk_space(s, space_name, visit, arg);
	if ((spaces = open_folder(s->root, ".")) == NULL)
		return csn_file_fail(s, errno, ".", "listed");
	while (rc == 0 && (name = next_name(spaces, SPACE_FIRST)) != NULL)
		rc = walk_space(s, name, visit, arg);
	(void)closedir(spaces);
	return rc;
}

/* One file further: 0 where the round is over. */
static int
sweep_step(struct csn_file_store *s)
{
	struct csn_file_sweep *w = &s->sweep;
	struct csn_file_value v;
	const char *name;
	int ended;

	if (w->files != NULL) {
		if ((name = next_name(w->files, LEAF_FIRST)) == NULL) {
			(void)closedir(w->files);
			w->files = NULL;
			return 1;
		}
		if (csn_file_value_open(s, dirfd(w->files), name, NULL, 0,
		    NULL, 0, &v) != 0)
			return 1;
		ended = csn_file_has_ended(s, &v.head);
		csn_file_value_close(&v);
		if (ended) {
			struct csn_file_name n;

			if (csn_file_name(s->ctx, v.head.space,
			    v.head.space_len, v.head.key, v.head.key_len,
			    &n) == 0)
				csn_file_reclaim(s, n.fan, n.leaf);
		}
		return 1;
	}
	if (w->fans != NULL) {
		if ((name = next_name(w->fans, FAN_FIRST)) == NULL) {
			(void)closedir(w->fans);
			w->fans = NULL;
			return 1;
		}
		w->files = open_folder(dirfd(w->fans), name);
		return 1;
	}
	if (w->spaces == NULL &&
	    (w->spaces = open_folder(s->root, ".")) == NULL)
		return 0;
	if ((name = next_name(w->spaces, SPACE_FIRST)) == NULL) {
		(void)closedir(w->spaces);
		w->spaces = NULL;
		return 0;
	}
	w->fans = open_folder(s->root, name);
	return 1;
}

void
csn_file_sweep(struct csn_file_store *s)
{
	unsigned i;

	if (pthread_mutex_trylock(&s->sweep.lock) != 0)
		return;
	for (i = 0; i < SWEEP_STEPS && sweep_step(s); i++)
		continue;
	(void)pthread_mutex_unlock(&s->sweep.lock);
}

void
csn_file_sweep_end(struct csn_file_store *s)
{
	struct csn_file_sweep *w = &s->sweep;

	if (w->files != NULL)
		(void)closedir(w->files);
	if (w->fans != NULL)
		(void)closedir(w->fans);
	if (w->spaces != NULL)
		(void)closedir(w->spaces);
	w->files = w->fans = w->spaces = NULL;
}
