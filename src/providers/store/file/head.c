/* SPDX-License-Identifier: Apache-2.0 */
/* file/head.c - what a value's file begins with. */

#include <string.h>

#include "base/crc32.h"
#include "base/cursor.h"
#include "providers/store/file/file.h"

#define VERSION 1
#define LONG_VERSION 2	/* the key's length has two bytes */
#define CRC_AT 12

static const uint8_t magic[8] = "CSNVALUE";

int
csn_file_head_read(const uint8_t *p, size_t len, uint64_t file_len,
    struct csn_file_head *out, const char **why)
{
	struct csn_reader r;
	const uint8_t *m;
	unsigned version, short_len;
	int is_long;

	csn_reader_init(&r, p, len);
	m = csn_read_view(&r, sizeof(magic));
	version = csn_read_u16(&r);
	out->space_len = csn_read_u8(&r);
	short_len = csn_read_u8(&r);
	out->crc = csn_read_u32(&r);
	out->ends_ms = csn_read_u64(&r);
	out->len = csn_read_u64(&r);
	is_long = version == LONG_VERSION;
	out->key_len = is_long ? csn_read_u16(&r) : (uint16_t)short_len;
	out->space = csn_read_view(&r, out->space_len);
	out->key = csn_read_view(&r, out->key_len);
	out->size = CSN_FILE_HEAD + (is_long ? 2 : 0) + out->space_len +
	    out->key_len;
	if (m != NULL && memcmp(m, magic, sizeof(magic)) != 0) { /* public */
		*why = "it does not begin as a value's file does";
		return CSN_E_FORM;
	}
	if (csn_reader_ok(&r) && version != VERSION && !is_long) {
		*why = "it is of a version that this library cannot read";
		return CSN_E_VERSION;
	}
	if (!csn_reader_ok(&r) || out->len > UINT64_MAX - out->size ||
	    file_len < out->size + out->len) {
		*why = "it was cut off";
		return CSN_E_FORM;
	}
	if (file_len > out->size + out->len) {
		*why = "it is longer than it says";
		return CSN_E_FORM;
	}
	if (out->space_len > CSN_STORE_MAX_SPACE || (is_long ?
	    short_len != 0 || out->key_len <= CSN_FILE_SHORT_KEY ||
	    out->key_len > CSN_STORE_MAX_KEY :
	    short_len == 0 || short_len > CSN_FILE_SHORT_KEY)) {
		*why = "it has an impossible key";
		return CSN_E_FORM;
	}
	return 0;
}

uint32_t
csn_file_head_crc(const uint8_t *p, size_t size)
{
	uint32_t crc = csn_crc32(0, p, CRC_AT);

	return csn_crc32(crc, p + CRC_AT + 4, size - CRC_AT - 4);
}

size_t
csn_file_head_write(const struct csn_file_head *h,
    uint8_t out[CSN_FILE_MOST_HEAD], uint32_t *crc)
{
	int is_long = h->key_len > CSN_FILE_SHORT_KEY;
	struct csn_out w;

	csn_out_fixed(&w, out, CSN_FILE_MOST_HEAD);
	csn_put_bytes(&w, magic, sizeof(magic));
	csn_put_u16(&w, is_long ? LONG_VERSION : VERSION);
	csn_put_u8(&w, h->space_len);
	csn_put_u8(&w, is_long ? 0 : (uint8_t)h->key_len);
	csn_put_u32(&w, 0);
	csn_put_u64(&w, h->ends_ms);
	csn_put_u64(&w, h->len);
	if (is_long)
		csn_put_u16(&w, h->key_len);
	csn_put_bytes(&w, h->space, h->space_len);
	csn_put_bytes(&w, h->key, h->key_len);
	*crc = csn_file_head_crc(out, w.len);
	return w.len;
}

void
csn_file_head_seal(uint8_t *head, uint32_t crc)
{
	struct csn_out w;

	csn_out_fixed(&w, head + CRC_AT, 4);
	csn_put_u32(&w, crc);
}
