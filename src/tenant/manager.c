/* SPDX-License-Identifier: Apache-2.0 */
/* tenant/manager.c - one live session a tenant: made, found, closed. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/hash.h"
#include "base/sized.h"
#include "base/slab.h"
#include "session/keys.h"
#include "tenant/manager.h"

#define FIRST_PLACES 16

static struct csn_slab member_slab = CSN_SLAB(struct csn_member);

/* Seeded, so that nobody can aim tenant ids at one place. */
uint64_t
csn_member_hash(const struct csn_manager *mgr, const char *id)
{
	return csn_hash_bytes(mgr->seed[0], mgr->seed[1], id, strlen(id));
}

static struct csn_shard *
shard_of(struct csn_manager *mgr, uint64_t hash)
{
	return &mgr->shards[hash & (CSN_MANAGER_SHARDS - 1)];
}

/* A line's first place: whoever is there is seen at once. */
static size_t
home_of(uint64_t hash, size_t mask)
{
	return (size_t)(hash / CSN_MANAGER_SHARDS) & mask &
	    ~(size_t)(CSN_PLACES_LINE - 1);
}

/* Also without the shard's lock. */
static struct csn_place *
line_of(struct csn_shard *shard, uint64_t hash)
{
	size_t mask = atomic_load_explicit(&shard->mask,
	    memory_order_acquire);
	struct csn_places *p = atomic_load_explicit(&shard->places,
	    memory_order_acquire);

	return &p->at[home_of(hash, mask)];
}

static struct csn_member *
member_at(const struct csn_place *at)
{
	return atomic_load_explicit(&at->member, memory_order_relaxed);
}

static uint64_t
hash_at(const struct csn_place *at)
{
	return atomic_load_explicit(&at->hash, memory_order_relaxed);
}

static void
set_place(struct csn_place *at, uint64_t hash, struct csn_member *m)
{
	atomic_store_explicit(&at->hash, hash, memory_order_relaxed);
	atomic_store_explicit(&at->member, m, memory_order_relaxed);
}

/* strcmp looks past a short id's end, into a line that is not there yet. */
static int
same_id(const char *a, const char *b)
{
	for (; *a == *b; a++, b++)
		if (*a == '\0')
			return 1;
	return 0;
}

/* Under the shard's lock: the tenant's place, or the free one where it would
 * go. */
static struct csn_place *
find(struct csn_shard *shard, uint64_t hash, const char *id)
{
	struct csn_place *all = shard->places->at;
	size_t mask = shard->mask, i = home_of(hash, mask);

	while (member_at(&all[i]) != NULL && (hash_at(&all[i]) != hash ||
	    !same_id(id, member_at(&all[i])->tenant_id)))
		i = (i + 1) & mask;
	return &all[i];
}

/* Under the lock: free a place, and move up who was pushed behind it. */
static void
vacate(struct csn_shard *shard, struct csn_place *at)
{
	struct csn_place *all = shard->places->at;
	size_t mask = shard->mask, hole = (size_t)(at - all), i = hole, home;

	for (;;) {
		i = (i + 1) & mask;
		if (member_at(&all[i]) == NULL)
			break;
		home = home_of(hash_at(&all[i]), mask);
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		set_place(&all[hole], hash_at(&all[i]), member_at(&all[i]));
		hole = i;
	}
	set_place(&all[hole], 0, NULL);
	shard->n--;
}

static struct csn_places *
places_new(size_t n)
{
	const size_t size = sizeof(struct csn_places) +
	    n * sizeof(struct csn_place);
	struct csn_places *p = aligned_alloc(64, size);

	if (p != NULL)
		memset(p, 0, size);
	return p;
}

static void
set_places(struct csn_shard *shard, struct csn_places *p, size_t n)
{
	atomic_store_explicit(&shard->places, p, memory_order_release);
	atomic_store_explicit(&shard->mask, n - 1, memory_order_release);
}

/* Under the lock: room for one more. */
static int
make_room(struct csn_shard *shard)
{
	struct csn_places *old = shard->places, *p;
	size_t n = shard->mask + 1, i, k;

	if (shard->n < n / 2)
		return 0;
	if ((p = places_new(n * 2)) == NULL)
		/* A fuller table is slower, not wrong, with a free place. */
		return shard->n + 1 < n ? 0 : CSN_E_NOMEM;
	p->outgrown = old;
	for (i = 0; i < n; i++) {
		if (member_at(&old->at[i]) == NULL)
			continue;
		k = home_of(hash_at(&old->at[i]), n * 2 - 1);
		while (member_at(&p->at[k]) != NULL)
			k = (k + 1) & (n * 2 - 1);
		set_place(&p->at[k], hash_at(&old->at[i]),
		    member_at(&old->at[i]));
	}
	set_places(shard, p, n * 2);
	return 0;
}

int
csn_manager_new(struct csn_ctx *ctx,
    const struct csn_manager_options *options, struct csn_manager **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_manager_options o;
	struct csn_session_options session;
	struct csn_manager *mgr;
	struct csn_places *p;
	size_t i;
	int rc;

	if ((rc = CSN_TAKE(&o, options, csn_manager_options, audit)) != 0 ||
	    (rc = CSN_TAKE(&session, o.session, csn_session_options,
	    audit)) != 0)
		return rc;
	if ((mgr = aligned_alloc(64, sizeof(*mgr))) == NULL)
		return csn_nomem(ctx, "kv", "a manager");
	memset(mgr, 0, sizeof(*mgr));
	mgr->ctx = ctx;
	mgr->made_in = csn_fork_generation(ctx);
	mgr->quota_bytes = o.quota_bytes;
	mgr->quota_entries = o.quota_entries;
	mgr->audit = o.audit;
	mgr->session = session;
	if (mgr->session.audit == NULL)
		mgr->session.audit = o.audit;
	for (i = 0; i < CSN_MANAGER_SHARDS; i++)
		pthread_mutex_init(&mgr->shards[i].lock, NULL);
	if ((rc = csn_random(ctx, mgr->seed, sizeof(mgr->seed))) != 0)
		goto err;
	for (i = 0; i < CSN_MANAGER_SHARDS; i++) {
		p = places_new(FIRST_PLACES);
		set_places(&mgr->shards[i], p, FIRST_PLACES);
		if (p == NULL) {
			rc = csn_nomem(ctx, "kv", "a manager");
			goto err;
		}
	}
	*out = mgr;
	return 0;

err:
	csn_manager_free(mgr);
	return rc;
}

static void
let_go(struct csn_member *account)
{
	if (atomic_fetch_sub_explicit(&account->holders, 1,
	    memory_order_acq_rel) == 1)
		csn_slab_free(&member_slab, account);
}

void
csn_member_release(struct csn_member *m)
{
	if (atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
		return;
	csn_session_free(m->session);
	if (m->account != m)
		let_go(m->account);
	let_go(m);
}

/* A table that another thread of the parent may have been in the middle of,
 * and a lock that it may hold for ever, are no child's. */
static int
forked(const struct csn_manager *mgr)
{
	if (csn_fork_check(mgr->ctx, mgr->made_in) == 0)
		return 0;
	return csn_fail(mgr->ctx, CSN_E_FORK, "kv", "the manager was made "
	    "before a fork: the child makes its own");
}

int
csn_member_find(struct csn_manager *mgr, uint64_t hash,
    const char *tenant_id, struct csn_member **out)
{
	struct csn_shard *shard = shard_of(mgr, hash);
	struct csn_member *m;

	if (forked(mgr))
		return CSN_E_FORK;
	pthread_mutex_lock(&shard->lock);
	if ((m = member_at(find(shard, hash, tenant_id))) != NULL)
		atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&shard->lock);
	*out = m;
	if (m == NULL)
		return csn_fail(mgr->ctx, CSN_E_UNKNOWN_TENANT, "kv",
		    "tenant %.64s has no session: create one first",
		    tenant_id);
	return 0;
}

int
csn_member_get(struct csn_manager *mgr, const char *tenant_id,
    struct csn_member **out)
{
	if (tenant_id == NULL)
		return csn_fail(mgr->ctx, CSN_E_ARG, "kv",
		    "neither a session nor a tenant was given");
	return csn_member_find(mgr, csn_member_hash(mgr, tenant_id),
	    tenant_id, out);
}

void
csn_member_soon(struct csn_manager *mgr, uint64_t hash)
{
	struct csn_shard *shard = shard_of(mgr, hash);

	__builtin_prefetch(line_of(shard, hash));
	__builtin_prefetch(shard, 1);
}

void
csn_member_next(struct csn_manager *mgr, uint64_t hash)
{
	const struct csn_place *at = line_of(shard_of(mgr, hash), hash);
	int i;

	/* It may go meanwhile: nothing of it is read here. */
	for (i = 0; i < CSN_PLACES_LINE; i++)
		if (hash_at(&at[i]) == hash)
			__builtin_prefetch(member_at(&at[i]), 1);
}

/* A member of its own for session, whose reference it takes. */
static int
member_new(struct csn_manager *mgr, struct csn_session *session,
    struct csn_member **out)
{
	struct csn_member *m;

	if ((m = csn_slab_alloc(&member_slab)) == NULL)
		return csn_nomem(mgr->ctx, "kv", "tenant %s",
		    csn_session_tenant_id(session));
	atomic_init(&m->refs, 1);
	atomic_init(&m->holders, 1);
	m->account = m;
	m->hash = csn_member_hash(mgr, csn_session_tenant_id(session));
	m->session = session;
	memcpy(m->tenant_id, csn_session_tenant_id(session),
	    strlen(csn_session_tenant_id(session)));
	csn_member_limit(m, mgr->quota_bytes, mgr->quota_entries);
	*out = m;
	return 0;
}

/*
 * Put m in. Where the tenant is there already: with replace it is taken over
 * (its quota goes on), else *former is the one that stays and m is not put
 * in. *former is NULL, or a reference that the caller ends.
 */
static int
put(struct csn_manager *mgr, struct csn_member *m, int replace,
    struct csn_member **former)
{
	struct csn_shard *shard = shard_of(mgr, m->hash);
	struct csn_place *at;
	struct csn_member *was;
	int rc;

	*former = NULL;
	if (forked(mgr))
		return CSN_E_FORK;
	pthread_mutex_lock(&shard->lock);
	at = find(shard, m->hash, m->tenant_id);
	if ((was = member_at(at)) != NULL && !replace &&
	    csn_session_is_valid(was->session)) {
		*former = was;
		atomic_fetch_add(&was->refs, 1);
		pthread_mutex_unlock(&shard->lock);
		return 0;
	}
	if (was != NULL) {
		*former = was;
		m->account = was->account;
		atomic_fetch_add(&m->account->holders, 1);
	} else {
		if ((rc = make_room(shard)) != 0) {
			pthread_mutex_unlock(&shard->lock);
			return csn_fail(mgr->ctx, rc, "kv",
			    "out of memory for another tenant");
		}
		at = find(shard, m->hash, m->tenant_id);
		shard->n++;
	}
	set_place(at, m->hash, m);
	pthread_mutex_unlock(&shard->lock);
	return 1;
}

int
csn_manager_create(struct csn_manager *mgr, const struct csn_tenant *given,
    struct csn_session **out)
{
	struct csn_tenant tenant;
	struct csn_session *session = NULL;
	struct csn_member *m, *former = NULL;
	int rc;

	if ((rc = CSN_TAKE(&tenant, given, csn_tenant,
	    display_name)) != 0)
		return rc;
	if (tenant.id != NULL &&
	    csn_member_get(mgr, tenant.id, &m) == 0) {
		if (csn_session_is_valid(m->session)) {
			if (out != NULL)
				*out = csn_session_ref(m->session);
			csn_member_release(m);
			return 0;
		}
		csn_member_release(m);
	}
	if ((rc = csn_session_local(mgr->ctx, &tenant, &mgr->session,
	    &session)) != 0)
		return rc;
	if ((rc = member_new(mgr, session, &m)) != 0) {
		csn_session_free(session);
		return rc;
	}
	rc = put(mgr, m, 0, &former);
	if (rc == 1 && out != NULL)
		*out = csn_session_ref(m->session);
	else if (rc == 0 && out != NULL)
		/* Another thread's came first. */
		*out = csn_session_ref(former->session);
	if (rc != 1)
		csn_member_release(m);
	else if (former != NULL)
		csn_session_close(former->session);
	if (former != NULL)
		csn_member_release(former);
	return rc < 0 ? rc : 0;
}

int
csn_manager_adopt(struct csn_manager *mgr, struct csn_session *session)
{
	if (CSN_NEEDS(mgr) != 0)
		return CSN_E_ARG;

	struct csn_member *m, *former;
	int rc;

	if (session == NULL)
		return csn_fail(mgr->ctx, CSN_E_ARG, "kv",
		    "no session was given");
	if ((rc = csn_session_check_valid(session)) != 0)
		return rc;
	if ((rc = member_new(mgr, csn_session_ref(session), &m)) != 0) {
		csn_session_free(session);
		return rc;
	}
	csn_session_audit_default(session, mgr->audit);
	if ((rc = put(mgr, m, 1, &former)) != 1) {
		csn_member_release(m);
		return rc;
	}
	if (former != NULL) {
		if (former->session != session)
			csn_session_close(former->session);
		csn_member_release(former);
	}
	return 0;
}

int
csn_manager_session(struct csn_manager *mgr, const char *tenant_id,
    struct csn_session **out)
{
	if (CSN_NEEDS(mgr, out) != 0)
		return CSN_E_ARG;

	struct csn_member *m;
	int rc;

	if ((rc = csn_member_get(mgr, tenant_id, &m)) != 0)
		return rc;
	*out = csn_session_ref(m->session);
	csn_member_release(m);
	return 0;
}

int
csn_manager_set_quota(struct csn_manager *mgr, const char *tenant_id,
    uint64_t bytes, uint64_t entries)
{
	if (CSN_NEEDS(mgr) != 0)
		return CSN_E_ARG;

	struct csn_member *m;
	int rc;

	if ((rc = csn_member_get(mgr, tenant_id, &m)) != 0)
		return rc;
	csn_member_limit(m, bytes, entries);
	csn_member_release(m);
	return 0;
}

int
csn_manager_close(struct csn_manager *mgr, const char *tenant_id)
{
	if (CSN_NEEDS(mgr) != 0)
		return CSN_E_ARG;

	struct csn_place *at;
	struct csn_member *m;
	struct csn_shard *shard;
	uint64_t hash;

	if (tenant_id == NULL)
		return csn_fail(mgr->ctx, CSN_E_ARG, "kv",
		    "no tenant was given");
	hash = csn_member_hash(mgr, tenant_id);
	shard = shard_of(mgr, hash);
	if (forked(mgr))
		return CSN_E_FORK;
	pthread_mutex_lock(&shard->lock);
	at = find(shard, hash, tenant_id);
	if ((m = member_at(at)) != NULL)
		vacate(shard, at);
	pthread_mutex_unlock(&shard->lock);
	if (m == NULL)
		return csn_fail(mgr->ctx, CSN_E_UNKNOWN_TENANT, "kv",
		    "tenant %.64s has no session to close", tenant_id);
	csn_session_close(m->session);
	csn_member_release(m);
	return 0;
}

/* Unlink members that `pick` chooses, then close them without the lock. */
static size_t
close_some(struct csn_manager *mgr, int all)
{
	struct csn_place *at;
	struct csn_member *m, *gone;
	struct csn_shard *shard;
	size_t i, k, n = 0;

	for (i = 0; i < CSN_MANAGER_SHARDS; i++) {
		shard = &mgr->shards[i];
		gone = NULL;
		/* A child leaves alone what the parent was in the middle of. */
		if (pthread_mutex_trylock(&shard->lock) != 0) {
			if (forked(mgr))
				continue;
			pthread_mutex_lock(&shard->lock);
		}
		for (k = 0; shard->places != NULL && k <= shard->mask; ) {
			at = &shard->places->at[k];
			m = member_at(at);
			if (m == NULL || (!all &&
			    csn_session_is_valid(m->session))) {
				k++;
				continue;
			}
			/* Another may have moved up to k. */
			vacate(shard, at);
			m->next = gone;
			gone = m;
		}
		pthread_mutex_unlock(&shard->lock);
		for (; (m = gone) != NULL; n++) {
			gone = m->next;
			csn_session_close(m->session);
			csn_member_release(m);
		}
	}
	return n;
}

size_t
csn_manager_sweep(struct csn_manager *mgr)
{
	return forked(mgr) ? 0 : close_some(mgr, 0);
}

size_t
csn_manager_count(struct csn_manager *mgr)
{
	size_t i, n = 0;

	for (i = 0; i < CSN_MANAGER_SHARDS; i++) {
		if (forked(mgr))
			return 0;
		pthread_mutex_lock(&mgr->shards[i].lock);
		n += mgr->shards[i].n;
		pthread_mutex_unlock(&mgr->shards[i].lock);
	}
	return n;
}

int
csn_manager_each(struct csn_manager *mgr,
    int (*visit)(void *arg, const char *tenant_id), void *arg)
{
	if (CSN_NEEDS(mgr) != 0)
		return CSN_E_ARG;

	struct csn_member **members, *m;
	struct csn_shard *shard;
	size_t i, k, n;
	int rc = 0;

	for (i = 0; i < CSN_MANAGER_SHARDS && rc == 0; i++) {
		shard = &mgr->shards[i];
		if (forked(mgr))
			return CSN_E_FORK;
		pthread_mutex_lock(&shard->lock);
		n = 0;
		members = csn_calloc(shard->n + 1, sizeof(m));
		for (k = 0; members != NULL && k <= shard->mask; k++) {
			m = member_at(&shard->places->at[k]);
			if (m == NULL)
				continue;
			atomic_fetch_add(&m->refs, 1);
			members[n++] = m;
		}
		pthread_mutex_unlock(&shard->lock);
		if (members == NULL)
			return csn_nomem(mgr->ctx, "kv", "a list of tenants");
		/* Called without the lock: visit may close what it sees. */
		for (k = 0; k < n; k++) {
			if (rc == 0 && csn_session_is_valid(
			    members[k]->session))
				rc = visit(arg, csn_session_tenant_id(
				    members[k]->session));
			csn_member_release(members[k]);
		}
		free(members);
	}
	return rc;
}

void
csn_manager_free(struct csn_manager *mgr)
{
	struct csn_places *p, *outgrown;
	size_t i;

	if (mgr == NULL)
		return;
	close_some(mgr, 1);
	for (i = 0; i < CSN_MANAGER_SHARDS; i++) {
		for (p = mgr->shards[i].places; p != NULL; p = outgrown) {
			outgrown = p->outgrown;
			free(p);
		}
		pthread_mutex_destroy(&mgr->shards[i].lock);
	}
	free(mgr);
}
