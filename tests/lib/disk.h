/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/lib/disk.h - a disk whose operations are recorded, failed and lost.
 *
 * A test that lists lib/disk.c has its own open, write, fsync, rename and
 * what belongs to them. While a folder is watched, each call that changes
 * something in it is recorded; it can be made to fail or to wait; and
 * afterwards every state that a power cut between two of them, or in the
 * middle of one, may have left is built and shown.
 *
 * What was not synced may be lost, torn or there without what was written
 * before it: bytes until fsync of their file, names until fsync of their
 * folder. A file's own fsync says nothing of its name.
 */
#ifndef CAISSON_TESTS_LIB_DISK_H
#define CAISSON_TESTS_LIB_DISK_H

#include <stddef.h>

enum disk_op {
	DISK_MAKE,		/* a file, by open */
	DISK_WRITE,
	DISK_CUT,		/* ftruncate, O_TRUNC */
	DISK_SYNC,
	DISK_SYNC_FOLDER,
	DISK_RENAME,
	DISK_LINK,
	DISK_UNLINK,		/* rmdir too */
	DISK_MKDIR,
	DISK_OPS
};

/** Record from now on; what is in the folder now is on the disk. */
void disk_watch(const char *folder);
/** Record no more. What was recorded stays until the next disk_watch. */
void disk_unwatch(void);
/** What was done so far was promised to somebody as n. */
void disk_promise(int n);

/** How many calls of a kind there were, and of all kinds. */
unsigned disk_count(enum disk_op op);
unsigned disk_total(void);

/**
 * The n-th call from now on (0 for the next) fails with error, once; below
 * 0: none. A write that fails has written half of its bytes.
 */
void disk_fail_at(long n, int error);
/** Only calls of this kind count for it; DISK_OPS: all. */
void disk_fail_kind(enum disk_op op);
/** 1 where it came to that; none fails from now on. */
int disk_failed(void);

/** Called before each call of a watched folder, with no lock held. */
void disk_before(void (*hook)(void *arg, enum disk_op op), void *arg);

/**
 * Build each state that a power cut could have left below scratch, which
 * becomes a folder, and show it: promised is the newest disk_promise before
 * the cut, 0 for none. Equal states of equal promises are shown once. The
 * number of them.
 */
size_t disk_power_cuts(const char *scratch,
    void (*look)(void *arg, const char *folder, int promised), void *arg);

#endif
