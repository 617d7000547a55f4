/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu/layout.c - the monitor's "info mtree -f".
 *
 * QMP has no command for where RAM lies in the guest's address space, and a
 * machine may have a hole below 4 GiB, so this text is read. A view begins
 * with "FlatView #n", names its address spaces (' AS "memory", root: …'), and
 * has lines such as
 *
 *   0000000000100000-0000000000ffffff (prio 0, ram): ram @0000000000100000
 *
 * where what is behind @ is the offset in the block, 0 where it is missing.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "providers/region/qemu/layout.h"

#define ROOM "region"

struct line {
	const char *p, *end;
};

/* What the ranges of one view belong to. */
struct block {
	const char *name;
	size_t len;
};

static int
hex16(struct line *l, uint64_t *out)
{
	uint64_t v = 0;
	int i, d;

	if (l->end - l->p < 16)
		return -1;
	for (i = 0; i < 16; i++) {
		if (l->p[i] >= '0' && l->p[i] <= '9')
			d = l->p[i] - '0';
		else if (l->p[i] >= 'a' && l->p[i] <= 'f')
			d = l->p[i] - 'a' + 10;
		else
			return -1;
		v = v << 4 | (uint64_t)d;
	}
	l->p += 16;
	*out = v;
	return 0;
}

static int
word(struct line *l, const char *s)
{
	size_t len = strlen(s);

	/* public */
	if ((size_t)(l->end - l->p) < len || memcmp(l->p, s, len) != 0)
		return 0;
	l->p += len;
	return 1;
}

/* 1 for a range of RAM or ROM, 0 for one of another kind, -1 for nonsense. */
static int
parse_range(struct line *l, struct csn_guest_range *r, struct block *b)
{
	uint64_t last;
	const char *at;
	int memory;

	memset(r, 0, sizeof(*r));
	if (!word(l, "  ") || hex16(l, &r->address) != 0 || !word(l, "-") ||
	    hex16(l, &last) != 0 || last < r->address || !word(l, " (prio "))
		return -1;
	if ((at = memchr(l->p, ',', (size_t)(l->end - l->p))) == NULL)
		return -1;
	l->p = at;
	memory = word(l, ", ram): ") || word(l, ", rom): ");
	if (!memory)
		return 0;
	/* Nothing that we can name reaches to the very end. */
	if (last - r->address == UINT64_MAX)
		return -1;
	r->size = last - r->address + 1;
	b->name = l->p;
	b->len = (size_t)(l->end - l->p);
	if (b->len > 18 && l->end[-18] == ' ' && l->end[-17] == '@') {
		b->len -= 18;
		l->p = l->end - 16;
		if (hex16(l, &r->offset) != 0)
			return -1;
	}
	return b->len > 0 && r->size <= UINT64_MAX - r->offset ? 1 : -1;
}

static int
add(struct csn_guest_layout *out, const struct csn_guest_range *r,
    size_t *cap)
{
	struct csn_guest_range *more, *last;

	last = out->n > 0 ? &out->v[out->n - 1] : NULL;
	if (last != NULL && last->main && r->main &&
	    last->address + last->size == r->address &&
	    last->offset + last->size == r->offset) {
		last->size += r->size;
		return 0;
	}
	if (out->n == CSN_GUEST_RANGES)
		return CSN_E_LIMIT;
	if (out->n == *cap) {
		*cap = *cap == 0 ? 16 : *cap * 2;
		more = csn_realloc(out->v, *cap, sizeof(*more));
		if (more == NULL)
			return CSN_E_NOMEM;
		out->v = more;
	}
	out->v[out->n++] = *r;
	return 0;
}

/* The next line, without its "\r\n"; 0 at the end. */
static int
next(const char **p, const char *end, struct line *l)
{
	const char *nl;

	if (*p == end)
		return 0;
	nl = memchr(*p, '\n', (size_t)(end - *p));
	l->p = *p;
	l->end = nl != NULL ? nl : end;
	*p = nl != NULL ? nl + 1 : end;
	if (l->end > l->p && l->end[-1] == '\r')
		l->end--;
	return 1;
}

/* The lines of the view that the guest's processors see, from its first. */
static int
find_view(const char **p, const char *end)
{
	struct line l;
	int ours = 0;

	while (next(p, end, &l)) {
		if (word(&l, "FlatView #"))
			ours = 0;
		else if (word(&l, " AS \"memory\", "))
			ours = 1;
		else if (ours && word(&l, " Root memory region: "))
			return 1;
	}
	return 0;
}

int
csn_guest_layout_parse(struct csn_ctx *ctx, const char *text, size_t len,
    struct csn_guest_layout *out)
{
	const char *p = text, *end = text + len;
	struct block first = { 0 }, b = { 0 };
	struct csn_guest_range r;
	uint64_t past = 0;
	size_t cap = 0;
	struct line l;
	int rc = CSN_E_FORM, kind;

	memset(out, 0, sizeof(*out));
	if (!find_view(&p, end))
		goto err;
	while (next(&p, end, &l) && l.p != l.end) {
		kind = parse_range(&l, &r, &b);
		if (kind < 0 || (first.name != NULL && r.address <= past))
			goto err;
		if (kind == 0)
			continue;
		past = r.address + (r.size - 1);
		if (first.name == NULL) {
			if (r.address != 0)
				goto err;
			first = b;
			/* One that is cut is no backend's: ram= needs it. */
			(void)snprintf(out->block, sizeof(out->block),
			    "%.*s", (int)b.len, b.name);
		}
		r.main = b.len == first.len &&
		    memcmp(b.name, first.name, b.len) == 0; /* public */
		if ((rc = add(out, &r, &cap)) != 0)
			goto err;
		rc = CSN_E_FORM;
	}
	if (out->n > 0)
		return 0;

err:
	csn_guest_layout_free(out);
	return csn_fail(ctx, rc, ROOM, rc == CSN_E_NOMEM ? "out of memory" :
	    rc == CSN_E_LIMIT ? "the guest's memory is in too many pieces" :
	    "QEMU's list of the guest's memory (info mtree -f) makes no "
	    "sense to this version");
}

void
csn_guest_layout_free(struct csn_guest_layout *layout)
{
	free(layout->v);
	memset(layout, 0, sizeof(*layout));
}

const struct csn_guest_range *
csn_guest_layout_find(const struct csn_guest_layout *layout,
    uint64_t address, uint64_t size)
{
	const struct csn_guest_range *r;
	size_t i;

	for (i = 0; i < layout->n; i++) {
		r = &layout->v[i];
		if (address >= r->address && size <= r->size &&
		    address - r->address <= r->size - size)
			return r;
	}
	return NULL;
}
