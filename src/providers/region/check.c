/* SPDX-License-Identifier: Apache-2.0 */
/* region/check.c - what makes sense as one region. */
#include <string.h>

#include "base/sized.h"
#include "base/text.h"
#include "providers/region/provider.h"

#define ROOM "region"
#define MAX_DESCRIPTION 256

static const char *const protections[] = { "R", "RW", "RO", "RX" };

const char *
csn_protection_name(int protection)
{
	if (protection < CSN_PROT_R || protection > CSN_PROT_RX)
		return NULL;
	return protections[protection - CSN_PROT_R];
}

int
csn_protection_parse(const char *name)
{
	int i;

	for (i = CSN_PROT_R; name != NULL && i <= CSN_PROT_RX; i++)
		if (strcmp(name, protections[i - CSN_PROT_R]) == 0)
			return i;
	return 0;
}

int
csn_region_check(const struct csn_ctx *ctx, const struct csn_region *r)
{
	size_t id_len;

	if (r->id == NULL || r->description == NULL)
		return csn_fail(ctx, CSN_E_REGION, ROOM,
		    "a region is given with an id and a description");
	id_len = strnlen(r->id, CSN_REGION_ID_MAX + 1);
	if (id_len == 0 || id_len > CSN_REGION_ID_MAX ||
	    !csn_utf8_ok(r->id, id_len))
		return csn_fail(ctx, CSN_E_REGION, ROOM, "a region's id has 1 "
		    "to %d bytes of UTF-8 without control characters",
		    CSN_REGION_ID_MAX);
	if (strnlen(r->description, MAX_DESCRIPTION + 1) > MAX_DESCRIPTION ||
	    !csn_utf8_ok(r->description, strlen(r->description)))
		return csn_fail(ctx, CSN_E_REGION, ROOM, "region %s: a "
		    "description has at most %d bytes of UTF-8 without "
		    "control characters", r->id, MAX_DESCRIPTION);
	if (r->size == 0)
		return csn_fail(ctx, CSN_E_REGION, ROOM,
		    "region %s has a size of zero", r->id);
	/* The last byte may be the last of the address space. */
	if (r->address > UINT64_MAX - (r->size - 1))
		return csn_fail(ctx, CSN_E_REGION, ROOM, "region %s ends past "
		    "the address space: 0x%llx and 0x%llx bytes", r->id,
		    (unsigned long long)r->address,
		    (unsigned long long)r->size);
	if (csn_protection_name((int)r->protection) == NULL)
		return csn_fail(ctx, CSN_E_REGION, ROOM, "region %s has a "
		    "protection %u, which is none of R, RW, RO, RX", r->id,
		    r->protection);
	return 0;
}

int
csn_region_take(const struct csn_ctx *ctx, const struct csn_region *from,
    struct csn_region *to)
{
	int rc;

	if (from == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "no region is given");
	if ((rc = CSN_TAKE(to, from, csn_region, reserved)) != 0)
		return rc;
	return csn_region_check(ctx, to);
}

int
csn_region_overlap(const struct csn_region *a, const struct csn_region *b)
{
	return a->address <= b->address + (b->size - 1) &&
	    b->address <= a->address + (a->size - 1);
}
