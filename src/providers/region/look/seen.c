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

#include "providers/region/look/pagemap.h"
#include "providers/region/process/process.h"

#define ROOM "region"
#define PIECE ((size_t)1 << 20)

/*
 * A keyed 64-bit print, for noticing that bytes changed under way: no
 * protection against anyone, and never part of a report.
 */
static uint64_t
print_of(const struct csn_process *p, const uint8_t *b, size_t len)
{
	uint64_t lanes[4], w;
	size_t i, k;

	for (k = 0; k < 4; k++)
		lanes[k] = p->key[0] + k;
	for (i = 0; i + 32 <= len; i += 32) {
		for (k = 0; k < 4; k++) {
			memcpy(&w, b + i + 8 * k, 8);
			lanes[k] = (lanes[k] ^ w) * (p->key[1] | 1);
			lanes[k] ^= lanes[k] >> 29;
		}
	}
	for (; i < len; i++)
		lanes[i % 4] = (lanes[i % 4] ^ b[i]) * (p->key[1] | 1);
	w = len;
	for (k = 0; k < 4; k++) {
		w = (w ^ lanes[k]) * (p->key[1] | 1);
		w ^= w >> 31;
	}
	return w;
}

int
csn_seen_begin(struct csn_process *p)
{
	if (getrandom(p->key, sizeof(p->key), 0) !=
	    (ssize_t)sizeof(p->key))
		return csn_fail(p->ctx, CSN_E_RANDOM, ROOM,
		    "the system gave no randomness");
	p->nseen = 0;
	p->narmed = 0;
	p->looking = 1;
	return 0;
}

int
csn_seen_add(struct csn_process *p, uint64_t address, const void *bytes,
    size_t len)
{
	struct csn_seen *more;
	const uint8_t *b = bytes;
	size_t cap, take;

	while (len > 0) {
		take = len < PIECE ? len : PIECE;
		if (p->nseen == p->seen_cap) {
			cap = p->seen_cap == 0 ? 64 : p->seen_cap * 2;
			more = csn_realloc(p->seen, cap, sizeof(*more));
			if (more == NULL)
				return csn_nomem(p->ctx, ROOM,
				    "remembering what was read");
			p->seen = more;
			p->seen_cap = cap;
		}
		p->seen[p->nseen].address = address;
		p->seen[p->nseen].len = take;
		p->seen[p->nseen++].print = print_of(p, b, take);
		address += take;
		b += take;
		len -= take;
	}
	return 0;
}

void
csn_seen_armed(struct csn_process *p, uint64_t address, uint64_t len)
{
	struct csn_range *more;
	size_t cap;

	if (!p->looking)
		return;
	if (p->narmed == p->armed_cap) {
		cap = p->armed_cap == 0 ? 16 : p->armed_cap * 2;
		more = csn_realloc(p->armed, cap, sizeof(*more));
		if (more == NULL)
			return;		/* then it is read once more */
		p->armed = more;
		p->armed_cap = cap;
	}
	p->armed[p->narmed].offset = address;
	p->armed[p->narmed++].len = len;
}

const char *
csn_process_name(const struct csn_process *p, uint64_t address)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (address >= p->picked[i].region.address &&
		    address - p->picked[i].region.address <
		    p->picked[i].region.size)
			return p->picked[i].id;
	}
	return "(unknown)";
}

static int
changed(const struct csn_process *p, uint64_t address)
{
	return csn_fail(p->ctx, CSN_E_BUSY, ROOM, "region %s of process %ld "
	    "was written at 0x%" PRIx64 " while it was read: try again, or "
	    "freeze the process meanwhile (freeze=ptrace or cgroup)",
	    csn_process_name(p, address), (long)p->target.pid, address);
}

static int
written(void *arg, uint64_t start, uint64_t end)
{
	(void)end;
	return changed(arg, start);
}

static int
is_armed(const struct csn_process *p, const struct csn_seen *s)
{
	size_t i;

	for (i = 0; i < p->narmed; i++) {
		if (s->address >= p->armed[i].offset && s->address + s->len <=
		    p->armed[i].offset + p->armed[i].len)
			return 1;
	}
	return 0;
}

/* 0 where the kernel knows that nothing was written since it was armed. */
static int
ask_kernel(struct csn_process *p)
{
	const struct csn_range *a;
	size_t i;
	int fd, rc;

	for (i = 0; i < p->narmed; i++) {
		a = &p->armed[i];
		if ((fd = csn_process_pagemap(p)) < 0)
			return CSN_E_BACKEND;
		rc = csn_pagemap_scan(p->ctx, fd, a->offset,
		    a->offset + a->len, 0, written, p);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
read_again(struct csn_process *p)
{
	const struct csn_seen *s;
	uint8_t *bytes;
	size_t i;
	int rc = 0;

	if ((bytes = csn_calloc(1, PIECE)) == NULL)
		return csn_nomem(p->ctx, ROOM, "what was read");
	for (i = 0; i < p->nseen && rc == 0; i++) {
		s = &p->seen[i];
		if (is_armed(p, s))
			continue;
		rc = csn_process_read(p, s->address, bytes, (size_t)s->len);
		if (rc == 0 && print_of(p, bytes, (size_t)s->len) != s->print)
			rc = changed(p, s->address);
	}
	csn_wipe(bytes, PIECE);
	free(bytes);
	return rc;
}

int
csn_seen_end(struct csn_process *p)
{
	int rc;

	p->looking = 0;
	if (p->nseen == 0)
		return 0;
	if ((rc = ask_kernel(p)) != 0)
		return rc;
	return read_again(p);
}
