/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_report_read.c - reports, read alone: an input as one, and as the
 * claims in one whose signature nobody made.
 */
#include "base/cbor.h"
#include "report.h"

static void
wrapped(struct csn_ctx *ctx, const uint8_t *claims, size_t len)
{
	static uint8_t sig[2420];	/* ML-DSA-44's */
	struct csn_cbor_map m;
	struct csn_out header, w;

	csn_out_init(&header);
	csn_cbor_map_begin(&header, &m);
	csn_cbor_key_int(&m, 1);
	csn_cbor_int(&header, csn_cose_of_sign(CSN_SIGN_ML_DSA_44));
	csn_cbor_key_int(&m, 4);
	csn_cbor_bytes(&header, (const uint8_t *)"did:pqaid:x", 11);
	csn_cbor_key_int(&m, 16);
	csn_cbor_text(&header, CSN_REPORT_TYP);
	csn_cbor_map_end(&m);
	csn_out_init(&w);
	csn_cbor_tag(&w, 18);
	csn_cbor_array(&w, 4);
	csn_cbor_bytes(&w, header.p, header.len);
	csn_put_u8(&w, 0xa0);
	csn_cbor_bytes(&w, claims, len);
	csn_cbor_bytes(&w, sig, sizeof(sig));
	check(csn_out_ok(&header) && csn_out_ok(&w));
	fuzz_report(ctx, w.p, w.len);
	csn_out_wipe(&header);
	csn_out_wipe(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();

	if (len > 65536)
		return 0;
	fuzz_report(ctx, data, len);
	wrapped(ctx, data, len);
	return 0;
}
