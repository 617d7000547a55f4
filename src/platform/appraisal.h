/* SPDX-License-Identifier: Apache-2.0 */
/* platform/appraisal.h - one piece of platform evidence being verified. */
#ifndef CSN_PLATFORM_APPRAISAL_H
#define CSN_PLATFORM_APPRAISAL_H

#include <caisson/platform.h>

#include "crypto/x509.h"

struct json_t;

/* A root that is trusted by the SHA-256 of its SubjectPublicKeyInfo. */
struct csn_pin {
	const char *name;
	uint8_t spki[CSN_SHA256_SIZE];
};

struct csn_vendor;

struct csn_appraisal {
	struct csn_ctx *ctx;
	struct csn_result *result;
	const struct csn_vendor *vendor;
	const char *prefix;	/* of each check's name, or NULL */
	const uint8_t *evidence;
	size_t len;
	struct csn_platform_options o;
	uint64_t at_ms;
	struct csn_pki *pki;	/* certificates and CRLs that were given */
	struct csn_pki *roots;	/* of options.root; empty without it */
	struct csn_pki *chain;	/* the evidence's own, once it has verified */
	const struct csn_pin *pin;	/* of its root; NULL for a given one */
	const struct json_t *rules;	/* the policy's, by platform, or NULL */
	int policy_given;	/* though it may say nothing of platforms */
	const struct json_t *policy;	/* its part on this platform, or NULL */
	uint32_t asked;		/* CSN_REQUIRE_* of the policy's own */
	int first;		/* the first failed check's code */
	int broken;		/* what went wrong on our own side */
	char why[256];		/* of the first failed check */
};

/*
 * Each adds one check. What goes wrong on our side (memory) is kept in
 * a->broken, so that a verifier reads from top to bottom.
 */
void csn_appraise_pass(struct csn_appraisal *a, const char *name,
    const char *fmt, ...) CSN_PRINTF(3, 4);
void csn_appraise_skip(struct csn_appraisal *a, const char *name,
    const char *fmt, ...) CSN_PRINTF(3, 4);
void csn_appraise_fail(struct csn_appraisal *a, const char *name, int code,
    const char *fmt, ...) CSN_PRINTF(4, 5);
/* Passed with this sentence where rc is 0, else failed with the context's. */
int csn_appraise_rc(struct csn_appraisal *a, const char *name, int rc,
    const char *fmt, ...) CSN_PRINTF(4, 5);
/*
 * The certificates and collateral that were given, into a->pki, and the roots
 * to those. The check "certificates" fails where one cannot be read.
 */
int csn_appraise_read_given(struct csn_appraisal *a);
/* The same where the certificates were read before, with rc. */
int csn_appraise_read_rest(struct csn_appraisal *a, int rc);
/*
 * Skipped as not given, or failed where one of bits is required: by
 * options.require, or by the policy's word on collateral.
 */
void csn_appraise_missing(struct csn_appraisal *a, const char *name,
    uint32_t bits, const char *what);

/*
 * field is what the evidence holds: 64 bytes of report data, 32 of SPDM, or
 * the extraData of a TPM.
 */
void csn_appraise_nonce(struct csn_appraisal *a, const uint8_t *field,
    size_t len);
/*
 * Checks "chain" from leaf to the given root or a pinned one, and
 * "revocation" against the CRLs given; leaf_too says that the leaf's issuer
 * publishes one for it. 0 where the chain is good and a->chain is set.
 */
int csn_appraise_chain(struct csn_appraisal *a, const struct csn_cert *leaf,
    int leaf_too);
/*
 * As above without checks, for what else the vendor signs: 0 or the code,
 * with the context's sentence. chain is an empty set.
 */
CSN_MUST_CHECK int csn_trusted_chain(struct csn_appraisal *a,
    const struct csn_cert *leaf, struct csn_pki *chain,
    const struct csn_pin **pin);

/**
 * Verify the evidence of a, whose vendor, evidence, options, result and rules
 * are set: every check of it, in its order. As csn_platform_verify().
 */
CSN_MUST_CHECK int csn_appraise(struct csn_appraisal *a);

#endif
