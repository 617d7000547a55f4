/* SPDX-License-Identifier: Apache-2.0 */
/* tests/session/halt.c - a thread that stops in the middle of a call. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/test.h"
#include "session/halt.h"

/* A child that takes longer hangs; no child takes a tenth of that. */
#define TOO_LONG 60

struct job {
	int (*call)(void *arg);
	int (*child)(void *arg);
	void *arg;
	unsigned n;
	int reached;
	sem_t there;		/* it stopped, or it is done */
	sem_t go_on;
	_Atomic pid_t forker;	/* a thread's id */
	_Atomic pid_t pid;	/* the child's, once it is there */
};

static _Thread_local struct job *mine;
static _Thread_local unsigned left;

void
halt_here(void)
{
	struct job *job = mine;

	if (job == NULL || left-- != 0)
		return;
	mine = NULL;
	job->reached = 1;
	sem_post(&job->there);
	while (sem_wait(&job->go_on) != 0)
		;
}

/* The library's randomness is a place to stop. */
ssize_t
getrandom(void *out, size_t len, unsigned flags)
{
	halt_here();
	return syscall(SYS_getrandom, out, len, flags);
}

static uint64_t
now(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t
boot_ms(void *arg)
{
	(void)arg;
	halt_here();
	return now(CLOCK_BOOTTIME);
}

static uint64_t
wall_ms(void *arg)
{
	(void)arg;
	halt_here();
	return now(CLOCK_REALTIME);
}

struct csn_ctx *
halt_ctx(void)
{
	const struct csn_clock clock = { .size = sizeof(clock),
	    .boot_ms = boot_ms, .wall_ms = wall_ms };
	const struct csn_ctx_options o = { .size = sizeof(o),
	    .clock = &clock, .lanes = 4 };
	struct csn_ctx *ctx;

	assert_int_equal(csn_ctx_new(&o, &ctx), 0);
	return ctx;
}

static void *
caller(void *arg)
{
	struct job *job = arg;
	void *failed;

	mine = job;
	left = job->n;
	failed = job->call(job->arg) == 0 ? NULL : job;
	if (failed != NULL)
		fprintf(stderr, "%s\n", csn_message());
	/* A thread that ends holds locks of others for a moment. */
	if (mine != NULL) {
		mine = NULL;
		sem_post(&job->there);
		while (sem_wait(&job->go_on) != 0)
			;
	}
	return failed;
}

static void *
forker(void *arg)
{
	struct job *job = arg;
	pid_t pid;

	atomic_store(&job->forker, (pid_t)syscall(SYS_gettid));
	pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		alarm(TOO_LONG);
		_exit(job->child(job->arg));
	}
	atomic_store(&job->pid, pid);
	return NULL;
}

/*
 * Does the thread that forks wait for a lock? Then it sleeps whenever one
 * looks. No memory is asked for here: a fork waits for that as well.
 */
static int
waits(const struct job *job)
{
	char path[64], text[256], *p;
	int fd, looks;
	ssize_t n;

	if (atomic_load(&job->forker) == 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat",
	    atomic_load(&job->forker));
	for (looks = 0; looks < 100; looks++) {
		if (atomic_load(&job->pid) != 0 ||
		    (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
			return 0;
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		if (n <= 0)
			return 0;
		text[n] = '\0';
		p = strrchr(text, ')');
		if (p == NULL || strncmp(p, ") S", 3) != 0)
			return 0;
		sched_yield();
	}
	return 1;
}

int
halt_and_fork(int (*call)(void *arg), int (*child)(void *arg), void *arg,
    unsigned n, int *status)
{
	struct job job = { .call = call, .child = child, .arg = arg, .n = n };
	pthread_t calls, forks;
	void *failed;
	int how;

	fflush(NULL);
	assert_int_equal(sem_init(&job.there, 0, 0), 0);
	assert_int_equal(sem_init(&job.go_on, 0, 0), 0);
	assert_int_equal(pthread_create(&calls, NULL, caller, &job), 0);
	while (sem_wait(&job.there) != 0)
		;
	assert_int_equal(pthread_create(&forks, NULL, forker, &job), 0);
	/* A fork may wait for what the stopped thread holds: let it go then. */
	while (atomic_load(&job.pid) == 0 && !waits(&job))
		sched_yield();
	sem_post(&job.go_on);
	assert_int_equal(pthread_join(forks, NULL), 0);
	assert_int_equal(pthread_join(calls, &failed), 0);
	assert_null(failed);
	assert_true(job.pid > 0);
	assert_int_equal(waitpid(job.pid, &how, 0), job.pid);
	*status = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
	sem_destroy(&job.there);
	sem_destroy(&job.go_on);
	return job.reached;
}
