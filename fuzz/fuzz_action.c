/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_action.c - chains of credentials: a chain is good where no check
 * failed, and each of its links was then checked in each way.
 */
#include "identity.h"

static struct csn_trust *trust;

static void
forget(void)
{
	csn_trust_free(trust);
	trust = NULL;
}

static void
start(struct csn_ctx *ctx)
{
	struct csn_trust_entry e = {
		.size = sizeof(e), .purposes = CSN_PURPOSE_ACTION,
	};
	struct csn_sign_key *key;

	if (trust != NULL)
		return;
	key = fuzz_key(ctx, CSN_SIGN_ML_DSA_65, 1);
	e.key = key;
	check(csn_trust_new(ctx, &trust) == 0);
	check(csn_trust_add(ctx, trust, &e) == 0);
	csn_sign_free(key);
	check(atexit(forget) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_result *r;
	char *json;
	int rc;

	start(ctx);
	check(csn_result_new(ctx, &r) == 0);
	/* In the first second of the corpus's credentials. */
	rc = csn_action_verify(ctx, trust, data, len, "kv:open", NULL,
	    "node-1", 1767225600000u, r);
	check(rc == csn_result_code(r));
	check(csn_result_count(r) >= 4);
	if (rc == 0)
		check(csn_result_count(r) >= 1 + 9 + 3);
	csn_result_free(r);
	if (csn_action_json(ctx, data, len, &json) == 0)
		csn_free(json);
	else
		check(rc != 0);
	return 0;
}
