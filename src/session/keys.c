/* SPDX-License-Identifier: Apache-2.0 */
/* session/keys.c - the keys of a run of messages: reserved, resolved, ended. */
#include <string.h>

#include "base/fail.h"
#include "session/internal.h"

void
csn_session_soon(const struct csn_session *s)
{
	const char *p = (const char *)s;
	size_t i;

	for (i = 0; i < CSN_SESSION_HOT; i += 64)
		__builtin_prefetch(p + i, 1);
}

void
csn_session_next(const struct csn_session *s,
    const struct csn_slot_name *name, struct csn_slot_print *out)
{
	__builtin_prefetch(atomic_load_explicit(&s->heads[s->own_direction],
	    memory_order_relaxed), 1);
	csn_slots_print(&s->slots, name, out);
}

void
csn_session_slot_print(const struct csn_session *s,
    const struct csn_slot_name *name, struct csn_slot_print *out)
{
	csn_slots_print(&s->slots, name, out);
}

static void
pin(struct csn_session *s, struct csn_epoch *e)
{
	s->pins++;
	if (e != NULL)
		e->pins++;
}

static void
unpin(struct csn_session *s, struct csn_epoch *e)
{
	s->pins--;
	if (e != NULL)
		e->pins--;
}

int
csn_session_forked(const struct csn_session *s)
{
	if (csn_fork_check(s->ctx, atomic_load_explicit(&s->generation,
	    memory_order_relaxed)) == 0)
		return 0;
	return csn_fail(s->ctx, CSN_E_FORK, "session", "the session was made "
	    "before a fork: call csn_session_after_fork in the child first");
}

/* The AAD's tail of what is no stream. */
void
csn_session_tail(const struct csn_session *s, struct csn_aad *aad)
{
	memcpy(aad->bytes + CSN_SEAL_HEADER, s->aad_tail, s->aad_tail_len);
	aad->len = CSN_SEAL_HEADER + s->aad_tail_len;
}

void
csn_session_head(const struct csn_session *s, uint32_t epoch,
    const uint8_t writer[16], struct csn_aad *aad)
{
	struct csn_head h;

	h.suite = s->suite;
	h.direction = s->own_direction;
	h.replay = s->replay;
	h.epoch = epoch;
	memcpy(h.label, s->label, sizeof(h.label));
	memcpy(h.session, s->id, sizeof(h.session));
	memcpy(h.writer, writer, sizeof(h.writer));
	csn_head_begin(&h, aad->bytes);
	csn_session_tail(s, aad);
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
	pin(s, run->epoch);
out:
	csn_session_unlock(s);
	if (rc == 0) {
		run->direction = s->own_direction;
		csn_session_head(s, run->epoch_number, run->writer,
		    &run->aad);
	}
	return rc;
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

/* Under lock: version is the slot's newest, sealed in that epoch. */
static int
slot_set(struct csn_session *s, const struct csn_slot_print *print,
    uint64_t version, uint32_t epoch, uint32_t who)
{
	const uint32_t direction = who & CSN_WHO_DIRECTION;
	struct csn_slot was, lost;
	int rc;

	rc = csn_slots_set_print(&s->slots, print, version, epoch, who, &was,
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
	struct csn_slot_print print;

	csn_slots_print(&s->slots, name, &print);
	return slot_set(s, &print, version, epoch, who);
}

int
csn_session_seal_end(struct csn_session *s, struct csn_seal_run *run,
    const struct csn_slot_print *prints, size_t n)
{
	size_t i;
	int rc = 0;

	csn_session_lock(s);
	/* What was promised to this run; after a fork nothing is. */
	if (s->replay == CSN_REPLAY_STORE)
		s->slots.promised -= run->n < s->slots.promised ?
		    (uint32_t)run->n : s->slots.promised;
	if (prints != NULL && !s->closed)
		for (i = 0; i < n && rc == 0; i++)
			if ((prints[i].fp[0] | prints[i].fp[1]) != 0)
				rc = slot_set(s, &prints[i],
				    run->first_version + i,
				    run->epoch_number, prints[i].who);
	unpin(s, run->epoch);
	csn_session_unlock(s);
	csn_wipe(&run->key, sizeof(run->key));
	return rc;
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

/* What needs no lock: whose message it is, and for what. */
static int
check_addressee(const struct csn_session *s, const struct csn_head *h)
{
	if (memcmp(h->label, s->label, 8) != 0)	/* public */
		return csn_fail(s->ctx, CSN_E_TENANT, "session", "the message "
		    "is another tenant's, not %s's", s->tenant_id);
	if (memcmp(h->session, s->id, 16) != 0)	/* public */
		return csn_fail(s->ctx, CSN_E_SESSION, "session",
		    "the message is of another session of tenant %s",
		    s->tenant_id);
	if (h->suite != s->suite)
		return csn_fail(s->ctx, CSN_E_SUITE, "session", "the message "
		    "names suite %u where the session agreed on %u",
		    h->suite, s->suite);
	if (h->replay != s->replay)
		return csn_fail(s->ctx, CSN_E_FORM, "session", "the message "
		    "was sealed for replay mode %u, the session opens "
		    "mode %u", h->replay, s->replay);
	if (h->direction == s->own_direction && !s->open_own)
		return csn_fail(s->ctx, CSN_E_REPLAY, "session",
		    "the message is this side's own, sent back to it");
	return 0;
}

/* Under lock: the key of an epoch that is here. */
static int
resolve_known(struct csn_session *s, const struct csn_head *h,
    struct csn_open_run *run)
{
	struct csn_writer_key *w;
	int rc;

	if ((w = csn_epoch_writer(run->epoch, h->writer)) != NULL) {
		run->key = w->key;
		run->known = 1;
		return 0;
	}
	if (run->epoch->nwriters >= s->max_writers &&
	    s->replay == CSN_REPLAY_CHANNEL)
		return csn_fail(s->ctx, CSN_E_LIMIT, "session", "epoch %u of "
		    "tenant %s has %u writers already: rotate before more "
		    "join", run->epoch->number, s->tenant_id,
		    run->epoch->nwriters);
	if ((rc = csn_schedule_writer(s->ctx, &run->epoch->root, h->writer,
	    &run->key)) != 0)
		return rc;
	run->known = 0;
	return 0;
}

/*
 * Under lock, which is let go for a look ahead: the key of an epoch or of one
 * that is not here yet. Nothing of the session has moved.
 */
static int
resolve(struct csn_session *s, const struct csn_head *h,
    struct csn_open_run *run)
{
	const struct csn_key *root;
	int rc;

	while ((rc = csn_session_alive(s)) == 0) {
		run->epoch = csn_epoch_find(s, run->direction, h->epoch);
		if (run->epoch != NULL)
			return resolve_known(s, h, run);
		if ((rc = csn_chain_reach(s, run->direction, h->epoch)) != 0)
			return rc;
		root = csn_ahead_root(s, run->direction, h->epoch);
		if (root != NULL) {
			run->known = 0;
			return csn_schedule_writer(s->ctx, root, h->writer,
			    &run->key);
		}
		csn_session_unlock(s);
		rc = csn_ahead_look(s, run->direction, h->epoch);
		csn_session_lock(s);
		if (rc != 0)
			return rc;
	}
	return rc;
}

int
csn_session_open_begin(struct csn_session *s, const struct csn_head *h,
    struct csn_open_run *run)
{
	int rc;

	if ((rc = csn_session_forked(s)) != 0 ||
	    (rc = check_addressee(s, h)) != 0)
		return rc;
	run->direction = (int)h->direction;
	run->epoch_number = h->epoch;
	memcpy(run->writer, h->writer, sizeof(run->writer));
	csn_session_tail(s, &run->aad);
	csn_session_lock(s);
	if ((rc = resolve(s, h, run)) == 0)
		pin(s, run->epoch);
	csn_session_unlock(s);
	return rc;
}

/* Under lock, a tag has verified: move the chain on to its epoch. */
static int
advance_to(struct csn_session *s, const struct csn_open_run *run,
    struct csn_epoch **e)
{
	int rc;

	if ((rc = csn_chain_reach(s, run->direction,
	    run->epoch_number)) != 0)
		return rc;
	if (run->direction == s->own_direction)
		csn_epoch_share_own(s, 1);	/* another process rotated */
	do {
		if ((rc = csn_chain_step(s, run->direction)) != 0)
			return rc;
		*e = s->heads[run->direction];
		if (run->direction == s->own_direction) {
			/* We follow. */
			csn_epoch_disown(s);
			s->epoch_entries = 0;
			s->epoch_bytes = 0;
			s->epoch_streams = 0;
			s->epoch_started = csn_ctx_boot_ms(s->ctx);
		}
	} while ((*e)->number < run->epoch_number);
	csn_epoch_sweep(s);
	return 0;
}

/*
 * Under lock, a tag has verified: the epoch and writer become part of the
 * session. *w is NULL where the writer is not remembered (store mode past
 * the bound, or an epoch that went meanwhile).
 */
static int
install(struct csn_session *s, struct csn_open_run *run, int is_stream,
    struct csn_writer_key **w)
{
	struct csn_epoch *e;
	int rc;

	*w = NULL;
	e = csn_epoch_find(s, run->direction, run->epoch_number);
	if (e == NULL && (rc = advance_to(s, run, &e)) != 0)
		return rc;
	if ((*w = csn_epoch_writer(e, run->writer)) != NULL)
		return 0;
	/* Not ours, nor a stream's of ours: a forked child goes on as well. */
	if (run->direction == s->own_direction && !(is_stream && s->streamed))
		csn_epoch_share_own(s, 1);
	if (e->nwriters >= s->max_writers)
		return s->replay == CSN_REPLAY_CHANNEL ? csn_fail(s->ctx,
		    CSN_E_LIMIT, "session", "epoch %u of tenant %s has %u "
		    "writers already", e->number, s->tenant_id,
		    e->nwriters) : 0;
	if ((rc = csn_epoch_add_writer(s, e, run->writer, &run->key,
	    s->replay == CSN_REPLAY_CHANNEL, w)) != 0)
		return rc;
	run->known = 1;	/* the key is the session's from now on */
	return 0;
}

static int
store_replay(struct csn_session *s, const struct csn_open_run *run,
    const struct csn_open_done *d, const struct csn_slot_print *print)
{
	const uint32_t who = csn_slot_who(run->direction, run->writer,
	    d->has_tag ? d->tag : NULL);
	struct csn_slot *slot;
	int rc;

	if (d->name == NULL)
		return 0;
	slot = csn_slots_find_print(&s->slots, print);
	rc = csn_slots_judge(&s->slots, slot, d->version, run->epoch_number,
	    who);
	if (rc < 0)
		return csn_fail(s->ctx, rc, "session",
		    "version %llu of the slot is superseded%s",
		    (unsigned long long)d->version,
		    slot != NULL ? "" : " or forgotten");
	if (rc == 0)
		return 0;
	if (csn_version_is_ahead(s->ctx, d->version))
		return csn_fail(s->ctx, CSN_E_REPLAY, "session", "version "
		    "%llu of the slot is more than a day ahead of the clock",
		    (unsigned long long)d->version);
	return slot_set(s, print, d->version, run->epoch_number, who);
}

/* Slots that are looked up together: what one waits for, all wait for. */
#define AHEAD 16

/* Under lock: the replay check of n messages whose tags may have held. */
static void
check_replay(struct csn_session *s, const struct csn_open_run *run,
    struct csn_writer_key *w, struct csn_open_done *done, size_t n)
{
	struct csn_slot_print prints[AHEAD];
	size_t i;

	for (i = 0; i < n && s->replay == CSN_REPLAY_STORE; i++)
		if (done[i].rc == 0 && done[i].name != NULL)
			csn_slots_print(&s->slots, done[i].name, &prints[i]);
	for (i = 0; i < n; i++) {
		if (done[i].rc != 0)
			continue;
		if (s->replay == CSN_REPLAY_STORE)
			done[i].rc = store_replay(s, run, &done[i],
			    &prints[i]);
		else if (s->replay == CSN_REPLAY_CHANNEL &&
		    !csn_window_take(w->window, done[i].sequence))
			done[i].rc = csn_fail(s->ctx, CSN_E_REPLAY, "session",
			    "message %llu was seen before, or is too far "
			    "behind", (unsigned long long)done[i].sequence);
	}
}

void
csn_session_open_end(struct csn_session *s, struct csn_open_run *run,
    struct csn_open_done *done, size_t n)
{
	struct csn_writer_key *w = NULL;
	int any = 0, is_stream = 0, rc = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (done[i].rc == 0) {
			any = 1;
			is_stream = !done[i].has_tag;
		}
	if (run->known && (!any || s->replay == CSN_REPLAY_OFF)) {
		csn_session_lock(s);
		unpin(s, run->epoch);
		csn_session_unlock(s);
		csn_wipe(&run->key, sizeof(run->key));
		return;
	}
	csn_session_lock(s);
	if (any && s->closed)
		rc = csn_session_alive(s);
	else if (any)
		rc = install(s, run, is_stream, &w);
	for (i = 0; i < n && rc != 0; i++)
		if (done[i].rc == 0)
			done[i].rc = rc;
	for (i = 0; i < n && rc == 0; i += AHEAD)
		check_replay(s, run, w, done + i, n - i < AHEAD ? n - i :
		    AHEAD);
	unpin(s, run->epoch);
	csn_session_unlock(s);
	if (!run->known)
		csn_key_forget(s->ctx, &run->key);
	csn_wipe(&run->key, sizeof(run->key));
}
