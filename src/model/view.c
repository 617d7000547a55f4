/* SPDX-License-Identifier: Apache-2.0 */
/* model/view.c - what a caller asks a model that was read. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/sized.h"
#include "model/text.h"

void
csn_model_free(struct csn_model *m)
{
	size_t i;

	if (m == NULL)
		return;
	for (i = 0; i < m->nparts; i++) {
		free((char *)m->parts[i].source.name);
		if (m->parts[i].fd >= 0)
			close(m->parts[i].fd);
	}
	free(m->parts);
	csn_model_arena_free(m);
	free(m);
}

static uint64_t
elements_of(const struct csn_tensor *t)
{
	uint64_t n = 0, bits;

	return t->dtype != NULL && csn_dtype_bits(t->dtype, t->dims,
	    t->ndims, &n, &bits) == 0 ? n : 0;
}

int
csn_model_facts(const struct csn_model *m, struct csn_model_facts *out)
{
	struct csn_model_facts f = { .size = sizeof(f) };
	size_t i;
	int rc;

	if ((rc = CSN_NEEDS(m)) != 0 || (rc = CSN_GIVE_CHECK(out,
	    csn_model_facts, elements)) != 0)
		return rc;
	f.format = m->parts[0].format;
	f.version = m->parts[0].version;
	f.alignment = f.format == CSN_MODEL_GGUF ? m->parts[0].alignment : 0;
	f.files = (uint32_t)m->nparts;
	f.tensors = (uint32_t)m->ntensors;
	f.metadata = (uint32_t)m->nvalues;
	f.split_no = m->parts[0].split_no;
	f.split_count = m->parts[0].split_count;
	/* The tensors of one file are all within it: 4096 of 2^63 may wrap,
	 * which no disk has. */
	for (i = 0; i < m->nparts; i++)
		f.bytes += m->parts[i].source.length;
	for (i = 0; i < m->ntensors; i++) {
		f.data_bytes += m->tensors[i].length;
		f.elements += elements_of(&m->tensors[i]);
	}
	CSN_GIVE(out, &f, csn_model_facts);
	return 0;
}

static int
nothing(const struct csn_model *m, const char *what, size_t i, size_t n)
{
	return csn_fail(m->ctx, CSN_E_NOT_FOUND, ROOM,
	    "there is no %s %zu: there are %zu, counted from 0", what, i, n);
}

int
csn_model_file(const struct csn_model *m, size_t i, struct csn_model_file *out)
{
	struct csn_model_file f = { .size = sizeof(f) };
	int rc;

	if ((rc = CSN_NEEDS(m)) != 0 || (rc = CSN_GIVE_CHECK(out,
	    csn_model_file, data_at)) != 0)
		return rc;
	if (i >= m->nparts)
		return nothing(m, "file", i, m->nparts);
	f.tensors = m->parts[i].ntensors;
	f.name = m->parts[i].source.name;
	f.length = m->parts[i].source.length;
	f.data_at = m->parts[i].data_at;
	CSN_GIVE(out, &f, csn_model_file);
	return 0;
}

static void
give_tensor(const struct csn_tensor *t, struct csn_model_tensor *out)
{
	struct csn_model_tensor v = { .size = sizeof(v) };

	v.flags = (t->unaligned ? CSN_MODEL_UNALIGNED : 0) |
	    (t->dtype == NULL ? CSN_MODEL_UNKNOWN : 0);
	v.name = t->name;
	v.dtype = t->dtype != NULL ? t->dtype->name : "unknown";
	v.dims = t->dims;
	v.ndims = t->ndims;
	v.type = t->type;
	v.file = t->file;
	v.block = t->dtype != NULL ? t->dtype->block : 0;
	v.offset = t->offset;
	v.length = t->length;
	v.elements = elements_of(t);
	CSN_GIVE(out, &v, csn_model_tensor);
}

int
csn_model_tensor(const struct csn_model *m, size_t i,
    struct csn_model_tensor *out)
{
	int rc;

	if ((rc = CSN_NEEDS(m)) != 0 || (rc = CSN_GIVE_CHECK(out,
	    csn_model_tensor, elements)) != 0)
		return rc;
	if (i >= m->ntensors)
		return nothing(m, "tensor", i, m->ntensors);
	give_tensor(&m->tensors[i], out);
	return 0;
}

int
csn_model_find(const struct csn_model *m, const char *name,
    struct csn_model_tensor *out, size_t *i)
{
	const struct csn_tensor *t;
	int rc;

	if ((rc = CSN_NEEDS(m, name)) != 0 || (rc = CSN_GIVE_CHECK(out,
	    csn_model_tensor, elements)) != 0)
		return rc;
	if ((t = csn_model_tensor_named(m, name, strlen(name))) == NULL)
		return csn_fail(m->ctx, CSN_E_NOT_FOUND, ROOM,
		    "there is no tensor %.128s in %s", name,
		    m->parts[0].source.name);
	give_tensor(t, out);
	if (i != NULL)
		*i = (size_t)(t - m->tensors);
	return 0;
}

int
csn_model_tensor_read(const struct csn_model *m, size_t i, uint64_t offset,
    uint8_t *p, size_t len)
{
	const struct csn_tensor *t;
	int rc;
	CSN_UNCANCELLED;

	if ((rc = CSN_NEEDS(m)) != 0)
		return rc;
	if (len > 0 && (rc = CSN_NEEDS(p)) != 0)
		return rc;
	if (i >= m->ntensors) {
		rc = nothing(m, "tensor", i, m->ntensors);
		goto out;
	}
	t = &m->tensors[i];
	if (offset > t->length || len > t->length - offset)
		rc = csn_fail(m->ctx, CSN_E_ARG, ROOM, "%zu bytes at %llu of "
		    "the tensor %.64s, which has %llu", len,
		    (unsigned long long)offset, t->name,
		    (unsigned long long)t->length);
	else
		/* The context of a model is for its sentences alone. */
		rc = csn_part_read((struct csn_model *)m, &m->parts[t->file],
		    t->offset + offset, p, len);
out:
	if (rc != 0 && len > 0)
		memset(p, 0, len);
	return rc;
}

/* --- metadata ------------------------------------------------------------ */

static void
give_value(const struct csn_value *in, struct csn_model_value *out)
{
	struct csn_model_value v = { .size = sizeof(v) };

	v.type = in->type;
	v.key = in->key;
	v.file = in->file;
	v.item = in->item;
	if (in->type == CSN_MODEL_FLOAT)
		memcpy(&v.real, &in->number, sizeof(v.real));
	else if (in->type == CSN_MODEL_INT)
		memcpy(&v.integer, &in->number, sizeof(v.integer));
	else if (in->type == CSN_MODEL_UINT || in->type == CSN_MODEL_BOOL)
		v.number = in->number;
	else
		v.count = in->number;
	v.offset = in->offset;
	v.length = in->length;
	CSN_GIVE(out, &v, csn_model_value);
}

int
csn_model_value(const struct csn_model *m, size_t i,
    struct csn_model_value *out)
{
	int rc;

	if ((rc = CSN_NEEDS(m)) != 0 || (rc = CSN_GIVE_CHECK(out,
	    csn_model_value, item)) != 0)
		return rc;
	if (i >= m->nvalues)
		return nothing(m, "value", i, m->nvalues);
	give_value(&m->values[i], out);
	return 0;
}

int
csn_model_get(const struct csn_model *m, const char *key,
    struct csn_model_value *out)
{
	const struct csn_value *v = NULL;
	uint32_t i;
	int rc;

	if ((rc = CSN_NEEDS(m, key)) != 0 || (rc = CSN_GIVE_CHECK(out,
	    csn_model_value, item)) != 0)
		return rc;
	for (i = 0; i < m->nparts && v == NULL; i++)
		v = csn_model_value_named(m, i, key);
	if (v == NULL)
		return csn_fail(m->ctx, CSN_E_NOT_FOUND, ROOM,
		    "there is no key %.128s in %s", key,
		    m->parts[0].source.name);
	give_value(v, out);
	return 0;
}

int
csn_model_text(const struct csn_model *model, size_t i, size_t max, char **out,
    size_t *len)
{
	/* What is read may change nothing but a window of its own. */
	struct csn_model *m = (struct csn_model *)model;
	struct csn_text t = { .p = NULL };
	const struct csn_value *v;
	const struct csn_part *part;
	int rc;
	CSN_UNCANCELLED;

	if ((rc = CSN_NEEDS(model, out, len)) != 0)
		return rc;
	if (i >= m->nvalues)
		return nothing(m, "value", i, m->nvalues);
	v = &m->values[i];
	part = &m->parts[v->file];
	if (v->type != CSN_MODEL_STRING)
		return csn_fail(m->ctx, CSN_E_ARG, ROOM,
		    "the value of %.64s is no string", v->key);
	if (v->number > max)
		return csn_fail(m->ctx, CSN_E_LIMIT, ROOM, "the value of "
		    "%.64s has %llu bytes, more than %zu", v->key,
		    (unsigned long long)v->number, max);
	if ((t.p = csn_calloc(t.cap = (size_t)v->number + 2, 1)) == NULL)
		return csn_nomem(m->ctx, ROOM, "a value");
	if ((rc = csn_window_init(&t.w, m, part, v->offset,
	    v->offset + v->length)) != 0)
		goto out;
	/* It is checked again: a source may have changed since. */
	if (part->format == CSN_MODEL_SAFETENSORS)
		rc = csn_text_string_rest(&t, max);
	else if ((rc = csn_window_utf8(&t.w, v->length, "a string")) == 0) {
		t.w.at = v->offset;
		rc = csn_window_bytes(&t.w, t.p, (size_t)v->length,
		    "a string");
		t.len = (size_t)v->length;
	}
	if (rc != 0)
		goto out;
	t.p[t.len] = '\0';
	*out = t.p;
	*len = t.len;
	t.p = NULL;
out:
	csn_text_free(&t);
	return rc;
}
