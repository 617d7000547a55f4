/* SPDX-License-Identifier: Apache-2.0 */
/* cache/native.h - master keys and writers of Caisson's own entries. */
#ifndef CSN_CACHE_NATIVE_H
#define CSN_CACHE_NATIVE_H

#include <pthread.h>

#include <caisson/cache_native.h>

#include "cache/held.h"
#include "envelope/message.h"
#include "replay/slots.h"

/*
 * The key schedule, HKDF-SHA3-256 (docs/wire/cache.md):
 *
 *   root       = extract(salt "caisson v1 cache master" || epoch || id, key)
 *   tenant     = expand(root, "caisson v1 cache tenant" || tenant id)
 *   writer     = expand(tenant, "caisson v1 cache writer" || writer id)
 *   key        = expand(writer, "caisson v1 cache key")
 *   commitment = expand(writer, "caisson v1 cache commitment" || header 8..52)
 *
 * A writer is one process's for a tenant and epoch: its id is random, so no
 * other process and no later run has its key, and its nonces are a counter.
 */
#define CSN_NATIVE_ID 16
#define CSN_NATIVE_SUITE CSN_KEM_ML_KEM_768
#define CSN_NATIVE_FORMAT_MAX 32
#define CSN_NATIVE_SHARDS 16

struct csn_native_master {
	uint32_t epoch;
	uint8_t id[CSN_NATIVE_ID];
	struct csn_key root;
};

struct csn_native_writer {
	struct csn_held held;		/* first */
	int own;			/* seals; known by tenant and epoch */
	uint32_t epoch;
	uint8_t id[CSN_NATIVE_ID];
	uint8_t master[CSN_NATIVE_ID];
	uint8_t label[8];		/* of the tenant */
	uint8_t commitment[CSN_HASH_SIZE];
	struct csn_key key;
	_Atomic uint64_t messages;
	_Atomic uint64_t blocks;
	char tenant[CSN_TENANT_ID_MAX + 1];
};

struct csn_native_versions {
	pthread_mutex_t lock;
	struct csn_slots slots;
};

struct csn_cache_native {
	struct csn_ctx *ctx;
	uint64_t generation;
	/* The newest epoch first. */
	pthread_rwlock_t lock;
	struct csn_native_master masters[CSN_CACHE_NATIVE_MASTERS];
	size_t n;
	struct csn_held_table writers;
	/* The newest version made or seen: milliseconds << 20, and a count. */
	_Atomic uint64_t version;
	size_t nversions;		/* of versions[] that are set up */
	struct csn_native_versions versions[CSN_NATIVE_SHARDS];
};

/* Which writer: id NULL is our own. */
struct csn_native_name {
	uint32_t epoch;
	const uint8_t *id;
	const char *tenant;
};

/*
 * Derive a writer's keys; the caller adds it or wipes it with
 * csn_native_wipe. Called with the lock held.
 */
CSN_MUST_CHECK int csn_native_derive(struct csn_cache_native *native,
    const struct csn_native_master *master,
    const struct csn_native_name *name, struct csn_native_writer **out);
void csn_native_wipe(void *native, struct csn_held *h);
uint64_t csn_native_hash(const struct csn_cache_native *native,
    const struct csn_native_name *name);
/* The master key of that epoch, or NULL. Called with the lock held. */
struct csn_native_master *csn_native_master(struct csn_cache_native *native,
    uint32_t epoch);

/* The end (Unix ms, 0: none) of an entry that csn_cache_native_open() took. */
uint64_t csn_cache_native_end(const uint8_t *in, size_t len);

#endif
