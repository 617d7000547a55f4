/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target.c - hold a process fast, read its memory, notice that it is gone.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "providers/region/look/file_id.h"
#include "providers/region/look/target.h"

#define ROOM "region"
#define NOBODYS 0x7ffffffffffff000	/* no program's memory lies there */
#define STAT_BYTES 4096
#define FLAGS_FIELD 9		/* proc_pid_stat(5) */
#define START_FIELD 22
#define EXIT_FIELD 52
#define KERNEL_THREAD 0x00200000u	/* PF_KTHREAD, since Linux 2.6 */

/* The n-th number of a stat file's text, from 3 (proc_pid_stat(5)); 0 or -1. */
static int
stat_number(const char *text, int n, uint64_t *out)
{
	/* The program's name, in parentheses, may hold any character. */
	const char *p = strrchr(text, ')');
	char *end;
	int field;

	if (p == NULL || p[1] != ' ')
		return -1;
	for (p += 2, field = 3; field < n; field++) {
		if ((p = strchr(p, ' ')) == NULL)
			return -1;
		p++;
	}
	if (*p < '0' || *p > '9')
		return -1;
	errno = 0;
	*out = strtoull(p, &end, 10);
	return errno != 0 || (*end != ' ' && *end != '\n') ? -1 : 0;
}

/* The signal that ended it, while its parent has not asked; or 0. */
static int
killed_by(const struct csn_target *t)
{
	char text[STAT_BYTES + 1];
	uint64_t code = 0;
	ssize_t n = 0;
	int fd;

	if (t->dir < 0 ||
	    (fd = openat(t->dir, "stat", O_RDONLY | O_CLOEXEC)) < 0)
		return 0;
	n = read(fd, text, STAT_BYTES);
	(void)close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return stat_number(text, EXIT_FIELD, &code) == 0 ?
	    (int)(code & 0x7f) : 0;
}

static int
gone(const struct csn_target *t)
{
	int by = killed_by(t);

	if (by != 0)
		return csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "process %ld "
		    "has exited: it was killed by signal %d", (long)t->pid,
		    by);
	return csn_fail(t->ctx, CSN_E_BACKEND, ROOM,
	    "process %ld has exited", (long)t->pid);
}

/* What cannot be held by its number, though something has it. */
static int
no_process(struct csn_target *t, int errnum)
{
	char path[64], *text, *line;
	long leader = 0;
	size_t len;

	(void)snprintf(path, sizeof(path), "/proc/%ld", (long)t->pid);
	t->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir >= 0 && csn_target_text(t, "status", 65536, &text,
	    &len) == 0) {
		if ((line = strstr(text, "\nTgid:\t")) != NULL)
			leader = strtol(line + 7, NULL, 10);
		free(text);
		if (leader != 0 && leader != (long)t->pid)
			return csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "%ld is "
			    "a thread of process %ld, whose memory is that "
			    "process's: name it", (long)t->pid, leader);
	}
	if (errnum == ESRCH || errnum == ENOENT)
		return csn_fail(t->ctx, CSN_E_BACKEND, ROOM,
		    "there is no process %ld", (long)t->pid);
	return csn_target_fail(t, errnum, "pidfd_open(2), which Linux has "
	    "from 5.3 on");
}

int
csn_target_fail(const struct csn_target *t, int errnum, const char *what)
{
	char yama[8] = "", text[96] = "";
	FILE *f;

	if (errnum == ESRCH || errnum == ENOENT)
		return gone(t);
	if (errnum != EPERM && errnum != EACCES)
		return csn_fail_errno(t->ctx, CSN_E_BACKEND, ROOM, errnum,
		    "process %ld: %s", (long)t->pid, what);
	if ((f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re")) != NULL) {
		if (fgets(yama, sizeof(yama), f) != NULL &&
		    yama[0] > '0' && yama[0] <= '9')
			(void)snprintf(text, sizeof(text), ", and "
			    "kernel.yama.ptrace_scope, %c here, has to be 0",
			    yama[0]);
		(void)fclose(f);
	}
	return csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "process %ld: %s is not "
	    "permitted: it takes CAP_SYS_PTRACE, or the same user as the "
	    "process, which must not be set-user-ID or non-dumpable%s",
	    (long)t->pid, what, text);
}

char
csn_stat_parse(const char *text, uint64_t *start)
{
	const char *p;

	if ((p = strrchr(text, ')')) == NULL || p[1] != ' ' || p[2] == '\0' ||
	    (start != NULL && stat_number(text, START_FIELD, start) != 0))
		return '?';
	return p[2];
}

int
csn_target_text(const struct csn_target *t, const char *name, size_t max,
    char **out, size_t *len)
{
	size_t cap = 0, used = 0;
	char *text = NULL, *more;
	ssize_t n;
	int fd, rc;

	if ((fd = openat(t->dir, name, O_RDONLY | O_CLOEXEC)) < 0)
		return csn_target_fail(t, errno, name);
	for (;;) {
		if (cap - used < 4096) {
			cap = cap == 0 ? 16384 : cap * 2;
			if ((more = csn_realloc(text, cap + 1, 1)) == NULL) {
				rc = csn_nomem(t->ctx, ROOM, "a process");
				goto err;
			}
			text = more;
		}
		n = read(fd, text + used, cap - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = csn_target_fail(t, errno, name);
			goto err;
		}
		if (n == 0)
			break;
		used += (size_t)n;
		if (used > max) {
			rc = csn_fail(t->ctx, CSN_E_LIMIT, ROOM, "process "
			    "%ld: its %s file has more than %zu bytes",
			    (long)t->pid, name, max);
			goto err;
		}
	}
	text[used] = '\0';
	(void)close(fd);
	*out = text;
	*len = used;
	return 0;

err:
	free(text);
	(void)close(fd);
	return rc;
}

/* 0, which is nobody's, where that cannot be had. */
static dev_t
memfd_device(void)
{
	int fd = (int)syscall(SYS_memfd_create, "caisson", 1u /* CLOEXEC */);
	struct stat st = { 0 };

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) != 0)
		st.st_dev = 0;
	(void)close(fd);
	return st.st_dev;
}

/*
 * Which file it runs, as far as that is known without asking a file system
 * that may not answer. 0, or -1.
 */
static int
look_at_exe(const struct csn_target *t, dev_t *dev, ino_t *ino)
{
	struct csn_file_id id;

	if (csn_file_id(t->dir, "exe", &id) != 0)
		return -1;
	*dev = makedev(id.major, id.minor);
	*ino = (ino_t)id.inode;
	return 0;
}

static int
read_start(struct csn_target *t)
{
	uint64_t flags = 0;
	char *text, state;
	size_t len;
	int rc;

	if ((rc = csn_target_text(t, "stat", STAT_BYTES, &text, &len)) != 0)
		return rc;
	state = csn_stat_parse(text, &t->start);
	(void)stat_number(text, FLAGS_FIELD, &flags);
	free(text);
	if ((flags & KERNEL_THREAD) != 0)
		return csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "%ld is a thread "
		    "of the kernel and has no memory of its own",
		    (long)t->pid);
	if (state == '?')
		return csn_fail(t->ctx, CSN_E_BACKEND, ROOM,
		    "process %ld: its stat file makes no sense",
		    (long)t->pid);
	return state == 'Z' || state == 'X' ? gone(t) : 0;
}

/* "NSpid:\t1234\t7": the last is its number where it lives. */
static int
read_status(struct csn_target *t)
{
	char *text, *line, *end, *last;
	size_t len;
	long inner;
	int rc;

	if ((rc = csn_target_text(t, "status", 65536, &text, &len)) != 0)
		return rc;
	t->inner = t->pid;
	if ((line = strstr(text, "\nNSpid:")) != NULL) {
		line++;
		if ((end = strchr(line, '\n')) != NULL)
			*end = '\0';
		if ((last = strrchr(line, '\t')) != NULL &&
		    (inner = strtol(last + 1, NULL, 10)) > 0)
			t->inner = (pid_t)inner;
	}
	free(text);
	return 0;
}

int
csn_target_open(struct csn_ctx *ctx, pid_t pid, struct csn_target *out)
{
	struct csn_target t = {
		.ctx = ctx, .pid = pid, .pidfd = -1, .dir = -1, .mem = -1,
		.pagemap = -1
	};
	struct csn_reader_from from = { .fd = -1 };
	char path[64];
	struct stat st;
	int rc;

	t.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (t.pidfd < 0) {
		rc = no_process(&t, errno);
		goto err;
	}
	(void)snprintf(path, sizeof(path), "/proc/%ld", (long)pid);
	if ((t.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		rc = csn_target_fail(&t, errno, path);
		goto err;
	}
	/* The folder opened second: while pidfd lives, both are one's. */
	if ((rc = read_start(&t)) != 0 || (rc = read_status(&t)) != 0)
		goto err;
	if (fstat(t.dir, &st) == 0)
		t.uid = st.st_uid;
	if ((t.mem = openat(t.dir, "mem", O_RDONLY | O_CLOEXEC)) < 0) {
		rc = csn_target_fail(&t, errno, "reading its memory");
		goto err;
	}
	(void)look_at_exe(&t, &t.exe_dev, &t.exe_ino);
	t.memfd_dev = memfd_device();
	if ((rc = csn_target_check(&t)) != 0)
		goto err;
	from.fd = t.mem;
	if ((rc = csn_reader_new(ctx, &from, &t.reader)) != 0)
		goto err;
	*out = t;
	return 0;

err:
	csn_target_close(&t);
	return rc;
}

void
csn_target_close(struct csn_target *t)
{
	csn_reader_free(t->reader);
	t->reader = NULL;
	if (t->pidfd >= 0)
		(void)close(t->pidfd);
	if (t->dir >= 0)
		(void)close(t->dir);
	if (t->mem >= 0)
		(void)close(t->mem);
	if (t->pagemap >= 0)
		(void)close(t->pagemap);
	t->pidfd = t->dir = t->mem = t->pagemap = -1;
}

int
csn_target_check(const struct csn_target *t)
{
	struct pollfd p = { .fd = t->pidfd, .events = POLLIN };
	dev_t dev;
	ino_t ino;
	ssize_t n;
	char byte;

	/* pidfd_open(2): readable once the process has terminated. */
	if (poll(&p, 1, 0) == 1)
		return gone(t);
	/*
	 * The mem file reads nothing, not even an error, once the memory it
	 * was opened for has been given up, which exec(2) does.
	 */
	do
		n = pread(t->mem, &byte, 1, (off_t)NOBODYS);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (t->exe_ino != 0 &&
	    look_at_exe(t, &dev, &ino) == 0 &&
	    (dev != t->exe_dev || ino != t->exe_ino))) {
		if (poll(&p, 1, 0) == 1)
			return gone(t);
		return csn_fail(t->ctx, CSN_E_BACKEND, ROOM,
		    "process %ld runs another program by now (exec): "
		    "open its regions again", (long)t->pid);
	}
	return 0;
}

int
csn_target_maps(const struct csn_target *t, struct csn_maps *out)
{
	char *text;
	size_t len;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = csn_target_text(t, "maps", CSN_MAPS_BYTES, &text, &len);
	if (rc != 0)
		return rc;
	rc = csn_maps_parse(t->ctx, text, len, out);
	free(text);
	/* Of the program that was opened, not of one that came after. */
	if (rc == 0 && (rc = csn_target_check(t)) != 0)
		csn_maps_free(out);
	return rc;
}

/* What stands between us and a page, as errnum has it. */
static int
unread(const struct csn_target *t, int errnum, uint64_t address,
    uint64_t timeout_ms)
{
	unsigned long long at = address;
	int rc;

	if (errnum == ECANCELED)
		return csn_fail(t->ctx, CSN_E_CANCELLED, ROOM,
		    "reading process %ld was called off", (long)t->pid);
	if (errnum == ETIMEDOUT || errnum == EBUSY)
		return csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "process %ld: "
		    "the page at 0x%llx did not come within %llu ms%s: it is "
		    "a file's whose file system does not answer, or under a "
		    "userfaultfd", (long)t->pid, at,
		    (unsigned long long)timeout_ms, errnum == EBUSY ?
		    ", and an earlier wait for one has not ended" : "");
	if ((rc = csn_target_check(t)) != 0)
		return rc;
	if (errnum == EIO || errnum == 0)
		return csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "process %ld has "
		    "no memory to read at 0x%llx (any more): the page is "
		    "under a userfaultfd, past the end of its file, a "
		    "device's, or kept from other processes (EIO)",
		    (long)t->pid, at);
	return csn_target_fail(t, errnum, "reading its memory");
}

int
csn_target_read(const struct csn_target *t, int file, uint64_t address,
    void *out, size_t len, uint64_t timeout_ms)
{
	uint8_t *to = out;
	size_t done = 0;
	ssize_t n;
	int rc;

	while (done < len) {
		n = csn_reader_read(t->reader, file ? t->pid : 0,
		    address + done, to + done, len - done, timeout_ms);
		if (n <= 0 && (rc = unread(t, n < 0 ? errno : 0,
		    address + done, timeout_ms)) != 0)
			return rc;
		done += n > 0 ? (size_t)n : 0;
	}
	/* process_vm_readv(2) goes by the number alone: was it still he? */
	return csn_target_check(t);
}

int
csn_target_pagemap(struct csn_target *t)
{
	if (t->pagemap < 0) {
		t->pagemap = openat(t->dir, "pagemap", O_RDONLY | O_CLOEXEC);
		if (t->pagemap < 0)
			(void)csn_target_fail(t, errno,
			    "reading its pagemap");
	}
	return t->pagemap;
}
