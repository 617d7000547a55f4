/* SPDX-License-Identifier: Apache-2.0 */
/* base/file_owner.h - who could have written what is about to be believed. */
#ifndef CSN_BASE_FILE_OWNER_H
#define CSN_BASE_FILE_OWNER_H

#include <sys/stat.h>

#include <caisson/context.h>

/** csn_file_check() of a file that is open: st is its fstat(). */
CSN_MUST_CHECK int csn_file_check_owner(struct csn_ctx *ctx,
    const char *path, const struct stat *st);

#endif
