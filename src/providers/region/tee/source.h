/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/tee/source.h - the bytes behind a manifest's regions. */
#ifndef CSN_PROVIDERS_REGION_TEE_SOURCE_H
#define CSN_PROVIDERS_REGION_TEE_SOURCE_H

#include "providers/region/manifest.h"
#include "providers/region/look/look.h"

struct csn_source {
	struct csn_ctx *ctx;
	const struct csn_manifest_source *from;
	int open;
	struct csn_look process;	/* whose memory it is */
	int fd;			/* of a file or memory device */
	struct csn_reader *reader;	/* of a file */
	uint64_t size;		/* of a file, as it was when it was opened */
	dev_t dev;
	ino_t inode;
	uint32_t immutable;	/* a memfd for which csn_sealed() is 1 */
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
 * Look at one moment of a process, from which regions are read meanwhile:
 * these are told to it one by one, after it was opened. The rest as
 * csn_look_begin(); nothing where the source is no process.
 */
CSN_MUST_CHECK int csn_source_region(struct csn_source *s,
    const struct csn_region *region, uint64_t address);
CSN_MUST_CHECK int csn_source_begin(struct csn_source *s);
CSN_MUST_CHECK int csn_source_end(struct csn_source *s);
void csn_source_leave(struct csn_source *s);

/**
 * Copy len bytes at an address of the source's own. CSN_E_BACKEND where they
 * cannot be had (any more), CSN_E_IO.
 */
CSN_MUST_CHECK int csn_source_read(struct csn_source *s,
    uint64_t address, void *out, size_t len);

#endif
