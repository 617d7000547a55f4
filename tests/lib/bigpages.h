/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/bigpages.h - a kernel whose pages have 64 KiB. */
#ifndef CAISSON_TESTS_LIB_BIGPAGES_H
#define CAISSON_TESTS_LIB_BIGPAGES_H

/* 1: it takes no memory back. */
extern int bigpages_refuse;

#endif
