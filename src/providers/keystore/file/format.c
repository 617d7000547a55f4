/* SPDX-License-Identifier: Apache-2.0 */
/* file/format.c - the bytes of a keystore's files. */

#include <string.h>

#include "base/cursor.h"
#include "base/text.h"
#include "providers/keystore/file/file.h"

#define MOST_MEMORY_KIB (1u << 20)	/* 1 GiB */
#define MOST_PASSES 16u
#define MOST_LANES 16u

static const uint8_t header_magic[8] = { 'C', 'S', 'N', 'K', 'E', 'Y', 'S',
    1 };
static const uint8_t key_magic[8] = { 'C', 'S', 'N', 'K', 'E', 'K', 0, 1 };

/* The last byte of a magic is the format's version. */
static int
check_magic(struct csn_reader *r, const uint8_t magic[8])
{
	uint8_t is[8];

	csn_read_bytes(r, is, sizeof(is));
	if (!csn_reader_ok(r) || memcmp(is, magic, 7) != 0) /* public */
		return CSN_E_FORM;
	return is[7] == magic[7] ? 0 : CSN_E_VERSION;
}

void
csn_ksf_header_write(const struct csn_ksf_header *h,
    uint8_t out[CSN_KSF_HEADER_SIZE])
{
	struct csn_out w;

	csn_out_fixed(&w, out, CSN_KSF_HEADER_SIZE);
	csn_put_bytes(&w, header_magic, sizeof(header_magic));
	csn_put_u32(&w, h->memory_kib);
	csn_put_u32(&w, h->passes);
	csn_put_u32(&w, h->lanes);
	csn_put_bytes(&w, h->salt, sizeof(h->salt));
	csn_put_bytes(&w, h->master, sizeof(h->master));
}

int
csn_ksf_header_read(const uint8_t *p, size_t len, struct csn_ksf_header *h)
{
	struct csn_reader r;
	int rc;

	csn_reader_init(&r, p, len);
	if ((rc = check_magic(&r, header_magic)) != 0)
		return rc;
	h->memory_kib = csn_read_u32(&r);
	h->passes = csn_read_u32(&r);
	h->lanes = csn_read_u32(&r);
	csn_read_bytes(&r, h->salt, sizeof(h->salt));
	csn_read_bytes(&r, h->master, sizeof(h->master));
	/* RFC 9106, 3.1: at least 8 KiB a lane. */
	if (!csn_reader_done(&r) || h->lanes == 0 || h->lanes > MOST_LANES ||
	    h->passes == 0 || h->passes > MOST_PASSES ||
	    h->memory_kib < 8 * h->lanes || h->memory_kib > MOST_MEMORY_KIB)
		return CSN_E_FORM;
	return 0;
}

size_t
csn_ksf_key_write(const char *name, const uint8_t wrap[CSN_KS_WRAP_SIZE],
    uint8_t out[CSN_KSF_KEY_MAX])
{
	struct csn_out w;

	csn_out_fixed(&w, out, CSN_KSF_KEY_MAX);
	csn_put_bytes(&w, key_magic, sizeof(key_magic));
	csn_put_bytes16(&w, name, strlen(name));
	csn_put_bytes(&w, wrap, CSN_KS_WRAP_SIZE);
	return w.len;
}

int
csn_ksf_key_read(const uint8_t *p, size_t len, const char *name,
    uint8_t wrap[CSN_KS_WRAP_SIZE])
{
	const uint8_t *is;
	struct csn_reader r;
	size_t is_len;
	int rc;

	csn_reader_init(&r, p, len);
	if ((rc = check_magic(&r, key_magic)) != 0)
		return rc;
	is = csn_read_view16(&r, &is_len);
	csn_read_bytes(&r, wrap, CSN_KS_WRAP_SIZE);
	if (!csn_reader_done(&r) || is_len != strlen(name) ||
	    memcmp(is, name, is_len) != 0) /* public */
		return CSN_E_FORM;
	return 0;
}

static int
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

void
csn_ksf_name_write(const char *name, char out[CSN_KSF_FILE_NAME])
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *name != '\0'; name++) {
		if (is_plain(*name)) {
			*out++ = *name;
		} else {
			*out++ = '%';
			*out++ = hex[(uint8_t)*name >> 4];
			*out++ = hex[(uint8_t)*name & 15];
		}
	}
	memcpy(out, ".key", 5);
}

int
csn_ksf_name_read(const char *file, char name[CSN_KEYSTORE_MAX_NAME + 1])
{
	char again[CSN_KSF_FILE_NAME];
	size_t len = strlen(file), n = 0, i;
	uint8_t c;

	if (len <= 4 || len >= CSN_KSF_FILE_NAME ||
	    strcmp(file + len - 4, ".key") != 0)
		return -1;
	for (i = 0; i < len - 4; n++) {
		if (n == CSN_KEYSTORE_MAX_NAME)
			return -1;
		if (file[i] != '%') {
			name[n] = file[i++];
		} else {
			if (i + 2 >= len ||
			    csn_hex_decode(file + i + 1, 2, &c, 1) != 0)
				return -1;
			name[n] = (char)c;
			i += 3;
		}
	}
	name[n] = '\0';
	/* One spelling only, so that no two files are one key. */
	csn_ksf_name_write(name, again);
	return strlen(name) == n && csn_utf8_ok(name, n) &&
	    strcmp(again, file) == 0 ? 0 : -1;
}
