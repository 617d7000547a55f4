/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/process/process.h - the parts of the process provider. */
#ifndef CSN_PROVIDERS_REGION_PROCESS_PROCESS_H
#define CSN_PROVIDERS_REGION_PROCESS_PROCESS_H

#include "providers/region/look/freeze.h"
#include "providers/region/look/maps.h"
#include "providers/region/provider.h"
#include "providers/region/look/target.h"

#define CSN_PROCESS_SELECTORS 64

/*
 * process:PID?option=value&…
 *
 *   path=GLOB      mappings whose path matches one of the globs (fnmatch(3),
 *                  where * matches a / too)
 *   perms=r-xp     mappings with one of these permissions; . for any
 *   address=A-B    exactly these bytes, hexadecimal with 0x
 *   note=1|FOLDER  the regions of the note that the workload keeps
 *   freeze=HOW     none (the default), sigstop, ptrace or cgroup
 *   timeout=MS     for the freeze, and for each MiB that comes from a file;
 *                  5,000
 *   compare=1      describe each read-only mapping of a file with whether it
 *                  still is what the file holds
 *
 * path, perms and address may be given several times. A mapping is picked
 * where a path matches and a permission matches, of those that were given.
 */
struct csn_process_config {
	pid_t pid;
	enum csn_freeze_how freeze;
	uint64_t timeout_ms;
	int compare;
	int note;
	char *note_folder;	/* NULL for where notes usually are */
	char *paths[CSN_PROCESS_SELECTORS];
	size_t npaths;
	char perms[CSN_PROCESS_SELECTORS][5];
	size_t nperms;
	struct {
		uint64_t start, end;
	} ranges[CSN_PROCESS_SELECTORS];
	size_t nranges;
};

CSN_MUST_CHECK int csn_process_config_parse(struct csn_ctx *ctx,
    const char *rest, struct csn_process_config *out);
void csn_process_config_free(struct csn_process_config *c);

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
	uint64_t print;		/* csn_seen_print() */
};

struct csn_process {
	struct csn_ctx *ctx;
	struct csn_process_config config;
	struct csn_target target;
	struct csn_freeze freeze;
	struct csn_maps maps;		/* as of the last list */
	struct csn_picked *picked;
	size_t n;
	size_t cap;
	pid_t left;			/* that still waits for a file, or 0 */
	uint32_t seals;			/* values of immutable given so far */
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
 * process.c: a look at one moment, by freezing or by reading again at the
 * end. state is a struct csn_process, target, freeze, maps and picked filled
 * in. As the provider's begin and end.
 */
CSN_MUST_CHECK int csn_process_begin(void *state);
CSN_MUST_CHECK int csn_process_end(void *state);
/* In place of the end, where the look came to nothing. */
void csn_process_leave(struct csn_process *p);
/* All that it has; nothing stays frozen. */
void csn_process_clear(struct csn_process *p);

/*
 * Copy from its memory, by what its maps said last is there; the errors of
 * csn_target_read() name the region, where there is one.
 */
CSN_MUST_CHECK int csn_process_read(const struct csn_process *p,
    uint64_t address, void *out, size_t len);

/* look/seen.c: the id of the region there, for sentences. */
const char *csn_process_name(const struct csn_process *p, uint64_t address);

/* process/pick.c: from mappings to regions. Replaces maps and picked. */
CSN_MUST_CHECK int csn_process_pick(struct csn_process *p);
/* One more region, its strings to be written; NULL on CSN_E_NOMEM/_LIMIT. */
struct csn_picked *csn_process_add(struct csn_process *p);

/* Say where it is immutable, once its address and size are known. */
void csn_process_seal(const struct csn_process *p, struct csn_picked *one);

/* process/note_pick.c: the regions of the workload's note. */
CSN_MUST_CHECK int csn_process_pick_note(struct csn_process *p);

/* process/file.c: what is known of a mapping by its file. */

/*
 * 1 where it maps a memfd that nobody can write to or cut any more. Without
 * CAP_CHECKPOINT_RESTORE that is only seen of one whose descriptor the
 * process has kept.
 */
int csn_process_sealed(const struct csn_process *p, const struct csn_map *m);
/* How a read-only mapping compares with its file, as words: never fails. */
void csn_process_compare(struct csn_process *p, const struct csn_map *m,
    char *out, size_t size);

/* look/seen.c: notice what changes while it is read. */
CSN_MUST_CHECK int csn_seen_begin(struct csn_process *p);
CSN_MUST_CHECK int csn_seen_add(struct csn_process *p, uint64_t address,
    const void *bytes, size_t len);
/* From here on writes to it are told by dirty tracking. */
void csn_seen_armed(struct csn_process *p, uint64_t address, uint64_t len);
/* CSN_E_BUSY where something was written meanwhile. */
CSN_MUST_CHECK int csn_seen_end(struct csn_process *p);

/* look/still.c: notice that who was stopped ran on. CSN_E_BUSY then. */
CSN_MUST_CHECK int csn_still_begin(struct csn_process *p);
CSN_MUST_CHECK int csn_still_end(struct csn_process *p);

/* The pagemap file, opened when first asked for. -1 and a sentence. */
int csn_process_pagemap(struct csn_process *p);

#endif
