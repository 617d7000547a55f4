/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto/sha3_avx512.c - SHA3-256 of eight messages in 512-bit registers.
 *
 * AVX-512 rotates in one instruction, and takes three operands in one for
 * theta's sums and for chi.
 */
#include "crypto/cpu.h"
#include "crypto/sha3_kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <string.h>

#include <immintrin.h>

#define LANES 8
#define AHEAD 1024
#define TARGET __attribute__((target("avx512f")))

typedef __m512i lanes;

#define XOR(a, b) _mm512_xor_si512(a, b)
#define XOR3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define ROL(a, n) _mm512_rol_epi64(a, n)
#define CHI(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0xd2)
#define ALL(x) _mm512_set1_epi64((long long)(x))

/* Eight words of each of eight messages, turned from messages to words. */
TARGET static void
turn(lanes r[8])
{
	lanes t[8], u[8];
	int i;

	/* Pairs of words, then of pairs, then of quarters. */
	for (i = 0; i < 8; i += 2) {
		t[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
	}
	for (i = 0; i < 8; i += 4) {
		u[i] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0x88);
		u[i + 1] = _mm512_shuffle_i64x2(t[i + 1], t[i + 3], 0x88);
		u[i + 2] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0xdd);
		u[i + 3] = _mm512_shuffle_i64x2(t[i + 1], t[i + 3], 0xdd);
	}
	for (i = 0; i < 4; i++) {
		r[i] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0x88);
		r[i + 4] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0xdd);
	}
}

/* XOR a block of 136 bytes of each of the eight messages in. */
TARGET static void
absorb(lanes a[25], const uint8_t *const p[8])
{
	lanes r[8];
	uint64_t w[8];
	int i, k;

	for (i = 0; i < 16; i += 8) {
		for (k = 0; k < 8; k++)
			r[k] = _mm512_loadu_si512(p[k] + i * 8);
		turn(r);
		for (k = 0; k < 8; k++)
			a[i + k] = XOR(a[i + k], r[k]);
	}
	for (k = 0; k < 8; k++) {
		memcpy(&w[k], p[k] + 128, 8);
		/* Eight streams are more than are fetched ahead unasked. */
		_mm_prefetch((const char *)p[k] + AHEAD, _MM_HINT_T0);
		_mm_prefetch((const char *)p[k] + AHEAD + 64, _MM_HINT_T0);
	}
	a[16] = XOR(a[16], _mm512_loadu_si512(w));
}

#include "crypto/sha3_rounds.inc"

static int
available(void)
{
	return csn_cpu_allows(CSN_CPU_ALL) &&
	    __builtin_cpu_supports("avx512f");
}

const struct csn_sha3_lanes csn_sha3_avx512 = {
	"avx512x8", LANES, available, hash_lanes
};

#endif
