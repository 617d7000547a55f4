/* SPDX-License-Identifier: Apache-2.0 */
/* identity/claims.h - the numbers of the claims that Caisson signs. */
#ifndef CSN_IDENTITY_CLAIMS_H
#define CSN_IDENTITY_CLAIMS_H

#include <caisson/context.h>

#include "base/cbor.h"

/* Registered for CWT: RFC 8392, RFC 8747 (cnf), RFC 9200 (scope). */
#define CSN_CLAIM_ISS 1
#define CSN_CLAIM_SUB 2
#define CSN_CLAIM_AUD 3
#define CSN_CLAIM_EXP 4
#define CSN_CLAIM_NBF 5
#define CSN_CLAIM_IAT 6
#define CSN_CLAIM_CTI 7
#define CSN_CLAIM_CNF 8
#define CSN_CLAIM_SCOPE 9

/* Ours, in the range for private use (RFC 8392, 9.1). */
#define CSN_CLAIM_VERSION -70000
#define CSN_CLAIM_NAME -70001
#define CSN_CLAIM_CAPABILITIES -70002
#define CSN_CLAIM_PURPOSES -70003
#define CSN_CLAIM_KEM -70004
#define CSN_CLAIM_MAY_DELEGATE -70010
#define CSN_CLAIM_PARENT -70011

/* COSE_Key (RFC 9052, 7) of an "algorithm key pair" (RFC 9964, 3). */
#define CSN_CNF_COSE_KEY 1
#define CSN_KEY_KTY 1
#define CSN_KEY_ALG 3
#define CSN_KEY_PUB -1
#define CSN_KTY_AKP 7

#define CSN_CLAIMS_VERSION 1

/* The last second of the year 9999: what can be written as text. */
#define CSN_CLAIM_LAST_TIME 253402300799ull

/* A view of text that is not terminated. */
struct csn_view {
	const char *p;
	size_t len;
};

/* Whole seconds as ms; marks the reader bad past the year 9999. */
uint64_t csn_claim_time(struct csn_reader *r);
/* A text of min to max bytes of UTF-8; marks the reader bad. */
struct csn_view csn_claim_text(struct csn_reader *r, size_t min, size_t max);
/* Bytes of that very length; marks the reader bad. */
const uint8_t *csn_claim_bytes(struct csn_reader *r, size_t len);

#endif
