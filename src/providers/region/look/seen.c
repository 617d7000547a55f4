/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look/seen.c - without a freeze: was it one moment that was seen?
 *
 * Each piece that is read leaves a fingerprint, and at the end the pieces
 * are read once more. Where none differs, the first reading is what memory
 * held at the moment between the two. Where the kernel tells of writes since
 * begin, its word takes the place of the second reading.
 */

#include <inttypes.h>
#include <string.h>
#include <stdlib.h>
#include <sys/random.h>

#include "providers/region/look/look.h"
#include "providers/region/look/pagemap.h"

#define ROOM "region"
#define PIECE ((size_t)1 << 20)

/*
 * A keyed 64-bit fingerprint, for noticing that bytes changed under way: no
 * protection against anyone, and never part of a report.
 */
static uint64_t
fingerprint_of(const struct csn_look *l, const uint8_t *b, size_t len)
{
	uint64_t lanes[4], w;
	size_t i, k;

	for (k = 0; k < 4; k++)
		lanes[k] = l->key[0] + k;
	for (i = 0; i + 32 <= len; i += 32) {
		for (k = 0; k < 4; k++) {
			memcpy(&w, b + i + 8 * k, 8);
			lanes[k] = (lanes[k] ^ w) * (l->key[1] | 1);
			lanes[k] ^= lanes[k] >> 29;
		}
	}
	for (; i < len; i++)
		lanes[i % 4] = (lanes[i % 4] ^ b[i]) * (l->key[1] | 1);
	w = len;
	for (k = 0; k < 4; k++) {
		w = (w ^ lanes[k]) * (l->key[1] | 1);
		w ^= w >> 31;
	}
	return w;
}

int
csn_seen_begin(struct csn_look *l)
{
	if (getrandom(l->key, sizeof(l->key), 0) !=
	    (ssize_t)sizeof(l->key))
		return csn_fail(l->ctx, CSN_E_RANDOM, ROOM,
		    "the system gave no randomness");
	l->nseen = 0;
	l->narmed = 0;
	l->looking = 1;
	return 0;
}

int
csn_seen_add(struct csn_look *l, uint64_t address, const void *bytes,
    size_t len)
{
	struct csn_seen *more;
	const uint8_t *b = bytes;
	size_t cap, take;

	while (len > 0) {
		take = len < PIECE ? len : PIECE;
		if (l->nseen == l->seen_cap) {
			cap = l->seen_cap == 0 ? 64 : l->seen_cap * 2;
			more = csn_realloc(l->seen, cap, sizeof(*more));
			if (more == NULL)
				return csn_nomem(l->ctx, ROOM,
				    "remembering what was read");
			l->seen = more;
			l->seen_cap = cap;
		}
		l->seen[l->nseen].address = address;
		l->seen[l->nseen].len = take;
		l->seen[l->nseen++].fingerprint = fingerprint_of(l, b, take);
		address += take;
		b += take;
		len -= take;
	}
	return 0;
}

void
csn_seen_armed(struct csn_look *l, uint64_t address, uint64_t len)
{
	struct csn_range *more;
	size_t cap;

	if (!l->looking)
		return;
	if (l->narmed == l->armed_cap) {
		cap = l->armed_cap == 0 ? 16 : l->armed_cap * 2;
		more = csn_realloc(l->armed, cap, sizeof(*more));
		if (more == NULL)
			return;		/* then it is read once more */
		l->armed = more;
		l->armed_cap = cap;
	}
	l->armed[l->narmed].offset = address;
	l->armed[l->narmed++].len = len;
}

static int
changed(const struct csn_look *l, uint64_t address)
{
	return csn_fail(l->ctx, CSN_E_BUSY, ROOM, "region %s of process %ld "
	    "was written at 0x%" PRIx64 " while it was read: try again, or "
	    "freeze the process meanwhile (freeze=ptrace or cgroup)",
	    csn_look_name(l, address), (long)l->target.pid, address);
}

static int
written(void *arg, uint64_t start, uint64_t end)
{
	(void)end;
	return changed(arg, start);
}

static int
is_armed(const struct csn_look *l, const struct csn_seen *s)
{
	size_t i;

	for (i = 0; i < l->narmed; i++) {
		if (s->address >= l->armed[i].offset && s->address + s->len <=
		    l->armed[i].offset + l->armed[i].len)
			return 1;
	}
	return 0;
}

/* 0 where the kernel knows that nothing was written since it was armed. */
static int
ask_kernel(struct csn_look *l)
{
	const struct csn_range *a;
	size_t i;
	int fd, rc;

	for (i = 0; i < l->narmed; i++) {
		a = &l->armed[i];
		if ((fd = csn_target_pagemap(&l->target)) < 0)
			return CSN_E_BACKEND;
		rc = csn_pagemap_scan(l->ctx, fd, a->offset,
		    a->offset + a->len, 0, written, l);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
read_again(struct csn_look *l)
{
	const struct csn_seen *s;
	uint8_t *bytes;
	size_t i;
	int rc = 0;

	if ((bytes = csn_calloc(1, PIECE)) == NULL)
		return csn_nomem(l->ctx, ROOM, "what was read");
	for (i = 0; i < l->nseen && rc == 0; i++) {
		s = &l->seen[i];
		if (is_armed(l, s))
			continue;
		rc = csn_look_read(l, s->address, bytes, (size_t)s->len);
		if (rc == 0 && fingerprint_of(l, bytes, (size_t)s->len) !=
		    s->fingerprint)
			rc = changed(l, s->address);
	}
	csn_wipe(bytes, PIECE);
	free(bytes);
	return rc;
}

int
csn_seen_end(struct csn_look *l)
{
	int rc;

	l->looking = 0;
	if (l->nseen == 0)
		return 0;
	if ((rc = ask_kernel(l)) != 0)
		return rc;
	return read_again(l);
}
