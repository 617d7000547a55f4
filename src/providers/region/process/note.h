/* SPDX-License-Identifier: Apache-2.0 */
/* region/process/note.h - the note's file: form, name, reader, writer. */
#ifndef CSN_PROVIDERS_REGION_PROCESS_NOTE_H
#define CSN_PROVIDERS_REGION_PROCESS_NOTE_H

#include <sys/types.h>

#include <caisson/region.h>

/*
 * {"caisson_note": 1, "pid": 1234, "start": 567890, "regions": [
 *   {"id": "weights", "description": "…", "address": "0x7f0000000000",
 *    "size": 65536, "protection": "RO"}]}
 *
 * Members are in any order, each once, no other; an address is hexadecimal
 * without leading zeros.
 */
#define CSN_NOTE_VERSION 1
#define CSN_NOTE_BYTES ((size_t)4 << 20)
#define CSN_NOTE_FOLDER "/run/caisson"

struct csn_note_regions {
	struct csn_region *v;	/* strings are ours */
	size_t n;
};

/**
 * Parse the note of that process. CSN_E_FORM with what is wrong, also where
 * it is another process's; CSN_E_REGION for a region that makes no sense;
 * CSN_E_LIMIT, CSN_E_NOMEM. On error *out is empty.
 */
CSN_MUST_CHECK int csn_note_parse(struct csn_ctx *ctx, const char *text,
    size_t len, pid_t pid, uint64_t start, struct csn_note_regions *out);
void csn_note_regions_free(struct csn_note_regions *r);

/* The file's text (csn_free), or NULL where memory is out. */
char *csn_note_format(pid_t pid, uint64_t start, const struct csn_region *v,
    size_t n);

/* FOLDER/PID-START.json (csn_free), or NULL where memory is out. */
char *csn_note_name(const char *folder, pid_t pid, uint64_t start);

#endif
