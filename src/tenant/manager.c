/* SPDX-License-Identifier: Apache-2.0 */
/* tenant/manager.c - one live session a tenant: made, found, closed. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "session/keys.h"
#include "tenant/manager.h"

int
csn_manager_new(struct csn_ctx *ctx,
    const struct csn_manager_options *options, struct csn_manager **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_manager_options o;
	struct csn_session_options session;
	struct csn_manager *mgr;
	size_t i;
	int rc;

	if ((rc = CSN_TAKE(&o, options, csn_manager_options, audit)) != 0 ||
	    (rc = CSN_TAKE(&session, o.session, csn_session_options,
	    audit)) != 0)
		return rc;
	if ((mgr = aligned_alloc(64, sizeof(*mgr))) == NULL)
		return csn_nomem(ctx, "tenant", "a manager");
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
	for (i = 0; i < CSN_MANAGER_SHARDS; i++)
		if (csn_shard_init(&mgr->shards[i]) != 0) {
			rc = csn_nomem(ctx, "tenant", "a manager");
			goto err;
		}
	*out = mgr;
	return 0;

err:
	csn_manager_free(mgr);
	return rc;
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
	if ((rc = csn_member_new(mgr, session, &m)) != 0) {
		csn_session_free(session);
		return rc;
	}
	/* Once it is in the table another thread may close and free it. */
	(void)csn_session_ref(session);
	rc = csn_member_put(mgr, m, 0, &former);
	if (rc == 0 && out != NULL)
		/* Another thread's came first. */
		*out = csn_session_ref(former->session);
	if (rc == 1 && out != NULL)
		*out = session;
	else
		csn_session_free(session);
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
	int rc, logged;

	if (session == NULL)
		return csn_fail(mgr->ctx, CSN_E_ARG, "tenant",
		    "no session was given");
	if ((rc = csn_session_check_valid(session)) != 0)
		return rc;
	if ((rc = csn_member_new(mgr, csn_session_ref(session), &m)) != 0) {
		csn_session_free(session);
		return rc;
	}
	/* Before it can be found: nothing that is done by it goes unlogged. */
	logged = csn_session_audit_change(session, NULL, mgr->audit);
	if ((rc = csn_member_put(mgr, m, 1, &former)) != 1) {
		if (logged)
			(void)csn_session_audit_change(session, mgr->audit,
			    NULL);
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

	struct csn_member *m;
	int rc;

	if (tenant_id == NULL)
		return csn_fail(mgr->ctx, CSN_E_ARG, "tenant",
		    "no tenant was given");
	if ((rc = csn_member_remove(mgr, tenant_id, &m)) != 0)
		return rc;
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
			if (csn_manager_forked(mgr))
				continue;
			pthread_mutex_lock(&shard->lock);
		}
		for (k = 0; shard->places != NULL && k <= shard->mask; ) {
			at = &shard->places->at[k];
			m = csn_member_at(at);
			if (m == NULL || (!all &&
			    csn_session_is_valid(m->session))) {
				k++;
				continue;
			}
			/* Another may have moved up to k. */
			csn_member_vacate(shard, at);
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
	return csn_manager_forked(mgr) ? 0 : close_some(mgr, 0);
}

size_t
csn_manager_count(struct csn_manager *mgr)
{
	size_t i, n = 0;

	for (i = 0; i < CSN_MANAGER_SHARDS; i++) {
		if (csn_manager_forked(mgr))
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
		if (csn_manager_forked(mgr))
			return CSN_E_FORK;
		pthread_mutex_lock(&shard->lock);
		n = 0;
		members = csn_calloc(shard->n + 1, sizeof(m));
		for (k = 0; members != NULL && k <= shard->mask; k++) {
			m = csn_member_at(&shard->places->at[k]);
			if (m == NULL)
				continue;
			atomic_fetch_add(&m->refs, 1);
			members[n++] = m;
		}
		pthread_mutex_unlock(&shard->lock);
		if (members == NULL)
			return csn_nomem(mgr->ctx, "tenant",
			    "a list of tenants");
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
	size_t i;

	if (mgr == NULL)
		return;
	close_some(mgr, 1);
	for (i = 0; i < CSN_MANAGER_SHARDS; i++)
		csn_shard_destroy(&mgr->shards[i]);
	free(mgr);
}
