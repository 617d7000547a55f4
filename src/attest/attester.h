/* SPDX-License-Identifier: Apache-2.0 */
/* attest/attester.h - an attester from inside. */
#ifndef CSN_ATTEST_ATTESTER_H
#define CSN_ATTEST_ATTESTER_H

#include <caisson/attest.h>

#include "attest/report.h"

/* One region as it was last measured. Its strings and its tree are its own. */
struct csn_measured {
	struct csn_region region;
	struct csn_tree *tree;	/* NULL where only the flat hash is taken */
	uint8_t root[CSN_HASH_SIZE];
	uint8_t flat[CSN_HASH_SIZE];
	uint64_t taken_ms;
	int valid;		/* there was a measurement */
	int changed;		/* it differed from the one before */
};

struct csn_evidence_source {
	char *platform;
	csn_evidence_fn fn;
	void *arg;
};

struct csn_attester {
	struct csn_ctx *ctx;
	struct csn_regions *regions;
	struct csn_attester_options o;	/* workload is ours */
	struct csn_measured *items;
	size_t n;
	size_t cap;
	struct csn_range *ranges;	/* room for what dirty tells */
	uint64_t round;		/* measurements so far */
	uint64_t since_full;	/* rounds since everything was read */
	int valid;		/* the last measurement succeeded */
	int full;		/* it read everything */
	int untold;		/* what changed before it failed still counts */
	uint64_t hashed;
	uint64_t total;
	struct csn_evidence_source sources[CSN_EVIDENCE_MAX - 1];
	size_t nsources;
};

#define CSN_MAX_RANGES 65536	/* past it a region is read as a whole */

/* 0, or CSN_E_CANCELLED where the measurement is called off. */
CSN_MUST_CHECK int csn_measure_go_on(const struct csn_attester *a);

/* Measure one region; full 0: only what was written, where that is known. */
CSN_MUST_CHECK int csn_measure_region(struct csn_attester *a,
    struct csn_measured *m, int full);

/*
 * csn_report_deliver(), which a readable stop ends too (CSN_E_CANCELLED).
 */
CSN_MUST_CHECK int csn_report_deliver_until(struct csn_ctx *ctx,
    const char *url, const uint8_t *report, size_t len, int stop);

#endif
