/* SPDX-License-Identifier: Apache-2.0 */
/* base/text.h - hex, decimal, base58, UTF-8 and times as text. */
#ifndef CSN_BASE_TEXT_H
#define CSN_BASE_TEXT_H

#include <caisson/error.h>

/* out gets 2 * len characters and a NUL. */
void csn_hex_encode(const uint8_t *p, size_t len, char *out);
/* CSN_E_FORM for another length or a character that is no hex digit. */
int csn_hex_decode(const char *s, size_t len, uint8_t *out, size_t out_len);

/* A number of digits alone, up to most. 0, or -1 and *out as it was. */
int csn_decimal(const char *s, size_t len, uint64_t most, uint64_t *out);

/* Base58 (Bitcoin's alphabet) without leading 'z'; NULL on CSN_E_NOMEM. */
char *csn_base58_encode(const uint8_t *p, size_t len);
/* *out is malloc'ed. CSN_E_FORM (also past 16,384 digits) or CSN_E_NOMEM. */
int csn_base58_decode(const char *s, size_t len, uint8_t **out,
    size_t *out_len);

/* 1 where the bytes are UTF-8 (RFC 3629) without NUL or control bytes. */
int csn_utf8_ok(const char *s, size_t len);
/* 1 where the bytes are UTF-8, whatever its characters. */
int csn_utf8_valid(const char *s, size_t len);

#define CSN_TIME_TEXT_SIZE 25	/* 2026-01-02T03:04:05.678Z and a NUL */
/* RFC 3339, UTC, with milliseconds; what is past the year 9999 is its end. */
void csn_time_format(uint64_t unix_ms, char out[CSN_TIME_TEXT_SIZE]);
/*
 * RFC 3339 with Z or an offset, seconds' fraction optional (cut to ms).
 * CSN_E_FORM, also for a time before 1970. A leap second is the last
 * millisecond of the second before it.
 */
int csn_time_parse(const char *s, size_t len, uint64_t *unix_ms);

#endif
