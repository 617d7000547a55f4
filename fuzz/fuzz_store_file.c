/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_store_file.c - the head of a value's file in the file store. */

#include <string.h>

#include "identity.h"
#include "providers/store/file/file.h"

static void
head(const uint8_t *data, size_t len, uint64_t file_len)
{
	uint8_t again[CSN_FILE_MOST_HEAD];
	struct csn_file_head h;
	const char *why = NULL;
	uint32_t crc;

	if (csn_file_head_read(data, len, file_len, &h, &why) != 0) {
		check(why != NULL);
		return;
	}
	check(h.size <= len && h.size + h.len == file_len);
	check(h.key >= data && h.key + h.key_len == data + h.size);
	check(h.space + h.space_len == h.key);
	/* What was understood says the same when it is written. */
	check(csn_file_head_write(&h, again, &crc) == h.size);
	check(crc == csn_file_head_crc(data, h.size));
	csn_file_head_seal(again, h.crc);
	check(memcmp(again, data, h.size) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint64_t claimed = 0;

	head(data, len, len);
	/* A larger file of which this is the beginning. */
	if (len >= CSN_FILE_HEAD) {
		memcpy(&claimed, data + 24, sizeof(claimed));
		head(data, len, claimed + CSN_FILE_HEAD + data[10] + data[11]);
		if (len >= CSN_FILE_HEAD + 2)
			head(data, len, claimed + CSN_FILE_HEAD + 2 +
			    data[10] + data[32] + (uint64_t)data[33] * 256);
	}
	return 0;
}
