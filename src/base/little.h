/* SPDX-License-Identifier: Apache-2.0 */
/* base/little.h - little-endian integers, at any address. */
#ifndef CSN_BASE_LITTLE_H
#define CSN_BASE_LITTLE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Each is one move on a machine that is little-endian itself. */
static inline void
csn_store32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void
csn_store64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static inline uint32_t
csn_load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t
csn_load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

#endif
