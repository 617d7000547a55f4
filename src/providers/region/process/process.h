/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/process/process.h - the parts of the process provider. */
#ifndef CSN_PROVIDERS_REGION_PROCESS_PROCESS_H
#define CSN_PROVIDERS_REGION_PROCESS_PROCESS_H

#include "providers/region/look/look.h"

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

struct csn_process {
	struct csn_look look;
	struct csn_process_config config;
	pid_t left;			/* that still waits for a file, or 0 */
	uint32_t seals;			/* values of immutable given so far */
};

/* process/pick.c: from mappings to regions. Replaces maps and picked. */
CSN_MUST_CHECK int csn_process_pick(struct csn_process *p);

/* process/note_pick.c: the regions of the workload's note. */
CSN_MUST_CHECK int csn_process_pick_note(struct csn_process *p);

/* process/file.c: what is known of a mapping by its file. */

/*
 * 1 where it maps a memfd that nobody can write to or cut any more. Without
 * CAP_CHECKPOINT_RESTORE that is only seen of one whose descriptor the
 * process has kept.
 */
int csn_process_sealed(const struct csn_process *p, const struct csn_map *m);
/* Say where it is immutable, once its address and size are known. */
void csn_process_seal(const struct csn_process *p, struct csn_picked *one);
/* How a read-only mapping compares with its file, as words: never fails. */
void csn_process_compare(struct csn_process *p, const struct csn_map *m,
    char *out, size_t size);

#endif
