/* SPDX-License-Identifier: Apache-2.0 */
/* base/fail.h - how a room says what went wrong. */
#ifndef CSN_BASE_FAIL_H
#define CSN_BASE_FAIL_H

#include <caisson/context.h>

/**
 * Keep the sentence for csn_message() in this thread and return code.
 * The sentence says which thing, what was wrong, and what to do; it never
 * holds a secret. ctx may be NULL. room is a string literal.
 */
int csn_fail(const struct csn_ctx *ctx, int code, const char *room,
    const char *fmt, ...) CSN_PRINTF(4, 5);

/** As csn_fail, with ": " and strerror(errnum) behind the sentence. */
int csn_fail_errno(const struct csn_ctx *ctx, int code, const char *room,
    int errnum, const char *fmt, ...) CSN_PRINTF(5, 6);

/** CSN_E_NOMEM with the sentence "out of memory for " and what fmt says. */
int csn_nomem(const struct csn_ctx *ctx, const char *room, const char *fmt,
    ...) CSN_PRINTF(3, 4);

/**
 * By errno, for memory that the system did not give: CSN_E_NOMEM, "out of
 * memory for " what; or CSN_E_BACKEND where it said no for another reason, as
 * a sandbox does.
 */
int csn_fail_memory(const struct csn_ctx *ctx, const char *room,
    const char *what);

/**
 * CSN_E_ARG, naming the first of n arguments that is NULL, or 0. names are
 * as they are written in the call, with ", " between.
 */
int csn_needs(const char *function, const char *names,
    const void *const *arguments, size_t n);

/* Discard what a must-check call returns; a comment beside it says why. */
#define CSN_IGNORE(call) ((void)!(call))

/* What a public function begins with: arguments that may not be NULL. */
#define CSN_NEEDS(...) \
	csn_needs(__func__, #__VA_ARGS__, \
	    (const void *const[]){ __VA_ARGS__ }, \
	    sizeof((const void *const[]){ __VA_ARGS__ }) / sizeof(void *))

#endif
