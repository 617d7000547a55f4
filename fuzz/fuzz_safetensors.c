/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_safetensors.c - a safetensors file that is anything: as it is, and as
 * a header in front of which its true length stands.
 */
#include "model.h"

#include "base/little.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *end = len > 0 ? memchr(data, 0, len) : NULL;
	size_t header = end != NULL ? (size_t)(end - data) : len;
	uint8_t *p;

	fuzz_model_one(data, len, CSN_MODEL_SAFETENSORS);
	/* Text up to a NUL is the header, what follows the data. */
	if ((p = malloc(len + 8)) == NULL)
		abort();
	csn_store64(p, header);
	if (len > 0)
		memcpy(p + 8, data, header);
	len -= end != NULL ? header + 1 : len;
	if (len > 0)
		memcpy(p + 8 + header, end + 1, len);
	fuzz_model_one(p, 8 + header + len, CSN_MODEL_SAFETENSORS);
	free(p);
	return 0;
}
