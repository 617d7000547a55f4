/* SPDX-License-Identifier: Apache-2.0 */
/* made.c - model files that tests make, and read from memory. */
#include "model/made.h"

#include "base/little.h"

#include "lib/test.h"

void
made_put(struct made *f, const void *p, size_t len)
{
	if (f->len + len > f->cap) {
		f->cap = 2 * (f->len + len) + 64;
		f->p = realloc(f->p, f->cap);
		assert_non_null(f->p);
	}
	if (len > 0)
		memcpy(f->p + f->len, p, len);
	f->len += len;
}

void
made_zeros(struct made *f, size_t len)
{
	for (; len > 0; len--)
		made_put(f, "", 1);
}

void
made_u32(struct made *f, uint32_t v)
{
	uint8_t p[4];

	csn_store32(p, v);
	made_put(f, p, sizeof(p));
}

void
made_u64(struct made *f, uint64_t v)
{
	uint8_t p[8];

	csn_store64(p, v);
	made_put(f, p, sizeof(p));
}

void
made_free(struct made *f)
{
	free(f->p);
	memset(f, 0, sizeof(*f));
}

static void
count_up(struct made *f, size_t len)
{
	uint8_t b;
	size_t i;

	for (i = 0; i < len; i++) {
		b = (uint8_t)(i + 1);
		made_put(f, &b, 1);
	}
}

void
made_safetensors(struct made *f, const char *header, size_t len)
{
	made_u64(f, strlen(header));
	made_put(f, header, strlen(header));
	count_up(f, len);
}

void
made_gguf(struct made *f, uint64_t tensors, uint64_t keys)
{
	made_put(f, "GGUF", 4);
	made_u32(f, 3);
	made_u64(f, tensors);
	made_u64(f, keys);
}

void
made_string(struct made *f, const char *s)
{
	made_u64(f, strlen(s));
	made_put(f, s, strlen(s));
}

void
made_key(struct made *f, const char *key, uint32_t kind)
{
	made_string(f, key);
	made_u32(f, kind);
}

void
made_tensor(struct made *f, const char *name, uint32_t type, uint64_t offset,
    size_t ndims, const uint64_t *dims)
{
	size_t i;

	made_string(f, name);
	made_u32(f, (uint32_t)ndims);
	for (i = 0; i < ndims; i++)
		made_u64(f, dims[i]);
	made_u32(f, type);
	made_u64(f, offset);
}

void
made_data(struct made *f, size_t align, size_t len)
{
	made_zeros(f, (align - f->len % align) % align);
	count_up(f, len);
}

static int
read_made(void *arg, uint64_t offset, uint8_t *p, size_t len, size_t *got)
{
	struct made *f = arg;

	assert_true(offset <= f->len && len <= f->len - offset && len > 0);
	f->reads += len;
	if (f->fails != 0)
		return f->fails;
	*got = f->lies > 0 && offset + len > f->len - f->lies ? 0 : len;
	memcpy(p, f->p + offset, *got);
	return 0;
}

int
made_read(struct csn_ctx *ctx, struct made *const *files,
    const char *const *names, size_t n, struct csn_model **out)
{
	const struct csn_model_source *sources[16];
	size_t i;

	assert_true(n <= 16);
	for (i = 0; i < n; i++) {
		files[i]->source = (struct csn_model_source){
		    .size = sizeof(files[i]->source), .name = names[i],
		    .length = files[i]->len, .arg = files[i],
		    .read = read_made };
		sources[i] = &files[i]->source;
	}
	return csn_model_read(ctx, sources, n, NULL, out);
}

int
made_verdict(struct csn_ctx *ctx, struct made *f)
{
	const char *name = "file";
	struct csn_model *m = NULL;
	int rc = made_read(ctx, &f, &name, 1, &m);

	csn_model_free(m);
	made_free(f);
	return rc;
}
