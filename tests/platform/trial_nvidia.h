/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/platform/trial_nvidia.h - a trial of a made-up GPU's evidence, which
 * is good as it stands.
 */
#ifndef CAISSON_TESTS_PLATFORM_TRIAL_NVIDIA_H
#define CAISSON_TESTS_PLATFORM_TRIAL_NVIDIA_H

#include "platform/evidence.h"
#include "platform/fake_spdm.h"

/* kind, dice: as fake_spdm_new_of() has them; o: as fake_spdm_evidence(). */
struct fake_spdm *begin_nvidia(struct trial *t, enum fake_spdm_kind kind,
    const struct fake_bytes *dice, const struct fake_spdm_options *o);
void end_nvidia(struct trial *t, struct fake_spdm *s);

#endif
