/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/manifest.h - the manifest (docs/wire/manifest.md). */
#ifndef CSN_PROVIDERS_REGION_MANIFEST_H
#define CSN_PROVIDERS_REGION_MANIFEST_H

#include <caisson/context.h>

#define CSN_MANIFEST_VERSION 1
#define CSN_MANIFEST_BYTES ((size_t)4 << 20)

/* Bytes of address that one process or memory device, or one file, has. */
#define CSN_MANIFEST_SPACE ((uint64_t)1 << 56)
#define CSN_MANIFEST_FILE_SPACE ((uint64_t)1 << 48)

enum csn_source_kind {
	CSN_SOURCE_PROCESS = 1,	/* pid, or path is the file that names it */
	CSN_SOURCE_PHYSICAL = 2, /* path is a memory device */
	CSN_SOURCE_FILE = 3
};

/* Where the bytes of regions come from; each is listed once. */
struct csn_manifest_source {
	int kind;		/* enum csn_source_kind */
	int32_t pid;		/* 0 where a file names it */
	const char *path;	/* NULL where pid is given */
	/*
	 * Sources do not share an address space, and regions are told apart
	 * by address: what its own addresses are counted from.
	 */
	uint64_t base;
};

struct csn_manifest_region {
	const char *id;
	const char *description;
	uint32_t protection;	/* enum csn_protection */
	uint32_t source;	/* index */
	uint64_t address;	/* in the source */
	uint64_t size;		/* 0, files only: to the end */
};

struct csn_manifest {
	const char *workload;
	struct csn_manifest_source *sources;
	size_t nsources;
	struct csn_manifest_region *regions;
	size_t nregions;
	struct json_t *json;	/* what the texts lie in */
};

/**
 * Parse a manifest into *out, to be freed with csn_manifest_free(). Strict:
 * a member that has no meaning there, or twice, is refused. CSN_E_FORM,
 * CSN_E_VERSION, CSN_E_REGION (a size, end, id, description or protection
 * that makes no sense), CSN_E_LIMIT or CSN_E_NOMEM; the sentence names the
 * region. On error *out is empty. That ids differ and nothing overlaps is for
 * csn_regions_each() to see.
 */
CSN_MUST_CHECK int csn_manifest_parse(struct csn_ctx *ctx, const char *text,
    size_t len, struct csn_manifest *out);
/* The same from a file; also CSN_E_NOT_FOUND and CSN_E_IO. */
CSN_MUST_CHECK int csn_manifest_load(struct csn_ctx *ctx, const char *path,
    struct csn_manifest *out);
void csn_manifest_free(struct csn_manifest *m);

#endif
