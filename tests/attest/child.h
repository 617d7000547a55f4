/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/child.h - a forked workload that does as it is told. */
#ifndef CAISSON_TESTS_ATTEST_CHILD_H
#define CAISSON_TESTS_ATTEST_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include <caisson/note.h>

struct child {
	pid_t pid;
	int fd;
};

enum child_verb {
	CHILD_WRITE = 1,	/* a byte: the value */
	CHILD_UNMAP,		/* size bytes */
	CHILD_PROTECT,		/* size bytes, value the protection */
	CHILD_REMAP,		/* size bytes of descriptor value, in place */
	CHILD_HAMMER,		/* a thread writes there without end */
	CHILD_CALM,		/* it stops */
	CHILD_NOTE,		/* start a note in the folder text */
	CHILD_REGISTER,		/* in the note: text is the id */
	CHILD_TRACK,		/* the region of that id */
	CHILD_EXEC,		/* become sleep(1) */
	CHILD_EXIT
};

struct child_order {
	uint32_t verb;
	uint32_t value;		/* a byte, or a protection */
	uint64_t address;
	uint64_t size;
	char text[256];
};

/*
 * Fork a child that carries out orders: it has the caller's memory at the
 * same addresses. It dies with its parent. Fails the test where it cannot.
 */
void child_start(struct child *c);
/* Send an order and wait until it is done; its return code. */
int child_do(struct child *c, const struct child_order *order);
/* The commonest orders. */
void child_write(struct child *c, const void *address, uint8_t value);
/* Kill it and wait for it. */
void child_end(struct child *c);

/* The state letter of the process. */
char child_state(pid_t pid);

#endif
