/*
 * crypto/sha3_rounds.h - one kernel of SHA3-256 in lanes, for one instruction
 * set. The file that includes it defines before:
 *
 *   LANES		states side by side
 *   lanes		the type of a register: one word of each state
 *   TARGET		the attribute that gives a function the instructions
 *   XOR XOR3 ROL CHI	of registers; CHI(a, b, c) is a ^ (~b & c)
 *   ALL(x)		a register of LANES times x
 *   absorb(a, p)	XOR a block of RATE bytes of each message p[i] into a
 *
 * and gets hash_lanes().
 */
#include <string.h>

#include <caisson/context.h>

#define RATE 136		/* bytes of a block: 1600 / 8 - 2 * 32 */

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

/*
 * One row of the next state: the five words that theta, rho and pi bring to
 * it (their places i and turns n), through chi. Only lane (0, 0) is not
 * turned.
 */
#define ROW(out, i0, b0_, i1, n1, i2, n2, i3, n3, i4, n4) do { \
	lanes b0 = b0_(XOR(s[i0], d[(i0) % 5])); \
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

#define TURN0(x) (x)
#define TURN28(x) ROL(x, 28)
#define TURN1(x) ROL(x, 1)
#define TURN27(x) ROL(x, 27)
#define TURN62(x) ROL(x, 62)

/* One round from s to t; word x + 5 y is lane (x, y) of FIPS 202. */
#define ROUND(s_, t_, rc) do { \
	lanes *s = (s_), *t = (t_); \
	lanes c[5], d[5]; \
	c[0] = XOR3(XOR3(s[0], s[5], s[10]), s[15], s[20]); \
	c[1] = XOR3(XOR3(s[1], s[6], s[11]), s[16], s[21]); \
	c[2] = XOR3(XOR3(s[2], s[7], s[12]), s[17], s[22]); \
	c[3] = XOR3(XOR3(s[3], s[8], s[13]), s[18], s[23]); \
	c[4] = XOR3(XOR3(s[4], s[9], s[14]), s[19], s[24]); \
	d[0] = XOR(c[4], ROL(c[1], 1)); \
	d[1] = XOR(c[0], ROL(c[2], 1)); \
	d[2] = XOR(c[1], ROL(c[3], 1)); \
	d[3] = XOR(c[2], ROL(c[4], 1)); \
	d[4] = XOR(c[3], ROL(c[0], 1)); \
	ROW(0, 0, TURN0, 6, 44, 12, 43, 18, 21, 24, 14); \
	t[0] = XOR(t[0], ALL(rc)); \
	ROW(5, 3, TURN28, 9, 20, 10, 3, 16, 45, 22, 61); \
	ROW(10, 1, TURN1, 7, 6, 13, 25, 19, 8, 20, 18); \
	ROW(15, 4, TURN27, 5, 36, 11, 10, 17, 15, 23, 56); \
	ROW(20, 2, TURN62, 8, 55, 14, 39, 15, 41, 21, 2); \
} while (0)

TARGET static void
permute(lanes a[25])
{
	lanes e[25];
	int i;

	for (i = 0; i < 24; i += 2) {
		ROUND(a, e, RC[i]);
		ROUND(e, a, RC[i + 1]);
	}
}

TARGET static void
hash_lanes(const uint8_t *const *data, size_t len, int prefix,
    uint8_t *const *out)
{
	uint8_t last[LANES][RATE];
	const uint8_t *p[LANES];
	lanes a[25];
	uint64_t w[LANES];
	size_t at = 0, head = 0, n;
	int i, k;

	memset(a, 0, sizeof(a));
	for (k = 0; k < LANES; k++)
		p[k] = last[k];
	if (prefix >= 0) {
		/* The prefix shifts the first block by one byte. */
		head = 1;
		if (len >= RATE - 1) {
			for (k = 0; k < LANES; k++) {
				last[k][0] = (uint8_t)prefix;
				memcpy(last[k] + 1, data[k], RATE - 1);
			}
			absorb(a, p);
			permute(a);
			at = RATE - 1;
			head = 0;
		}
	}
	for (; head == 0 && len - at >= RATE; at += RATE) {
		for (k = 0; k < LANES; k++)
			p[k] = data[k] + at;
		absorb(a, p);
		permute(a);
	}
	/* What is left, with FIPS 202's padding of SHA-3. */
	n = len - at;
	memset(last, 0, sizeof(last));
	for (k = 0; k < LANES; k++) {
		if (head != 0)
			last[k][0] = (uint8_t)prefix;
		if (n != 0)
			memcpy(last[k] + head, data[k] + at, n);
		last[k][head + n] = 0x06;
		last[k][RATE - 1] |= 0x80;
		p[k] = last[k];
	}
	absorb(a, p);
	permute(a);
	for (i = 0; i < 4; i++) {
		memcpy(w, &a[i], sizeof(w));
		for (k = 0; k < LANES; k++)
			memcpy(out[k] + i * 8, &w[k], 8);
	}
	/* The memory that is measured may hold secrets. */
	csn_wipe(last, sizeof(last));
	csn_wipe(a, sizeof(a));
}
