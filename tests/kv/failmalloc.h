/* tests/kv/failmalloc.h - allocations that fail when a test says so. */
#ifndef CAISSON_TESTS_KV_FAILMALLOC_H
#define CAISSON_TESTS_KV_FAILMALLOC_H

/* 0 in builds whose allocator is a sanitizer's. */
int fail_can(void);
/* This thread's n-th allocation from now on fails, once; n from 1. */
void fail_arm(unsigned long n);
/* Stop. 1 where it has failed. */
int fail_disarm(void);
/* Blocks of the whole process that are allocated now. */
long fail_blocks(void);

#endif
