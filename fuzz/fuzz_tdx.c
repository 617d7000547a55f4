/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tdx.c - Intel quotes and their collateral. */
#include "evidence.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_evidence(CSN_PLATFORM_TDX, data, len);
	return 0;
}
