/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_memcached_value.c - what a memcached says to the store's operations:
 * the first byte says which one, the rest is the answer.
 */
#include "store.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char url[400];
	int n;

	if (len == 0 || len > FUZZ_VALUE)
		return 0;
	n = snprintf(url, sizeof(url), "memcached:%s?timeout=20000",
	    fuzz_server(data + 1, len - 1));
	check(n > 0 && (size_t)n < sizeof(url));
	return fuzz_value(url, data);
}
