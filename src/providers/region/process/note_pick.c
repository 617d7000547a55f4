/* SPDX-License-Identifier: Apache-2.0 */
/* process/note_pick.c - find, trust only so far, and read a workload's note. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "providers/region/process/note.h"
#include "providers/region/process/process.h"

#define ROOM "region"

/*
 * Open a note that its process, or root, alone can have written. -1 with
 * errno, ENOENT where there is none there.
 */
static int
open_note(const struct csn_process *p, const char *folder,
    struct stat *st)
{
	const struct csn_target *t = &p->look.target;
	char *path;
	int fd, saved;

	if ((path = csn_note_name(folder, t->inner, t->start)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	saved = errno;
	free(path);
	errno = saved;
	if (fd < 0)
		return -1;
	if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode) ||
	    (st->st_uid != t->uid && st->st_uid != 0) ||
	    (st->st_mode & 022) != 0) {
		(void)close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

/* The first of the usual folders that has one. */
static int
find_note(const struct csn_process *p, struct stat *st)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char user[64], own[512] = "";
	const char *folders[] = { CSN_NOTE_FOLDER, user, own };
	int fd = -1;
	size_t i;

	if (p->config.note_folder != NULL)
		return open_note(p, p->config.note_folder, st);
	(void)snprintf(user, sizeof(user), "/run/user/%lu/caisson",
	    (unsigned long)p->look.target.uid);
	if (runtime != NULL && strlen(runtime) < sizeof(own) - 16)
		(void)snprintf(own, sizeof(own), "%s/caisson", runtime);
	errno = ENOENT;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (folders[i][0] == '\0')
			continue;
		fd = open_note(p, folders[i], st);
		if (fd >= 0 || (errno != ENOENT && errno != EACCES))
			break;
	}
	return fd;
}

static int
read_note(struct csn_process *p, struct csn_note_regions *out)
{
	const struct csn_target *t = &p->look.target;
	char *text = NULL;
	struct stat st;
	size_t used = 0, size;
	ssize_t n = 1;
	int fd, rc;

	if ((fd = find_note(p, &st)) < 0) {
		if (errno == EPERM)
			return csn_fail(p->look.ctx, CSN_E_BACKEND, ROOM, "the "
			    "note of process %ld could have been written by "
			    "others than the process's user", (long)t->pid);
		return csn_fail_errno(p->look.ctx, CSN_E_BACKEND, ROOM, errno,
		    "process %ld has left no note %ld-%" PRIu64 ".json in "
		    "%.200s (csn_note_add)", (long)t->pid,
		    (long)t->inner, t->start,
		    p->config.note_folder != NULL ? p->config.note_folder :
		    CSN_NOTE_FOLDER " or its user's folder");
	}
	/* The file is replaced, never changed: its size holds. */
	size = (size_t)st.st_size;
	if (st.st_size < 0 || size > CSN_NOTE_BYTES) {
		rc = csn_fail(p->look.ctx, CSN_E_LIMIT, ROOM,
		    "the note of process %ld has more than %zu bytes",
		    (long)t->pid, CSN_NOTE_BYTES);
		goto out;
	}
	if ((text = csn_calloc(size + 1, 1)) == NULL) {
		rc = csn_nomem(p->look.ctx, ROOM, "a note of regions");
		goto out;
	}
	while (used < size && n != 0) {
		n = read(fd, text + used, size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = csn_fail_errno(p->look.ctx, CSN_E_BACKEND, ROOM,
			    errno, "the note of process %ld", (long)t->pid);
			goto out;
		}
		used += (size_t)n;
	}
	rc = csn_note_parse(p->look.ctx, text, used, t->inner, t->start, out);
out:
	free(text);
	(void)close(fd);
	return rc;
}

/* What is mapped there decides over what the note says of it. */
static int
check_mapped(const struct csn_process *p, struct csn_region *r)
{
	const struct csn_map *m;
	uint64_t at = r->address, end = r->address + r->size;
	int writable = 0;

	if (!csn_maps_cover(&p->look.maps, at, r->size))
		return csn_fail(p->look.ctx, CSN_E_REGION, ROOM, "region %s: "
		    "process %ld has not all of it mapped", r->id,
		    (long)p->look.target.pid);
	for (; at < end; at = m->end) {
		m = csn_maps_find(&p->look.maps, at);
		writable |= (m->perms & CSN_MAP_WRITE) != 0;
	}
	if (writable && r->protection != CSN_PROT_RW)
		return csn_fail(p->look.ctx, CSN_E_REGION, ROOM, "region %s: "
		    "the note says %s, but process %ld can write to it", r->id,
		    csn_protection_name((int)r->protection),
		    (long)p->look.target.pid);
	/* "For good" is more than not now: only a seal makes it so. */
	if (r->protection == CSN_PROT_RO)
		r->protection = CSN_PROT_R;
	return 0;
}

int
csn_process_pick_note(struct csn_process *p)
{
	struct csn_note_regions note;
	struct csn_picked *one;
	size_t i;
	int rc;

	if ((rc = read_note(p, &note)) != 0)
		return rc;
	for (i = 0; i < note.n; i++) {
		if ((rc = check_mapped(p, &note.v[i])) != 0)
			break;
		if ((one = csn_look_add(&p->look)) == NULL) {
			rc = csn_message_code();
			break;
		}
		/* csn_region_check() has measured both. */
		memcpy(one->id, note.v[i].id, strlen(note.v[i].id) + 1);
		memcpy(one->description, note.v[i].description,
		    strlen(note.v[i].description) + 1);
		one->region = note.v[i];
		one->region.id = one->id;
		one->region.description = one->description;
		csn_process_seal(p, one);
	}
	csn_note_regions_free(&note);
	return rc;
}
