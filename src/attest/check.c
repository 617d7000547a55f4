/* SPDX-License-Identifier: Apache-2.0 */
/* attest/check.c - the checks of one run, as they are made. */
#include "attest/verifier.h"
#include "base/fail.h"
#include "evidence/result.h"

void
csn_check_note(struct csn_check_run *run, const char *name, int code)
{
	if (run->rc == 0)
		run->rc = csn_result_add(run->result, name, code == 0 ?
		    CSN_CHECK_PASSED : CSN_CHECK_FAILED, code, code == 0 ?
		    NULL : csn_message());
}

void
csn_check_skip(struct csn_check_run *run, const char *name,
    const char *why)
{
	if (run->rc == 0)
		run->rc = csn_result_add(run->result, name,
		    CSN_CHECK_SKIPPED, 0, why);
}
