/* SPDX-License-Identifier: Apache-2.0 */
/* tenant/member.c - the table of tenants: found, put in, taken out. */
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/hash.h"
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

	while (csn_member_at(&all[i]) != NULL && (hash_at(&all[i]) != hash ||
	    !same_id(id, csn_member_at(&all[i])->tenant_id)))
		i = (i + 1) & mask;
	return &all[i];
}

/* Moves up who was pushed behind the place. */
void
csn_member_vacate(struct csn_shard *shard, struct csn_place *at)
{
	struct csn_place *all = shard->places->at;
	size_t mask = shard->mask, hole = (size_t)(at - all), i = hole, home;

	for (;;) {
		i = (i + 1) & mask;
		if (csn_member_at(&all[i]) == NULL)
			break;
		home = home_of(hash_at(&all[i]), mask);
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		set_place(&all[hole], hash_at(&all[i]), csn_member_at(&all[i]));
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
		if (csn_member_at(&old->at[i]) == NULL)
			continue;
		k = home_of(hash_at(&old->at[i]), n * 2 - 1);
		while (csn_member_at(&p->at[k]) != NULL)
			k = (k + 1) & (n * 2 - 1);
		set_place(&p->at[k], hash_at(&old->at[i]),
		    csn_member_at(&old->at[i]));
	}
	set_places(shard, p, n * 2);
	return 0;
}

int
csn_shard_init(struct csn_shard *shard)
{
	struct csn_places *p = places_new(FIRST_PLACES);

	set_places(shard, p, FIRST_PLACES);
	return p != NULL ? 0 : CSN_E_NOMEM;
}

void
csn_shard_destroy(struct csn_shard *shard)
{
	struct csn_places *p, *outgrown;

	for (p = shard->places; p != NULL; p = outgrown) {
		outgrown = p->outgrown;
		free(p);
	}
	pthread_mutex_destroy(&shard->lock);
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

int
csn_manager_forked(const struct csn_manager *mgr)
{
	if (csn_fork_check(mgr->ctx, mgr->made_in) == 0)
		return 0;
	return csn_fail(mgr->ctx, CSN_E_FORK, "tenant", "the manager was made "
	    "before a fork: the child makes its own");
}

int
csn_member_find(struct csn_manager *mgr, uint64_t hash,
    const char *tenant_id, struct csn_member **out)
{
	struct csn_shard *shard = shard_of(mgr, hash);
	struct csn_member *m;

	if (csn_manager_forked(mgr))
		return CSN_E_FORK;
	pthread_mutex_lock(&shard->lock);
	if ((m = csn_member_at(find(shard, hash, tenant_id))) != NULL)
		atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&shard->lock);
	*out = m;
	if (m == NULL)
		return csn_fail(mgr->ctx, CSN_E_UNKNOWN_TENANT, "tenant",
		    "tenant %.64s has no session: create one first",
		    tenant_id);
	return 0;
}

int
csn_member_get(struct csn_manager *mgr, const char *tenant_id,
    struct csn_member **out)
{
	if (tenant_id == NULL)
		return csn_fail(mgr->ctx, CSN_E_ARG, "tenant",
		    "neither a session nor a tenant was given");
	return csn_member_find(mgr, csn_member_hash(mgr, tenant_id),
	    tenant_id, out);
}

void
csn_member_prefetch_place(struct csn_manager *mgr, uint64_t hash)
{
	struct csn_shard *shard = shard_of(mgr, hash);

	__builtin_prefetch(line_of(shard, hash));
	__builtin_prefetch(shard, 1);
}

void
csn_member_prefetch(struct csn_manager *mgr, uint64_t hash)
{
	const struct csn_place *at = line_of(shard_of(mgr, hash), hash);
	int i;

	/* It may go meanwhile: nothing of it is read here. */
	for (i = 0; i < CSN_PLACES_LINE; i++)
		if (hash_at(&at[i]) == hash)
			__builtin_prefetch(csn_member_at(&at[i]), 1);
}

int
csn_member_new(struct csn_manager *mgr, struct csn_session *session,
    struct csn_member **out)
{
	struct csn_member *m;

	if ((m = csn_slab_alloc(&member_slab)) == NULL)
		return csn_nomem(mgr->ctx, "tenant", "tenant %s",
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

int
csn_member_put(struct csn_manager *mgr, struct csn_member *m, int replace,
    struct csn_member **former)
{
	struct csn_shard *shard = shard_of(mgr, m->hash);
	struct csn_place *at;
	struct csn_member *was;
	int rc;

	*former = NULL;
	if (csn_manager_forked(mgr))
		return CSN_E_FORK;
	pthread_mutex_lock(&shard->lock);
	at = find(shard, m->hash, m->tenant_id);
	if ((was = csn_member_at(at)) != NULL && !replace &&
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
			return csn_fail(mgr->ctx, rc, "tenant",
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
csn_member_remove(struct csn_manager *mgr, const char *tenant_id,
    struct csn_member **out)
{
	uint64_t hash = csn_member_hash(mgr, tenant_id);
	struct csn_shard *shard = shard_of(mgr, hash);
	struct csn_place *at;

	if (csn_manager_forked(mgr))
		return CSN_E_FORK;
	pthread_mutex_lock(&shard->lock);
	at = find(shard, hash, tenant_id);
	if ((*out = csn_member_at(at)) != NULL)
		csn_member_vacate(shard, at);
	pthread_mutex_unlock(&shard->lock);
	if (*out == NULL)
		return csn_fail(mgr->ctx, CSN_E_UNKNOWN_TENANT, "tenant",
		    "tenant %.64s has no session to close", tenant_id);
	return 0;
}
