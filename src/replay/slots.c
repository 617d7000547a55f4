/* SPDX-License-Identifier: Apache-2.0 */
/* replay/slots.c - the newest version of each slot, in bounded memory. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "replay/slots.h"

#define LOOKED_AT 16	/* slots among which one is forgotten when full */

/* The folded 64 x 64 -> 128 bit product. */
static uint64_t
fold(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide p = (wide)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* One more word of a fingerprint's two halves. */
static inline void
mix(const struct csn_slots *t, uint64_t h[2], uint64_t word)
{
	h[0] = fold(h[0] ^ word, t->seed[2]);
	h[1] = fold(h[1] + word, t->seed[3]) ^ word;
}

/*
 * Many slots have no name or no label: those words are left out. How many
 * words were taken in is part of the start, so that slots of each form are
 * hashed as if under seeds of their own.
 */
static void
fingerprint(const struct csn_slots *t, const struct csn_slot_name *name,
    uint64_t fp[2])
{
	uint64_t h[2] = { t->seed[0], t->seed[1] }, w[4];
	size_t i;

	/*
	 * Field by field, as they were just written: a load of several at once
	 * waits for the stores.
	 */
	memcpy(w, name->name, sizeof(w));
	h[1] += (w[0] | w[1] | w[2] | w[3]) == 0 ? 3 : 7;
	if (name->label != 0) {
		h[1]++;
		mix(t, h, name->label);
	}
	mix(t, h, (uint64_t)name->which << 32 | name->kind);
	mix(t, h, name->at[0]);
	mix(t, h, name->at[1]);
	if ((w[0] | w[1] | w[2] | w[3]) != 0)
		for (i = 0; i < 4; i++)
			mix(t, h, w[i]);
	fp[0] = fold(h[0] ^ t->seed[3], h[1] ^ t->seed[2]);
	fp[1] = h[0] + h[1];
	if (fp[0] == 0 && fp[1] == 0)
		fp[0] = 1;
}

void
csn_slots_init(struct csn_slots *t, uint32_t max, const uint64_t seed[4],
    struct csn_slot *first)
{
	size_t i;

	memset(t, 0, sizeof(*t));
	t->max = max;
	t->table = first;
	t->lent = first != NULL;
	for (i = 0; i < 4; i++)	/* odd, so that no product is lost */
		t->seed[i] = seed[i] | 1;
}

void
csn_slots_free(struct csn_slots *t)
{
	if (!t->lent)
		free(t->table);
	t->table = NULL;
	t->lent = 0;
	t->cap = t->n = 0;
}

/* Where the search for a slot begins: at one of the two in a cache line of
 * which the other is looked at next. */
static size_t
home_of(size_t cap, const uint64_t fp[2])
{
	return (size_t)fp[0] & (cap - 2);
}

/* The slot's place, or the free one where it would go. */
static struct csn_slot *
place(struct csn_slot *table, size_t cap, const uint64_t fp[2])
{
	size_t i = home_of(cap, fp);

	while ((table[i].fp[0] | table[i].fp[1]) != 0 &&
	    (table[i].fp[0] != fp[0] || table[i].fp[1] != fp[1]))
		i = (i + 1) & (cap - 1);
	return &table[i];
}

static int
grow(struct csn_slots *t)
{
	size_t cap = t->cap == 0 ? CSN_SLOTS_FIRST : t->cap * 2;
	struct csn_slot *table, *old = t->table;
	size_t i;

	if (t->cap == 0 && old != NULL) {
		t->cap = cap;
		return 0;
	}
	if ((table = csn_calloc(cap, sizeof(*table))) == NULL)
		return CSN_E_NOMEM;
	for (i = 0; i < t->cap; i++)
		if ((old[i].fp[0] | old[i].fp[1]) != 0)
			*place(table, cap, old[i].fp) = old[i];
	/* A child that is forked off here finds the one or the other. */
	t->table = table;
	t->cap = cap;
	if (!t->lent)
		free(old);
	t->lent = 0;
	return 0;
}

/* Free a place and move up what linear probing had pushed behind it. */
static void
vacate(struct csn_slots *t, struct csn_slot *s)
{
	size_t hole = (size_t)(s - t->table), i = hole, home;

	for (;;) {
		i = (i + 1) & (t->cap - 1);
		if ((t->table[i].fp[0] | t->table[i].fp[1]) == 0)
			break;
		home = home_of(t->cap, t->table[i].fp);
		if (((i - home) & (t->cap - 1)) < ((i - hole) & (t->cap - 1)))
			continue;
		t->table[hole] = t->table[i];
		hole = i;
	}
	memset(&t->table[hole], 0, sizeof(t->table[hole]));
	t->n--;
}

static void
raise_floor(uint64_t *floor, uint64_t version)
{
	if (*floor < version)
		*floor = version;
}

static void
drop(struct csn_slots *t, struct csn_slot *s, struct csn_slot *was)
{
	uint32_t direction = csn_slot_direction(s);

	*was = *s;
	raise_floor(&t->floor[direction], s->version);
	if ((s->who & CSN_WHO_BOTH) != 0)
		raise_floor(&t->floor[1 - direction], s->version);
	vacate(t, s);
}

/* Forget the oldest of the first few slots from a place on. */
static void
make_room(struct csn_slots *t, size_t from, struct csn_slot *lost)
{
	struct csn_slot *oldest = NULL, *s;
	size_t seen = 0, i;

	for (i = 0; i < t->cap && seen < LOOKED_AT; i++) {
		s = &t->table[(from + i) & (t->cap - 1)];
		if ((s->fp[0] | s->fp[1]) == 0)
			continue;
		seen++;
		if (oldest == NULL || s->version < oldest->version)
			oldest = s;
	}
	if (oldest != NULL)
		drop(t, oldest, lost);
}

void
csn_slots_fingerprint(const struct csn_slots *t,
    const struct csn_slot_name *name, struct csn_slot_fingerprint *out)
{
	struct csn_slot *table = atomic_load_explicit(&t->table,
	    memory_order_relaxed);
	size_t cap = atomic_load_explicit(&t->cap, memory_order_relaxed);

	fingerprint(t, name, out->fp);
	/* Where the table grows meanwhile the wrong line comes: no harm. */
	if (cap != 0)
		__builtin_prefetch(table + home_of(cap, out->fp), 1);
}

int
csn_version_is_ahead(struct csn_ctx *ctx, uint64_t version)
{
	uint64_t ms = version >> CSN_VERSION_COUNT;

	/* The clock is read only where what was read lately won't do. */
	if (ms <= atomic_load_explicit(&ctx->wall_least,
	    memory_order_relaxed) + CSN_VERSION_AHEAD_MS)
		return 0;
	return ms > csn_ctx_wall_ms(ctx) + CSN_VERSION_AHEAD_MS;
}

/* The same message, but for what is noted of the slot. */
static int
same(const struct csn_slot *s, uint32_t epoch, uint32_t who)
{
	return s->epoch == epoch && ((s->who ^ who) & ~CSN_WHO_BOTH) == 0;
}

int
csn_slots_judge(const struct csn_slots *t, const struct csn_slot *slot,
    uint64_t version, uint32_t epoch, uint32_t who)
{
	if (slot == NULL)
		return version > t->floor[who & CSN_WHO_DIRECTION] ? 1 :
		    CSN_E_REPLAY;
	if (version == slot->version)
		return same(slot, epoch, who) ? 0 : CSN_E_REPLAY;
	return version > slot->version ? 1 : CSN_E_REPLAY;
}

struct csn_slot *
csn_slots_find_by(struct csn_slots *t, const struct csn_slot_fingerprint *fp)
{
	struct csn_slot *s;

	if (t->cap == 0)
		return NULL;
	s = place(t->table, t->cap, fp->fp);
	return (s->fp[0] | s->fp[1]) == 0 ? NULL : s;
}

struct csn_slot *
csn_slots_find(struct csn_slots *t, const struct csn_slot_name *name)
{
	struct csn_slot_fingerprint fp;

	csn_slots_fingerprint(t, name, &fp);
	return csn_slots_find_by(t, &fp);
}

int
csn_slots_promise(struct csn_slots *t, size_t n)
{
	size_t want = (size_t)t->n + t->promised + n;

	if (want > t->max)
		want = t->max;
	while (want * 4 > t->cap * 3)
		if (grow(t) != 0)
			return CSN_E_NOMEM;
	t->promised += (uint32_t)n;
	return 0;
}

int
csn_slots_set_by(struct csn_slots *t, const struct csn_slot_fingerprint *fp,
    uint64_t version, uint32_t epoch, uint32_t who, struct csn_slot *was,
    struct csn_slot *lost)
{
	struct csn_slot *s;

	memset(was, 0, sizeof(*was));
	memset(lost, 0, sizeof(*lost));
	/* A fuller table is slower, not wrong: one free place ends a search. */
	if ((size_t)t->n * 4 >= t->cap * 3 && grow(t) != 0 &&
	    (size_t)t->n + 1 >= t->cap)
		return CSN_E_NOMEM;
	s = place(t->table, t->cap, fp->fp);
	if ((s->fp[0] | s->fp[1]) == 0) {
		if (t->n >= t->max) {
			make_room(t, (size_t)(s - t->table), lost);
			s = place(t->table, t->cap, fp->fp);
		}
		t->n++;
	} else if (s->version > version ||
	    (s->version == version && !same(s, epoch, who))) {
		/* Another one overtook it: this one is superseded. */
		return 0;
	} else {
		*was = *s;
		who |= s->who & CSN_WHO_BOTH;
		if (((s->who ^ who) & CSN_WHO_DIRECTION) != 0)
			who |= CSN_WHO_BOTH;
	}
	s->fp[0] = fp->fp[0];
	s->fp[1] = fp->fp[1];
	s->version = version;
	s->epoch = epoch;
	s->who = who;
	if (version > t->counter)
		t->counter = version;
	return 1;
}

int
csn_slots_set(struct csn_slots *t, const struct csn_slot_name *name,
    uint64_t version, uint32_t epoch, uint32_t who, struct csn_slot *was,
    struct csn_slot *lost)
{
	struct csn_slot_fingerprint fp;

	csn_slots_fingerprint(t, name, &fp);
	return csn_slots_set_by(t, &fp, version, epoch, who, was, lost);
}

int
csn_slots_forget(struct csn_slots *t, const struct csn_slot_name *name,
    struct csn_slot *was)
{
	struct csn_slot *s = csn_slots_find(t, name);

	if (s == NULL)
		return 0;
	drop(t, s, was);
	return 1;
}
