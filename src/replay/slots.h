/* SPDX-License-Identifier: Apache-2.0 */
/* replay/slots.h - the newest version of each slot, in bounded memory. */
#ifndef CSN_REPLAY_SLOTS_H
#define CSN_REPLAY_SLOTS_H

#include <stdatomic.h>
#include <string.h>

#include "base/context.h"
#include "base/little.h"

/*
 * What tells two slots apart: the kind of their messages, what of its place
 * the kind's room counts in, and whose they are. A room leaves zero what it
 * has no use for; a table of one tenant needs no label.
 */
struct csn_slot_name {
	uint32_t kind;
	uint32_t which;
	uint64_t at[2];
	uint64_t label;
	uint8_t name[32];
};

/*
 * A version is a hybrid clock: the wall time in ms << 20, and above every
 * version that was made or seen before. So ends that seal one slot without
 * reading each other are in the order of their clocks, and who reads first is
 * above what it read. One that is more than a day ahead is refused: it would
 * carry the clock of all who saw it along, up to the end of numbers.
 */
#define CSN_VERSION_COUNT 20		/* bits */
#define CSN_VERSION_AHEAD_MS 86400000u

static inline uint64_t
csn_version_after(uint64_t last, uint64_t wall_ms)
{
	uint64_t clock = wall_ms << CSN_VERSION_COUNT;

	return last < clock ? clock : last + 1;
}

/* 1 where the version is more than a day ahead of the clock. */
int csn_version_is_ahead(struct csn_ctx *ctx, uint64_t version);

/*
 * Who sealed a message, in 32 bits: bit 0 is its direction, 30 bits are of
 * its writer and its tag (NULL: of a stream, whose writer is its own). Bit 1
 * is the slot's: both directions were under it.
 */
#define CSN_WHO_DIRECTION 1u
#define CSN_WHO_BOTH 2u

static inline uint32_t
csn_slot_who(int direction, const uint8_t writer[16], const uint8_t *tag)
{
	uint32_t mark = csn_load32(writer);

	if (tag != NULL)
		mark ^= csn_load32(tag);
	return mark << 2 | (uint32_t)direction;
}

/*
 * A slot is kept as a 128-bit fingerprint of its name under a random seed of
 * the session's own. Two names with one fingerprint (a chance of n^2 / 2^129)
 * would share a version: the older is refused, so a collision loses an entry
 * and never lets an old one in.
 *
 * Forgetting a slot raises the floor of its direction to its version: slots
 * that are not known open only with a version above it. The other direction's
 * floor stays, for that end may have put what nobody has read yet; it is
 * raised too where it had a message under this slot. Past `max` slots one of
 * the oldest of a few looked at is forgotten.
 */
struct csn_slot {
	uint64_t fp[2];		/* 0, 0: free */
	uint64_t version;
	uint32_t epoch;
	uint32_t who;		/* csn_slot_who() */
};

static inline uint32_t
csn_slot_direction(const struct csn_slot *s)
{
	return s->who & CSN_WHO_DIRECTION;
}

struct csn_slots {
	/* Both are read without the session's lock to fetch a slot ahead. */
	struct csn_slot *_Atomic table;	/* of the heap, unless `lent` */
	_Atomic size_t cap;	/* a power of two; 0 before the first slot */
	uint32_t promised;	/* places kept for versions under way */
	uint32_t lent;
	uint64_t counter;	/* the last version handed out or seen */
	uint64_t floor[2];	/* by direction */
	uint32_t n;
	uint32_t max;
	uint64_t seed[4];
};

/* A name's fingerprint, and whose message goes there. */
struct csn_slot_fingerprint {
	uint64_t fp[2];
	uint32_t who;		/* where one was sealed: csn_slot_who() */
};

/* first: CSN_SLOTS_FIRST free slots that outlive t, or NULL. */
#define CSN_SLOTS_FIRST 32
void csn_slots_init(struct csn_slots *t, uint32_t max, const uint64_t seed[4],
    struct csn_slot *first);
void csn_slots_free(struct csn_slots *t);

/*
 * A name's fingerprint; the processor begins to fetch the slot's place. Taking
 * those of a few slots before the first is looked up hides what memory costs.
 */
void csn_slots_fingerprint(const struct csn_slots *t,
    const struct csn_slot_name *name, struct csn_slot_fingerprint *out);

/*
 * Whether a message opens under its slot (NULL: not known): 1 where it is
 * newer than all that was seen, 0 where it is the very message that is known
 * as the newest, CSN_E_REPLAY where it is neither.
 */
CSN_MUST_CHECK int csn_slots_judge(const struct csn_slots *t,
    const struct csn_slot *slot, uint64_t version, uint32_t epoch,
    uint32_t who);

/* As csn_slots_find and csn_slots_set, by fingerprint. */
struct csn_slot *csn_slots_find_by(struct csn_slots *t,
    const struct csn_slot_fingerprint *fp);
int csn_slots_set_by(struct csn_slots *t,
    const struct csn_slot_fingerprint *fp, uint64_t version, uint32_t epoch,
    uint32_t who, struct csn_slot *was, struct csn_slot *lost);

/* NULL where the slot is not known. */
struct csn_slot *csn_slots_find(struct csn_slots *t,
    const struct csn_slot_name *name);

/*
 * Keep room for n more slots, so that setting them cannot fail; the caller
 * takes n from promised again. CSN_E_NOMEM, and nothing is promised.
 */
int csn_slots_promise(struct csn_slots *t, size_t n);

/*
 * Set the slot to version. *was is what it was before (version 0: new), *lost
 * a slot that was forgotten to make room (version 0: none). 1, 0 where it has
 * a newer version already, or another message of this one (nothing changes),
 * or CSN_E_NOMEM.
 */
int csn_slots_set(struct csn_slots *t, const struct csn_slot_name *name,
    uint64_t version, uint32_t epoch, uint32_t who,
    struct csn_slot *was, struct csn_slot *lost);

/* 1 where it was known; *was is what it was. */
int csn_slots_forget(struct csn_slots *t, const struct csn_slot_name *name,
    struct csn_slot *was);

#endif
