/* SPDX-License-Identifier: Apache-2.0 */
/* attest/report.h - a report's claims, written and taken apart. */
#ifndef CSN_ATTEST_REPORT_H
#define CSN_ATTEST_REPORT_H

#include <caisson/attest.h>

#include "base/cursor.h"
#include "evidence/cose.h"
#include "identity/claims.h"

/* Registered for EAT (RFC 9711). */
#define CSN_CLAIM_EAT_NONCE 10
#define CSN_CLAIM_UEID 256
#define CSN_CLAIM_MEASUREMENTS 273
/* Ours, in the range for private use. */
#define CSN_CLAIM_WORKLOAD -70020
#define CSN_CLAIM_PLATFORM -70021
#define CSN_CLAIM_REGIONS -70022
#define CSN_CLAIM_EVIDENCE -70023
#define CSN_CLAIM_ROUND -70024
#define CSN_CLAIM_FULL -70025

/* Members of a region. */
#define CSN_REGION_ID 1
#define CSN_REGION_DESCRIPTION 2
#define CSN_REGION_ADDRESS 3
#define CSN_REGION_SIZE 4
#define CSN_REGION_PROTECTION 5
#define CSN_REGION_TAKEN 6
#define CSN_REGION_TREE 7	/* [leaf size, root] */
#define CSN_REGION_LEAVES 8
#define CSN_REGION_IMMUTABLE 9

/* A measured component (application/measured-component+cbor). */
#define CSN_CONTENT_MEASURED 295	/* CoAP Content-Format */
#define CSN_MEASURED_ID 1
#define CSN_MEASURED_DIGEST 2
#define CSN_DIGEST_SHA3_256 10	/* Named Information Hash Algorithms */

#define CSN_UEID_RAND 1		/* RFC 9711, 4.2.1.1 */
#define CSN_UEID_SIZE 33
#define CSN_REPORT_DATA_SIZE 64
#define CSN_EVIDENCE_MAX 8	/* platforms in a report */
#define CSN_PLATFORM_NAME_MAX 32

/* One region. Views into the report. */
struct csn_report_region {
	struct csn_view id;
	struct csn_view description;
	uint64_t address;
	uint64_t size;
	uint64_t taken_ms;
	uint32_t protection;
	uint32_t leaf;		/* 0 without a tree */
	int immutable;
	const uint8_t *tree;	/* root, or NULL */
	const uint8_t *flat;	/* or NULL */
	const uint8_t *leaves;	/* nleaves times 32 bytes, or NULL */
	size_t nleaves;
};

struct csn_report_evidence {
	struct csn_view platform;
	const uint8_t *p;
	size_t len;
	const uint8_t *certs;
	size_t certs_len;
};

/* Views into the report; nothing in it is verified. */
struct csn_report {
	struct csn_cose cose;
	struct csn_view iss;
	struct csn_view workload;
	struct csn_view platform;
	const uint8_t *ueid;	/* CSN_UEID_SIZE bytes */
	const uint8_t *nonce;	/* or NULL */
	size_t nonce_len;
	uint64_t issued_ms;
	uint64_t expires_ms;
	uint64_t round;
	int full;
	struct csn_report_region *regions;	/* its own */
	size_t nregions;
	struct csn_report_evidence evidence[CSN_EVIDENCE_MAX];
	size_t nevidence;
};

/* CSN_E_FORM, CSN_E_LIMIT, CSN_E_VERSION, CSN_E_ALGORITHM. Free it after
 * success alone. */
CSN_MUST_CHECK int csn_report_parse(struct csn_ctx *ctx, const uint8_t *p,
    size_t len, struct csn_report *out);
void csn_report_free(struct csn_report *r);

/* The region of that id, or NULL. */
const struct csn_report_region *csn_report_find(const struct csn_report *r,
    const char *id);

/* SHA3-256 of the claims without the evidence: what evidence binds. */
CSN_MUST_CHECK int csn_report_body_hash(struct csn_ctx *ctx,
    const struct csn_report *r, uint8_t out[CSN_HASH_SIZE]);
/* The report-data that a platform's evidence has to carry. */
CSN_MUST_CHECK int csn_report_data(struct csn_ctx *ctx, const uint8_t *nonce,
    size_t nonce_len, const struct csn_sign_key *key,
    const uint8_t body[CSN_HASH_SIZE], uint8_t out[CSN_REPORT_DATA_SIZE]);
/* The ueid of whoever holds key. */
CSN_MUST_CHECK int csn_report_ueid(struct csn_ctx *ctx,
    const struct csn_sign_key *key, uint8_t out[CSN_UEID_SIZE]);

/* 1 for 1 to 32 of a-z, 0-9, '-'. */
int csn_platform_name_ok(const char *s, size_t len);

/* --- writing ------------------------------------------------------------ */

struct csn_report_facts {
	const char *iss;
	const char *workload;
	const char *platform;
	const uint8_t *ueid;
	const uint8_t *nonce;	/* or NULL */
	size_t nonce_len;
	uint64_t issued_ms;
	uint64_t expires_ms;
	uint64_t round;
	int full;
	const struct csn_report_region *regions;
	size_t nregions;
};

/* The claims but the evidence, as one map. */
CSN_MUST_CHECK int csn_report_write(struct csn_ctx *ctx,
    const struct csn_report_facts *facts, struct csn_out *w);
/* The same claims and n platforms' evidence. */
CSN_MUST_CHECK int csn_report_write_evidence(struct csn_ctx *ctx,
    const struct csn_out *body, const struct csn_report_evidence *evidence,
    size_t n, struct csn_out *w);

#endif
