/* SPDX-License-Identifier: Apache-2.0 */
/* kv/kv_store.h - the KV store's insides, for its parts. */
#ifndef CSN_KV_KV_STORE_H
#define CSN_KV_KV_STORE_H

#include <pthread.h>

#include "kv/internal.h"
#include "tenant/manager.h"

#define CSN_KV_STRIPES 256	/* a power of two */
#define CSN_KV_STORE_KEY 56	/* a slot's name as the store's key */

struct csn_kv_lost {
	struct csn_kv_lost *next;
	char tenant_id[CSN_TENANT_ID_MAX + 1];
	uint8_t key[CSN_KV_STORE_KEY];
};

/*
 * A slot's version in the session and its bytes in the store change together
 * under the slot's stripe: a writer holds it alone, readers share it.
 */
struct csn_kv_store {
	struct {
		_Alignas(64) pthread_rwlock_t lock;
	} stripes[CSN_KV_STRIPES];
	struct csn_ctx *ctx;
	struct csn_manager *mgr;
	struct csn_store *store;
	uint32_t reseal_batch;
	int shared;	/* others may write to what the store lends */
	/* What the store gave up and the sessions have not forgotten yet. */
	pthread_mutex_t lost_lock;
	struct csn_kv_lost *lost;
	atomic_uint lost_n;
	/* The resealing thread, while running is 1; stuck is its own. */
	pthread_t thread;
	size_t stuck;		/* slots to look at beyond the batch */
	pthread_mutex_t wake_lock;
	pthread_cond_t wake;
	int running;
	int stop;
};

void csn_kv_store_key(const struct csn_kv_slot *slot,
    uint8_t out[CSN_KV_STORE_KEY]);
/* 0 where the bytes are no slot's. */
int csn_kv_store_slot(const uint8_t *key, size_t len,
    struct csn_kv_slot *slot);

/*
 * Open what the store has under a slot into memory of our own, of *room bytes
 * at *plain (csn_wipe_free, also where this fails): it must be that slot's,
 * whatever the bytes say. item has its slot with the token, and its lengths.
 * unlogged as csn_kv_open_stored() has it.
 */
CSN_MUST_CHECK int csn_kv_store_open_aside(struct csn_kv_store *kv,
    struct csn_session *session, const struct csn_kv_slot *slot,
    const struct csn_store_buf *buf, int unlogged, struct csn_kv_item *item,
    uint8_t **plain, size_t *room);

/* The slot's stripe is held for writing. */
CSN_MUST_CHECK int csn_kv_store_put_locked(struct csn_kv_store *kv,
    struct csn_member *m, const struct csn_kv_slot *slot,
    const uint8_t key[CSN_KV_STORE_KEY], const void *k, size_t k_len,
    const void *v, size_t v_len);
pthread_rwlock_t *csn_kv_stripe(struct csn_kv_store *kv,
    const char *tenant_id, const uint8_t key[CSN_KV_STORE_KEY]);

CSN_MUST_CHECK int csn_kv_resealer_start(struct csn_kv_store *kv);
void csn_kv_resealer_stop(struct csn_kv_store *kv);

#endif
