/* SPDX-License-Identifier: Apache-2.0 */
/* cache/place.c - the place of a cache's own entry in its header. */
#include "base/fail.h"
#include "cache/place.h"

#define END (CSN_H_CACHE_NAME + CSN_HASH_SIZE)

void
csn_cache_place_write(uint64_t expires_ms, const uint8_t name[CSN_HASH_SIZE],
    uint8_t header[CSN_SEAL_HEADER])
{
	header[CSN_H_PLACE0] = 0;
	csn_store64(header + CSN_H_CACHE_EXPIRES, expires_ms);
	memcpy(header + CSN_H_CACHE_NAME, name, CSN_HASH_SIZE);
	memset(header + END, 0, CSN_SEAL_HEADER - END);
}

void
csn_cache_slot_name(const uint8_t label[8],
    const uint8_t name[CSN_HASH_SIZE], struct csn_slot_name *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = CSN_KIND_CACHE;
	out->label = csn_load64(label);
	memcpy(out->name, name, sizeof(out->name));
}

static int
check(const struct csn_ctx *ctx, const struct csn_head *h,
    const uint8_t header[CSN_SEAL_HEADER])
{
	if (h->direction != 0 || h->version == 0 ||
	    h->replay != CSN_REPLAY_STORE || header[CSN_H_PLACE0] != 0 ||
	    !csn_head_zero(header + END, CSN_SEAL_HEADER - END))
		return csn_fail(ctx, CSN_E_FORM, "cache", "the entry's header "
		    "has a direction or field that no cache's entry has");
	return 0;
}

static void
describe(const uint8_t header[CSN_SEAL_HEADER], struct csn_header *out)
{
	out->expires_ms = csn_load64(header + CSN_H_CACHE_EXPIRES);
	memcpy(out->name, header + CSN_H_CACHE_NAME, sizeof(out->name));
}

const struct csn_envelope_kind csn_cache_kind = {
	.what = "a cache's entry",
	.kinds = 1u << CSN_KIND_CACHE,
	.around = CSN_SEAL_OVERHEAD + CSN_HASH_SIZE,	/* a commitment */
	.check = check,
	.describe = describe,
};
