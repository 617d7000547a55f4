/* SPDX-License-Identifier: Apache-2.0 */
/* attest/nonces.h - the nonces that a verifier gave out. */
#ifndef CSN_ATTEST_NONCES_H
#define CSN_ATTEST_NONCES_H

#include <caisson/attest.h>

#define CSN_CHALLENGE_SIZE 32

/*
 * A bounded memory: each nonce is kept until its time is over, used or not,
 * so that a second use is told from one that was never given out. Not
 * thread-safe.
 */
struct csn_nonces;

/* CSN_E_LIMIT, CSN_E_NOMEM. Times are ms since boot. */
CSN_MUST_CHECK int csn_nonces_new(struct csn_ctx *ctx, uint32_t max,
    uint64_t life_ms, struct csn_nonces **out);
/* CSN_E_RATE where all places are taken; CSN_E_RANDOM. */
CSN_MUST_CHECK int csn_nonces_issue(struct csn_nonces *n, uint64_t now,
    uint8_t out[CSN_CHALLENGE_SIZE]);
/* One that was made elsewhere. CSN_E_EXISTS, CSN_E_RATE. */
CSN_MUST_CHECK int csn_nonces_add(struct csn_nonces *n, uint64_t now,
    const uint8_t *nonce, size_t len);
/*
 * Use one up. CSN_E_REPLAY with a sentence where it was not given out here,
 * was used, or its time is over.
 */
CSN_MUST_CHECK int csn_nonces_use(struct csn_nonces *n, uint64_t now,
    const uint8_t *nonce, size_t len);
void csn_nonces_free(struct csn_nonces *n);

#endif
