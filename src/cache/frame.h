/* SPDX-License-Identifier: Apache-2.0 */
/* cache/frame.h - the frame around an auto-mode entry, and its header. */
#ifndef CSN_CACHE_FRAME_H
#define CSN_CACHE_FRAME_H

#include <caisson/cachekit.h>

#include "base/cursor.h"
#include "cache/kit.h"

/*
 * "CK", u8 3, u32be length of the header, the header, the payload. The header
 * is JSON: {"s": serializer, "m": metadata, "v": "2.0"}. Entries of older
 * writers are one JSON object: {"data": base64, "metadata", "serializer"}.
 * None of it is authenticated; what matters is bound again by the AAD.
 */
#define CSN_FRAME_PREFIX 7
#define CSN_FRAME_NAME_MAX 255
#define CSN_FRAME_ALGORITHM "AES-256-GCM"
/* A header that we write: all its text, each of a tenant's bytes as \u00xx. */
#define CSN_FRAME_HEADER_MAX (512 + 6 * CSN_CACHEKIT_TENANT_MAX)
#define CSN_FRAME_READ_MAX ((size_t)1 << 20)	/* of a header that we read */
#define CSN_FRAME_PARTS_MAX 1024	/* members, elements: SDKs have 20 */

struct csn_frame {
	int old;		/* of an older writer */
	int encrypted;
	int compressed;
	int has_fingerprint;
	char serializer[CSN_FRAME_NAME_MAX + 1];
	char format[CSN_KIT_FORMAT_MAX + 1];
	char type[CSN_KIT_TYPE_MAX + 1];	/* empty: none */
	char algorithm[CSN_KIT_FORMAT_MAX + 1];
	char tenant[CSN_CACHEKIT_TENANT_MAX + 1];
	size_t tenant_len;
	uint8_t fingerprint[CSN_FINGERPRINT_SIZE];
	const uint8_t *payload;
	size_t payload_len;
	uint8_t *owned;		/* of an older entry: what payload points to */
};

/* What a frame says that is written. */
struct csn_frame_head {
	const char *serializer;
	const char *format;
	const char *type;	/* empty: none */
	int compressed;
	const uint8_t *fingerprint;	/* NULL: not encrypted, and no tenant */
	const char *tenant;
	size_t tenant_len;
};

/*
 * Write a frame up to its payload. The writer is marked bad where it does not
 * fit.
 */
void csn_frame_write(struct csn_out *w, const struct csn_frame_head *f);
/* CSN_E_FORM, CSN_E_VERSION, CSN_E_LIMIT, CSN_E_NOMEM; free it after 0. */
CSN_MUST_CHECK int csn_frame_read(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct csn_frame *f);
void csn_frame_free(struct csn_frame *f);	/* wipes */

#endif
