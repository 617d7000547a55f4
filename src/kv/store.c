/* SPDX-License-Identifier: Apache-2.0 */
/* kv/store.c - a store of sealed KV: AES writes into it and reads from it. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/hash.h"
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
	uint64_t h = csn_hash_fixed(tenant_id, strlen(tenant_id));

	h ^= csn_hash_fixed(key, CSN_KV_STORE_KEY);
	return &kv->stripes[h & (CSN_KV_STRIPES - 1)].lock;
}

/* Forget the slot's version, unless it was put again meanwhile. */
static void
forget_lost(struct csn_kv_store *kv, const struct csn_kv_lost *l)
{
	CSN_UNCANCELLED;
	const uint8_t *space = (const uint8_t *)l->tenant_id;
	pthread_rwlock_t *stripe = csn_kv_stripe(kv, l->tenant_id, l->key);
	struct csn_slot_name name;
	struct csn_store_buf buf;
	struct csn_kv_slot slot;
	struct csn_member *m;
	int rc;

	if (!csn_kv_store_slot(l->key, sizeof(l->key), &slot) ||
	    csn_member_get(kv->mgr, l->tenant_id, &m) != 0)
		return;
	csn_kv_slot_name(&slot, &name);
	pthread_rwlock_wrlock(stripe);
	/* A store that cannot be asked just now has not given it up. */
	rc = csn_store_borrow(kv->store, space, strlen(l->tenant_id), l->key,
	    sizeof(l->key), &buf);
	if (rc == 0)
		csn_store_release(kv->store, &buf);
	else if (rc == CSN_E_NOT_FOUND)
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
	item.size = sizeof(item);
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
	rc = csn_kv_seal_held(kv->ctx, &item, kv->shared, keep, &keeper);
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
	if (CSN_NEEDS(kv, slot) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
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

/* The lengths that the header says, which is nobody's word yet. */
static int
peek(struct csn_kv_store *kv, const struct csn_store_buf *buf,
    uint32_t *key_len, uint32_t *len)
{
	uint8_t header[CSN_SEAL_HEADER];
	struct csn_head h;
	int rc;

	if (buf->len >= sizeof(header))
		memcpy(header, buf->p, sizeof(header));
	if ((rc = csn_head_decode(kv->ctx, &csn_kv_kind, header, buf->len,
	    &h)) != 0)
		return rc;
	*key_len = csn_load32(header + CSN_H_KV_KEY_LEN);
	*len = h.len;
	return 0;
}

/* Into an item with the room that peek() asks for. */
static int
open_stored(struct csn_kv_store *kv, struct csn_session *session,
    const struct csn_kv_slot *slot, const struct csn_store_buf *buf,
    int unlogged, struct csn_kv_item *item)
{
	int rc;

	item->session = session;
	item->slot = *slot;
	item->sealed = buf->p;
	item->sealed_len = buf->len;
	rc = csn_kv_open_stored(kv->ctx, item, kv->shared, unlogged);
	return rc != CSN_E_BUFFER ? rc : csn_fail(kv->ctx, CSN_E_TAG, "kv",
	    "the message's header was changed while it was read");
}

int
csn_kv_store_open_aside(struct csn_kv_store *kv, struct csn_session *session,
    const struct csn_kv_slot *slot, const struct csn_store_buf *buf,
    int unlogged, struct csn_kv_item *item, uint8_t **plain, size_t *room)
{
	uint32_t key_len, len;
	int rc;

	*plain = NULL;
	*room = 0;
	memset(item, 0, sizeof(*item));
	item->size = sizeof(*item);
	if ((rc = peek(kv, buf, &key_len, &len)) != 0)
		return rc;
	if ((*plain = csn_calloc(1, (size_t)len + 1)) == NULL)
		return csn_nomem(kv->ctx, "kv", "opening a block of %u bytes",
		    len);
	*room = (size_t)len + 1;
	item->key = *plain;
	item->key_len = key_len;
	item->value = *plain + key_len;
	item->value_len = len - key_len;
	return open_stored(kv, session, slot, buf, unlogged, item);
}

/*
 * There is no room for the message: say how long it is, by its own word once
 * its tag has held and not by the header's, which anybody may have written.
 */
static int
measure(struct csn_kv_store *kv, struct csn_session *session,
    const struct csn_kv_slot *slot, const struct csn_store_buf *buf,
    struct csn_kv_item *item)
{
	size_t key_room = item->key_len, value_room = item->value_len, room;
	uint8_t *plain;
	int rc;

	rc = csn_kv_store_open_aside(kv, session, slot, buf, 1, item, &plain,
	    &room);
	csn_wipe_free(plain, room);
	return rc != 0 ? rc : csn_fail(kv->ctx, CSN_E_BUFFER, "kv", "K has "
	    "%zu and V %zu bytes: there is room for %zu and %zu",
	    item->key_len, item->value_len, key_room, value_room);
}

/* Into item's key and value; its lengths are the message's, or 0. */
static int
get_once(struct csn_kv_store *kv, struct csn_member *m,
    const struct csn_kv_slot *slot, const uint8_t name[CSN_KV_STORE_KEY],
    struct csn_kv_item *item)
{
	CSN_UNCANCELLED;
	pthread_rwlock_t *stripe = csn_kv_stripe(kv, m->tenant_id, name);
	struct csn_store_buf buf;
	uint32_t key_len, len;
	int rc;

	/* Readers of a slot together, and no writer between them. */
	pthread_rwlock_rdlock(stripe);
	rc = csn_store_borrow(kv->store, (const uint8_t *)m->tenant_id,
	    strlen(m->tenant_id), name, CSN_KV_STORE_KEY, &buf);
	if (rc == 0) {
		if (peek(kv, &buf, &key_len, &len) == 0 &&
		    (item->key_len < key_len ||
		    item->value_len < len - key_len))
			rc = measure(kv, m->session, slot, &buf, item);
		else
			rc = open_stored(kv, m->session, slot, &buf, 0, item);
		csn_store_release(kv->store, &buf);
	} else {
		item->key_len = item->value_len = 0;
	}
	pthread_rwlock_unlock(stripe);
	return rc;
}

int
csn_kv_store_get(struct csn_kv_store *kv, const char *tenant_id,
    const struct csn_kv_slot *slot, void *key, size_t *key_len, void *value,
    size_t *value_len)
{
	if (CSN_NEEDS(kv, slot, key_len, value_len) != 0)
		return CSN_E_ARG;

	struct csn_member *m, *now;
	uint8_t name[CSN_KV_STORE_KEY];
	struct csn_kv_item item;
	int rc, again;

	if (tenant_id == NULL)
		return csn_fail(kv->ctx, CSN_E_ARG, "kv",
		    "no tenant was given");
	if ((rc = csn_kv_slot_check(kv->ctx, slot)) != 0 ||
	    (rc = csn_member_get(kv->mgr, tenant_id, &m)) != 0)
		return rc;
	csn_kv_store_key(slot, name);
	do {
		memset(&item, 0, sizeof(item));
		item.size = sizeof(item);
		item.key = key;
		item.key_len = *key_len;
		item.value = value;
		item.value_len = *value_len;
		rc = get_once(kv, m, slot, name, &item);
		/* Once more where the tenant has another session by now. */
		again = rc == CSN_E_SESSION &&
		    csn_member_get(kv->mgr, tenant_id, &now) == 0;
		if (again) {
			csn_member_release(m);
			again = now != m;
			m = now;
		}
	} while (again);
	csn_member_release(m);
	/* An authentic message's lengths, or none. */
	*key_len = rc == 0 || rc == CSN_E_BUFFER ? item.key_len : 0;
	*value_len = rc == 0 || rc == CSN_E_BUFFER ? item.value_len : 0;
	return rc;
}

int
csn_kv_store_remove(struct csn_kv_store *kv, const char *tenant_id,
    const struct csn_kv_slot *slot)
{
	if (CSN_NEEDS(kv, slot) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
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
	/* What the store still has stays readable. */
	if (rc == 0 || rc == CSN_E_NOT_FOUND)
		csn_session_slot_forget(m->session, &name);
	pthread_rwlock_unlock(stripe);
	csn_member_release(m);
	return rc;
}

int
csn_kv_store_close_tenant(struct csn_kv_store *kv, const char *tenant_id)
{
	if (CSN_NEEDS(kv) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
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
	if (CSN_NEEDS(kv) != 0)
		return CSN_E_ARG;

	return csn_store_stat(kv->store, (const uint8_t *)tenant_id,
	    tenant_id != NULL ? strlen(tenant_id) : 0, out);
}
