/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.c - the region provider "process:": another process's memory on
 * Linux.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "providers/region/look/pagemap.h"
#include "providers/region/process/process.h"

#define ROOM "region"

void
csn_process_clear(struct csn_process *p)
{
	/* What was begun and not ended must not stay frozen. */
	(void)csn_thaw(&p->freeze, &p->target);
	csn_target_close(&p->target);
	csn_process_config_free(&p->config);
	csn_maps_free(&p->maps);
	free(p->picked);
	free(p->seen);
	free(p->armed);
	memset(p, 0, sizeof(*p));
}

static void
process_close(void *state)
{
	csn_process_clear(state);
	free(state);
}

static int
process_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	struct csn_process *p;
	int rc;

	if ((p = csn_calloc(1, sizeof(*p))) == NULL)
		return csn_nomem(ctx, ROOM, "a process's regions");
	p->ctx = ctx;
	p->freeze.cgroup = -1;
	if ((rc = csn_process_config_parse(ctx, rest, &p->config)) != 0) {
		free(p);
		return rc;
	}
	p->freeze.how = p->config.freeze;
	p->freeze.timeout_ms = p->config.timeout_ms;
	rc = csn_target_open(ctx, p->config.pid, &p->target);
	if (rc != 0) {
		csn_process_config_free(&p->config);
		free(p);
		return rc;
	}
	*state = p;
	return 0;
}

static int
process_list(void *state, int (*visit)(void *arg,
    const struct csn_region *region), void *arg)
{
	struct csn_process *p = state;
	size_t i;
	int rc;

	if ((rc = csn_process_pick(p)) != 0)
		return rc;
	for (i = 0; i < p->n; i++)
		if ((rc = visit(arg, &p->picked[i].region)) != 0)
			return rc;
	return 0;
}

/* The region as it was listed last, or NULL. */
static const struct csn_region *
listed(struct csn_process *p, const struct csn_region *region)
{
	const struct csn_region *r;
	size_t i;

	if (p->n == 0 && csn_process_pick(p) != 0)
		return NULL;
	for (i = 0; i < p->n; i++) {
		r = &p->picked[i].region;
		if (r->address == region->address && r->size == region->size &&
		    strcmp(r->id, region->id) == 0)
			return r;
	}
	(void)csn_fail(p->ctx, CSN_E_REGION, ROOM, "process %ld has no region "
	    "%.128s of that place and size: list them again",
	    (long)p->target.pid, region->id);
	return NULL;
}

int
csn_process_begin(void *state)
{
	struct csn_process *p = state;
	int rc;

	if ((rc = csn_target_check(&p->target)) != 0 ||
	    (rc = csn_freeze(&p->freeze, &p->target)) != 0)
		return rc;
	if (p->freeze.how == CSN_FREEZE_NONE)
		return csn_seen_begin(p);
	if (p->freeze.how == CSN_FREEZE_SIGSTOP &&
	    (rc = csn_still_begin(p)) != 0)
		(void)csn_thaw(&p->freeze, &p->target);
	return rc;
}

/* Do the mappings under the regions still stand as they were listed? */
static int
same_mappings(struct csn_process *p)
{
	const struct csn_map *a, *b;
	const struct csn_region *r;
	struct csn_maps now;
	uint64_t at;
	size_t i;
	int rc;

	if ((rc = csn_target_maps(&p->target, &now)) != 0)
		return rc;
	for (i = 0; i < p->n && rc == 0; i++) {
		r = &p->picked[i].region;
		for (at = r->address; at - r->address < r->size;
		    at = a->end < b->end ? a->end : b->end) {
			a = csn_maps_find(&p->maps, at);
			b = csn_maps_find(&now, at);
			/* They may have grown, been joined or been split. */
			if (a == NULL || b == NULL || a->perms != b->perms ||
			    a->inode != b->inode || (a->inode != 0 &&
			    a->offset - a->start != b->offset - b->start)) {
				rc = csn_fail(p->ctx, CSN_E_BUSY, ROOM,
				    "the mappings of region %s of process "
				    "%ld changed while it was read: try "
				    "again", r->id, (long)p->target.pid);
				break;
			}
		}
	}
	csn_maps_free(&now);
	return rc;
}

int
csn_process_end(void *state)
{
	struct csn_process *p = state;
	int rc = 0, thawed;

	if (p->looking)
		rc = csn_seen_end(p);
	else if (p->freeze.how == CSN_FREEZE_SIGSTOP)
		rc = csn_still_end(p);
	/* Listed before the freeze, they could have changed until it held. */
	if (rc == 0)
		rc = same_mappings(p);
	thawed = csn_thaw(&p->freeze, &p->target);
	return rc != 0 ? rc : thawed;
}

void
csn_process_leave(struct csn_process *p)
{
	p->looking = 0;
	(void)csn_thaw(&p->freeze, &p->target);
}

/*
 * Memory that no file system stands behind: anonymous, or of the kernel's own
 * shared memory (a memfd, shmget(2)), which is told by its device alone, for
 * a file of any file system may have such a name.
 */
static int
is_file(const struct csn_process *p, const struct csn_map *m)
{
	return m == NULL || (m->inode != 0 &&
	    makedev(m->major, m->minor) != p->target.memfd_dev);
}

int
csn_process_read(const struct csn_process *p, uint64_t address, void *out,
    size_t len)
{
	const struct csn_map *m;
	uint8_t *to = out;
	uint64_t timeout;
	size_t take;
	int rc;

	timeout = p->freeze.timeout_ms != 0 ? p->freeze.timeout_ms :
	    CSN_FREEZE_TIMEOUT;
	for (; len > 0; address += take, to += take, len -= take) {
		m = csn_maps_find(&p->maps, address);
		take = m != NULL && m->end - address < len ?
		    (size_t)(m->end - address) : len;
		rc = csn_target_read(&p->target, is_file(p, m), address, to,
		    take, timeout);
		if (rc != 0)
			return csn_fail(p->ctx, rc, ROOM, "region %s: %s",
			    csn_process_name(p, address),
			    csn_ctx_message(p->ctx));
	}
	return 0;
}

static int
process_read(void *state, const struct csn_region *region, uint64_t offset,
    void *out, size_t len)
{
	struct csn_process *p = state;
	const struct csn_region *r;
	int rc;

	if ((r = listed(p, region)) == NULL)
		return csn_ctx_code(p->ctx);
	rc = csn_process_read(p, r->address + offset, out, len);
	if (rc == 0 && p->looking && !r->immutable)
		rc = csn_seen_add(p, r->address + offset, out, len);
	return rc;
}

int
csn_process_pagemap(struct csn_process *p)
{
	if (p->target.pagemap < 0) {
		p->target.pagemap = openat(p->target.dir, "pagemap",
		    O_RDONLY | O_CLOEXEC);
		if (p->target.pagemap < 0)
			(void)csn_target_fail(&p->target, errno,
			    "reading its pagemap");
	}
	return p->target.pagemap;
}

/* Pages that were written, as ranges of a region. */
struct writes {
	const struct csn_region *region;
	struct csn_range *ranges;
	size_t cap;
	size_t n;
};

static int
add_write(void *arg, uint64_t start, uint64_t end)
{
	struct writes *w = arg;

	if (w->n == w->cap)
		return CSN_E_BUFFER;
	w->ranges[w->n].offset = start - w->region->address;
	w->ranges[w->n++].len = end - start;
	return 0;
}

static int
process_dirty(void *state, const struct csn_region *region,
    struct csn_range *ranges, size_t cap, size_t *n)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct csn_process *p = state;
	struct writes w = { .ranges = ranges, .cap = cap };
	uint64_t start, end;
	int fd, rc;

	if ((w.region = listed(p, region)) == NULL)
		return csn_ctx_code(p->ctx);
	if (w.region->immutable) {
		*n = 0;
		return 0;
	}
	start = w.region->address;
	end = start + w.region->size;
	/* Asking would make a neighbour on the same page forget its writes. */
	if (start % page != 0 || end % page != 0)
		return csn_fail(p->ctx, CSN_E_BACKEND, ROOM, "region %s "
		    "shares a page with other memory", w.region->id);
	if ((fd = csn_process_pagemap(p)) < 0)
		return CSN_E_BACKEND;
	rc = csn_pagemap_scan(p->ctx, fd, start, end, 1, add_write, &w);
	if (rc != 0 && rc != CSN_E_BUFFER)
		return rc;
	csn_seen_armed(p, w.region->address, w.region->size);
	if (rc == CSN_E_BUFFER)
		return csn_fail(p->ctx, CSN_E_BUFFER, ROOM, "region %s was "
		    "written in more than %zu places", w.region->id, cap);
	*n = w.n;
	return 0;
}

const struct csn_region_provider csn_region_process = {
	.abi = CSN_REGION_ABI,
	.name = "process",
	.platform = "linux-process",
	.open = process_open,
	.list = process_list,
	.begin = csn_process_begin,
	.end = csn_process_end,
	.read = process_read,
	.dirty = process_dirty,
	.close = process_close,
};
