/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/kv.h - the KV cache, sealed per tenant. */
#ifndef CAISSON_KV_H
#define CAISSON_KV_H

#include <caisson/pool.h>
#include <caisson/seal.h>
#include <caisson/store.h>
#include <caisson/tenant.h>

#ifdef __cplusplus
extern "C" {
#endif

enum csn_kv_role {
	CSN_KV_KEY = 1,
	CSN_KV_VALUE = 2,
	CSN_KV_BOTH = 3
};

#define CSN_KV_HAS_TOKEN 1u	/* token_id means something */

/*
 * Where bytes of a KV cache belong. An entry is one layer and position; a
 * block is a run of `count` positions of one layer, or of all layers
 * (CSN_KV_ALL_LAYERS), named by the serving stack's hash of it. Everything
 * here is authenticated. A slot is what a store keeps the newest version of:
 * kind, layer, position, count, role and name; the token id is not part of
 * what tells two slots apart.
 */
struct csn_kv_slot {
	uint32_t kind;		/* CSN_KIND_KV_ENTRY or CSN_KIND_KV_BLOCK */
	uint32_t role;		/* enum csn_kv_role */
	uint32_t layer;
	uint32_t count;		/* positions; 1 for an entry */
	uint64_t position;	/* the first */
	uint32_t token_id;
	uint32_t flags;		/* CSN_KV_HAS_TOKEN */
	uint8_t name[32];	/* a block's hash; zero for an entry */
};

#define CSN_KV_ALL_LAYERS UINT32_MAX

/*
 * One message of a batch. key and value are plaintext (either may be NULL
 * where its length is 0); sealed holds key_len + value_len +
 * CSN_SEAL_OVERHEAD bytes.
 *
 * Sealing reads key, value and slot, and writes sealed. In place: key at
 * sealed + CSN_SEAL_OVERHEAD and value behind it; overlapping in any other
 * way is CSN_E_ARG.
 * While a call runs all these buffers are the caller's own: AES-GCM may read
 * ciphertext twice, so bytes that another process, thread or device can write
 * to meanwhile are copied first. (A KV store does that by itself, as its
 * provider's flags say.)
 *
 * Opening reads sealed (sealed_len bytes) and writes key and value: on entry
 * key_len and value_len are what there is room for, afterwards what there
 * was; where it fails they stay, and the item can be tried again. With
 * slot_expected 1 the message must be that very slot's (CSN_E_TAG
 * where it is another's: an old or moved entry put in its place); with 0 slot
 * is filled in from the authenticated header. In place: as above.
 */
struct csn_kv_item {
	uint32_t size;
	uint32_t reserved;		/* 0 */
	struct csn_session *session;	/* or NULL: tenant, by a manager */
	const char *tenant;
	struct csn_kv_slot slot;
	/* To seal what is const, set const_key, const_value. */
	union {
		uint8_t *key;
		const uint8_t *const_key;
	};
	size_t key_len;
	union {
		uint8_t *value;
		const uint8_t *const_value;
	};
	size_t value_len;
	union {
		uint8_t *sealed;
		const uint8_t *const_sealed;	/* to open */
	};
	size_t sealed_len;
	int32_t slot_expected;
	int32_t rc;			/* out: this item's result */
	uint64_t sequence;		/* out */
	uint64_t version;		/* out */
};

/**
 * Seal one item under its session. No copy beside AES's own pass, no
 * allocation. On error sealed is zero, and item->rc is what is returned. (In
 * place, what is refused before AES ran is left as it was.)
 *
 * CSN_E_ARG, CSN_E_BUFFER, CSN_E_LIMIT (more than CSN_SEAL_MAX),
 * CSN_E_EXPIRED, CSN_E_CLOSED, CSN_E_FORK, CSN_E_ROTATE, CSN_E_CRYPTO.
 */
CSN_API CSN_MUST_CHECK int csn_kv_seal(struct csn_ctx *ctx,
    struct csn_kv_item *item);

/**
 * Open one item. Checks in this order: form, tenant, session and epoch, tag,
 * replay. On error key and value are zero. (In place, as with sealing.)
 *
 * CSN_E_FORM, CSN_E_VERSION, CSN_E_SUITE, CSN_E_BUFFER, CSN_E_TENANT,
 * CSN_E_SESSION, CSN_E_EXPIRED, CSN_E_EPOCH, CSN_E_TAG, CSN_E_REPLAY,
 * CSN_E_CLOSED, CSN_E_FORK, CSN_E_CRYPTO.
 */
CSN_API CSN_MUST_CHECK int csn_kv_open(struct csn_ctx *ctx,
    struct csn_kv_item *item);

/**
 * Seal or open n items of any number of sessions in one call: grouped by
 * session and key, sequences reserved a group at a time, on the threads of
 * pool (NULL for the caller's alone). Items fail on their own: each has its
 * rc, and the call returns 0 or the first failing item's code.
 *
 * The first item's size is the distance from one item to the next, and every
 * item has the same size. CSN_E_ARG where one has another; then no item was
 * touched but for its rc.
 */
CSN_API CSN_MUST_CHECK int csn_kv_seal_batch(struct csn_ctx *ctx,
    struct csn_pool *pool, struct csn_kv_item *items, size_t n);
CSN_API CSN_MUST_CHECK int csn_kv_open_batch(struct csn_ctx *ctx,
    struct csn_pool *pool, struct csn_kv_item *items, size_t n);

/* --- by tenant ------------------------------------------------------- */

/** Seal or open by tenant id: item->tenant where session is NULL. */
CSN_API CSN_MUST_CHECK int csn_manager_seal(struct csn_manager *mgr,
    struct csn_kv_item *item);
CSN_API CSN_MUST_CHECK int csn_manager_open(struct csn_manager *mgr,
    struct csn_kv_item *item);
CSN_API CSN_MUST_CHECK int csn_manager_seal_batch(struct csn_manager *mgr,
    struct csn_pool *pool, struct csn_kv_item *items, size_t n);
CSN_API CSN_MUST_CHECK int csn_manager_open_batch(struct csn_manager *mgr,
    struct csn_pool *pool, struct csn_kv_item *items, size_t n);

/* --- a store of sealed KV ---------------------------------------------- */

/*
 * Puts KV bytes into a store provider, sealed on the way in and opened on
 * the way out: the store holds ciphertext only. With a provider that works in
 * place (memory:) AES writes straight into the store's memory and reads from
 * it: one pass, no copy. Where the provider does not say that its memory is
 * private (CSN_STORE_PRIVATE) the bytes pass through a small buffer. Sessions
 * come from a manager in store mode.
 */
struct csn_kv_store;

struct csn_kv_store_options {
	uint32_t size;
	/* 1: a thread reseals what old epochs hold, so that they can go. */
	uint32_t reseal;
	uint32_t reseal_batch;	/* entries at a time; 0 for 64 */
};

/** Both outlive it. */
CSN_API CSN_MUST_CHECK int csn_kv_store_new(struct csn_manager *mgr,
    struct csn_store *store, const struct csn_kv_store_options *options,
    struct csn_kv_store **out);
/** Seal key and value into the store under the tenant's slot. */
CSN_API CSN_MUST_CHECK int csn_kv_store_put(struct csn_kv_store *kv,
    const char *tenant_id, const struct csn_kv_slot *slot, const void *key,
    size_t key_len, const void *value, size_t value_len);
/**
 * Open the slot's newest. On entry *key_len and *value_len are the room, on
 * return the lengths, also with CSN_E_BUFFER, and 0 where the message is
 * refused: they are an authentic message's or none.
 *
 * CSN_E_NOT_FOUND; CSN_E_SESSION where what lies there says that it is of
 * another session of the tenant, maybe a former one. It stays: put the slot
 * again, or remove it. And what csn_kv_open() returns.
 */
CSN_API CSN_MUST_CHECK int csn_kv_store_get(struct csn_kv_store *kv,
    const char *tenant_id, const struct csn_kv_slot *slot, void *key,
    size_t *key_len, void *value, size_t *value_len);
CSN_API CSN_MUST_CHECK int csn_kv_store_remove(struct csn_kv_store *kv,
    const char *tenant_id, const struct csn_kv_slot *slot);
/** Close the tenant: keys wiped first, then its memory is reclaimed. */
CSN_API CSN_MUST_CHECK int csn_kv_store_close_tenant(
    struct csn_kv_store *kv, const char *tenant_id);
/**
 * Reseal at most `most` entries (0 for all) of a tenant's old epochs under
 * the current one; *done says how many.
 */
CSN_API CSN_MUST_CHECK int csn_kv_store_reseal(struct csn_kv_store *kv,
    const char *tenant_id, size_t most, size_t *done);
CSN_API CSN_MUST_CHECK int csn_kv_store_stat(struct csn_kv_store *kv,
    const char *tenant_id, struct csn_store_stat *out);
CSN_API void csn_kv_store_free(struct csn_kv_store *kv);

#ifdef __cplusplus
}
#endif

#endif
