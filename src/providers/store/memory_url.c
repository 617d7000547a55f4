/* memory_url.c - the options of "memory:?bytes=N&share=F&slab=N". */

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "providers/store/memory.h"

#define MIB ((uint64_t)1 << 20)
#define DEFAULT_BYTES (1024 * MIB)
#define LEAST_BYTES MIB
#define MOST_BYTES ((uint64_t)4 << 40)
#define LEAST_SLAB ((uint64_t)64 << 10)
#define MOST_SLAB (32 * MIB)

/* Digits with an optional K, M, G or T. -1 where it is something else. */
static int
parse_bytes(const char *s, size_t len, uint64_t *out)
{
	uint64_t v = 0;
	unsigned shift = 0;
	size_t i;

	if (len == 0)
		return -1;
	switch (s[len - 1]) {
	case 'K': shift = 10; break;
	case 'M': shift = 20; break;
	case 'G': shift = 30; break;
	case 'T': shift = 40; break;
	default: break;
	}
	if (shift > 0)
		len--;
	if (len == 0 || len > 18)
		return -1;
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	if (v > (UINT64_MAX >> shift))
		return -1;
	*out = v << shift;
	return 0;
}

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
	}
	*millionths = v;
	return point && v > 0 && v <= 1000000 ? 0 : -1;
}

static int
bad(struct csn_ctx *ctx, const char *name, const char *s, size_t len,
    const char *what)
{
	return csn_fail(ctx, CSN_E_ARG, "store",
	    "the memory store's option %s=%.*s: %s", name,
	    (int)(len > 40 ? 40 : len), s, what);
}

int
csn_mem_config_parse(struct csn_ctx *ctx, const char *rest,
    struct csn_mem_config *out)
{
	const char *p = rest, *end, *eq, *share = NULL;
	size_t name_len, len, share_len = 0;
	uint64_t v = 0;

	out->bytes = DEFAULT_BYTES;
	out->slab = 0;
	if (*p != '\0' && *p != '?')
		return csn_fail(ctx, CSN_E_ARG, "store", "the memory store "
		    "has no path: write memory:?bytes=1G&share=0.25");
	for (p += *p == '?'; *p != '\0'; p = *end == '&' ? end + 1 : end) {
		end = p + strcspn(p, "&");
		if ((eq = memchr(p, '=', (size_t)(end - p))) == NULL)
			return bad(ctx, "", p, (size_t)(end - p),
			    "an option is written name=value");
		name_len = (size_t)(eq - p);
		len = (size_t)(end - ++eq);
		if (name_len == 5 && memcmp(p, "bytes", 5) == 0) {
			if (parse_bytes(eq, len, &v) != 0 ||
			    v < LEAST_BYTES || v > MOST_BYTES)
				return bad(ctx, "bytes", eq, len, "give a "
				    "number from 1M to 4T (K, M, G, T)");
			out->bytes = v;
		} else if (name_len == 5 && memcmp(p, "share", 5) == 0) {
			share = eq;
			share_len = len;
		} else if (name_len == 4 && memcmp(p, "slab", 4) == 0) {
			if (parse_bytes(eq, len, &v) != 0 || v < LEAST_SLAB ||
			    v > MOST_SLAB || (v & (v - 1)) != 0)
				return bad(ctx, "slab", eq, len,
				    "give a power of two from 64K to 32M");
			out->slab = (size_t)v;
		} else {
			return csn_fail(ctx, CSN_E_ARG, "store", "the memory "
			    "store has no option %.*s: there are bytes, "
			    "share and slab", (int)(name_len > 40 ? 40 :
			    name_len), p);
		}
	}
	out->bytes = (out->bytes + CSN_MEM_PAGE - 1) / CSN_MEM_PAGE *
	    CSN_MEM_PAGE;
	out->share = out->bytes;
	if (share != NULL && memchr(share, '.', share_len) != NULL) {
		if (parse_fraction(share, share_len, &v) != 0)
			return bad(ctx, "share", share, share_len,
			    "a fraction is above 0.0 and at most 1.0");
		out->share = (uint64_t)((double)out->bytes * (double)v / 1e6);
	} else if (share != NULL) {
		if (parse_bytes(share, share_len, &v) != 0 || v == 0 ||
		    v > out->bytes)
			return bad(ctx, "share", share, share_len, "give a "
			    "fraction such as 0.25, or bytes up to the limit");
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
