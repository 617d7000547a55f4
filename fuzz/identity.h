/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/identity.h - what the targets of signed things share. */
#ifndef FUZZ_IDENTITY_H
#define FUZZ_IDENTITY_H

#include <stdlib.h>
#include <string.h>

#include <caisson/identity.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static inline void
check(int holds)
{
	if (!holds)
		abort();
}

/* The clock of the corpus: noon of the day that its documents begin. */
static inline uint64_t
fuzz_clock(void *arg)
{
	(void)arg;
	return 1767225600000u + 43200000u;
}

static struct csn_ctx *fuzz_shared;

static inline void
fuzz_finish(void)
{
	csn_ctx_free(fuzz_shared);
	fuzz_shared = NULL;
}

/* One context for all inputs; made once, freed as the program ends. */
static inline struct csn_ctx *
fuzz_ctx(void)
{
	static const struct csn_clock clock = {
		.size = sizeof(clock), .boot_ms = fuzz_clock,
		.wall_ms = fuzz_clock
	};
	static const struct csn_ctx_options options = {
		.size = sizeof(options), .clock = &clock
	};

	if (fuzz_shared == NULL) {
		check(csn_ctx_new(&options, &fuzz_shared) == 0);
		check(atexit(fuzz_finish) == 0);
	}
	return fuzz_shared;
}

/* The key of the corpus made from a seed of 32 times n. */
static inline struct csn_sign_key *
fuzz_key(struct csn_ctx *ctx, int alg, uint8_t n)
{
	struct csn_sign_key *key;
	uint8_t seed[32];

	memset(seed, n, sizeof(seed));
	check(csn_sign_from_seed(ctx, alg, seed, sizeof(seed), &key) == 0);
	return key;
}

#endif
