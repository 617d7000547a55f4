/* tests/providers/store_suite.h - what every store must do. */
#ifndef CAISSON_TESTS_STORE_SUITE_H
#define CAISSON_TESTS_STORE_SUITE_H

#include <caisson/store.h>

/**
 * Run every case over a store opened by each of n URLs, as cmocka cases
 * named "URL case".  Returns how many failed.
 */
int store_suite(const char *const *urls, size_t n);

/** A program's own provider: a list under a lock, nothing in place. */
extern const struct csn_store_provider store_list;

#endif
