/* kv/store.c - a store of sealed KV: AES writes into it and reads from it. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/lock.h"
#include "base/sized.h"
#include "kv/kv_store.h"

void
csn_kv_store_key(const struct csn_kv_slot *slot,
    uint8_t out[CSN_KV_STORE_KEY])
{
	csn_store32(out, slot->kind);
	csn_store32(out + 4, slot->role);
	csn_store32(out + 8, slot->layer);
	csn_store32(out + 12, slot->count);
	csn_store64(out + 16, slot->position);
	memcpy(out + 24, slot->name, 32);
}

int
csn_kv_store_slot(const uint8_t *key, size_t len, struct csn_kv_slot *slot)
{
	if (len != CSN_KV_STORE_KEY)
		return 0;
	memset(slot, 0, sizeof(*slot));
	slot->kind = csn_load32(key);
	slot->role = csn_load32(key + 4);
	slot->layer = csn_load32(key + 8);
	slot->count = csn_load32(key + 12);
	slot->position = csn_load64(key + 16);
	memcpy(slot->name, key + 24, 32);
	return 1;
}

/* What a slot's readers and writers take turns by. */
pthread_rwlock_t *
csn_kv_stripe(struct csn_kv_store *kv, const char *tenant_id,
    const uint8_t key[CSN_KV_STORE_KEY])
{
	uint64_t h = UINT64_C(0xcbf29ce484222325), w;
	size_t i;

	for (; *tenant_id != '\0'; tenant_id++)
		h = (h ^ (uint8_t)*tenant_id) * UINT64_C(0x100000001b3);
	for (i = 0; i < CSN_KV_STORE_KEY; i += 8) {
		memcpy(&w, key + i, 8);
		h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return &kv->stripes[h & (CSN_KV_STRIPES - 1)].lock;
}

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

/* Forget the slot's version, unless it was put again meanwhile. */
static void
forget_lost(struct csn_kv_store *kv, const struct csn_kv_lost *l)
{
	const uint8_t *space = (const uint8_t *)l->tenant_id;
	pthread_rwlock_t *stripe = csn_kv_stripe(kv, l->tenant_id, l->key);
	struct csn_slot_name name;
	struct csn_store_buf buf;
	struct csn_kv_slot slot;
	struct csn_member *m;

	if (!csn_kv_store_slot(l->key, sizeof(l->key), &slot) ||
	    csn_member_get(kv->mgr, l->tenant_id, &m) != 0)
		return;
	csn_kv_slot_name(&slot, &name);
	pthread_rwlock_wrlock(stripe);
	if (csn_store_borrow(kv->store, space, strlen(l->tenant_id), l->key,
	    sizeof(l->key), &buf) == 0)
		csn_store_release(kv->store, &buf);
	else
		csn_session_slot_forget(m->session, &name);
	pthread_rwlock_unlock(stripe);
	csn_member_release(m);
}

/* With no stripe held. */
static void
forget_all_lost(struct csn_kv_store *kv)
{
	struct csn_kv_lost *l, *next;

	if (atomic_load_explicit(&kv->lost_n, memory_order_relaxed) == 0)
		return;
	pthread_mutex_lock(&kv->lost_lock);
	l = kv->lost;
	kv->lost = NULL;
	atomic_store(&kv->lost_n, 0);
	pthread_mutex_unlock(&kv->lost_lock);
	for (; l != NULL; l = next) {
		next = l->next;
		forget_lost(kv, l);
		free(l);
	}
}

int
csn_kv_store_new(struct csn_manager *mgr, struct csn_store *store,
    const struct csn_kv_store_options *options, struct csn_kv_store **out)
{
	struct csn_kv_store_options o;
	struct csn_kv_store *kv;
	size_t i;
	int rc;

	if ((rc = CSN_TAKE(&o, options, csn_kv_store_options,
	    reseal_batch)) != 0)
		return rc;
	if ((kv = aligned_alloc(64, sizeof(*kv))) == NULL)
		return csn_fail(mgr->ctx, CSN_E_NOMEM, "kv",
		    "out of memory for a KV store");
	memset(kv, 0, sizeof(*kv));
	kv->ctx = mgr->ctx;
	kv->mgr = mgr;
	kv->store = store;
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

struct keep {
	struct csn_kv_store *kv;
	const struct csn_session *session;
	const uint8_t *key;
	struct csn_store_buf buf;
};

/* While the seal's run is open: the store takes the bytes. */
static int
keep(void *arg)
{
	struct keep *k = arg;
	const char *id = csn_session_tenant_id(k->session);

	return csn_store_commit(k->kv->store, (const uint8_t *)id,
	    strlen(id), k->key, CSN_KV_STORE_KEY, &k->buf);
}

int
csn_kv_store_put_locked(struct csn_kv_store *kv, struct csn_member *m,
    const struct csn_kv_slot *slot, const uint8_t key[CSN_KV_STORE_KEY],
    const void *k, size_t k_len, const void *v, size_t v_len)
{
	const char *id = csn_session_tenant_id(m->session);
	struct keep keeper = { kv, m->session, key, { NULL, 0, NULL } };
	struct csn_kv_item item;
	int rc;

	if (k_len > CSN_SEAL_MAX || v_len > CSN_SEAL_MAX - k_len)
		return csn_fail(kv->ctx, CSN_E_LIMIT, "kv",
		    "more than 4 GiB in one block: put it in parts");
	memset(&item, 0, sizeof(item));
	item.session = m->session;
	item.slot = *slot;
	item.key = (uint8_t *)(uintptr_t)k;
	item.key_len = k_len;
	item.value = (uint8_t *)(uintptr_t)v;
	item.value_len = v_len;
	item.sealed_len = k_len + v_len + CSN_SEAL_OVERHEAD;
	if ((rc = csn_store_reserve(kv->store, (const uint8_t *)id,
	    strlen(id), item.sealed_len, &keeper.buf)) != 0)
		return rc;
	item.sealed = keeper.buf.p;
	rc = csn_kv_seal_held(kv->ctx, &item, keep, &keeper);
	/* Committing ends it, whatever came of it. */
	if (rc != 0 && keeper.buf.handle != NULL)
		csn_store_abort(kv->store, &keeper.buf);
	return rc;
}

int
csn_kv_store_put(struct csn_kv_store *kv, const char *tenant_id,
    const struct csn_kv_slot *slot, const void *key, size_t key_len,
    const void *value, size_t value_len)
{
	uint8_t name[CSN_KV_STORE_KEY];
	pthread_rwlock_t *stripe;
	struct csn_member *m;
	uint64_t bytes = (uint64_t)key_len + value_len;
	int rc;

	if ((rc = csn_kv_slot_check(kv->ctx, slot)) != 0 ||
	    (rc = csn_member_get(kv->mgr, tenant_id, &m)) != 0)
		return rc;
	if ((rc = csn_member_charge(kv->mgr, m, bytes)) == 0) {
		csn_kv_store_key(slot, name);
		stripe = csn_kv_stripe(kv, tenant_id, name);
		pthread_rwlock_wrlock(stripe);
		rc = csn_kv_store_put_locked(kv, m, slot, name, key, key_len,
		    value, value_len);
		pthread_rwlock_unlock(stripe);
		if (rc != 0)
			csn_member_refund(m, bytes);
	}
	csn_member_release(m);
	forget_all_lost(kv);
	return rc;
}

/* Open a borrowed message into the caller's buffers. */
static int
open_borrowed(struct csn_kv_store *kv, struct csn_session *session,
    const struct csn_kv_slot *slot, struct csn_store_buf *buf, void *key,
    size_t *key_len, void *value, size_t *value_len)
{
	size_t key_room = *key_len, value_room = *value_len;
	struct csn_kv_item item;
	struct csn_header h;
	int rc;

	if ((rc = csn_header_decode(kv->ctx, buf->p, buf->len, &h)) != 0)
		return rc;
	*key_len = h.key_len;
	*value_len = h.len - h.key_len;
	if (*key_len > key_room || *value_len > value_room)
		return csn_fail(kv->ctx, CSN_E_BUFFER, "kv", "K has %zu and "
		    "V %zu bytes: there is room for %zu and %zu", *key_len,
		    *value_len, key_room, value_room);
	memset(&item, 0, sizeof(item));
	item.session = session;
	item.slot = *slot;
	item.slot_expected = 1;
	/* The token id is the entry's own: it is authenticated, not asked
	 * for by the slot's name. */
	item.slot.token_id = h.token_id;
	item.slot.flags = (h.flags & CSN_HEADER_HAS_TOKEN) != 0 ?
	    CSN_KV_HAS_TOKEN : 0;
	item.key = key;
	item.key_len = key_room;
	item.value = value;
	item.value_len = value_room;
	item.sealed = buf->p;
	item.sealed_len = buf->len;
	return csn_kv_open(kv->ctx, &item);
}

/*
 * CSN_E_SESSION was met: the slot's message is of a former session, which
 * nobody can open any more, and goes. It is looked at again, since a put or a
 * new session may have come meanwhile: 0 where the slot is worth another try.
 */
static int
drop_former(struct csn_kv_store *kv, const char *tenant_id,
    const uint8_t name[CSN_KV_STORE_KEY], pthread_rwlock_t *stripe)
{
	const uint8_t *space = (const uint8_t *)tenant_id;
	size_t space_len = strlen(tenant_id);
	struct csn_store_buf buf;
	struct csn_member *m;
	struct csn_header h;
	int rc, current = 0;

	if ((rc = csn_member_get(kv->mgr, tenant_id, &m)) != 0)
		return rc;
	pthread_rwlock_wrlock(stripe);
	if ((rc = csn_store_borrow(kv->store, space, space_len, name,
	    CSN_KV_STORE_KEY, &buf)) == 0) {
		current = csn_header_decode(kv->ctx, buf.p, buf.len,
		    &h) == 0 && memcmp(h.session, csn_session_id(m->session),
		    sizeof(h.session)) == 0;	/* public */
		csn_store_release(kv->store, &buf);
		if (!current)
			rc = csn_store_remove(kv->store, space, space_len,
			    name, CSN_KV_STORE_KEY);
	}
	pthread_rwlock_unlock(stripe);
	csn_member_release(m);
	if (rc == 0 && !current)
		rc = csn_fail(kv->ctx, CSN_E_NOT_FOUND, "kv", "the slot's "
		    "message was of a former session of tenant %s",
		    tenant_id);
	return rc;
}

static int
get_once(struct csn_kv_store *kv, const char *tenant_id,
    const struct csn_kv_slot *slot, const uint8_t name[CSN_KV_STORE_KEY],
    pthread_rwlock_t *stripe, void *key, size_t *key_len, void *value,
    size_t *value_len)
{
	struct csn_store_buf buf;
	struct csn_member *m;
	int rc;

	if ((rc = csn_member_get(kv->mgr, tenant_id, &m)) != 0)
		return rc;
	/* Readers of a slot together, and no writer between them. */
	pthread_rwlock_rdlock(stripe);
	rc = csn_store_borrow(kv->store, (const uint8_t *)tenant_id,
	    strlen(tenant_id), name, CSN_KV_STORE_KEY, &buf);
	if (rc == 0) {
		rc = open_borrowed(kv, m->session, slot, &buf, key, key_len,
		    value, value_len);
		csn_store_release(kv->store, &buf);
	}
	pthread_rwlock_unlock(stripe);
	csn_member_release(m);
	return rc;
}

int
csn_kv_store_get(struct csn_kv_store *kv, const char *tenant_id,
    const struct csn_kv_slot *slot, void *key, size_t *key_len, void *value,
    size_t *value_len)
{
	size_t key_room = *key_len, value_room = *value_len;
	uint8_t name[CSN_KV_STORE_KEY];
	pthread_rwlock_t *stripe;
	int rc;

	if (tenant_id == NULL)
		return csn_fail(kv->ctx, CSN_E_ARG, "kv",
		    "no tenant was given");
	if ((rc = csn_kv_slot_check(kv->ctx, slot)) != 0)
		return rc;
	csn_kv_store_key(slot, name);
	stripe = csn_kv_stripe(kv, tenant_id, name);
	do {
		*key_len = key_room;
		*value_len = value_room;
		rc = get_once(kv, tenant_id, slot, name, stripe, key,
		    key_len, value, value_len);
	} while (rc == CSN_E_SESSION &&
	    (rc = drop_former(kv, tenant_id, name, stripe)) == 0);
	return rc;
}

int
csn_kv_store_remove(struct csn_kv_store *kv, const char *tenant_id,
    const struct csn_kv_slot *slot)
{
	uint8_t key[CSN_KV_STORE_KEY];
	struct csn_slot_name name;
	pthread_rwlock_t *stripe;
	struct csn_member *m;
	int rc;

	if ((rc = csn_kv_slot_check(kv->ctx, slot)) != 0 ||
	    (rc = csn_member_get(kv->mgr, tenant_id, &m)) != 0)
		return rc;
	csn_kv_store_key(slot, key);
	csn_kv_slot_name(slot, &name);
	stripe = csn_kv_stripe(kv, tenant_id, key);
	pthread_rwlock_wrlock(stripe);
	rc = csn_store_remove(kv->store, (const uint8_t *)tenant_id,
	    strlen(tenant_id), key, sizeof(key));
	csn_session_slot_forget(m->session, &name);
	pthread_rwlock_unlock(stripe);
	csn_member_release(m);
	return rc;
}

int
csn_kv_store_close_tenant(struct csn_kv_store *kv, const char *tenant_id)
{
	int rc, drop;

	/* The keys first: from here on its pages are noise. */
	rc = csn_manager_close(kv->mgr, tenant_id);
	if (rc != 0 && rc != CSN_E_UNKNOWN_TENANT)
		return rc;
	drop = csn_store_drop(kv->store, (const uint8_t *)tenant_id,
	    strlen(tenant_id));
	if (rc == 0 && drop != CSN_E_NOT_FOUND)
		rc = drop;
	return rc;
}

int
csn_kv_store_stat(struct csn_kv_store *kv, const char *tenant_id,
    struct csn_store_stat *out)
{
	return csn_store_stat(kv->store, (const uint8_t *)tenant_id,
	    tenant_id != NULL ? strlen(tenant_id) : 0, out);
}

void
csn_kv_store_free(struct csn_kv_store *kv)
{
	struct csn_kv_lost *l;
	size_t i;

	if (kv == NULL)
		return;
	csn_kv_resealer_stop(kv);
	/* Nobody is told any more; a provider without evictions minds not. */
	if (csn_store_on_evict(kv->store, NULL, NULL) != 0)
		kv->store = NULL;
	while ((l = kv->lost) != NULL) {
		kv->lost = l->next;
		free(l);
	}
	pthread_mutex_destroy(&kv->lost_lock);
	for (i = 0; i < CSN_KV_STRIPES; i++)
		pthread_rwlock_destroy(&kv->stripes[i].lock);
	free(kv);
}
