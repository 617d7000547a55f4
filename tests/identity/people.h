/* SPDX-License-Identifier: Apache-2.0 */
/* tests/identity/people.h - identities that are the same in every run. */
#ifndef CAISSON_TESTS_IDENTITY_PEOPLE_H
#define CAISSON_TESTS_IDENTITY_PEOPLE_H

#include <caisson/identity.h>

/* The tests' Unix time in ms; it starts on 2026-01-01T00:00:00Z. */
#define PEOPLE_START 1767225600000ull
extern uint64_t people_now;

/* A context whose clocks both show people_now; that of the time since boot
 * never goes back. */
struct csn_ctx *people_ctx(void);

/*
 * An identity whose keys come from seeds made of the byte n: ML-DSA of
 * sign, ML-KEM of kem. Its document is valid for 400 days.
 */
struct csn_identity *people_make(struct csn_ctx *ctx, uint8_t n, int sign,
    int kem, const char *name);
/* ML-DSA-44 and ML-KEM-512, which is quickest. */
struct csn_identity *people_quick(struct csn_ctx *ctx, uint8_t n,
    const char *name);

/* An entry that trusts id for purposes, added to trust. */
void people_trust(struct csn_ctx *ctx, struct csn_trust *trust,
    const struct csn_identity *id, uint32_t purposes);

#endif
