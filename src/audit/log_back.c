/* SPDX-License-Identifier: Apache-2.0 */
/* log_back.c - the newest records of a folder's files, found from the end. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "audit/folder.h"
#include "base/alloc.h"
#include "base/fail.h"

#define CHUNK ((size_t)4 * CSN_AUDIT_MAX_LINE)

/* Where a line is that was picked. */
struct place {
	uint64_t file, offset;
	size_t len;
};

struct back {
	struct csn_ctx *ctx;
	const char *path;
	const struct csn_audit_pick *pick;
	char *buf;			/* CHUNK bytes */
	struct csn_audit_line line;
	struct place *places;		/* the newest first */
	size_t n, cap;
	int fd;
	uint64_t file;			/* that fd is of */
	char name[CSN_AUDIT_NAME_SIZE];
};

/* 1, or 0 where retention has taken the file since it was listed. */
static int
open_file(struct back *b, uint64_t file)
{
	int rc;

	if (b->fd >= 0 && b->file == file)
		return 1;
	if (b->fd >= 0)
		(void)close(b->fd);
	b->file = file;
	csn_audit_file_name(file, b->name);
	rc = csn_audit_file_open(b->ctx, b->path, b->name, &b->fd);
	return rc == CSN_E_NOT_FOUND ? 0 : rc != 0 ? rc : 1;
}

/* All of len bytes at offset, which are there. */
static int
read_at(struct back *b, uint64_t offset, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(b->fd, b->buf + done, len - done,
		    (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return csn_fail_errno(b->ctx, CSN_E_IO, "audit",
			    errno, "%s/%s cannot be read", b->path, b->name);
		if (n == 0)
			return csn_fail(b->ctx, CSN_E_AUDIT, "audit",
			    "%s/%s was cut while it was read", b->path,
			    b->name);
		done += (size_t)n;
	}
	return 0;
}

static int
parse(struct back *b, const char *p, size_t len, uint64_t offset)
{
	int rc = csn_audit_line_read(p, len, &b->line);

	if (rc == CSN_E_NOMEM)
		return csn_fail(b->ctx, rc, "audit", "no memory to read %s",
		    b->name);
	return rc == 0 ? 0 : csn_fail(b->ctx, CSN_E_AUDIT, "audit", "%s/%s: "
	    "what begins at byte %llu is no record: verify this log",
	    b->path, b->name, (unsigned long long)offset);
}

static int
look_at(struct back *b, const char *p, size_t len, uint64_t offset)
{
	struct place *more;
	size_t cap;
	int rc;

	if ((rc = parse(b, p, len, offset)) != 0)
		return rc;
	if (b->line.kind != CSN_AUDIT_RECORD)
		return 0;
	rc = b->pick->wanted(b->pick->arg, b->line.unix_ms, &b->line.rec);
	if (rc <= 0)
		return rc;
	if (b->n == b->cap) {
		cap = b->cap * 2 + 64;
		if ((more = csn_realloc(b->places, cap,
		    sizeof(*more))) == NULL)
			return csn_nomem(b->ctx, "audit",
			    "finding the newest records");
		b->places = more;
		b->cap = cap;
	}
	b->places[b->n++] = (struct place){ b->file, offset, len };
	return 0;
}

/*
 * The lines of buf's len bytes, which lie at offset and end with a newline,
 * the last first. What is before the first newline is left, unless the file
 * begins there; *left is its length.
 */
static int
look_through(struct back *b, size_t before, uint64_t offset, size_t len,
    size_t *left)
{
	const char *nl;
	size_t start;
	int rc;

	for (*left = len; *left > 0 && b->n < b->pick->limit; *left = start) {
		nl = memrchr(b->buf, '\n', *left - 1);
		if (nl == NULL && offset > 0)
			break;
		start = nl == NULL ? 0 : (size_t)(nl + 1 - b->buf);
		/* As the reader: from a zero byte on all is torn. */
		if (memchr(b->buf + start, '\0', *left - 1 - start) != NULL) {
			b->n = before;
			continue;
		}
		if ((rc = look_at(b, b->buf + start, *left - 1 - start,
		    offset + start)) != 0)
			return rc;
	}
	return 0;
}

static int
scan(struct back *b, uint64_t file, uint64_t limit)
{
	size_t before = b->n, all, len, left;
	uint64_t end, from;
	struct stat st;
	const char *nl;
	int rc, first;

	if ((rc = open_file(b, file)) <= 0)
		return rc;
	if (fstat(b->fd, &st) != 0)
		return csn_fail_errno(b->ctx, CSN_E_IO, "audit", errno,
		    "%s/%s cannot be read", b->path, b->name);
	end = (uint64_t)st.st_size < limit ? (uint64_t)st.st_size : limit;
	for (first = 1; end > 0 && b->n < b->pick->limit; ) {
		from = end > CHUNK ? end - CHUNK : 0;
		all = len = (size_t)(end - from);
		if ((rc = read_at(b, from, len)) != 0)
			return rc;
		if (first) {
			/* What is behind the last newline is torn. */
			nl = memrchr(b->buf, '\n', len);
			if (nl == NULL && from == 0)
				return 0;
			len = nl == NULL ? 0 : (size_t)(nl + 1 - b->buf);
		}
		if ((rc = look_through(b, before, from, len, &left)) != 0)
			return rc;
		first = left == len && b->n < b->pick->limit;
		if (first && memchr(b->buf, '\0', all) != NULL) {
			/* A hole that reaches back: its line is torn. */
			b->n = before;
			end = from;
			continue;
		}
		if (first)
			return csn_fail(b->ctx, CSN_E_AUDIT, "audit",
			    "%s/%s has a line before byte %llu that is longer "
			    "than any record", b->path, b->name,
			    (unsigned long long)end);
		end = from + left;
	}
	return 0;
}

static int
visit_all(struct back *b, csn_audit_visit visit, void *arg)
{
	const struct place *at;
	int rc = 0;

	while (rc == 0 && b->n > 0) {
		at = &b->places[--b->n];
		if ((rc = open_file(b, at->file)) <= 0)
			continue;
		if ((rc = read_at(b, at->offset, at->len)) == 0 &&
		    (rc = parse(b, b->buf, at->len, at->offset)) == 0)
			rc = visit(arg, b->line.n, b->line.unix_ms,
			    &b->line.rec);
	}
	return rc;
}

int
csn_audit_newest(struct csn_ctx *ctx, const char *path,
    const uint64_t *files, size_t n, uint64_t last_size,
    const struct csn_audit_pick *pick, csn_audit_visit visit, void *arg)
{
	struct back *b;
	int rc = 0;

	if ((b = csn_calloc(1, sizeof(*b))) == NULL ||
	    (b->buf = csn_realloc(NULL, CHUNK, 1)) == NULL) {
		csn_free(b);
		return csn_nomem(ctx, "audit", "reading the log");
	}
	b->ctx = ctx;
	b->path = path;
	b->pick = pick;
	b->fd = -1;
	for (; n > 0 && rc == 0 && b->n < pick->limit; n--) {
		rc = scan(b, files[n - 1], last_size);
		last_size = UINT64_MAX;
	}
	if (rc == 0)
		rc = visit_all(b, visit, arg);
	if (b->fd >= 0)
		(void)close(b->fd);
	csn_free(b->places);
	csn_free(b->buf);
	csn_free(b);
	return rc;
}
