/* SPDX-License-Identifier: Apache-2.0 */
/* look.c - find a region among those listed. */
#include <stdio.h>
#include <string.h>

#include "attest/look.h"

struct wanted {
	const char *id;		/* NULL: by address */
	uint64_t address;
	struct look *out;
	int count;
	int found;
};

static int
visit(void *arg, const struct csn_region *r)
{
	struct wanted *w = arg;

	w->count++;
	if (w->out == NULL || w->found || (w->id != NULL ?
	    strcmp(w->id, r->id) != 0 : w->address < r->address ||
	    w->address - r->address >= r->size))
		return 0;
	w->found = 1;
	w->out->region = *r;
	(void)snprintf(w->out->id, sizeof(w->out->id), "%s", r->id);
	(void)snprintf(w->out->description, sizeof(w->out->description),
	    "%s", r->description);
	w->out->region.id = w->out->id;
	w->out->region.description = w->out->description;
	return 0;
}

static int
look(struct csn_regions *regions, struct wanted *w)
{
	int rc;

	if ((rc = csn_regions_each(regions, visit, w)) != 0)
		return rc;
	return w->found ? 0 : CSN_E_NOT_FOUND;
}

int
look_for(struct csn_regions *regions, const char *id, struct look *out)
{
	struct wanted w = { .id = id, .out = out };

	return look(regions, &w);
}

int
look_at(struct csn_regions *regions, uint64_t address, struct look *out)
{
	struct wanted w = { .address = address, .out = out };

	return look(regions, &w);
}

int
look_count(struct csn_regions *regions)
{
	struct wanted w = { .id = "" };
	int rc = csn_regions_each(regions, visit, &w);

	return rc != 0 ? rc : w.count;
}
