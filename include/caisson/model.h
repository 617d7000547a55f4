/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/model.h - what model files say of themselves, and their tensors. */
#ifndef CAISSON_MODEL_H
#define CAISSON_MODEL_H

#include <caisson/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Readers of safetensors (alone, or the shards of a
 * model.safetensors.index.json) and of GGUF versions 2 and 3 (alone, or split
 * into -00001-of-00003.gguf and so on). Headers alone are read: a tensor's
 * bytes are fetched when they are asked for, through whatever the source is.
 *
 * Nothing in a header is believed before it was compared with the bytes that
 * are there. Each byte behind the header belongs to one tensor or to padding
 * that the format asks for. A file that other readers could understand
 * differently is refused: names or keys twice, NUL in a name, other text
 * before the header's brace. Memory grows with what was read, up to a limit.
 *
 * A model is not changed once it was read: any thread may use it, where its
 * source allows as much.
 */
struct csn_model;

#define CSN_MODEL_TENSORS_MAX (1u << 20)	/* in all files */
#define CSN_MODEL_METADATA_MAX (1u << 16)	/* in each file */
#define CSN_MODEL_FILES_MAX 4096u
#define CSN_MODEL_DIMS_MAX 64u			/* of a tensor; 4 in GGUF */
#define CSN_MODEL_NAME_MAX 65535u		/* bytes of a name or a key */
#define CSN_MODEL_STRING_MAX (64u << 20)	/* bytes of a value */
#define CSN_MODEL_HEADER_MAX 100000000u		/* bytes of a JSON header */

enum csn_model_format {
	CSN_MODEL_SAFETENSORS = 1,
	CSN_MODEL_GGUF = 2
};

/*
 * A file. read fetches up to len bytes at offset; *got is less only at the
 * end. It returns 0 or an error code, which ends the work and is passed on. It
 * is called within length alone, in any order.
 */
struct csn_model_source {
	uint32_t size;
	uint32_t reserved;
	const char *name;	/* as it stands in its folder; copied */
	uint64_t length;
	void *arg;
	int (*read)(void *arg, uint64_t offset, uint8_t *p, size_t len,
	    size_t *got);
};

/* One file of a set is read alone, whatever it says of others. */
#define CSN_MODEL_PART 1u

struct csn_model_options {
	uint32_t size;
	uint32_t flags;
	uint64_t max_memory;	/* of the model; 0: 256 MiB */
};

/**
 * Read n files that are one model: one file; the index and all its shards; or
 * all files of a split set, in their order. What arg stands for outlives the
 * model. options may be NULL.
 *
 * Returns 0; CSN_E_FORM, with the file, the place in it and the reason;
 * CSN_E_VERSION for a GGUF of another version or byte order; CSN_E_LIMIT for
 * what passes one of the limits above or max_memory; CSN_E_NOT_FOUND where a
 * file of the set lacks, which the sentence names; CSN_E_IO where a source
 * gives fewer bytes than it has; CSN_E_ARG, CSN_E_NOMEM, CSN_E_RANDOM, or what
 * a source returned.
 */
CSN_API CSN_MUST_CHECK int csn_model_read(struct csn_ctx *ctx,
    const struct csn_model_source *const *sources, size_t n,
    const struct csn_model_options *options, struct csn_model **out);
/**
 * The same from the file at path, an index, or any file of a split set: the
 * others are looked for beside it. A name in an index that is not one of a
 * file in that folder is CSN_E_FORM, and so is a symbolic link out of it.
 */
CSN_API CSN_MUST_CHECK int csn_model_open(struct csn_ctx *ctx,
    const char *path, const struct csn_model_options *options,
    struct csn_model **out);
CSN_API void csn_model_free(struct csn_model *model);

/* The library fills these; pointers are the model's. */
struct csn_model_facts {
	uint32_t size;
	uint32_t format;	/* enum csn_model_format */
	uint32_t version;	/* of GGUF; 0 for safetensors */
	uint32_t alignment;	/* of GGUF's data; 0 for safetensors */
	uint32_t files;		/* without an index */
	uint32_t tensors;
	uint32_t metadata;
	uint32_t split_no;	/* of the first file, from 0 */
	uint32_t split_count;	/* 0 where it does not say that it is split */
	uint32_t reserved;
	uint64_t bytes;		/* of all files */
	uint64_t data_bytes;	/* of all tensors */
	uint64_t elements;	/* of all whose type is known */
};
CSN_API CSN_MUST_CHECK int csn_model_facts(const struct csn_model *model,
    struct csn_model_facts *facts);

struct csn_model_file {
	uint32_t size;
	uint32_t tensors;
	const char *name;
	uint64_t length;
	uint64_t data_at;	/* where its tensors begin */
};
/** The i-th file; CSN_E_NOT_FOUND past the last. */
CSN_API CSN_MUST_CHECK int csn_model_file(const struct csn_model *model,
    size_t i, struct csn_model_file *file);

/* It does not begin on a multiple of what an element of it has in bytes. */
#define CSN_MODEL_UNALIGNED 1u
/* Of a type that is not known here: its bytes end where the next begins. */
#define CSN_MODEL_UNKNOWN 2u

struct csn_model_tensor {
	uint32_t size;
	uint32_t flags;
	const char *name;
	const char *dtype;	/* "BF16", "Q4_K"; "unknown" */
	const uint64_t *dims;	/* in the order of the file */
	uint32_t ndims;		/* 0 for a scalar */
	uint32_t type;		/* GGUF's number */
	uint32_t file;
	uint32_t block;		/* elements that are stored together: 1 where
				 * it is not quantised, 0 for an unknown type */
	uint64_t offset;	/* in its file */
	uint64_t length;	/* in bytes */
	uint64_t elements;
};
/** The i-th tensor, in the order of the headers. CSN_E_NOT_FOUND. */
CSN_API CSN_MUST_CHECK int csn_model_tensor(const struct csn_model *model,
    size_t i, struct csn_model_tensor *tensor);
/** By its name. *i gets its number and may be NULL. CSN_E_NOT_FOUND. */
CSN_API CSN_MUST_CHECK int csn_model_find(const struct csn_model *model,
    const char *name, struct csn_model_tensor *tensor, size_t *i);
/**
 * Read len bytes of the i-th tensor, at offset of its own. CSN_E_ARG where it
 * has fewer, CSN_E_NOT_FOUND, CSN_E_IO, or what the source returned; then p is
 * zero.
 */
CSN_API CSN_MUST_CHECK int csn_model_tensor_read(const struct csn_model *model,
    size_t i, uint64_t offset, uint8_t *p, size_t len);

enum csn_model_value_type {
	CSN_MODEL_UINT = 1,
	CSN_MODEL_INT = 2,
	CSN_MODEL_FLOAT = 3,
	CSN_MODEL_BOOL = 4,
	CSN_MODEL_STRING = 5,
	CSN_MODEL_ARRAY = 6
};

/* What a file says of itself: the model card, the tokenizer. */
struct csn_model_value {
	uint32_t size;
	uint32_t type;		/* enum csn_model_value_type */
	const char *key;
	uint64_t number;	/* a CSN_MODEL_UINT, or 1 and 0 */
	int64_t integer;
	double real;
	uint64_t count;		/* bytes of a string, items of an array */
	uint64_t offset;	/* in its file, where a string or the items */
	uint64_t length;	/* of an array are, and their bytes */
	uint32_t file;
	uint32_t item;		/* GGUF's type of an array's items */
};
/** The i-th value, in the order of the headers. CSN_E_NOT_FOUND. */
CSN_API CSN_MUST_CHECK int csn_model_value(const struct csn_model *model,
    size_t i, struct csn_model_value *value);
/** By its key: that of the first file that has it. CSN_E_NOT_FOUND. */
CSN_API CSN_MUST_CHECK int csn_model_get(const struct csn_model *model,
    const char *key, struct csn_model_value *value);
/**
 * The text of the i-th value, which is a string (else CSN_E_ARG): UTF-8, in
 * *out (csn_free) with a NUL behind its *len bytes; it may have others.
 * CSN_E_LIMIT above max bytes. It is read from the source.
 */
CSN_API CSN_MUST_CHECK int csn_model_text(const struct csn_model *model,
    size_t i, size_t max, char **out, size_t *len);

/**
 * All of it as JSON in *out (csn_free): format, files, metadata (of an array
 * its type and count, of a string of more than 64 KiB its length), tensors. A
 * number above 2^63 - 1 is a string there. CSN_E_LIMIT where that takes more
 * than max_memory.
 */
CSN_API CSN_MUST_CHECK int csn_model_json(const struct csn_model *model,
    char **out);

#ifdef __cplusplus
}
#endif

#endif
