/* session/slots.h - the newest version of each slot, in bounded memory. */
#ifndef CSN_SESSION_SLOTS_H
#define CSN_SESSION_SLOTS_H

#include <stdatomic.h>

#include <caisson/error.h>

/*
 * What tells two slots of a store apart, in 56 bytes without padding: kind,
 * role, layer, count, position, and the name.
 */
struct csn_slot_name {
	uint32_t kind;
	uint32_t role;
	uint32_t layer;
	uint32_t count;
	uint64_t position;
	uint8_t name[32];
};

/*
 * A slot is kept as a 128-bit fingerprint of its name under a random seed of
 * the session's own. Two names with one fingerprint (a chance of n^2 / 2^129)
 * would share a version: the older is refused, so a collision loses an entry
 * and never lets an old one in.
 *
 * Forgetting a slot raises `floor` to its version: slots that are not known
 * open only with a version above it. Past `max` slots one of the oldest of a
 * few looked at is forgotten.
 */
struct csn_slot {
	uint64_t fp[2];		/* 0, 0: free */
	uint64_t version;
	uint32_t epoch;
	uint32_t direction;
};

struct csn_slots {
	/* Both are read without the session's lock to fetch a slot ahead. */
	struct csn_slot *_Atomic table;	/* NULL before the first */
	_Atomic size_t cap;		/* a power of two */
	size_t promised;	/* places kept for versions under way */
	uint64_t counter;	/* the last version handed out or seen */
	uint64_t floor;
	uint32_t n;
	uint32_t max;
	uint64_t seed[4];
	struct csn_slot *first;		/* used before any of the heap's */
};

/* A name's fingerprint. */
struct csn_slot_print {
	uint64_t fp[2];
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
void csn_slots_print(const struct csn_slots *t,
    const struct csn_slot_name *name, struct csn_slot_print *out);

/* As csn_slots_find and csn_slots_set, by fingerprint. */
struct csn_slot *csn_slots_find_print(struct csn_slots *t,
    const struct csn_slot_print *print);
int csn_slots_set_print(struct csn_slots *t,
    const struct csn_slot_print *print, uint64_t version, uint32_t epoch,
    uint32_t direction, struct csn_slot *was, struct csn_slot *lost);

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
 * a newer version already (nothing changes), or CSN_E_NOMEM.
 */
int csn_slots_set(struct csn_slots *t, const struct csn_slot_name *name,
    uint64_t version, uint32_t epoch, uint32_t direction,
    struct csn_slot *was, struct csn_slot *lost);

/* 1 where it was known; *was is what it was. */
int csn_slots_forget(struct csn_slots *t, const struct csn_slot_name *name,
    struct csn_slot *was);

#endif
