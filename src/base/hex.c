/* SPDX-License-Identifier: Apache-2.0 */
/* base/hex.c - bytes as hexadecimal text. */
#include <endian.h>
#include <string.h>

#include "base/text.h"

/*
 * Eight digits at a time, without a table or a branch: what is shown may be a
 * secret. x has a digit's value in each byte, the first in the lowest.
 */
static uint64_t
digits(uint64_t x)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	/* 1 in each byte of 10 or more. */
	uint64_t letters = ((x + 6 * ones) >> 4) & ones;

	return x + '0' * ones + letters * ('a' - '0' - 10);
}

/* Four bytes, the first in the lowest of each 16 bits, as their digits. */
static uint64_t
encode(uint64_t x)
{
	const uint64_t low = UINT64_C(0x000f000f000f000f);

	return digits((x >> 4 & low) | (x & low) << 8);
}

void
csn_hex_encode(const uint8_t *p, size_t len, char *out)
{
	uint64_t x;

	for (; len >= 4; len -= 4, p += 4, out += 8) {
		x = htole64(encode(p[0] | (uint64_t)p[1] << 16 |
		    (uint64_t)p[2] << 32 | (uint64_t)p[3] << 48));
		memcpy(out, &x, 8);
	}
	for (; len > 0; len--, p++, out += 2) {
		x = encode(p[0]);
		out[0] = (char)x;
		out[1] = (char)(x >> 8);
	}
	*out = '\0';
}

/* The digit's value, or 16. */
static unsigned
value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 16;
}

int
csn_hex_decode(const char *s, size_t len, uint8_t *out, size_t out_len)
{
	unsigned high, low;
	size_t i;

	if (len % 2 != 0 || len / 2 != out_len)
		return CSN_E_FORM;
	for (i = 0; i < out_len; i++) {
		high = value(s[2 * i]);
		low = value(s[2 * i + 1]);
		if (high > 15 || low > 15)
			return CSN_E_FORM;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
