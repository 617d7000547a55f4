/* SPDX-License-Identifier: Apache-2.0 */
/* base/cursor.h - bounds-checked reading and writing of bytes. */
#ifndef CSN_BASE_CURSOR_H
#define CSN_BASE_CURSOR_H

#include <caisson/export.h>

/*
 * A reader never runs past its end: a read that would marks it bad, gives
 * zero, and so does every read after it. A parser reads everything and asks
 * csn_reader_ok() once (and csn_reader_done() where nothing may be left).
 * Integers are little-endian.
 */
struct csn_reader {
	const uint8_t *p;
	size_t left;
	int bad;
};

void csn_reader_init(struct csn_reader *r, const void *p, size_t len);
uint8_t csn_read_u8(struct csn_reader *r);
uint16_t csn_read_u16(struct csn_reader *r);
uint32_t csn_read_u32(struct csn_reader *r);
uint64_t csn_read_u64(struct csn_reader *r);
/* Copy len bytes; zeroes out where they are not there. */
void csn_read_bytes(struct csn_reader *r, void *out, size_t len);
/* A view of len bytes, or NULL; a view of 0 bytes is not NULL. */
const uint8_t *csn_read_view(struct csn_reader *r, size_t len);
/* A u16 length, then a view of that many bytes. */
const uint8_t *csn_read_view16(struct csn_reader *r, size_t *len);
int csn_reader_ok(const struct csn_reader *r);	/* nothing ran over */
int csn_reader_done(const struct csn_reader *r);	/* ok, nothing left */

/*
 * A writer grows (fixed == 0, start zeroed, free with csn_out_wipe) or
 * fills a caller's buffer. A write that does not fit marks it bad.
 */
struct csn_out {
	uint8_t *p;
	size_t len;
	size_t cap;
	int fixed;
	int bad;
};

void csn_out_init(struct csn_out *w);	/* grows */
void csn_out_fixed(struct csn_out *w, void *p, size_t cap);
void csn_put_u8(struct csn_out *w, uint8_t v);
void csn_put_u16(struct csn_out *w, uint16_t v);
void csn_put_u32(struct csn_out *w, uint32_t v);
void csn_put_u64(struct csn_out *w, uint64_t v);
void csn_put_bytes(struct csn_out *w, const void *p, size_t len);
/* A u16 length, then the bytes; marks it bad past 65,535. */
void csn_put_bytes16(struct csn_out *w, const void *p, size_t len);
int csn_out_ok(const struct csn_out *w);
/* Wipe and free a growing writer's buffer; only wipes a fixed one. */
void csn_out_wipe(struct csn_out *w);

#endif
