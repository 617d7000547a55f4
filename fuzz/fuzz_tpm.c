/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_tpm.c - a TPM's quote, with what it is verified against. */
#include "evidence.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_evidence(CSN_PLATFORM_TPM2, data, len);
	return 0;
}
