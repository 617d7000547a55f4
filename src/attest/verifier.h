/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verifier.h - a verifier, and one run of it over one report. */
#ifndef CSN_ATTEST_VERIFIER_H
#define CSN_ATTEST_VERIFIER_H

#include <pthread.h>

#include "attest/nonces.h"
#include "attest/policy.h"
#include "attest/report.h"
#include "platform/endorsements.h"

struct csn_verifier {
	struct csn_ctx *ctx;
	struct csn_trust *trust;
	const struct csn_policy *policy;
	struct csn_endorsements *endorsements;	/* or NULL */
	char *cache;				/* or NULL */
	uint64_t skew_ms;
	pthread_mutex_t lock;		/* of the nonces */
	struct csn_nonces *nonces;
};

/*
 * One run. A check goes into result as it is made; rc is the first failure
 * to put one there, which ends the run.
 */
struct csn_check_run {
	struct csn_ctx *ctx;
	struct csn_verifier *v;
	const struct csn_report *report;
	struct csn_result *result;
	const char *workload;
	uint64_t at_ms;
	unsigned flags;
	int rc;
};

/* Note what a check gave: code, and where that is not 0 the sentence. */
void csn_check_note(struct csn_check_run *run, const char *name, int code);
void csn_check_skip(struct csn_check_run *run, const char *name,
    const char *why);

/* A check for each region of policy and report. */
void csn_check_regions(struct csn_check_run *run);
/* A check or more for each platform's evidence. */
void csn_check_platforms(struct csn_check_run *run,
    const struct csn_sign_key *key);

#endif
