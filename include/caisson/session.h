/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/session.h - keys agreed with a tenant, and how they move on. */
#ifndef CAISSON_SESSION_H
#define CAISSON_SESSION_H

#include <caisson/audit.h>
#include <caisson/envelope.h>
#include <caisson/identity.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A session is one tenant's keys, agreed by a real ML-KEM exchange:
 *
 *   tenant                                   server
 *   csn_session_offer    --- offer --->      csn_session_accept
 *   csn_session_finish   <-- reply ----
 *                        --- confirm ->      csn_session_confirm
 *
 * The messages are bytes and travel by whatever the two have. The server is
 * authenticated by its ML-DSA signature against the tenant's trust store; the
 * tenant by its signed offer against the server's, or by the transport. The
 * server's session is live only after the tenant's confirmation.
 *
 * Session objects are safe from many threads. docs/DESIGN.md has the key
 * schedule and the argument why no nonce repeats.
 */
struct csn_session;

#define CSN_SESSION_ID_SIZE 16
#define CSN_TENANT_NAME_MAX 128
#define CSN_NEVER UINT64_MAX

struct csn_tenant {
	uint32_t size;
	const char *id;			/* 1 to 64 bytes of UTF-8 */
	const char *display_name;	/* 0 to 128 bytes; may be NULL */
};

enum csn_rotate_mode {
	CSN_ROTATE_AUTOMATIC = 0,	/* sealing rotates when it is time */
	CSN_ROTATE_REPORTED = 1		/* sealing returns CSN_E_ROTATE */
};

enum csn_rotate_trigger {
	CSN_ROTATE_NONE = 0,
	CSN_ROTATE_ENTRY_COUNT = 1,
	CSN_ROTATE_TIME_ELAPSED = 2,
	CSN_ROTATE_BYTE_COUNT = 3,
	CSN_ROTATE_MANUAL = 4
};

/* What one audit record of sealing or opening stands for. */
enum csn_audit_grain {
	CSN_AUDIT_PER_ENTRY = 0,
	CSN_AUDIT_PER_BATCH = 1
};

/** "ENTRY_COUNT"; NULL for no such trigger. */
CSN_API const char *csn_rotate_trigger_name(int trigger);

/* 0 means the default; CSN_NEVER switches a limit off. */
struct csn_session_options {
	uint32_t size;
	uint32_t kem;		/* enum csn_kem; local sessions only */
	uint32_t replay;	/* enum csn_replay; CSN_REPLAY_STORE */
	uint32_t rotate;	/* enum csn_rotate_mode */
	uint64_t ttl_ms;	/* 900,000; a handshake's can only be shorter */
	uint64_t max_entries;	/* of one epoch: 100,000 */
	uint64_t max_bytes;	/* of one epoch: 1 TiB, the most there is */
	uint64_t max_age_ms;	/* since the last rotation: 300,000 */
	uint64_t grace_ms;	/* an old epoch that no live slot needs:
				   30,000; a channel's peer opens at most 64
				   epochs within it */
	uint32_t max_slots;	/* remembered in store mode: 1,048,576 */
	uint32_t max_writers;	/* remembered an epoch: 64 */
	uint32_t audit_grain;	/* enum csn_audit_grain */
	uint32_t reserved;
	struct csn_audit *audit; /* outlives the session; NULL for none */
	/* The session must be this tenant's, or it is refused with
	 * CSN_E_TENANT; NULL: any tenant's. Whose offer is not signed says
	 * here who it is: the server has it from the transport. */
	const char *expect_tenant;
};

/* --- the handshake ---------------------------------------------------- */

struct csn_offer;	/* the tenant's half, between offer and finish */
struct csn_acceptor;	/* a server: its identity, whom it trusts, limits */
struct csn_pending;	/* the server's half, between accept and confirm */

struct csn_offer_options {
	uint32_t size;
	uint32_t kem;			/* enum csn_kem; 0 for ML-KEM-768 */
	uint64_t ttl_ms;		/* asked for; 0 for 900,000 */
	const struct csn_identity *identity; /* signs; NULL: the transport
						authenticates the tenant */
	const char *server_did;		/* whom the offer is for; needed */
};

/**
 * Make an offer: *msg (csn_free) goes to the server, *state stays for
 * csn_session_finish. 0, CSN_E_ARG, CSN_E_NOMEM, CSN_E_CRYPTO, CSN_E_RANDOM.
 */
CSN_API CSN_MUST_CHECK int csn_session_offer(struct csn_ctx *ctx,
    const struct csn_offer_options *options, struct csn_offer **state,
    uint8_t **msg, size_t *len);
CSN_API void csn_offer_free(struct csn_offer *state);	/* wipes */
/** 1 where an identity signed it; else the transport says whose it is. */
CSN_API int csn_offer_is_signed(const struct csn_offer *state);

struct csn_acceptor_options {
	uint32_t size;
	uint32_t kems;		/* allowed: bits 1 << enum csn_kem; 0: all but
				   ML-KEM-512 */
	uint64_t max_ttl_ms;	/* 0 for 24 h */
	uint64_t max_skew_ms;	/* of an offer's time; 0 for 120,000 */
	uint32_t rate;		/* offers a second, all senders; 0 for 200 */
	uint32_t burst;		/* 0 for 2 * rate */
	uint32_t tenant_rate;	/* offers a minute of one sender; 0 for 60 */
	uint32_t allow_transport; /* 1: unsigned offers, by the transport */
};

/**
 * A server that accepts offers made for identity. Both outlive it. Safe from
 * many threads.
 */
CSN_API CSN_MUST_CHECK int csn_acceptor_new(struct csn_ctx *ctx,
    const struct csn_identity *identity, struct csn_trust *trust,
    const struct csn_acceptor_options *options, struct csn_acceptor **out);
CSN_API void csn_acceptor_free(struct csn_acceptor *acceptor);

/**
 * Answer an offer: *reply (csn_free) goes to the tenant, *pending waits for
 * its confirmation. transport_tenant is the tenant id that the transport
 * proved (a TLS client certificate, a Unix peer), or NULL: then the offer
 * must be signed by a key that the trust store has as a tenant's.
 *
 * Checked in this order, each before the next costs anything: form, version,
 * suite, addressed to us, time, rate (CSN_E_RATE), seen before
 * (CSN_E_REPLAY), signer (CSN_E_SIGNER), signature (CSN_E_SIGNATURE).
 */
CSN_API CSN_MUST_CHECK int csn_session_accept(struct csn_acceptor *acceptor,
    const uint8_t *offer, size_t len, const struct csn_tenant *transport,
    struct csn_pending **pending, uint8_t **reply, size_t *reply_len);
CSN_API void csn_pending_free(struct csn_pending *pending);	/* wipes */

/**
 * The tenant's session, and the confirmation for the server (csn_free).
 * trust says which server key is trusted for CSN_PURPOSE_SERVER. The offer
 * is spent where this returns 0. CSN_E_FORM, CSN_E_SUITE, CSN_E_SIGNER,
 * CSN_E_SIGNATURE, CSN_E_TAG (the key confirmation), CSN_E_EXPIRED,
 * CSN_E_TENANT (another than options->expect_tenant).
 */
CSN_API CSN_MUST_CHECK int csn_session_finish(struct csn_offer *offer,
    struct csn_trust *trust, const uint8_t *reply, size_t len,
    const struct csn_session_options *options, struct csn_session **out,
    uint8_t **confirm, size_t *confirm_len);

/**
 * The server's session, live. CSN_E_TAG where the confirmation is not the
 * tenant's; pending then waits on. Spent where this returns 0.
 */
CSN_API CSN_MUST_CHECK int csn_session_confirm(struct csn_pending *pending,
    const uint8_t *confirm, size_t len,
    const struct csn_session_options *options, struct csn_session **out);

/**
 * A session whose two ends are in this process: the same exchange without
 * signatures. It opens what it sealed itself.
 */
CSN_API CSN_MUST_CHECK int csn_session_local(struct csn_ctx *ctx,
    const struct csn_tenant *tenant,
    const struct csn_session_options *options, struct csn_session **out);

/*
 * The halves of a handshake and sessions themselves as bytes, for programs
 * that end in between. They are secrets: the CLI seals them to the owner's
 * identity before it writes them. *out is csn_free'd after csn_wipe.
 */
CSN_API CSN_MUST_CHECK int csn_offer_export(struct csn_offer *offer,
    uint8_t **out, size_t *len);
CSN_API CSN_MUST_CHECK int csn_offer_import(struct csn_ctx *ctx,
    const uint8_t *in, size_t len, struct csn_offer **out);
CSN_API CSN_MUST_CHECK int csn_pending_export(struct csn_pending *pending,
    uint8_t **out, size_t *len);
CSN_API CSN_MUST_CHECK int csn_pending_import(struct csn_ctx *ctx,
    const uint8_t *in, size_t len, struct csn_pending **out);
/*
 * An imported session has a writer of its own, so that a restart or a second
 * process repeats no nonce. Slot versions and replay windows are not in it:
 * see docs/THREATS.md on rollback.
 */
CSN_API CSN_MUST_CHECK int csn_session_export(struct csn_session *session,
    uint8_t **out, size_t *len);
CSN_API CSN_MUST_CHECK int csn_session_import(struct csn_ctx *ctx,
    const uint8_t *in, size_t len, const struct csn_session_options *options,
    struct csn_session **out);

/* --- a live session --------------------------------------------------- */

CSN_API const char *csn_session_tenant_id(const struct csn_session *session);
CSN_API const char *csn_session_tenant_name(
    const struct csn_session *session);
/** CSN_SESSION_ID_SIZE bytes, public. */
CSN_API const uint8_t *csn_session_id(const struct csn_session *session);

struct csn_session_info {
	uint32_t size;
	uint32_t kem;
	uint32_t epoch;		/* of this side's direction */
	uint32_t live_epochs;
	uint64_t next_sequence;	/* of this process's writer */
	uint64_t entries_sealed; /* in this epoch */
	uint64_t bytes_sealed;	/* in this epoch */
	uint64_t total_entries;
	uint64_t rotations;
	uint64_t live_slots;
	uint64_t created_ms;	/* Unix */
	uint64_t expires_ms;	/* Unix */
	uint64_t memory;	/* bytes that the session holds */
	uint64_t audit_failures; /* records that the log did not take */
};
/** 0; CSN_E_ARG, and *info as it was, where its size is not right. */
CSN_API int csn_session_get_info(struct csn_session *session,
    struct csn_session_info *info);

/** 1 where it is open and its time is not over. */
CSN_API int csn_session_is_valid(struct csn_session *session);
/** 0, CSN_E_EXPIRED, CSN_E_CLOSED or CSN_E_FORK, with the sentence. */
CSN_API CSN_MUST_CHECK int csn_session_check_valid(
    struct csn_session *session);
/** Public description without secrets, JSON; csn_free. */
CSN_API CSN_MUST_CHECK int csn_session_json(struct csn_session *session,
    char **json);

/** Which limit wants a rotation now: an enum csn_rotate_trigger, 0 none. */
CSN_API int csn_session_should_rotate(struct csn_session *session);
/**
 * Start the next epoch. What was sealed before stays readable while it is
 * live. trigger is what the audit log says, 0 for CSN_ROTATE_MANUAL.
 */
CSN_API CSN_MUST_CHECK int csn_session_rotate(struct csn_session *session,
    int trigger);

/** After a fork: give the child a writer of its own. */
CSN_API CSN_MUST_CHECK int csn_session_after_fork(
    struct csn_session *session);

/** Another reference; each is ended by csn_session_free. */
CSN_API struct csn_session *csn_session_ref(struct csn_session *session);
/** Wipe the keys now: every use from here on gives CSN_E_CLOSED. */
CSN_API void csn_session_close(struct csn_session *session);
/** End a reference; the last one closes. NULL is fine. */
CSN_API void csn_session_free(struct csn_session *session);

#ifdef __cplusplus
}
#endif

#endif
