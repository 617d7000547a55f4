/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_memcached_value.c - what a memcached says to the store's operations:
 * the first byte says which one, the rest is the answer.
 */
#include "store.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_store *store;
	char url[400];
	int n;

	if (len == 0 || len > FUZZ_VALUE)
		return 0;
	n = snprintf(url, sizeof(url), "memcached:%s?timeout=20000",
	    fuzz_server(data + 1, len - 1));
	check(n > 0 && (size_t)n < sizeof(url));
	check(csn_store_open(fuzz_ctx(), url, &store) == 0);
	fuzz_ask(store, data[0]);
	csn_store_close(store);
	fuzz_server_quiet();
	return 0;
}
