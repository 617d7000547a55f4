/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/session/halt.h - a thread that stops in the middle of a call, so that
 * a fork finds it there; and flags held as other threads hold them. halt_*.c
 * hold files of the library, so that nothing of this is in the library.
 */
#ifndef CAISSON_TESTS_SESSION_HALT_H
#define CAISSON_TESTS_SESSION_HALT_H

#include <caisson/context.h>

/* The context's clock is a place to stop at, as memory and randomness are. */
struct csn_ctx *halt_ctx(void);

/*
 * In another thread: run call(arg), and fork when it has come to its n-th
 * place, or was done before. The child runs child(arg) in the thread that
 * forked it, and ends with what that returns. Stores the child's exit status,
 * -1 for a signal or where it did not end. 1 where the call came to its place.
 */
int halt_and_fork(int (*call)(void *arg), int (*child)(void *arg), void *arg,
    unsigned n, int *status);

/* Where a thread may stop; also called by the library's own files. */
void halt_here(void);

/* halt_keyring.c: each mask and lane is held, by nobody who is here. */
void halt_hold_keyring(struct csn_ctx *ctx);
/* The salt of the context's keys from now on. */
uint64_t halt_salt(struct csn_ctx *ctx);

#endif
