/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/report.h - what the targets of reports share. */
#ifndef FUZZ_REPORT_H
#define FUZZ_REPORT_H

#include <caisson/attest.h>

#include "attest/report.h"
#include "identity.h"

/* A report must hold what its parser promises to those who use it. */
static inline void
fuzz_report(struct csn_ctx *ctx, const uint8_t *report, size_t len)
{
	uint8_t body[CSN_HASH_SIZE];
	struct csn_policy *made;
	struct csn_report r;
	size_t i;
	char *json;

	if (csn_report_parse(ctx, report, len, &r) != 0) {
		check(csn_report_json(ctx, report, len, &json) != 0);
		return;
	}
	check(r.nregions <= CSN_REGIONS_MAX && r.expires_ms > r.issued_ms);
	for (i = 0; i < r.nregions; i++) {
		check(r.regions[i].size > 0 && r.regions[i].id.len > 0);
		check(r.regions[i].tree != NULL || r.regions[i].flat != NULL);
		check(r.regions[i].leaves == NULL ||
		    r.regions[i].nleaves == (r.regions[i].size - 1) /
		    r.regions[i].leaf + 1);
	}
	check(csn_report_body_hash(ctx, &r, body) == 0);
	check(csn_report_json(ctx, report, len, &json) == 0);
	csn_free(json);
	/* What a report says makes a policy that can be read. */
	check(csn_policy_from_report(ctx, report, len, NULL, &json) == 0);
	check(csn_policy_parse(ctx, json, strlen(json), NULL, &made) == 0);
	csn_policy_free(made);
	csn_free(json);
	csn_report_free(&r);
}

#endif
