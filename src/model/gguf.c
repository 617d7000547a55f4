/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model/gguf.c - GGUF 2 and 3: counts, keys with values, tensors, the data.
 *
 * As docs/gguf.md of ggml has it. Each count and length is compared with the
 * bytes that are left before anything is taken or repeated for it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/little.h"
#include "model/window.h"

#define ITEMS_MAX (UINT64_C(1) << 30)
#define NAME_MAX_GGUF 64u
#define ALIGNMENT_MIN 8u
#define ALIGNMENT_MAX (1u << 20)

enum { BOOL = 7, STRING = 8, ARRAY = 9, KINDS = 13 };

/* Bytes of a value; the least of a string and an array. */
static const uint8_t kind_bytes[KINDS] = { 1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8,
    8, 8 };

struct gguf {
	struct csn_window w;
	struct csn_model *m;
	struct csn_part *part;
	uint32_t file;
	char key[CSN_MODEL_NAME_MAX + 1];
};

static uint32_t
u32(struct gguf *g, const char *what)
{
	uint8_t p[4];

	return csn_window_bytes(&g->w, p, sizeof(p), what) == 0 ?
	    csn_load32(p) : 0;
}

static uint64_t
u64(struct gguf *g, const char *what)
{
	uint8_t p[8];

	return csn_window_bytes(&g->w, p, sizeof(p), what) == 0 ?
	    csn_load64(p) : 0;
}

/* The length of a string, which is there. */
static uint64_t
string_length(struct gguf *g, const char *what)
{
	uint64_t at = g->w.at, len = u64(g, what);

	if (g->w.rc != 0)
		return 0;
	if (len > csn_window_left(&g->w))
		CSN_IGNORE(csn_window_bad(&g->w, CSN_E_FORM, at,
		    "%s of %llu bytes, and %llu are left", what,
		    (unsigned long long)len,
		    (unsigned long long)csn_window_left(&g->w)));
	else if (len > CSN_MODEL_STRING_MAX)
		CSN_IGNORE(csn_window_bad(&g->w, CSN_E_LIMIT, at,
		    "%s of %llu bytes is longer than the %u that are allowed",
		    what, (unsigned long long)len, CSN_MODEL_STRING_MAX));
	return g->w.rc == 0 ? len : 0;
}

/* The name of a key or tensor into g->key. */
static int
read_name(struct gguf *g, const char *what, uint64_t least, uint64_t most,
    size_t *len)
{
	uint64_t at = g->w.at, n = string_length(g, what);

	if (g->w.rc != 0)
		return g->w.rc;
	if (n < least || n > most)
		return csn_window_bad(&g->w, CSN_E_FORM, at,
		    "%s has %llu bytes, not %llu to %llu", what,
		    (unsigned long long)n, (unsigned long long)least,
		    (unsigned long long)most);
	if (csn_window_bytes(&g->w, g->key, (size_t)n, what) != 0)
		return g->w.rc;
	g->key[n] = '\0';
	*len = (size_t)n;
	return 0;
}

/* --- keys and values ----------------------------------------------------- */

static int
read_array(struct gguf *g, struct csn_value *v)
{
	struct csn_window *w = &g->w;
	uint64_t at = w->at, n, i;
	uint32_t kind = u32(g, "an array");
	int c;

	n = u64(g, "an array");
	if (w->rc != 0)
		return w->rc;
	if (kind >= KINDS || kind == ARRAY)
		return csn_window_bad(w, CSN_E_FORM, at, kind == ARRAY ?
		    "an array of arrays, which no reader takes" :
		    "an array of items of no known type (%u)", kind);
	if (n > csn_window_left(w) / kind_bytes[kind])
		return csn_window_bad(w, CSN_E_FORM, at + 4, "an array of "
		    "%llu items, and %llu bytes are left",
		    (unsigned long long)n,
		    (unsigned long long)csn_window_left(w));
	if (n > ITEMS_MAX)
		return csn_window_bad(w, CSN_E_LIMIT, at + 4, "an array of "
		    "%llu items is longer than 2^30", (unsigned long long)n);
	v->type = CSN_MODEL_ARRAY;
	v->item = kind;
	v->number = n;
	v->offset = w->at;
	if (kind == STRING)
		for (i = 0; i < n && w->rc == 0; i++)
			CSN_IGNORE(csn_window_skip(w, string_length(g,
			    "a string of an array"), "a string"));
	else if (kind == BOOL)
		for (i = 0; i < n && w->rc == 0; i++) {
			if ((c = csn_window_next(w)) > 1)
				return csn_window_bad(w, CSN_E_FORM, w->at - 1,
				    "a bool is neither 0 nor 1");
		}
	else
		CSN_IGNORE(csn_window_skip(w, n * kind_bytes[kind],
		    "an array"));
	v->length = w->at - v->offset;
	return w->rc;
}

static int
read_number(struct gguf *g, struct csn_value *v)
{
	static const uint8_t types[KINDS] = { CSN_MODEL_UINT, CSN_MODEL_INT,
	    CSN_MODEL_UINT, CSN_MODEL_INT, CSN_MODEL_UINT, CSN_MODEL_INT,
	    CSN_MODEL_FLOAT, CSN_MODEL_BOOL, 0, 0, CSN_MODEL_UINT,
	    CSN_MODEL_INT, CSN_MODEL_FLOAT };
	unsigned shift = 64 - 8u * kind_bytes[v->kind];
	uint8_t p[8] = { 0 };
	float single;
	double real;
	uint32_t bits;

	if (csn_window_bytes(&g->w, p, kind_bytes[v->kind], "a value") != 0)
		return g->w.rc;
	v->type = types[v->kind];
	v->number = csn_load64(p);
	if (v->type == CSN_MODEL_INT && v->number >> (63 - shift) != 0 &&
	    shift > 0)
		v->number |= UINT64_MAX << (64 - shift);
	if (v->type == CSN_MODEL_BOOL && v->number > 1)
		return csn_window_bad(&g->w, CSN_E_FORM, g->w.at - 1,
		    "a bool is neither 0 nor 1");
	if (v->type == CSN_MODEL_FLOAT && shift > 0) {
		bits = csn_load32(p);
		memcpy(&single, &bits, sizeof(single));
		real = (double)single;
		memcpy(&v->number, &real, sizeof(real));
	}
	return 0;
}

static int
read_value(struct gguf *g)
{
	struct csn_window *w = &g->w;
	struct csn_value *v;
	uint64_t at = w->at;
	size_t len, i;
	int rc;

	if (read_name(g, "a key", 1, CSN_MODEL_NAME_MAX, &len) != 0)
		return w->rc;
	/* Hyphens and capitals are in files of today. */
	for (i = 0; i < len; i++)
		if (g->key[i] <= ' ' || g->key[i] > '~')
			return csn_window_bad(w, CSN_E_FORM, at + 8 + i,
			    "a key is not of printable ASCII");
	if ((rc = csn_model_add_value(g->m, g->file, g->key, len, &v)) ==
	    CSN_E_EXISTS)
		return csn_window_bad(w, CSN_E_FORM, at,
		    "the key %.64s is there twice", g->key);
	if (rc != 0)
		return w->rc = rc;
	at = w->at;
	v->kind = u32(g, "the type of a value");
	if (w->rc != 0)
		return w->rc;
	if (v->kind >= KINDS)
		return csn_window_bad(w, CSN_E_FORM, at, "the value of %.64s "
		    "is of no known type (%u)", g->key, v->kind);
	if (v->kind == ARRAY)
		return read_array(g, v);
	if (v->kind != STRING)
		return read_number(g, v);
	v->type = CSN_MODEL_STRING;
	v->number = v->length = string_length(g, "a string");
	v->offset = w->at;
	return w->rc != 0 ? w->rc : csn_window_utf8(w, v->length, "a string");
}

/* --- what the keys decide ------------------------------------------------ */

static int
read_alignment(struct gguf *g)
{
	const struct csn_value *v = csn_model_value_named(g->m, g->file,
	    "general.alignment");
	uint64_t a;

	g->part->alignment = 32;
	if (v == NULL)
		return 0;
	if (v->kind != 4)
		return csn_window_bad(&g->w, CSN_E_FORM, g->w.at,
		    "general.alignment is no u32");
	a = v->number;
	if (a == 0 || (a & (a - 1)) != 0)
		return csn_window_bad(&g->w, CSN_E_FORM, g->w.at,
		    "general.alignment (%llu) is no power of two",
		    (unsigned long long)a);
	if (a < ALIGNMENT_MIN || a > ALIGNMENT_MAX)
		return csn_window_bad(&g->w, CSN_E_LIMIT, g->w.at,
		    "general.alignment (%llu) is not from %u to %u",
		    (unsigned long long)a, ALIGNMENT_MIN, ALIGNMENT_MAX);
	g->part->alignment = (uint32_t)a;
	return 0;
}

static int
read_split(struct gguf *g)
{
	const struct csn_value *no = csn_model_value_named(g->m, g->file,
	    "split.no"), *count = csn_model_value_named(g->m, g->file,
	    "split.count");

	if (no == NULL && count == NULL)
		return 0;
	if (no == NULL || count == NULL || no->kind != 2 || count->kind != 2)
		return csn_window_bad(&g->w, CSN_E_FORM, g->w.at,
		    "split.no and split.count are not both there as u16");
	if (no->number >= count->number)
		return csn_window_bad(&g->w, CSN_E_FORM, g->w.at,
		    "split.no is %llu of %llu, counted from 0",
		    (unsigned long long)no->number,
		    (unsigned long long)count->number);
	g->part->split_no = (uint32_t)no->number;
	g->part->split_count = (uint32_t)count->number;
	return 0;
}

/* --- tensors ------------------------------------------------------------- */

static int
read_shape(struct gguf *g, struct csn_tensor *t)
{
	uint64_t at = g->w.at, dims[4] = { 0 }, *kept;
	uint32_t n = u32(g, "the dimensions of a tensor"), i;
	int rc;

	if (g->w.rc != 0)
		return g->w.rc;
	if (n > 4)
		return csn_window_bad(&g->w, CSN_E_FORM, at,
		    "the tensor %.64s has %u dimensions, more than 4",
		    t->name, n);
	for (i = 0; i < n; i++) {
		at = g->w.at;
		dims[i] = u64(g, "a dimension");
		if (g->w.rc != 0)
			return g->w.rc;
		/* ggml divides by them, and counts in int64_t. */
		if (dims[i] == 0 || dims[i] > INT64_MAX)
			return csn_window_bad(&g->w, CSN_E_FORM, at,
			    "a dimension of the tensor %.64s is %s", t->name,
			    dims[i] == 0 ? "zero" : "2^63 or more");
	}
	if ((kept = csn_model_take(g->m, n * sizeof(*kept), &rc)) == NULL)
		return g->w.rc = rc;
	if (n > 0)
		memcpy(kept, dims, n * sizeof(*kept));
	t->dims = kept;
	t->ndims = (uint16_t)n;
	return 0;
}

static int
read_type(struct gguf *g, struct csn_tensor *t)
{
	uint64_t at = g->w.at, n, bits;
	const struct csn_dtype *d;

	t->type = u32(g, "the type of a tensor");
	if (g->w.rc != 0)
		return g->w.rc;
	if ((d = csn_dtype_gguf(t->type)) == NULL)
		return 0;
	if (d->block == 0)
		return csn_window_bad(&g->w, CSN_E_FORM, at, "the tensor "
		    "%.64s is of type %s (%u), which was removed from the "
		    "format", t->name, d->name, t->type);
	t->dtype = d;
	if (csn_dtype_bits(d, t->dims, t->ndims, &n, &bits) != 0)
		return csn_window_bad(&g->w, CSN_E_FORM, at, "the shape of "
		    "the tensor %.64s is no whole blocks of %s, or more than "
		    "64 bits hold", t->name, d->name);
	t->length = bits / 8;
	return 0;
}

static int
read_tensor(struct gguf *g)
{
	struct csn_window *w = &g->w;
	struct csn_tensor *t;
	struct csn_utf8 u = { 0 };
	uint64_t at = w->at;
	size_t len, i;
	int rc;

	if (read_name(g, "the name of a tensor", 0, NAME_MAX_GGUF, &len) != 0)
		return w->rc;
	for (i = 0; i < len; i++)
		if (g->key[i] == '\0' ||
		    csn_utf8_byte(&u, (uint8_t)g->key[i]) != 0)
			return csn_window_bad(w, CSN_E_FORM, at + 8 + i,
			    "the name of a tensor %s", g->key[i] == '\0' ?
			    "has a NUL" : "is not UTF-8");
	if (u.more > 0)
		return csn_window_bad(w, CSN_E_FORM, w->at,
		    "the name of a tensor is not UTF-8");
	if ((rc = csn_model_add_tensor(g->m, g->file, g->key, len, &t)) ==
	    CSN_E_EXISTS)
		return csn_window_bad(w, CSN_E_FORM, at,
		    "the tensor %.64s is there twice", g->key);
	if (rc != 0)
		return w->rc = rc;
	if (read_shape(g, t) != 0 || read_type(g, t) != 0)
		return w->rc;
	at = w->at;
	t->offset = u64(g, "the offset of a tensor");
	if (w->rc != 0)
		return w->rc;
	if (t->offset % g->part->alignment != 0)
		return csn_window_bad(w, CSN_E_FORM, at, "the tensor %.64s "
		    "begins at %llu, no multiple of %u", t->name,
		    (unsigned long long)t->offset, g->part->alignment);
	/* Neither sum wraps below: both parts are within the file. */
	if (t->offset > g->part->source.length ||
	    t->length > g->part->source.length)
		return csn_window_bad(w, CSN_E_FORM, at, "the tensor %.64s "
		    "ends behind the end of the file", t->name);
	g->part->ntensors++;
	return 0;
}

static int
read_data_at(struct gguf *g)
{
	struct csn_part *part = g->part;
	uint64_t at = g->w.at, over = at % part->alignment, i;
	uint64_t more = over != 0 ? part->alignment - over : 0;

	if (more > csn_window_left(&g->w)) {
		if (part->ntensors > 0)
			return csn_window_bad(&g->w, CSN_E_FORM, at,
			    "the file ends before its data begins");
		more = csn_window_left(&g->w);
	}
	part->data_at = at + more;
	for (i = part->first; i < g->m->ntensors; i++)
		g->m->tensors[i].offset += part->data_at;
	return 0;
}

static int
read_header(struct gguf *g)
{
	struct csn_window *w = &g->w;
	uint64_t ntensors, nvalues, i;
	uint32_t version;

	if (u32(g, "the header") != 0x46554747u)	/* GGUF */
		return csn_window_bad(w, CSN_E_FORM, 0,
		    "this is no GGUF file");
	version = u32(g, "the header");
	if (w->rc == 0 && version != 2 && version != 3)
		return csn_window_bad(w, CSN_E_VERSION, 4,
		    (version & 0xffff) == 0 && version != 0 ?
		    "a big-endian GGUF file (%#x), which is not read" :
		    "GGUF version %u, where 2 and 3 are read", version);
	ntensors = u64(g, "the header");
	nvalues = u64(g, "the header");
	if (w->rc != 0)
		return w->rc;
	if (ntensors > CSN_MODEL_TENSORS_MAX ||
	    nvalues > CSN_MODEL_METADATA_MAX)
		return csn_window_bad(w, CSN_E_LIMIT, 8, "%llu tensors and "
		    "%llu keys, where %u and %u are allowed",
		    (unsigned long long)ntensors, (unsigned long long)nvalues,
		    CSN_MODEL_TENSORS_MAX, CSN_MODEL_METADATA_MAX);
	/* The least that each takes. */
	if (ntensors * 24 + nvalues * 14 > csn_window_left(w))
		return csn_window_bad(w, CSN_E_FORM, 8, "%llu tensors and "
		    "%llu keys do not fit into the %llu bytes that are left",
		    (unsigned long long)ntensors, (unsigned long long)nvalues,
		    (unsigned long long)csn_window_left(w));
	g->part->version = version;
	for (i = 0; i < nvalues; i++)
		if (read_value(g) != 0)
			return w->rc;
	if (read_alignment(g) != 0 || read_split(g) != 0)
		return w->rc;
	for (i = 0; i < ntensors; i++)
		if (read_tensor(g) != 0)
			return w->rc;
	return read_data_at(g);
}

int
csn_gguf_read(struct csn_model *m, uint32_t file)
{
	struct csn_part *part = &m->parts[file];
	struct gguf *g;
	int rc;

	part->first = (uint32_t)m->ntensors;
	if ((g = csn_calloc(1, sizeof(*g))) == NULL)
		return csn_nomem(m->ctx, ROOM, "a header");
	g->m = m;
	g->part = part;
	g->file = file;
	if ((rc = csn_window_init(&g->w, m, part, 0,
	    part->source.length)) == 0)
		rc = read_header(g);
	csn_window_free(&g->w);
	free(g);
	return rc != 0 ? rc : csn_model_layout(m, part);
}
