/* SPDX-License-Identifier: Apache-2.0 */
/* seal/accept.h - whether a sealed file's front is believed. */
#ifndef CSN_SEAL_ACCEPT_H
#define CSN_SEAL_ACCEPT_H

#include "seal/body.h"
#include "seal/front.h"

/* Who opens, and what is held against the file. */
struct csn_judge {
	struct csn_ctx *ctx;
	const struct csn_identity *identity;	/* NULL: the key is given */
	struct csn_trust *trust;
	uint64_t at_ms;
	uint64_t max_age_ms;
	const uint8_t *data_key;		/* NULL: out of a slot */
};

/*
 * CSN_E_ARG where what is needed is not there. The data key is copied into
 * `kept`, which the caller wipes.
 */
CSN_MUST_CHECK int csn_judge_take(struct csn_ctx *ctx,
    const struct csn_identity *identity, struct csn_trust *trust,
    const struct csn_opener_options *options, struct csn_judge *out,
    uint8_t kept[CSN_KEY_SIZE]);

/* What a front says that was believed, and the body that it opens. */
struct csn_accepted {
	struct csn_sign_key *key;	/* the sealer's, from the trust store */
	char alias[CSN_ALIAS_SIZE];	/* the sealer's */
	char *signer;
	char *type;			/* "" for none */
	uint8_t id[CSN_SEALED_ID];
	uint64_t created_ms;		/* by the sealer's word */
	size_t nslots;
	struct csn_body body;
};

/*
 * The front with its prefix: form, time, signer, signature, slot, key and
 * commitment, in this order. *out is cleared by the caller, also after an
 * error; it begins zeroed.
 */
CSN_MUST_CHECK int csn_accept(const struct csn_judge *judge,
    const uint8_t *p, size_t len, struct csn_accepted *out);
void csn_accepted_clear(struct csn_accepted *a);

/* Fill the facts that a front gives. */
void csn_accepted_facts(const struct csn_accepted *a,
    struct csn_sealed_facts *facts);

#endif
