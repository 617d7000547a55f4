/* SPDX-License-Identifier: Apache-2.0 */
/* providers/store/provider.h - what a store that comes with us includes. */
#ifndef CSN_PROVIDERS_STORE_PROVIDER_H
#define CSN_PROVIDERS_STORE_PROVIDER_H

#include <caisson/store.h>

#include "base/alloc.h"
#include "base/fail.h"

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

#endif
