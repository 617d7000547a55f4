/* SPDX-License-Identifier: Apache-2.0 */
/* session/epoch.c - key epochs and their writers: made, found, freed. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "session/internal.h"

#define SWEEP_EVERY_MS 1000

struct csn_writer_key *
csn_epoch_writer(struct csn_epoch *e, const uint8_t id[16])
{
	uint32_t i;

	for (i = 0; i < e->nwriters; i++)
		if (memcmp(e->writers[i].id, id, 16) == 0)	/* public */
			return &e->writers[i];
	return NULL;
}

int
csn_epoch_add_writer(struct csn_session *s, struct csn_epoch *e,
    const uint8_t id[16], const struct csn_key *key, int with_window,
    struct csn_writer_key **out)
{
	struct csn_writer_key *w, *old = e->writers;
	struct csn_window *window = NULL;
	uint32_t cap;

	if (with_window &&
	    (window = csn_calloc(1, sizeof(*window))) == NULL)
		goto nomem;
	if (e->nwriters == e->cap) {
		cap = e->cap == 0 ? 1 : e->cap * 2;
		if (cap == 1)
			w = &e->first;
		else if ((w = csn_calloc(cap, sizeof(*w))) == NULL)
			goto nomem;
		if (old != NULL)
			memcpy(w, old, e->nwriters * sizeof(*w));
		/* A child that is forked off here finds the one or the
		 * other, and only whole writers. */
		e->writers = w;
		e->cap = cap;
		if (old == &e->first)
			csn_wipe(old, sizeof(*w));
		else
			csn_wipe_free(old, e->nwriters * sizeof(*w));
	}
	w = &e->writers[e->nwriters];
	memcpy(w->id, id, 16);
	w->key = *key;
	w->window = window;
	e->nwriters++;
	if (out != NULL)
		*out = w;
	return 0;

nomem:
	free(window);
	return csn_nomem(s->ctx, "session", "a writer's key");
}

struct csn_epoch *
csn_epoch_new(struct csn_session *s)
{
	int i;

	for (i = 0; i < CSN_NEAR_EPOCHS; i++)
		if (!s->near_epochs[i].taken) {
			s->near_epochs[i].taken = 1;
			return &s->near_epochs[i];
		}
	return csn_calloc(1, sizeof(struct csn_epoch));
}

void
csn_epoch_free(struct csn_session *s, struct csn_epoch *e)
{
	uint32_t i;

	for (i = 0; i < e->nwriters; i++) {
		csn_key_wipe(s->ctx, &e->writers[i].key);
		free(e->writers[i].window);
	}
	if (e->writers != &e->first)
		free(e->writers);
	csn_key_wipe(s->ctx, &e->root);
	if (e->taken)
		csn_wipe(e, sizeof(*e));
	else
		csn_wipe_free(e, sizeof(*e));
}

void
csn_epoch_share(struct csn_session *s, int direction, struct csn_epoch *e)
{
	if (e->shared)
		return;
	e->shared = 1;
	if (s->replay == CSN_REPLAY_STORE)
		s->kept[direction]++;
}

void
csn_epoch_share_own(struct csn_session *s, int older)
{
	struct csn_epoch *e = s->heads[s->own_direction];

	s->shared = 1;
	for (; e != NULL; e = older ? e->older : NULL)
		csn_epoch_share(s, s->own_direction, e);
}

struct csn_epoch *
csn_epoch_find(struct csn_session *s, int direction, uint32_t number)
{
	struct csn_epoch *e;

	for (e = s->heads[direction]; e != NULL; e = e->older)
		if (e->number == number)
			return e;
	return NULL;
}

/* Free old epochs that nothing needs; now is ms since boot. */
static void
sweep_chain(struct csn_session *s, struct csn_epoch *head, uint64_t now)
{
	struct csn_epoch **at, *e;

	if (head == NULL)
		return;
	for (at = &head->older; (e = *at) != NULL; ) {
		if (e->pins != 0 || e->live != 0 || now < e->retired_ms ||
		    now - e->retired_ms < s->grace_ms ||
		    (e->shared && s->replay == CSN_REPLAY_STORE)) {
			at = &e->older;
			continue;
		}
		*at = e->older;
		csn_epoch_free(s, e);
	}
}

void
csn_epoch_sweep(struct csn_session *s)
{
	uint64_t now = csn_ctx_boot_ms(s->ctx);

	if (now < s->swept + SWEEP_EVERY_MS && s->swept != 0)
		return;
	s->swept = now;
	sweep_chain(s, s->heads[0], now);
	sweep_chain(s, s->heads[1], now);
}
