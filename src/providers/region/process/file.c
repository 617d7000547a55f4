/* SPDX-License-Identifier: Apache-2.0 */
/* process/file.c - a mapping and the file behind it. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "providers/region/look/file_id.h"
#include "providers/region/process/process.h"
#include "providers/region/sealed.h"

#define PIECE ((size_t)1 << 20)

static int
is_file_of(int folder, const char *name, const struct csn_map *m)
{
	struct csn_file_id id;

	return csn_file_id(folder, name, &id) == 0 && S_ISREG(id.mode) &&
	    id.inode == m->inode && id.major == m->major &&
	    id.minor == m->minor;
}

/* Open what a name leads to where it is that file: never a device, a pipe. */
static int
open_name(int folder, const char *name, const struct csn_map *m)
{
	int fd;

	if (!is_file_of(folder, name, m))
		return -1;
	fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && !is_file_of(fd, "", m)) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/*
 * By its descriptors, for those who may not use map_files. System calls
 * alone: this runs in a reader too (reader.h).
 */
static int
open_descriptor(const struct csn_process *p, const struct csn_map *m)
{
	/* getdents64(2): inode, offset, length, type, name. */
	union {
		char bytes[4096];
		uint64_t align;
	} buf;
	unsigned short reclen;
	long got, at;
	int folder, fd = -1;

	folder = openat(p->look.target.dir, "fd",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -1;
	while (fd < 0 && (got = syscall(SYS_getdents64, folder, buf.bytes,
	    sizeof(buf.bytes))) > 0) {
		for (at = 0; fd < 0 && at < got; at += reclen) {
			memcpy(&reclen, buf.bytes + at + 16, sizeof(reclen));
			if (buf.bytes[at + 19] != '.')
				fd = open_name(folder, buf.bytes + at + 19,
				    m);
		}
	}
	(void)close(folder);
	return fd;
}

/* The very file that is mapped, or -1. */
static int
open_mapped(const struct csn_process *p, const struct csn_map *m)
{
	char name[64];
	int fd, root;

	/* map_files follows to the file itself, whatever its path is now. */
	(void)snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64,
	    m->start, m->end);
	if ((fd = open_name(p->look.target.dir, name, m)) >= 0 ||
	    (fd = open_descriptor(p, m)) >= 0)
		return fd;
	root = openat(p->look.target.dir, "root", O_PATH | O_CLOEXEC);
	if (root < 0)
		return -1;
	fd = m->path[0] == '/' ? open_name(root, m->path + 1, m) : -1;
	(void)close(root);
	return fd;
}

int
csn_process_sealed(const struct csn_process *p, const struct csn_map *m)
{
	int fd, sealed;

	/*
	 * A private mapping is not: a write through a debugger makes a copy
	 * of the page, which then differs from the sealed one.
	 */
	if ((m->perms & CSN_MAP_SHARED) == 0 ||
	    (m->perms & CSN_MAP_WRITE) != 0 || m->inode == 0 ||
	    makedev(m->major, m->minor) != p->look.target.memfd_dev ||
	    strncmp(m->path, "/memfd:", 7) != 0)
		return 0;
	if ((fd = open_mapped(p, m)) < 0)
		return 0;
	sealed = csn_sealed(fd);
	(void)close(fd);
	return sealed;
}

void
csn_process_seal(const struct csn_process *p, struct csn_picked *one)
{
	const struct csn_map *m;

	m = csn_maps_find(&p->look.maps, one->region.address);
	if (m == NULL || m->end - one->region.address < one->region.size ||
	    !csn_process_sealed(p, m))
		return;
	one->region.protection = CSN_PROT_RO;
	one->region.immutable = 1;
	one->inode = m->inode;
	one->offset = m->offset + (one->region.address - m->start);
}

/* What a reader opens for a comparison. */
struct mapped {
	const struct csn_process *p;
	const struct csn_map *m;
};

static int
open_in_reader(const void *arg)
{
	const struct mapped *it = arg;

	return open_mapped(it->p, it->m);
}

/* len bytes of the file; zeros past its end, as the mapping has them. */
static int
read_file(struct csn_reader *file, uint64_t offset, uint8_t *out, size_t len,
    uint64_t timeout_ms)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = csn_reader_read(file, 0, offset + done, out + done,
		    len - done, timeout_ms);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	memset(out + done, 0, len - done);
	return 0;
}

/* Pages that differ, and where the first does. 0, or -1. */
static int
compare(const struct csn_process *p, const struct csn_map *m,
    struct csn_reader *from, uint8_t *memory, uint8_t *file,
    uint64_t *pages, uint64_t *first)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len, i;
	uint64_t at;

	for (at = m->start; at < m->end; at += len) {
		len = m->end - at < PIECE ? (size_t)(m->end - at) : PIECE;
		if (read_file(from, m->offset + (at - m->start), file, len,
		    p->config.timeout_ms) != 0 ||
		    csn_look_read(&p->look, at, memory, len) != 0)
			return -1;
		for (i = 0; i < len; i += page) {
			/* public */
			if (memcmp(memory + i, file + i, page) == 0)
				continue;
			if ((*pages)++ == 0)
				*first = at + i - m->start;
		}
	}
	return 0;
}

void
csn_process_compare(struct csn_process *p, const struct csn_map *m,
    char *out, size_t size)
{
	const struct mapped it = { p, m };
	const struct csn_reader_from from = { -1, open_in_reader, &it };
	uint64_t pages = 0, first = 0;
	uint8_t *memory = NULL, *file = NULL;
	struct csn_reader *reader = NULL;

	out[0] = '\0';
	if (m->inode == 0 || m->path[0] != '/' ||
	    (m->perms & CSN_MAP_WRITE) != 0)
		return;
	memory = csn_calloc(1, PIECE);
	file = csn_calloc(1, PIECE);
	/* One at a time waits for a file system that does not answer. */
	if (memory == NULL || file == NULL ||
	    !csn_reader_has_ended(p->left) ||
	    csn_reader_new(p->look.ctx, &from, &reader) != 0 ||
	    compare(p, m, reader, memory, file, &pages, &first) != 0)
		(void)snprintf(out, size,
		    "; could not be compared with its file");
	else if (pages == 0)
		(void)snprintf(out, size, "; as in its file");
	else
		(void)snprintf(out, size, "; differs from its file in %" PRIu64
		    " pages, first at 0x%" PRIx64, pages, first);
	if (reader != NULL)
		p->left = csn_reader_leave(reader);
	free(memory);
	free(file);
}
