/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c - read in a process that can be killed and is not waited for. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/fail.h"
#include "providers/region/look/reader.h"

#define ROOM "region"
#define PIECE ((size_t)1 << 20)	/* bytes that are asked for at a time */
#define LOOK_MS 100		/* between two looks whether to go on */
#define END_LOOKS 50		/* of a millisecond, for it to end */
#define ABOVE 10		/* descriptors that dup2(2) does not hit */
#define MOST_OPEN 4096		/* descriptors, on Linux before 5.9 */

struct csn_reader {
	struct csn_ctx *ctx;
	struct csn_reader_from from;
	pid_t owner;		/* who started it: a fork of us did not */
	pid_t child;		/* 0: none */
	pid_t stuck;		/* one that was killed and did not end */
	int sock;
	uint8_t *shared;	/* PIECE bytes, the child's too */
};

struct question {
	uint64_t offset;
	uint64_t len;
	pid_t pid;
};

struct answer {
	int64_t n;
	int errnum;
};

/* --- in the child -------------------------------------------------------- */

/* The child ends without anything of the program's being run. */
static void
end(void)
{
	for (;;)
		(void)syscall(SYS_exit_group, 0);
}

/* Keep these two as 0 and 1, and nothing of what the program has open. */
static void
keep_only(int sock, int fd)
{
	int i;

	sock = fcntl(sock, F_DUPFD, ABOVE);
	fd = fcntl(fd, F_DUPFD, ABOVE);
	if (sock < 0 || fd < 0 || dup2(sock, 0) != 0 || dup2(fd, 1) != 1)
		end();
#ifdef SYS_close_range
	if (syscall(SYS_close_range, 2u, ~0u, 0u) == 0)
		return;
#endif
	for (i = 2; i < MOST_OPEN; i++)
		(void)close(i);
}

static ssize_t
read_once(const struct question *q, uint8_t *shared)
{
	struct iovec local = { shared, (size_t)q->len };
	struct iovec remote = { (void *)(uintptr_t)q->offset,
	    (size_t)q->len };
	ssize_t n = -1;

	if (q->pid != 0)
		n = process_vm_readv(q->pid, &local, 1, &remote, 1, 0);
	/* Not permitted to a child, not mapped for reading: by the file. */
	return n > 0 ? n : pread(1, shared, (size_t)q->len,
	    (off_t)q->offset);
}

static void
child(const struct csn_reader *r, int sock)
{
	struct question q;
	struct answer a;
	int fd = r->from.fd;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "caisson-reader");
	if (fd < 0)
		fd = r->from.open(r->from.arg);
	a.errnum = errno;
	if (fd >= 0)
		keep_only(sock, fd);
	else
		(void)dup2(sock, 0);
	while (recv(0, &q, sizeof(q), 0) == (ssize_t)sizeof(q)) {
		a.n = -1;
		if (fd >= 0) {
			a.n = read_once(&q, r->shared);
			a.errnum = errno;
		}
		if (send(0, &a, sizeof(a), MSG_NOSIGNAL) !=
		    (ssize_t)sizeof(a))
			break;
	}
	end();
}

/* --- here ---------------------------------------------------------------- */

int
csn_reader_has_ended(pid_t pid)
{
	return pid == 0 || waitpid(pid, NULL, __WALL | WNOHANG) != 0;
}

/* Kill it; where it does not end at once it is remembered. */
static void
end_child(struct csn_reader *r)
{
	int i;

	if (r->child == 0)
		return;
	(void)close(r->sock);
	if (r->owner == getpid()) {
		(void)kill(r->child, SIGKILL);
		for (i = 0; i < END_LOOKS &&
		    !csn_reader_has_ended(r->child); i++)
			csn_sleep_us(1000);
		if (i == END_LOOKS)
			r->stuck = r->child;
		csn_wipe(r->shared, PIECE);
	}
	/* What it still writes goes to pages of its own. */
	(void)munmap(r->shared, PIECE);
	r->child = 0;
}

/*
 * A bare clone(2) that tells nobody when it ends: no SIGCHLD for a program
 * that did not start it, none of its wait(2) finds it. All arguments are
 * zero, so their order, which processors differ in, does not matter.
 */
static pid_t
start_child(struct csn_reader *r, int sock)
{
	sigset_t all, before;
	pid_t pid;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
#ifdef __SANITIZE_THREAD__
	/* Its own locks are free in the child only after its own fork(2). */
	pid = fork();
#else
	pid = (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
	/* Emulators of processes know no child that ends in silence. */
	if (pid < 0 && (errno == EINVAL || errno == ENOSYS))
		pid = fork();
#endif
	if (pid == 0)
		child(r, sock);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static int
start(struct csn_reader *r)
{
	int ends[2], saved;
	void *p;

	if (r->child != 0 && r->owner != getpid())
		end_child(r);
	if (r->child != 0)
		return 0;
	if (!csn_reader_has_ended(r->stuck)) {
		errno = EBUSY;
		return -1;
	}
	r->stuck = 0;
	p = mmap(NULL, PIECE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	r->shared = p;
	r->owner = getpid();
	(void)madvise(p, PIECE, MADV_DONTDUMP);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		goto err;
	r->sock = ends[0];
	if ((r->child = start_child(r, ends[1])) > 0) {
		(void)close(ends[1]);
		return 0;
	}
	saved = errno;
	(void)close(ends[0]);
	(void)close(ends[1]);
	errno = saved;
err:
	saved = errno;
	r->child = 0;
	(void)munmap(r->shared, PIECE);
	errno = saved;
	return -1;
}

/* 0, or -1 with errno; EPIPE where the child has gone. */
static int
await(struct csn_reader *r, struct answer *a, uint64_t end)
{
	struct pollfd p = { .fd = r->sock, .events = POLLIN };
	uint64_t now;
	ssize_t n;

	for (;;) {
		if (csn_stop_check(r->ctx, ROOM) != 0) {
			errno = ECANCELED;
			return -1;
		}
		if ((now = csn_now_ms()) >= end) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (poll(&p, 1, end - now < LOOK_MS ? (int)(end - now) :
		    LOOK_MS) <= 0)
			continue;
		n = recv(r->sock, a, sizeof(*a), MSG_DONTWAIT);
		if (n == (ssize_t)sizeof(*a))
			return 0;
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		errno = EPIPE;
		return -1;
	}
}

static int
ask(struct csn_reader *r, const struct question *q, struct answer *a,
    uint64_t end)
{
	int saved;

	if (start(r) != 0)
		return -1;
	if (send(r->sock, q, sizeof(*q), MSG_NOSIGNAL) ==
	    (ssize_t)sizeof(*q) && await(r, a, end) == 0)
		return 0;
	saved = errno;
	end_child(r);
	errno = saved;
	return -1;
}

ssize_t
csn_reader_read(struct csn_reader *r, pid_t pid, uint64_t offset, void *out,
    size_t len, uint64_t timeout_ms)
{
	struct question q = { offset, len < PIECE ? len : PIECE, pid };
	uint64_t end = csn_now_ms() + timeout_ms;
	int had = r->child != 0, rc;
	struct answer a;

	if (len == 0)
		return 0;
	rc = ask(r, &q, &a, end);
	/* It went with the thread that started it. */
	if (rc != 0 && errno == EPIPE && had)
		rc = ask(r, &q, &a, end);
	if (rc != 0)
		return -1;
	if (a.n < 0 || (uint64_t)a.n > q.len) {
		errno = a.n < 0 ? a.errnum : EPROTO;
		return -1;
	}
	memcpy(out, r->shared, (size_t)a.n);
	return (ssize_t)a.n;
}

int
csn_reader_new(struct csn_ctx *ctx, const struct csn_reader_from *from,
    struct csn_reader **out)
{
	struct csn_reader *r;

	if ((r = csn_calloc(1, sizeof(*r))) == NULL)
		return csn_nomem(ctx, ROOM, "a reader");
	r->ctx = ctx;
	r->from = *from;
	*out = r;
	return 0;
}

pid_t
csn_reader_leave(struct csn_reader *r)
{
	pid_t left;

	if (r == NULL)
		return 0;
	end_child(r);
	left = csn_reader_has_ended(r->stuck) ? 0 : r->stuck;
	csn_free(r);
	return left;
}

void
csn_reader_free(struct csn_reader *r)
{
	/* One that does not end stays a zombie until we do. */
	(void)csn_reader_leave(r);
}
