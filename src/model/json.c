/* SPDX-License-Identifier: Apache-2.0 */
/* model/json.c - a model as JSON, written without a tree. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "model/model.h"

#define TEXT_MAX 65536u		/* longer ones are named by their length */

struct writer {
	const struct csn_model *m;
	char *p;
	size_t len, cap;
	int rc;
};

static void
put(struct writer *w, const char *p, size_t len)
{
	size_t cap = w->cap > 0 ? w->cap : 4096;
	char *more;

	if (w->rc != 0)
		return;
	if (len >= w->m->max_memory - w->len) {
		w->rc = csn_fail(w->m->ctx, CSN_E_LIMIT, ROOM, "%s takes more "
		    "than %llu bytes as JSON", w->m->parts[0].source.name,
		    (unsigned long long)w->m->max_memory);
		return;
	}
	while (cap - w->len <= len)
		cap *= 2;
	if (cap != w->cap) {
		if ((more = csn_realloc(w->p, cap, 1)) == NULL) {
			w->rc = csn_nomem(w->m->ctx, ROOM, "JSON");
			return;
		}
		w->p = more;
		w->cap = cap;
	}
	memcpy(w->p + w->len, p, len);
	w->len += len;
	w->p[w->len] = '\0';
}

static void add(struct writer *w, const char *fmt, ...) CSN_PRINTF(2, 3);

static void
add(struct writer *w, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(text))
		put(w, text, (size_t)n);
}

static void
add_text(struct writer *w, const char *p, size_t len)
{
	size_t i, from = 0;

	put(w, "\"", 1);
	for (i = 0; i < len; i++) {
		if ((unsigned char)p[i] >= ' ' && p[i] != '"' && p[i] != '\\')
			continue;
		put(w, p + from, i - from);
		add(w, "\\u%04x", (unsigned)(unsigned char)p[i]);
		from = i + 1;
	}
	put(w, p + from, len - from);
	put(w, "\"", 1);
}

static void
add_number(struct writer *w, uint64_t v)
{
	add(w, v > INT64_MAX ? "\"%llu\"" : "%llu", (unsigned long long)v);
}

static void
add_value(struct writer *w, size_t i)
{
	static const char *const items[] = { "u8", "i8", "u16", "i16", "u32",
	    "i32", "f32", "bool", "string", "array", "u64", "i64", "f64" };
	const struct csn_value *v = &w->m->values[i];
	char *text;
	int64_t integer;
	double real;
	size_t len;

	switch (v->type) {
	case CSN_MODEL_STRING:
		if (v->number > TEXT_MAX) {
			add(w, "{\"string_bytes\": %llu}",
			    (unsigned long long)v->number);
		} else if (w->rc == 0 && (w->rc = csn_model_text(w->m, i,
		    TEXT_MAX, &text, &len)) == 0) {
			add_text(w, text, len);
			free(text);
		}
		break;
	case CSN_MODEL_ARRAY:
		add(w, "{\"array\": \"%s\", \"count\": %llu}", items[v->item],
		    (unsigned long long)v->number);
		break;
	case CSN_MODEL_INT:
		memcpy(&integer, &v->number, sizeof(integer));
		add(w, "%lld", (long long)integer);
		break;
	case CSN_MODEL_FLOAT:
		memcpy(&real, &v->number, sizeof(real));
		if (isfinite(real))
			add(w, "%.17g", real);
		else
			add(w, "\"%s\"", isnan(real) ? "nan" :
			    real > 0 ? "inf" : "-inf");
		break;
	case CSN_MODEL_BOOL:
		add(w, v->number != 0 ? "true" : "false");
		break;
	default:
		add_number(w, v->number);
	}
}

/* *j: the first value of the file; they stand in the order of the files. */
static void
add_file(struct writer *w, uint32_t i, size_t *j)
{
	const struct csn_part *part = &w->m->parts[i];
	const char *comma = "";

	add(w, "%s{\"name\": ", i > 0 ? ", " : "");
	add_text(w, part->source.name, strlen(part->source.name));
	add(w, ", \"bytes\": %llu, \"data_at\": %llu, \"tensors\": %u, "
	    "\"metadata\": {", (unsigned long long)part->source.length,
	    (unsigned long long)part->data_at, part->ntensors);
	for (; *j < w->m->nvalues && w->m->values[*j].file == i &&
	    w->rc == 0; ++*j) {
		add(w, "%s", comma);
		add_text(w, w->m->values[*j].key,
		    strlen(w->m->values[*j].key));
		add(w, ": ");
		add_value(w, *j);
		comma = ", ";
	}
	add(w, "}}");
}

static void
add_tensor(struct writer *w, size_t i)
{
	const struct csn_tensor *t = &w->m->tensors[i];
	size_t j;

	add(w, "%s{\"name\": ", i > 0 ? ", " : "");
	add_text(w, t->name, strlen(t->name));
	add(w, ", \"dtype\": \"%s\", ", t->dtype != NULL ? t->dtype->name :
	    "unknown");
	if (w->m->parts[0].format == CSN_MODEL_GGUF)
		add(w, "\"type\": %u, ", t->type);
	add(w, "\"shape\": [");
	for (j = 0; j < t->ndims; j++) {
		add(w, "%s", j > 0 ? ", " : "");
		add_number(w, t->dims[j]);
	}
	add(w, "], \"file\": %u, \"offset\": %llu, \"bytes\": %llu, "
	    "\"quantised\": %s, \"unaligned\": %s}", t->file,
	    (unsigned long long)t->offset, (unsigned long long)t->length,
	    t->dtype != NULL && t->dtype->block > 1 ? "true" : "false",
	    t->unaligned ? "true" : "false");
}

int
csn_model_json(const struct csn_model *m, char **out)
{
	struct csn_model_facts f = { .size = sizeof(f) };
	struct writer w = { .m = m };
	uint32_t i;
	size_t j = 0;
	int rc;
	CSN_UNCANCELLED;

	if ((rc = CSN_NEEDS(m, out)) != 0 ||
	    (rc = csn_model_facts(m, &f)) != 0)
		return rc;
	add(&w, "{\"format\": \"%s\", ", f.format == CSN_MODEL_GGUF ? "gguf" :
	    "safetensors");
	if (f.format == CSN_MODEL_GGUF)
		add(&w, "\"version\": %u, \"alignment\": %u, ", f.version,
		    f.alignment);
	if (f.split_count > 0)
		add(&w, "\"split_no\": %u, \"split_count\": %u, ", f.split_no,
		    f.split_count);
	add(&w, "\"bytes\": %llu, \"data_bytes\": %llu, \"elements\": ",
	    (unsigned long long)f.bytes, (unsigned long long)f.data_bytes);
	add_number(&w, f.elements);
	add(&w, ", \"files\": [");
	for (i = 0; i < m->nparts && w.rc == 0; i++)
		add_file(&w, i, &j);
	add(&w, "], \"tensors\": [");
	for (j = 0; j < m->ntensors && w.rc == 0; j++)
		add_tensor(&w, j);
	add(&w, "]}");
	if (w.rc != 0) {
		free(w.p);
		return w.rc;
	}
	*out = w.p;
	return 0;
}
