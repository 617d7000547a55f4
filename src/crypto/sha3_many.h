/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/sha3_many.h - a few SHA3-256 at a time, in lanes where there are. */
#ifndef CSN_CRYPTO_SHA3_MANY_H
#define CSN_CRYPTO_SHA3_MANY_H

#include "crypto/crypto.h"
#include "crypto/sha3_lanes.h"

/* One thread's: lanes, and OpenSSL's SHA3-256 for what does not fill them. */
struct csn_many {
	struct csn_ctx *ctx;
	struct csn_hash *one;	/* made when it is needed */
};

void csn_many_start(struct csn_many *m, struct csn_ctx *ctx);
/*
 * out[i] = SHA3-256(prefix, data[i]) for n of 1 to CSN_SHA3_LANES messages
 * of len bytes; prefix is a byte, or -1 for none. An output may lie in its
 * own or an earlier input.
 */
CSN_MUST_CHECK int csn_many_hash(struct csn_many *m,
    const uint8_t *const *data, size_t n, size_t len, int prefix,
    uint8_t *const *out);
void csn_many_end(struct csn_many *m);

#endif
