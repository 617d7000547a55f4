/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/note.h - a workload says which memory matters. */
#ifndef CAISSON_NOTE_H
#define CAISSON_NOTE_H

#include <caisson/region.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A note is a small JSON file, PID-START.json (the process's number and its
 * start time in ticks since boot), that a workload keeps while it lives. The
 * region provider "process:PID?note=1" finds the regions there by name. The
 * note only says where to look: nothing in it is trusted by a verifier.
 *
 * One thread at a time. In a forked child every call but csn_note_free()
 * returns CSN_E_FORK, for the child has a note of its own to make.
 */
struct csn_note;

/**
 * Store in *out an empty note, which no file holds yet, owned by the caller.
 * folder NULL is $XDG_RUNTIME_DIR/caisson, or /run/caisson where that is not
 * set; it is made (mode 0755) where it is missing.
 *
 * Returns 0, CSN_E_ARG, CSN_E_IO or CSN_E_NOMEM.
 */
CSN_API CSN_MUST_CHECK int csn_note_new(struct csn_ctx *ctx,
    const char *folder, struct csn_note **out);

/**
 * Add a region of the caller's own memory (its strings are copied) and
 * replace the file, atomically. region->immutable is not looked at: the
 * provider finds out itself.
 *
 * Returns 0; CSN_E_REGION for a region that makes no sense, overlaps
 * another, or has an id twice; CSN_E_LIMIT past CSN_REGIONS_MAX; CSN_E_FORK,
 * CSN_E_IO or CSN_E_NOMEM. On error the file is as it was.
 */
CSN_API CSN_MUST_CHECK int csn_note_add(struct csn_note *note,
    const struct csn_region *region);

/** Take a region out again. CSN_E_NOT_FOUND, CSN_E_FORK, _IO, _NOMEM. */
CSN_API CSN_MUST_CHECK int csn_note_remove(struct csn_note *note,
    const char *id);

/**
 * Have the kernel track the writes to a registered region (Linux 6.7,
 * userfaultfd), so that an incremental measurement reads only what was
 * written. The region begins and ends on pages; anonymous and shared memory
 * can be tracked, files cannot. It lasts until the region or the note goes.
 *
 * Returns 0, CSN_E_NOT_FOUND, CSN_E_REGION (not whole pages), CSN_E_FORK, or
 * CSN_E_BACKEND where the kernel or a setting does not allow it.
 */
CSN_API CSN_MUST_CHECK int csn_note_track(struct csn_note *note,
    const char *id);

/** The file's path, whether it is there yet or not. */
CSN_API const char *csn_note_path(const struct csn_note *note);

/** Remove the file (a forked child leaves it) and free. NULL is fine. */
CSN_API void csn_note_free(struct csn_note *note);

#ifdef __cplusplus
}
#endif

#endif
