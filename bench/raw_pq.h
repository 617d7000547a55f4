/* SPDX-License-Identifier: Apache-2.0 */
/* raw_pq.h - what a handshake is made of, called from OpenSSL itself. */
#ifndef CSN_BENCH_RAW_PQ_H
#define CSN_BENCH_RAW_PQ_H

/* Keys and methods that are made once; the program ends on any error. */
void raw_pq_start(void);
void raw_pq_stop(void);

/*
 * One ML-KEM-768 exchange: key generation, the encapsulation key to bytes and
 * parsed again, encapsulation, decapsulation.
 */
void raw_kem_exchange(void);
/* One ML-DSA-65 signature of a message as long as a handshake's, verified. */
void raw_dsa_round(void);
/* HKDF-Expand (SHA3-256) of one 32-byte key. */
void raw_hkdf_expand(void);

#endif
