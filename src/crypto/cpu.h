/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/cpu.h - how much of the processor this library's own code uses. */
#ifndef CSN_CRYPTO_CPU_H
#define CSN_CRYPTO_CPU_H

enum csn_cpu_level {
	CSN_CPU_PLAIN = 0,	/* what each processor of the kind has */
	CSN_CPU_256,		/* and registers of 256 bits */
	CSN_CPU_ALL,
};

/*
 * For tests alone: code that was only ever run on a new processor is not known
 * to work on an old one. OpenSSL has OPENSSL_ia32cap and glibc GLIBC_TUNABLES
 * for this; the tests' CAISSON_TEST_CPU ends here. Before anything is hashed.
 */
void csn_cpu_limit(enum csn_cpu_level most);

/* 1 where code of that level may be chosen, if the processor has it. */
int csn_cpu_allows(enum csn_cpu_level level);

#endif
