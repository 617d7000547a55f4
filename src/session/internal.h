/* SPDX-License-Identifier: Apache-2.0 */
/* session/internal.h - what a session is made of. */
#ifndef CSN_SESSION_INTERNAL_H
#define CSN_SESSION_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/context.h"
#include "crypto/keyring.h"
#include "envelope/message.h"
#include "session/keys.h"
#include "replay/slots.h"
#include "replay/window.h"

#define CSN_DIR_SERVER 0	/* sealed by the server */
#define CSN_DIR_TENANT 1	/* sealed by the tenant */

#define CSN_DEFAULT_TTL_MS 900000u

/* One writer's key in one epoch. window only in channel mode. */
struct csn_writer_key {
	uint8_t id[16];
	struct csn_key key;
	struct csn_window *window;
};

/*
 * One key epoch of one direction. It goes when it is not the newest, nothing
 * is pinned, no live slot was sealed in it, and its grace is over; in store
 * mode only where nobody but this process can have sealed in it, for whose
 * slots are live is known here of its own alone.
 */
struct csn_epoch {
	struct csn_epoch *older;
	uint32_t number;
	uint32_t pins;		/* seals and opens under way */
	uint64_t live;		/* live slots sealed in it */
	uint64_t retired_ms;	/* ms since boot; 0 while the newest */
	struct csn_writer_key *writers;
	uint32_t nwriters;
	uint32_t cap;
	struct csn_key root;
	struct csn_writer_key first;	/* writers, while there is one */
	uint8_t taken;			/* of the session's near ones */
	uint8_t shared;			/* others may have sealed in it */
};

/* What sealing touches of an epoch. */
#define CSN_EPOCH_HOT offsetof(struct csn_epoch, retired_ms)

#define CSN_NEAR_EPOCHS 2

/* How far a reader looks ahead of the newest epoch that it has. */
#define CSN_AHEAD_EPOCHS 64
struct csn_steps;

/* Made at the first look ahead; goes with the session. */
struct csn_ahead {
	pthread_mutex_t looking;	/* taken before the session's lock */
	struct csn_steps *chain[2];	/* by direction; NULL: nothing */
};

/*
 * Invariants, under lock:
 * - own_sequence numbers are handed out once: a range is taken by adding to
 *   it, and own_key is fresh (its writer id is from the system's randomness)
 *   whenever own_sequence starts at 0;
 * - own_key is of heads[own_direction] while it is set;
 * - a csn_epoch is freed only with pins == 0;
 * - generation is the fork generation that own_key belongs to.
 */
/*
 * With 100,000 sessions in random order each cache line that is touched is a
 * miss, and each that is written one more. So what sealing and opening touch
 * comes first, in seven lines of 64 bytes (SESSION_HOT) with the first epoch's
 * counters in the last; what a message writes is in lines 0 to 2 and that one.
 */
struct csn_session {
	/* Line 0, on machines whose mutex has 40 bytes. */
	_Alignas(64) pthread_mutex_t lock;
	struct csn_ctx *ctx;
	_Atomic(struct csn_audit *) audit;
	uint32_t pins;		/* of all epochs, and of temporary keys */
	uint8_t closed;
	uint8_t expired;	/* and logged */
	uint8_t own_direction;
	uint8_t open_own;	/* what this side sealed opens here */

	/* Line 1. */
	uint64_t own_sequence;
	uint64_t own_blocks;
	uint64_t epoch_entries;
	uint64_t epoch_bytes;
	uint64_t epoch_started;	/* ms since boot */
	uint64_t total_entries;
	/* By direction, the newest epoch of each; NULL before the first use.
	 * Changed under lock only. */
	struct csn_epoch *_Atomic heads[2];

	/* Lines 2 and 3. */
	struct csn_slots slots;
	uint64_t expires_boot;	/* ms since boot */
	uint64_t max_entries;
	uint64_t max_bytes;
	uint64_t max_age_ms;
	_Atomic uint64_t generation;

	/* Line 4. */
	uint8_t own_id[16];
	struct csn_key own_key;	/* id 0: start a writer first */

	/* Lines 5 and 6. */
	uint8_t id[CSN_SESSION_ID_SIZE];
	uint8_t label[8];
	uint8_t suite;		/* enum csn_kem */
	uint8_t replay;
	uint8_t rotate;
	uint8_t audit_grain;
	uint8_t aad_tail_len;
	uint8_t aad_tail[CSN_AAD_TAIL_MAX];
	/* Epochs that need no memory, and no page, of their own. */
	struct csn_epoch near_epochs[CSN_NEAR_EPOCHS];
	/* And slots; each is a line away from the rest. */
	_Alignas(64) struct csn_slot near_slots[CSN_SLOTS_FIRST];

	atomic_uint refs;
	_Atomic pid_t pid;	/* of the process that lock belongs to */
	uint32_t max_writers;
	uint32_t epoch_streams;	/* begun here in this epoch */
	/* By direction, the key that gives the epoch after head's (0 at
	 * first), at that one's number & 1: csn_chain_key(). */
	struct csn_key next[2][2];
	char tenant_id[CSN_TENANT_ID_MAX + 1];
	uint8_t shared;		/* another process may seal with our keys */
	uint8_t streamed;	/* a stream was begun here */
	uint16_t kept[2];	/* by direction: store mode's shared epochs */
	struct csn_ahead *ahead; /* NULL before the first look ahead */
	char *tenant_name;	/* NULL: none */
	uint64_t grace_ms;
	uint64_t audit_failures;
	uint64_t created_ms;	/* Unix */
	uint64_t expires_ms;	/* Unix */
	uint64_t swept;		/* ms since boot, of the last sweep */
	uint64_t rotations;
	struct csn_stream_key *streams;	/* those that are under way */
};

#define CSN_SESSION_HOT \
	(offsetof(struct csn_session, near_epochs) + CSN_EPOCH_HOT)

/* What a finished exchange gives, for csn_session_make. */
struct csn_session_seed {
	int own_direction;
	int open_own;
	uint32_t suite;
	const char *tenant_id;
	const char *tenant_name;	/* may be NULL */
	uint8_t id[CSN_SESSION_ID_SIZE];
	uint64_t created_ms;
	uint64_t expires_ms;
	uint64_t as_of_ms;	/* what it reached when it was exported; 0 */
	uint8_t chain[2][CSN_KEY_SIZE];	/* by direction; the caller wipes */
};

/*
 * What is left of a life from created_ms to expires_ms that reached as_of_ms,
 * in ms. A clock that is behind any of them, or is set back, makes no life
 * longer.
 */
uint64_t csn_life_left(struct csn_ctx *ctx, uint64_t created_ms,
    uint64_t expires_ms, uint64_t as_of_ms);
/*
 * The time that a life reached which ends at end_boot ms since boot: by the
 * clock or by what is left of it, whichever is later. An export carries it.
 */
uint64_t csn_life_reached(struct csn_ctx *ctx, uint64_t expires_ms,
    uint64_t end_boot);
/* a + b, or the greatest number. */
uint64_t csn_add_ms(uint64_t a, uint64_t b);

/* A live session. options may be NULL; its kem is not looked at. */
CSN_MUST_CHECK int csn_session_make(struct csn_ctx *ctx,
    const struct csn_session_seed *seed,
    const struct csn_session_options *options, struct csn_session **out);

/* A whole copy of the caller's options, with defaults for what is 0. */
CSN_MUST_CHECK int csn_session_options_take(
    const struct csn_session_options *in, struct csn_session_options *out);
/* A whole copy of the caller's tenant, whose texts are not checked. */
CSN_MUST_CHECK int csn_tenant_take(const struct csn_tenant *in,
    struct csn_tenant *out);

/* 0, or CSN_E_ARG with the sentence. */
CSN_MUST_CHECK int csn_tenant_check(const struct csn_ctx *ctx,
    const char *id, const char *name);

/* Lock, making the lock usable first in a forked child. */
void csn_session_lock(struct csn_session *s);
void csn_session_unlock(struct csn_session *s);

/* Under lock: open and in time; logs the expiry once. */
CSN_MUST_CHECK int csn_session_alive(struct csn_session *s);
/* The same where the time, in ms since boot, was just read. */
CSN_MUST_CHECK int csn_session_alive_at(struct csn_session *s,
    uint64_t now);

/* Append to the session's own audit log, if there is one. */
void csn_session_audit(struct csn_session *s, const char *op, int code,
    const char *detail);

/* CSN_E_FORK with its sentence where it was made before a fork. */
CSN_MUST_CHECK int csn_session_forked(const struct csn_session *s);

/* rotate.c, under lock. Begin a writer of its own, where there is none. */
CSN_MUST_CHECK int csn_epoch_own(struct csn_session *s);
/* The own key is not for this process, or of an older epoch: wipe it. */
void csn_epoch_disown(struct csn_session *s);
CSN_MUST_CHECK int csn_epoch_advance(struct csn_session *s, int trigger);
/* Rotate where the policy says so, or report it: CSN_E_ROTATE. */
CSN_MUST_CHECK int csn_session_rotate_if_due(struct csn_session *s,
    uint64_t now, uint64_t bytes, uint64_t blocks);

/* slot_run.c, under lock: version is the slot's newest, of that epoch. */
CSN_MUST_CHECK int csn_session_slot_put(struct csn_session *s,
    const struct csn_slot_fingerprint *fp, uint64_t version, uint32_t epoch,
    uint32_t who);
CSN_MUST_CHECK int csn_session_slot_set(struct csn_session *s,
    const struct csn_slot_name *name, uint64_t version, uint32_t epoch,
    uint32_t who);
/* The tail of an AAD; that, and the header of what is sealed here. */
void csn_session_tail(const struct csn_session *s, struct csn_aad *aad);
void csn_session_head(const struct csn_session *s, uint32_t epoch,
    const uint8_t writer[16], struct csn_aad *aad);
/* Under lock: the epoch and the session stay while a run is under way. */
static inline void
csn_session_pin(struct csn_session *s, struct csn_epoch *e)
{
	s->pins++;
	if (e != NULL)
		e->pins++;
}

static inline void
csn_session_unpin(struct csn_session *s, struct csn_epoch *e)
{
	s->pins--;
	if (e != NULL)
		e->pins--;
}

/* stream_keys.c, under lock: wipe the keys of streams under way. */
void csn_session_wipe_streams(struct csn_session *s);

/* epoch.c, all under lock. A zeroed epoch, or NULL. */
struct csn_epoch *csn_epoch_new(struct csn_session *s);
/* Wipe and free; its keys are forgotten. */
void csn_epoch_free(struct csn_session *s, struct csn_epoch *e);
struct csn_epoch *csn_epoch_find(struct csn_session *s, int direction,
    uint32_t number);
void csn_epoch_sweep(struct csn_session *s);
/* Others may have sealed in it: in store mode it stays. */
void csn_epoch_share(struct csn_session *s, int direction,
    struct csn_epoch *e);
/* Others may seal in the newest own epoch and all that follow; where `older`
 * is 1 they may have sealed in those before it too. */
void csn_epoch_share_own(struct csn_session *s, int older);
CSN_MUST_CHECK int csn_epoch_add_writer(struct csn_session *s,
    struct csn_epoch *e, const uint8_t id[16], const struct csn_key *key,
    int with_window, struct csn_writer_key **out);
struct csn_writer_key *csn_epoch_writer(struct csn_epoch *e,
    const uint8_t id[16]);

/*
 * ahead.c. Under lock but for csn_ahead_look(): with a copy of the chain's key
 * it derives the epochs up to number without the lock, one thread at a time,
 * and keeps them for csn_ahead_root(), which returns NULL until then.
 */
CSN_MUST_CHECK int csn_ahead_look(struct csn_session *s, int direction,
    uint32_t number);
const struct csn_key *csn_ahead_root(const struct csn_session *s,
    int direction, uint32_t number);
void csn_ahead_forget(struct csn_session *s, int direction);
size_t csn_ahead_memory(const struct csn_session *s);
void csn_ahead_free(struct csn_session *s);
/*
 * 0 where somebody else's message may move the chain to an epoch that is not
 * here: CSN_E_EPOCH, CSN_E_LIMIT.
 */
CSN_MUST_CHECK int csn_chain_reach(const struct csn_session *s,
    int direction, uint32_t number);
/* What gives the epoch after a chain's head. */
struct csn_key *csn_chain_key(struct csn_session *s, int direction);
/* Install that epoch. */
CSN_MUST_CHECK int csn_chain_step(struct csn_session *s, int direction);

/* schedule.c: the key schedule, each step one HKDF-Expand (RFC 5869). */
CSN_MUST_CHECK int csn_schedule_epoch(struct csn_ctx *ctx,
    const struct csn_key *chain, struct csn_key *root, struct csn_key *next);
CSN_MUST_CHECK int csn_schedule_writer(struct csn_ctx *ctx,
    const struct csn_key *root, const uint8_t id[16], struct csn_key *key);

#endif
