/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.c - the region provider "process:": another process's memory on
 * Linux.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "providers/region/look/pagemap.h"
#include "providers/region/process/process.h"

#define ROOM "region"

static void
process_close(void *state)
{
	struct csn_process *p = state;

	csn_look_clear(&p->look);
	csn_process_config_free(&p->config);
	free(p);
}

static int
process_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	struct csn_process *p;
	int rc;

	if ((p = csn_calloc(1, sizeof(*p))) == NULL)
		return csn_nomem(ctx, ROOM, "a process's regions");
	p->look.ctx = ctx;
	p->look.freeze.cgroup = -1;
	if ((rc = csn_process_config_parse(ctx, rest, &p->config)) != 0) {
		free(p);
		return rc;
	}
	p->look.freeze.how = p->config.freeze;
	p->look.freeze.timeout_ms = p->config.timeout_ms;
	rc = csn_target_open(ctx, p->config.pid, &p->look.target);
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
	for (i = 0; i < p->look.n; i++)
		if ((rc = visit(arg, &p->look.picked[i].region)) != 0)
			return rc;
	return 0;
}

/* The region as it was listed last, or NULL. */
static const struct csn_region *
listed(struct csn_process *p, const struct csn_region *region)
{
	const struct csn_region *r;
	size_t i;

	if (p->look.n == 0 && csn_process_pick(p) != 0)
		return NULL;
	for (i = 0; i < p->look.n; i++) {
		r = &p->look.picked[i].region;
		if (r->address == region->address && r->size == region->size &&
		    strcmp(r->id, region->id) == 0)
			return r;
	}
	(void)csn_fail(p->look.ctx, CSN_E_REGION, ROOM, "process %ld has no "
	    "region %.128s of that place and size: list them again",
	    (long)p->look.target.pid, region->id);
	return NULL;
}

static int
process_begin(void *state)
{
	struct csn_process *p = state;

	return csn_look_begin(&p->look);
}

static int
process_end(void *state)
{
	struct csn_process *p = state;

	return csn_look_end(&p->look);
}

static int
process_read(void *state, const struct csn_region *region, uint64_t offset,
    void *out, size_t len)
{
	struct csn_process *p = state;
	const struct csn_region *r;
	int rc;

	if ((r = listed(p, region)) == NULL)
		return csn_message_code();
	rc = csn_look_read(&p->look, r->address + offset, out, len);
	if (rc == 0 && p->look.looking && !r->immutable)
		rc = csn_seen_add(&p->look, r->address + offset, out, len);
	return rc;
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
		return csn_message_code();
	if (w.region->immutable) {
		*n = 0;
		return 0;
	}
	start = w.region->address;
	end = start + w.region->size;
	/* Asking would make a neighbour on the same page forget its writes. */
	if (start % page != 0 || end % page != 0)
		return csn_fail(p->look.ctx, CSN_E_BACKEND, ROOM, "region %s "
		    "shares a page with other memory", w.region->id);
	if ((fd = csn_target_pagemap(&p->look.target)) < 0)
		return CSN_E_BACKEND;
	rc = csn_pagemap_scan(p->look.ctx, fd, start, end, 1, add_write, &w);
	if (rc != 0 && rc != CSN_E_BUFFER)
		return rc;
	csn_seen_armed(&p->look, w.region->address, w.region->size);
	if (rc == CSN_E_BUFFER)
		return csn_fail(p->look.ctx, CSN_E_BUFFER, ROOM, "region %s "
		    "was written in more than %zu places", w.region->id, cap);
	*n = w.n;
	return 0;
}

const struct csn_region_provider csn_region_process = {
	.abi = CSN_REGION_ABI,
	.name = "process",
	.platform = "linux-process",
	.open = process_open,
	.list = process_list,
	.begin = process_begin,
	.end = process_end,
	.read = process_read,
	.dirty = process_dirty,
	.close = process_close,
};
