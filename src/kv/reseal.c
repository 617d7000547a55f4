/* SPDX-License-Identifier: Apache-2.0 */
/* kv/reseal.c - moving what old epochs hold to the current one. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/fail.h"
#include "kv/kv_store.h"

#define EVERY_MS 200	/* between two looks of the thread */
#define MOST_STUCK ((size_t)1 << 24)

/* Keys of a tenant's old slots, collected before any is touched. */
struct found {
	struct csn_session *session;
	uint8_t (*keys)[CSN_KV_STORE_KEY];
	size_t n;
	size_t cap;
	size_t most;	/* 0: all */
	int nomem;
};

static int
collect(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	struct found *f = arg;
	struct csn_slot_name name;
	struct csn_kv_slot slot;
	void *p;

	(void)value_len;
	if (!csn_kv_store_slot(key, key_len, &slot))
		return 0;
	csn_kv_slot_name(&slot, &name);
	if (!csn_session_slot_is_old(f->session, &name))
		return 0;
	if (f->n == f->cap) {
		p = csn_realloc(f->keys, f->cap == 0 ? 64 : f->cap * 2,
		    sizeof(*f->keys));
		if (p == NULL) {
			f->nomem = 1;
			return 1;
		}
		f->keys = p;
		f->cap = f->cap == 0 ? 64 : f->cap * 2;
	}
	memcpy(f->keys[f->n++], key, CSN_KV_STORE_KEY);
	return f->most != 0 && f->n == f->most;
}

/*
 * Open a copy and put it again; the stripe is held. What lies there is held to
 * the slot that it was found under: another's would take its place in both.
 */
static int
reseal_locked(struct csn_kv_store *kv, struct csn_member *m,
    const struct csn_kv_slot *slot, const uint8_t key[CSN_KV_STORE_KEY])
{
	CSN_UNCANCELLED;
	const char *id = csn_session_tenant_id(m->session);
	struct csn_store_buf buf;
	struct csn_kv_item item;
	uint8_t *plain;
	size_t room;
	int rc;

	if ((rc = csn_store_borrow(kv->store, (const uint8_t *)id,
	    strlen(id), key, CSN_KV_STORE_KEY, &buf)) != 0)
		return rc;
	if ((rc = csn_kv_store_open_aside(kv, m->session, slot, &buf, 0,
	    &item, &plain, &room)) == 0)
		rc = csn_kv_store_put_locked(kv, m, &item.slot, key,
		    item.key, item.key_len, item.value, item.value_len);
	csn_wipe_free(plain, room);
	csn_store_release(kv->store, &buf);
	return rc;
}

/* One slot, unless somebody else removed or replaced it meanwhile. */
static int
reseal_one(struct csn_kv_store *kv, struct csn_member *m,
    const uint8_t key[CSN_KV_STORE_KEY], size_t *done)
{
	CSN_UNCANCELLED;
	const char *id = csn_session_tenant_id(m->session);
	pthread_rwlock_t *stripe = csn_kv_stripe(kv, id, key);
	struct csn_slot_name name;
	struct csn_kv_slot slot;
	int rc = 0;

	(void)csn_kv_store_slot(key, CSN_KV_STORE_KEY, &slot);
	csn_kv_slot_name(&slot, &name);
	pthread_rwlock_wrlock(stripe);
	if (csn_session_slot_is_old(m->session, &name) &&
	    (rc = reseal_locked(kv, m, &slot, key)) == 0)
		(*done)++;
	pthread_rwlock_unlock(stripe);
	return rc == CSN_E_NOT_FOUND ? 0 : rc;
}

int
csn_kv_store_reseal(struct csn_kv_store *kv, const char *tenant_id,
    size_t most, size_t *done)
{
	if (CSN_NEEDS(kv, done) != 0)
		return CSN_E_ARG;

	CSN_UNCANCELLED;
	struct csn_member *m;
	struct found f;
	size_t i;
	int rc, one;

	*done = 0;
	if ((rc = csn_member_get(kv->mgr, tenant_id, &m)) != 0)
		return rc;
	memset(&f, 0, sizeof(f));
	f.session = m->session;
	f.most = most;
	rc = csn_store_each(kv->store, (const uint8_t *)tenant_id,
	    strlen(tenant_id), collect, &f);
	if (rc > 0 || rc == CSN_E_NOT_FOUND)
		rc = 0;		/* enough, or nothing there */
	if (f.nomem)
		rc = csn_nomem(kv->ctx, "kv", "listing what is to be resealed");
	/* One that was tampered with keeps no other from moving. */
	for (i = 0; i < f.n; i++) {
		one = reseal_one(kv, m, f.keys[i], done);
		if (rc == 0)
			rc = one;
	}
	free(f.keys);
	csn_member_release(m);
	return rc;
}

static int
reseal_tenant(void *arg, const char *tenant_id)
{
	struct csn_kv_store *kv = arg;
	struct csn_member *m;
	size_t done = 0;
	int stop, wanted;

	if (csn_member_get(kv->mgr, tenant_id, &m) != 0)
		return 0;
	wanted = csn_session_wants_reseal(m->session);
	csn_member_release(m);
	/*
	 * What fails is tried again at the next look. Slots that were
	 * tampered with fail each time and are found first each time: where
	 * none moved, the next looks reach further, past any number of them.
	 */
	if (wanted && csn_kv_store_reseal(kv, tenant_id,
	    kv->reseal_batch + kv->stuck, &done) != 0) {
		if (done == 0 && kv->stuck < MOST_STUCK)
			kv->stuck = kv->stuck * 2 + kv->reseal_batch;
		return 0;
	}
	pthread_mutex_lock(&kv->wake_lock);
	stop = kv->stop;
	pthread_mutex_unlock(&kv->wake_lock);
	return stop;
}

static void *
resealer(void *arg)
{
	struct csn_kv_store *kv = arg;
	int stop = 0;

	while (!stop) {
		/* Its value says only that a tenant's turn was cut short. */
		if (csn_manager_each(kv->mgr, reseal_tenant, kv) < 0)
			stop = 0;
		pthread_mutex_lock(&kv->wake_lock);
		if (!kv->stop)
			(void)csn_cond_wait(&kv->wake, &kv->wake_lock,
			    csn_now_ms() + EVERY_MS);
		stop = kv->stop;
		pthread_mutex_unlock(&kv->wake_lock);
	}
	return NULL;
}

int
csn_kv_resealer_start(struct csn_kv_store *kv)
{
	sigset_t all, old;
	int errnum;

	pthread_mutex_init(&kv->wake_lock, NULL);
	(void)csn_cond_init(&kv->wake);
	/* The program's signals are its own threads' business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	errnum = pthread_create(&kv->thread, NULL, resealer, kv);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (errnum != 0) {
		pthread_cond_destroy(&kv->wake);
		pthread_mutex_destroy(&kv->wake_lock);
		return csn_fail_errno(kv->ctx, CSN_E_LIMIT, "kv", errnum,
		    "starting the resealing thread");
	}
	kv->running = 1;
	return 0;
}

void
csn_kv_resealer_stop(struct csn_kv_store *kv)
{
	CSN_UNCANCELLED;
	/* A forked child has no such thread to stop. */
	if (!kv->running || csn_fork_check(kv->ctx, kv->mgr->made_in) != 0)
		return;
	pthread_mutex_lock(&kv->wake_lock);
	kv->stop = 1;
	pthread_cond_signal(&kv->wake);
	pthread_mutex_unlock(&kv->wake_lock);
	pthread_join(kv->thread, NULL);
	pthread_cond_destroy(&kv->wake);
	pthread_mutex_destroy(&kv->wake_lock);
	kv->running = 0;
}
