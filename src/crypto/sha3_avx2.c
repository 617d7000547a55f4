/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/sha3_avx2.c - SHA3-256 of four messages in AVX2's registers. */
#include "crypto/cpu.h"
#include "crypto/sha3_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define LANES 4
#define TARGET __attribute__((target("avx2")))

typedef __m256i lanes;

#define XOR(a, b) _mm256_xor_si256(a, b)
#define XOR3(a, b, c) XOR(XOR(a, b), c)
#define ROL(a, n) _mm256_or_si256(_mm256_slli_epi64(a, n), \
    _mm256_srli_epi64(a, 64 - (n)))
#define CHI(a, b, c) XOR(a, _mm256_andnot_si256(b, c))
#define ALL(x) _mm256_set1_epi64x((long long)(x))

#include "crypto/sha3_absorb4.inc"
#include "crypto/sha3_rounds.inc"

static int
available(void)
{
	return csn_cpu_allows(CSN_CPU_256) && __builtin_cpu_supports("avx2");
}

const struct csn_sha3_lanes csn_sha3_avx2 = {
	"avx2x4", LANES, available, hash_lanes
};

#endif
