/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_trust.c - the trust store's file: what is accepted has only entries
 * that are whole.
 */
#include "identity.h"
#include "identity/trust.h"

static int
entry(void *arg, const struct csn_trust_entry *e)
{
	check(e->key != NULL && e->purposes != 0);
	check((e->tenant_id != NULL) ==
	    ((e->purposes & CSN_PURPOSE_TENANT) != 0));
	check((e->kem != NULL) == (e->document != NULL));
	check(csn_did_matches(arg, e->did, e->key));
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_trust *trust = NULL;

	if (csn_trust_parse(ctx, (const char *)data, len, &trust) == 0) {
		check(csn_trust_each(trust, entry, ctx) == 0);
		csn_trust_free(trust);
	} else {
		check(trust == NULL);
	}
	return 0;
}
