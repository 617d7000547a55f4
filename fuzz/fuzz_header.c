/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_header.c - a header that csn_header_read() accepts is written again
 * as the same bytes; what it refuses does no harm.
 */
#include <stdlib.h>
#include <string.h>

#include "envelope/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_header h = { .size = sizeof(h) };
	uint8_t again[CSN_SEAL_HEADER];

	if (csn_header_read(NULL, data, len, &h) != 0)
		return 0;
	csn_header_encode(&h, again);
	if (memcmp(again, data, sizeof(again)) != 0)
		abort();
	return 0;
}
