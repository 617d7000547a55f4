/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_header.c - a header that csn_header_read() accepts is written again
 * as the same bytes; what it refuses does no harm.
 */
#include <stdlib.h>
#include <string.h>

#include <caisson/features.h>

#include "kv/place.h"
#include "seal/place.h"
#if CAISSON_HAVE_CACHE
#include "cache/place.h"
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
write_place(const struct csn_header *h, uint8_t out[CSN_SEAL_HEADER])
{
	struct csn_kv_slot slot = { .kind = h->kind, .role = h->role,
	    .layer = h->layer, .count = h->count, .position = h->position,
	    .token_id = h->token_id,
	    .flags = (h->flags & CSN_HEADER_HAS_TOKEN) != 0 ?
	    CSN_KV_HAS_TOKEN : 0 };

	memcpy(slot.name, h->name, sizeof(slot.name));
	if (h->kind == CSN_KIND_STREAM)
		csn_stream_place_write(h->name, out);
#if CAISSON_HAVE_CACHE
	else if (h->kind == CSN_KIND_CACHE)
		csn_cache_place_write(h->expires_ms, h->name, out);
#endif
	else
		csn_kv_place_write(&slot, h->key_len, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_header h = { .size = sizeof(h) };
	struct csn_head head = { 0 };
	uint8_t again[CSN_SEAL_HEADER];

	if (csn_header_read(NULL, data, len, &h) != 0)
		return 0;
	head.suite = h.suite;
	head.direction = (h.flags & CSN_HEADER_TENANT_SENT) != 0;
	head.replay = h.replay;
	head.epoch = h.epoch;
	memcpy(head.label, h.tenant_label, sizeof(head.label));
	memcpy(head.session, h.session, sizeof(head.session));
	memcpy(head.writer, h.writer, sizeof(head.writer));
	csn_head_begin(&head, again);
	csn_head_finish(again, h.kind, h.len, h.sequence, h.version);
	write_place(&h, again);
	if (memcmp(again, data, sizeof(again)) != 0)
		abort();
	return 0;
}
