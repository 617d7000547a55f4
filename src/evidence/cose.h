/* SPDX-License-Identifier: Apache-2.0 */
/* evidence/cose.h - a COSE_Sign1 message taken apart. */
#ifndef CSN_EVIDENCE_COSE_H
#define CSN_EVIDENCE_COSE_H

#include <caisson/evidence.h>

/* Everything points into the message. Nothing in it is verified. */
struct csn_cose {
	int alg;		/* enum csn_sign */
	const char *kid;
	size_t kid_len;
	const char *typ;
	size_t typ_len;
	const uint8_t *header;	/* the protected header, encoded */
	size_t header_len;
	const uint8_t *payload;
	size_t payload_len;
	const uint8_t *sig;
	size_t sig_len;
};

/* CSN_E_FORM, CSN_E_LIMIT, or CSN_E_ALGORITHM for an alg not known here. */
CSN_MUST_CHECK int csn_cose_parse(struct csn_ctx *ctx, const uint8_t *msg,
    size_t len, struct csn_cose *out);

/*
 * csn_cose_sign() and csn_cose_parse() with another limit than CSN_COSE_MAX
 * on the message, for purposes that have one of their own (above 64 KiB).
 */
CSN_MUST_CHECK int csn_cose_sign_max(struct csn_ctx *ctx,
    const struct csn_sign_key *key, const char *kid, const char *typ,
    const uint8_t *payload, size_t payload_len, size_t max, uint8_t **out,
    size_t *out_len);
CSN_MUST_CHECK int csn_cose_parse_max(struct csn_ctx *ctx,
    const uint8_t *msg, size_t len, size_t max, struct csn_cose *out);

/* The rest of csn_cose_verify(): typ, alg, signature, in this order. */
CSN_MUST_CHECK int csn_cose_check(struct csn_ctx *ctx,
    const struct csn_sign_key *key, const char *typ,
    const struct csn_cose *msg);

/* The COSE algorithm (RFC 9964) of an enum csn_sign and back; 0 for none. */
int csn_cose_of_sign(int sign);
int csn_cose_to_sign(int64_t alg);

#endif
