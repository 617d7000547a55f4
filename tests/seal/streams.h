/* SPDX-License-Identifier: Apache-2.0 */
/* tests/seal/streams.h - whole streams at once, for the tests. */
#ifndef CAISSON_TESTS_SEAL_STREAMS_H
#define CAISSON_TESTS_SEAL_STREAMS_H

#include <caisson/seal.h>

#define STREAMS_SEGMENT 4096u	/* the smallest there is */

/* A context; a local session of tenant id in that replay mode. */
struct csn_ctx *streams_ctx(void);
struct csn_session *streams_session(struct csn_ctx *ctx, const char *id,
    uint32_t replay);
/* A second session object with the same keys, as after a restart. */
struct csn_session *streams_again(struct csn_ctx *ctx, struct csn_session *s,
    uint32_t replay);

/* len bytes that differ from place to place; free. */
uint8_t *streams_data(size_t len);

/*
 * A sealed stream: header, then each segment with its tag. n segments in
 * all; segment i is the bytes from at[i] to at[i + 1].
 */
struct streams_sealed {
	uint8_t *p;
	size_t len;
	size_t n;
	size_t at[34];
};
void streams_seal(struct csn_session *s, const uint8_t *name,
    const uint8_t *data, size_t len, struct streams_sealed *out);
void streams_free(struct streams_sealed *sealed);

/*
 * Open a stream from its pieces; on success data must be what comes out. The
 * output of each failed pull must be zero. The error, or 0 where it ended.
 */
int streams_open(struct csn_session *s, const uint8_t *name,
    const struct streams_sealed *sealed, const uint8_t *data, size_t len);

#endif
