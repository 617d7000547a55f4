/* SPDX-License-Identifier: Apache-2.0 */
/* session/rotate.c - the own writer of an epoch, and when the next is due. */
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "session/internal.h"

int
csn_epoch_own(struct csn_session *s)
{
	struct csn_epoch *head;
	struct csn_key key;
	uint8_t id[16];
	int rc;

	if (s->own_key.id != 0)
		return 0;
	if (s->heads[s->own_direction] == NULL &&
	    (rc = csn_chain_step(s, s->own_direction)) != 0)
		return rc;
	head = s->heads[s->own_direction];
	/* Fresh from the system: no restart, fork or clone of the process
	 * has had this id, so none has had the key. */
	if ((rc = csn_random(s->ctx, id, sizeof(id))) != 0 ||
	    (rc = csn_schedule_writer(s->ctx, &head->root, id, &key)) != 0)
		return rc;
	if ((rc = csn_epoch_add_writer(s, head, id, &key,
	    s->replay == CSN_REPLAY_CHANNEL && s->open_own, NULL)) != 0) {
		csn_key_wipe(s->ctx, &key);
		return rc;
	}
	memcpy(s->own_id, id, sizeof(id));
	s->own_key = key;
	s->own_sequence = 0;
	s->own_blocks = 0;
	return 0;
}

void
csn_epoch_disown(struct csn_session *s)
{
	csn_wipe(&s->own_key, sizeof(s->own_key));
	csn_wipe(s->own_id, sizeof(s->own_id));
	s->own_sequence = 0;
	s->own_blocks = 0;
}

int
csn_epoch_advance(struct csn_session *s, int trigger)
{
	int rc;

	if ((rc = csn_epoch_own(s)) != 0 ||
	    (rc = csn_chain_step(s, s->own_direction)) != 0)
		return rc;
	/* The former key stays in its epoch, for what it sealed. */
	csn_epoch_disown(s);
	s->epoch_entries = 0;
	s->epoch_bytes = 0;
	s->epoch_streams = 0;
	s->epoch_started = csn_ctx_boot_ms(s->ctx);
	s->rotations++;
	csn_epoch_sweep(s);
	csn_session_audit(s, CSN_AUDIT_ROTATE, 0,
	    csn_rotate_trigger_name(trigger));
	return csn_epoch_own(s);
}

/* The limit that one more run of `bytes` and `blocks` would cross. */
static int
trigger_at(const struct csn_session *s, uint64_t now, uint64_t bytes,
    uint64_t blocks)
{
	if (s->epoch_entries >= s->max_entries ||
	    s->own_sequence >= CSN_KEY_MAX_MESSAGES)
		return CSN_ROTATE_ENTRY_COUNT;
	/* Whoever opens a channel remembers so many writers, streams too. */
	if (s->replay == CSN_REPLAY_CHANNEL && s->epoch_streams != 0 &&
	    s->epoch_streams + 1 >= s->max_writers)
		return CSN_ROTATE_ENTRY_COUNT;
	if (s->epoch_bytes != 0 && (s->epoch_bytes >= s->max_bytes ||
	    bytes > s->max_bytes - s->epoch_bytes))
		return CSN_ROTATE_BYTE_COUNT;
	if (s->own_blocks != 0 && blocks > CSN_KEY_MAX_BLOCKS - s->own_blocks)
		return CSN_ROTATE_BYTE_COUNT;
	/* An epoch that sealed nothing has nothing to rotate away from. */
	if (s->epoch_entries != 0 && s->max_age_ms != CSN_NEVER &&
	    now > s->epoch_started &&
	    now - s->epoch_started >= s->max_age_ms)
		return CSN_ROTATE_TIME_ELAPSED;
	return CSN_ROTATE_NONE;
}

int
csn_session_should_rotate(struct csn_session *session)
{
	int trigger;

	csn_session_lock(session);
	trigger = session->closed ? CSN_ROTATE_NONE :
	    trigger_at(session, csn_ctx_boot_ms(session->ctx), 0, 0);
	csn_session_unlock(session);
	return trigger;
}

int
csn_session_rotate(struct csn_session *session, int trigger)
{
	if (CSN_NEEDS(session) != 0)
		return CSN_E_ARG;

	int rc;

	if ((rc = csn_session_forked(session)) != 0)
		return rc;
	if (trigger == CSN_ROTATE_NONE)
		trigger = CSN_ROTATE_MANUAL;
	if (csn_rotate_trigger_name(trigger) == NULL)
		return csn_fail(session->ctx, CSN_E_ARG, "session",
		    "%d is no trigger of a rotation", trigger);
	csn_session_lock(session);
	if ((rc = csn_session_alive(session)) == 0)
		rc = csn_epoch_advance(session, trigger);
	csn_session_unlock(session);
	return rc;
}

/* Under lock: rotate where the policy says so, or report it. */
int
csn_session_rotate_if_due(struct csn_session *s, uint64_t now,
    uint64_t bytes, uint64_t blocks)
{
	int trigger = trigger_at(s, now, bytes, blocks);

	if (trigger == CSN_ROTATE_NONE)
		return 0;
	if (s->rotate == CSN_ROTATE_REPORTED)
		return csn_fail(s->ctx, CSN_E_ROTATE, "session",
		    "the rotation policy of tenant %s wants a new epoch "
		    "(%s): call csn_session_rotate", s->tenant_id,
		    csn_rotate_trigger_name(trigger));
	return csn_epoch_advance(s, trigger);
}
