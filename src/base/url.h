/* SPDX-License-Identifier: Apache-2.0 */
/* base/url.h - the options of a URL: "name=value&name=value". */
#ifndef CSN_BASE_URL_H
#define CSN_BASE_URL_H

#include <caisson/error.h>

struct csn_url_option {
	const char *name;
	size_t name_len;
	const char *value;	/* as it is written: not decoded */
	size_t len;
};

/*
 * The next option at *p, which moves on: 1, or 0 at the end. -1 for a piece
 * that is not name=value, which is o's name then. Nothing is copied.
 */
int csn_url_next(const char **p, struct csn_url_option *o);
int csn_url_is(const struct csn_url_option *o, const char *name);

/*
 * Percent-decoding (RFC 3986) into out, which holds len and may be s. -1
 * where two hexadecimal digits do not follow a %.
 */
int csn_url_decode(const char *s, size_t len, char *out, size_t *out_len);

/* Digits with an optional K, M, G or T. -1 where it is something else. */
int csn_url_bytes(const char *s, size_t len, uint64_t *out);

#endif
