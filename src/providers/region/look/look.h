/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/look/look.h - regions of a process, at one moment. */
#ifndef CSN_PROVIDERS_REGION_LOOK_LOOK_H
#define CSN_PROVIDERS_REGION_LOOK_LOOK_H

#include "providers/region/look/freeze.h"
#include "providers/region/look/maps.h"
#include "providers/region/look/target.h"
#include "providers/region/provider.h"

/* One region that is listed. */
struct csn_picked {
	struct csn_region region;	/* its strings are the two below */
	/* Where it is immutable: which bytes of which file it shows. */
	uint64_t inode;
	uint64_t offset;
	char id[CSN_REGION_ID_MAX + 1];
	char description[257];
};

/* What was read between begin and end, to be looked at once more. */
struct csn_seen {
	uint64_t address;
	uint64_t len;
	uint64_t fingerprint;
};

/* target and freeze are filled in by whoever looks; the rest begins as zero. */
struct csn_look {
	struct csn_ctx *ctx;
	struct csn_target target;
	struct csn_freeze freeze;
	struct csn_maps maps;		/* as of the last list */
	struct csn_picked *picked;
	size_t n;
	size_t cap;
	uint64_t switches;		/* of its threads, as they stopped */
	/* Without a freeze: what to compare at the end. */
	int looking;
	struct csn_seen *seen;
	size_t nseen;
	size_t seen_cap;
	struct csn_range *armed;	/* addresses tracked since begin */
	size_t narmed;
	size_t armed_cap;
	uint64_t key[2];
};

/*
 * look/look.c: one moment, by freezing or by reading again at the end; as a
 * provider's begin and end.
 */
CSN_MUST_CHECK int csn_look_begin(struct csn_look *l);
CSN_MUST_CHECK int csn_look_end(struct csn_look *l);
/* In place of the end, where the look came to nothing. */
void csn_look_leave(struct csn_look *l);
/* All that it has; nothing stays frozen. */
void csn_look_clear(struct csn_look *l);

/* look/regions.c: the regions that are looked at, and their bytes. */

/* One more region, its strings to be written; NULL on CSN_E_NOMEM/_LIMIT. */
struct csn_picked *csn_look_add(struct csn_look *l);
/* The id of the region there, for sentences. */
const char *csn_look_name(const struct csn_look *l, uint64_t address);
/*
 * Copy from its memory, by what its maps said last is there; the errors of
 * csn_target_read() name the region, where there is one.
 */
CSN_MUST_CHECK int csn_look_read(const struct csn_look *l,
    uint64_t address, void *out, size_t len);

/* look/seen.c: notice what changes while it is read. */
CSN_MUST_CHECK int csn_seen_begin(struct csn_look *l);
CSN_MUST_CHECK int csn_seen_add(struct csn_look *l, uint64_t address,
    const void *bytes, size_t len);
/* From here on writes to it are told by dirty tracking. */
void csn_seen_armed(struct csn_look *l, uint64_t address, uint64_t len);
/* CSN_E_BUSY where something was written meanwhile. */
CSN_MUST_CHECK int csn_seen_end(struct csn_look *l);

/* look/still.c: notice that who was stopped ran on. CSN_E_BUSY then. */
CSN_MUST_CHECK int csn_still_begin(struct csn_look *l);
CSN_MUST_CHECK int csn_still_end(struct csn_look *l);

#endif
