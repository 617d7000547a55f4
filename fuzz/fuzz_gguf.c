/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_gguf.c - a GGUF file that is anything. */
#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_model_one(data, len, CSN_MODEL_GGUF);
	return 0;
}
