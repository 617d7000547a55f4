/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/platform/evidence.h - verify a piece of evidence in a test, and ask
 * for each check by its name. The includer has cmocka.
 */
#ifndef CAISSON_TESTS_PLATFORM_EVIDENCE_H
#define CAISSON_TESTS_PLATFORM_EVIDENCE_H

#include <caisson/platform.h>

#include "platform/fake_pki.h"

/* What is given to one verification; begins as zeros. */
struct trial {
	struct csn_ctx *ctx;
	int platform;
	struct fake_bytes evidence;
	struct fake_bytes certs[4];	/* where len is not 0 */
	struct fake_bytes root;
	struct fake_bytes collateral[6];
	const uint8_t *nonce;
	size_t nonce_len;
	uint64_t at_ms;
	uint32_t require;
	const char *policy;
	const char *cache;
	struct csn_result *result;	/* of the last verification */
};

/* A context; at_ms is FAKE_NOW_MS. */
void trial_start(struct trial *t, int platform);
/* Everything that is in it, with free(). */
void trial_end(struct trial *t);
/* csn_platform_verify's code. */
int trial_run(struct trial *t);
/* "passed", "failed", "skipped", or "absent". */
const char *trial_status(const struct trial *t, const char *check);
const char *trial_detail(const struct trial *t, const char *check);
/* Fails the test, with all checks shown, where the check is not so. */
void trial_expect(const struct trial *t, const char *check,
    const char *status);
/* Run; expect code, and that this check is the first to fail. */
void trial_refused(struct trial *t, int code, const char *check);
/* The same, and that the check's sentence has says in it; what names it. */
void trial_refused_for(struct trial *t, const char *what, int code,
    const char *check, const char *says);
/* Run; expect that nothing fails. */
void trial_good(struct trial *t);

/* A file of the outside vectors; skips the test where it is not there. */
struct fake_bytes trial_vector(const char *rel);
struct fake_bytes trial_vector_hex(const char *rel);
/* Unix ms of an RFC 3339 time. */
uint64_t trial_time(const char *text);
void trial_set(struct fake_bytes *slot, struct fake_bytes value);

#endif
