/* SPDX-License-Identifier: Apache-2.0 */
/* raw.h - AES-256-GCM as a program calls OpenSSL itself: the reference. */
#ifndef CSN_BENCH_RAW_H
#define CSN_BENCH_RAW_H

#include <stddef.h>
#include <stdint.h>

#define RAW_HEADER 128		/* as much AAD as a sealed message has … */
#define RAW_OVERHEAD 144	/* … and as much room before its bytes */

/*
 * One context for each direction, keyed once; a message sets its IV only.
 * The AAD is as long as Caisson's: a header, and a tail with the tenant id.
 */
struct raw;

struct raw *raw_new(const char *tenant_id);
void raw_free(struct raw *raw);

/* len bytes from in to out + RAW_OVERHEAD; the tag before them. */
void raw_seal(struct raw *raw, uint64_t sequence, const uint8_t *in,
    size_t len, uint8_t *out);
/* The way back; the program ends where a tag does not verify. */
void raw_open(struct raw *raw, uint64_t sequence, const uint8_t *in,
    size_t len, uint8_t *out);

/* Another length of AAD from now on, at most RAW_HEADER. */
void raw_set_aad(struct raw *raw, size_t len);

/* Set another key first, as who has a context for many tenants must. */
void raw_rekey(struct raw *raw, const uint8_t key[32]);

#endif
