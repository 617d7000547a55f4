/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_snp.c - AMD reports, with all that they are verified against. */
#include "evidence.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_evidence(CSN_PLATFORM_SEV_SNP, data, len);
	return 0;
}
