/* SPDX-License-Identifier: Apache-2.0 */
/* envelope/message.h - one message under a key, its AAD and its number. */
#ifndef CSN_ENVELOPE_MESSAGE_H
#define CSN_ENVELOPE_MESSAGE_H

#include <string.h>

#include <caisson/aead.h>

#include "crypto/keyring.h"
#include "envelope/header.h"

/* SP 800-38D: one key's messages, and blocks with a margin of our own. */
#define CSN_KEY_MAX_MESSAGES ((uint64_t)1 << 32)
#define CSN_KEY_MAX_BLOCKS ((uint64_t)1 << 36)

/* 96-bit nonce: 4 zero bytes, then the number, big-endian. */
static inline void
csn_nonce(uint8_t nonce[CSN_NONCE_SIZE], uint64_t number)
{
	number = htobe64(number);
	memset(nonce, 0, 4);
	memcpy(nonce + 4, &number, sizeof(number));
}

/* AES blocks of a message: data, AAD, the length block, the tag's mask. */
static inline uint64_t
csn_message_blocks(uint64_t len, size_t aad_len)
{
	return len / 16 + aad_len / 16 + 4;
}

/*
 * One message. number is its sequence or the index of its segment: the nonce,
 * so the key never sees it a second time for sealing.
 */
struct csn_message {
	const uint8_t *aad;	/* header and tail */
	size_t aad_len;
	uint64_t number;
	const struct csn_aead_part *parts;
	size_t nparts;
	uint8_t *tag;		/* CSN_TAG_SIZE: seal writes, open reads */
	int shared;		/* others may write to the sealed bytes */
};

static inline void
csn_message_begin(const struct csn_message *m, struct csn_aead_msg *msg)
{
	csn_nonce(msg->nonce, m->number);
	msg->aad = m->aad;
	msg->aad_len = m->aad_len;
	msg->parts = m->parts;
	msg->nparts = m->nparts;
	msg->tag = m->tag;
	msg->shared = m->shared;
}

/*
 * Seal or open with the key that is expanded in the lane, which the caller
 * holds. CSN_E_CRYPTO; opening CSN_E_TAG, and the output is wiped.
 */
CSN_MUST_CHECK static inline int
csn_message_seal(struct csn_lane *lane, const struct csn_message *m)
{
	struct csn_aead_msg msg;

	csn_message_begin(m, &msg);
	return csn_lane_seal(lane, &msg);
}

CSN_MUST_CHECK static inline int
csn_message_open(struct csn_lane *lane, const struct csn_message *m)
{
	struct csn_aead_msg msg;

	csn_message_begin(m, &msg);
	return csn_lane_open(lane, &msg);
}

#endif
