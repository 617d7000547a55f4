/* SPDX-License-Identifier: Apache-2.0 */
/* session/handshake.h - the messages of the exchange and what they derive. */
#ifndef CSN_SESSION_HANDSHAKE_H
#define CSN_SESSION_HANDSHAKE_H

#include "base/cursor.h"
#include "session/internal.h"

/*
 * Messages (docs/WIRE.md), integers little-endian, "b16" a u16 length and
 * bytes:
 *
 * offer   "CSO" 1, u8 suite, u8 flags (1: signed), u16 0, u64 Unix ms,
 *         u64 ttl ms, nonce 32, b16 server's alias DID, b16 tenant's alias
 *         DID (empty: unsigned), b16 encapsulation key; where signed b16
 *         signature over all before it, context CSN_OFFER_CONTEXT
 * reply   "CSR" 1, u8 suite, u8 flags (1: signed), u16 0, session id 16,
 *         nonce 32, u64 created ms, u64 expires ms, b16 server's alias DID,
 *         b16 tenant id, b16 tenant name, b16 ciphertext [the body ends],
 *         server's MAC 32; b16 signature over transcript and MAC, context
 *         CSN_REPLY_CONTEXT
 * confirm "CSC" 1, session id 16, tenant's MAC 32
 *
 * transcript = SHA3-256(CSN_TRANSCRIPT_LABEL, u32 length and offer, u32
 * length and body of the reply); PRK = HKDF-Extract(transcript, secret);
 * HKDF-Expand(PRK, CSN_KEYS_LABEL, 128) = server's confirmation key, tenant's
 * confirmation key, server's first chain key, tenant's first chain key.
 * A MAC is HMAC-SHA3-256 of the transcript.
 */
#define CSN_OFFER_CONTEXT "caisson session offer v1"
#define CSN_REPLY_CONTEXT "caisson session reply v1"
#define CSN_TRANSCRIPT_LABEL "caisson v1 handshake"
#define CSN_KEYS_LABEL "caisson v1 session keys"

#define CSN_HANDSHAKE_SIGNED 1u
#define CSN_ALIAS_MAX 80	/* did:pqaid: and 64 digits */
#define CSN_MAC_SIZE 32
#define CSN_CONFIRM_SIZE (4 + CSN_SESSION_ID_SIZE + CSN_MAC_SIZE)
#define CSN_KEM_SEED_MAX 64

/* Views into the message that was read; text is not terminated. */
struct csn_offer_msg {
	int suite;
	uint32_t flags;
	uint64_t time_ms;
	uint64_t ttl_ms;
	uint8_t nonce[32];
	const uint8_t *server, *tenant, *ek, *signature;
	size_t server_len, tenant_len, ek_len, signature_len;
	size_t signed_len;	/* bytes that the signature is over */
};

struct csn_reply_msg {
	int suite;
	uint32_t flags;
	uint8_t session[CSN_SESSION_ID_SIZE];
	uint8_t nonce[32];
	uint64_t created_ms;
	uint64_t expires_ms;
	const uint8_t *server, *tenant_id, *tenant_name, *ct, *signature;
	size_t server_len, tenant_id_len, tenant_name_len, ct_len;
	size_t signature_len;
	size_t body_len;
	uint8_t mac[CSN_MAC_SIZE];
};

/* CSN_E_FORM, CSN_E_VERSION, CSN_E_SUITE. */
CSN_MUST_CHECK int csn_offer_read(const struct csn_ctx *ctx,
    const uint8_t *p, size_t len, struct csn_offer_msg *m);
CSN_MUST_CHECK int csn_reply_read(const struct csn_ctx *ctx,
    const uint8_t *p, size_t len, struct csn_reply_msg *m);

/* The offer up to its signature; the reply's body. */
void csn_offer_write(struct csn_out *w, const struct csn_offer_msg *m);
void csn_reply_write(struct csn_out *w, const struct csn_reply_msg *m);
void csn_confirm_write(uint8_t out[CSN_CONFIRM_SIZE],
    const uint8_t session[CSN_SESSION_ID_SIZE],
    const uint8_t mac[CSN_MAC_SIZE]);

/* What the exchange gives both sides; a secret. */
struct csn_agreed {
	uint8_t transcript[CSN_HASH_SIZE];
	uint8_t keys[4][CSN_KEY_SIZE];	/* confirm S, T; chain S, T */
};

CSN_MUST_CHECK int csn_transcript(struct csn_ctx *ctx, const uint8_t *offer,
    size_t offer_len, const uint8_t *body, size_t body_len,
    uint8_t out[CSN_HASH_SIZE]);
/* a->transcript is set already. */
CSN_MUST_CHECK int csn_agree(struct csn_ctx *ctx, struct csn_agreed *a,
    const uint8_t secret[CSN_KEM_SECRET_SIZE]);
CSN_MUST_CHECK int csn_confirm_mac(struct csn_ctx *ctx,
    const struct csn_agreed *a, int direction, uint8_t mac[CSN_MAC_SIZE]);

/* One side's half that waits. */
struct csn_offer {
	struct csn_ctx *ctx;
	int suite;
	struct csn_key seed[2];		/* of the KEM key, at rest */
	size_t seed_len;
	struct csn_kem_key *kem;
	char server[CSN_ALIAS_MAX + 1];
	uint8_t *msg;			/* what was sent */
	size_t len;
	int is_signed;
	int spent;
};

struct csn_pending {
	struct csn_ctx *ctx;
	int suite;
	uint8_t session[CSN_SESSION_ID_SIZE];
	uint8_t transcript[CSN_HASH_SIZE];
	struct csn_key keys[3];		/* confirm T, chain S, chain T */
	uint64_t created_ms;
	uint64_t expires_ms;
	uint64_t expires_boot;	/* ms since boot */
	char tenant_id[CSN_TENANT_ID_MAX + 1];
	char tenant_name[CSN_TENANT_NAME_MAX + 1];
	int spent;
};

/* The steps that local sessions share with the rest. */
CSN_MUST_CHECK int csn_offer_make(struct csn_ctx *ctx, int suite,
    uint64_t ttl_ms, const char *server_alias,
    const struct csn_identity *signer, struct csn_offer **out);
/* Encapsulate to an offer that was read and write the reply's body. */
CSN_MUST_CHECK int csn_reply_make(struct csn_ctx *ctx,
    const struct csn_offer_msg *offer, const char *server_alias,
    const struct csn_tenant *tenant, uint64_t ttl_ms, struct csn_out *body,
    struct csn_pending *p, uint8_t secret[CSN_KEM_SECRET_SIZE]);

#endif
