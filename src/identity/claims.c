/* SPDX-License-Identifier: Apache-2.0 */
/* identity/claims.c - reading claims within their limits. */
#include "base/text.h"
#include "identity/claims.h"

uint64_t
csn_claim_time(struct csn_reader *r)
{
	uint64_t v;

	v = csn_cbor_get_uint(r);
	if (v > CSN_CLAIM_LAST_TIME) {
		r->bad = 1;
		v = 0;
	}
	return v * 1000;
}

struct csn_view
csn_claim_text(struct csn_reader *r, size_t min, size_t max)
{
	struct csn_view v = { 0 };

	v.p = csn_cbor_get_text(r, &v.len);
	if (v.p == NULL || v.len < min || v.len > max ||
	    !csn_utf8_ok(v.p, v.len)) {
		r->bad = 1;
		v.p = NULL;
		v.len = 0;
	}
	return v;
}

const uint8_t *
csn_claim_bytes(struct csn_reader *r, size_t len)
{
	const uint8_t *p;
	size_t n = 0;

	p = csn_cbor_get_bytes(r, &n);
	if (p == NULL || n != len) {
		r->bad = 1;
		return NULL;
	}
	return p;
}
