/* SPDX-License-Identifier: Apache-2.0 */
/* evidence/result.h - results as the rooms that make them see them. */
#ifndef CSN_EVIDENCE_RESULT_H
#define CSN_EVIDENCE_RESULT_H

#include <caisson/evidence.h>

/*
 * Add a check named by a format, passed where code is 0 and failed where it
 * is an error. detail may be NULL.
 */
CSN_MUST_CHECK int csn_result_note(struct csn_result *r, int code,
    const char *detail, const char *fmt, ...) CSN_PRINTF(4, 5);

/* As csn_result_get(), and the code too: 0 where it did not fail. */
CSN_MUST_CHECK int csn_result_item(const struct csn_result *r, size_t i,
    const char **name, int *status, int *code, const char **detail);

/*
 * The code of the first check from item first on that failed, with a sentence
 * in ctx: what "fails at" its name and detail. 0 where none failed.
 */
CSN_MUST_CHECK int csn_result_conclude(struct csn_ctx *ctx,
    const struct csn_result *r, size_t first, const char *room,
    const char *what);

#endif
