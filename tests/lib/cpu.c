/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/lib/cpu.c - CAISSON_TEST_CPU=plain or =256: every test program then
 * uses kernels of its own for no more than that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cpu.h"

__attribute__((constructor))
static void
limit_cpu(void)
{
	const char *level = getenv("CAISSON_TEST_CPU");

	if (level == NULL || *level == '\0')
		return;
	if (strcmp(level, "plain") == 0) {
		csn_cpu_limit(CSN_CPU_PLAIN);
	} else if (strcmp(level, "256") == 0) {
		csn_cpu_limit(CSN_CPU_256);
	} else {
		fprintf(stderr, "CAISSON_TEST_CPU is plain or 256\n");
		exit(2);
	}
}
