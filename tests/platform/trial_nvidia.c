/* SPDX-License-Identifier: Apache-2.0 */
/* tests/platform/trial_nvidia.c - trial_nvidia.h. */
#include "platform/trial_nvidia.h"

struct fake_spdm *
begin_nvidia(struct trial *t, enum fake_spdm_kind kind,
    const struct fake_bytes *dice, const struct fake_spdm_options *o)
{
	struct fake_spdm *s = fake_spdm_new_of(kind, dice);

	trial_start(t, CSN_PLATFORM_NVIDIA);
	t->evidence = fake_spdm_evidence(s, NULL, o);
	t->certs[0] = fake_spdm_chain(s);
	t->root = fake_spdm_root(s);
	return s;
}

void
end_nvidia(struct trial *t, struct fake_spdm *s)
{
	fake_spdm_free(s);
	trial_end(t);
}
