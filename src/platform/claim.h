/* SPDX-License-Identifier: Apache-2.0 */
/* platform/claim.h - a platform's evidence within a report, verified. */
#ifndef CSN_PLATFORM_CLAIM_H
#define CSN_PLATFORM_CLAIM_H

#include <caisson/crypto.h>

#include "platform/endorsements.h"

struct json_t;

/* What one platform's evidence has to prove. */
struct csn_platform_claim {
	const char *platform;	/* "sev-snp", "tdx", "nvidia", … */
	const uint8_t *evidence;
	size_t len;
	const uint8_t *certs;	/* as the provider gave them; len may be 0 */
	size_t certs_len;
	const uint8_t *report_data;	/* 64 bytes that it has to carry */
	uint64_t at_ms;		/* Unix */
	uint32_t require;	/* CSN_REQUIRE_* beside what always is */
	const struct json_t *rules;	/* the policy's "platform", that was
					   checked, or NULL */
	const struct csn_endorsements *own;	/* the verifier's, or NULL */
	const char *cache;	/* of certificates, or NULL */
};

/**
 * Verify it and add each check to result, named "platform NAME …". What is
 * wrong with the evidence is a failed check; the return value is 0 but where
 * a check could not be added.
 */
CSN_MUST_CHECK int csn_platform_check(struct csn_ctx *ctx,
    const struct csn_platform_claim *claim, struct csn_result *result);

#endif
