/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_evidence_view.c - vendors' evidence and what a host's table of
 * certificates holds, read and shown, and nothing verified: the first byte
 * says whose.
 */
#include <jansson.h>

#include "identity.h"
#include "platform/snp.h"
#include "platform/tdx.h"
#include "platform/tpm.h"

static void
parts(struct csn_ctx *ctx, int platform, int shown, const uint8_t *p,
    size_t len)
{
	struct csn_snp_report snp;
	struct csn_tdx_quote tdx;
	struct csn_tpm_quote tpm;
	unsigned i;

	if (platform == CSN_PLATFORM_SEV_SNP) {
		check((csn_snp_parse(ctx, p, len, &snp) == 0) == shown);
	} else if (platform == CSN_PLATFORM_TDX) {
		check((csn_tdx_parse(ctx, p, len, &tdx) == 0) == shown);
		check(!shown || (tdx.len <= len &&
		    tdx.signed_len < tdx.len && tdx.chain >= p &&
		    tdx.chain + tdx.chain_len <= p + tdx.len));
	} else if (platform == CSN_PLATFORM_TPM2) {
		check((csn_tpm_parse(ctx, p, len, &tpm) == 0) == shown);
		for (i = 0; shown && i < CSN_TPM_PCRS; i++)
			(void)csn_tpm_pcr(&tpm, 0x000b, i);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	char *text = NULL;
	json_t *json;
	int platform, rc;

	if (len == 0)
		return 0;
	platform = 1 + data[0] % 4;
	rc = csn_platform_json(ctx, platform, data + 1, len - 1, &text);
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_VERSION ||
	    rc == CSN_E_ALGORITHM);
	if (rc == 0) {
		json = json_loads(text, 0, NULL);
		check(json_is_object(json));
		json_decref(json);
		csn_free(text);
	}
	parts(ctx, platform, rc == 0, data + 1, len - 1);
	return 0;
}
