/* SPDX-License-Identifier: Apache-2.0 */
/* tests/kv/shelf.h - a manager, a store, and the KV store over both. */
#ifndef CAISSON_TESTS_KV_SHELF_H
#define CAISSON_TESTS_KV_SHELF_H

#include "kv/parcel.h"

struct shelf {
	struct csn_ctx *ctx;
	struct csn_manager *mgr;
	struct csn_store *store;
	struct csn_kv_store *kv;
};

struct shelf_options {
	const struct csn_session_options *session;
	const struct csn_kv_store_options *store;
	struct csn_audit *audit;
	struct csn_ctx *ctx;	/* or NULL: one of its own */
};

/* With the tenant "acme". options may be NULL. */
void shelf_start(struct shelf *sh, const char *url,
    const struct shelf_options *options);
void shelf_end(struct shelf *sh);
void shelf_tenant(struct shelf *sh, const char *tenant);

/* Bytes that seed decides. shelf_get() compares what it got with them, and
 * looks that nothing was given where it fails. */
int shelf_put(struct shelf *sh, const char *tenant,
    const struct csn_kv_slot *slot, size_t key_len, size_t value_len,
    unsigned seed);
int shelf_get(struct shelf *sh, const char *tenant,
    const struct csn_kv_slot *slot, size_t key_len, size_t value_len,
    unsigned seed);

struct csn_store_stat shelf_stat(struct shelf *sh, const char *tenant);
struct csn_session_info shelf_info(struct shelf *sh, const char *tenant);

/* The sealed bytes behind the KV store's back; free. */
uint8_t *shelf_copy(struct shelf *sh, const char *tenant,
    const struct csn_kv_slot *slot, size_t *len);
void shelf_plant(struct shelf *sh, const char *tenant,
    const struct csn_kv_slot *slot, const uint8_t *p, size_t len);

/* "copying:" is a memory store that cannot work in place, nor tell of what
 * it evicts. */
void shelf_register_copying(void);

#endif
