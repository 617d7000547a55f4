/* SPDX-License-Identifier: Apache-2.0 */
/*
 * header_read.c - what a sealed message of any kind says of itself. It stands
 * above the rooms, for it is the one place that lists all kinds.
 */
#include <caisson/features.h>

#include "base/fail.h"
#include "base/sized.h"
#include "kv/place.h"
#include "seal/place.h"
#if CAISSON_HAVE_CACHE
#include "cache/place.h"
#endif

static const struct csn_envelope_kind *const kinds[] = {
	&csn_kv_kind,
	&csn_stream_kind,
#if CAISSON_HAVE_CACHE
	&csn_cache_kind,
#endif
};

/* The message's kind; one that takes nothing where it is not known. */
static const struct csn_envelope_kind *
kind_of(const uint8_t *sealed, size_t len)
{
	static const struct csn_envelope_kind none = {
		.what = "one that this library knows",
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) &&
	    len > CSN_H_KIND && sealed[CSN_H_KIND] < 32; i++)
		if ((kinds[i]->kinds >> sealed[CSN_H_KIND] & 1) != 0)
			return kinds[i];
	return &none;
}

int
csn_header_read(struct csn_ctx *ctx, const uint8_t *sealed, size_t len,
    struct csn_header *out)
{
	const struct csn_envelope_kind *kind = kind_of(sealed, len);
	struct csn_header h = { 0 };
	struct csn_head head;
	int rc;

	if ((rc = CSN_GIVE_CHECK(out, csn_header, name)) != 0 ||
	    (rc = csn_head_decode(ctx, kind, sealed, len, &head)) != 0)
		return rc;
	h.size = sizeof(h);
	h.kind = head.kind;
	h.flags = head.direction != 0 ? CSN_HEADER_TENANT_SENT : 0;
	h.replay = head.replay;
	h.suite = head.suite;
	h.epoch = head.epoch;
	h.len = head.len;
	h.sequence = head.sequence;
	h.version = head.version;
	memcpy(h.tenant_label, head.label, sizeof(h.tenant_label));
	memcpy(h.session, head.session, sizeof(h.session));
	memcpy(h.writer, head.writer, sizeof(h.writer));
	kind->describe(sealed, &h);
	CSN_GIVE(out, &h, csn_header);
	return 0;
}
