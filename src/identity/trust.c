/* SPDX-License-Identifier: Apache-2.0 */
/* identity/trust.c - the store of trusted keys, found by their DIDs. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/forkguard.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/sized.h"
#include "identity/did.h"
#include "identity/document.h"
#include "identity/trust.h"
#include "identity/trust_entry.h"
#include "identity/words.h"

#define ROOM "identity"

/*
 * all[] holds the entries in the order in which they came, with the store's
 * reference to each. The index has two chains a slot, by did:key and by
 * alias. Both change only under the write lock.
 */
struct csn_trust {
	pthread_rwlock_t lock;
	struct csn_forkguard guard;
	struct csn_trusted **all;
	size_t n;
	size_t cap;
	struct slot {
		struct csn_trusted *by_did;
		struct csn_trusted *by_alias;
	} *slots;
	size_t nslots;		/* a power of two, at least cap */
};

/* Entries come from the store's owner, so nobody picks collisions. */
static struct slot *
slot_of(const struct csn_trust *trust, const char *s, size_t len)
{
	return &trust->slots[csn_hash_fixed(s, len) & (trust->nslots - 1)];
}

static void
link_in(struct csn_trust *trust, struct csn_trusted *t)
{
	struct slot *s;

	s = slot_of(trust, t->did, strlen(t->did));
	t->next_did = s->by_did;
	s->by_did = t;
	s = slot_of(trust, t->alias, strlen(t->alias));
	t->next_alias = s->by_alias;
	s->by_alias = t;
}

static void
link_out(struct csn_trust *trust, struct csn_trusted *t)
{
	struct csn_trusted **at;

	at = &slot_of(trust, t->did, strlen(t->did))->by_did;
	while (*at != t)
		at = &(*at)->next_did;
	*at = t->next_did;
	at = &slot_of(trust, t->alias, strlen(t->alias))->by_alias;
	while (*at != t)
		at = &(*at)->next_alias;
	*at = t->next_alias;
}

/* Either form; NULL where it is not there. The lock is held. */
static struct csn_trusted *
look_up(const struct csn_trust *trust, const char *did, size_t len)
{
	const struct slot *s;
	struct csn_trusted *t;

	if (len >= CSN_DID_SIZE)
		return NULL;
	s = slot_of(trust, did, len);
	for (t = s->by_did; t != NULL; t = t->next_did) {
		if (csn_same(t->did, strlen(t->did), did, len))
			return t;
	}
	for (t = s->by_alias; t != NULL; t = t->next_alias) {
		if (csn_same(t->alias, strlen(t->alias), did, len))
			return t;
	}
	return NULL;
}

/* Room for one more, with an index that stays sparse. */
static int
grow(struct csn_trust *trust)
{
	struct csn_trusted **all;
	struct slot *slots;
	size_t cap, i;

	if (trust->n < trust->cap)
		return 0;
	cap = trust->cap == 0 ? 16 : trust->cap * 2;
	if ((all = csn_realloc(trust->all, cap, sizeof(*all))) == NULL)
		return CSN_E_NOMEM;
	trust->all = all;
	if ((slots = csn_calloc(cap, sizeof(*slots))) == NULL)
		return CSN_E_NOMEM;
	free(trust->slots);
	trust->slots = slots;
	trust->nslots = cap;
	trust->cap = cap;
	for (i = 0; i < trust->n; i++)
		link_in(trust, trust->all[i]);
	return 0;
}

int
csn_trust_new(struct csn_ctx *ctx, struct csn_trust **out)
{
	struct csn_trust *trust;

	if (out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A trust store needs a place to go.");
	if ((trust = csn_calloc(1, sizeof(*trust))) == NULL)
		goto nomem;
	if (csn_rwlock_init(&trust->lock) != 0) {
		free(trust);
		goto nomem;
	}
	csn_forkguard_rwlock(&trust->guard, &trust->lock);
	if (grow(trust) != 0) {
		csn_trust_free(trust);
		goto nomem;
	}
	*out = trust;
	return 0;

nomem:
	return csn_nomem(ctx, ROOM, "a trust store");
}

int
csn_trust_put(struct csn_ctx *ctx, struct csn_trust *trust,
    const struct csn_trust_entry *entry)
{
	struct csn_trusted *t;
	int rc;

	/* The slow part, a DID from its key, is over before the lock. */
	if ((rc = csn_trusted_new(ctx, entry, &t)) != 0)
		return rc;
	pthread_rwlock_wrlock(&trust->lock);
	if (look_up(trust, t->did, strlen(t->did)) != NULL)
		rc = csn_fail(ctx, CSN_E_EXISTS, ROOM,
		    "The trust store has %s already: remove it first.",
		    t->alias);
	else if (grow(trust) != 0)
		rc = csn_nomem(ctx, ROOM, "an entry of the trust store");
	else {
		trust->all[trust->n++] = t;
		link_in(trust, t);
	}
	pthread_rwlock_unlock(&trust->lock);
	if (rc != 0)
		csn_trusted_drop(t);
	return rc;
}

/* The caller's entry, its document verified. */
static int
take_entry(struct csn_ctx *ctx, const struct csn_trust_entry *entry,
    struct csn_trust_entry *e)
{
	struct csn_document *doc;
	int rc;

	if ((rc = CSN_TAKE(e, entry, csn_trust_entry, alias)) != 0 ||
	    e->document == NULL)
		return rc;
	if ((rc = csn_document_verify(ctx, e->document, e->document_len,
	    &doc)) == 0)
		csn_document_free(doc);
	/* A key whose document is over can still be withdrawn. */
	return rc == CSN_E_EXPIRED && e->withdrawn_ms != 0 ? 0 : rc;
}

int
csn_trust_add(struct csn_ctx *ctx, struct csn_trust *trust,
    const struct csn_trust_entry *entry)
{
	struct csn_trust_entry e;
	int rc;

	if (trust == NULL || entry == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Adding needs a trust store and an entry.");
	if ((rc = take_entry(ctx, entry, &e)) != 0)
		return rc;
	return csn_trust_put(ctx, trust, &e);
}

/* Whether next may stand where t does. */
static int
may_follow(struct csn_ctx *ctx, const struct csn_trusted *t,
    const struct csn_trusted *next)
{
	if (t->pub.withdrawn_ms != 0 && next->pub.withdrawn_ms == 0)
		return csn_fail(ctx, CSN_E_POLICY, ROOM, "The key of \"%s\" "
		    "was withdrawn: to trust it again, remove its entry "
		    "first.", t->label);
	if (t->doc != NULL && (next->doc == NULL ||
	    csn_document_created_ms(next->doc) <
	    csn_document_created_ms(t->doc)))
		return csn_fail(ctx, CSN_E_POLICY, ROOM, "The document is "
		    "older than the one that the trust store has of \"%s\".",
		    t->label);
	return 0;
}

int
csn_trust_replace(struct csn_ctx *ctx, struct csn_trust *trust,
    const struct csn_trust_entry *entry)
{
	struct csn_trusted *t, *was;
	struct csn_trust_entry e;
	size_t i;
	int rc;

	if (trust == NULL || entry == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Replacing needs a trust store and an entry.");
	if ((rc = take_entry(ctx, entry, &e)) != 0 ||
	    (rc = csn_trusted_new(ctx, &e, &t)) != 0)
		return rc;
	pthread_rwlock_wrlock(&trust->lock);
	if ((was = look_up(trust, t->did, strlen(t->did))) == NULL)
		rc = csn_fail(ctx, CSN_E_NOT_FOUND, ROOM,
		    "The trust store has no %s to replace.", t->alias);
	else if ((rc = may_follow(ctx, was, t)) == 0) {
		link_out(trust, was);
		for (i = 0; trust->all[i] != was;)
			i++;
		trust->all[i] = t;
		link_in(trust, t);
	}
	pthread_rwlock_unlock(&trust->lock);
	csn_trusted_drop(rc == 0 ? was : t);
	return rc;
}

int
csn_trust_remove(struct csn_ctx *ctx, struct csn_trust *trust,
    const char *did)
{
	char brief[CSN_DID_BRIEF];
	struct csn_trusted *t;
	size_t i;

	if (trust == NULL || did == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Removing needs a trust store and a DID.");
	pthread_rwlock_wrlock(&trust->lock);
	if ((t = look_up(trust, did, strlen(did))) != NULL) {
		link_out(trust, t);
		for (i = 0; trust->all[i] != t;)
			i++;
		trust->n--;
		memmove(&trust->all[i], &trust->all[i + 1],
		    (trust->n - i) * sizeof(trust->all[0]));
	}
	pthread_rwlock_unlock(&trust->lock);
	if (t == NULL) {
		csn_did_brief(did, strlen(did), brief);
		return csn_fail(ctx, CSN_E_NOT_FOUND, ROOM,
		    "The trust store has no %s.", brief);
	}
	csn_trusted_drop(t);
	return 0;
}

int
csn_trust_find_at(struct csn_ctx *ctx, struct csn_trust *trust,
    const char *did, size_t did_len, uint32_t purposes, uint64_t at_ms,
    const struct csn_trust_entry **out)
{
	char brief[CSN_DID_BRIEF];
	struct csn_trusted *t;
	int rc;

	if (trust == NULL || did == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Finding needs a trust store, a DID and a place to go.");
	pthread_rwlock_rdlock(&trust->lock);
	if ((t = look_up(trust, did, did_len)) != NULL)
		csn_trusted_hold(t);
	pthread_rwlock_unlock(&trust->lock);
	if (t == NULL) {
		csn_did_brief(did, did_len, brief);
		return csn_fail(ctx, CSN_E_SIGNER, ROOM,
		    "The signer %s is unknown to the trust store.", brief);
	}
	if ((rc = csn_trusted_check(ctx, t, purposes, at_ms)) != 0) {
		csn_trusted_drop(t);
		return rc;
	}
	*out = &t->pub;
	return 0;
}

int
csn_trust_check_withdrawn(struct csn_ctx *ctx, struct csn_trust *trust,
    const char *did, size_t did_len)
{
	struct csn_trusted *t;
	int rc = 0;

	pthread_rwlock_rdlock(&trust->lock);
	if ((t = look_up(trust, did, did_len)) != NULL)
		csn_trusted_hold(t);
	pthread_rwlock_unlock(&trust->lock);
	if (t == NULL)
		return 0;
	if (t->pub.withdrawn_ms != 0)
		rc = csn_trusted_check(ctx, t, 0, 0);
	csn_trusted_drop(t);
	return rc;
}

int
csn_trust_find(struct csn_ctx *ctx, struct csn_trust *trust, const char *did,
    size_t did_len, uint32_t purposes, const struct csn_trust_entry **out)
{
	if (CSN_NEEDS(trust) != 0)
		return CSN_E_ARG;

	return csn_trust_find_at(ctx, trust, did, did_len, purposes,
	    csn_ctx_wall_ms(ctx), out);
}

void
csn_trust_release(struct csn_trust *trust,
    const struct csn_trust_entry *entry)
{
	(void)trust;
	/* pub is first in what it is a view of. */
	csn_trusted_drop((struct csn_trusted *)(uintptr_t)entry);
}

size_t
csn_trust_count(struct csn_trust *trust)
{
	size_t n;

	if (trust == NULL)
		return 0;
	pthread_rwlock_rdlock(&trust->lock);
	n = trust->n;
	pthread_rwlock_unlock(&trust->lock);
	return n;
}

int
csn_trust_each(struct csn_trust *trust,
    int (*visit)(void *arg, const struct csn_trust_entry *entry), void *arg)
{
	struct csn_trusted **all;
	size_t i, n;
	int rc = 0;

	if (trust == NULL || visit == NULL)
		return csn_fail(NULL, CSN_E_ARG, ROOM,
		    "A walk needs a trust store and a visitor.");
	/* A held copy, so that visit runs without the lock. */
	pthread_rwlock_rdlock(&trust->lock);
	n = trust->n;
	if ((all = csn_calloc(n, sizeof(*all))) != NULL) {
		for (i = 0; i < n; i++) {
			all[i] = trust->all[i];
			csn_trusted_hold(all[i]);
		}
	}
	pthread_rwlock_unlock(&trust->lock);
	if (all == NULL)
		return csn_nomem(NULL, ROOM, "going through the trust store");
	for (i = 0; i < n; i++) {
		if (rc == 0)
			rc = visit(arg, &all[i]->pub);
		csn_trusted_drop(all[i]);
	}
	free(all);
	return rc;
}

void
csn_trust_free(struct csn_trust *trust)
{
	size_t i;

	if (trust == NULL)
		return;
	for (i = 0; i < trust->n; i++)
		csn_trusted_drop(trust->all[i]);
	free(trust->all);
	free(trust->slots);
	csn_forkguard_drop(&trust->guard);
	(void)pthread_rwlock_destroy(&trust->lock);
	free(trust);
}
