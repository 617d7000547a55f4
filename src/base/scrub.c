/* SPDX-License-Identifier: Apache-2.0 */
/* base/scrub.c - what key work leaves in registers and on the stack. */
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/alloc.h"
#include "base/scrub.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51	/* Linux 5.14, 6.x on aarch64; glibc 2.34 */
#endif

#define LEAST ((size_t)16 << 10)
/* A processor that asks for more gets no more: a thread's stack is small. */
#define MOST ((size_t)32 << 10)

#if defined(__x86_64__)

#define V(op, n) op " %%xmm" #n ",%%xmm" #n ",%%xmm" #n "\n\t"

/*
 * A VEX or EVEX form that writes 128 bits clears what is above them, and the
 * processor knows x ^ x: this takes a third of vzeroall's time.
 */
static void
clear_high(void)
{
	__asm__ volatile(
	    V("vpxord", 16) V("vpxord", 17) V("vpxord", 18) V("vpxord", 19)
	    V("vpxord", 20) V("vpxord", 21) V("vpxord", 22) V("vpxord", 23)
	    V("vpxord", 24) V("vpxord", 25) V("vpxord", 26) V("vpxord", 27)
	    V("vpxord", 28) V("vpxord", 29) V("vpxord", 30) V("vpxord", 31)
	    : : :
#ifdef __AVX512F__
	    "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",
	    "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29",
	    "xmm30", "xmm31",
#endif
	    "memory");
}

#define LOW_16 "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", \
    "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", \
    "xmm15", "memory"
#define P(n) "pxor %%xmm" #n ",%%xmm" #n "\n\t"

/* Which there are: the compiler's own tests also ask whether the system saves
 * the registers (XCR0). All processors with AVX-512 but Xeon Phi have its
 * forms for short registers. */
void
csn_clear_vectors(void)
{
	if (__builtin_cpu_supports("avx512vl"))
		clear_high();
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile(
		    V("vpxor", 0) V("vpxor", 1) V("vpxor", 2) V("vpxor", 3)
		    V("vpxor", 4) V("vpxor", 5) V("vpxor", 6) V("vpxor", 7)
		    V("vpxor", 8) V("vpxor", 9) V("vpxor", 10)
		    V("vpxor", 11) V("vpxor", 12) V("vpxor", 13)
		    V("vpxor", 14) V("vpxor", 15) : : : LOW_16);
	else
		__asm__ volatile(P(0) P(1) P(2) P(3) P(4) P(5) P(6) P(7)
		    P(8) P(9) P(10) P(11) P(12) P(13) P(14) P(15)
		    : : : LOW_16);
}

#elif defined(__aarch64__)

#define Z(n) "movi v" #n ".2d,#0\n\t"

/* Writing the 128 bits clears what SVE has above them. */
void
csn_clear_vectors(void)
{
	__asm__ volatile(
	    Z(0) Z(1) Z(2) Z(3) Z(4) Z(5) Z(6) Z(7) Z(8) Z(9) Z(10) Z(11)
	    Z(12) Z(13) Z(14) Z(15) Z(16) Z(17) Z(18) Z(19) Z(20) Z(21)
	    Z(22) Z(23) Z(24) Z(25) Z(26) Z(27) Z(28) Z(29) Z(30) Z(31)
	    : : : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8",
	    "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17",
	    "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
	    "v27", "v28", "v29", "v30", "v31", "memory");
}

#else

void
csn_clear_vectors(void)
{
}

#endif

static size_t
depth(void)
{
	static _Atomic size_t known;
	size_t n = atomic_load_explicit(&known, memory_order_relaxed);

	if (n == 0) {
		n = 2 * (size_t)getauxval(AT_MINSIGSTKSZ);
		n = n < LEAST ? LEAST : n < MOST ? n : MOST;
		atomic_store_explicit(&known, n, memory_order_relaxed);
	}
	return n;
}

/*
 * In pieces, a frame each: below whoever calls csn_scrub(), so not inlined,
 * and not the last thing that a frame does, so that each has its own.
 */
__attribute__((noinline)) static void
overwrite(size_t n)
{
	uint8_t piece[4096];

	explicit_bzero(piece, sizeof(piece));
	if (n > sizeof(piece))
		overwrite(n - sizeof(piece));
	__asm__ volatile("" : : "r"(piece) : "memory");
}

void
csn_scrub(void)
{
	overwrite(depth());
	csn_clear_vectors();
}
