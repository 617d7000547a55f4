/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cache_entry.c - plain entries as a backend hands them out: the first
 * byte says which shape is expected.
 */
#include <stdlib.h>
#include <string.h>

#include <caisson/cachekit.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_cachekit_entry entry = { .size = sizeof(entry),
	    .key = "k", .key_len = 1 };
	struct csn_cache_buffer value = { 0 }, stored = { 0 }, again = { 0 };

	if (len == 0)
		return 0;
	entry.shape = 1 + data[0] % 4;
	entry.flags = data[0] / 4 % 2 ? CSN_CACHEKIT_NO_INTEGRITY : 0;
	if (csn_cachekit_unpack(NULL, NULL, &entry, data + 1, len - 1, &value,
	    NULL) == 0 && (entry.shape != CSN_CACHEKIT_INTEROP) &&
	    (csn_cachekit_pack(NULL, NULL, &entry, value.p, value.len,
	    &stored) != 0 || csn_cachekit_unpack(NULL, NULL, &entry, stored.p,
	    stored.len, &again, NULL) != 0 || again.len != value.len ||
	    memcmp(again.p, value.p, value.len) != 0))
		abort();
	csn_cache_buffer_free(&value);
	csn_cache_buffer_free(&stored);
	csn_cache_buffer_free(&again);
	return 0;
}
