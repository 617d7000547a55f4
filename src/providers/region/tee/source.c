/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - read a process, a memory device or a file for the manifest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "providers/region/provider.h"
#include "providers/region/sealed.h"
#include "providers/region/tee/source.h"

#define ROOM "region"
#define MAX_PID_FILE 64
#define MAX_PID 4194304		/* the kernel's PID_MAX_LIMIT */

static int
open_process(struct csn_source *s)
{
	uint64_t pid = (uint64_t)s->from->pid;
	uint8_t *text;
	size_t len;
	int rc;

	if (s->from->path != NULL) {
		if ((rc = csn_file_read(s->ctx, s->from->path, MAX_PID_FILE,
		    &text, &len)) != 0)
			return rc;
		while (len > 0 && (text[len - 1] == '\n' ||
		    text[len - 1] == ' '))
			text[--len] = 0;
		if (strlen((char *)text) != len || csn_decimal((char *)text,
		    len, MAX_PID, &pid) != 0 || pid == 0) {
			csn_free(text);
			return csn_fail(s->ctx, CSN_E_FORM, ROOM, "%s does "
			    "not hold the number of a process",
			    s->from->path);
		}
		csn_free(text);
	}
	s->process.ctx = s->ctx;
	s->process.freeze.cgroup = -1;
	return csn_target_open(s->ctx, (pid_t)pid, &s->process.target);
}

/*
 * A file that can be cut short while it is mapped would end the program that
 * looks at it, so only one that cannot is mapped; the others are read.
 */
static void
look_at_seals(struct csn_source *s)
{
	int seals = fcntl(s->fd, F_GET_SEALS);
	void *p;

	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0)
		return;
	s->immutable = (uint32_t)csn_sealed(s->fd);
	if (s->size == 0 || s->size > SIZE_MAX)
		return;
	p = mmap(NULL, (size_t)s->size, PROT_READ, MAP_SHARED, s->fd, 0);
	if (p != MAP_FAILED)
		s->view = p;
}

static int
open_path(struct csn_source *s)
{
	const char *path = s->from->path;
	struct stat st;
	int ok;

	/* Without O_NONBLOCK a pipe would wait for its other end. */
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (s->fd < 0)
		return csn_fail_errno(s->ctx, errno == ENOENT ?
		    CSN_E_NOT_FOUND : CSN_E_IO, ROOM, errno,
		    "%s cannot be opened", path);
	if (fstat(s->fd, &st) != 0)
		return csn_fail_errno(s->ctx, CSN_E_IO, ROOM, errno,
		    "%s cannot be looked at", path);
	ok = S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) &&
	    s->from->kind == CSN_SOURCE_PHYSICAL);
	if (!ok)
		return csn_fail(s->ctx, CSN_E_IO, ROOM, "%s is no %s", path,
		    s->from->kind == CSN_SOURCE_FILE ? "regular file" :
		    "memory device");
	s->size = (uint64_t)st.st_size;
	s->dev = st.st_dev;
	s->inode = st.st_ino;
	if (s->from->kind == CSN_SOURCE_FILE)
		look_at_seals(s);
	return 0;
}

int
csn_source_open(struct csn_ctx *ctx, const struct csn_manifest_source *from,
    struct csn_source *out)
{
	int rc;

	memset(out, 0, sizeof(*out));
	out->ctx = ctx;
	out->from = from;
	out->fd = -1;
	if (from->kind == CSN_SOURCE_PROCESS)
		rc = open_process(out);
	else
		rc = open_path(out);
	if (rc == 0)
		out->open = 1;
	else if (out->fd >= 0)
		(void)close(out->fd);
	return rc;
}

void
csn_source_close(struct csn_source *s)
{
	if (!s->open)
		return;
	if (s->from->kind == CSN_SOURCE_PROCESS) {
		csn_look_clear(&s->process);
	} else {
		csn_reader_free(s->reader);
		s->reader = NULL;
		if (s->view != NULL)
			(void)munmap((void *)(uintptr_t)s->view,
			    (size_t)s->size);
		(void)close(s->fd);
	}
	s->open = 0;
	s->view = NULL;
}

int
csn_source_region(struct csn_source *s, const struct csn_region *region,
    uint64_t address)
{
	struct csn_look *p = &s->process;
	struct csn_picked *one;
	int rc;

	if (s->from->kind != CSN_SOURCE_PROCESS)
		return 0;
	if (p->n == 0 && (rc = csn_target_maps(&p->target, &p->maps)) != 0)
		return rc;
	if ((one = csn_look_add(p)) == NULL)
		return csn_message_code();
	one->region.address = address;
	one->region.size = region->size;
	(void)snprintf(one->id, sizeof(one->id), "%s", region->id);
	return 0;
}

int
csn_source_begin(struct csn_source *s)
{
	if (!s->open || s->from->kind != CSN_SOURCE_PROCESS)
		return 0;
	return csn_look_begin(&s->process);
}

int
csn_source_end(struct csn_source *s)
{
	if (!s->open || s->from->kind != CSN_SOURCE_PROCESS)
		return 0;
	return csn_look_end(&s->process);
}

void
csn_source_leave(struct csn_source *s)
{
	if (s->open && s->from->kind == CSN_SOURCE_PROCESS)
		csn_look_leave(&s->process);
}

static int
read_process(struct csn_look *p, uint64_t address, void *out, size_t len)
{
	int rc = csn_look_read(p, address, out, len);

	if (rc == 0 && p->looking)
		rc = csn_seen_add(p, address, out, len);
	return rc;
}

static uint64_t
timeout_of(const struct csn_source *s)
{
	return s->process.freeze.timeout_ms != 0 ?
	    s->process.freeze.timeout_ms : CSN_FREEZE_TIMEOUT;
}

int
csn_source_read(struct csn_source *s, uint64_t address, void *out,
    size_t len)
{
	const struct csn_reader_from from = { .fd = s->fd };
	uint8_t *to = out;
	size_t done = 0;
	ssize_t n;
	int rc;

	if (s->from->kind == CSN_SOURCE_PROCESS)
		return read_process(&s->process, address, out, len);
	if (s->reader == NULL && s->from->kind == CSN_SOURCE_FILE &&
	    (rc = csn_reader_new(s->ctx, &from, &s->reader)) != 0)
		return rc;
	while (done < len) {
		/* Its file system may never answer (reader.h). */
		n = s->reader != NULL ? csn_reader_read(s->reader, 0,
		    address + done, to + done, len - done,
		    timeout_of(s)) : pread(s->fd, to + done, len - done,
		    (off_t)(address + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ECANCELED)
			return csn_fail(s->ctx, CSN_E_CANCELLED, ROOM,
			    "reading " "%s was called off", s->from->path);
		if (n < 0 && s->from->kind == CSN_SOURCE_PHYSICAL &&
		    (errno == EPERM || errno == EFAULT))
			return csn_fail(s->ctx, CSN_E_BACKEND, ROOM, "%s: "
			    "the kernel lets nobody read at 0x%llx: it was "
			    "built with CONFIG_STRICT_DEVMEM, or there is no "
			    "memory", s->from->path,
			    (unsigned long long)(address + done));
		if (n < 0)
			return csn_fail_errno(s->ctx, CSN_E_IO, ROOM, errno,
			    "%s cannot be read", s->from->path);
		if (n == 0)
			return csn_fail(s->ctx, CSN_E_BACKEND, ROOM, "%s has "
			    "no bytes at 0x%llx (any more)", s->from->path,
			    (unsigned long long)(address + done));
		done += (size_t)n;
	}
	return 0;
}
