/* SPDX-License-Identifier: Apache-2.0 */
/* cache/place.h - the place of a cache's own entry in its header. */
#ifndef CSN_CACHE_PLACE_H
#define CSN_CACHE_PLACE_H

#include <caisson/crypto.h>

#include "envelope/header.h"
#include "replay/slots.h"

/*
 * The place, integers little-endian (docs/wire/cache.md); its other bytes are
 * zero:
 *
 *  72  8  expiry, Unix ms (0: none)     80 32  hash of cache key and format
 */
#define CSN_H_CACHE_EXPIRES 72
#define CSN_H_CACHE_NAME 80

extern const struct csn_envelope_kind csn_cache_kind;

void csn_cache_place_write(uint64_t expires_ms,
    const uint8_t name[CSN_HASH_SIZE], uint8_t header[CSN_SEAL_HEADER]);

/* What tells the entry's slot apart, whose header has label and name. */
void csn_cache_slot_name(const uint8_t label[8],
    const uint8_t name[CSN_HASH_SIZE], struct csn_slot_name *out);

#endif
