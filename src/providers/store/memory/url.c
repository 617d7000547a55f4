/* SPDX-License-Identifier: Apache-2.0 */
/* memory/url.c - the options of "memory:?bytes=N&share=F&slab=N". */

#include <stdlib.h>
#include <string.h>

#include "providers/store/memory/memory.h"

#define MIB ((uint64_t)1 << 20)
#define DEFAULT_BYTES (1024 * MIB)
#define LEAST_BYTES MIB
#define MOST_BYTES ((uint64_t)4 << 40)
#define LEAST_SLAB ((uint64_t)64 << 10)
#define MOST_SLAB (32 * MIB)

/* "0.25" of the limit, in millionths so that no locale matters. */
static int
parse_fraction(const char *s, size_t len, uint64_t *millionths)
{
	uint64_t v = 0, scale = 1000000;
	int point = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] == '.' && !point) {
			point = 1;
		} else if (s[i] >= '0' && s[i] <= '9' && i < 16) {
			if (point && scale > 1) {
				scale /= 10;
				v += (uint64_t)(s[i] - '0') * scale;
			} else if (!point) {
				v = v * 10 + (uint64_t)(s[i] - '0') * scale;
			}
		} else {
			return -1;
		}
		/* Nor so large that it wraps round. */
		if (v > 1000000)
			return -1;
	}
	*millionths = v;
	return point && v > 0 ? 0 : -1;
}

static int
bad(struct csn_ctx *ctx, const struct csn_url_option *o, const char *what)
{
	return csn_store_option_bad(ctx, "memory", o, what);
}

int
csn_mem_config_parse(struct csn_ctx *ctx, const char *rest,
    struct csn_mem_config *out)
{
	struct csn_url_option o, share = { 0 };
	const size_t page = csn_page_size();
	const char *p = rest;
	uint64_t v = 0;
	int rc;

	out->bytes = DEFAULT_BYTES;
	out->slab = 0;
	if (*p != '\0' && *p != '?')
		return csn_fail(ctx, CSN_E_ARG, "store", "the memory store "
		    "has no path: write memory:?bytes=1G&share=0.25");
	p += *p == '?';
	while ((rc = csn_store_option_next(ctx, "memory", &p, &o)) == 1) {
		if (csn_url_is(&o, "bytes")) {
			if (csn_url_bytes(o.value, o.len, &v) != 0 ||
			    v < LEAST_BYTES || v > MOST_BYTES)
				return bad(ctx, &o, "give a number from 1M "
				    "to 4T (K, M, G, T)");
			out->bytes = v;
		} else if (csn_url_is(&o, "share")) {
			share = o;
		} else if (csn_url_is(&o, "slab")) {
			if (csn_url_bytes(o.value, o.len, &v) != 0 ||
			    v < LEAST_SLAB || v > MOST_SLAB ||
			    (v & (v - 1)) != 0)
				return bad(ctx, &o,
				    "give a power of two from 64K to 32M");
			out->slab = (size_t)v;
		} else {
			return csn_store_option_unknown(ctx, "memory", &o,
			    "bytes, share and slab");
		}
	}
	if (rc != 0)
		return rc;
	out->bytes = (out->bytes + page - 1) / page * page;
	out->share = out->bytes;
	if (share.name != NULL && memchr(share.value, '.', share.len) !=
	    NULL) {
		if (parse_fraction(share.value, share.len, &v) != 0)
			return bad(ctx, &share,
			    "a fraction is above 0.0 and at most 1.0");
		out->share = (uint64_t)((double)out->bytes * (double)v / 1e6);
	} else if (share.name != NULL) {
		if (csn_url_bytes(share.value, share.len, &v) != 0 ||
		    v == 0 || v > out->bytes)
			return bad(ctx, &share, "give a fraction such as "
			    "0.25, or bytes up to the limit");
		out->share = v;
	}
	/* Enough slabs that each size class can have some. */
	if (out->slab == 0) {
		out->slab = 2 * MIB;
		while (out->slab > LEAST_SLAB && out->slab * 256 > out->bytes)
			out->slab /= 2;
	}
	if (out->slab > out->bytes)
		return csn_fail(ctx, CSN_E_ARG, "store", "the memory store's "
		    "slab of %zu bytes is larger than its limit", out->slab);
	return 0;
}
