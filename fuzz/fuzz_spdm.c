/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_spdm.c - measurements of a GPU, with what they are verified against. */
#include "evidence.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_evidence(CSN_PLATFORM_NVIDIA, data, len);
	return 0;
}
