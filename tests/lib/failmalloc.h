/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/lib/failmalloc.h - a program whose allocations fail when told to.
 *
 * A test that lists lib/failmalloc.c has its own malloc and what belongs to
 * it, OpenSSL's and jansson's calls included.  A sanitizer has its own: there
 * nothing fails, and failmalloc_works() says so.
 */
#ifndef CAISSON_TESTS_LIB_FAILMALLOC_H
#define CAISSON_TESTS_LIB_FAILMALLOC_H

/**
 * This thread's n-th allocation from now (0 for the next) fails, once; below
 * 0: none.
 */
void failmalloc_at(long n);

/** 1 where it came to that, and none fails from now on. */
int failmalloc_done(void);

/**
 * Nothing of this thread fails, and nothing is counted down, until it goes on
 * with what hold gave: for a stand-in that the test itself provides.
 */
long failmalloc_hold(void);
void failmalloc_resume(long held);

/** Blocks of the whole process that are allocated now. */
long failmalloc_blocks(void);

/** 0 under a sanitizer. */
int failmalloc_works(void);

#endif
