/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx.c - the region provider of a guest of Intel TDX. Its evidence is a
 * quote, which configfs-tsm alone gives: the TDREPORT of /dev/tdx_guest has a
 * MAC that only the same processor can check, so it is no evidence for
 * anybody elsewhere and is not put into a report (<caisson/guest.h> gives it).
 */
#include "providers/region/provider.h"
#include "providers/region/tee/tee.h"

#define HEADER 48
#define V5_BODY_HEADER 6	/* type u16, size u32 */
#define BODY_SIZE 584
#define REPORT_DATA 520		/* in the body */

static const uint8_t *
report_data(const uint8_t *p, size_t len)
{
	size_t body = HEADER;

	if (len < HEADER + V5_BODY_HEADER + BODY_SIZE)
		return NULL;
	if (p[0] == 5 && p[1] == 0)
		body += V5_BODY_HEADER;
	return p + body + REPORT_DATA;
}

const struct csn_tee_kind csn_tee_tdx = {
	.name = "tdx", .driver = "tdx_guest", .report_data = report_data
};

static int
tdx_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	return csn_tee_open(ctx, &csn_tee_tdx, &csn_tee_system, rest, state);
}

const struct csn_region_provider csn_region_tdx = {
	.abi = CSN_REGION_ABI, .name = "tdx", .platform = "tdx",
	.open = tdx_open, .list = csn_tee_list,
	.begin = csn_tee_begin, .end = csn_tee_end,
	.read = csn_tee_read, .map = csn_tee_map,
	.evidence = csn_tee_evidence, .close = csn_tee_close
};
