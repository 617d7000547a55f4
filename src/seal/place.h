/* SPDX-License-Identifier: Apache-2.0 */
/* seal/place.h - the place of a stream in its header. */
#ifndef CSN_SEAL_PLACE_H
#define CSN_SEAL_PLACE_H

#include "envelope/header.h"

/*
 * The place is the stream's name, 32 bytes from CSN_H_STREAM_NAME on; all
 * other bytes of it are zero. The common length is the segment size.
 */
#define CSN_H_STREAM_NAME 80

extern const struct csn_envelope_kind csn_stream_kind;

/* name may be NULL: the stream has none. */
void csn_stream_place_write(const uint8_t *name,
    uint8_t header[CSN_SEAL_HEADER]);

/* A segment size of a sealed file or a stream. */
static inline int
csn_segment_ok(uint64_t segment)
{
	return segment >= (1u << 12) && segment <= (1u << 26) &&
	    (segment & (segment - 1)) == 0;
}

#endif
