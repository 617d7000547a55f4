/* SPDX-License-Identifier: Apache-2.0 */
/* model/model.h - what was read of a model, and how it grows. */
#ifndef CSN_MODEL_MODEL_H
#define CSN_MODEL_MODEL_H

#include <caisson/model.h>

#define ROOM "model"
#define CSN_MODEL_MEMORY (UINT64_C(256) << 20)

/* A type of elements: so many bits a block of so many of them. */
struct csn_dtype {
	const char *name;
	uint32_t number;	/* GGUF's */
	uint32_t block;		/* 0: it was removed from the format */
	uint32_t bits;		/* of a block */
};

struct csn_tensor {
	const char *name;	/* in the arena, as dims is */
	const uint64_t *dims;
	const struct csn_dtype *dtype;	/* NULL: unknown */
	uint64_t offset;	/* in the file */
	uint64_t length;
	uint32_t type;
	uint32_t file;
	uint16_t ndims;
	uint8_t unaligned;
	uint8_t mapped;		/* the index named it */
};

struct csn_value {
	const char *key;	/* in the arena */
	uint64_t number;	/* or the bits of another, or a length */
	uint64_t offset;
	uint64_t length;
	uint32_t type;		/* enum csn_model_value_type */
	uint32_t file;
	uint32_t item;
	uint32_t kind;		/* GGUF's type */
};

/* A file. */
struct csn_part {
	struct csn_model_source source;	/* its name is ours */
	uint64_t data_at;
	uint32_t format;
	uint32_t version;
	uint32_t alignment;
	uint32_t first;		/* its tensors */
	uint32_t ntensors;
	uint32_t split_no;
	uint32_t split_count;
	int fd;			/* -1: the caller's */
};

/* Numbers of entries by their keys; a slot is a number + 1, or 0. */
struct csn_names {
	uint32_t *slots;
	size_t nslots;		/* a power of two */
	size_t used;
	int of_tensors;
};

struct csn_model {
	struct csn_ctx *ctx;
	struct csn_part *parts;
	size_t nparts;
	struct csn_tensor *tensors;
	size_t ntensors, tensors_cap;
	struct csn_value *values;
	size_t nvalues, values_cap;
	struct csn_names tensor_names;
	struct csn_names value_keys;
	struct csn_arena *arena;
	uint64_t memory;	/* what was taken so far */
	uint64_t max_memory;
	uint64_t seed[2];	/* of the hashes: names come from outside */
};

/* --- store.c: memory and tables ------------------------------------------ */

/* Count so much more memory. 0 or CSN_E_LIMIT. */
int csn_model_charge(struct csn_model *m, uint64_t bytes);
/* size bytes that go with the model, for any type. NULL: *rc says why. */
void *csn_model_take(struct csn_model *m, size_t size, int *rc);
/*
 * A zeroed entry behind the last, with key, which is copied. 0, CSN_E_EXISTS
 * without a sentence where the key is there (for a value: in that file), or
 * CSN_E_LIMIT, CSN_E_NOMEM.
 */
int csn_model_add_tensor(struct csn_model *m, uint32_t file, const char *name,
    size_t len, struct csn_tensor **out);
int csn_model_add_value(struct csn_model *m, uint32_t file, const char *key,
    size_t len, struct csn_value **out);
struct csn_tensor *csn_model_tensor_named(const struct csn_model *m,
    const char *name, size_t len);
struct csn_value *csn_model_value_named(const struct csn_model *m,
    uint32_t file, const char *key);
void csn_model_arena_free(struct csn_model *m);

/* --- dtype.c ------------------------------------------------------------- */

const struct csn_dtype *csn_dtype_safetensors(const char *name);
/* NULL for one that is not known; block 0 for one that was removed. */
const struct csn_dtype *csn_dtype_gguf(uint32_t number);
/*
 * Bits of a tensor in *bits, elements in *n. 0, or -1 where a product wraps or
 * the first dimension (of blocks larger than 1) is not whole blocks.
 */
int csn_dtype_bits(const struct csn_dtype *dtype, const uint64_t *dims,
    size_t ndims, uint64_t *n, uint64_t *bits);

/* --- layout.c ------------------------------------------------------------ */

/*
 * Whether the tensors of a file, each at offset with length, lie one behind
 * the other from data_at to its end, each padded to alignment (1: not at all).
 * GGUF's unknown types get their length here.
 */
int csn_model_layout(struct csn_model *m, const struct csn_part *part);

/* --- the formats --------------------------------------------------------- */

int csn_safetensors_read(struct csn_model *m, uint32_t file);
int csn_gguf_read(struct csn_model *m, uint32_t file);

/* What index names: visit is called for each tensor and its file. */
struct csn_index_visit {
	int (*entry)(void *arg, const char *tensor, size_t len,
	    const char *file, size_t file_len, uint64_t at);
	void *arg;
};
int csn_index_read(struct csn_model *m, const struct csn_part *index,
    const struct csn_index_visit *visit);
/* 0, or CSN_E_FORM: a name that is not one of a file in the folder. */
int csn_index_name_ok(const struct csn_part *index, const char *name,
    size_t len, uint64_t at);

/* --- set.c --------------------------------------------------------------- */

#define CSN_MODEL_INDEX 100	/* a format like the others */

/* 0, or why the beginning could not be read; *format is one, or 0. */
int csn_model_sniff(struct csn_model *m, const struct csn_part *part,
    uint32_t *format);
int csn_model_new(struct csn_ctx *ctx, const struct csn_model_options *options,
    size_t nparts, struct csn_model **out);
/* Read the parts, of which index (NULL: none) names the tensors. */
int csn_model_fill(struct csn_model *m, const struct csn_part *index,
    int alone);

/* Read len bytes that are there. 0, CSN_E_IO or the source's code. */
int csn_part_read(struct csn_model *m, const struct csn_part *part,
    uint64_t offset, uint8_t *p, size_t len);

#endif
