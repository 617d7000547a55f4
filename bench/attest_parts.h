/* SPDX-License-Identifier: Apache-2.0 */
/* attest_parts.h - the parts of bench_attest in files of their own. */
#ifndef CSN_BENCH_ATTEST_PARTS_H
#define CSN_BENCH_ATTEST_PARTS_H

/* A processor's evidence with its chain, beside the signatures alone. */
void attest_evidence(void);

/* Another process's memory, whose writes the kernel tracks. */
void attest_tracked(void);

#endif
