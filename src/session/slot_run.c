/* SPDX-License-Identifier: Apache-2.0 */
/* session/slot_run.c - versions of slots, and the epochs that they keep. */
#include "base/fail.h"
#include "session/internal.h"

void
csn_session_slot_fingerprint(const struct csn_session *s,
    const struct csn_slot_name *name, struct csn_slot_fingerprint *out)
{
	csn_slots_fingerprint(&s->slots, name, out);
}

static void
live_add(struct csn_session *s, uint32_t direction, uint32_t number, int by)
{
	struct csn_epoch *e = csn_epoch_find(s, (int)direction, number);

	if (e == NULL)
		return;
	if (by > 0)
		e->live++;
	else if (e->live > 0)
		e->live--;
}

int
csn_session_slot_put(struct csn_session *s,
    const struct csn_slot_fingerprint *fp, uint64_t version, uint32_t epoch,
    uint32_t who)
{
	const uint32_t direction = who & CSN_WHO_DIRECTION;
	struct csn_slot was, lost;
	int rc;

	rc = csn_slots_set_by(&s->slots, fp, version, epoch, who, &was,
	    &lost);
	if (rc < 0)
		return csn_nomem(s->ctx, "session", "slot versions");
	if (rc == 0)
		return 0;
	/* Once more in the same epoch: it keeps as many as it had. */
	if (was.version != 0 && was.epoch == epoch &&
	    csn_slot_direction(&was) == direction)
		return 0;
	live_add(s, direction, epoch, 1);
	if (was.version != 0)
		live_add(s, csn_slot_direction(&was), was.epoch, -1);
	if (lost.version != 0)
		live_add(s, csn_slot_direction(&lost), lost.epoch, -1);
	return 0;
}

int
csn_session_slot_set(struct csn_session *s,
    const struct csn_slot_name *name, uint64_t version, uint32_t epoch,
    uint32_t who)
{
	struct csn_slot_fingerprint fp;

	csn_slots_fingerprint(&s->slots, name, &fp);
	return csn_session_slot_put(s, &fp, version, epoch, who);
}

void
csn_session_slot_forget(struct csn_session *s,
    const struct csn_slot_name *name)
{
	struct csn_slot was;

	csn_session_lock(s);
	if (!s->closed && csn_slots_forget(&s->slots, name, &was))
		live_add(s, csn_slot_direction(&was), was.epoch, -1);
	csn_session_unlock(s);
}

int
csn_session_wants_reseal(struct csn_session *s)
{
	struct csn_epoch *e;
	int wants = 0;

	csn_session_lock(s);
	if (!s->closed)
		csn_epoch_sweep(s);
	e = s->heads[s->own_direction];
	while (!wants && e != NULL && (e = e->older) != NULL)
		wants = !e->shared && e->live != 0;
	csn_session_unlock(s);
	return wants;
}

int
csn_session_slot_is_old(struct csn_session *s,
    const struct csn_slot_name *name)
{
	struct csn_epoch *head;
	struct csn_slot *slot;
	int old = 0;

	csn_session_lock(s);
	head = s->heads[s->own_direction];
	if (!s->closed && head != NULL &&
	    (slot = csn_slots_find(&s->slots, name)) != NULL)
		old = csn_slot_direction(slot) != s->own_direction ||
		    slot->epoch != head->number;
	csn_session_unlock(s);
	return old;
}
