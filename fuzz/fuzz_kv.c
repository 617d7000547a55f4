/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_kv.c - sealed entries and blocks of a KV cache: an input as one, which
 * opens where the corpus has it and in no other spelling, or as edits of one
 * that was sealed just now, which opens only unchanged.
 */
#include <caisson/kv.h>

#include "edit.h"
#include "session.h"

#define MOST 4096

static struct csn_session *session;

static void
finish(void)
{
	csn_session_free(session);
	session = NULL;
}

static void
start(struct csn_ctx *ctx)
{
	if (session != NULL)
		return;
	session = fuzz_session(ctx, 0, FUZZ_SEEDS);
	check(atexit(finish) == 0);
}

static int
open_it(struct csn_ctx *ctx, struct csn_kv_item *item, const uint8_t *p,
    size_t len)
{
	static uint8_t key[MOST], value[MOST];
	uint8_t any = 0;
	size_t i;
	int rc;

	item->key = key;
	item->key_len = sizeof(key);
	item->value = value;
	item->value_len = sizeof(value);
	item->const_sealed = p;
	item->sealed_len = len;
	rc = csn_kv_open(ctx, item);
	check(rc == item->rc);
	if (rc == 0) {
		check(item->key_len + item->value_len + CSN_SEAL_OVERHEAD ==
		    len);
		return 0;
	}
	check(rc == CSN_E_FORM || rc == CSN_E_VERSION || rc == CSN_E_SUITE ||
	    rc == CSN_E_BUFFER || rc == CSN_E_TENANT ||
	    rc == CSN_E_SESSION || rc == CSN_E_EPOCH || rc == CSN_E_TAG ||
	    rc == CSN_E_REPLAY || rc == CSN_E_EXPIRED);
	if (len >= CSN_SEAL_OVERHEAD && rc != CSN_E_BUFFER)
		for (i = 0; i < len - CSN_SEAL_OVERHEAD && i < MOST; i++)
			any |= value[i] | key[i];
	memset(key, 0, sizeof(key));
	memset(value, 0, sizeof(value));
	check(any == 0);
	return rc;
}

/* A message that is somebody's: with one bit changed it is nobody's. */
static void
open_raw(struct csn_ctx *ctx, struct csn_kv_item *item, const uint8_t *p,
    size_t len, uint8_t which)
{
	static uint8_t other[MOST];

	if (open_it(ctx, item, p, len) != 0)
		return;
	memcpy(other, p, len);
	other[which % len] ^= (uint8_t)(1u << which % 8);
	check(open_it(ctx, item, other, len) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t sealed[MOST + CSN_SEAL_OVERHEAD + 256];
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_kv_item item = {
	    .size = sizeof(item), .slot = { .role = CSN_KV_BOTH } };
	struct csn_kv_slot slot;
	struct csn_reader r;
	uint8_t what, cut;
	size_t n;
	int rc;

	start(ctx);
	csn_reader_init(&r, data, len);
	what = csn_read_u8(&r);
	cut = csn_read_u8(&r);
	if (!csn_reader_ok(&r) || r.left > MOST)
		return 0;
	item.session = session;
	item.slot_expected = what >> 7;
	if (what & 2) {
		item.slot.kind = CSN_KIND_KV_BLOCK;
		item.slot.layer = what & 4 ? CSN_KV_ALL_LAYERS : 2;
		item.slot.count = 16;
		item.slot.name[0] = 9;
	} else {
		item.slot.kind = CSN_KIND_KV_ENTRY;
		item.slot.count = 1;
		item.slot.flags = what & 4 ? CSN_KV_HAS_TOKEN : 0;
	}
	slot = item.slot;
	if ((what & 1) == 0) {
		open_raw(ctx, &item, r.p, r.left, cut);
		return 0;
	}
	item.const_key = r.p;
	item.key_len = cut < r.left ? cut : r.left;
	item.const_value = r.p + item.key_len;
	item.value_len = r.left - item.key_len;
	n = r.left + CSN_SEAL_OVERHEAD;
	item.sealed = sealed;
	item.sealed_len = n;
	check(csn_kv_seal(ctx, &item) == 0);
	rc = fuzz_edit(&r, sealed, &n, sizeof(sealed));
	if (rc == 0) {
		check(open_it(ctx, &item, sealed, n) == 0);
		check(memcmp(&slot, &item.slot, sizeof(slot)) == 0);
		/* Reading it again is allowed, in another slot is not. */
		item.slot.position ^= 1;
		item.slot_expected = 1;
		check(open_it(ctx, &item, sealed, n) == CSN_E_TAG);
	} else {
		check(open_it(ctx, &item, sealed, n) != 0);
	}
	return 0;
}
