/* kv/manager.c - one live session a tenant: made, found, closed. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/slab.h"
#include "kv/manager.h"

#define FIRST_BUCKETS 16

static struct csn_slab member_slab = CSN_SLAB(struct csn_member);

/* Seeded, so that nobody can aim tenant ids at one bucket. */
uint64_t
csn_member_hash(const struct csn_manager *mgr, const char *id)
{
	uint64_t h = mgr->seed, w;
	size_t n = strlen(id), k;

	for (;;) {
		k = n < 8 ? n : 8;
		w = 0;
		memcpy(&w, id, k);
		h = (h ^ w ^ (uint64_t)k << 56) *
		    UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
		if (n <= 8)
			break;
		id += k;
		n -= k;
	}
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 32;
}

static struct csn_shard *
shard_of(struct csn_manager *mgr, uint64_t hash)
{
	return &mgr->shards[hash & (CSN_MANAGER_SHARDS - 1)];
}

static struct csn_member *_Atomic *
bucket_of(struct csn_shard *shard, uint64_t hash)
{
	struct csn_buckets *b = atomic_load_explicit(&shard->buckets,
	    memory_order_acquire);

	return &b->head[hash / CSN_MANAGER_SHARDS & (b->n - 1)];
}

static struct csn_member *
read_link(struct csn_member *_Atomic *at)
{
	return atomic_load_explicit(at, memory_order_relaxed);
}

static void
set_link(struct csn_member *_Atomic *at, struct csn_member *m)
{
	atomic_store_explicit(at, m, memory_order_relaxed);
}

/* Under the shard's lock. */
static struct csn_member *_Atomic *
find(struct csn_shard *shard, uint64_t hash, const char *id)
{
	struct csn_member *_Atomic *at;
	struct csn_member *m;

	for (at = bucket_of(shard, hash); (m = read_link(at)) != NULL;
	    at = &m->next)
		if (m->hash == hash && strcmp(id, m->tenant_id) == 0)
			return at;
	return NULL;
}

static struct csn_buckets *
buckets_new(size_t n)
{
	struct csn_buckets *b = csn_calloc(1, sizeof(*b) +
	    n * sizeof(b->head[0]));

	if (b != NULL)
		b->n = n;
	return b;
}

static int
grow(struct csn_shard *shard)
{
	struct csn_buckets *old = shard->buckets, *b;
	struct csn_member *m, *next;
	size_t i;

	if ((b = buckets_new(old->n * 2)) == NULL)
		return CSN_E_NOMEM;
	b->outgrown = old;
	atomic_store_explicit(&shard->buckets, b, memory_order_release);
	for (i = 0; i < old->n; i++)
		for (m = read_link(&old->head[i]); m != NULL; m = next) {
			next = read_link(&m->next);
			set_link(&m->next, read_link(bucket_of(shard,
			    m->hash)));
			set_link(bucket_of(shard, m->hash), m);
		}
	return 0;
}

int
csn_manager_new(struct csn_ctx *ctx,
    const struct csn_manager_options *options, struct csn_manager **out)
{
	struct csn_manager_options o;
	struct csn_manager *mgr;
	struct csn_buckets *b;
	size_t i;
	int rc;

	memset(&o, 0, sizeof(o));
	if (options != NULL)
		memcpy(&o, options, options->size < sizeof(o) ?
		    options->size : sizeof(o));
	if ((mgr = aligned_alloc(64, sizeof(*mgr))) == NULL)
		return csn_fail(ctx, CSN_E_NOMEM, "kv",
		    "out of memory for a manager");
	memset(mgr, 0, sizeof(*mgr));
	mgr->ctx = ctx;
	mgr->quota_bytes = o.quota_bytes;
	mgr->quota_entries = o.quota_entries;
	mgr->audit = o.audit;
	if (o.session != NULL)
		memcpy(&mgr->session, o.session, o.session->size <
		    sizeof(mgr->session) ? o.session->size :
		    sizeof(mgr->session));
	mgr->session.size = sizeof(mgr->session);
	if (mgr->session.audit == NULL)
		mgr->session.audit = o.audit;
	for (i = 0; i < CSN_MANAGER_SHARDS; i++)
		pthread_mutex_init(&mgr->shards[i].lock, NULL);
	if ((rc = csn_random(ctx, &mgr->seed, sizeof(mgr->seed))) != 0)
		goto err;
	for (i = 0; i < CSN_MANAGER_SHARDS; i++) {
		b = buckets_new(FIRST_BUCKETS);
		atomic_init(&mgr->shards[i].buckets, b);
		if (b == NULL) {
			rc = csn_fail(ctx, CSN_E_NOMEM, "kv",
			    "out of memory for a manager");
			goto err;
		}
	}
	*out = mgr;
	return 0;

err:
	csn_manager_free(mgr);
	return rc;
}

void
csn_member_release(struct csn_member *m)
{
	if (atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
		return;
	csn_session_free(m->session);
	csn_slab_free(&member_slab, m);
}

int
csn_member_find(struct csn_manager *mgr, uint64_t hash,
    const char *tenant_id, struct csn_member **out)
{
	struct csn_shard *shard = shard_of(mgr, hash);
	struct csn_member *_Atomic *at;

	pthread_mutex_lock(&shard->lock);
	if ((at = find(shard, hash, tenant_id)) != NULL) {
		*out = *at;
		atomic_fetch_add_explicit(&(*at)->refs, 1,
		    memory_order_relaxed);
	}
	pthread_mutex_unlock(&shard->lock);
	if (at == NULL)
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

	__builtin_prefetch(bucket_of(shard, hash));
	__builtin_prefetch(shard, 1);
}

void
csn_member_next(struct csn_manager *mgr, uint64_t hash)
{
	const struct csn_member *m = read_link(bucket_of(shard_of(mgr, hash),
	    hash));

	/* It may go meanwhile: nothing of it is read here. */
	__builtin_prefetch(m, 1);
	__builtin_prefetch((const char *)m + 64);
}

/* A member of its own for session, whose reference it takes. */
static int
member_new(struct csn_manager *mgr, struct csn_session *session,
    struct csn_member **out)
{
	struct csn_member *m;

	if ((m = csn_slab_alloc(&member_slab)) == NULL)
		return csn_fail(mgr->ctx, CSN_E_NOMEM, "kv",
		    "out of memory for tenant %s",
		    csn_session_tenant_id(session));
	atomic_init(&m->refs, 1);
	m->hash = csn_member_hash(mgr, csn_session_tenant_id(session));
	m->session = session;
	memcpy(m->tenant_id, csn_session_tenant_id(session),
	    strlen(csn_session_tenant_id(session)));
	atomic_init(&m->quota_bytes, mgr->quota_bytes);
	atomic_init(&m->quota_entries, mgr->quota_entries);
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
	struct csn_member *_Atomic *at;
	size_t n;

	*former = NULL;
	pthread_mutex_lock(&shard->lock);
	at = find(shard, m->hash, csn_session_tenant_id(m->session));
	if (at != NULL && !replace &&
	    csn_session_is_valid((*at)->session)) {
		*former = *at;
		atomic_fetch_add(&(*at)->refs, 1);
		pthread_mutex_unlock(&shard->lock);
		return 0;
	}
	if (at != NULL) {
		*former = *at;
		m->next = (*at)->next;
		m->bytes = (*at)->bytes;
		m->entries = (*at)->entries;
		m->quota_bytes = (*at)->quota_bytes;
		m->quota_entries = (*at)->quota_entries;
		*at = m;
	} else {
		/* A longer chain is slower, not wrong. */
		n = shard->buckets->n;
		if (shard->n >= n / 2 && grow(shard) != 0 &&
		    shard->n / 64 >= n) {
			pthread_mutex_unlock(&shard->lock);
			return csn_fail(mgr->ctx, CSN_E_NOMEM, "kv",
			    "out of memory for another tenant");
		}
		at = bucket_of(shard, m->hash);
		m->next = *at;
		*at = m;
		shard->n++;
	}
	pthread_mutex_unlock(&shard->lock);
	return 1;
}

int
csn_manager_create(struct csn_manager *mgr, const struct csn_tenant *tenant,
    struct csn_session **out)
{
	struct csn_session *session = NULL;
	struct csn_member *m, *former = NULL;
	int rc;

	if (tenant == NULL || tenant->size < sizeof(*tenant))
		return csn_fail(mgr->ctx, CSN_E_ARG, "kv",
		    "a tenant is needed, with its size");
	if (tenant->id != NULL &&
	    csn_member_get(mgr, tenant->id, &m) == 0) {
		if (csn_session_is_valid(m->session)) {
			if (out != NULL)
				*out = csn_session_ref(m->session);
			csn_member_release(m);
			return 0;
		}
		csn_member_release(m);
	}
	if ((rc = csn_session_local(mgr->ctx, tenant, &mgr->session,
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
csn_manager_get(struct csn_manager *mgr, const char *tenant_id,
    struct csn_session **out)
{
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
	struct csn_member *m;
	int rc;

	if ((rc = csn_member_get(mgr, tenant_id, &m)) != 0)
		return rc;
	atomic_store(&m->quota_bytes, bytes);
	atomic_store(&m->quota_entries, entries);
	csn_member_release(m);
	return 0;
}

int
csn_manager_close(struct csn_manager *mgr, const char *tenant_id)
{
	struct csn_member *_Atomic *at, *m = NULL;
	struct csn_shard *shard;
	uint64_t hash;

	if (tenant_id == NULL)
		return csn_fail(mgr->ctx, CSN_E_ARG, "kv",
		    "no tenant was given");
	hash = csn_member_hash(mgr, tenant_id);
	shard = shard_of(mgr, hash);
	pthread_mutex_lock(&shard->lock);
	if ((at = find(shard, hash, tenant_id)) != NULL) {
		m = *at;
		*at = m->next;
		shard->n--;
	}
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
	struct csn_member *_Atomic *at, *m, *gone;
	struct csn_buckets *b;
	struct csn_shard *shard;
	size_t i, k, n = 0;

	for (i = 0; i < CSN_MANAGER_SHARDS; i++) {
		shard = &mgr->shards[i];
		gone = NULL;
		pthread_mutex_lock(&shard->lock);
		b = shard->buckets;
		for (k = 0; b != NULL && k < b->n; k++)
			for (at = &b->head[k]; (m = *at) != NULL; ) {
				if (!all && csn_session_is_valid(m->session)) {
					at = &m->next;
					continue;
				}
				*at = m->next;
				shard->n--;
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
	return close_some(mgr, 0);
}

size_t
csn_manager_count(struct csn_manager *mgr)
{
	size_t i, n = 0;

	for (i = 0; i < CSN_MANAGER_SHARDS; i++) {
		pthread_mutex_lock(&mgr->shards[i].lock);
		n += mgr->shards[i].n;
		pthread_mutex_unlock(&mgr->shards[i].lock);
	}
	return n;
}

int
csn_manager_list(struct csn_manager *mgr,
    int (*visit)(void *arg, const char *tenant_id), void *arg)
{
	struct csn_member **members, *m;
	struct csn_buckets *b;
	struct csn_shard *shard;
	size_t i, k, n;
	int rc = 0;

	for (i = 0; i < CSN_MANAGER_SHARDS && rc == 0; i++) {
		shard = &mgr->shards[i];
		pthread_mutex_lock(&shard->lock);
		n = 0;
		members = csn_calloc(shard->n + 1, sizeof(m));
		b = shard->buckets;
		for (k = 0; members != NULL && k < b->n; k++)
			for (m = b->head[k]; m != NULL; m = m->next) {
				atomic_fetch_add(&m->refs, 1);
				members[n++] = m;
			}
		pthread_mutex_unlock(&shard->lock);
		if (members == NULL)
			return csn_fail(mgr->ctx, CSN_E_NOMEM, "kv",
			    "out of memory for a list of tenants");
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
	struct csn_buckets *b, *outgrown;
	size_t i;

	if (mgr == NULL)
		return;
	close_some(mgr, 1);
	for (i = 0; i < CSN_MANAGER_SHARDS; i++) {
		for (b = mgr->shards[i].buckets; b != NULL; b = outgrown) {
			outgrown = b->outgrown;
			free(b);
		}
		pthread_mutex_destroy(&mgr->shards[i].lock);
	}
	free(mgr);
}
