/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/url.h - "PATH?name=value&name=value", percent-decoded. */
#ifndef CSN_PROVIDERS_REGION_URL_H
#define CSN_PROVIDERS_REGION_URL_H

#include <caisson/context.h>

struct csn_url {
	struct csn_ctx *ctx;
	char *copy;		/* decoded in place */
	const char *path;	/* what is before the question mark */
	char *next;		/* the options not yet seen, or NULL */
};

/**
 * Take apart what follows a URL's colon. A value's %XX is decoded; a NUL or
 * a broken % is CSN_E_ARG. CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_url_open(struct csn_ctx *ctx, const char *rest,
    struct csn_url *out);
/* 1 and the next option (strings live as long as url), 0, or CSN_E_ARG. */
CSN_MUST_CHECK int csn_url_next(struct csn_url *url, const char **name,
    const char **value);
void csn_url_close(struct csn_url *url);

/* A whole decimal number up to most. 0, or -1. */
int csn_url_number(const char *s, uint64_t most, uint64_t *out);

#endif
