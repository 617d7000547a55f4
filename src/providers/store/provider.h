/* SPDX-License-Identifier: Apache-2.0 */
/* providers/store/provider.h - what a store that comes with us includes. */
#ifndef CSN_PROVIDERS_STORE_PROVIDER_H
#define CSN_PROVIDERS_STORE_PROVIDER_H

#include <caisson/store.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "base/url.h"
#include "providers/store/buffer.h"

/* Named here and in registry.c, nowhere else. */
extern const struct csn_store_provider csn_store_memory;
extern const struct csn_store_provider csn_store_file;
extern const struct csn_store_provider csn_store_memcached;
extern const struct csn_store_provider csn_store_lmdb; /* CSN_HAVE_LMDB */
/* CSN_HAVE_REDIS */
extern const struct csn_store_provider csn_store_redis;
extern const struct csn_store_provider csn_store_rediss;
extern const struct csn_store_provider csn_store_valkey;
extern const struct csn_store_provider csn_store_valkeys;
/* CSN_HAVE_HTTP */
extern const struct csn_store_provider csn_store_http;
extern const struct csn_store_provider csn_store_https;

/**
 * The next name=value of "a=1&b=2" at *p, which moves on: 1, or 0 at the
 * end. CSN_E_ARG for what is none; store is whose ("file").
 */
int csn_store_option_next(struct csn_ctx *ctx, const char *store,
    const char **p, struct csn_url_option *out);
/** CSN_E_ARG with "the STORE store's option NAME=VALUE: what". */
int csn_store_option_bad(struct csn_ctx *ctx, const char *store,
    const struct csn_url_option *o, const char *what);
/** CSN_E_ARG for an option of no known name; known lists those there are. */
int csn_store_option_unknown(struct csn_ctx *ctx, const char *store,
    const struct csn_url_option *o, const char *known);

#endif
