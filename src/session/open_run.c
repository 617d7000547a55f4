/* SPDX-License-Identifier: Apache-2.0 */
/* session/open_run.c - a run of messages that is opened. */
#include <string.h>

#include "base/fail.h"
#include "session/internal.h"

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
		csn_session_pin(s, run->epoch);
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
    const struct csn_open_done *d, const struct csn_slot_fingerprint *fp)
{
	const uint32_t who = csn_slot_who(run->direction, run->writer,
	    d->has_tag ? d->tag : NULL);
	struct csn_slot *slot;
	int rc;

	if (d->name == NULL)
		return 0;
	slot = csn_slots_find_by(&s->slots, fp);
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
	return csn_session_slot_put(s, fp, d->version,
	    run->epoch_number, who);
}

/* Slots that are looked up together: what one waits for, all wait for. */
#define AHEAD 16

/* Under lock: the replay check of n messages whose tags may have held. */
static void
check_replay(struct csn_session *s, const struct csn_open_run *run,
    struct csn_writer_key *w, struct csn_open_done *done, size_t n)
{
	struct csn_slot_fingerprint fps[AHEAD];
	size_t i;

	for (i = 0; i < n && s->replay == CSN_REPLAY_STORE; i++)
		if (done[i].rc == 0 && done[i].name != NULL)
			csn_slots_fingerprint(&s->slots, done[i].name, &fps[i]);
	for (i = 0; i < n; i++) {
		if (done[i].rc != 0)
			continue;
		if (s->replay == CSN_REPLAY_STORE)
			done[i].rc = store_replay(s, run, &done[i],
			    &fps[i]);
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
		csn_session_unpin(s, run->epoch);
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
	csn_session_unpin(s, run->epoch);
	csn_session_unlock(s);
	if (!run->known)
		csn_key_wipe(s->ctx, &run->key);
	csn_wipe(&run->key, sizeof(run->key));
}
