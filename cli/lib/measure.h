/* SPDX-License-Identifier: Apache-2.0 */
/* cli/lib/measure.h - how fast something goes, in a short time. */
#ifndef CLI_MEASURE_H
#define CLI_MEASURE_H

#include "cli.h"

/**
 * Call work(arg) again and again for about ms, in rounds; *per_second is
 * the median round's calls a second. Stops early at a signal. What work
 * returned where that was not 0.
 */
int measure(int (*work)(void *arg), void *arg, unsigned ms,
    double *per_second);

/* The same bytes sealed and opened under a local session. */
struct measure_kv {
	struct csn_ctx *ctx;
	struct csn_session *session;
	struct csn_kv_item *items;
	size_t n;
	size_t len;		/* plaintext bytes of one item */
	uint8_t *plain, *sealed, *opened;
};

/**
 * n entries (blocks from 4 KiB up) of len bytes each, half of it K, taken
 * from data over and over; without audit, replay protection on.
 */
int measure_kv_new(struct csn_ctx *ctx, const uint8_t *data, size_t data_len,
    size_t n, size_t len, struct measure_kv *m);
int measure_kv_seal(void *arg);
int measure_kv_open(void *arg);
/** 1 where what was opened last is what was sealed. */
int measure_kv_same(const struct measure_kv *m);
void measure_kv_free(struct measure_kv *m);

/** The most memory this process ever held, in bytes; 0 where unknown. */
uint64_t measure_peak_memory(void);

#endif
