/* SPDX-License-Identifier: Apache-2.0 */
/* process/note_write.c - the workload's side: keep a note of one's regions. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <caisson/note.h>

#include "base/cancel.h"
#include "base/file.h"
#include "providers/region/process/note.h"
#include "providers/region/look/pagemap.h"
#include "providers/region/provider.h"
#include "providers/region/look/target.h"

#define ROOM "region"

struct csn_note {
	struct csn_ctx *ctx;
	char *path;
	pid_t pid;
	uint64_t start;
	struct csn_region *v;	/* strings are ours */
	int *uffd;		/* of each region; -1 where it is not tracked */
	size_t n;
	size_t cap;
};

static int
nomem(const struct csn_note *note)
{
	return csn_nomem(note->ctx, ROOM, "a note");
}

static int
forked(const struct csn_note *note)
{
	if (note->pid == getpid())
		return 0;
	return csn_fail(note->ctx, CSN_E_FORK, ROOM,
	    "this note is the parent's: a forked child makes its own");
}

static int
own_start(struct csn_ctx *ctx, uint64_t *start)
{
	uint8_t *text;
	size_t len;
	int rc;

	if ((rc = csn_file_read(ctx, "/proc/self/stat", 4096, &text,
	    &len)) != 0)
		return rc;
	if (csn_stat_parse((const char *)text, start) == '?')
		rc = csn_fail(ctx, CSN_E_IO, ROOM,
		    "/proc/self/stat makes no sense");
	free(text);
	return rc;
}

/* Where notes go by default (csn_free), or NULL where memory is out. */
static char *
default_folder(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char *folder;
	size_t len;

	if (runtime == NULL || runtime[0] != '/')
		return csn_strdup(CSN_NOTE_FOLDER);
	len = strlen(runtime);
	if ((folder = csn_calloc(len + sizeof("/caisson"), 1)) == NULL)
		return NULL;
	memcpy(folder, runtime, len);
	memcpy(folder + len, "/caisson", sizeof("/caisson"));
	return folder;
}

int
csn_note_new(struct csn_ctx *ctx, const char *folder, struct csn_note **out)
{
	CSN_UNCANCELLED;
	struct csn_note *note;
	char *made = NULL;
	int rc;

	if (ctx == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a note needs a context and a place for its handle");
	if ((note = csn_calloc(1, sizeof(*note))) == NULL)
		return csn_nomem(ctx, ROOM, "a note");
	note->ctx = ctx;
	note->pid = getpid();
	if (folder == NULL && (folder = made = default_folder()) == NULL) {
		rc = nomem(note);
		goto err;
	}
	if ((rc = own_start(ctx, &note->start)) != 0 ||
	    (rc = csn_mkdirs(ctx, folder, 0755)) != 0)
		goto err;
	if ((note->path = csn_note_name(folder, note->pid,
	    note->start)) == NULL) {
		rc = nomem(note);
		goto err;
	}
	free(made);
	*out = note;
	return 0;

err:
	free(made);
	free(note->path);
	free(note);
	return rc;
}

/* The first n regions, as the file that a reader finds from now on. */
static int
publish(const struct csn_note *note, size_t n)
{
	size_t len;
	char *text;
	int rc;

	text = csn_note_format(note->pid, note->start, note->v, n);
	if (text == NULL)
		return nomem(note);
	len = strlen(text);
	if (len > CSN_NOTE_BYTES)
		rc = csn_fail(note->ctx, CSN_E_LIMIT, ROOM,
		    "the note would have more than %zu bytes",
		    CSN_NOTE_BYTES);
	else
		rc = csn_file_replace(note->ctx, note->path, text, len, 0644);
	free(text);
	return rc;
}

static struct csn_region *
find(const struct csn_note *note, const char *id)
{
	size_t i;

	for (i = 0; id != NULL && i < note->n; i++) {
		if (strcmp(note->v[i].id, id) == 0)
			return &note->v[i];
	}
	(void)csn_fail(note->ctx, CSN_E_NOT_FOUND, ROOM,
	    "no region %.128s is in the note", id == NULL ? "(null)" : id);
	return NULL;
}

static void
drop(struct csn_region *r)
{
	csn_free((char *)(uintptr_t)r->id);
	csn_free((char *)(uintptr_t)r->description);
}

static int
fits_in(const struct csn_note *note, const struct csn_region *region)
{
	size_t i;

	if (note->n == CSN_REGIONS_MAX)
		return csn_fail(note->ctx, CSN_E_LIMIT, ROOM,
		    "the note has %d regions already", CSN_REGIONS_MAX);
	for (i = 0; i < note->n; i++) {
		if (strcmp(note->v[i].id, region->id) == 0)
			return csn_fail(note->ctx, CSN_E_REGION, ROOM,
			    "a region %s is in the note already", region->id);
		if (csn_region_overlap(&note->v[i], region))
			return csn_fail(note->ctx, CSN_E_REGION, ROOM,
			    "region %s overlaps %s", region->id,
			    note->v[i].id);
	}
	return 0;
}

int
csn_note_add(struct csn_note *note, const struct csn_region *region)
{
	if (CSN_NEEDS(note, region) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
	struct csn_region *more, r;
	size_t cap;
	int *uffd, rc;

	if ((rc = forked(note)) != 0 ||
	    (rc = csn_region_take(note->ctx, region, &r)) != 0 ||
	    (rc = fits_in(note, &r)) != 0)
		return rc;
	if (note->n == note->cap) {
		cap = note->cap == 0 ? 8 : note->cap * 2;
		if ((more = csn_realloc(note->v, cap, sizeof(*more))) == NULL)
			return nomem(note);
		note->v = more;
		uffd = csn_realloc(note->uffd, cap, sizeof(*uffd));
		if (uffd == NULL)
			return nomem(note);
		note->uffd = uffd;
		note->cap = cap;
	}
	r.id = csn_strdup(r.id);
	r.description = csn_strdup(r.description);
	if (r.id == NULL || r.description == NULL) {
		drop(&r);
		return nomem(note);
	}
	note->v[note->n] = r;
	note->uffd[note->n] = -1;
	if ((rc = publish(note, note->n + 1)) != 0) {
		drop(&r);
		return rc;
	}
	note->n++;
	return 0;
}

int
csn_note_remove(struct csn_note *note, const char *id)
{
	if (CSN_NEEDS(note) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
	struct csn_region *r, last;
	int uffd, rc;
	size_t i;

	if ((rc = forked(note)) != 0)
		return rc;
	if ((r = find(note, id)) == NULL)
		return CSN_E_NOT_FOUND;
	/* To the end, so that the others' order may change but not they. */
	i = (size_t)(r - note->v);
	last = note->v[note->n - 1];
	note->v[note->n - 1] = *r;
	*r = last;
	uffd = note->uffd[i];
	note->uffd[i] = note->uffd[note->n - 1];
	note->uffd[note->n - 1] = uffd;
	if ((rc = publish(note, note->n - 1)) != 0)
		return rc;
	note->n--;
	if (uffd >= 0)
		(void)close(uffd);
	drop(&note->v[note->n]);
	return 0;
}

int
csn_note_track(struct csn_note *note, const char *id)
{
	if (CSN_NEEDS(note) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct csn_region *r;
	int *uffd, rc;

	if ((rc = forked(note)) != 0)
		return rc;
	if ((r = find(note, id)) == NULL)
		return CSN_E_NOT_FOUND;
	uffd = &note->uffd[r - note->v];
	if (*uffd >= 0)
		return 0;
	if (r->address % page != 0 || r->size % page != 0)
		return csn_fail(note->ctx, CSN_E_REGION, ROOM, "region %s "
		    "begins and ends not on pages of %llu bytes, so its "
		    "writes cannot be tracked", r->id,
		    (unsigned long long)page);
	return csn_pagemap_track(note->ctx, r->address, r->address + r->size,
	    uffd);
}

const char *
csn_note_path(const struct csn_note *note)
{
	return note->path;
}

void
csn_note_free(struct csn_note *note)
{
	CSN_UNCANCELLED;
	size_t i;

	if (note == NULL)
		return;
	if (note->pid == getpid())
		(void)unlink(note->path);
	for (i = 0; i < note->n; i++) {
		if (note->uffd[i] >= 0)
			(void)close(note->uffd[i]);
		drop(&note->v[i]);
	}
	free(note->v);
	free(note->uffd);
	free(note->path);
	free(note);
}
