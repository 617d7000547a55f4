/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/look/target.h - another process, held fast. */
#ifndef CSN_PROVIDERS_REGION_LOOK_TARGET_H
#define CSN_PROVIDERS_REGION_LOOK_TARGET_H

#include <sys/types.h>

#include <caisson/context.h>

#include "providers/region/look/maps.h"
#include "providers/region/look/reader.h"

/*
 * A process as it was when it was opened: its folder in /proc and its pidfd
 * belong to it and to no later process of the same number, and its mem file
 * belongs to the program that ran then, so that an exec shows.
 */
struct csn_target {
	struct csn_ctx *ctx;
	pid_t pid;
	int pidfd;
	int dir;		/* /proc/PID */
	int mem;		/* /proc/PID/mem */
	int pagemap;		/* -1 until it is asked for */
	struct csn_reader *reader;	/* of mem */
	uint64_t start;		/* ticks since boot: proc_pid_stat(5), 22 */
	pid_t inner;		/* its number in its own namespace */
	uid_t uid;
	dev_t memfd_dev;	/* of the kernel's own shared memory */
	dev_t exe_dev;
	ino_t exe_ino;
};

/**
 * CSN_E_BACKEND where there is no such process, where its memory may not be
 * read (the sentence says what would allow it), or where the kernel is older
 * than 5.3. Needs what ptrace(2) needs to attach.
 */
CSN_MUST_CHECK int csn_target_open(struct csn_ctx *ctx, pid_t pid,
    struct csn_target *out);
void csn_target_close(struct csn_target *t);

/*
 * 0, or CSN_E_BACKEND: it has exited, or runs another program by now. Waits
 * for nobody's file system.
 */
CSN_MUST_CHECK int csn_target_check(const struct csn_target *t);

/* Its mappings now; csn_maps_free(). As csn_target_check(), CSN_E_NOMEM. */
CSN_MUST_CHECK int csn_target_maps(const struct csn_target *t,
    struct csn_maps *out);

/**
 * Copy len bytes at address, in a process that is left where it hangs, after
 * timeout_ms. file is not 0 for the mapping of a file: such a page may have
 * to come from a file system first, and who waits for it by
 * process_vm_readv(2) can be killed. All other memory is read through the mem
 * file, which gives an error at once where a userfaultfd would have to be
 * waited for, and which the program's own permissions do not bind.
 *
 * CSN_E_BACKEND, with a sentence that says where; CSN_E_CANCELLED where the
 * context is stopped. out then holds anything.
 */
CSN_MUST_CHECK int csn_target_read(const struct csn_target *t, int file,
    uint64_t address, void *out, size_t len, uint64_t timeout_ms);

/* CSN_E_BACKEND with a sentence for errnum, met while doing what. */
int csn_target_fail(const struct csn_target *t, int errnum,
    const char *what);

/* A file below /proc/PID as text (csn_free). CSN_E_BACKEND, CSN_E_NOMEM. */
CSN_MUST_CHECK int csn_target_text(const struct csn_target *t,
    const char *name, size_t max, char **out, size_t *len);

/* The state letter of a stat file's text, or '?'; *start may be NULL. */
char csn_stat_parse(const char *text, uint64_t *start);

/* The pagemap file, opened when first asked for. -1 and a sentence. */
int csn_target_pagemap(struct csn_target *t);

#endif
