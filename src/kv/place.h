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

void csn_kv_place_write(const struct csn_kv_slot *slot, uint32_t key_len,
    uint8_t header[CSN_SEAL_HEADER]);

/* Of a header that csn_head_decode() took; returns the length of K. */
uint32_t csn_kv_place_read(const uint8_t header[CSN_SEAL_HEADER],
    struct csn_kv_slot *slot);

/* What tells the slot apart in the table of versions. */
void csn_kv_slot_name(const struct csn_kv_slot *slot,
    struct csn_slot_name *name);

#endif
