/* SPDX-License-Identifier: Apache-2.0 */
/* freeze.c - SIGSTOP, ptrace, the freezer of control groups (version 2). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/file.h"
#include "providers/region/look/freeze.h"

#define ROOM "region"
#define MAX_TEXT ((size_t)1 << 20)

/* --- SIGSTOP ------------------------------------------------------------- */

static int
signal_it(const struct csn_target *t, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, t->pidfd, sig, NULL, 0);
}

/* The thread's state letter; 'X' where the thread has gone by now. */
static char
thread_state(int tasks, const char *tid)
{
	char name[64], text[1024];
	ssize_t n;
	int fd;

	(void)snprintf(name, sizeof(name), "%.20s/stat", tid);
	if ((fd = openat(tasks, name, O_RDONLY | O_CLOEXEC)) < 0)
		return 'X';
	do
		n = read(fd, text, sizeof(text) - 1);
	while (n < 0 && errno == EINTR);
	(void)close(fd);
	if (n <= 0)
		return 'X';
	text[n] = '\0';
	return csn_stat_parse(text, NULL);
}

/* 1 where no thread of it runs, 0 where one does, -1 with errno. */
static int
all_stopped(const struct csn_target *t)
{
	struct dirent *e;
	int fd, stopped = 1;
	DIR *dir;

	fd = openat(t->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (dir = fdopendir(fd)) == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	while (stopped && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		/* Stopped, stopped by a tracer, or dead. */
		stopped = strchr("TtZX", thread_state(fd, e->d_name)) != NULL;
	}
	(void)closedir(dir);
	return stopped;
}

static int
stop(struct csn_freeze *f, const struct csn_target *t)
{
	uint64_t end = csn_now_ms() + f->timeout_ms;
	int stopped;

	if (t->pid == getpid())
		return csn_fail(t->ctx, CSN_E_BACKEND, ROOM,
		    "a process cannot stop itself and go on measuring");
	if ((stopped = all_stopped(t)) == 1)
		return 0;
	if (stopped < 0 || signal_it(t, SIGSTOP) != 0)
		return csn_target_fail(t, errno, "stopping it");
	f->held = 1;
	while ((stopped = all_stopped(t)) == 0 && csn_now_ms() < end)
		csn_sleep_us(500);
	if (stopped == 1)
		return csn_target_check(t);
	f->held = 0;
	(void)signal_it(t, SIGCONT);
	if (stopped < 0)
		return csn_target_fail(t, errno, "waiting for it to stop");
	return csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "process %ld did not "
	    "stop within %llu ms and runs on", (long)t->pid,
	    (unsigned long long)f->timeout_ms);
}

/* --- control groups ------------------------------------------------------ */

/* The "0::PATH" line of a cgroup file (cgroups(7)), or NULL. */
static char *
group_of(char *text)
{
	char *line, *save = NULL;

	for (line = strtok_r(text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "0::/", 4) == 0)
			return line + 3;
	}
	return NULL;
}

/* 1 where group is, or is above, what holds other. */
static int
holds(const char *group, const char *other)
{
	size_t len = strlen(group);

	return strncmp(group, other, len) == 0 &&
	    (other[len] == '\0' || other[len] == '/');
}

/* Where cgroup2 is mounted (proc_pid_mountinfo(5)), open, or -1. */
static int
open_mount(struct csn_ctx *ctx)
{
	char *line, *save = NULL, *text, *type, *root, *point, *rest;
	uint8_t *bytes;
	size_t len;
	int fd = -1;

	if (csn_file_read(ctx, "/proc/self/mountinfo", MAX_TEXT, &bytes,
	    &len) != 0)
		return -1;
	text = (char *)bytes;
	for (line = strtok_r(text, "\n", &save); fd < 0 && line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		if ((type = strstr(line, " - cgroup2 ")) == NULL)
			continue;
		*type = '\0';
		/* id parent major:minor root point options */
		rest = line;
		(void)strsep(&rest, " ");
		(void)strsep(&rest, " ");
		(void)strsep(&rest, " ");
		root = strsep(&rest, " ");
		point = strsep(&rest, " ");
		if (root != NULL && strcmp(root, "/") == 0 && point != NULL)
			fd = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	free(bytes);
	return fd;
}

static int
open_group(struct csn_freeze *f, const struct csn_target *t)
{
	char *theirs = NULL, *group, *mine;
	uint8_t *own = NULL;
	int mount = -1, rc;
	size_t len;

	if ((rc = csn_target_text(t, "cgroup", MAX_TEXT, &theirs,
	    &len)) != 0 ||
	    (rc = csn_file_read(t->ctx, "/proc/self/cgroup", MAX_TEXT, &own,
	    &len)) != 0)
		goto out;
	group = group_of(theirs);
	mine = group_of((char *)own);
	if (group == NULL || strcmp(group, "/") == 0 ||
	    strstr(group, "/..") != NULL) {
		rc = csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "process %ld is in "
		    "no control group (version 2) of its own that could be "
		    "frozen: freeze=sigstop needs none", (long)t->pid);
		goto out;
	}
	if (mine == NULL || holds(group, mine)) {
		rc = csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "this program is "
		    "in the control group %.200s too and would freeze itself",
		    group);
		goto out;
	}
	if ((mount = open_mount(t->ctx)) < 0) {
		rc = csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "no cgroup2 file "
		    "system is mounted here: freeze=sigstop needs none");
		goto out;
	}
	f->cgroup = openat(mount, group + 1,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->cgroup < 0)
		rc = csn_fail_errno(t->ctx, CSN_E_BACKEND, ROOM, errno,
		    "the control group %.200s cannot be opened", group);
out:
	if (mount >= 0)
		(void)close(mount);
	free(theirs);
	free(own);
	return rc;
}

/* A small file of the group as text. -1 with errno. */
static int
group_read(int group, const char *name, char *text, size_t size)
{
	ssize_t n;
	int fd;

	if ((fd = openat(group, name, O_RDONLY | O_CLOEXEC)) < 0)
		return -1;
	do
		n = read(fd, text, size - 1);
	while (n < 0 && errno == EINTR);
	(void)close(fd);
	if (n < 0)
		return -1;
	text[n] = '\0';
	return 0;
}

static int
group_write(int group, const char *value)
{
	int fd, rc, saved;

	if ((fd = openat(group, "cgroup.freeze", O_WRONLY | O_CLOEXEC)) < 0)
		return -1;
	rc = csn_write_all(fd, value, 1);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return rc;
}

static int
group_frozen(int group)
{
	char text[256];

	return group_read(group, "cgroup.events", text, sizeof(text)) == 0 &&
	    strstr(text, "frozen 1") != NULL;
}

static int
freeze_group(struct csn_freeze *f, const struct csn_target *t)
{
	uint64_t end = csn_now_ms() + f->timeout_ms;
	char was[8];
	int rc;

	if ((rc = open_group(f, t)) != 0)
		return rc;
	if (group_read(f->cgroup, "cgroup.freeze", was, sizeof(was)) != 0 ||
	    (was[0] != '1' && group_write(f->cgroup, "1") != 0)) {
		rc = csn_fail_errno(t->ctx, CSN_E_BACKEND, ROOM, errno,
		    "the control group of process %ld cannot be frozen",
		    (long)t->pid);
		goto err;
	}
	f->held = was[0] != '1';
	while (!group_frozen(f->cgroup)) {
		if (csn_now_ms() >= end) {
			rc = csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "the "
			    "control group of process %ld did not freeze "
			    "within %llu ms and runs on", (long)t->pid,
			    (unsigned long long)f->timeout_ms);
			goto err;
		}
		csn_sleep_us(500);
	}
	if ((rc = csn_target_check(t)) == 0)
		return 0;

err:
	if (f->held)
		(void)group_write(f->cgroup, "0");
	f->held = 0;
	(void)close(f->cgroup);
	f->cgroup = -1;
	return rc;
}

/* --- all ----------------------------------------------------------------- */

int
csn_freeze_named(const char *word, enum csn_freeze_how *out)
{
	static const char *const words[] = {
		[CSN_FREEZE_NONE] = "none", [CSN_FREEZE_SIGSTOP] = "sigstop",
		[CSN_FREEZE_CGROUP] = "cgroup", [CSN_FREEZE_PTRACE] = "ptrace"
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0) {
			*out = (enum csn_freeze_how)i;
			return 0;
		}
	}
	return -1;
}

int
csn_freeze(struct csn_freeze *f, const struct csn_target *t)
{
	switch (f->how) {
	case CSN_FREEZE_SIGSTOP:
		return stop(f, t);
	case CSN_FREEZE_CGROUP:
		return freeze_group(f, t);
	case CSN_FREEZE_PTRACE:
		return csn_trace_hold(t, f->timeout_ms, &f->trace);
	case CSN_FREEZE_NONE:
	default:
		return 0;
	}
}

int
csn_thaw(struct csn_freeze *f, const struct csn_target *t)
{
	int rc = 0;

	csn_trace_release(f->trace);
	f->trace = NULL;
	if (f->held && f->how == CSN_FREEZE_SIGSTOP &&
	    signal_it(t, SIGCONT) != 0)
		rc = csn_target_fail(t, errno, "setting it going again");
	if (f->cgroup >= 0) {
		if (f->held && group_write(f->cgroup, "0") != 0)
			rc = csn_fail_errno(t->ctx, CSN_E_BACKEND, ROOM,
			    errno, "the control group of process %ld stays "
			    "frozen", (long)t->pid);
		(void)close(f->cgroup);
		f->cgroup = -1;
	}
	f->held = 0;
	return rc;
}
