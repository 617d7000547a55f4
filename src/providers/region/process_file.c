/* process_file.c - a mapping and the file behind it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "providers/region/process.h"
#include "providers/region/sealed.h"

#define PIECE ((size_t)1 << 20)

static int
same_file(int fd, const struct csn_map *m, struct stat *st)
{
	return fstat(fd, st) == 0 && S_ISREG(st->st_mode) &&
	    (uint64_t)st->st_ino == m->inode &&
	    major(st->st_dev) == m->major && minor(st->st_dev) == m->minor;
}

/* By its descriptors, for those who may not use map_files. */
static int
open_descriptor(const struct csn_process *p, const struct csn_map *m)
{
	struct dirent *e;
	struct stat st;
	int folder, fd = -1;
	DIR *dir;

	folder = openat(p->target.dir, "fd",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || (dir = fdopendir(folder)) == NULL) {
		if (folder >= 0)
			(void)close(folder);
		return -1;
	}
	while (fd < 0 && (e = readdir(dir)) != NULL) {
		/* Never open what a look may not be for free: a device, a
		 * pipe. */
		if (e->d_name[0] == '.' ||
		    fstatat(folder, e->d_name, &st, 0) != 0 ||
		    !S_ISREG(st.st_mode) || (uint64_t)st.st_ino != m->inode)
			continue;
		fd = openat(folder, e->d_name,
		    O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && !same_file(fd, m, &st)) {
			(void)close(fd);
			fd = -1;
		}
	}
	(void)closedir(dir);
	return fd;
}

/* The very file that is mapped, or -1. */
static int
open_mapped(const struct csn_process *p, const struct csn_map *m)
{
	struct stat st;
	char name[64];
	int fd, root;

	/* map_files follows to the file itself, whatever its path is now. */
	(void)snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64,
	    m->start, m->end);
	if (fstatat(p->target.dir, name, &st, 0) == 0 &&
	    S_ISREG(st.st_mode) && (fd = openat(p->target.dir, name,
	    O_RDONLY | O_NONBLOCK | O_CLOEXEC)) >= 0) {
		if (same_file(fd, m, &st))
			return fd;
		(void)close(fd);
	}
	if ((fd = open_descriptor(p, m)) >= 0)
		return fd;
	root = openat(p->target.dir, "root", O_PATH | O_CLOEXEC);
	if (root < 0)
		return -1;
	fd = openat(root, m->path + 1, O_RDONLY | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	(void)close(root);
	if (fd >= 0 && !same_file(fd, m, &st)) {
		(void)close(fd);
		fd = -1;
	}
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
	    strncmp(m->path, "/memfd:", 7) != 0)
		return 0;
	if ((fd = open_mapped(p, m)) < 0)
		return 0;
	sealed = csn_sealed(fd);
	(void)close(fd);
	return sealed;
}

/* len bytes of the file; zeros past its end, as the mapping has them. */
static int
read_file(int fd, uint64_t offset, uint8_t *out, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, out + done, len - done,
		    (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	memset(out + done, 0, len - done);
	return 0;
}

void
csn_process_compare(const struct csn_process *p, const struct csn_map *m,
    char *out, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len, i;
	uint64_t at, pages = 0, first = 0;
	uint8_t *memory = NULL, *file = NULL;
	int fd;

	out[0] = '\0';
	if (m->inode == 0 || m->path[0] != '/' ||
	    (m->perms & CSN_MAP_WRITE) != 0)
		return;
	if ((fd = open_mapped(p, m)) < 0) {
		(void)snprintf(out, size, "; its file cannot be opened");
		return;
	}
	memory = csn_calloc(1, PIECE);
	file = csn_calloc(1, PIECE);
	if (memory == NULL || file == NULL)
		goto unknown;
	for (at = m->start; at < m->end; at += len) {
		len = m->end - at < PIECE ? (size_t)(m->end - at) : PIECE;
		if (csn_target_read(&p->target, at, memory, len) != 0 ||
		    read_file(fd, m->offset + (at - m->start), file, len) != 0)
			goto unknown;
		for (i = 0; i < len; i += page) {
			/* public */
			if (memcmp(memory + i, file + i, page) == 0)
				continue;
			if (pages++ == 0)
				first = at + i - m->start;
		}
	}
	if (pages == 0)
		(void)snprintf(out, size, "; as in its file");
	else
		(void)snprintf(out, size, "; differs from its file in %" PRIu64
		    " pages, first at 0x%" PRIx64, pages, first);
	goto out;

unknown:
	(void)snprintf(out, size, "; could not be compared with its file");
out:
	free(memory);
	free(file);
	(void)close(fd);
}
