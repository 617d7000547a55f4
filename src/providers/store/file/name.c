/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file/name.c - where a value's file is: SPACE/XX/LEAF.
 *
 * Letters, digits, '.', '_' and '-' stand for themselves, any other byte is
 * '%' and two hex digits. The first letter says what follows, so no name is
 * "." or "..", and no two names meet. A key too long for a file's name is
 * named by its hash; the file itself holds all of it.
 */

#include <stdio.h>
#include <string.h>

#include <caisson/crypto.h>

#include "base/crc32.h"
#include "providers/store/file/file.h"

#define LONGEST (CSN_FILE_LEAF_NAME - 8)

static int
is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static size_t
encoded_len(const uint8_t *p, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += is_plain(p[i]) ? 1 : 3;
	return n;
}

static void
encode(const uint8_t *p, size_t len, char *out)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++) {
		if (is_plain(p[i])) {
			*out++ = (char)p[i];
		} else {
			*out++ = '%';
			*out++ = hex[p[i] >> 4];
			*out++ = hex[p[i] & 15];
		}
	}
	*out = '\0';
}

void
csn_file_space_name(const uint8_t *space, size_t len,
    char out[CSN_FILE_SPACE_NAME])
{
	out[0] = len == 0 ? 'o' : 's';
	encode(space, len, out + 1);
}

int
csn_file_name(struct csn_ctx *ctx, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_file_name *out)
{
	uint8_t hash[CSN_HASH_SIZE];
	int rc;

	csn_file_space_name(space, space_len, out->space);
	(void)snprintf(out->fan, sizeof(out->fan), "%s/%02x", out->space,
	    (unsigned)(csn_crc32(0, key, key_len) & 0xff));
	if (encoded_len(key, key_len) <= LONGEST) {
		out->leaf[0] = 'k';
		encode(key, key_len, out->leaf + 1);
	} else {
		if ((rc = csn_sha3_256(ctx, key, key_len, hash)) != 0)
			return rc;
		out->leaf[0] = 'h';
		csn_hex_encode(hash, sizeof(hash), out->leaf + 1);
	}
	(void)snprintf(out->path, sizeof(out->path), "%s/%s", out->fan,
	    out->leaf);
	return 0;
}
