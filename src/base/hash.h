/* SPDX-License-Identifier: Apache-2.0 */
/* base/hash.h - the hash of tables whose keys come from outside. */
#ifndef CSN_BASE_HASH_H
#define CSN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One multiply, folded: it mixes well enough for a table with a random key. */
static inline uint64_t
csn_hash_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 r = (unsigned __int128)a * b;

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

/*
 * Of len bytes, going on from h under the secret k. Both are random, so
 * that nobody outside finds bytes that collide. It is no cryptographic hash.
 */
static inline uint64_t
csn_hash_bytes(uint64_t h, uint64_t k, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t w;

	h = csn_hash_mix(h ^ len, k);
	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&w, p, 8);
		h = csn_hash_mix(h ^ w, k);
	}
	if (len > 0) {
		w = 0;
		memcpy(&w, p, len);
		h = csn_hash_mix(h ^ w, k);
	}
	return h;
}

/* For keys that nobody outside chooses, where a fixed secret will do. */
static inline uint64_t
csn_hash_fixed(const void *p, size_t len)
{
	return csn_hash_bytes(UINT64_C(0x243f6a8885a308d3),
	    UINT64_C(0x13198a2e03707345), p, len);
}

#endif
