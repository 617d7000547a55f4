/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/provider.h - what a region provider of ours includes. */
#ifndef CSN_PROVIDERS_REGION_PROVIDER_H
#define CSN_PROVIDERS_REGION_PROVIDER_H

#include <caisson/region.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"

/* Named here and in registry.c, nowhere else. */
extern const struct csn_region_provider csn_region_buffer;
extern const struct csn_region_provider csn_region_process;
extern const struct csn_region_provider csn_region_qemu;
extern const struct csn_region_provider csn_region_sev_snp;
extern const struct csn_region_provider csn_region_tdx;

/* What is open: for what belongs to one provider alone. */
struct csn_regions {
	struct csn_ctx *ctx;
	const struct csn_region_provider *p;
	void *state;
};

/*
 * One region by itself: CSN_E_REGION where its size, end, id, description or
 * protection make no sense.
 */
CSN_MUST_CHECK int csn_region_check(const struct csn_ctx *ctx,
    const struct csn_region *region);

/*
 * A copy of the caller's region, which is then checked. CSN_E_ARG for its
 * size. The copy's strings are the caller's.
 */
CSN_MUST_CHECK int csn_region_take(const struct csn_ctx *ctx,
    const struct csn_region *from, struct csn_region *to);

/* 1 where two regions share a byte; both have been checked. */
int csn_region_overlap(const struct csn_region *a,
    const struct csn_region *b);

/* "PATH?name=value&name=value", percent-decoded. */
struct csn_region_url {
	struct csn_ctx *ctx;
	char *copy;		/* decoded in place */
	const char *path;	/* what is before the question mark */
	const char *next;	/* the options not yet seen */
};

/**
 * Take apart what follows a URL's colon. A value's %XX is decoded; a NUL or
 * a broken % is CSN_E_ARG. CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_region_url_open(struct csn_ctx *ctx, const char *rest,
    struct csn_region_url *out);
/* 1 and the next option (strings live as long as url), 0, or CSN_E_ARG. */
CSN_MUST_CHECK int csn_region_url_next(struct csn_region_url *url,
    const char **name, const char **value);
void csn_region_url_close(struct csn_region_url *url);

#endif
