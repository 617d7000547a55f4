/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model/safetensors.c - a length, a header of JSON, the data.
 *
 * As safetensors' own reader judges (tensor.rs), and stricter where two
 * readers could see two models: one name twice, one key twice, NUL in a name,
 * other text before the brace.
 */
#include <string.h>

#include "base/fail.h"
#include "base/little.h"
#include "model/text.h"

struct header {
	struct csn_text t;
	struct csn_model *m;
	struct csn_part *part;
	uint32_t file;
	int metadata;		/* it was there */
};

/* What an entry says. */
struct entry {
	const struct csn_dtype *dtype;
	uint64_t dims[CSN_MODEL_DIMS_MAX];
	size_t ndims;
	uint64_t begin, end;
	unsigned seen;
	uint64_t at;
};

enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4 };

/* A key that is there twice. */
static int
twice(struct header *h, int rc, uint64_t at, const char *what)
{
	if (rc == CSN_E_EXISTS)
		return csn_window_bad(&h->t.w, CSN_E_FORM, at,
		    "%s %.64s is there twice", what, h->t.p);
	return h->t.w.rc = rc;
}

static int
read_metadata(struct header *h)
{
	struct csn_text *t = &h->t;
	struct csn_value *v;
	uint64_t n = 0;
	int rc;

	if (h->metadata++)
		return csn_window_bad(&t->w, CSN_E_FORM, t->w.at,
		    "__metadata__ is there twice");
	if (csn_text_expect(t, '{', "an object of metadata") != 0)
		return t->w.rc;
	while ((rc = csn_text_key(t, CSN_MODEL_NAME_MAX, &n)) == 1) {
		if (n > CSN_MODEL_METADATA_MAX)
			return csn_window_bad(&t->w, CSN_E_LIMIT, t->w.at,
			    "more than %u keys of metadata",
			    CSN_MODEL_METADATA_MAX);
		if ((rc = csn_model_add_value(h->m, h->file, t->p, t->len,
		    &v)) != 0)
			return twice(h, rc, t->at, "the key");
		v->type = CSN_MODEL_STRING;
		if (csn_text_string_skip(t, &v->number) != 0)
			return t->w.rc;
		v->offset = t->at;
		v->length = t->w.at - t->at;
	}
	return rc;
}

static int
read_shape(struct header *h, struct entry *e)
{
	struct csn_text *t = &h->t;
	uint64_t n = 0;
	int rc;

	if (csn_text_expect(t, '[', "an array of dimensions") != 0)
		return t->w.rc;
	while ((rc = csn_text_item(t, &n)) == 1) {
		if (n > CSN_MODEL_DIMS_MAX)
			return csn_window_bad(&t->w, CSN_E_LIMIT, t->w.at,
			    "a tensor has more than %u dimensions",
			    CSN_MODEL_DIMS_MAX);
		if ((rc = csn_text_u64(t, "a dimension",
		    &e->dims[n - 1])) != 0)
			return rc;
	}
	e->ndims = (size_t)n;
	return rc;
}

static int
read_offsets(struct header *h, struct entry *e)
{
	struct csn_text *t = &h->t;
	uint64_t n = 0;
	int rc;

	if (csn_text_expect(t, '[', "an array of two offsets") != 0)
		return t->w.rc;
	while ((rc = csn_text_item(t, &n)) == 1)
		if (n > 2 || csn_text_u64(t, "an offset",
		    n == 1 ? &e->begin : &e->end) != 0)
			break;
	if (n != 2)
		return csn_window_bad(&t->w, CSN_E_FORM, t->w.at,
		    "data_offsets has not two offsets");
	return t->w.rc;
}

static int
read_field(struct header *h, struct entry *e)
{
	static const char *const names[] = { "dtype", "shape",
	    "data_offsets" };
	struct csn_text *t = &h->t;
	unsigned i;

	for (i = 0; i < 3 && strcmp(t->p, names[i]) != 0; i++)
		;
	if (i == 3)
		return csn_text_skip_value(t);	/* readers drop it */
	if ((e->seen & 1u << i) != 0)
		return csn_window_bad(&t->w, CSN_E_FORM, t->at,
		    "%s is there twice", names[i]);
	e->seen |= 1u << i;
	if (i == 1)
		return read_shape(h, e);
	if (i == 2)
		return read_offsets(h, e);
	/* A name of a type is short. */
	if (csn_text_string(t, 32, 1) != 0)
		return t->w.rc;
	if ((e->dtype = csn_dtype_safetensors(t->p)) == NULL ||
	    strlen(t->p) != t->len)
		return csn_window_bad(&t->w, CSN_E_FORM, t->at,
		    "there is no type %s", t->p);
	return 0;
}

/* What it says, compared with what is there. */
static int
judge(struct header *h, const struct entry *e, struct csn_tensor *tensor)
{
	struct csn_window *w = &h->t.w;
	uint64_t data = h->part->source.length - h->part->data_at, n, bits;
	uint64_t *dims;
	int rc;

	if (e->seen != (DTYPE | SHAPE | OFFSETS))
		return csn_window_bad(w, CSN_E_FORM, e->at, "the tensor %.64s "
		    "lacks its %s", tensor->name, (e->seen & DTYPE) == 0 ?
		    "dtype" : (e->seen & SHAPE) == 0 ? "shape" :
		    "data_offsets");
	if (e->end < e->begin)
		return csn_window_bad(w, CSN_E_FORM, e->at,
		    "the tensor %.64s ends before it begins", tensor->name);
	if (e->end > data)
		return csn_window_bad(w, CSN_E_FORM, e->at, "the tensor %.64s "
		    "ends behind the %llu bytes of data that are there",
		    tensor->name, (unsigned long long)data);
	if (csn_dtype_bits(e->dtype, e->dims, e->ndims, &n, &bits) != 0)
		return csn_window_bad(w, CSN_E_FORM, e->at, "the shape of the "
		    "tensor %.64s is more than 64 bits hold", tensor->name);
	if (bits % 8 != 0)
		return csn_window_bad(w, CSN_E_FORM, e->at,
		    "the tensor %.64s is not whole bytes", tensor->name);
	if (bits / 8 != e->end - e->begin)
		return csn_window_bad(w, CSN_E_FORM, e->at, "the tensor %.64s "
		    "takes %llu bytes by its shape and %llu by its offsets",
		    tensor->name, (unsigned long long)(bits / 8),
		    (unsigned long long)(e->end - e->begin));
	if ((dims = csn_model_take(h->m, e->ndims * sizeof(*dims), &rc)) ==
	    NULL)
		return w->rc = rc;
	if (e->ndims > 0)
		memcpy(dims, e->dims, e->ndims * sizeof(*dims));
	tensor->dims = dims;
	tensor->ndims = (uint16_t)e->ndims;
	tensor->dtype = e->dtype;
	tensor->offset = h->part->data_at + e->begin;
	tensor->length = e->end - e->begin;
	tensor->unaligned = e->dtype->bits > 8 &&
	    tensor->offset % (e->dtype->bits / 8) != 0;
	h->part->ntensors++;
	return 0;
}

static int
read_tensor(struct header *h)
{
	struct entry e = { .at = h->t.at };
	struct csn_tensor *tensor;
	uint64_t n = 0;
	int rc;

	if ((rc = csn_model_add_tensor(h->m, h->file, h->t.p, h->t.len,
	    &tensor)) != 0)
		return twice(h, rc, h->t.at, "the tensor");
	if (csn_text_expect(&h->t, '{', "the object of a tensor") != 0)
		return h->t.w.rc;
	while ((rc = csn_text_key(&h->t, CSN_MODEL_NAME_MAX, &n)) == 1)
		if ((rc = read_field(h, &e)) != 0)
			return rc;
	return rc != 0 ? rc : judge(h, &e, tensor);
}

static int
read_header(struct header *h)
{
	struct csn_text *t = &h->t;
	uint64_t n = 0;
	int c, rc;

	if (csn_window_next(&t->w) != '{')
		return csn_window_bad(&t->w, CSN_E_FORM, 8,
		    "the header does not begin with {");
	while ((rc = csn_text_key(t, CSN_MODEL_NAME_MAX, &n)) == 1)
		if ((rc = strcmp(t->p, "__metadata__") == 0 ?
		    read_metadata(h) : read_tensor(h)) != 0)
			return rc;
	if (rc != 0)
		return rc;
	while ((c = csn_window_next(&t->w)) == ' ')
		;
	if (c >= 0)
		return csn_window_bad(&t->w, CSN_E_FORM, t->w.at - 1,
		    "more than spaces follows the header's object");
	return t->w.rc;
}

int
csn_safetensors_read(struct csn_model *m, uint32_t file)
{
	struct csn_part *part = &m->parts[file];
	struct header h = { .m = m, .part = part, .file = file };
	uint64_t length = part->source.length, n;
	uint8_t p[8];
	int rc;

	part->first = (uint32_t)m->ntensors;
	part->alignment = 1;
	if (length < sizeof(p))
		return csn_fail(m->ctx, CSN_E_FORM, ROOM, "%s, byte 0: %llu "
		    "bytes are no safetensors file: it begins with the 8 of a "
		    "length", part->source.name, (unsigned long long)length);
	if ((rc = csn_part_read(m, part, 0, p, sizeof(p))) != 0)
		return rc;
	n = csn_load64(p);
	if (n > CSN_MODEL_HEADER_MAX)
		return csn_fail(m->ctx, CSN_E_LIMIT, ROOM, "%s, byte 0: no "
		    "GGUF; as safetensors it has a header of %llu bytes, where "
		    "%u are allowed", part->source.name, (unsigned long long)n,
		    CSN_MODEL_HEADER_MAX);
	if (n > length - sizeof(p) || n == 0)
		return csn_fail(m->ctx, CSN_E_FORM, ROOM, "%s, byte 0: a "
		    "header of %llu bytes, where %llu are left",
		    part->source.name, (unsigned long long)n,
		    (unsigned long long)(length - sizeof(p)));
	part->data_at = sizeof(p) + n;
	if ((rc = csn_window_init(&h.t.w, m, part, sizeof(p),
	    part->data_at)) == 0)
		rc = read_header(&h);
	csn_text_free(&h.t);
	return rc != 0 ? rc : csn_model_layout(m, part);
}
