/* SPDX-License-Identifier: Apache-2.0 */
/* raw_hash.h - SHA3-256 and ML-DSA-65 as a program calls OpenSSL itself. */
#ifndef CSN_BENCH_RAW_HASH_H
#define CSN_BENCH_RAW_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Algorithms and a key that are made once; the program ends on any error. */
void raw_hash_start(void);
void raw_hash_stop(void);

/* SHA3-256 of len bytes, one context for all. */
void raw_sha3_256(const void *p, size_t len, uint8_t out[32]);
/* One ML-DSA-65 signature of len bytes, kept; and one verified. */
void raw_dsa_sign(const void *p, size_t len);
void raw_dsa_verify(const void *p, size_t len);

#endif
