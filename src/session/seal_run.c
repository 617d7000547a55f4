/* SPDX-License-Identifier: Apache-2.0 */
/* session/seal_run.c - a run of messages that is sealed. */
#include <string.h>

#include "base/fail.h"
#include "session/internal.h"

void
csn_session_prefetch(const struct csn_session *s)
{
	const char *p = (const char *)s;
	size_t i;

	for (i = 0; i < CSN_SESSION_HOT; i += 64)
		__builtin_prefetch(p + i, 1);
}

void
csn_session_prefetch_slot(const struct csn_session *s,
    const struct csn_slot_name *name, struct csn_slot_fingerprint *out)
{
	__builtin_prefetch(atomic_load_explicit(&s->heads[s->own_direction],
	    memory_order_relaxed), 1);
	csn_slots_fingerprint(&s->slots, name, out);
}

int
csn_session_seal_begin(struct csn_session *s, size_t n, uint64_t bytes,
    uint64_t blocks, uint64_t now, struct csn_seal_run *run)
{
	uint64_t left;
	int rc;

	if ((rc = csn_session_forked(s)) != 0)
		return rc;
	if (blocks > CSN_KEY_MAX_BLOCKS)
		return csn_fail(s->ctx, CSN_E_LIMIT, "session",
		    "one batch of more than 1 TiB: seal it in parts");
	csn_session_lock(s);
	if (now == 0)
		now = csn_ctx_boot_ms(s->ctx);
	if ((rc = csn_session_alive_at(s, now)) != 0 ||
	    (rc = csn_session_rotate_if_due(s, now, bytes, blocks)) != 0 ||
	    (rc = csn_epoch_own(s)) != 0)
		goto out;
	if (s->heads[s->own_direction]->older != NULL)
		csn_epoch_sweep(s);
	left = s->max_entries - s->epoch_entries;
	if (left > CSN_KEY_MAX_MESSAGES - s->own_sequence)
		left = CSN_KEY_MAX_MESSAGES - s->own_sequence;
	run->n = left < n ? (size_t)left : n;
	if (csn_fork_check_at(s->ctx, atomic_load_explicit(&s->generation,
	    memory_order_relaxed), s->own_sequence, run->n) != 0) {
		rc = csn_session_forked(s);
		goto out;
	}
	/* Before anything is sealed: nothing may fail once it is. */
	if (s->replay == CSN_REPLAY_STORE &&
	    csn_slots_promise(&s->slots, run->n) != 0) {
		rc = csn_nomem(s->ctx, "session", "slot versions");
		goto out;
	}
	run->epoch = s->heads[s->own_direction];
	run->key = s->own_key;
	run->epoch_number = run->epoch->number;
	memcpy(run->writer, s->own_id, sizeof(run->writer));
	run->first_sequence = s->own_sequence;
	s->own_sequence += run->n;
	/* The whole batch's, also where fewer are granted: never too few. */
	s->own_blocks += blocks;
	s->epoch_bytes += bytes;
	s->epoch_entries += run->n;
	s->total_entries += run->n;
	run->first_version = 0;
	if (s->replay == CSN_REPLAY_STORE) {
		run->first_version = csn_version_after(s->slots.counter,
		    csn_ctx_wall_at(s->ctx, now));
		s->slots.counter = run->first_version + run->n - 1;
	}
	csn_session_pin(s, run->epoch);
out:
	csn_session_unlock(s);
	if (rc == 0) {
		run->direction = s->own_direction;
		csn_session_head(s, run->epoch_number, run->writer,
		    &run->aad);
	}
	return rc;
}

int
csn_session_seal_end(struct csn_session *s, struct csn_seal_run *run,
    const struct csn_slot_fingerprint *fps, size_t n)
{
	size_t i;
	int rc = 0;

	csn_session_lock(s);
	/* What was promised to this run; after a fork nothing is. */
	if (s->replay == CSN_REPLAY_STORE)
		s->slots.promised -= run->n < s->slots.promised ?
		    (uint32_t)run->n : s->slots.promised;
	if (fps != NULL && !s->closed)
		for (i = 0; i < n && rc == 0; i++)
			if ((fps[i].fp[0] | fps[i].fp[1]) != 0)
				rc = csn_session_slot_put(s, &fps[i],
				    run->first_version + i,
				    run->epoch_number, fps[i].who);
	csn_session_unpin(s, run->epoch);
	csn_session_unlock(s);
	csn_wipe(&run->key, sizeof(run->key));
	return rc;
}
