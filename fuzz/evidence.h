/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz/evidence.h - what the targets of platform evidence share. An input is
 * up to six pieces, each a u32 length and bytes: evidence, certificates,
 * root, collateral, policy, nonce; what is cut off is not given.
 */
#ifndef FUZZ_EVIDENCE_H
#define FUZZ_EVIDENCE_H

#include <caisson/platform.h>

#include "base/cursor.h"
#include "identity.h"

static inline struct csn_bytes
fuzz_piece(struct csn_reader *r)
{
	struct csn_bytes b = { NULL, 0 };
	uint32_t len = csn_read_u32(r);

	if (len > r->left)
		len = (uint32_t)r->left;
	b.p = csn_read_view(r, len);
	b.len = b.p != NULL ? len : 0;
	return b;
}

/* A verdict is whole: its code is that of the first check that failed. */
static inline void
fuzz_verdict(struct csn_ctx *ctx, int rc, const struct csn_result *result)
{
	char *json;

	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_VERSION ||
	    rc == CSN_E_ALGORITHM || rc == CSN_E_SIGNER ||
	    rc == CSN_E_SIGNATURE || rc == CSN_E_EXPIRED ||
	    rc == CSN_E_REPLAY || rc == CSN_E_POLICY || rc == CSN_E_LIMIT ||
	    rc == CSN_E_ARG);
	if (rc == CSN_E_ARG) {
		check(csn_result_count(result) == 0);
		return;
	}
	check(csn_result_count(result) > 0);
	check(csn_result_code(result) == rc);
	check(csn_result_json(ctx, result, &json) == 0);
	csn_free(json);
}

static inline void
fuzz_evidence(int platform, const uint8_t *data, size_t len)
{
	struct csn_platform_options o = { .size = sizeof(o) };
	struct csn_bytes evidence, certs, root, collateral, policy, nonce;
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_result *result;
	struct csn_reader r;
	const char *name;
	char *json;
	int rc, status = CSN_CHECK_FAILED, shown;

	csn_reader_init(&r, data, len);
	evidence = fuzz_piece(&r);
	certs = fuzz_piece(&r);
	root = fuzz_piece(&r);
	collateral = fuzz_piece(&r);
	policy = fuzz_piece(&r);
	nonce = fuzz_piece(&r);
	if (evidence.p == NULL)
		return;
	o.certs = &certs;
	o.ncerts = certs.len > 0 ? 1 : 0;
	o.root = root.len > 0 ? &root : NULL;
	o.collateral = &collateral;
	o.ncollateral = collateral.len > 0 ? 1 : 0;
	if (policy.len > 0) {
		o.policy_json = (const char *)policy.p;
		o.policy_len = policy.len;
	}
	if (nonce.len > 0) {
		o.nonce = nonce.p;
		o.nonce_len = nonce.len;
	}
	check(csn_result_new(ctx, &result) == 0);
	rc = csn_platform_verify(ctx, platform, evidence.p, evidence.len, &o,
	    result);
	fuzz_verdict(ctx, rc, result);
	/* What can be read can be shown, and the other way round. */
	shown = csn_platform_json(ctx, platform, evidence.p, evidence.len,
	    &json);
	if (shown == 0)
		csn_free(json);
	if (csn_result_get(result, 0, &name, &status, NULL) == 0)
		check((shown == 0) == (status == CSN_CHECK_PASSED));
	csn_result_free(result);
}

#endif
