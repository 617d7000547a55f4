/* SPDX-License-Identifier: Apache-2.0 */
/* crc32.c - CRC-32, eight bytes at a step by as many tables. */

#include <pthread.h>
#include <string.h>

#include "base/crc32.h"

#define POLYNOMIAL UINT32_C(0xedb88320)	/* bits reversed */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t tables[8][256];

static void
make_tables(void)
{
	uint32_t i, k, crc;

	for (i = 0; i < 256; i++) {
		crc = i;
		for (k = 0; k < 8; k++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
		tables[0][i] = crc;
	}
	for (i = 0; i < 256; i++) {
		for (k = 1; k < 8; k++)
			tables[k][i] = tables[k - 1][i] >> 8 ^
			    tables[0][tables[k - 1][i] & 0xff];
	}
}

uint32_t
csn_crc32(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	(void)pthread_once(&once, make_tables);
	crc = ~crc;
	for (; len >= 8; p += 8, len -= 8) {
		crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 |
		    (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		crc = tables[7][crc & 0xff] ^ tables[6][crc >> 8 & 0xff] ^
		    tables[5][crc >> 16 & 0xff] ^ tables[4][crc >> 24] ^
		    tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^
		    tables[0][p[7]];
	}
	for (; len > 0; p++, len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *p) & 0xff];
	return ~crc;
}
