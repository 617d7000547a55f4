/* SPDX-License-Identifier: Apache-2.0 */
/* kv/place.c - the place of a KV entry or block in its header. */
#include "base/fail.h"
#include "kv/place.h"

void
csn_kv_place_write(const struct csn_kv_slot *slot, uint32_t key_len,
    uint8_t header[CSN_SEAL_HEADER])
{
	header[CSN_H_KV_ROLE] = (uint8_t)(slot->role |
	    ((slot->flags & CSN_KV_HAS_TOKEN) != 0 ? CSN_KV_PLACE_TOKEN : 0));
	csn_store64(header + CSN_H_KV_POSITION, slot->position);
	memcpy(header + CSN_H_KV_NAME, slot->name, sizeof(slot->name));
	csn_store32(header + CSN_H_KV_TOKEN, slot->token_id);
	csn_store32(header + CSN_H_KV_COUNT, slot->count);
	csn_store32(header + CSN_H_KV_KEY_LEN, key_len);
	csn_store32(header + CSN_H_KV_LAYER, slot->layer);
}

uint32_t
csn_kv_place_read(const uint8_t header[CSN_SEAL_HEADER],
    struct csn_kv_slot *slot)
{
	const uint8_t role = header[CSN_H_KV_ROLE];

	slot->kind = header[CSN_H_KIND];
	slot->role = role & ~CSN_KV_PLACE_TOKEN;
	slot->flags = (role & CSN_KV_PLACE_TOKEN) != 0 ? CSN_KV_HAS_TOKEN : 0;
	slot->position = csn_load64(header + CSN_H_KV_POSITION);
	memcpy(slot->name, header + CSN_H_KV_NAME, sizeof(slot->name));
	slot->token_id = csn_load32(header + CSN_H_KV_TOKEN);
	slot->count = csn_load32(header + CSN_H_KV_COUNT);
	slot->layer = csn_load32(header + CSN_H_KV_LAYER);
	return csn_load32(header + CSN_H_KV_KEY_LEN);
}

void
csn_kv_slot_name(const struct csn_kv_slot *slot, struct csn_slot_name *name)
{
	name->kind = slot->kind;
	name->which = slot->role;
	name->at[0] = (uint64_t)slot->count << 32 | slot->layer;
	name->at[1] = slot->position;
	name->label = 0;
	memcpy(name->name, slot->name, sizeof(name->name));
}

static int
check(const struct csn_ctx *ctx, const struct csn_head *h,
    const uint8_t header[CSN_SEAL_HEADER])
{
	const uint8_t role = header[CSN_H_KV_ROLE];
	const uint32_t key_len = csn_load32(header + CSN_H_KV_KEY_LEN);

	if ((role & ~CSN_KV_PLACE_TOKEN) < CSN_KV_KEY ||
	    (role & ~CSN_KV_PLACE_TOKEN) > CSN_KV_BOTH)
		return csn_fail(ctx, CSN_E_FORM, "kv",
		    "role %u is none of key, value and both", role);
	if ((role & CSN_KV_PLACE_TOKEN) == 0 &&
	    csn_load32(header + CSN_H_KV_TOKEN) != 0)
		return csn_fail(ctx, CSN_E_FORM, "kv",
		    "the header has a token id that it says it has not");
	if (key_len > h->len)
		return csn_fail(ctx, CSN_E_FORM, "kv",
		    "K has %u bytes of %u in all", key_len, h->len);
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
