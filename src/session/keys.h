/* SPDX-License-Identifier: Apache-2.0 */
/* session/keys.h - what the rooms that seal ask of a session. */
#ifndef CSN_SESSION_KEYS_H
#define CSN_SESSION_KEYS_H

#include <caisson/audit.h>
#include <caisson/session.h>

#include "envelope/message.h"
#include "replay/slots.h"

struct csn_epoch;

/*
 * Sealing: a run of n messages under one writer key, with sequences
 * first_sequence … and, in store mode, slot versions first_version …
 * (replay/slots.h).
 * Reserved in one step, ended by csn_session_seal_end.
 */
struct csn_seal_run {
	struct csn_epoch *epoch;
	struct csn_key key;
	uint64_t first_sequence;
	uint64_t first_version;		/* 0 where there are none */
	size_t n;			/* granted: at least 1 */
	uint32_t epoch_number;
	uint32_t direction;		/* that the session seals in */
	uint8_t writer[16];
	/* Its header is begun (csn_head_begin), its tail is whole. */
	struct csn_aad aad;
};

/*
 * Reserve for at most n messages of `bytes` plaintext bytes and `blocks` AES
 * blocks in all (AAD included, rather too many than too few). Fewer are
 * granted where the rotation policy draws a line between two entries.
 * CSN_E_FORK, CSN_E_CLOSED, CSN_E_EXPIRED, CSN_E_ROTATE, CSN_E_LIMIT,
 * CSN_E_CRYPTO, CSN_E_NOMEM. now is the time in ms since boot where it was
 * read a moment ago, else 0.
 */
CSN_MUST_CHECK int csn_session_seal_begin(struct csn_session *s, size_t n,
    uint64_t bytes, uint64_t blocks, uint64_t now, struct csn_seal_run *run);

/*
 * Of a slot that a message of a run goes to, for csn_session_seal_end; no lock
 * is needed. The slot's place is on its way from memory then.
 */
void csn_session_slot_fingerprint(const struct csn_session *s,
    const struct csn_slot_name *name, struct csn_slot_fingerprint *out);

/*
 * End the run. In store mode fps says which slots its first n messages
 * went to, and whose they are (zero: this one failed, skip it): from now on
 * only these open. Until here the run's epoch cannot go, so a store takes the
 * bytes first and the run ends after it.
 */
CSN_MUST_CHECK int csn_session_seal_end(struct csn_session *s,
    struct csn_seal_run *run, const struct csn_slot_fingerprint *fps, size_t n);

/* The slot's message is gone: raise the floor to its version. */
void csn_session_slot_forget(struct csn_session *s,
    const struct csn_slot_name *name);
/*
 * 1 where an old epoch is kept by live slots alone, so that it goes once they
 * are sealed anew; epochs that are over go now.
 */
int csn_session_wants_reseal(struct csn_session *s);
/* 1 where the slot's newest is of an epoch before the newest own one. */
int csn_session_slot_is_old(struct csn_session *s,
    const struct csn_slot_name *name);

/*
 * Opening: the key for messages with h's direction, epoch and writer. A
 * writer or epoch that is not known yet gives a temporary key, which becomes
 * part of the session only when csn_session_open_end is told that a tag
 * verified under it.
 */
struct csn_open_run {
	struct csn_epoch *epoch;	/* NULL: the next one, not yet here */
	struct csn_key key;
	int direction;
	int known;		/* key is the session's, not temporary */
	uint32_t epoch_number;
	uint8_t writer[16];
	/* The session writes the tail, the caller each message's header. */
	struct csn_aad aad;
};

/*
 * Checks in order: fork, tenant, session, suite, mode, direction, open and
 * in time, epoch. CSN_E_FORK, CSN_E_TENANT, CSN_E_SESSION, CSN_E_SUITE,
 * CSN_E_FORM, CSN_E_CLOSED, CSN_E_EXPIRED, CSN_E_EPOCH, CSN_E_LIMIT.
 */
CSN_MUST_CHECK int csn_session_open_begin(struct csn_session *s,
    const struct csn_head *h, struct csn_open_run *run);

/* What one verified message of the run was, for its replay check. */
struct csn_open_done {
	uint64_t sequence;
	uint64_t version;
	const struct csn_slot_name *name;	/* store mode; NULL: no slot */
	uint8_t tag[4];		/* its first bytes */
	int has_tag;		/* 0: a stream, known by its writer */
	int rc;		/* in: 0 where the tag verified; out: CSN_E_REPLAY */
};

/* End the run: move ratchet and replay state by what verified. */
void csn_session_open_end(struct csn_session *s, struct csn_open_run *run,
    struct csn_open_done *done, size_t n);

/*
 * Streams: each is a writer of its own, so its key is nobody else's. The
 * session knows the keys of those that are under way and wipes them when it
 * closes; nothing is pinned between two segments. All fields are the
 * session's, to be read only. Zeroed before begin or join; ended in any case
 * where that returned 0, and not moved until then.
 */
struct csn_stream_key {
	struct csn_stream_key *next;
	struct csn_stream_key **at;
	struct csn_key key;
	uint64_t generation;		/* of the process that began it */
	uint64_t version;		/* 0 where there is none */
	uint64_t segments;		/* that a lane was held for */
	uint32_t epoch_number;
	int sealing;
	uint8_t writer[16];
	struct csn_aad aad;		/* as in a run of messages */
};

/*
 * Begin sealing: a fresh writer of the newest own epoch, which stays until
 * the end. The errors of csn_session_seal_begin.
 */
CSN_MUST_CHECK int csn_session_stream_begin(struct csn_session *s,
    struct csn_stream_key *k);
/*
 * Begin opening: the key for h, with the checks and errors of
 * csn_session_open_begin. Nothing of the session moves; the first segment's
 * csn_session_open_end does that.
 */
CSN_MUST_CHECK int csn_session_stream_join(struct csn_session *s,
    const struct csn_head *h, struct csn_stream_key *k);
/*
 * Hold a lane with the stream's key for one segment of `bytes` plaintext
 * bytes, until csn_session_stream_used. CSN_E_FORK, CSN_E_CLOSED,
 * CSN_E_EXPIRED, CSN_E_CRYPTO, CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_session_stream_use(struct csn_session *s,
    struct csn_stream_key *k, uint64_t bytes, struct csn_lane **lane);
void csn_session_stream_used(struct csn_session *s, struct csn_lane *lane);
/*
 * A sealed stream is whole: where it has a slot, its version is the slot's
 * newest from now on. name may be NULL.
 */
CSN_MUST_CHECK int csn_session_stream_keep(struct csn_session *s,
    struct csn_stream_key *k, const struct csn_slot_name *name);
/* Wipe the key. A key that never began is fine. */
void csn_session_stream_end(struct csn_session *s, struct csn_stream_key *k);

/* Prefetch the session, which is used a few groups later. */
void csn_session_prefetch(const struct csn_session *s);
/* Prefetch what a prefetched session points to: its epoch, and the slot. */
void csn_session_prefetch_slot(const struct csn_session *s,
    const struct csn_slot_name *name, struct csn_slot_fingerprint *out);

/* Constant for the life of a session; no lock needed. */
struct csn_ctx *csn_session_ctx(const struct csn_session *s);
struct csn_audit *csn_session_audit_log(const struct csn_session *s);
/*
 * Fill a record of what was done under the session and how it ended: all but
 * sequence and bytes, and a count of 1.
 */
void csn_session_record(const struct csn_session *s, const char *op,
    int code, const char *detail, struct csn_audit_record *r);
/* 1 where the session's log was `from` (NULL: none), and is `to` by now. */
int csn_session_audit_change(struct csn_session *s, struct csn_audit *from,
    struct csn_audit *to);
int csn_session_audit_grain(const struct csn_session *s);

#endif
