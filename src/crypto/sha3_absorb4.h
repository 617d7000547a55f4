/* crypto/sha3_absorb4.h - a block of four messages, for sha3_rounds.h. */
#include <string.h>

TARGET static lanes
load(const void *p)
{
	return _mm256_loadu_si256((const lanes *)p);
}

/* XOR a block of 136 bytes of each of the four messages in. */
TARGET static void
absorb(lanes a[25], const uint8_t *const p[4])
{
	lanes r0, r1, r2, r3, u0, u1, u2, u3;
	uint64_t w[4];
	int i, k;

	/* Four words of each at a time, turned from messages to words. */
	for (i = 0; i < 16; i += 4) {
		r0 = load(p[0] + i * 8);
		r1 = load(p[1] + i * 8);
		r2 = load(p[2] + i * 8);
		r3 = load(p[3] + i * 8);
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
	for (k = 0; k < 4; k++)
		memcpy(&w[k], p[k] + 128, 8);
	a[16] = XOR(a[16], load(w));
}
