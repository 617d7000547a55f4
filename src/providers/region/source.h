/* providers/region/source.h - the bytes behind a manifest's regions. */
#ifndef CSN_PROVIDERS_REGION_SOURCE_H
#define CSN_PROVIDERS_REGION_SOURCE_H

#include "providers/region/manifest.h"
#include "providers/region/target.h"

struct csn_source {
	struct csn_ctx *ctx;
	const struct csn_manifest_source *from;
	int open;
	struct csn_target target;	/* of a process */
	int fd;			/* of a file or memory device */
	uint64_t size;		/* of a file, as it was when it was opened */
	int immutable;		/* a memfd sealed against writing, shrinking */
	const uint8_t *view;	/* of a file that cannot shrink, or NULL */
};

/**
 * Open from, which outlives *out. CSN_E_NOT_FOUND (no such file), CSN_E_FORM
 * (a pid file without a number), CSN_E_IO, CSN_E_NOMEM, or for a process as
 * csn_target_open().
 */
CSN_MUST_CHECK int csn_source_open(struct csn_ctx *ctx,
    const struct csn_manifest_source *from, struct csn_source *out);
void csn_source_close(struct csn_source *s);

/**
 * Copy len bytes at an address of the source's own. CSN_E_BACKEND where they
 * cannot be had (any more), CSN_E_IO.
 */
CSN_MUST_CHECK int csn_source_read(const struct csn_source *s,
    uint64_t address, void *out, size_t len);

#endif
