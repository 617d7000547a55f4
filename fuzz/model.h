/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/model.h - model files in memory, and what holds for what is accepted. */
#ifndef CAISSON_FUZZ_MODEL_H
#define CAISSON_FUZZ_MODEL_H

#include <stdlib.h>
#include <string.h>

#include <caisson/caisson.h>

struct fuzz_file {
	const uint8_t *p;
	size_t len;
	const char *name;
};

static inline int
fuzz_file_read(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	const struct fuzz_file *f = arg;

	/* Nothing is asked for that is not there. */
	if (len == 0 || offset > f->len || len > f->len - offset)
		abort();
	memcpy(p, f->p + offset, len);
	*got = len;
	return 0;
}

static inline int
fuzz_model_read(struct fuzz_file *const *files, size_t n,
    struct csn_model **out)
{
	const struct csn_model_options options = { .size = sizeof(options),
	    .flags = n == 1 ? CSN_MODEL_PART : 0, .max_memory = 1u << 24 };
	static struct csn_ctx *ctx;
	struct csn_model_source sources[4];
	const struct csn_model_source *pointers[4];
	size_t i;

	if (ctx == NULL && csn_ctx_new(NULL, &ctx) != 0)
		abort();
	for (i = 0; i < n; i++) {
		sources[i] = (struct csn_model_source){
		    .size = sizeof(sources[i]), .name = files[i]->name,
		    .length = files[i]->len, .arg = files[i],
		    .read = fuzz_file_read };
		pointers[i] = &sources[i];
	}
	return csn_model_read(ctx, pointers, n, &options, out);
}

/* Tensors lie within their files and take no more than these have. */
static inline void
fuzz_model_holds(const struct csn_model *m)
{
	struct csn_model_facts f = { .size = sizeof(f) };
	struct csn_model_tensor t = { .size = sizeof(t) };
	struct csn_model_file file = { .size = sizeof(file) };
	struct csn_model_value v = { .size = sizeof(v) };
	uint64_t sum = 0;
	char *text;
	size_t i, j, len;
	uint8_t b;

	if (csn_model_facts(m, &f) != 0)
		abort();
	for (i = 0; i < f.tensors; i++) {
		if (csn_model_tensor(m, i, &t) != 0 ||
		    csn_model_file(m, t.file, &file) != 0 ||
		    t.offset < file.data_at || t.offset > file.length ||
		    t.length > file.length - t.offset)
			abort();
		sum += t.length;
		if (csn_model_find(m, t.name, &t, &j) != 0 || i != j)
			abort();
		if (t.length > 0 && csn_model_tensor_read(m, i, t.length - 1,
		    &b, 1) != 0)
			abort();
		if (csn_model_tensor_read(m, i, t.length, &b, 1) == 0)
			abort();
	}
	if (sum > f.bytes || sum != f.data_bytes)
		abort();
	for (i = 0; i < f.metadata; i++) {
		if (csn_model_value(m, i, &v) != 0)
			abort();
		if (v.type != CSN_MODEL_STRING)
			continue;
		if (csn_model_text(m, i, (size_t)v.count, &text, &len) != 0 ||
		    len != v.count || text[len] != '\0')
			abort();
		csn_free(text);
	}
	if (csn_model_json(m, &text) == 0) {
		if (text[0] != '{' || text[strlen(text) - 1] != '}')
			abort();
		csn_free(text);
	}
}

/* One file of the format, or none. */
static inline void
fuzz_model_one(const uint8_t *data, size_t len, uint32_t format)
{
	struct fuzz_file file = { data, len, "fuzz" }, *files[] = { &file };
	struct csn_model_facts f = { .size = sizeof(f) };
	struct csn_model *m = NULL;

	if (fuzz_model_read(files, 1, &m) != 0) {
		if (m != NULL)
			abort();
		return;
	}
	if (csn_model_facts(m, &f) == 0 && f.format == format)
		fuzz_model_holds(m);
	csn_model_free(m);
}

#endif
