/* SPDX-License-Identifier: Apache-2.0 */
/* look/freeze_trace.c - ptrace(2), whose holds end with whoever holds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "providers/region/look/freeze_trace.h"

#define ROOM "region"
#define MAX_THREADS 65536
#define MAX_STAT 4096
#define EVENT_STOP 128		/* PTRACE_EVENT_STOP of linux/ptrace.h */

struct held {
	pid_t tid;
	int stopped;
	int signal;		/* that was on its way to it, or 0 */
};

struct csn_trace {
	const struct csn_target *t;
	uint64_t end_ns;
	struct held *held;
	size_t n;
	size_t cap;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t turn;
	int ready;		/* it stands still, or rc says why not */
	int over;		/* the hold is to end */
	int rc;
	int errnum;
};

static struct held *
find(struct csn_trace *trace, pid_t tid)
{
	size_t i;

	for (i = 0; i < trace->n; i++)
		if (trace->held[i].tid == tid)
			return &trace->held[i];
	return NULL;
}

/* 1 where the thread has ended, which no tracer can change. */
static int
ended(const struct csn_trace *trace, pid_t tid)
{
	char name[48], *text, state;
	size_t len;

	(void)snprintf(name, sizeof(name), "task/%ld/stat", (long)tid);
	if (csn_target_text(trace->t, name, MAX_STAT, &text, &len) != 0)
		return 1;
	state = csn_stat_parse(text, NULL);
	csn_free(text);
	return state == 'Z' || state == 'X';
}

/* Trace one thread. 1, 0 where it has ended by now, or -1 with errno. */
static int
seize(struct csn_trace *trace, pid_t tid)
{
	struct held *more;
	size_t cap;

	if (trace->n == trace->cap) {
		cap = trace->cap == 0 ? 32 : trace->cap * 2;
		more = cap > MAX_THREADS ? NULL :
		    csn_realloc(trace->held, cap, sizeof(*more));
		if (more == NULL) {
			errno = ENOMEM;
			return -1;
		}
		trace->held = more;
		trace->cap = cap;
	}
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0)
		return errno == ESRCH || (errno == EPERM && ended(trace,
		    tid)) ? 0 : -1;
	trace->held[trace->n].tid = tid;
	trace->held[trace->n].stopped = 0;
	trace->held[trace->n++].signal = 0;
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0 && errno != ESRCH)
		return -1;
	return 1;
}

/* Trace the threads that are not traced yet; how many, or -1 with errno. */
static int
seize_new(struct csn_trace *trace)
{
	struct dirent *e;
	int fd, n = 0, one = 0, saved;
	pid_t tid;
	DIR *dir;

	fd = openat(trace->t->dir, "task",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (dir = fdopendir(fd)) == NULL) {
		saved = errno;
		if (fd >= 0)
			(void)close(fd);
		errno = saved;
		return -1;
	}
	while (one >= 0 && (e = readdir(dir)) != NULL) {
		tid = (pid_t)strtol(e->d_name, NULL, 10);
		if (tid > 0 && find(trace, tid) == NULL &&
		    (one = seize(trace, tid)) > 0)
			n++;
	}
	saved = errno;
	(void)closedir(dir);
	errno = saved;
	return one < 0 ? -1 : n;
}

/* What a stop means; a signal that it interrupted is kept for later. */
static void
take_stop(struct held *h, int status)
{
	h->stopped = 1;
	if (WIFSTOPPED(status) && status >> 16 != EVENT_STOP)
		h->signal = WSTOPSIG(status);
}

/* 0 once each thread stands still or has ended, or -1 with errno. */
static int
wait_all(struct csn_trace *trace)
{
	int status;
	size_t i;
	pid_t got;

	for (i = 0; i < trace->n; i++) {
		while (!trace->held[i].stopped) {
			got = waitpid(trace->held[i].tid, &status,
			    __WALL | WNOHANG);
			if (got > 0 || (got < 0 && errno == ECHILD)) {
				take_stop(&trace->held[i], got > 0 ?
				    status : 0);
			} else if (csn_now_ns() > trace->end_ns) {
				errno = ETIMEDOUT;
				return -1;
			} else {
				csn_sleep_us(200);
			}
		}
	}
	return 0;
}

/* A thread that is not stopped yet may make others: look until none is. */
static int
hold(struct csn_trace *trace)
{
	int n;

	do {
		if ((n = seize_new(trace)) < 0 || wait_all(trace) != 0)
			return -1;
	} while (n > 0);
	return 0;
}

/* The thread that traces; what it has not let go ends with it. */
static void *
tracer(void *arg)
{
	struct csn_trace *trace = arg;
	size_t i;
	int rc;

	rc = hold(trace);
	pthread_mutex_lock(&trace->lock);
	trace->rc = rc;
	trace->errnum = errno;
	trace->ready = 1;
	pthread_cond_broadcast(&trace->turn);
	while (rc == 0 && !trace->over)
		pthread_cond_wait(&trace->turn, &trace->lock);
	pthread_mutex_unlock(&trace->lock);
	for (i = 0; i < trace->n; i++)
		(void)ptrace(PTRACE_DETACH, trace->held[i].tid, NULL,
		    (void *)(uintptr_t)trace->held[i].signal);
	return NULL;
}

static int
start(struct csn_trace *trace)
{
	sigset_t all, before;
	int rc;

	/* The program's signals are for its own threads. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&trace->thread, NULL, tracer, trace);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static void
trace_free(struct csn_trace *trace)
{
	pthread_cond_destroy(&trace->turn);
	pthread_mutex_destroy(&trace->lock);
	free(trace->held);
	free(trace);
}

static int
refused(const struct csn_target *t, int errnum, uint64_t timeout_ms)
{
	if (errnum == ETIMEDOUT)
		return csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "process %ld did "
		    "not stop within %llu ms and runs on", (long)t->pid,
		    (unsigned long long)timeout_ms);
	if (errnum == EPERM)
		return csn_fail(t->ctx, CSN_E_BACKEND, ROOM, "process %ld may "
		    "not be traced, or somebody traces it already: "
		    "freeze=sigstop does without", (long)t->pid);
	return csn_target_fail(t, errnum, "holding it by ptrace");
}

int
csn_trace_hold(const struct csn_target *t, uint64_t timeout_ms,
    struct csn_trace **out)
{
	struct csn_trace *trace;
	int rc, errnum;

	if (t->pid == getpid())
		return csn_fail(t->ctx, CSN_E_BACKEND, ROOM,
		    "a process cannot trace itself and go on measuring");
	if ((trace = csn_calloc(1, sizeof(*trace))) == NULL)
		return csn_nomem(t->ctx, ROOM, "holding a process");
	trace->t = t;
	trace->end_ns = csn_now_ns() + timeout_ms * 1000000;
	(void)pthread_mutex_init(&trace->lock, NULL);
	(void)pthread_cond_init(&trace->turn, NULL);
	if (start(trace) != 0) {
		trace_free(trace);
		return csn_fail(t->ctx, CSN_E_NOMEM, ROOM,
		    "no thread to hold a process with");
	}
	pthread_mutex_lock(&trace->lock);
	while (!trace->ready)
		pthread_cond_wait(&trace->turn, &trace->lock);
	rc = trace->rc;
	errnum = trace->errnum;
	pthread_mutex_unlock(&trace->lock);
	if (rc != 0) {
		csn_trace_release(trace);
		return refused(t, errnum, timeout_ms);
	}
	*out = trace;
	return 0;
}

void
csn_trace_release(struct csn_trace *trace)
{
	if (trace == NULL)
		return;
	pthread_mutex_lock(&trace->lock);
	trace->over = 1;
	pthread_cond_broadcast(&trace->turn);
	pthread_mutex_unlock(&trace->lock);
	(void)pthread_join(trace->thread, NULL);
	trace_free(trace);
}
