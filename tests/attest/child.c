/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - the other process of the attestation tests. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/child.h"
#include "lib/test.h"

static _Atomic int hammering;
static volatile uint8_t *anvil;
static pthread_t hammer_thread;

static void *
hammer(void *arg)
{
	uint8_t n = 0;

	(void)arg;
	while (atomic_load(&hammering))
		*anvil = n++;
	return NULL;
}

struct life {
	struct csn_ctx *ctx;
	struct csn_note *note;
};

static int
carry_out(struct life *life, const struct child_order *o)
{
	char *const argv[] = { (char *)(uintptr_t)"sleep",
	    (char *)(uintptr_t)"60", NULL };
	struct csn_region r = { .size_of = sizeof(r) };
	uint8_t *p = (uint8_t *)(uintptr_t)o->address;
	char path[64];
	int fd;

	switch (o->verb) {
	case CHILD_WRITE:
		*(volatile uint8_t *)p = (uint8_t)o->value;
		return 0;
	case CHILD_UNMAP:
		return munmap(p, o->size);
	case CHILD_PROTECT:
		return mprotect(p, o->size, (int)o->value);
	case CHILD_REMAP:
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%u",
		    o->value);
		if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 ||
		    mmap(p, o->size, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
		    0) != p)
			return -1;
		return close(fd);
	case CHILD_HAMMER:
		anvil = p;
		atomic_store(&hammering, 1);
		return pthread_create(&hammer_thread, NULL, hammer, NULL);
	case CHILD_CALM:
		atomic_store(&hammering, 0);
		return pthread_join(hammer_thread, NULL);
	case CHILD_NOTE:
		csn_note_free(life->note);
		life->note = NULL;
		return csn_note_new(life->ctx, o->text, &life->note);
	case CHILD_REGISTER:
		r.id = o->text;
		r.description = "registered by the child";
		r.address = o->address;
		r.size = o->size;
		r.protection = o->value;
		return csn_note_add(life->note, &r);
	case CHILD_TRACK:
		return csn_note_track(life->note, o->text);
	case CHILD_EXEC:
		(void)execvp(argv[0], argv);
		return -1;
	default:
		_exit(0);
	}
}

static void
live(int fd)
{
	struct child_order order;
	struct life life = { 0 };
	int rc;

	if (csn_ctx_new(NULL, &life.ctx) != 0)
		_exit(1);
	while (recv(fd, &order, sizeof(order), MSG_WAITALL) ==
	    (ssize_t)sizeof(order)) {
		/* After an exec nobody could answer. */
		rc = 0;
		if (order.verb == CHILD_EXEC || order.verb == CHILD_EXIT)
			(void)send(fd, &rc, sizeof(rc), 0);
		rc = carry_out(&life, &order);
		if (send(fd, &rc, sizeof(rc), 0) != (ssize_t)sizeof(rc))
			break;
	}
	csn_note_free(life.note);
	_exit(0);
}

void
child_start(struct child *c)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    fds), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(fds[0]);
		live(fds[1]);
	}
	(void)close(fds[1]);
	c->fd = fds[0];
}

int
child_do(struct child *c, const struct child_order *order)
{
	int rc;

	assert_int_equal(send(c->fd, order, sizeof(*order), 0),
	    sizeof(*order));
	assert_int_equal(recv(c->fd, &rc, sizeof(rc), MSG_WAITALL),
	    sizeof(rc));
	return rc;
}

void
child_write(struct child *c, const void *address, uint8_t value)
{
	struct child_order o = {
		.verb = CHILD_WRITE, .address = (uint64_t)(uintptr_t)address,
		.value = value
	};

	assert_int_equal(child_do(c, &o), 0);
}

void
child_end(struct child *c)
{
	if (c->pid <= 0)
		return;
	(void)kill(c->pid, SIGKILL);
	(void)waitpid(c->pid, NULL, 0);
	(void)close(c->fd);
	c->pid = 0;
}

char
child_state(pid_t pid)
{
	char path[64], text[512], *p;
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if ((f = fopen(path, "re")) == NULL)
		return 'X';
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')');
	return p != NULL && p[1] == ' ' ? p[2] : '?';
}
