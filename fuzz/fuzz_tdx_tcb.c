/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_tdx_tcb.c - Intel's collateral on a platform that an input describes:
 * what TCB info and the QE's identity say, and what they are worth. The first
 * byte says which; the numbers of the platform follow, then the JSON.
 */
#include <jansson.h>

#include "base/cursor.h"
#include "identity.h"
#include "platform/tdx.h"
#include "platform/vendor.h"

static const uint8_t zero[64];

static void
appraise(struct csn_ctx *ctx, struct csn_reader *r, int qe)
{
	struct csn_tdx_quote q = { .mr_signer_seam = zero,
	    .seam_attributes = zero, .qe = { .misc_select = zero,
	    .attributes = zero, .mr_signer = zero } };
	struct csn_appraisal a = { .ctx = ctx,
	    .vendor = &csn_vendor_tdx };
	struct csn_pck pck = { .pce_svn = csn_read_u8(r) };
	json_t *json;

	csn_read_bytes(r, pck.cpu_svn, sizeof(pck.cpu_svn));
	q.tee_tcb_svn = csn_read_view(r, CSN_TDX_SVNS);
	q.qe.svn = csn_read_u8(r);
	q.qe.product = 2;
	if (!csn_reader_ok(r))
		return;
	json = json_loadb((const char *)r->p, r->left,
	    JSON_REJECT_DUPLICATES, NULL);
	check(csn_result_new(ctx, &a.result) == 0);
	if (qe)
		csn_tdx_appraise_qe(&a, &q, json);
	else
		csn_tdx_appraise_tcb(&a, &q, &pck, json);
	check(a.broken == 0 && csn_result_count(a.result) > 0);
	check(a.first == 0 || a.first == CSN_E_POLICY ||
	    a.first == CSN_E_VERSION || a.first == CSN_E_FORM);
	check(a.first == csn_result_code(a.result));
	check(json != NULL || a.first != 0);
	csn_result_free(a.result);
	json_decref(json);
}

/* The bytes as collateral, as Intel's service answers or in a bundle. */
static void
collateral(struct csn_ctx *ctx, const uint8_t *p, size_t len)
{
	struct csn_bytes blob = { p, len };
	struct csn_appraisal a = { .ctx = ctx,
	    .vendor = &csn_vendor_tdx,
	    .o = { .size = sizeof(a.o), .collateral = &blob,
	    .ncollateral = 1 } };
	struct csn_tdx_collateral c = { .ntcb_infos = 0 };
	static const uint8_t fmspc[6];
	int rc;

	check(csn_result_new(ctx, &a.result) == 0);
	check(csn_pki_new(ctx, &a.pki) == 0);
	rc = csn_tdx_collateral_read(&a, &c);
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_LIMIT);
	check(c.ntcb_infos <= CSN_TDX_TCB_INFOS);
	if (rc == 0)
		check((csn_tdx_tcb_info(&c, fmspc) != NULL) ==
		    (c.ntcb_infos > 0));
	csn_tdx_collateral_free(&c);
	csn_pki_free(a.pki);
	csn_result_free(a.result);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_reader r;
	uint8_t what;

	csn_reader_init(&r, data, len);
	what = csn_read_u8(&r) % 3;
	if (what == 2)
		collateral(ctx, r.p, r.left);
	else
		appraise(ctx, &r, what);
	return 0;
}
