/* SPDX-License-Identifier: Apache-2.0 */
/* session/ahead.c - a chain's next epochs: looked ahead to, and stepped on. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "session/internal.h"

/* Epochs of a direction that stay until the session ends, at most. */
#define MAX_KEPT 1024

/*
 * What has been looked ahead to in a direction: n epochs from a number on, of
 * which the last ones follow the chain's newest, each with the chain key
 * behind it. None of it is the session's before a tag has verified; then
 * csn_chain_step() takes them one by one and leaves wiped places.
 *
 * A child may be forked off by another thread in the middle of all this, and
 * goes on with what it finds. So what a step or a look changes is one pointer,
 * and what that was before is freed and forgotten afterwards.
 */
struct step {
	struct csn_key root;
	struct csn_key next;
};

struct csn_steps {
	uint64_t from;		/* the number of the first one's epoch */
	uint32_t n;
	uint32_t cap;
	struct step step[];
};

static size_t
size_of(uint32_t cap)
{
	return sizeof(struct csn_steps) + cap * sizeof(struct step);
}

static struct csn_steps *
steps_of(const struct csn_session *s, int direction)
{
	return s->ahead == NULL ? NULL : s->ahead->chain[direction];
}

/* The number of the epoch that the chain's key gives. */
static uint64_t
next_number(const struct csn_session *s, int direction)
{
	const struct csn_epoch *head = s->heads[direction];

	return head == NULL ? 0 : (uint64_t)head->number + 1;
}

struct csn_key *
csn_chain_key(struct csn_session *s, int direction)
{
	return &s->next[direction][next_number(s, direction) & 1];
}

/* Epochs behind the chain's newest that are there. */
static uint32_t
held(const struct csn_session *s, int direction)
{
	const struct csn_steps *a = steps_of(s, direction);
	uint64_t next = next_number(s, direction);

	return a == NULL || a->from + a->n <= next ? 0 :
	    (uint32_t)(a->from + a->n - next);
}

static void
forget_some(struct csn_session *s, struct step *step, uint32_t n)
{
	for (; n > 0; n--, step++) {
		csn_key_wipe(s->ctx, &step->root);
		csn_key_wipe(s->ctx, &step->next);
	}
}

static void
forget(struct csn_session *s, struct csn_steps *a)
{
	if (a == NULL)
		return;
	forget_some(s, a->step, a->n);
	csn_wipe_free(a, size_of(a->cap));
}

void
csn_ahead_forget(struct csn_session *s, int direction)
{
	struct csn_steps *a = steps_of(s, direction);

	if (a == NULL)
		return;
	s->ahead->chain[direction] = NULL;
	forget(s, a);
}

void
csn_ahead_free(struct csn_session *s)
{
	if (s->ahead == NULL)
		return;
	pthread_mutex_destroy(&s->ahead->looking);
	free(s->ahead);
}

size_t
csn_ahead_memory(const struct csn_session *s)
{
	size_t n = s->ahead == NULL ? 0 : sizeof(*s->ahead);
	int i;

	for (i = 0; i < 2; i++)
		if (steps_of(s, i) != NULL)
			n += size_of(steps_of(s, i)->cap);
	return n;
}

const struct csn_key *
csn_ahead_root(const struct csn_session *s, int direction, uint32_t number)
{
	struct csn_steps *a = steps_of(s, direction);
	uint64_t first = next_number(s, direction);

	return number < first || number - first >= held(s, direction) ? NULL :
	    &a->step[number - a->from].root;
}

/* n epochs on from a chain key, which stays as it is; with room for more. */
static int
derive(struct csn_session *s, const struct csn_key *chain, uint32_t n,
    uint32_t more, struct csn_steps **out)
{
	struct csn_steps *a = csn_calloc(1, size_of(n + more));
	int rc;

	if (a == NULL)
		return csn_nomem(s->ctx, "session", "the epochs ahead");
	for (a->cap = n + more; a->n < n; a->n++) {
		if ((rc = csn_schedule_epoch(s->ctx, chain,
		    &a->step[a->n].root, &a->step[a->n].next)) != 0) {
			forget(s, a);
			return rc;
		}
		chain = &a->step[a->n].next;
	}
	*out = a;
	return 0;
}

/*
 * Under lock: a has more epochs, from a->from on. Keep them behind what was
 * held before, less those that the chain has reached by itself meanwhile.
 */
static void
keep(struct csn_session *s, int direction, struct csn_steps *a)
{
	struct csn_steps *old = steps_of(s, direction);
	uint64_t next = next_number(s, direction);
	uint32_t before = held(s, direction);
	uint64_t past = next + before - a->from;
	uint32_t skip = past < a->n ? (uint32_t)past : a->n;

	forget_some(s, a->step, skip);
	a->n -= skip;
	memmove(&a->step[before], &a->step[skip], a->n * sizeof(a->step[0]));
	if (before != 0)
		memcpy(a->step, &old->step[next - old->from],
		    before * sizeof(a->step[0]));
	a->from = next;
	a->n += before;
	s->ahead->chain[direction] = a;
	if (old != NULL)
		csn_wipe_free(old, size_of(old->cap));
	if (a->n == 0)
		csn_ahead_forget(s, direction);
}

/* Under lock. */
static int
make_ahead(struct csn_session *s)
{
	if (s->ahead != NULL)
		return 0;
	if ((s->ahead = csn_calloc(1, sizeof(*s->ahead))) == NULL)
		return csn_nomem(s->ctx, "session", "the epochs ahead");
	pthread_mutex_init(&s->ahead->looking, NULL);
	return 0;
}

/* The one that looks: the epochs up to number, less what is there. */
static int
look(struct csn_session *s, int direction, uint32_t number)
{
	struct csn_steps *a, *more = NULL;
	struct csn_key chain;
	uint64_t from;
	uint32_t n, before;
	int rc = 0;

	csn_session_lock(s);
	a = steps_of(s, direction);
	before = held(s, direction);
	from = next_number(s, direction) + before;
	chain = before == 0 ? *csn_chain_key(s, direction) :
	    a->step[a->n - 1].next;
	/* The chain may have got there, or the session may be closed. */
	n = s->closed || number < from ? 0 : (uint32_t)(number - from) + 1;
	if (n != 0)
		s->pins++;	/* a close waits for what is kept */
	csn_session_unlock(s);
	if (n != 0) {
		rc = derive(s, &chain, n, before, &more);
		csn_session_lock(s);
		if (more != NULL) {
			more->from = from;
			keep(s, direction, more);
		}
		s->pins--;
		csn_session_unlock(s);
	}
	csn_wipe(&chain, sizeof(chain));
	return rc;
}

int
csn_ahead_look(struct csn_session *s, int direction, uint32_t number)
{
	int rc;

	csn_session_lock(s);
	rc = make_ahead(s);
	csn_session_unlock(s);
	if (rc != 0)
		return rc;
	pthread_mutex_lock(&s->ahead->looking);
	rc = look(s, direction, number);
	pthread_mutex_unlock(&s->ahead->looking);
	return rc;
}

/* Old epochs of a direction whose grace is not over. */
static uint32_t
in_grace(const struct csn_session *s, int direction)
{
	const struct csn_epoch *e = s->heads[direction];
	uint64_t now = csn_ctx_boot_ms(s->ctx);
	uint32_t n = 0;

	while (e != NULL && (e = e->older) != NULL)
		n += now < e->retired_ms || now - e->retired_ms < s->grace_ms;
	return n;
}

/* 0 where a direction may have n epochs more. */
static int
room_for(const struct csn_session *s, int direction, uint32_t n)
{
	if (s->replay == CSN_REPLAY_STORE && n + s->kept[direction] > MAX_KEPT)
		return csn_fail(s->ctx, CSN_E_LIMIT, "session", "tenant %s "
		    "has %u epochs that stay until the session ends: "
		    "establish a new one", s->tenant_id, s->kept[direction]);
	return 0;
}

int
csn_chain_reach(const struct csn_session *s, int direction, uint32_t number)
{
	uint64_t next = next_number(s, direction);
	uint32_t n;

	if (number < next)
		return csn_fail(s->ctx, CSN_E_EPOCH, "session", "epoch %u of "
		    "tenant %s is gone: its keys were wiped after rotation",
		    number, s->tenant_id);
	if (number - next >= CSN_AHEAD_EPOCHS)
		return csn_fail(s->ctx, CSN_E_EPOCH, "session", "epoch %u of "
		    "tenant %s is further ahead than the next %d", number,
		    s->tenant_id, CSN_AHEAD_EPOCHS);
	n = (uint32_t)(number - next) + 1;
	if (s->replay != CSN_REPLAY_STORE &&
	    in_grace(s, direction) + n > CSN_AHEAD_EPOCHS)
		return csn_fail(s->ctx, CSN_E_LIMIT, "session", "tenant %s "
		    "opened more than %d epochs within the grace of %llu ms",
		    s->tenant_id, CSN_AHEAD_EPOCHS,
		    (unsigned long long)s->grace_ms);
	return room_for(s, direction, n);
}

/* The chain's next epoch and the key behind it, looked ahead to or not. */
static int
next_step(struct csn_session *s, int direction, struct csn_key *root,
    struct csn_key *next)
{
	const struct csn_steps *a = steps_of(s, direction);
	const struct step *step;

	if (held(s, direction) == 0)
		return csn_schedule_epoch(s->ctx, csn_chain_key(s, direction),
		    root, next);
	step = &a->step[next_number(s, direction) - a->from];
	*root = step->root;
	*next = step->next;
	return 0;
}

/* The keys of the newest epoch are the chain's own by now. */
static void
step_taken(struct csn_session *s, int direction)
{
	struct csn_steps *a = steps_of(s, direction);
	uint32_t number = s->heads[direction]->number;

	if (a == NULL)
		return;
	csn_wipe(&a->step[number - a->from], sizeof(a->step[0]));
	if (held(s, direction) == 0)
		csn_ahead_forget(s, direction);
}

int
csn_chain_step(struct csn_session *s, int direction)
{
	struct csn_epoch *head = s->heads[direction], *e;
	struct csn_key *chain = csn_chain_key(s, direction), next;
	int rc;

	if (head != NULL && head->number == UINT32_MAX)
		return csn_fail(s->ctx, CSN_E_LIMIT, "session",
		    "the session is at its last epoch: establish a new one");
	if ((rc = room_for(s, direction, 1)) != 0)
		return rc;
	if ((e = csn_epoch_new(s)) == NULL)
		return csn_nomem(s->ctx, "session", "a key epoch");
	if ((rc = next_step(s, direction, &e->root, &next)) != 0) {
		csn_epoch_free(s, e);
		return rc;
	}
	if (head != NULL) {
		e->number = head->number + 1;
		head->retired_ms = csn_ctx_boot_ms(s->ctx) + 1;
	}
	e->older = head;
	if (s->shared || direction != s->own_direction)
		csn_epoch_share(s, direction, e);
	s->next[direction][(e->number & 1) ^ 1] = next;
	/* Before this the chain is where it was, and after it one epoch on. */
	s->heads[direction] = e;
	csn_key_wipe(s->ctx, chain);
	step_taken(s, direction);
	return 0;
}
