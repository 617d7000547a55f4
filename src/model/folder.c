/* SPDX-License-Identifier: Apache-2.0 */
/* model/folder.c - a model in a folder: one path, and what lies beside it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_openat2
#include <linux/openat2.h>
#endif

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/sized.h"
#include "model/model.h"

struct folder {
	struct csn_ctx *ctx;
	const struct csn_model_options *options;
	char *path;		/* of the folder */
	const char *name;	/* of the file in it */
	int fd;
};

/* The names that an index has, each once. */
struct names {
	struct csn_model *set;	/* its values' keys are a set */
};

static int
read_fd(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	const struct csn_part *part = arg;
	ssize_t n;

	for (*got = 0; *got < len; *got += (size_t)n) {
		do
			n = pread(part->fd, p + *got, len - *got,
			    (off_t)(offset + *got));
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return csn_fail_errno(NULL, CSN_E_IO, ROOM, errno,
			    "cannot read %s", part->source.name);
		if (n == 0)
			break;
	}
	return 0;
}

/*
 * A file in the folder, or a link that stays in it. The one that the caller
 * named may lie where it wants.
 */
static int
open_in(const struct folder *f, const char *name, int named)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = openat(f->fd, name, flags | (named ? 0 : O_NOFOLLOW));

#ifdef SYS_openat2
	struct open_how how = { .flags = (uint64_t)flags,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };

	if (fd < 0 && errno == ELOOP && !named &&
	    (fd = (int)syscall(SYS_openat2, f->fd, name, &how,
	    sizeof(how))) < 0 && errno == ENOSYS)
		errno = ELOOP;
#endif
	return fd;
}

static int
open_part(const struct folder *f, const char *name, int named,
    struct csn_part *part)
{
	struct stat st;
	int fd = open_in(f, name, named);

	if (fd < 0 && (errno == ELOOP || errno == EXDEV))
		return csn_fail(f->ctx, CSN_E_FORM, ROOM, "%s in %s is a "
		    "symbolic link out of that folder: put the file itself "
		    "there", name, f->path);
	if (fd < 0)
		return csn_fail_errno(f->ctx, errno == ENOENT ?
		    CSN_E_NOT_FOUND : CSN_E_IO, ROOM, errno,
		    "the model's file %s in %s cannot be opened", name,
		    f->path);
	part->fd = fd;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return csn_fail(f->ctx, CSN_E_IO, ROOM,
		    "%s in %s is no regular file", name, f->path);
	part->source.size = sizeof(part->source);
	part->source.length = (uint64_t)st.st_size;
	part->source.arg = part;	/* parts do not move */
	part->source.read = read_fd;
	if ((part->source.name = csn_strdup(name)) == NULL)
		return csn_nomem(f->ctx, ROOM, "a file's name");
	return 0;
}

static void
close_part(struct csn_part *part)
{
	free((char *)part->source.name);
	if (part->fd >= 0)
		close(part->fd);
}

static int
folder_open(struct folder *f, const char *path)
{
	const char *slash = strrchr(path, '/');

	f->name = slash != NULL ? slash + 1 : path;
	f->path = slash == NULL ? csn_strdup(".") :
	    csn_memdup(path, slash == path ? 1 : (size_t)(slash - path));
	if (f->path == NULL)
		return csn_nomem(f->ctx, ROOM, "a path");
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0)
		return csn_fail_errno(f->ctx, errno == ENOENT ?
		    CSN_E_NOT_FOUND : CSN_E_IO, ROOM, errno,
		    "cannot open the folder %s", f->path);
	return 0;
}

/* --- an index ------------------------------------------------------------ */

static int
take_name(void *arg, const char *tensor, size_t len, const char *file,
    size_t file_len, uint64_t at)
{
	struct names *n = arg;
	struct csn_value *v;
	int rc;

	(void)tensor;
	(void)len;
	(void)at;
	rc = csn_model_add_value(n->set, 0, file, file_len, &v);
	if (rc == CSN_E_EXISTS)
		return 0;
	if (rc == 0 && n->set->nvalues > CSN_MODEL_FILES_MAX)
		return csn_fail(n->set->ctx, CSN_E_LIMIT, ROOM, "an index "
		    "that names more than %u files", CSN_MODEL_FILES_MAX);
	return rc;
}

static int
open_index(const struct folder *f, struct csn_part *index,
    struct csn_model **out)
{
	struct names names = { NULL };
	const struct csn_index_visit visit = { take_name, &names };
	struct csn_model *m = NULL;
	size_t i;
	int rc;

	if ((rc = csn_model_new(f->ctx, f->options, 1, &names.set)) != 0)
		return rc;
	if ((rc = csn_index_read(names.set, index, &visit)) != 0)
		goto out;
	if (names.set->nvalues == 0) {
		rc = csn_fail(f->ctx, CSN_E_FORM, ROOM,
		    "%s names no file", index->source.name);
		goto out;
	}
	if ((rc = csn_model_new(f->ctx, f->options, names.set->nvalues,
	    &m)) != 0)
		goto out;
	for (i = 0; i < m->nparts && rc == 0; i++)
		rc = open_part(f, names.set->values[i].key, 0, &m->parts[i]);
	if (rc == 0)
		rc = csn_model_fill(m, index, 0);
	if (rc == 0)
		*out = m;
	else
		csn_model_free(m);
out:
	csn_model_free(names.set);
	return rc;
}

/* --- one file, or split ones --------------------------------------------- */

static int
open_one(const struct folder *f, struct csn_model **out)
{
	struct csn_model *m;
	int rc;

	if ((rc = csn_model_new(f->ctx, f->options, 1, &m)) != 0)
		return rc;
	if ((rc = open_part(f, f->name, 1, &m->parts[0])) == 0)
		rc = csn_model_fill(m, NULL, 1);
	if (rc == 0)
		*out = m;
	else
		csn_model_free(m);
	return rc;
}

/* "NAME-00002-of-00003.gguf": what stands before the numbers. */
static int
split_name(const struct folder *f, const struct csn_part *part,
    size_t *stem)
{
	char tail[64];
	size_t len = strlen(f->name), n;

	n = (size_t)snprintf(tail, sizeof(tail), "-%05u-of-%05u.gguf",
	    part->split_no + 1, part->split_count);
	if (len <= n || strcmp(f->name + len - n, tail) != 0)
		return csn_fail(f->ctx, CSN_E_FORM, ROOM, "%s says that it is "
		    "file %u of %u: it should end with %s", f->name,
		    part->split_no + 1, part->split_count, tail);
	*stem = len - n;
	return 0;
}

static int
open_split(const struct folder *f, const struct csn_part *first,
    struct csn_model **out)
{
	struct csn_model *m = NULL;
	size_t stem = 0, size = strlen(f->name) + 64;
	uint32_t i;
	char *name;
	int rc;

	if ((rc = split_name(f, first, &stem)) != 0)
		return rc;
	if (first->split_count > CSN_MODEL_FILES_MAX)
		return csn_fail(f->ctx, CSN_E_LIMIT, ROOM, "%s is one of %u "
		    "files, where %u are allowed", f->name,
		    first->split_count, CSN_MODEL_FILES_MAX);
	if ((name = csn_calloc(size, 1)) == NULL)
		return csn_nomem(f->ctx, ROOM, "a file's name");
	if ((rc = csn_model_new(f->ctx, f->options, first->split_count,
	    &m)) != 0)
		goto out;
	for (i = 0; i < first->split_count && rc == 0; i++) {
		snprintf(name, size, "%.*s-%05u-of-%05u.gguf", (int)stem,
		    f->name, i + 1, first->split_count);
		/* The one that the caller named may be a link. */
		rc = open_part(f, name, strcmp(name, f->name) == 0,
		    &m->parts[i]);
	}
	if (rc == 0)
		rc = csn_model_fill(m, NULL, 0);
	if (rc == 0)
		*out = m;
	else
		csn_model_free(m);
out:
	free(name);
	return rc;
}

int
csn_model_open(struct csn_ctx *ctx, const char *path,
    const struct csn_model_options *options, struct csn_model **out)
{
	struct csn_model_options o;
	struct folder f = { .ctx = ctx, .options = &o, .fd = -1 };
	struct csn_part named = { .fd = -1 };
	struct csn_model *m = NULL, *whole = NULL;
	uint32_t format;
	int rc;
	CSN_UNCANCELLED;

	if ((rc = CSN_NEEDS(path, out)) != 0 || (rc = CSN_TAKE(&o, options,
	    csn_model_options, max_memory)) != 0)
		return rc;
	if ((o.flags & ~CSN_MODEL_PART) != 0)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "flags that there are not");
	if ((rc = folder_open(&f, path)) != 0 ||
	    (rc = open_part(&f, f.name, 1, &named)) != 0 ||
	    (rc = csn_model_new(ctx, &o, 1, &m)) != 0)
		goto out;
	if ((rc = csn_model_sniff(m, &named, &format)) != 0)
		goto out;
	csn_model_free(m);
	m = NULL;
	if (format == CSN_MODEL_INDEX) {
		rc = open_index(&f, &named, out);
		goto out;
	}
	if ((rc = open_one(&f, &m)) != 0)
		goto out;
	if (m->parts[0].split_count > 1 && (o.flags & CSN_MODEL_PART) == 0) {
		rc = open_split(&f, &m->parts[0], &whole);
		csn_model_free(m);
		m = whole;
	}
	if (rc == 0) {
		*out = m;
		m = NULL;
	}
out:
	csn_model_free(m);
	close_part(&named);
	free(f.path);
	if (f.fd >= 0)
		close(f.fd);
	return rc;
}
