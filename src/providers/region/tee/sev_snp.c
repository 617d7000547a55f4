/* SPDX-License-Identifier: Apache-2.0 */
/* tee/sev_snp.c - the region provider of a guest of AMD SEV-SNP. */
#include "providers/region/provider.h"
#include "guest/sev_guest.h"
#include "providers/region/tee/tee.h"

#define REPORT_SIZE 0x4a0
#define REPORT_DATA 0x50

static const uint8_t *
report_data(const uint8_t *p, size_t len)
{
	return len < REPORT_SIZE ? NULL : p + REPORT_DATA;
}

const struct csn_tee_kind csn_tee_sev_snp = {
	.name = "sev_snp", .driver = "sev_guest", .report_data = report_data,
	.device = CSN_SEV_GUEST_PATH, .what = CSN_SEV_GUEST_WHAT,
	.ask = csn_sev_guest_report
};

static int
sev_snp_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	return csn_tee_open(ctx, &csn_tee_sev_snp, &csn_tee_system, rest,
	    state);
}

const struct csn_region_provider csn_region_sev_snp = {
	.abi = CSN_REGION_ABI, .name = "sev_snp", .platform = "sev-snp",
	.open = sev_snp_open, .list = csn_tee_list,
	.begin = csn_tee_begin, .end = csn_tee_end,
	.read = csn_tee_read, .map = csn_tee_map,
	.evidence = csn_tee_evidence, .close = csn_tee_close
};
