/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/nowipe.h - a system that does not do what it is asked for. */
#ifndef CAISSON_TESTS_LIB_NOWIPE_H
#define CAISSON_TESTS_LIB_NOWIPE_H

/* Linked in, all of the test's advice goes through here. 1: also where the
 * kernel would refuse it, as an emulator that looks at nothing does. */
extern int nowipe_blind;
/* 1: a sandbox that lets no page be locked, or opened by mprotect. */
extern int nowipe_no_lock, nowipe_no_protect;

#endif
