/* SPDX-License-Identifier: Apache-2.0 */
/* tests/attest/fake_qmp.h - what listens where QEMU should, and lies. */
#ifndef CAISSON_TESTS_ATTEST_FAKE_QMP_H
#define CAISSON_TESTS_ATTEST_FAKE_QMP_H

#include <pthread.h>
#include <stddef.h>

struct fake_qmp {
	char folder[64];
	char path[96];
	const char *const *script;
	int listener;
	pthread_t thread;
	size_t commands;	/* that came */
	char seen[32][512];	/* each of them */
};

/*
 * Listen at f->path and go through the script, which ends with NULL. First
 * it sends what is before the first "<"; each "<" waits for a command, and
 * what follows is sent as it is, but for a line that begins with
 *
 *   "@ID"     replaced by the command's own id: "@ID{…}" becomes {…, "id": n}
 *   "@SAVE n" writes n bytes of 0xa5 into the command's file
 *   "@WAIT"   sends nothing more until the other side hangs up
 *   "@CLOSE"  hangs up
 *   "@AGAIN"  hangs up and waits for the next who connects
 *   "@LONG n" sends n letters without an end of line
 *   "@EVENT n" sends n events
 */
void fake_qmp_start(struct fake_qmp *f, const char *const *script);
void fake_qmp_stop(struct fake_qmp *f);

#endif
