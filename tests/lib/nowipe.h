/* tests/lib/nowipe.h - a system that takes MADV_WIPEONFORK and does nothing. */
#ifndef CAISSON_TESTS_LIB_NOWIPE_H
#define CAISSON_TESTS_LIB_NOWIPE_H

/* Linked in, all of the test's advice goes through here. 1: also where the
 * kernel would refuse it, as an emulator that looks at nothing does. */
extern int nowipe_blind;

#endif
