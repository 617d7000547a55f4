/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - the options behind a store's URL. */

#include <string.h>

#include "base/fail.h"
#include "providers/store/options.h"

static int
shown(size_t len)
{
	return (int)(len > 40 ? 40 : len);
}

int
csn_store_option_next(struct csn_ctx *ctx, const char *store, const char **p,
    struct csn_store_option *out)
{
	const char *end, *eq;

	if (**p == '\0')
		return 0;
	end = *p + strcspn(*p, "&");
	if ((eq = memchr(*p, '=', (size_t)(end - *p))) == NULL)
		return csn_fail(ctx, CSN_E_ARG, "store", "the %s store's "
		    "option %.*s: an option is written name=value", store,
		    shown((size_t)(end - *p)), *p);
	out->name = *p;
	out->name_len = (size_t)(eq - *p);
	out->value = eq + 1;
	out->len = (size_t)(end - eq - 1);
	*p = *end == '&' ? end + 1 : end;
	return 1;
}

int
csn_store_option_is(const struct csn_store_option *o, const char *name)
{
	return o->name_len == strlen(name) &&
	    memcmp(o->name, name, o->name_len) == 0; /* public */
}

int
csn_store_option_bad(struct csn_ctx *ctx, const char *store,
    const struct csn_store_option *o, const char *what)
{
	return csn_fail(ctx, CSN_E_ARG, "store",
	    "the %s store's option %.*s=%.*s: %s", store, shown(o->name_len),
	    o->name, shown(o->len), o->value, what);
}

int
csn_store_option_unknown(struct csn_ctx *ctx, const char *store,
    const struct csn_store_option *o, const char *known)
{
	return csn_fail(ctx, CSN_E_ARG, "store", "the %s store has no option "
	    "%.*s: there are %s", store, shown(o->name_len), o->name, known);
}

int
csn_store_number(const char *s, size_t len, uint64_t most, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	if (len == 0 || len > 18)
		return -1;
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	if (v > most)
		return -1;
	*out = v;
	return 0;
}

int
csn_store_bytes(const char *s, size_t len, uint64_t *out)
{
	uint64_t v;
	unsigned shift = 0;

	if (len == 0)
		return -1;
	switch (s[len - 1]) {
	case 'K': shift = 10; break;
	case 'M': shift = 20; break;
	case 'G': shift = 30; break;
	case 'T': shift = 40; break;
	default: break;
	}
	if (csn_store_number(s, len - (shift > 0), UINT64_MAX >> shift,
	    &v) != 0)
		return -1;
	*out = v << shift;
	return 0;
}
