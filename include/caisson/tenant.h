/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/tenant.h - one live session a tenant, with quotas. */
#ifndef CAISSON_TENANT_H
#define CAISSON_TENANT_H

#include <caisson/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The isolation manager: one live session a tenant, found by tenant id, with
 * quotas. Safe from many threads; the hot path takes no lock that tenants
 * share. A forked child gets CSN_E_FORK and makes its own.
 */
struct csn_manager;

struct csn_manager_options {
	uint32_t size;
	uint32_t reserved;
	/* For sessions that the manager makes itself; NULL for defaults. */
	const struct csn_session_options *session;
	uint64_t quota_bytes;	/* sealed a session, a tenant; 0 for none */
	uint64_t quota_entries;
	/*
	 * For isolation violations, and for sessions whose options name no
	 * log. Outlives the manager; NULL for none.
	 */
	struct csn_audit *audit;
};

CSN_API CSN_MUST_CHECK int csn_manager_new(struct csn_ctx *ctx,
    const struct csn_manager_options *options, struct csn_manager **out);
/**
 * The tenant's live session, or a new local one. *out is a reference
 * (csn_session_free), and may be NULL.
 */
CSN_API CSN_MUST_CHECK int csn_manager_create(struct csn_manager *mgr,
    const struct csn_tenant *tenant, struct csn_session **out);
/** Take in a session from a handshake; it replaces the tenant's live one,
 * which is closed. The manager keeps a reference of its own. */
CSN_API CSN_MUST_CHECK int csn_manager_adopt(struct csn_manager *mgr,
    struct csn_session *session);
/** A reference. CSN_E_UNKNOWN_TENANT. */
CSN_API CSN_MUST_CHECK int csn_manager_session(struct csn_manager *mgr,
    const char *tenant_id, struct csn_session **out);
/** Another quota for one tenant; 0 for none. CSN_E_UNKNOWN_TENANT. */
CSN_API CSN_MUST_CHECK int csn_manager_set_quota(struct csn_manager *mgr,
    const char *tenant_id, uint64_t bytes, uint64_t entries);
/** Close and forget: its keys are wiped. CSN_E_UNKNOWN_TENANT. */
CSN_API CSN_MUST_CHECK int csn_manager_close(struct csn_manager *mgr,
    const char *tenant_id);
/** Close what has expired; returns how many. Also done as calls meet it. */
CSN_API size_t csn_manager_sweep(struct csn_manager *mgr);
CSN_API size_t csn_manager_count(struct csn_manager *mgr);
/** Visit active tenants' ids; a non-zero return stops and is returned. */
CSN_API int csn_manager_each(struct csn_manager *mgr,
    int (*visit)(void *arg, const char *tenant_id), void *arg);
/** Closes every session. NULL is fine. */
CSN_API void csn_manager_free(struct csn_manager *mgr);

#ifdef __cplusplus
}
#endif

#endif
