/* SPDX-License-Identifier: Apache-2.0 */
/* region/url.c - the path and the options of a provider's URL. */
#include <stdlib.h>
#include <string.h>

#include "base/url.h"
#include "providers/region/provider.h"

#define ROOM "region"

/* In place. -1 for a % that is broken, or a NUL. */
static int
decode(char *s)
{
	size_t n = 0;

	if (csn_url_decode(s, strlen(s), s, &n) != 0 ||
	    memchr(s, 0, n) != NULL)
		return -1;
	s[n] = '\0';
	return 0;
}

int
csn_region_url_open(struct csn_ctx *ctx, const char *rest,
    struct csn_region_url *out)
{
	char *mark;

	memset(out, 0, sizeof(*out));
	out->ctx = ctx;
	out->next = "";
	if ((out->copy = csn_strdup(rest)) == NULL)
		return csn_nomem(ctx, ROOM, "a URL");
	if ((mark = strchr(out->copy, '?')) != NULL) {
		*mark = '\0';
		out->next = mark + 1;
	}
	out->path = out->copy;
	if (decode(out->copy) != 0) {
		csn_region_url_close(out);
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "%.60s: a %% is followed by two hexadecimal digits", rest);
	}
	return 0;
}

int
csn_region_url_next(struct csn_region_url *url, const char **name,
    const char **value)
{
	struct csn_url_option o;
	int rc;

	if ((rc = csn_url_next(&url->next, &o)) == 0)
		return 0;
	if (rc < 0 || o.name_len == 0)
		return csn_fail(url->ctx, CSN_E_ARG, ROOM, "an option is "
		    "written name=value, not %.60s", o.name);
	/* The copy's: each piece gets its end. */
	url->copy[o.name - url->copy + (ptrdiff_t)o.name_len] = '\0';
	url->copy[o.value - url->copy + (ptrdiff_t)o.len] = '\0';
	if (decode(url->copy + (o.value - url->copy)) != 0)
		return csn_fail(url->ctx, CSN_E_ARG, ROOM, "the option %.60s: "
		    "a %% is followed by two hexadecimal digits", o.name);
	*name = o.name;
	*value = o.value;
	return 1;
}

void
csn_region_url_close(struct csn_region_url *url)
{
	free(url->copy);
	memset(url, 0, sizeof(*url));
}
