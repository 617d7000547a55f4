/* SPDX-License-Identifier: Apache-2.0 */
/* look/regions.c - the regions that are looked at, and their bytes. */
#include <string.h>
#include <sys/sysmacros.h>

#include "providers/region/look/look.h"

#define ROOM "region"

struct csn_picked *
csn_look_add(struct csn_look *l)
{
	struct csn_picked *more;
	size_t cap, i;

	if (l->n == CSN_REGIONS_MAX) {
		(void)csn_fail(l->ctx, CSN_E_LIMIT, ROOM, "more than %d "
		    "regions of process %ld are picked", CSN_REGIONS_MAX,
		    (long)l->target.pid);
		return NULL;
	}
	if (l->n == l->cap) {
		cap = l->cap == 0 ? 16 : l->cap * 2;
		more = csn_realloc(l->picked, cap, sizeof(*more));
		if (more == NULL) {
			(void)csn_nomem(l->ctx, ROOM, "another region");
			return NULL;
		}
		l->picked = more;
		l->cap = cap;
		/* The strings have moved with them. */
		for (i = 0; i < l->n; i++) {
			more[i].region.id = more[i].id;
			more[i].region.description = more[i].description;
		}
	}
	more = &l->picked[l->n++];
	memset(more, 0, sizeof(*more));
	more->region.size_of = sizeof(more->region);
	more->region.id = more->id;
	more->region.description = more->description;
	return more;
}

const char *
csn_look_name(const struct csn_look *l, uint64_t address)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (address >= l->picked[i].region.address &&
		    address - l->picked[i].region.address <
		    l->picked[i].region.size)
			return l->picked[i].id;
	}
	return "(unknown)";
}

/*
 * Memory that no file system stands behind: anonymous, or of the kernel's own
 * shared memory (a memfd, shmget(2)), which is told by its device alone, for
 * a file of any file system may have such a name.
 */
static int
is_file(const struct csn_look *l, const struct csn_map *m)
{
	return m == NULL || (m->inode != 0 &&
	    makedev(m->major, m->minor) != l->target.memfd_dev);
}

int
csn_look_read(const struct csn_look *l, uint64_t address, void *out,
    size_t len)
{
	const struct csn_map *m;
	uint8_t *to = out;
	uint64_t timeout;
	size_t take;
	int rc;

	timeout = l->freeze.timeout_ms != 0 ? l->freeze.timeout_ms :
	    CSN_FREEZE_TIMEOUT;
	for (; len > 0; address += take, to += take, len -= take) {
		m = csn_maps_find(&l->maps, address);
		take = m != NULL && m->end - address < len ?
		    (size_t)(m->end - address) : len;
		rc = csn_target_read(&l->target, is_file(l, m), address, to,
		    take, timeout);
		if (rc != 0)
			return csn_fail(l->ctx, rc, ROOM, "region %s: %s",
			    csn_look_name(l, address),
			    csn_message());
	}
	return 0;
}
