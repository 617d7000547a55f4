/* SPDX-License-Identifier: Apache-2.0 */
/* redis/slot.c - a key's name in Redis, and the Cluster slot that it is in. */
#include <string.h>

#include "providers/store/redis/redis.h"

/* CRC-16/XMODEM (polynomial 0x1021): what Redis Cluster spreads keys by. */
static uint16_t
crc16(const uint8_t *p, size_t len)
{
	/* Four bits at a time. */
	static const uint16_t table[16] = {
		0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6,
		0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad,
		0xe1ce, 0xf1ef,
	};
	uint16_t crc = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		crc = (uint16_t)(crc << 4) ^
		    table[(crc >> 12) ^ (p[i] >> 4)];
		crc = (uint16_t)(crc << 4) ^
		    table[(crc >> 12) ^ (p[i] & 0xf)];
	}
	return crc;
}

unsigned
csn_redis_slot(const uint8_t *key, size_t len)
{
	const uint8_t *open, *close;

	/* The first {...}, where something is in it, stands for the key. */
	if ((open = memchr(key, '{', len)) != NULL) {
		open++;
		close = memchr(open, '}', len - (size_t)(open - key));
		if (close != NULL && close > open)
			return crc16(open, (size_t)(close - open)) %
			    CSN_REDIS_SLOTS;
	}
	return crc16(key, len) % CSN_REDIS_SLOTS;
}

size_t
csn_redis_key(const struct csn_redis_config *c, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len, uint8_t *out)
{
	char hex[2 * CSN_STORE_MAX_SPACE + 1];
	size_t n = 0, len;

	if (space_len > 0) {
		len = strlen(c->prefix);
		memcpy(out, c->prefix, len);
		n = len;
		memcpy(out + n, ":{", 2);
		n += 2;
		csn_hex_encode(space, space_len, hex);
		memcpy(out + n, hex, 2 * space_len);
		n += 2 * space_len;
		memcpy(out + n, "}:", 2);
		n += 2;
	}
	if (key_len > 0)
		memcpy(out + n, key, key_len);
	return n + key_len;
}

size_t
csn_redis_key_space(const struct csn_redis_config *c, const uint8_t *name,
    size_t len)
{
	size_t n = strlen(c->prefix), from;

	if (len < n + 2 || memcmp(name, c->prefix, n) != 0 || /* public */
	    memcmp(name + n, ":{", 2) != 0)
		return 0;
	from = n += 2;
	while (n < len && ((name[n] >= '0' && name[n] <= '9') ||
	    (name[n] >= 'a' && name[n] <= 'f')))
		n++;
	if (n == from || (n - from) % 2 != 0 ||
	    n - from > 2 * CSN_STORE_MAX_SPACE || len - n < 2 ||
	    memcmp(name + n, "}:", 2) != 0)
		return 0;
	return n + 2;
}
