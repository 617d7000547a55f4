/* SPDX-License-Identifier: Apache-2.0 */
/* tests/audit/common.h - what the audit tests share. */
#ifndef CAISSON_TESTS_AUDIT_COMMON_H
#define CAISSON_TESTS_AUDIT_COMMON_H

#include <caisson/audit.h>

#include "lib/test.h"

/** A record of an ordinary kind, its numbers made from i. */
struct csn_audit_record record_of(uint64_t i);

/** Append records i..j of the above one by one. */
void append_range(struct csn_audit *a, uint64_t from, uint64_t to);

/** The log in folder opened with options (NULL for none); fails the test. */
struct csn_audit *open_log(struct csn_ctx *ctx, const char *folder,
    const struct csn_audit_options *options);

/** Verify with the folder's first.key; 0 or the code. */
int verify_log(struct csn_ctx *ctx, const char *folder, const char *head,
    struct csn_trust *trust, int keyed, struct csn_result *result);

/** The detail of the named check, or NULL; *status gets its outcome. */
const char *check_of(const struct csn_result *r, const char *name,
    int *status);

#endif
