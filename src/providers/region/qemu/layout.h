/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/qemu/layout.h - where a guest's memory lies. */
#ifndef CSN_PROVIDERS_REGION_QEMU_LAYOUT_H
#define CSN_PROVIDERS_REGION_QEMU_LAYOUT_H

#include <caisson/context.h>

#define CSN_GUEST_RANGES 4096

struct csn_guest_range {
	uint64_t address;	/* guest-physical */
	uint64_t size;
	uint64_t offset;	/* in its block of memory */
	int main;		/* of the block that address 0 lies in */
};

struct csn_guest_layout {
	struct csn_guest_range *v;	/* ascending, adjacent ones joined */
	size_t n;
	char block[128];	/* the name of that block */
};

/**
 * Read what the monitor's "info mtree -f" says of the address space "memory"
 * into *out (csn_guest_layout_free()): RAM and ROM, nothing that acts when it
 * is read. CSN_E_FORM where it is not as QEMU writes it, or has no RAM at
 * address 0; CSN_E_LIMIT, CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_guest_layout_parse(struct csn_ctx *ctx,
    const char *text, size_t len, struct csn_guest_layout *out);
void csn_guest_layout_free(struct csn_guest_layout *layout);

/* The range that holds all of it, or NULL. */
const struct csn_guest_range *csn_guest_layout_find(
    const struct csn_guest_layout *layout, uint64_t address, uint64_t size);

#endif
