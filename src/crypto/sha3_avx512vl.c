/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto/sha3_avx512vl.c - SHA3-256 of four messages in 256-bit registers
 * with AVX-512's rotations and three-operand logic, for what would leave half
 * of the eight lanes empty.
 */
#include "crypto/cpu.h"
#include "crypto/sha3_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define LANES 4
#define TARGET __attribute__((target("avx512f,avx512vl")))

typedef __m256i lanes;

#define XOR(a, b) _mm256_xor_si256(a, b)
#define XOR3(a, b, c) _mm256_ternarylogic_epi64(a, b, c, 0x96)
#define ROL(a, n) _mm256_rol_epi64(a, n)
#define CHI(a, b, c) _mm256_ternarylogic_epi64(a, b, c, 0xd2)
#define ALL(x) _mm256_set1_epi64x((long long)(x))

#include "crypto/sha3_absorb4.inc"
#include "crypto/sha3_rounds.inc"

static int
available(void)
{
	return csn_cpu_allows(CSN_CPU_ALL) &&
	    __builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512vl");
}

const struct csn_sha3_lanes csn_sha3_avx512vl = {
	"avx512vlx4", LANES, available, hash_lanes
};

#endif
