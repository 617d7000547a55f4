/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/envelope.h - what a sealed message looks like from outside. */
#ifndef CAISSON_ENVELOPE_H
#define CAISSON_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include <caisson/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A sealed message is CSN_SEAL_OVERHEAD bytes of header and tag, then as many
 * bytes of ciphertext as there were of plaintext. docs/WIRE.md has each byte.
 * The header is authenticated, not hidden: it names the tenant (by a label),
 * session, epoch, writer, sequence, slot and lengths.
 */
#define CSN_SEAL_HEADER 128
#define CSN_SEAL_OVERHEAD 144		/* header, then the 16-byte tag */
#define CSN_SEAL_MAX UINT32_MAX		/* plaintext bytes of one message */
#define CSN_TENANT_ID_MAX 64	/* bytes of UTF-8, at least 1 */

enum csn_replay {
	/*
	 * A store that is read many times: each slot has a version, and only
	 * the newest opens. Versions are the wall time in ms << 20, and
	 * above all that this end made or opened. A slot should have one end
	 * that puts it: of two that never read each other the higher version
	 * wins and the other's is CSN_E_REPLAY.
	 */
	CSN_REPLAY_STORE = 1,
	/* A channel: each message opens once (sliding window per writer). */
	CSN_REPLAY_CHANNEL = 2,
	/* None: the caller has its own. What is sealed so says so. */
	CSN_REPLAY_OFF = 3
};

enum csn_kind {
	CSN_KIND_KV_ENTRY = 1,	/* K and V of one layer and position */
	CSN_KIND_KV_BLOCK = 2,	/* a run of positions, by name */
	CSN_KIND_STREAM = 3,	/* segments of a stream */
	CSN_KIND_CACHE = 4	/* a cache's entry (<caisson/cache_native.h>) */
};

#define CSN_HEADER_TENANT_SENT 1u	/* direction: sealed by the tenant */
#define CSN_HEADER_HAS_TOKEN 2u		/* token_id means something */

/*
 * What a sealed message says of itself; nothing of it is verified yet. Fields
 * that its kind does not have are 0.
 */
struct csn_header {
	uint32_t size;
	uint32_t kind;
	uint32_t flags;		/* CSN_HEADER_* */
	uint32_t replay;	/* enum csn_replay it was sealed for */
	uint32_t role;
	uint32_t epoch;
	uint32_t layer;
	uint32_t token_id;
	uint32_t count;
	uint32_t key_len;	/* plaintext bytes of K */
	uint32_t len;		/* plaintext bytes in all */
	uint32_t suite;
	uint64_t sequence;
	uint64_t version;	/* of the slot */
	uint64_t position;
	uint64_t expires_ms;	/* of a cache's entry, Unix ms; 0: never */
	uint8_t tenant_label[8];
	uint8_t session[16];
	uint8_t writer[16];
	uint8_t name[32];
};

/** Read a header for display or routing. CSN_E_FORM, CSN_E_VERSION,
 * CSN_E_SUITE. */
CSN_API CSN_MUST_CHECK int csn_header_read(struct csn_ctx *ctx,
    const uint8_t *sealed, size_t len, struct csn_header *out);

#ifdef __cplusplus
}
#endif

#endif
