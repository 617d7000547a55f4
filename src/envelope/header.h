/* SPDX-License-Identifier: Apache-2.0 */
/* envelope/header.h - the header of a message and its AAD. */
#ifndef CSN_ENVELOPE_HEADER_H
#define CSN_ENVELOPE_HEADER_H

#include <endian.h>
#include <string.h>

#include <caisson/aead.h>
#include <caisson/envelope.h>

#include "base/little.h"

/*
 * The 128 bytes before the tag, integers little-endian (docs/WIRE.md):
 *
 *   0  4  'C' 'S' 'N' 1         48  4  epoch       112  4  token id
 *   4  1  suite (enum csn_kem)  52  4  layer       116  4  count
 *   5  1  kind                  56  8  sequence    120  4  length of K
 *   6  1  flags | replay << 4   64  8  version     124  4  length in all
 *   7  1  role                  72  8  position
 *   8  8  tenant label          80 32  name
 *  16 16  session
 *  32 16  writer
 *
 * The AAD is these 128 bytes and a tail that is not sent: u16 length of the
 * tenant id, tenant id, u64 segment index, u8 final flag (0 and 1 for what is
 * no stream).
 */
#define CSN_SEAL_VERSION 1
#define CSN_AAD_TAIL_MAX (2 + CSN_TENANT_ID_MAX + 8 + 1)
#define CSN_AAD_MAX (CSN_SEAL_HEADER + CSN_AAD_TAIL_MAX)

/* Offsets that the hot path uses. */
#define CSN_H_LABEL 8
#define CSN_H_SESSION 16
#define CSN_H_WRITER 32
#define CSN_H_SEQUENCE 56

/* 96-bit nonce: 4 zero bytes, then the sequence, big-endian. */
static inline void
csn_nonce(uint8_t nonce[CSN_NONCE_SIZE], uint64_t sequence)
{
	sequence = htobe64(sequence);
	memset(nonce, 0, 4);
	memcpy(nonce + 4, &sequence, sizeof(sequence));
}

/* A segment size of a sealed file or a stream. */
static inline int
csn_segment_ok(uint64_t segment)
{
	return segment >= (1u << 12) && segment <= (1u << 26) &&
	    (segment & (segment - 1)) == 0;
}

/*
 * Write what all headers of a run share: bytes 0 to 4, 6 and 8 to 51, out of
 * suite, flags, replay, label, session, writer and epoch alone.
 */
void csn_header_encode_run(const struct csn_header *h,
    uint8_t out[CSN_SEAL_HEADER]);

/* Write the header's 128 bytes. */
void csn_header_encode(const struct csn_header *h,
    uint8_t out[CSN_SEAL_HEADER]);

/*
 * Read and check form: magic, version, suite, kind, flags, role, lengths
 * against sealed_len (CSN_SEAL_HEADER alone for a stream). Says nothing of
 * authenticity. 0, CSN_E_FORM, CSN_E_VERSION or CSN_E_SUITE; the sentence is
 * set.
 */
CSN_MUST_CHECK int csn_header_decode(const struct csn_ctx *ctx,
    const uint8_t *sealed, size_t sealed_len, struct csn_header *h);

/* The AAD's tail for a tenant; returns its length. */
size_t csn_aad_tail(uint8_t out[CSN_AAD_TAIL_MAX], const char *tenant_id,
    uint64_t segment, int final);

/* The 8-byte label of a tenant id: SHA3-256 of a prefix and the id, cut. */
CSN_MUST_CHECK int csn_tenant_label(struct csn_ctx *ctx,
    const char *tenant_id, uint8_t label[8]);

#endif
