/* SPDX-License-Identifier: Apache-2.0 */
/* kv/place.c - the place of a KV entry or block in its header. */
#include "base/fail.h"
#include "kv/place.h"

/* An entry is one position of one layer, and its place is all its name. */
static int
is_entry(const uint8_t header[CSN_SEAL_HEADER])
{
	const uint8_t *name = header + CSN_H_KV_NAME;

	return csn_load32(header + CSN_H_KV_COUNT) == 1 &&
	    csn_load32(header + CSN_H_KV_LAYER) != CSN_KV_ALL_LAYERS &&
	    (csn_load64(name) | csn_load64(name + 8) |
	    csn_load64(name + 16) | csn_load64(name + 24)) == 0;
}

static int
check(const struct csn_ctx *ctx, const struct csn_head *h,
    const uint8_t header[CSN_SEAL_HEADER])
{
	const uint8_t role = header[CSN_H_KV_ROLE];
	const uint8_t one = (uint8_t)(role & ~CSN_KV_PLACE_TOKEN);
	const uint32_t key_len = csn_load32(header + CSN_H_KV_KEY_LEN);

	if (one < CSN_KV_KEY || one > CSN_KV_BOTH)
		return csn_fail(ctx, CSN_E_FORM, "kv",
		    "role %u is none of key, value and both", role);
	if ((role & CSN_KV_PLACE_TOKEN) == 0 &&
	    csn_load32(header + CSN_H_KV_TOKEN) != 0)
		return csn_fail(ctx, CSN_E_FORM, "kv",
		    "the header has a token id that it says it has not");
	if (key_len > h->len)
		return csn_fail(ctx, CSN_E_FORM, "kv",
		    "K has %u bytes of %u in all", key_len, h->len);
	if ((one == CSN_KV_KEY && key_len != h->len) ||
	    (one == CSN_KV_VALUE && key_len != 0))
		return csn_fail(ctx, CSN_E_FORM, "kv",
		    "the message has bytes of K or V that its role has not");
	if ((h->version != 0) != (h->replay == CSN_REPLAY_STORE))
		return csn_fail(ctx, CSN_E_FORM, "kv", "the header's version "
		    "does not go with its replay mode");
	if (h->kind == CSN_KIND_KV_ENTRY && !is_entry(header))
		return csn_fail(ctx, CSN_E_FORM, "kv", "an entry is one "
		    "position of one layer and has no name");
	return 0;
}

static void
describe(const uint8_t header[CSN_SEAL_HEADER], struct csn_header *out)
{
	struct csn_kv_slot slot;

	out->key_len = csn_kv_place_read(header, &slot);
	out->role = slot.role;
	out->layer = slot.layer;
	out->count = slot.count;
	out->position = slot.position;
	out->token_id = slot.token_id;
	if (slot.flags != 0)
		out->flags |= CSN_HEADER_HAS_TOKEN;
	memcpy(out->name, slot.name, sizeof(out->name));
}

const struct csn_envelope_kind csn_kv_kind = {
	.what = "a KV entry or block",
	.kinds = 1u << CSN_KIND_KV_ENTRY | 1u << CSN_KIND_KV_BLOCK,
	.around = CSN_SEAL_OVERHEAD,
	.check = check,
	.describe = describe,
};
