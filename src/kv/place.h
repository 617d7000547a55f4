/* SPDX-License-Identifier: Apache-2.0 */
/* kv/place.h - the place of a KV entry or block in its header. */
#ifndef CSN_KV_PLACE_H
#define CSN_KV_PLACE_H

#include <caisson/kv.h>

#include "envelope/header.h"
#include "replay/slots.h"

/*
 * The place, integers little-endian (docs/WIRE.md):
 *
 *   7  1  role | 4 where the token id means something
 *  72  8  position      112  4  token id     120  4  plaintext bytes of K
 *  80 32  name          116  4  count        124  4  layer
 */
#define CSN_H_KV_ROLE CSN_H_PLACE0
#define CSN_H_KV_POSITION 72
#define CSN_H_KV_NAME 80
#define CSN_H_KV_TOKEN 112
#define CSN_H_KV_COUNT 116
#define CSN_H_KV_KEY_LEN 120
#define CSN_H_KV_LAYER 124
#define CSN_KV_PLACE_TOKEN 4u	/* beside the role */

extern const struct csn_envelope_kind csn_kv_kind;

/* Inline: each message has one written and read. */
static inline void
csn_kv_place_write(const struct csn_kv_slot *slot, uint32_t key_len,
    uint8_t header[CSN_SEAL_HEADER])
{
	header[CSN_H_KV_ROLE] = (uint8_t)(slot->role |
	    ((slot->flags & CSN_KV_HAS_TOKEN) != 0 ? CSN_KV_PLACE_TOKEN : 0));
	csn_store64(header + CSN_H_KV_POSITION, slot->position);
	memcpy(header + CSN_H_KV_NAME, slot->name, sizeof(slot->name));
	csn_store32(header + CSN_H_KV_TOKEN, slot->token_id);
	csn_store32(header + CSN_H_KV_COUNT, slot->count);
	csn_store32(header + CSN_H_KV_KEY_LEN, key_len);
	csn_store32(header + CSN_H_KV_LAYER, slot->layer);
}

/* Of a header that csn_head_decode() took; returns the length of K. */
static inline uint32_t
csn_kv_place_read(const uint8_t header[CSN_SEAL_HEADER],
    struct csn_kv_slot *slot)
{
	const uint8_t role = header[CSN_H_KV_ROLE];

	slot->kind = header[CSN_H_KIND];
	slot->role = role & ~CSN_KV_PLACE_TOKEN;
	slot->flags = (role & CSN_KV_PLACE_TOKEN) != 0 ? CSN_KV_HAS_TOKEN : 0;
	slot->position = csn_load64(header + CSN_H_KV_POSITION);
	memcpy(slot->name, header + CSN_H_KV_NAME, sizeof(slot->name));
	slot->token_id = csn_load32(header + CSN_H_KV_TOKEN);
	slot->count = csn_load32(header + CSN_H_KV_COUNT);
	slot->layer = csn_load32(header + CSN_H_KV_LAYER);
	return csn_load32(header + CSN_H_KV_KEY_LEN);
}

/* What tells the slot apart in the table of versions. */
static inline void
csn_kv_slot_name(const struct csn_kv_slot *slot, struct csn_slot_name *name)
{
	name->kind = slot->kind;
	name->which = slot->role;
	name->at[0] = (uint64_t)slot->count << 32 | slot->layer;
	name->at[1] = slot->position;
	name->label = 0;
	memcpy(name->name, slot->name, sizeof(name->name));
}

#endif
