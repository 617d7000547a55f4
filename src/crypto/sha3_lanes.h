/* crypto/sha3_lanes.h - SHA3-256 of several messages of one length at once. */
#ifndef CSN_CRYPTO_SHA3_LANES_H
#define CSN_CRYPTO_SHA3_LANES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Four messages side by side in the 64-bit lanes of AVX2 registers: the
 * Keccak-f[1600] permutation (FIPS 202) works on 25 words, and four states
 * fit word by word. Bulk hashing of memory is what this is for; the suite in
 * tests/crypto compares it with OpenSSL's SHA3-256 at every length that
 * meets a block's edge.
 */
#define CSN_SHA3_LANES 4

/* 1 where this processor has what csn_sha3_256_x4 needs. */
int csn_sha3_x4_available(void);

/*
 * out[i] = SHA3-256(prefix, data[i]) for the four i; each data[i] has len
 * bytes. prefix is a byte, or -1 for none. Only where available.
 */
void csn_sha3_256_x4(const uint8_t *const data[4], size_t len, int prefix,
    uint8_t *const out[4]);

#endif
