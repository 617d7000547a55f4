/* SPDX-License-Identifier: Apache-2.0 */
/* model/dtype.c - the types of elements that the formats have. */
#include <stddef.h>
#include <string.h>

#include "model/model.h"

static const struct csn_dtype safetensors[] = {
	{ "BOOL", 0, 1, 8 }, { "U8", 0, 1, 8 }, { "I8", 0, 1, 8 },
	{ "F8_E5M2", 0, 1, 8 }, { "F8_E4M3", 0, 1, 8 },
	{ "F8_E8M0", 0, 1, 8 }, { "F8_E4M3FNUZ", 0, 1, 8 },
	{ "F8_E5M2FNUZ", 0, 1, 8 }, { "I16", 0, 1, 16 }, { "U16", 0, 1, 16 },
	{ "F16", 0, 1, 16 }, { "BF16", 0, 1, 16 }, { "I32", 0, 1, 32 },
	{ "U32", 0, 1, 32 }, { "F32", 0, 1, 32 }, { "I64", 0, 1, 64 },
	{ "U64", 0, 1, 64 }, { "F64", 0, 1, 64 }, { "C64", 0, 1, 64 },
	{ "F4", 0, 1, 4 }, { "F6_E2M3", 0, 1, 6 }, { "F6_E3M2", 0, 1, 6 },
};

/* ggml.h and ggml-common.h of llama.cpp: bytes of a block, in bits. */
static const struct csn_dtype gguf[] = {
	{ "F32", 0, 1, 32 }, { "F16", 1, 1, 16 },
	{ "Q4_0", 2, 32, 18 * 8 }, { "Q4_1", 3, 32, 20 * 8 },
	{ "Q4_2", 4, 0, 0 }, { "Q4_3", 5, 0, 0 },
	{ "Q5_0", 6, 32, 22 * 8 }, { "Q5_1", 7, 32, 24 * 8 },
	{ "Q8_0", 8, 32, 34 * 8 }, { "Q8_1", 9, 32, 36 * 8 },
	{ "Q2_K", 10, 256, 84 * 8 }, { "Q3_K", 11, 256, 110 * 8 },
	{ "Q4_K", 12, 256, 144 * 8 }, { "Q5_K", 13, 256, 176 * 8 },
	{ "Q6_K", 14, 256, 210 * 8 }, { "Q8_K", 15, 256, 292 * 8 },
	{ "IQ2_XXS", 16, 256, 66 * 8 }, { "IQ2_XS", 17, 256, 74 * 8 },
	{ "IQ3_XXS", 18, 256, 98 * 8 }, { "IQ1_S", 19, 256, 50 * 8 },
	{ "IQ4_NL", 20, 32, 18 * 8 }, { "IQ3_S", 21, 256, 110 * 8 },
	{ "IQ2_S", 22, 256, 82 * 8 }, { "IQ4_XS", 23, 256, 136 * 8 },
	{ "I8", 24, 1, 8 }, { "I16", 25, 1, 16 }, { "I32", 26, 1, 32 },
	{ "I64", 27, 1, 64 }, { "F64", 28, 1, 64 },
	{ "IQ1_M", 29, 256, 56 * 8 }, { "BF16", 30, 1, 16 },
	{ "Q4_0_4_4", 31, 0, 0 }, { "Q4_0_4_8", 32, 0, 0 },
	{ "Q4_0_8_8", 33, 0, 0 },
	{ "TQ1_0", 34, 256, 54 * 8 }, { "TQ2_0", 35, 256, 66 * 8 },
	{ "IQ4_NL_4_4", 36, 0, 0 }, { "IQ4_NL_4_8", 37, 0, 0 },
	{ "IQ4_NL_8_8", 38, 0, 0 }, { "MXFP4", 39, 32, 17 * 8 },
};

const struct csn_dtype *
csn_dtype_safetensors(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(safetensors) / sizeof(safetensors[0]); i++)
		if (strcmp(safetensors[i].name, name) == 0)
			return &safetensors[i];
	return NULL;
}

const struct csn_dtype *
csn_dtype_gguf(uint32_t number)
{
	/* The table has every number up to its last. */
	return number < sizeof(gguf) / sizeof(gguf[0]) ? &gguf[number] : NULL;
}

int
csn_dtype_bits(const struct csn_dtype *dtype, const uint64_t *dims,
    size_t ndims, uint64_t *n, uint64_t *bits)
{
	uint64_t all = 1;
	size_t i;

	/* A product that wraps before a zero is refused, too. */
	for (i = 0; i < ndims; i++) {
		if (dims[i] != 0 && all > UINT64_MAX / dims[i])
			return -1;
		all *= dims[i];
	}
	if (dtype->block > 1 &&
	    (ndims > 0 ? dims[0] : 1) % dtype->block != 0)
		return -1;
	*n = all;
	all /= dtype->block;
	if (all > UINT64_MAX / dtype->bits)
		return -1;
	*bits = all * dtype->bits;
	return 0;
}
