/* SPDX-License-Identifier: Apache-2.0 */
/* region/look/reader.h - a process of ours that reads what may hang. */
#ifndef CSN_PROVIDERS_REGION_LOOK_READER_H
#define CSN_PROVIDERS_REGION_LOOK_READER_H

#include <sys/types.h>

#include <caisson/context.h>

/*
 * A page that somebody else has to provide (a file system of a user, a hung
 * server, a userfaultfd) can keep whoever reads it in the kernel for good,
 * deaf to signals. So that is another process: it gets the open descriptor,
 * has nothing else, and is killed and left where it does not answer in time.
 * It dies with the thread that first read; the next read starts another.
 */
struct csn_reader;

struct csn_reader_from {
	int fd;			/* that pread(2) reads, or -1: */
	/* what opens it, called in that process: -1 with errno. It is one of
	 * several threads' address space, so it may make system calls and
	 * nothing else. */
	int (*open)(const void *arg);
	const void *arg;
};

/** No process yet. CSN_E_NOMEM. Each answer is waited for so long. */
CSN_MUST_CHECK int csn_reader_new(struct csn_ctx *ctx,
    const struct csn_reader_from *from, struct csn_reader **out);
void csn_reader_free(struct csn_reader *r);	/* NULL is fine */
/* The same: the process that could not be ended, or 0. */
pid_t csn_reader_leave(struct csn_reader *r);
/* 1 where such a process has ended by now; it is no zombie then. */
int csn_reader_has_ended(pid_t pid);

/**
 * Up to len bytes at an offset. pid is not 0: by process_vm_readv(2) of that
 * process where that works, which unlike pread(2) can always be killed. How
 * many, or -1 with errno: ETIMEDOUT where there was no answer within
 * timeout_ms, ECANCELED where the context is stopped, EBUSY where a process
 * from before could not be ended yet.
 */
CSN_MUST_CHECK ssize_t csn_reader_read(struct csn_reader *r, pid_t pid,
    uint64_t offset, void *out, size_t len, uint64_t timeout_ms);

#endif
