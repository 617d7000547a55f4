/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cache_msgpack.c - MessagePack that others wrote: what is of interop
 * mode's data model is well-formed.
 */
#include <stdlib.h>

#include "cache/mp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (csn_mp_check(NULL, data, len, 1) == 0 &&
	    csn_mp_check(NULL, data, len, 0) != 0)
		abort();
	return 0;
}
