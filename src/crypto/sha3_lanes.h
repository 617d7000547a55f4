/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/sha3_lanes.h - SHA3-256 of several messages of one length at once. */
#ifndef CSN_CRYPTO_SHA3_LANES_H
#define CSN_CRYPTO_SHA3_LANES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Messages lie side by side in the 64-bit lanes of vector registers: the
 * Keccak-f[1600] permutation (FIPS 202) works on 25 words, and as many states
 * as a register has lanes fit word by word. The suite in tests/crypto compares
 * every kernel that this processor runs with OpenSSL's SHA3-256 at every
 * length that meets a block's edge.
 */
#define CSN_SHA3_LANES 8	/* of the widest kernel */

struct csn_sha3_lanes {
	const char *name;	/* "avx2x4" */
	size_t lanes;		/* messages at once, at most CSN_SHA3_LANES */
	int (*available)(void);	/* 1 where this processor can run it */
	/*
	 * out[i] = SHA3-256(prefix, data[i]) for each lane i; each data[i] has
	 * len bytes. prefix is a byte, or -1 for none.
	 */
	void (*hash)(const uint8_t *const *data, size_t len, int prefix,
	    uint8_t *const *out);
};

/* Kernel i of those this library was built with, or NULL past the last. */
const struct csn_sha3_lanes *csn_sha3_lanes_at(size_t i);

/*
 * The kernel that takes n messages, 2 to CSN_SHA3_LANES, in the least time
 * here; NULL where none is available. It may take fewer than n at once.
 */
const struct csn_sha3_lanes *csn_sha3_lanes_for(size_t n);

#endif
