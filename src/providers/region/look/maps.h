/* SPDX-License-Identifier: Apache-2.0 */
/* region/look/maps.h - the mappings of a process, from its maps file. */
#ifndef CSN_PROVIDERS_REGION_LOOK_MAPS_H
#define CSN_PROVIDERS_REGION_LOOK_MAPS_H

#include <caisson/context.h>

#define CSN_MAP_READ 1u
#define CSN_MAP_WRITE 2u
#define CSN_MAP_EXEC 4u
#define CSN_MAP_SHARED 8u

/* More than a process may have by default (vm.max_map_count is 65,530). */
#define CSN_MAPS_MAX 1048576u
#define CSN_MAPS_BYTES ((size_t)256 << 20)

struct csn_map {
	uint64_t start, end;	/* start < end */
	uint64_t offset;	/* in the file */
	uint64_t inode;		/* 0 where there is no file */
	uint32_t major, minor;	/* its device */
	uint32_t perms;		/* CSN_MAP_* */
	char perms_text[5];	/* as the kernel writes it: "r-xp" */
	int deleted;		/* the file has no name any more */
	const char *path;	/* "" for anonymous memory; may be no UTF-8 */
};

struct csn_maps {
	struct csn_map *v;	/* ascending, none overlaps another */
	size_t n;
	char *text;		/* what the paths point into */
};

/**
 * Parse the text of /proc/PID/maps (proc_pid_maps(5)) into *out, to be freed
 * with csn_maps_free(). Lines are taken strictly: CSN_E_FORM names the first
 * that is not as the kernel writes it, or out of order. CSN_E_LIMIT past
 * CSN_MAPS_MAX lines; CSN_E_NOMEM. On error *out is empty.
 */
CSN_MUST_CHECK int csn_maps_parse(struct csn_ctx *ctx, const char *text,
    size_t len, struct csn_maps *out);
void csn_maps_free(struct csn_maps *maps);

/* The mapping that holds the address, or NULL. */
const struct csn_map *csn_maps_find(const struct csn_maps *maps,
    uint64_t address);
/* 1 where every byte of [address, address + size) is mapped. */
int csn_maps_cover(const struct csn_maps *maps, uint64_t address,
    uint64_t size);

#endif
