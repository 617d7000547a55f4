/* SPDX-License-Identifier: Apache-2.0 */
/* session/stream_keys.c - keys of streams: given out, used, wiped. */
#include <string.h>

#include "base/fail.h"
#include "session/internal.h"

/* Under lock. */
static void
link_key(struct csn_session *s, struct csn_stream_key *k)
{
	k->generation = atomic_load_explicit(&s->generation,
	    memory_order_relaxed);
	k->next = s->streams;
	k->at = &s->streams;
	if (k->next != NULL)
		k->next->at = &k->next;
	s->streams = k;
}

/* Under lock: the epoch that a stream is sealed in stays, or may go. */
static void
hold_epoch(struct csn_session *s, const struct csn_stream_key *k, int hold)
{
	struct csn_epoch *e = csn_epoch_find(s, s->own_direction,
	    k->epoch_number);

	if (e == NULL)
		return;
	if (hold)
		e->live++;
	else if (e->live > 0)
		e->live--;
}

int
csn_session_stream_begin(struct csn_session *s, struct csn_stream_key *k)
{
	struct csn_epoch *e;
	int rc;

	if ((rc = csn_session_forked(s)) != 0)
		return rc;
	csn_session_lock(s);
	if ((rc = csn_session_alive(s)) != 0 ||
	    (rc = csn_session_rotate_if_due(s,
	    csn_ctx_boot_ms(s->ctx), 0, 0)) != 0 ||
	    (rc = csn_epoch_own(s)) != 0)
		goto out;
	e = s->heads[s->own_direction];
	/* Fresh from the system, as a session's own writer id is. */
	if ((rc = csn_random(s->ctx, k->writer, sizeof(k->writer))) != 0 ||
	    (rc = csn_schedule_writer(s->ctx, &e->root, k->writer,
	    &k->key)) != 0)
		goto out;
	k->epoch_number = e->number;
	k->sealing = 1;
	s->streamed = 1;
	k->version = 0;
	if (s->replay == CSN_REPLAY_STORE)
		s->slots.counter = k->version = csn_version_after(
		    s->slots.counter, csn_ctx_wall_ms(s->ctx));
	s->epoch_streams++;
	s->epoch_entries++;
	s->total_entries++;
	hold_epoch(s, k, 1);
	link_key(s, k);
	csn_session_head(s, k->epoch_number, k->writer, &k->aad);
out:
	csn_session_unlock(s);
	return rc;
}

int
csn_session_stream_join(struct csn_session *s, const struct csn_head *h,
    struct csn_stream_key *k)
{
	uint8_t plain[CSN_KEY_SIZE];
	struct csn_open_run run;
	int rc;

	if ((rc = csn_session_open_begin(s, h, &run)) != 0)
		return rc;
	if ((rc = csn_key_unmask(s->ctx, &run.key, plain)) == 0)
		rc = csn_key_mask(s->ctx, plain, &k->key);
	csn_wipe(plain, sizeof(plain));
	csn_session_open_end(s, &run, NULL, 0);
	if (rc != 0)
		return rc;
	csn_session_tail(s, &k->aad);
	memcpy(k->writer, h->writer, sizeof(k->writer));
	k->epoch_number = h->epoch;
	k->version = h->version;
	csn_session_lock(s);
	if ((rc = csn_session_alive(s)) == 0)
		link_key(s, k);
	csn_session_unlock(s);
	if (rc != 0)
		csn_key_wipe(s->ctx, &k->key);
	return rc;
}

int
csn_session_stream_use(struct csn_session *s, struct csn_stream_key *k,
    uint64_t bytes, struct csn_lane **lane)
{
	struct csn_key key;
	int rc;

	/* The parent goes on with the same key: a child never does, not even
	 * with a session of its own after csn_session_after_fork. */
	if (csn_fork_check_at(s->ctx, k->generation, k->segments++, 1) != 0)
		return csn_fail(s->ctx, CSN_E_FORK, "session",
		    "the stream was begun before a fork: begin another");
	csn_session_lock(s);
	if ((rc = csn_session_alive(s)) == 0) {
		key = k->key;
		s->pins++;	/* a close waits for this segment */
		if (k->sealing)
			s->epoch_bytes += bytes;
	}
	csn_session_unlock(s);
	if (rc != 0)
		return rc;
	if ((rc = csn_lane_acquire(s->ctx, &key, lane)) != 0) {
		csn_session_lock(s);
		s->pins--;
		csn_session_unlock(s);
	}
	csn_wipe(&key, sizeof(key));
	return rc;
}

void
csn_session_stream_used(struct csn_session *s, struct csn_lane *lane)
{
	csn_lane_release(lane);
	csn_session_lock(s);
	s->pins--;
	csn_session_unlock(s);
}

int
csn_session_stream_keep(struct csn_session *s, struct csn_stream_key *k,
    const struct csn_slot_name *name)
{
	int rc;

	if (s->replay != CSN_REPLAY_STORE || name == NULL)
		return 0;
	csn_session_lock(s);
	if ((rc = csn_session_alive(s)) == 0)
		rc = csn_session_slot_set(s, name, k->version,
		    k->epoch_number, csn_slot_who(s->own_direction,
		    k->writer, NULL));
	csn_session_unlock(s);
	return rc;
}

void
csn_session_stream_end(struct csn_session *s, struct csn_stream_key *k)
{
	csn_session_lock(s);
	/* Its neighbours in the list write to it, under the lock. */
	if (k->at == NULL) {
		csn_session_unlock(s);
		return;
	}
	*k->at = k->next;
	if (k->next != NULL)
		k->next->at = k->at;
	if (k->sealing && !s->closed)
		hold_epoch(s, k, 0);
	csn_session_unlock(s);
	csn_key_wipe(s->ctx, &k->key);
	csn_wipe(k, sizeof(*k));
}

void
csn_session_wipe_streams(struct csn_session *s)
{
	struct csn_stream_key *k;

	for (k = s->streams; k != NULL; k = k->next)
		csn_key_wipe(s->ctx, &k->key);
}
