/* SPDX-License-Identifier: Apache-2.0 */
/* tests/kv/store_fixture.h - a manager, a store, and the KV store over both. */
#ifndef CAISSON_TESTS_KV_STORE_FIXTURE_H
#define CAISSON_TESTS_KV_STORE_FIXTURE_H

#include "kv/message.h"

struct store_fixture {
	struct csn_ctx *ctx;
	struct csn_manager *mgr;
	struct csn_store *store;
	struct csn_kv_store *kv;
};

struct store_options {
	const struct csn_session_options *session;
	const struct csn_kv_store_options *store;
	struct csn_audit *audit;
	struct csn_ctx *ctx; /* or NULL: one of its own */
};

/* With the tenant "acme". options may be NULL. */
void store_start(struct store_fixture *sh, const char *url,
    const struct store_options *options);
void store_end(struct store_fixture *sh);
void store_tenant(struct store_fixture *sh, const char *tenant);

/* Bytes that seed decides. store_get() compares what it got with them, and
 * looks that nothing was given where it fails. */
int store_put(struct store_fixture *sh, const char *tenant,
    const struct csn_kv_slot *slot, size_t key_len, size_t value_len,
    unsigned seed);
int store_get(struct store_fixture *sh, const char *tenant,
    const struct csn_kv_slot *slot, size_t key_len, size_t value_len,
    unsigned seed);

struct csn_store_stat store_stat(struct store_fixture *sh, const char *tenant);
struct csn_session_info
store_info(struct store_fixture *sh, const char *tenant);

/* The sealed bytes behind the KV store's back; free. */
uint8_t *store_copy(struct store_fixture *sh, const char *tenant,
    const struct csn_kv_slot *slot, size_t *len);
void store_plant(struct store_fixture *sh, const char *tenant,
    const struct csn_kv_slot *slot, const uint8_t *p, size_t len);

/* "copying:" is a memory store that cannot work in place, nor tell of what
 * it evicts. */
void store_register_copying(void);

#endif
