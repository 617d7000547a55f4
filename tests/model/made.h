/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/made.h - model files that tests make, and read from memory. */
#ifndef CAISSON_TESTS_MODEL_MADE_H
#define CAISSON_TESTS_MODEL_MADE_H

#include <stddef.h>
#include <stdint.h>

#include <caisson/model.h>

/* A file in memory. */
struct made {
	uint8_t *p;
	size_t len, cap;
	struct csn_model_source source;
	size_t reads;		/* bytes that were asked for */
	int fails;		/* what read returns, or 0 */
	size_t lies;		/* bytes that it has less than it says */
};

void made_put(struct made *f, const void *p, size_t len);
void made_zeros(struct made *f, size_t len);
void made_u32(struct made *f, uint32_t v);
void made_u64(struct made *f, uint64_t v);
void made_free(struct made *f);

/* safetensors: the header as it stands, then len bytes that count up. */
void made_safetensors(struct made *f, const char *header, size_t len);

/* GGUF 3 with so many tensors and keys; then those, then made_data. */
void made_gguf(struct made *f, uint64_t tensors, uint64_t keys);
void made_string(struct made *f, const char *s);
void made_key(struct made *f, const char *key, uint32_t kind);
void made_tensor(struct made *f, const char *name, uint32_t type,
    uint64_t offset, size_t ndims, const uint64_t *dims);
/* Padding to align, then len bytes that count up. */
void made_data(struct made *f, size_t align, size_t len);

/* Read n files, with their names. */
int made_read(struct csn_ctx *ctx, struct made *const *files,
    const char *const *names, size_t n, struct csn_model **out);
/* The same of one file that is freed then; the model too. */
int made_verdict(struct csn_ctx *ctx, struct made *f);

#endif
