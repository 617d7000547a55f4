/* SPDX-License-Identifier: Apache-2.0 */
/* tenant/quota.c - what a tenant has sealed, against what it may. */
#include "base/fail.h"
#include "tenant/manager.h"

/* Take `by` where that stays within `most` (0: no limit). */
static int
take(_Atomic uint64_t *used, uint64_t by, uint64_t most)
{
	uint64_t before = atomic_load_explicit(used, memory_order_relaxed);

	/* Never past it for a moment: that would refuse another thread's. */
	do {
		if (most != 0 && (before > most || by > most - before))
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(used, &before,
	    before + by, memory_order_relaxed, memory_order_relaxed));
	return 1;
}

void
csn_member_limit(struct csn_member *m, uint64_t bytes, uint64_t entries)
{
	m = m->account;
	atomic_store(&m->quota_bytes, bytes);
	atomic_store(&m->quota_entries, entries);
	atomic_store(&m->limited, bytes != 0 || entries != 0);
}

int
csn_member_charge(struct csn_manager *mgr, struct csn_member *m,
    uint64_t bytes)
{
	m = m->account;
	if (!atomic_load(&m->limited)) {
		atomic_fetch_add_explicit(&m->entries, 1,
		    memory_order_relaxed);
		atomic_fetch_add_explicit(&m->bytes, bytes,
		    memory_order_relaxed);
		return 0;
	}
	if (!take(&m->entries, 1, atomic_load(&m->quota_entries)))
		return csn_fail(mgr->ctx, CSN_E_QUOTA, "tenant",
		    "tenant %s has used up its quota of %llu entries",
		    m->tenant_id,
		    (unsigned long long)atomic_load(&m->quota_entries));
	if (!take(&m->bytes, bytes, atomic_load(&m->quota_bytes))) {
		atomic_fetch_sub(&m->entries, 1);
		return csn_fail(mgr->ctx, CSN_E_QUOTA, "tenant", "%llu more "
		    "bytes are past tenant %s's quota of %llu",
		    (unsigned long long)bytes,
		    m->tenant_id,
		    (unsigned long long)atomic_load(&m->quota_bytes));
	}
	return 0;
}

void
csn_member_refund(struct csn_member *m, uint64_t bytes)
{
	atomic_fetch_sub(&m->account->entries, 1);
	atomic_fetch_sub(&m->account->bytes, bytes);
}
