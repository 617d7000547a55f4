/* SPDX-License-Identifier: Apache-2.0 */
/* folder_key.c - the files of a folder's keys: their bytes and names. */

#include <string.h>

#include "base/cursor.h"
#include "base/text.h"
#include "providers/keystore/folder.h"

static const uint8_t key_magic[8] = { 'C', 'S', 'N', 'K', 'E', 'K', 0, 1 };

int
csn_ksf_magic(struct csn_reader *r, const uint8_t magic[8])
{
	uint8_t is[8];

	csn_read_bytes(r, is, sizeof(is));
	if (!csn_reader_ok(r) || memcmp(is, magic, 7) != 0) /* public */
		return CSN_E_FORM;
	return is[7] == magic[7] ? 0 : CSN_E_VERSION;
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
	if ((rc = csn_ksf_magic(&r, key_magic)) != 0)
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
