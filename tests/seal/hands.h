/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/hands.h - sources and sinks in memory, which can be made fail. */
#ifndef CAISSON_TESTS_SEAL_HANDS_H
#define CAISSON_TESTS_SEAL_HANDS_H

#include <pthread.h>

#include <caisson/seal.h>

/* Bytes that are read and written at any place, or in order alone. */
struct hands {
	pthread_mutex_t lock;
	uint8_t *p;
	size_t len;
	size_t cap;
	uint64_t at;		/* the next in order */
	int in_order;
	long fails_at;		/* the call that fails, from 0; -1: none */
	long calls;
};

/* len bytes of data, or none, and room for cap. */
void hands_begin(struct hands *h, const void *data, size_t len, size_t cap);
void hands_end(struct hands *h);
/* Of what is there now. */
struct csn_sealed_io hands_io(struct hands *h, int anywhere);

#endif
