/* SPDX-License-Identifier: Apache-2.0 */
/* look/look.c - one moment of a process: frozen, or read once more. */
#include <stdlib.h>
#include <string.h>

#include "providers/region/look/look.h"

#define ROOM "region"

void
csn_look_clear(struct csn_look *l)
{
	/* What was begun and not ended must not stay frozen. */
	(void)csn_thaw(&l->freeze, &l->target);
	csn_target_close(&l->target);
	csn_maps_free(&l->maps);
	free(l->picked);
	free(l->seen);
	free(l->armed);
	memset(l, 0, sizeof(*l));
}

int
csn_look_begin(struct csn_look *l)
{
	int rc;

	if ((rc = csn_target_check(&l->target)) != 0 ||
	    (rc = csn_freeze(&l->freeze, &l->target)) != 0)
		return rc;
	if (l->freeze.how == CSN_FREEZE_NONE)
		return csn_seen_begin(l);
	if (l->freeze.how == CSN_FREEZE_SIGSTOP &&
	    (rc = csn_still_begin(l)) != 0)
		(void)csn_thaw(&l->freeze, &l->target);
	return rc;
}

/* Do the mappings under the regions still stand as they were listed? */
static int
same_mappings(struct csn_look *l)
{
	const struct csn_map *a, *b;
	const struct csn_region *r;
	struct csn_maps now;
	uint64_t at;
	size_t i;
	int rc;

	if ((rc = csn_target_maps(&l->target, &now)) != 0)
		return rc;
	for (i = 0; i < l->n && rc == 0; i++) {
		r = &l->picked[i].region;
		for (at = r->address; at - r->address < r->size;
		    at = a->end < b->end ? a->end : b->end) {
			a = csn_maps_find(&l->maps, at);
			b = csn_maps_find(&now, at);
			/* They may have grown, been joined or been split. */
			if (a == NULL || b == NULL || a->perms != b->perms ||
			    a->inode != b->inode || (a->inode != 0 &&
			    a->offset - a->start != b->offset - b->start)) {
				rc = csn_fail(l->ctx, CSN_E_BUSY, ROOM,
				    "the mappings of region %s of process "
				    "%ld changed while it was read: try "
				    "again", r->id, (long)l->target.pid);
				break;
			}
		}
	}
	csn_maps_free(&now);
	return rc;
}

int
csn_look_end(struct csn_look *l)
{
	int rc = 0, thawed;

	if (l->looking)
		rc = csn_seen_end(l);
	else if (l->freeze.how == CSN_FREEZE_SIGSTOP)
		rc = csn_still_end(l);
	/* Listed before the freeze, they could have changed until it held. */
	if (rc == 0)
		rc = same_mappings(l);
	thawed = csn_thaw(&l->freeze, &l->target);
	return rc != 0 ? rc : thawed;
}

void
csn_look_leave(struct csn_look *l)
{
	l->looking = 0;
	(void)csn_thaw(&l->freeze, &l->target);
}
