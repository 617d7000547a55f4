/* SPDX-License-Identifier: Apache-2.0 */
/* folder.c - the files of a log's folder, and reading one line by line. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/folder.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "base/file.h"

#define BUFFER (2 * CSN_AUDIT_MAX_LINE)

void
csn_audit_file_name(uint64_t number, char out[CSN_AUDIT_NAME_SIZE])
{
	(void)snprintf(out, CSN_AUDIT_NAME_SIZE, "audit-%06llu.jsonl",
	    (unsigned long long)number % 10000000000000ull);
}

/* The number in a file's name, or -1: then it is no file of the log. */
static int64_t
number_of(const char *name)
{
	char again[CSN_AUDIT_NAME_SIZE];
	unsigned long long n;

	if (strncmp(name, "audit-", 6) != 0 || name[6] < '0' || name[6] > '9')
		return -1;
	n = strtoull(name + 6, NULL, 10);
	csn_audit_file_name(n, again);
	return strcmp(name, again) == 0 ? (int64_t)n : -1;
}

static int
ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int
csn_audit_files(struct csn_ctx *ctx, const char *path, uint64_t **numbers,
    size_t *n)
{
	struct dirent *entry;
	uint64_t *found = NULL, *more;
	size_t count = 0, cap = 0;
	int64_t number;
	DIR *dir;
	int rc;

	if ((dir = opendir(path)) == NULL)
		return csn_fail_errno(ctx, errno == ENOENT ?
		    CSN_E_NOT_FOUND : errno == ENOMEM ? CSN_E_NOMEM :
		    CSN_E_IO, "audit", errno,
		    "the log's folder %s cannot be read", path);
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		if ((number = number_of(entry->d_name)) < 0)
			continue;
		if (count == cap) {
			cap = cap * 2 + 16;
			more = csn_realloc(found, cap, sizeof(*found));
			if (more == NULL) {
				rc = csn_nomem(ctx, "audit", "listing %s",
				    path);
				goto err;
			}
			found = more;
		}
		found[count++] = (uint64_t)number;
	}
	if (errno != 0) {
		rc = csn_fail_errno(ctx, CSN_E_IO, "audit", errno,
		    "the log's folder %s cannot be read", path);
		goto err;
	}
	(void)closedir(dir);
	if (count > 0)
		qsort(found, count, sizeof(*found), ascending);
	*numbers = found;
	*n = count;
	return 0;

err:
	(void)closedir(dir);
	csn_free(found);
	return rc;
}

int
csn_audit_files_kept(struct csn_ctx *ctx, const char *path,
    uint64_t **numbers, size_t *n)
{
	struct csn_audit_state state;
	size_t i;
	int rc;

	if ((rc = csn_audit_files(ctx, path, numbers, n)) != 0)
		return rc;
	if (csn_audit_state_load(ctx, path, &state) != 0)
		return 0;
	for (i = 0; i < *n && (*numbers)[i] < state.oldest; i++)
		continue;
	*n -= i;
	if (i > 0)
		memmove(*numbers, *numbers + i, *n * sizeof(**numbers));
	csn_wipe(&state, sizeof(state));
	return 0;
}

void
csn_audit_clean(const char *path, uint64_t oldest)
{
	struct dirent *entry;
	int64_t number;
	DIR *dir;

	if ((dir = opendir(path)) == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		number = number_of(entry->d_name);
		if (number >= 0 ? (uint64_t)number < oldest :
		    csn_file_is_temp(entry->d_name))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	(void)closedir(dir);
}

int
csn_audit_file_open(struct csn_ctx *ctx, const char *path, const char *name,
    int *fd)
{
	char *full = csn_audit_path(path, name);
	struct stat st;
	int error;

	if (full == NULL)
		return csn_nomem(ctx, "audit", "reading %s", name);
	*fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	error = errno;
	csn_free(full);
	if (*fd < 0)
		return csn_fail_errno(ctx, error == ENOENT ?
		    CSN_E_NOT_FOUND : CSN_E_IO, "audit", error,
		    "%s/%s cannot be opened", path, name);
	if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	(void)close(*fd);
	*fd = -1;
	return csn_fail(ctx, CSN_E_IO, "audit", "%s/%s is no regular file",
	    path, name);
}

int
csn_audit_reader_open(struct csn_ctx *ctx, struct csn_audit_reader *r,
    const char *path, uint64_t number, uint64_t offset, uint64_t line,
    uint64_t limit)
{
	int rc;

	memset(r, 0, sizeof(*r));
	r->ctx = ctx;
	r->fd = -1;
	r->limit = limit;
	r->offset = r->read = offset;
	r->line = line;
	r->cap = BUFFER;
	csn_audit_file_name(number, r->name);
	if ((r->buf = csn_calloc(1, r->cap)) == NULL)
		return csn_nomem(ctx, "audit", "reading %s", r->name);
	if ((rc = csn_audit_file_open(ctx, path, r->name, &r->fd)) != 0)
		csn_audit_reader_close(r);
	return rc;
}

/* Read more behind what is there: 1, or 0 at the end. */
static int
fill(struct csn_audit_reader *r)
{
	size_t room;
	ssize_t n;

	if (r->from > 0) {
		memmove(r->buf, r->buf + r->from, r->to - r->from);
		r->to -= r->from;
		r->from = 0;
	}
	room = r->cap - r->to;
	if (room > r->limit - r->read)
		room = (size_t)(r->limit - r->read);
	if (room == 0)
		return 0;
	do {
		n = pread(r->fd, r->buf + r->to, room, (off_t)r->read);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return csn_fail_errno(r->ctx, CSN_E_IO, "audit", errno,
		    "%s cannot be read", r->name);
	r->to += (size_t)n;
	r->read += (uint64_t)n;
	return n > 0;
}

/* A zero byte is ahead: all from this line on is torn. */
static int
hole(struct csn_audit_reader *r)
{
	struct stat st;
	uint64_t end = r->read;

	if (fstat(r->fd, &st) == 0 && (uint64_t)st.st_size > end)
		end = (uint64_t)st.st_size < r->limit ?
		    (uint64_t)st.st_size : r->limit;
	r->torn = (size_t)(end - r->offset);
	return 0;
}

int
csn_audit_reader_next(struct csn_audit_reader *r, const char **p, size_t *len)
{
	const char *end;
	size_t seen = 0;
	int rc;

	for (;;) {
		end = memchr(r->buf + r->from + seen, '\n',
		    r->to - r->from - seen);
		if (end != NULL)
			break;
		seen = r->to - r->from;
		if (seen > CSN_AUDIT_MAX_LINE &&
		    memchr(r->buf + r->from, '\0', seen) != NULL)
			return hole(r);
		if (seen > CSN_AUDIT_MAX_LINE)
			return csn_fail(r->ctx, CSN_E_AUDIT, "audit",
			    "%s:%llu is longer than any record", r->name,
			    (unsigned long long)r->line + 1);
		if ((rc = fill(r)) < 0)
			return rc;
		if (rc == 0) {
			r->torn = seen;
			return 0;
		}
	}
	*p = r->buf + r->from;
	*len = (size_t)(end - *p);
	if (memchr(*p, '\0', *len) != NULL)
		return hole(r);
	r->from += *len + 1;
	r->offset += *len + 1;
	r->line++;
	return 1;
}

void
csn_audit_reader_close(struct csn_audit_reader *r)
{
	if (r->fd >= 0)
		(void)close(r->fd);
	r->fd = -1;
	csn_free(r->buf);
	r->buf = NULL;
}
