/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_text.c - hex, base58, times and UTF-8: what is accepted comes back
 * the same after writing it again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
hex(const char *s, size_t len)
{
	uint8_t *bytes, *back;
	char *text;

	bytes = malloc(len / 2 + 1);
	back = malloc(len / 2 + 1);
	text = malloc(len + 1);
	if (bytes == NULL || back == NULL || text == NULL)
		abort();
	if (csn_hex_decode(s, len, bytes, len / 2) == 0) {
		csn_hex_encode(bytes, len / 2, text);
		if (csn_hex_decode(text, len, back, len / 2) != 0 ||
		    memcmp(bytes, back, len / 2) != 0)
			abort();
	}
	free(bytes);
	free(back);
	free(text);
}

static void
base58(const uint8_t *data, size_t len)
{
	uint8_t *bytes;
	size_t n;
	char *text;

	if (csn_base58_decode((const char *)data, len, &bytes, &n) == 0) {
		if ((text = csn_base58_encode(bytes, n)) == NULL ||
		    strlen(text) != len || memcmp(text, data, len) != 0)
			abort();
		free(bytes);
		free(text);
	}
	if (len > 1000)
		return;
	if ((text = csn_base58_encode(data, len)) == NULL ||
	    csn_base58_decode(text, strlen(text), &bytes, &n) != 0 ||
	    n != len || memcmp(bytes, data, len) != 0)
		abort();
	free(bytes);
	free(text);
}

static void
time_text(const char *s, size_t len)
{
	char text[CSN_TIME_TEXT_SIZE];
	uint64_t ms, back;

	if (csn_time_parse(s, len, &ms) != 0)
		return;
	csn_time_format(ms, text);
	if (csn_time_parse(text, strlen(text), &back) != 0 || back != ms)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *s = (const char *)data;

	hex(s, len);
	base58(data, len);
	time_text(s, len);
	if (csn_utf8_ok(s, len) && !csn_utf8_valid(s, len))
		abort();
	return 0;
}
