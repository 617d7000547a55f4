/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz/edit.h - changes to a message that is true, before it is signed or
 * sealed. An input begins with how many there are; each is what is done, a
 * u16 where, and a byte. Without a change the message stays true, so that
 * what lies behind its signature or tag is reached from the first input on.
 */
#ifndef FUZZ_EDIT_H
#define FUZZ_EDIT_H

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"

/* p has room for cap bytes. 1 where they are no more as they were. */
static inline int
fuzz_edit(struct csn_reader *r, uint8_t *p, size_t *len, size_t cap)
{
	uint8_t n = csn_read_u8(r), what, v, *before;
	size_t at, was = *len;
	int changed;

	if (n == 0)
		return 0;
	if ((before = malloc(was + 1)) == NULL)
		abort();
	memcpy(before, p, was);

	while (n-- > 0 && r->left >= 4) {
		what = csn_read_u8(r) % 6;
		at = csn_read_u16(r);
		v = csn_read_u8(r);
		if (*len == 0)
			break;
		at %= *len;
		if (what == 0) {
			p[at] = v;
		} else if (what == 1) {
			p[at] ^= (uint8_t)(1u << v % 8);
		} else if (what == 2) {
			p[at] = (uint8_t)(p[at] + v);
		} else if (what == 3 && *len < cap) {
			memmove(p + at + 1, p + at, *len - at);
			p[at] = v;
			*len += 1;
		} else if (what == 4) {
			memmove(p + at, p + at + 1, *len - at - 1);
			*len -= 1;
		} else if (what == 5) {
			*len = at;
		}
	}
	changed = *len != was || memcmp(p, before, was) != 0;
	free(before);
	return changed;
}

#endif
