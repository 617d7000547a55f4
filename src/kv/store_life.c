/* SPDX-License-Identifier: Apache-2.0 */
/* kv/store_life.c - a KV store is made, told what was evicted, and freed. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/lock.h"
#include "base/sized.h"
#include "kv/kv_store.h"

/*
 * The store gave a message up: told in the middle of a put, maybe while the
 * slot's own stripe is held. So it is only noted here.
 */
static void
evicted(void *arg, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	struct csn_kv_store *kv = arg;
	struct csn_kv_lost *l;

	if (space_len > CSN_TENANT_ID_MAX || key_len != CSN_KV_STORE_KEY ||
	    (l = csn_calloc(1, sizeof(*l))) == NULL)
		return;
	memcpy(l->tenant_id, space, space_len);
	memcpy(l->key, key, key_len);
	pthread_mutex_lock(&kv->lost_lock);
	l->next = kv->lost;
	kv->lost = l;
	atomic_fetch_add(&kv->lost_n, 1);
	pthread_mutex_unlock(&kv->lost_lock);
}

int
csn_kv_store_new(struct csn_manager *mgr, struct csn_store *store,
    const struct csn_kv_store_options *options, struct csn_kv_store **out)
{
	if (CSN_NEEDS(mgr, store, out) != 0)
		return CSN_E_ARG;

	struct csn_kv_store_options o;
	struct csn_kv_store *kv;
	size_t i;
	int rc;

	if ((rc = CSN_TAKE(&o, options, csn_kv_store_options,
	    reseal_batch)) != 0)
		return rc;
	if ((kv = aligned_alloc(64, sizeof(*kv))) == NULL)
		return csn_nomem(mgr->ctx, "kv", "a KV store");
	memset(kv, 0, sizeof(*kv));
	kv->ctx = mgr->ctx;
	kv->mgr = mgr;
	kv->store = store;
	kv->shared = !csn_store_is_private(store);
	pthread_mutex_init(&kv->lost_lock, NULL);
	kv->reseal_batch = o.reseal_batch != 0 ? o.reseal_batch : 64;
	for (i = 0; i < CSN_KV_STRIPES; i++)
		csn_rwlock_init(&kv->stripes[i].lock);
	/* A provider that never evicts has nothing to tell. */
	rc = csn_store_on_evict(store, evicted, kv);
	if (rc != 0 && rc != CSN_E_BACKEND)
		goto err;
	if (o.reseal && (rc = csn_kv_resealer_start(kv)) != 0)
		goto err;
	*out = kv;
	return 0;

err:
	csn_kv_store_free(kv);
	return rc;
}

void
csn_kv_store_free(struct csn_kv_store *kv)
{
	struct csn_kv_lost *l;
	size_t i;

	if (kv == NULL)
		return;
	csn_kv_resealer_stop(kv);
	csn_store_off_evict(kv->store, evicted, kv);
	while ((l = kv->lost) != NULL) {
		kv->lost = l->next;
		free(l);
	}
	pthread_mutex_destroy(&kv->lost_lock);
	for (i = 0; i < CSN_KV_STRIPES; i++)
		pthread_rwlock_destroy(&kv->stripes[i].lock);
	free(kv);
}
