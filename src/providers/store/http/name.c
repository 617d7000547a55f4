/* SPDX-License-Identifier: Apache-2.0 */
/* http/name.c - names of any bytes, as parts of a path that no proxy bends. */
#include <stdio.h>
#include <string.h>

#include "providers/store/http/http.h"

/* RFC 4648, 5. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789-_";

void
csn_blob_encode(const uint8_t *p, size_t len, char *out)
{
	uint32_t v = 0;
	unsigned bits = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		v = v << 8 | p[i];
		for (bits += 8; bits >= 6; bits -= 6)
			*out++ = alphabet[v >> (bits - 6) & 63];
	}
	if (bits > 0)
		*out++ = alphabet[v << (6 - bits) & 63];
	*out = '\0';
}

int
csn_blob_decode(const char *s, size_t len, uint8_t *out, size_t cap,
    size_t *out_len)
{
	const char *digit;
	uint32_t v = 0;
	unsigned bits = 0;
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (s[i] == '\0' || (digit = strchr(alphabet, s[i])) == NULL)
			return CSN_E_FORM;
		v = v << 6 | (uint32_t)(digit - alphabet);
		if ((bits += 6) < 8)
			continue;
		if (n == cap)
			return CSN_E_FORM;
		bits -= 8;
		out[n++] = (uint8_t)(v >> bits);
	}
	/* One way to write each name: no lone digit, spare bits zero. */
	if (bits == 6 || (v & ((1u << bits) - 1)) != 0)
		return CSN_E_FORM;
	*out_len = n;
	return 0;
}

void
csn_blob_target(enum csn_blob_part part, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len,
    char out[CSN_BLOB_TARGET])
{
	char s[CSN_BLOB_NAME(CSN_STORE_MAX_SPACE)] = "_";
	char k[CSN_BLOB_NAME(CSN_STORE_MAX_KEY)];
	int n;

	if (space != NULL && space_len > 0)
		csn_blob_encode(space, space_len, s);
	switch (part) {
	case CSN_BLOB_VALUE:
		csn_blob_encode(key, key_len, k);
		n = snprintf(out, CSN_BLOB_TARGET, "/v1/blobs/%s/%s", s, k);
		break;
	case CSN_BLOB_SPACE:
		n = snprintf(out, CSN_BLOB_TARGET, "/v1/blobs/%s", s);
		break;
	default:
		n = snprintf(out, CSN_BLOB_TARGET, "/v1/stat%s%s",
		    space == NULL ? "" : "/", space == NULL ? "" : s);
		break;
	}
	(void)n;
}
