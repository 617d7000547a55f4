/* SPDX-License-Identifier: Apache-2.0 */
/* tenant/manager.h - the isolation manager's insides, for the rooms above. */
#ifndef CSN_TENANT_MANAGER_H
#define CSN_TENANT_MANAGER_H

#include <pthread.h>
#include <stdatomic.h>

#include <caisson/tenant.h>

#define CSN_MANAGER_SHARDS 64	/* a power of two */

/*
 * One tenant. Found under its shard's lock and referenced; used without it.
 * Its id is here too, so that finding it does not touch the session: with
 * 100,000 tenants each thing that is touched is out of every cache.
 *
 * A tenant whose session is replaced goes on with the account that it had:
 * its members share the first one's, which lies there until the last of them
 * goes. So what was charged is given back to where it was charged, whoever is
 * the tenant's member by then; a tenant that was closed and comes again has
 * an account of its own.
 */
struct csn_member {
	_Alignas(64) uint64_t hash;
	struct csn_session *session;
	struct csn_member *account;	/* itself, or the first */
	/* Of an account; bytes are sealed, against the quota. */
	_Atomic uint64_t bytes;
	_Atomic uint64_t entries;
	atomic_uint refs;
	_Atomic uint8_t limited;	/* one of the quotas is not 0 */
	/* A short one is in the first line with the rest. */
	char tenant_id[CSN_TENANT_ID_MAX + 1];
	struct csn_member *next;	/* of those that are being closed */
	atomic_uint holders;		/* members whose account it is */
	_Atomic uint64_t quota_bytes;	/* 0: none */
	_Atomic uint64_t quota_entries;
};

/* The hash is here too, so that only the member that is meant is touched. */
struct csn_place {
	_Atomic uint64_t hash;
	struct csn_member *_Atomic member;	/* NULL: free */
};

#define CSN_PLACES_LINE 4	/* in a cache line: where a search begins */

/*
 * Half full at most, with linear probing. Changed under the shard's lock only;
 * read without it to fetch ahead, so one that was outgrown stays until the
 * manager goes.
 */
struct csn_places {
	_Alignas(64) struct csn_places *outgrown;
	_Alignas(64) struct csn_place at[];
};

/*
 * Without the lock mask is read before places, and written after them: what
 * it allows is always there.
 */
struct csn_shard {
	_Alignas(64) pthread_mutex_t lock;
	struct csn_places *_Atomic places;
	_Atomic size_t mask;	/* places less one: a power of two less one */
	size_t n;		/* members */
};

struct csn_manager {
	struct csn_ctx *ctx;
	uint64_t made_in;		/* fork generation */
	struct csn_session_options session;
	uint64_t quota_bytes;
	uint64_t quota_entries;
	struct csn_audit *audit;
	uint64_t seed[2];
	struct csn_shard shards[CSN_MANAGER_SHARDS];
};

static inline struct csn_member *
csn_member_at(const struct csn_place *at)
{
	return atomic_load_explicit(&at->member, memory_order_relaxed);
}

/*
 * 1 in a forked child, with the sentence. A table that another thread of the
 * parent may have been changing, and a lock that it may hold for ever, are
 * no child's.
 */
int csn_manager_forked(const struct csn_manager *mgr);

/* The first places of a shard that is all zero but for its lock. */
CSN_MUST_CHECK int csn_shard_init(struct csn_shard *shard);
void csn_shard_destroy(struct csn_shard *shard);
/* Under the shard's lock: free a place; others may move up to it. */
void csn_member_vacate(struct csn_shard *shard, struct csn_place *at);

/* A member for session, whose reference it takes; it is in no table yet. */
CSN_MUST_CHECK int csn_member_new(struct csn_manager *mgr,
    struct csn_session *session, struct csn_member **out);
/*
 * Put m into the table: 1. A member that is there already is replaced if its
 * session is over or `replace` says so, and m goes on with its account; else
 * it stays: 0. *former is that member, with a reference for the caller, or
 * NULL. CSN_E_NOMEM, CSN_E_FORK.
 */
CSN_MUST_CHECK int csn_member_put(struct csn_manager *mgr,
    struct csn_member *m, int replace, struct csn_member **former);
/* Take the tenant's member out of the table; its reference is the caller's. */
CSN_MUST_CHECK int csn_member_remove(struct csn_manager *mgr,
    const char *tenant_id, struct csn_member **out);

/* Of a tenant's id, for csn_member_find and csn_member_prefetch_place. */
uint64_t csn_member_hash(const struct csn_manager *mgr,
    const char *tenant_id);
/* A reference to the tenant's member. CSN_E_UNKNOWN_TENANT. */
CSN_MUST_CHECK int csn_member_find(struct csn_manager *mgr, uint64_t hash,
    const char *tenant_id, struct csn_member **out);
/* The same by id alone, which may be NULL: CSN_E_ARG. */
CSN_MUST_CHECK int csn_member_get(struct csn_manager *mgr,
    const char *tenant_id, struct csn_member **out);
void csn_member_release(struct csn_member *m);

/*
 * Prefetch the place of a tenant that a batch comes to, and some ten tenants
 * later its member, which is then found without waiting.
 */
void csn_member_prefetch_place(struct csn_manager *mgr, uint64_t hash);
void csn_member_prefetch(struct csn_manager *mgr, uint64_t hash);

/* From now on these are its quotas; 0: none. */
void csn_member_limit(struct csn_member *m, uint64_t bytes,
    uint64_t entries);
/* Take from the quota, or give back. CSN_E_QUOTA. */
CSN_MUST_CHECK int csn_member_charge(struct csn_manager *mgr,
    struct csn_member *m, uint64_t bytes);
void csn_member_refund(struct csn_member *m, uint64_t bytes);

#endif
