/* SPDX-License-Identifier: Apache-2.0 */
/* model/layout.c - each byte of a file's data is one tensor's. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "model/model.h"

struct range {
	uint64_t begin, end;
	uint32_t i;
};

static int
order(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return x->i < y->i ? -1 : 1;
}

static int
bad(const struct csn_model *m, const struct csn_part *part, uint64_t at,
    const struct csn_tensor *t, const char *what)
{
	return csn_fail(m->ctx, CSN_E_FORM, ROOM, "%s, byte %llu: %s%.64s%s",
	    part->source.name, (unsigned long long)at,
	    t != NULL ? "the tensor " : "", t != NULL ? t->name : "", what);
}

/* at as far as the padding goes, which may lack at the end of a file. */
static uint64_t
padded(const struct csn_part *part, uint64_t at)
{
	uint64_t over = (at - part->data_at) % part->alignment;
	uint64_t more = over != 0 ? part->alignment - over : 0;

	return more > part->source.length - at ? part->source.length :
	    at + more;
}

static int
check(struct csn_model *m, const struct csn_part *part, struct range *r,
    size_t n)
{
	uint64_t at = part->data_at, length = part->source.length, next;
	struct csn_tensor *t;
	size_t i;

	for (i = 0; i < n; i++) {
		t = &m->tensors[r[i].i];
		next = padded(part, at);
		if (r[i].begin < at)
			return bad(m, part, r[i].begin, t,
			    " lies over the one before it");
		if (r[i].begin > length)
			return bad(m, part, r[i].begin, t,
			    " begins behind the end of the file");
		if (r[i].begin != next)
			return bad(m, part, at, t, r[i].begin < next ?
			    " begins within padding" :
			    " begins behind a hole: nothing says what these "
			    "bytes are");
		if (t->dtype == NULL) {
			/* GGUF has no two at one place, so it has bytes. */
			r[i].end = i + 1 < n && r[i + 1].begin < length ?
			    r[i + 1].begin : length;
			t->length = r[i].end - r[i].begin;
			if (t->length == 0)
				return bad(m, part, r[i].begin, t,
				    " has no bytes");
		}
		if (r[i].end > length)
			return bad(m, part, r[i].begin, t,
			    " ends behind the end of the file");
		at = r[i].end;
	}
	next = padded(part, at);
	if (length != at && length != next)
		return bad(m, part, next, NULL,
		    "bytes follow that belong to no tensor");
	return 0;
}

int
csn_model_layout(struct csn_model *m, const struct csn_part *part)
{
	const struct csn_tensor *t;
	struct range *r;
	uint32_t i;
	int rc;

	if (part->ntensors == 0)
		return check(m, part, NULL, 0);
	if ((rc = csn_model_charge(m, part->ntensors * sizeof(*r))) != 0)
		return rc;
	m->memory -= part->ntensors * sizeof(*r);
	if ((r = csn_calloc(part->ntensors, sizeof(*r))) == NULL)
		return csn_nomem(m->ctx, ROOM, "the ranges of tensors");
	t = &m->tensors[part->first];
	for (i = 0; i < part->ntensors; i++) {
		r[i].begin = t[i].offset;
		/* Readers checked that it does not wrap. */
		r[i].end = t[i].offset + t[i].length;
		r[i].i = part->first + i;
	}
	qsort(r, part->ntensors, sizeof(*r), order);
	rc = check(m, part, r, part->ntensors);
	free(r);
	return rc;
}
