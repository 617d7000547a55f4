/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/platform/trial_snp.h - a trial of a made-up processor's report, which
 * is good as it stands.
 */
#ifndef CAISSON_TESTS_PLATFORM_TRIAL_SNP_H
#define CAISSON_TESTS_PLATFORM_TRIAL_SNP_H

#include "platform/evidence.h"
#include "platform/fake_snp.h"

/* o: as fake_snp_new() has it. The root of its chain is t's. */
struct fake_snp *begin_snp(struct trial *t, const struct fake_snp_options *o,
    uint32_t version);
void end_snp(struct trial *t, struct fake_snp *s);

#endif
