/* crypto/sha3_lanes.c - SHA3-256 of several messages of one length at once. */
#include <string.h>

#include <caisson/context.h>

#include "crypto/sha3_lanes.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define RATE 136		/* bytes of a block: 1600 / 8 - 2 * 32 */
#define AVX2 __attribute__((target("avx2")))

typedef __m256i lanes;		/* one word of four states */

/* FIPS 202, 3.2.5. */
static const uint64_t RC[24] = {
	UINT64_C(0x0000000000000001), UINT64_C(0x0000000000008082),
	UINT64_C(0x800000000000808a), UINT64_C(0x8000000080008000),
	UINT64_C(0x000000000000808b), UINT64_C(0x0000000080000001),
	UINT64_C(0x8000000080008081), UINT64_C(0x8000000000008009),
	UINT64_C(0x000000000000008a), UINT64_C(0x0000000000000088),
	UINT64_C(0x0000000080008009), UINT64_C(0x000000008000000a),
	UINT64_C(0x000000008000808b), UINT64_C(0x800000000000008b),
	UINT64_C(0x8000000000008089), UINT64_C(0x8000000000008003),
	UINT64_C(0x8000000000008002), UINT64_C(0x8000000000000080),
	UINT64_C(0x000000000000800a), UINT64_C(0x800000008000000a),
	UINT64_C(0x8000000080008081), UINT64_C(0x8000000000008080),
	UINT64_C(0x0000000080000001), UINT64_C(0x8000000080008008),
};

#define XOR(a, b) _mm256_xor_si256(a, b)
#define ROL(a, n) _mm256_or_si256(_mm256_slli_epi64(a, n), \
    _mm256_srli_epi64(a, 64 - (n)))
/* a ^ (~b & c) */
#define CHI(a, b, c) XOR(a, _mm256_andnot_si256(b, c))

/*
 * One row of the next state: the five words that theta, rho and pi bring to
 * it (their places i and turns n), through chi.
 */
#define ROW(out, i0, n0, i1, n1, i2, n2, i3, n3, i4, n4) do { \
	lanes b0 = (n0) == 0 ? XOR(s[i0], d[(i0) % 5]) : \
	    ROL(XOR(s[i0], d[(i0) % 5]), (n0) == 0 ? 1 : (n0)); \
	lanes b1 = ROL(XOR(s[i1], d[(i1) % 5]), n1); \
	lanes b2 = ROL(XOR(s[i2], d[(i2) % 5]), n2); \
	lanes b3 = ROL(XOR(s[i3], d[(i3) % 5]), n3); \
	lanes b4 = ROL(XOR(s[i4], d[(i4) % 5]), n4); \
	t[(out)] = CHI(b0, b1, b2); \
	t[(out) + 1] = CHI(b1, b2, b3); \
	t[(out) + 2] = CHI(b2, b3, b4); \
	t[(out) + 3] = CHI(b3, b4, b0); \
	t[(out) + 4] = CHI(b4, b0, b1); \
} while (0)

/* One round from s to t; word x + 5 y is lane (x, y) of FIPS 202. */
#define ROUND(s_, t_, rc) do { \
	lanes *s = (s_), *t = (t_); \
	lanes c[5], d[5]; \
	c[0] = XOR(XOR(XOR(s[0], s[5]), XOR(s[10], s[15])), s[20]); \
	c[1] = XOR(XOR(XOR(s[1], s[6]), XOR(s[11], s[16])), s[21]); \
	c[2] = XOR(XOR(XOR(s[2], s[7]), XOR(s[12], s[17])), s[22]); \
	c[3] = XOR(XOR(XOR(s[3], s[8]), XOR(s[13], s[18])), s[23]); \
	c[4] = XOR(XOR(XOR(s[4], s[9]), XOR(s[14], s[19])), s[24]); \
	d[0] = XOR(c[4], ROL(c[1], 1)); \
	d[1] = XOR(c[0], ROL(c[2], 1)); \
	d[2] = XOR(c[1], ROL(c[3], 1)); \
	d[3] = XOR(c[2], ROL(c[4], 1)); \
	d[4] = XOR(c[3], ROL(c[0], 1)); \
	ROW(0, 0, 0, 6, 44, 12, 43, 18, 21, 24, 14); \
	t[0] = XOR(t[0], _mm256_set1_epi64x((long long)(rc))); \
	ROW(5, 3, 28, 9, 20, 10, 3, 16, 45, 22, 61); \
	ROW(10, 1, 1, 7, 6, 13, 25, 19, 8, 20, 18); \
	ROW(15, 4, 27, 5, 36, 11, 10, 17, 15, 23, 56); \
	ROW(20, 2, 62, 8, 55, 14, 39, 15, 41, 21, 2); \
} while (0)

AVX2 static void
permute(lanes a[25])
{
	lanes e[25];
	int i;

	for (i = 0; i < 24; i += 2) {
		ROUND(a, e, RC[i]);
		ROUND(e, a, RC[i + 1]);
	}
}

AVX2 static lanes
load(const uint8_t *p)
{
	return _mm256_loadu_si256((const lanes *)(const void *)p);
}

/* XOR a block of each of the four messages in. */
AVX2 static void
absorb(lanes a[25], const uint8_t *p0, const uint8_t *p1, const uint8_t *p2,
    const uint8_t *p3)
{
	lanes r0, r1, r2, r3, u0, u1, u2, u3;
	uint64_t w[4];
	int i;

	/* Four words of each at a time, turned from messages to words. */
	for (i = 0; i < 16; i += 4) {
		r0 = load(p0 + i * 8);
		r1 = load(p1 + i * 8);
		r2 = load(p2 + i * 8);
		r3 = load(p3 + i * 8);
		u0 = _mm256_unpacklo_epi64(r0, r1);
		u1 = _mm256_unpackhi_epi64(r0, r1);
		u2 = _mm256_unpacklo_epi64(r2, r3);
		u3 = _mm256_unpackhi_epi64(r2, r3);
		a[i] = XOR(a[i], _mm256_permute2x128_si256(u0, u2, 0x20));
		a[i + 1] = XOR(a[i + 1],
		    _mm256_permute2x128_si256(u1, u3, 0x20));
		a[i + 2] = XOR(a[i + 2],
		    _mm256_permute2x128_si256(u0, u2, 0x31));
		a[i + 3] = XOR(a[i + 3],
		    _mm256_permute2x128_si256(u1, u3, 0x31));
	}
	memcpy(&w[0], p0 + 128, 8);
	memcpy(&w[1], p1 + 128, 8);
	memcpy(&w[2], p2 + 128, 8);
	memcpy(&w[3], p3 + 128, 8);
	a[16] = XOR(a[16], load((const uint8_t *)w));
}

int
csn_sha3_x4_available(void)
{
	return __builtin_cpu_supports("avx2");
}

AVX2 void
csn_sha3_256_x4(const uint8_t *const data[4], size_t len, int prefix,
    uint8_t *const out[4])
{
	uint8_t last[4][RATE];
	lanes a[25];
	uint64_t w[4];
	size_t at = 0, head = 0, n;
	int i, k;

	for (i = 0; i < 25; i++)
		a[i] = _mm256_setzero_si256();
	if (prefix >= 0) {
		/* The prefix shifts the first block by one byte. */
		head = 1;
		if (len >= RATE - 1) {
			for (k = 0; k < 4; k++) {
				last[k][0] = (uint8_t)prefix;
				memcpy(last[k] + 1, data[k], RATE - 1);
			}
			absorb(a, last[0], last[1], last[2], last[3]);
			permute(a);
			at = RATE - 1;
			head = 0;
		}
	}
	for (; head == 0 && len - at >= RATE; at += RATE) {
		absorb(a, data[0] + at, data[1] + at, data[2] + at,
		    data[3] + at);
		permute(a);
	}
	/* What is left, with FIPS 202's padding of SHA-3. */
	n = len - at;
	memset(last, 0, sizeof(last));
	for (k = 0; k < 4; k++) {
		if (head != 0)
			last[k][0] = (uint8_t)prefix;
		if (n != 0)
			memcpy(last[k] + head, data[k] + at, n);
		last[k][head + n] = 0x06;
		last[k][RATE - 1] |= 0x80;
	}
	absorb(a, last[0], last[1], last[2], last[3]);
	permute(a);
	for (i = 0; i < 4; i++) {
		_mm256_storeu_si256((lanes *)(void *)w, a[i]);
		for (k = 0; k < 4; k++)
			memcpy(out[k] + i * 8, &w[k], 8);
	}
	/* The memory that is measured may hold secrets. */
	csn_wipe(last, sizeof(last));
	csn_wipe(a, sizeof(a));
}

#else

int
csn_sha3_x4_available(void)
{
	return 0;
}

void
csn_sha3_256_x4(const uint8_t *const data[4], size_t len, int prefix,
    uint8_t *const out[4])
{
	(void)data;
	(void)len;
	(void)prefix;
	(void)out;
}

#endif
