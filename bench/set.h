/* SPDX-License-Identifier: Apache-2.0 */
/* set.h - messages of one size, for us and for the reference alike. */
#ifndef CSN_BENCH_SET_H
#define CSN_BENCH_SET_H

#include "bench.h"
#include "raw.h"

/*
 * n messages of len bytes, K and V halves of one buffer. Both sides read the
 * same plaintext and have as much memory of their own for what they seal.
 */
struct bench_set {
	size_t len;
	size_t n;
	size_t stride;		/* of sealed messages */
	uint8_t *plain;
	uint8_t *sealed;
	uint8_t *raw_sealed;
	uint8_t *opened;
	struct csn_kv_item *items;
	struct raw *raw;
	uint64_t raw_sequence;	/* of the first message last sealed */
	struct csn_pool *pool;	/* for set_seal and set_open; NULL */
};

void set_init(struct bench_set *set, size_t len, size_t n,
    const char *tenant_id);
void set_free(struct bench_set *set);

/* The session that all items belong to. */
void set_session(struct bench_set *set, struct csn_session *session);
/* Items read from the plaintext, or are opened to memory of their own. */
void set_to_seal(struct bench_set *set);
void set_to_open(struct bench_set *set);

/* One call: all messages. Each takes a struct bench_set. */
void set_seal(void *set);
void set_open(void *set);
void set_raw_seal(void *set);
void set_raw_open(void *set);
/* The same, message by message. */
void set_seal_single(void *set);
void set_open_single(void *set);

/* "128B", "64KiB", "2MiB" */
const char *set_size_name(size_t len, char text[24]);

#endif
