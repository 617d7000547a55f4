/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fixture.h - the folders, files and clock that tests share. */
#ifndef CAISSON_TESTS_LIB_FIXTURE_H
#define CAISSON_TESTS_LIB_FIXTURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <caisson/caisson.h>

/** A new folder below TMPDIR, else /tmp; its path is for folder_remove(). */
char *folder_new(void);
/** The same where fsync costs nothing, if there is such a place. */
char *folder_in_memory(void);
/** Remove it with all that is in it, and free the path; NULL is fine. */
void folder_remove(char *folder);
/** Remove a file, or a folder with all that is in it. */
void tree_remove(const char *path);

/** The path of name in folder; free(). */
char *path_in(const char *folder, const char *name);
/** A whole file with a NUL behind it; free(). */
void *file_read(const char *path, size_t *len);
void file_write(const char *path, const void *p, size_t len);

/** A clock whose times are both test_ms, which the test sets. */
extern _Atomic uint64_t test_ms;
extern const struct csn_clock test_clock;
/** A context under that clock; csn_ctx_free(). */
struct csn_ctx *test_clock_ctx(void);

/** SIGSTOP for a child, which has stopped when this returns. */
void stop_process(pid_t pid);

#endif
