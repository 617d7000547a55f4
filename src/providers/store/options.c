/* SPDX-License-Identifier: Apache-2.0 */
/* store/options.c - what is said of the options behind a store's URL. */
#include "providers/store/provider.h"

static int
shown(size_t len)
{
	return (int)(len > 40 ? 40 : len);
}

int
csn_store_option_next(struct csn_ctx *ctx, const char *store, const char **p,
    struct csn_url_option *out)
{
	int rc = csn_url_next(p, out);

	if (rc < 0)
		return csn_fail(ctx, CSN_E_ARG, "store", "the %s store's "
		    "option %.*s: an option is written name=value", store,
		    shown(out->name_len), out->name);
	return rc;
}

int
csn_store_option_bad(struct csn_ctx *ctx, const char *store,
    const struct csn_url_option *o, const char *what)
{
	return csn_fail(ctx, CSN_E_ARG, "store",
	    "the %s store's option %.*s=%.*s: %s", store, shown(o->name_len),
	    o->name, shown(o->len), o->value, what);
}

int
csn_store_option_unknown(struct csn_ctx *ctx, const char *store,
    const struct csn_url_option *o, const char *known)
{
	return csn_fail(ctx, CSN_E_ARG, "store", "the %s store has no option "
	    "%.*s: there are %s", store, shown(o->name_len), o->name, known);
}
