/* SPDX-License-Identifier: Apache-2.0 */
/* tests/platform/trial_snp.c - trial_snp.h. */
#include "lib/test.h"
#include "platform/trial_snp.h"

struct fake_snp *
begin_snp(struct trial *t, const struct fake_snp_options *o, uint32_t version)
{
	struct fake_snp *s = fake_snp_new(o);

	trial_start(t, CSN_PLATFORM_SEV_SNP);
	t->evidence.p = calloc(1, FAKE_SNP_REPORT);
	assert_non_null(t->evidence.p);
	t->evidence.len = FAKE_SNP_REPORT;
	fake_snp_report(s, version, NULL, t->evidence.p);
	t->certs[0] = fake_snp_certs(s);
	t->root = fake_snp_root(s);
	return s;
}

void
end_snp(struct trial *t, struct fake_snp *s)
{
	fake_snp_free(s);
	trial_end(t);
}
