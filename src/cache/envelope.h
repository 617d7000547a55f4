/* SPDX-License-Identifier: Apache-2.0 */
/* cache/envelope.h - the containers that auto-mode values are stored in. */
#ifndef CSN_CACHE_ENVELOPE_H
#define CSN_CACHE_ENVELOPE_H

#include <caisson/cachekit.h>

/*
 * ByteStorage: the MessagePack array [compressed_data, checksum,
 * original_size, format]. compressed_data is one LZ4 block; we write a bin and
 * read an array of integers too. checksum is an array of 8 integers: XXH3-64
 * of the uncompressed bytes, big-endian.
 */
#define CSN_ENVELOPE_MAX ((size_t)CSN_CACHEKIT_VALUE_MAX)
#define CSN_ENVELOPE_RATIO 1000
#define CSN_CHECKSUM_SIZE 8

/* Room for the envelope of len bytes, and its longest format name. */
size_t csn_envelope_bound(size_t len);
#define CSN_ENVELOPE_FORMAT_MAX 31
/* *written bytes at out, which holds csn_envelope_bound(len). CSN_E_LIMIT. */
CSN_MUST_CHECK int csn_envelope_write(struct csn_ctx *ctx,
    const char *format, const uint8_t *in, size_t len, uint8_t *out,
    size_t *written);

/* Views of an envelope's parts. */
struct csn_envelope {
	const uint8_t *data;	/* the LZ4 block, or integers that spell it */
	size_t data_len;	/* bytes of the block */
	size_t spelled;		/* bytes of them; 0: data is the block */
	size_t original;
	uint8_t checksum[CSN_CHECKSUM_SIZE];
	const char *format;
	size_t format_len;
};

/* Form and limits. CSN_E_FORM, CSN_E_LIMIT. */
CSN_MUST_CHECK int csn_envelope_read(const struct csn_ctx *ctx,
    const uint8_t *p, size_t len, struct csn_envelope *out);
/*
 * Unpack into out, e->original bytes; e->data_len bytes of room are needed
 * where it is spelled (else NULL). CSN_E_FORM where LZ4, the size or the
 * checksum do not hold: out is zero then.
 */
CSN_MUST_CHECK int csn_envelope_unpack(const struct csn_ctx *ctx,
    const struct csn_envelope *e, uint8_t *room, uint8_t *out);

/* XXH3-64, big-endian: what JSON and Arrow values have before them. */
void csn_checksum(const uint8_t *p, size_t len,
    uint8_t out[CSN_CHECKSUM_SIZE]);

#endif
