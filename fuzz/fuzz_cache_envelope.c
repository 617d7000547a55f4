/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cache_envelope.c - containers of cached values: what unpacks, packs and
 * unpacks to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "cache/envelope.h"

#define MOST (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_envelope e, again;
	uint8_t *room, *value, *stored;
	size_t n;

	if (csn_envelope_read(NULL, data, len, &e) != 0 || e.original > MOST)
		return 0;
	room = malloc(e.data_len + 1);
	value = malloc(e.original + 1);
	if (room == NULL || value == NULL)
		abort();
	if (csn_envelope_unpack(NULL, &e, room, value) == 0) {
		stored = malloc(csn_envelope_bound(e.original));
		if (stored == NULL || csn_envelope_write(NULL, "msgpack",
		    value, e.original, stored, &n) != 0 ||
		    csn_envelope_read(NULL, stored, n, &again) != 0 ||
		    again.original != e.original ||
		    memcmp(again.checksum, e.checksum,
		    CSN_CHECKSUM_SIZE) != 0)
			abort();
		free(stored);
	}
	free(room);
	free(value);
	return 0;
}
