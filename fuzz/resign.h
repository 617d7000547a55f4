/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz/resign.h - a signed message whose payload was edited and signed anew
 * by the same key, so that what reads it behind the signature is reached.
 */
#ifndef FUZZ_RESIGN_H
#define FUZZ_RESIGN_H

#include "edit.h"
#include "evidence/cose.h"
#include "identity.h"

/* *out is csn_free'd. 1 where the payload is another. */
static inline int
fuzz_resign(struct csn_ctx *ctx, const struct csn_sign_key *key,
    const uint8_t *msg, size_t len, struct csn_reader *r, uint8_t **out,
    size_t *out_len)
{
	struct csn_cose c;
	char *kid, *typ;
	uint8_t *p;
	size_t cap, n;
	int changed;

	check(csn_cose_parse(ctx, msg, len, &c) == 0);
	cap = c.payload_len + 64;
	p = malloc(cap);
	kid = strndup(c.kid, c.kid_len);
	typ = strndup(c.typ, c.typ_len);
	check(p != NULL && kid != NULL && typ != NULL);
	memcpy(p, c.payload, n = c.payload_len);
	changed = fuzz_edit(r, p, &n, cap);
	check(csn_cose_sign(ctx, key, kid, typ, p, n, out, out_len) == 0);
	free(typ);
	free(kid);
	free(p);
	return changed;
}

#endif
