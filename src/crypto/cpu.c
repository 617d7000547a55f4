/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/cpu.c - what of the processor matters to this room. */
#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "crypto/cpu.h"
#include "crypto/crypto.h"

static atomic_int level = CSN_CPU_ALL;

void
csn_cpu_limit(enum csn_cpu_level most)
{
	atomic_store(&level, (int)most);
}

int
csn_cpu_allows(enum csn_cpu_level wanted)
{
	return (int)wanted <= atomic_load_explicit(&level,
	    memory_order_relaxed);
}

/* Append name; one that does not fit is left out whole. */
static void
add(char *out, size_t cap, const char *name)
{
	size_t used = strlen(out), len = strlen(name);

	if (used + (used != 0) + len >= cap)
		return;
	if (used != 0)
		out[used++] = ' ';
	memcpy(out + used, name, len + 1);
}

#if defined(__x86_64__) || defined(__i386__)

static void
features(char *out, size_t cap)
{
	unsigned a, b, c, d;
	int avx2, avx512;

	/* These two also ask whether the system saves their registers. */
	__builtin_cpu_init();
	avx2 = csn_cpu_allows(CSN_CPU_256) && __builtin_cpu_supports("avx2");
	avx512 = csn_cpu_allows(CSN_CPU_ALL) &&
	    __builtin_cpu_supports("avx512f");
	if (__get_cpuid(1, &a, &b, &c, &d)) {
		if (c & (1u << 25))
			add(out, cap, "aes");
		if (c & (1u << 1))
			add(out, cap, "pclmulqdq");
	}
	if (avx2)
		add(out, cap, "avx2");
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return;
	/* Of no use without 256-bit registers. */
	if (avx2 && (c & (1u << 9)))
		add(out, cap, "vaes");
	if (avx2 && (c & (1u << 10)))
		add(out, cap, "vpclmulqdq");
	if (avx512)
		add(out, cap, "avx512f");
	if (b & (1u << 29))
		add(out, cap, "sha_ni");
}

#elif defined(__aarch64__)

static void
features(char *out, size_t cap)
{
	unsigned long hw = getauxval(AT_HWCAP);

	if (hw & HWCAP_AES)
		add(out, cap, "aes");
	if (hw & HWCAP_PMULL)
		add(out, cap, "pmull");
	if (hw & HWCAP_SHA2)
		add(out, cap, "sha2");
	if (hw & HWCAP_SHA3)
		add(out, cap, "sha3");
	if (hw & HWCAP_SVE)
		add(out, cap, "sve");
}

#else

static void
features(char *out, size_t cap)
{
	(void)out;
	(void)cap;
}

#endif

void
csn_cpu_features(char *out, size_t cap)
{
	if (cap == 0)
		return;
	out[0] = '\0';
	features(out, cap);
}
