/* SPDX-License-Identifier: Apache-2.0 */
/* envelope/header.h - the header of a message and its AAD. */
#ifndef CSN_ENVELOPE_HEADER_H
#define CSN_ENVELOPE_HEADER_H

#include <caisson/envelope.h>

#include "base/little.h"

/*
 * The 128 bytes before the tag, integers little-endian (docs/WIRE.md):
 *
 *   0  4  'C' 'S' 'N' 2                    48  4  epoch
 *   4  1  suite (enum csn_kem)             52  4  plaintext bytes
 *   5  1  kind                             56  8  sequence
 *   6  1  direction | replay mode << 4     64  8  version of the slot
 *   7  1  place, the first byte of it      72 56  place, the rest
 *   8  8  tenant label
 *  16 16  session
 *  32 16  writer
 *
 * A place says where the plaintext belongs. Each kind of message has a layout
 * of its own for it, which the kind's room writes and checks; this room does
 * not know any of them.
 *
 * The AAD is these 128 bytes and a tail that is not sent: u16 length of the
 * tenant id, tenant id, u64 segment index, u8 final flag (0 and 1 for what is
 * no stream). A kind whose place does not hold all that it must bind appends
 * that as u32 length and bytes: csn_aad_more().
 */
#define CSN_SEAL_VERSION 2
#define CSN_AAD_TAIL_MAX (2 + CSN_TENANT_ID_MAX + 8 + 1)
#define CSN_AAD_MAX (CSN_SEAL_HEADER + CSN_AAD_TAIL_MAX)

/* Offsets of the fields. */
#define CSN_H_SUITE 4
#define CSN_H_KIND 5
#define CSN_H_MODE 6		/* direction, and replay mode << 4 */
#define CSN_H_PLACE0 7		/* the place's first byte */
#define CSN_H_LABEL 8
#define CSN_H_SESSION 16
#define CSN_H_WRITER 32
#define CSN_H_EPOCH 48
#define CSN_H_LEN 52
#define CSN_H_SEQUENCE 56
#define CSN_H_VERSION 64
#define CSN_H_PLACE 72		/* the place's other bytes */
#define CSN_PLACE_SIZE (CSN_SEAL_HEADER - CSN_H_PLACE)

/* What all kinds have in common. */
struct csn_head {
	uint32_t kind;
	uint32_t suite;
	uint32_t direction;	/* 1: sealed by the tenant */
	uint32_t replay;
	uint32_t epoch;
	uint32_t len;		/* plaintext bytes */
	uint64_t sequence;
	uint64_t version;
	uint8_t label[8];
	uint8_t session[16];
	uint8_t writer[16];
};

/* A kind of message, or several with one layout, as their room has them. */
struct csn_envelope_kind {
	const char *what;	/* "a stream": for sentences */
	uint32_t kinds;		/* bits 1 << enum csn_kind */
	/* Bytes that a message has beside its ciphertext, the header among
	 * them; 0 where the header comes alone. */
	uint32_t around;
	/* Check the place, and what the kind asks of the common fields. 0, or
	 * CSN_E_FORM with the sentence. */
	int (*check)(const struct csn_ctx *ctx, const struct csn_head *h,
	    const uint8_t header[CSN_SEAL_HEADER]);
	/* Write what the place says into a checked header's description. */
	void (*describe)(const uint8_t header[CSN_SEAL_HEADER],
	    struct csn_header *out);
};

/* The header and the tail in one piece, as AES takes them. */
struct csn_aad {
	uint8_t bytes[CSN_AAD_MAX];
	size_t len;
};

/*
 * Write what all headers of a run share: bytes 0 to 4, 6 and 8 to 51, out of
 * suite, direction, replay, label, session, writer and epoch alone.
 */
void csn_head_begin(const struct csn_head *h, uint8_t out[CSN_SEAL_HEADER]);

/* Write the common fields that differ between the messages of a run. */
static inline void
csn_head_finish(uint8_t out[CSN_SEAL_HEADER], uint32_t kind, uint32_t len,
    uint64_t sequence, uint64_t version)
{
	out[CSN_H_KIND] = (uint8_t)kind;
	csn_store32(out + CSN_H_LEN, len);
	csn_store64(out + CSN_H_SEQUENCE, sequence);
	csn_store64(out + CSN_H_VERSION, version);
}

/*
 * Read a header of that kind and check its form: magic, version, suite, mode,
 * kind, the length against sealed_len, the place. Says nothing of
 * authenticity. 0, CSN_E_FORM, CSN_E_VERSION or CSN_E_SUITE; the sentence is
 * set.
 */
CSN_MUST_CHECK int csn_head_decode(const struct csn_ctx *ctx,
    const struct csn_envelope_kind *kind, const uint8_t *sealed,
    size_t sealed_len, struct csn_head *h);

/* 1 where n bytes of a header are zero, as a place's unused ones are. */
int csn_head_zero(const uint8_t *p, size_t n);

/* Write the AAD's tail for a tenant; returns its length. */
size_t csn_aad_tail(uint8_t out[CSN_AAD_TAIL_MAX], const char *tenant_id,
    uint64_t segment, int final);

/* Write the tail's segment index and final flag anew. */
static inline void
csn_aad_segment(struct csn_aad *aad, uint64_t segment, int final)
{
	csn_store64(aad->bytes + aad->len - 9, segment);
	aad->bytes[aad->len - 1] = final != 0;
}

/*
 * Append to an AAD of len bytes what the kind's place has no room for; aad
 * has 4 + more_len bytes behind them. Returns the new length.
 */
size_t csn_aad_more(uint8_t *aad, size_t len, const void *more,
    uint32_t more_len);

/* The 8-byte label of a tenant id: SHA3-256 of a prefix and the id, cut. */
CSN_MUST_CHECK int csn_tenant_label(struct csn_ctx *ctx,
    const char *tenant_id, uint8_t label[8]);

#endif
