/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/path.h - where a test finds data, and how it says it cannot. */
#ifndef CAISSON_TESTS_LIB_PATH_H
#define CAISSON_TESTS_LIB_PATH_H

/**
 * Return the path of rel below the folder of outside test vectors, or NULL
 * where that file or folder is absent.  The string is the caller's to free.
 */
char *test_shared_path(const char *rel);

/** Return the path of rel below the source tree; the caller frees it. */
char *test_source_path(const char *rel);

/** Return the path of rel below the build folder; the caller frees it. */
char *test_build_path(const char *rel);

#endif
