/* SPDX-License-Identifier: Apache-2.0 */
/* providers/store/options.h - the options behind a store's URL. */
#ifndef CSN_PROVIDERS_STORE_OPTIONS_H
#define CSN_PROVIDERS_STORE_OPTIONS_H

#include <caisson/context.h>

struct csn_store_option {
	const char *name;
	size_t name_len;
	const char *value;
	size_t len;
};

/**
 * The next name=value of "a=1&b=2" at *p, which moves on: 1, or 0 at the
 * end. CSN_E_ARG for what is none; store is whose ("file").
 */
int csn_store_option_next(struct csn_ctx *ctx, const char *store,
    const char **p, struct csn_store_option *out);
int csn_store_option_is(const struct csn_store_option *o, const char *name);
/** CSN_E_ARG with "the STORE store's option NAME=VALUE: what". */
int csn_store_option_bad(struct csn_ctx *ctx, const char *store,
    const struct csn_store_option *o, const char *what);
/** CSN_E_ARG for an option of no known name; known lists those there are. */
int csn_store_option_unknown(struct csn_ctx *ctx, const char *store,
    const struct csn_store_option *o, const char *known);

/* Digits with an optional K, M, G or T. -1 where it is something else. */
int csn_store_bytes(const char *s, size_t len, uint64_t *out);
/* Digits alone. -1 where it is something else, or above most. */
int csn_store_number(const char *s, size_t len, uint64_t most,
    uint64_t *out);

#endif
