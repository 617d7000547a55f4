/* SPDX-License-Identifier: Apache-2.0 */
/* Many SHA3-256 at once are the same bytes as one by one. */
#include <caisson/advanced.h>
#include <caisson/tree.h>

#include "crypto/cpu.h"
#include "crypto/crypto.h"
#include "crypto/sha3_lanes.h"
#include "lib/test.h"

#define MANY 11
#define LONGEST 70000

static struct csn_ctx *ctx;
static uint8_t *bytes;

BEFORE_ALL
{
	size_t i;
	uint64_t x = 1;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	assert_non_null(bytes = malloc(MANY * (LONGEST + 1)));
	for (i = 0; i < MANY * (LONGEST + 1); i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(x >> 56);
	}
}

AFTER_ALL
{
	free(bytes);
	csn_ctx_free(ctx);
}

/* n messages of len bytes, odd places included, against one at a time. */
static void
same(size_t n, size_t len, int prefix)
{
	uint8_t out[MANY * CSN_HASH_SIZE], one[CSN_HASH_SIZE];
	uint8_t *copy = malloc(len + 1);
	const uint8_t *data[MANY];
	size_t i;

	assert_non_null(copy);
	for (i = 0; i < n; i++)
		data[i] = bytes + i * (LONGEST + 1);
	assert_int_equal(csn_sha3_256_many(ctx, data, n, len, prefix, out),
	    0);
	for (i = 0; i < n; i++) {
		copy[0] = (uint8_t)prefix;
		memcpy(copy + (prefix >= 0), data[i], len);
		assert_int_equal(csn_sha3_256(ctx, copy, len + (prefix >= 0),
		    one), 0);
		assert_memory_equal(out + i * CSN_HASH_SIZE, one,
		    sizeof(one));
	}
	free(copy);
}

TEST(every_short_length_is_as_openssl_hashes_it)
{
	size_t len;

	for (len = 0; len <= 420; len++) {
		same(4, len, -1);
		same(4, len, 0);
		same(4, len, 1);
	}
}

TEST(block_edges_of_long_messages)
{
	static const size_t blocks[] = { 7, 30, 481, 482, 514 };
	size_t i, d;

	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		for (d = 0; d < 5; d++) {
			same(4, blocks[i] * 136 + d - 2, 0);
			same(4, blocks[i] * 136 + d - 2, -1);
		}
	same(4, 4096, 0);
	same(4, 65536, 0);
}

TEST(any_number_of_messages)
{
	size_t n;

	for (n = 0; n <= MANY; n++) {
		same(n, 65, -1);
		same(n, 64, 1);
		same(n, 1000, 255);
	}
}

TEST(random_lengths)
{
	uint64_t x = 42;
	int i;

	for (i = 0; i < 200; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		same(1 + (x >> 40) % 8, (x >> 20) % LONGEST,
		    (int)((x >> 50) % 257) - 1);
	}
}

/* Not only the one that is chosen here: each is some machine's choice. */
TEST(every_kernel_of_this_processor_hashes_as_openssl_does)
{
	uint8_t out[CSN_SHA3_LANES][CSN_HASH_SIZE], one[CSN_HASH_SIZE];
	uint8_t *to[CSN_SHA3_LANES], copy[1201];
	const uint8_t *data[CSN_SHA3_LANES];
	const struct csn_sha3_lanes *k;
	size_t i, j, len;
	int prefix;

	for (j = 0; j < CSN_SHA3_LANES; j++) {
		data[j] = bytes + j * (LONGEST + 1) + j;
		to[j] = out[j];
	}
	for (i = 0; (k = csn_sha3_lanes_at(i)) != NULL; i++) {
		if (!k->available()) {
			printf("# not on this processor: %s\n", k->name);
			continue;
		}
		assert_in_range(k->lanes, 2, CSN_SHA3_LANES);
		for (len = 0; len < sizeof(copy) - 1; len++) {
			prefix = (int)(len % 3) - 1;
			k->hash(data, len, prefix, to);
			for (j = 0; j < k->lanes; j++) {
				copy[0] = (uint8_t)prefix;
				memcpy(copy + (prefix >= 0), data[j], len);
				assert_int_equal(csn_sha3_256(ctx, copy,
				    len + (prefix >= 0), one), 0);
				assert_memory_equal(out[j], one, sizeof(one));
			}
		}
	}
}

TEST(the_narrowest_kernel_that_takes_all_is_chosen)
{
	const struct csn_sha3_lanes *k, *chosen;
	size_t i, n;

	for (n = 2; n <= CSN_SHA3_LANES; n++) {
		chosen = csn_sha3_lanes_for(n);
		for (i = 0; (k = csn_sha3_lanes_at(i)) != NULL; i++) {
			if (!k->available())
				continue;
			assert_non_null(chosen);
			if (k->lanes >= n)
				assert_in_range(chosen->lanes, n, k->lanes);
			else
				assert_true(chosen->lanes >= k->lanes);
		}
	}
}

static int
all_kernels_are_of(enum csn_cpu_level most)
{
	const struct csn_sha3_lanes *k;
	char features[256];
	size_t i;

	csn_cpu_limit(most);
	for (i = 0; (k = csn_sha3_lanes_at(i)) != NULL; i++)
		if (k->available() && (most == CSN_CPU_PLAIN ||
		    strncmp(k->name, "avx512", 6) == 0))
			return 0;
	csn_cpu_features(features, sizeof(features));
	if (strstr(features, "avx512") != NULL ||
	    (most == CSN_CPU_PLAIN && strstr(features, "avx") != NULL))
		return 0;
	same(MANY, 301, 0);
	return 1;
}

TEST(a_switch_of_the_tests_keeps_kernels_out)
{
	const enum csn_cpu_level was = csn_cpu_allows(CSN_CPU_ALL) ?
	    CSN_CPU_ALL : csn_cpu_allows(CSN_CPU_256) ? CSN_CPU_256 :
	    CSN_CPU_PLAIN;

	assert_true(all_kernels_are_of(CSN_CPU_PLAIN));
	assert_true(all_kernels_are_of(CSN_CPU_256));
	csn_cpu_limit(was);
}

TEST(wrong_arguments_are_refused)
{
	const uint8_t *data[1] = { bytes };
	uint8_t out[CSN_HASH_SIZE];

	assert_int_equal(csn_sha3_256_many(ctx, NULL, 1, 1, 0, out),
	    CSN_E_ARG);
	assert_int_equal(csn_sha3_256_many(ctx, data, 1, 1, 256, out),
	    CSN_E_ARG);
	assert_int_equal(csn_sha3_256_many(ctx, data, 1, 1, -2, out),
	    CSN_E_ARG);
	assert_int_equal(csn_sha3_256_many(ctx, data, 1, 1, 0, NULL),
	    CSN_E_ARG);
	assert_non_null(csn_sha3_kernel(ctx));
}
